//! A recording client: after each frame that moves it, all it shows, by the offset it stands at.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use nhip_client::{Applied, Client, ClientError, ClientOptions, Keep, Table};
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

/// What a screen shows: by indicator and area.
pub(crate) type Shown = BTreeMap<(String, String), Value>;

/// All a screen showed, by the offset of its frame.
pub(crate) type Recorded = BTreeMap<u64, Shown>;

/// The fields of a row.
const FIELDS: [&str; 10] = ["t", "v", "q", "f", "k", "m", "l", "w", "b", "rev"];

/// A client on a thread of its own.
pub(crate) struct Recorder {
    recorded: Arc<Mutex<Recorded>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Connects a wall that is told every update, as soon as there is one.
    pub(crate) fn start(http: SocketAddr) -> Self {
        let recorded = Arc::new(Mutex::new(Recorded::new()));
        let (stop, stopped) = oneshot::channel();
        let kept = Arc::clone(&recorded);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = record(http, &kept) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { recorded, stop: Some(stop), thread: Some(thread) }
    }

    /// What it shows now.
    pub(crate) fn last(&self) -> Option<Shown> {
        let recorded = self.recorded.lock().expect("no panic");
        recorded.last_key_value().map(|(_, shown)| shown.clone())
    }

    /// Leaves, and gives what it saw.
    pub(crate) fn stop(mut self) -> Recorded {
        if let Some(stop) = self.stop.take() {
            // A killed node ended it before.
            stop.send(()).unwrap_or_default();
        }
        self.thread.take().expect("a thread").join().expect("no panic");
        std::mem::take(&mut *self.recorded.lock().expect("no panic"))
    }
}

/// Until the node ends.
async fn record(http: SocketAddr, recorded: &Mutex<Recorded>) {
    let options = ClientOptions { rate_ms: 0, ..ClientOptions::wall(&http.to_string()) };
    let mut table = Table::new(Keep::Rows);
    Client::load(&options, &mut table).await.expect("a snapshot");
    keep(recorded, &table);
    let mut client = Client::connect(options, table).await.expect("a connection");
    let mut resets = client.table().counters().resets;
    loop {
        let before = client.table().resume();
        let received = match client.next().await {
            Ok(received) => received,
            Err(ClientError::Ended | ClientError::WebSocket(_) | ClientError::Io(_)) => return,
            Err(error) => panic!("{error}"),
        };
        let counters = client.table().counters();
        let told = counters.resets > resets;
        resets = counters.resets;
        assert!(received.applied != Applied::Void || told, "a gap: {}", received.text);
        // A frame that does not move the position is a part of a longer one.
        if client.table().resume().is_some_and(|now| before.is_none_or(|before| before != now)) {
            keep(recorded, client.table());
        }
    }
}

fn keep(recorded: &Mutex<Recorded>, table: &Table) {
    recorded.lock().expect("no panic").insert(table.position(), of_table(table));
}

fn of_table(table: &Table) -> Shown {
    let rows = table.rows().iter().map(|(id, row)| {
        let (indicator, area) = table.key(*id).expect("a key of every row");
        let row = json!({
            "t": row.t, "v": row.v, "q": row.q, "f": row.f, "k": row.k, "m": row.m, "l": row.l, "w": row.w,
            "b": row.b, "rev": row.rev,
        });
        ((indicator.to_owned(), area.to_owned()), row)
    });
    rows.collect()
}

/// The same of a snapshot over HTTP.
pub(crate) fn of_snapshot(snapshot: &Value) -> Shown {
    let rows = keyed_rows(snapshot).into_iter().map(|(key, row)| {
        let row: Map<String, Value> =
            FIELDS.iter().map(|name| ((*name).to_owned(), row[*name].clone())).collect();
        (key, Value::Object(row))
    });
    rows.collect()
}

/// The rows of a snapshot by indicator and area.
pub(crate) fn keyed_rows(snapshot: &Value) -> BTreeMap<(String, String), &Value> {
    let list = |name: &str| snapshot[name].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let rows = list("dict").zip(list("rows"));
    rows.map(|(entry, row)| ((text(&entry["indicator"]), text(&entry["area"])), row)).collect()
}

/// Whether a row has a bit of `f`.
pub(crate) fn flag(row: &Value, bit: u64) -> bool {
    row["f"].as_u64().is_some_and(|flags| flags & bit != 0)
}
