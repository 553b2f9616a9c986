//! Time travel on the real program: at random frames of a recording client, the snapshot of that offset is what the
//! client saw; after `kill -9` it still is.

use std::collections::BTreeMap;
use std::time::Duration;

use nhip_client::{Applied, Client, ClientOptions, Keep, Table};
use nhip_tests::{Node, NodeOptions, get, metric, rounds, seed, until_some};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

/// Frames recorded in CI.
const FRAMES: u32 = 900;
/// Of those, moments asked for again.
const MOMENTS: u32 = 300;
/// Jumps to and fro after the restart.
const JUMPS: u32 = 15;
/// Times asked for instead of offsets.
const TIMES: u32 = 8;

/// What a screen shows: by indicator and area.
type Shown = BTreeMap<(String, String), Value>;

/// A demo at thirty times the pace, with stations that report late, so that closed windows are revised.
fn options(data: &std::path::Path) -> NodeOptions {
    let mut options = NodeOptions::run(data).set("--seed", "11").set("--speed", "30");
    options.command = vec!["demo".to_owned()];
    options
}

#[test]
fn every_frame_of_a_recording_client_can_be_seen_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = options(&directory.path().join("data"));
    let mut node = Node::start(&options).expect("a demo");
    until_some("the demo's past is told", Duration::from_secs(120), || {
        metric(node.http, "nhip_analytics_applied_offset").filter(|offset| *offset > 37_500.0)
    });
    let mut chance = ChaCha8Rng::seed_from_u64(seed("time travel"));
    let recorded = record(&node, rounds("NHIP_TIME_TRAVEL_FRAMES", FRAMES));
    let revised = recorded.values().flat_map(BTreeMap::values).filter(|row| flag(row, 16)).count();
    println!("{} positions, {revised} rows of revised windows", recorded.len());
    let moments = rounds("NHIP_TIME_TRAVEL_MOMENTS", MOMENTS) as usize;
    let mut chosen: Vec<u64> = recorded.keys().copied().collect();
    while chosen.len() > moments {
        chosen.swap_remove(chance.random_range(0..chosen.len()));
    }
    assert!(chosen.len() > 100, "only {} moments", chosen.len());
    // One after the other, as a replay asks for them; the jumps come after the restart.
    chosen.sort_unstable();
    for offset in &chosen {
        compare(&node, *offset, &recorded[offset]);
    }
    node.kill();
    let node = Node::start(&options).expect("it starts again");
    for _ in 0..JUMPS {
        let offset = chosen[chance.random_range(0..chosen.len())];
        compare(&node, offset, &recorded[&offset]);
    }
    times(&node, &mut chance);
    refusals(&node);
}

/// A time is the last Tick not after it: never later, never far before, and the same board as at its offset.
fn times(node: &Node, chance: &mut ChaCha8Rng) {
    let now_ms = past(node, &format!("offset:{}", end(node)))["server_ts"].as_i64().expect("a time");
    let mut asked: Vec<i64> = (0..TIMES).map(|_| now_ms - chance.random_range(1_000..300_000)).collect();
    asked.sort_unstable();
    let mut before = 0;
    for at_ms in asked {
        let at = jiff::Timestamp::from_millisecond(at_ms).expect("a time");
        let shown = past(node, &at.to_string());
        let offset = shown["known_offset"].as_u64().expect("an offset");
        assert!(offset >= before, "{at}: offset {offset} after {before}");
        before = offset;
        let same = past(node, &format!("offset:{offset}"));
        assert_eq!(of_snapshot(&shown), of_snapshot(&same), "{at}: offset {offset}");
        let tick_ms = same["server_ts"].as_i64().expect("a time");
        assert!((0..60_000).contains(&(at_ms - tick_ms)), "{at}: the Tick is {} ms before", at_ms - tick_ms);
        let one_less = past(node, &format!("offset:{}", offset - 1))["server_ts"].as_i64().expect("a time");
        assert!(one_less < tick_ms, "{at}: the last record there is the Tick itself");
    }
}

/// The offset after the last record applied.
fn end(node: &Node) -> u64 {
    metric(node.http, "nhip_analytics_applied_offset").expect("an offset") as u64
}

/// The table of a client at each position it stood at.
fn record(node: &Node, frames: u32) -> BTreeMap<u64, Shown> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let options = ClientOptions::wall(&node.http.to_string());
        let mut table = Table::new(Keep::Rows);
        Client::load(&options, &mut table).await.expect("a snapshot");
        let mut client = Client::connect(options, table).await.expect("a connection");
        let mut recorded = BTreeMap::new();
        for _ in 0..frames {
            let before = client.table().resume().map(|resume| resume.offset);
            let received = client.next().await.expect("a frame");
            assert!(received.applied != Applied::Void, "a gap: {}", received.text);
            // A frame that does not move the position is a part of a longer one.
            let Some(resume) = client.table().resume().filter(|resume| Some(resume.offset) > before) else {
                continue;
            };
            recorded.insert(resume.offset, of_table(client.table()));
        }
        recorded
    })
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

#[track_caller]
fn compare(node: &Node, offset: u64, seen: &Shown) {
    let snapshot = past(node, &format!("offset:{offset}"));
    assert_eq!(snapshot["known_offset"], json!(offset));
    let shown = of_snapshot(&snapshot);
    for (key, seen) in seen {
        assert_eq!(shown.get(key), Some(seen), "offset {offset}, {key:?}: left is the past, right was seen");
    }
    assert_eq!(shown.len(), seen.len(), "offset {offset}");
}

/// The snapshot of a moment. A loaded machine may need longer than one question may take (503); it goes on then.
#[track_caller]
fn past(node: &Node, as_of: &str) -> Value {
    let path = format!("/api/v1/views/main/snapshot?as_of={as_of}");
    until_some("the past is replayed", Duration::from_secs(120), || {
        let (status, body) = get(node.http, &path).expect("an answer");
        assert!(status == 200 || status == 503, "{path}: {status} {body}");
        (status == 200).then(|| serde_json::from_str(&body).expect("JSON"))
    })
}

fn of_snapshot(snapshot: &Value) -> Shown {
    let list = |name: &str| snapshot[name].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let wanted = ["t", "v", "q", "f", "k", "m", "l", "w", "b", "rev"];
    let rows = list("dict").zip(list("rows")).map(|(entry, row)| {
        let row: Map<String, Value> =
            wanted.iter().map(|name| ((*name).to_owned(), row[name].clone())).collect();
        ((text(&entry["indicator"]), text(&entry["area"])), Value::Object(row))
    });
    rows.collect()
}

fn flag(row: &Value, bit: u64) -> bool {
    row["f"].as_u64().is_some_and(|flags| flags & bit != 0)
}

/// Before the first record, in the future, and the moment before the last Tick.
fn refusals(node: &Node) {
    let status = |as_of: &str| {
        let path = format!("/api/v1/views/main/snapshot?as_of={as_of}");
        get(node.http, &path).expect("an answer").0
    };
    assert_eq!(status("offset:0"), 404);
    assert_eq!(status("1990-01-01T00:00:00Z"), 404);
    assert_eq!(status("2190-01-01T00:00:00Z"), 422);
    assert_eq!(status(&format!("offset:{}", end(node) + 1_000_000)), 422);
}
