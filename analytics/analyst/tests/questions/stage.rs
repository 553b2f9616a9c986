//! What the tests stand on: a data directory with sealed rows and records, and a worker over it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use nhip_analyst::{Catalogue, Limits, Worker};
use nhip_history::archive::{Archive, Part};
use nhip_history::series::SeriesStore;
use nhip_ports::contract::row_store::row;
use nhip_ports::memory::{MemoryLog, MemoryRows};
use nhip_ports::{EventLog as _, Landing, RowStore as _};
use nhip_proto::{
    AnalystFormat, AnalystHead, AnalystQuestion, AnalystRefusal, ArrivalTime, Decimal, Dedication, EventTime,
    Item, ItemFlags, ItemName, ItemValue, Message, MessageBody, Offset, Record, Row, RowCause, RowState,
    Sealed, SourceId, StreamId, Tick, partition_of,
};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const HOUR: i64 = 3_600_000_000_000;
/// 2026-11-20T00:00:00Z.
pub(crate) const FIRST: i64 = 1_795_132_800_000_000_000;

pub(crate) const MACHINE: u8 = 1;
pub(crate) const SIMULATED: u8 = 4;

/// A data directory.
pub(crate) struct Stage {
    directory: TempDir,
}

impl Stage {
    /// With a log of this origin, and nothing sealed yet.
    pub(crate) fn new(origin: u8) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut identity = vec![0; 508];
        identity[..8].copy_from_slice(b"NhipLog\0");
        identity[8] = 1;
        identity[28] = origin;
        let sum = crc32c::crc32c(&identity);
        identity.extend(sum.to_le_bytes());
        fs::create_dir_all(directory.path().join("log")).expect("a directory");
        fs::write(directory.path().join("log/identity"), identity).expect("written");
        Self { directory }
    }

    pub(crate) fn data(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn series(&self) -> PathBuf {
        self.data().join("series")
    }

    /// Seals rows, one Tick each batch, every batch in files of its own.
    pub(crate) async fn seal_rows(&self, batches: &[Vec<Row>]) {
        let landing = Arc::new(MemoryRows::default());
        let store = SeriesStore::open(&self.series(), Arc::clone(&landing) as Arc<dyn Landing>).await;
        let store = Arc::new(store.expect("a store"));
        for (tick, rows) in batches.iter().enumerate() {
            store.write(Offset(tick as u64 + 1), rows).await.expect("written");
            landing.close().await.expect("closed");
            store.seal().await.expect("sealed");
        }
    }

    /// Seals records into one archive file.
    pub(crate) async fn seal_records(&self, records: Vec<Record>) {
        let log = MemoryLog::new();
        log.append(records).await.expect("taken").durable().await.expect("durable");
        // A segment is whole when another has begun.
        let tick = Record::Tick(Tick { at: ArrivalTime(FIRST + 100 * HOUR) });
        log.append(vec![tick]).await.expect("taken").durable().await.expect("durable");
        fs::create_dir_all(self.data().join("archive")).expect("a directory");
        let archive = Archive::open(&self.data().join("archive")).expect("opened");
        let [first, second] = log.segments()[..] else { panic!("two segments") };
        let part =
            Part { first: first.first, end: second.first, chain_before: first.chain, chain: second.chain };
        let mut all = Vec::new();
        let limit = nhip_ports::ReadLimit { records_max: usize::MAX, bytes_max: usize::MAX };
        all.extend(log.read(first.first, limit).await.expect("read").iter().cloned());
        let mut read =
            |from: Offset, _| Ok(all.iter().filter(|logged| logged.offset >= from).cloned().collect());
        archive.seal(part, &mut read, &mut |_| true).expect("sealed");
    }

    pub(crate) fn worker(&self, limits: Limits) -> Worker {
        Worker::new(Catalogue::new(self.data()), limits, PathBuf::from(env!("CARGO_BIN_EXE_nhip-analyst")))
    }

    /// The answer to a statement, as JSON.
    pub(crate) async fn json(&self, sql: &str) -> Value {
        let answered = all(&self.worker(Limits::default()), &question(sql)).await;
        let (_, bytes) = answered.unwrap_or_else(|refusal| panic!("{sql}: {}", refusal.message));
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// Its rows.
    pub(crate) async fn rows(&self, sql: &str) -> Value {
        self.json(sql).await["rows"].take()
    }
}

pub(crate) fn question(sql: &str) -> AnalystQuestion {
    AnalystQuestion { sql: sql.to_owned(), from_ns: None, to_ns: None, format: AnalystFormat::Json }
}

/// Head and all bytes of an answer.
pub(crate) async fn all(
    worker: &Worker,
    question: &AnalystQuestion,
) -> Result<(AnalystHead, Vec<u8>), AnalystRefusal> {
    let mut answered = worker.ask(question).await?;
    let mut bytes = Vec::new();
    while let Some(part) = answered.part().await? {
        bytes.extend(part);
    }
    Ok((answered.head.clone(), bytes))
}

/// One revision: area, hour since [`FIRST`], revision, value in tenths.
pub(crate) fn revision(tick: u64, area: &str, hour: i64, revision: u32, tenths: Option<i64>) -> Row {
    let mut row = row(tick, "env.pm25", revision);
    row.key.area = nhip_proto::AreaCode::new(area);
    row.key.window_start = EventTime(FIRST + hour * HOUR);
    row.window_end = EventTime(FIRST + (hour + 1) * HOUR);
    row.known_at = ArrivalTime(FIRST + (hour + 1) * HOUR + i64::try_from(tick).expect("small"));
    row.value = tenths.map(|tenths| Decimal::new(i128::from(tenths), 1));
    row.numerator = i128::from(tenths.unwrap_or(0));
    (row.state, row.cause) = match revision {
        0 => (RowState::Provisional, RowCause::Progress),
        1 => (RowState::Final, RowCause::Closed),
        _ => (RowState::Revised, RowCause::OutOfOrder),
    };
    row
}

/// Three days of three areas in six batches: every window is revised up to twice, some have no value, and every tenth
/// is told once more by another definition.
pub(crate) fn three_days() -> Vec<Vec<Row>> {
    let mut batches = Vec::new();
    for round in 0..6_u64 {
        let mut rows = Vec::new();
        for (at, area) in ["25459", "25462", "80"].into_iter().enumerate() {
            for hour in 0..72_i64 {
                let at = i64::try_from(at).expect("small");
                let tenths = 100 + 10 * hour + 7 * at + i64::try_from(round).expect("small");
                let tenths = ((hour + at + i64::try_from(round).expect("small")) % 11 != 0).then_some(tenths);
                let revised = match round {
                    0 => Some(revision(1, area, hour, 0, tenths)),
                    1..=3 if hour % 4 >= i64::try_from(round).expect("small") => {
                        Some(revision(round + 1, area, hour, u32::try_from(round).expect("small"), tenths))
                    }
                    5 if hour % 10 == 0 => Some(Row {
                        definition: [3; 16],
                        ..revision(6, area, hour, 0, tenths.map(|value| value + 5_000))
                    }),
                    _ => None,
                };
                rows.extend(revised);
            }
        }
        batches.push(rows);
    }
    batches
}

/// A message of two items with a sealed part, one of one item, and a Tick.
pub(crate) fn some_records() -> Vec<Record> {
    let number = |mantissa, scale| ItemValue::Number(Decimal::new(mantissa, scale));
    vec![
        Record::Message(message(
            "st-01",
            1,
            vec![("pm25", number(352, 1)), ("mode", ItemValue::State("ok".to_owned()))],
        )),
        Record::Message(message("st-02", 2, vec![("pm25", number(7, 0))])),
        Record::Tick(Tick { at: ArrivalTime(FIRST + 3 * HOUR) }),
    ]
}

/// What no answer may show.
pub(crate) const SECRET: &[u8] = b"SECRET-PLATE";

fn message(source: &str, hour: i64, items: Vec<(&str, ItemValue)>) -> Box<Message> {
    let sealed = Sealed {
        key: "day-2026-11-20".to_owned(),
        nonce: [9; 12],
        ciphertext: Bytes::from_static(SECRET),
        payload_hash: [8; 16],
    };
    let source = SourceId::new(source);
    Box::new(Message {
        arrival: ArrivalTime(FIRST + hour * HOUR),
        partition: partition_of(&source),
        source,
        stream: StreamId::new("air"),
        topic: "nhip/v1/test/air".to_owned(),
        dialect: "reading@1".to_owned(),
        profile_hash: [5; 16],
        principal: "device".to_owned(),
        epoch: 3,
        dedication: Dedication::default(),
        body: MessageBody::Items(items.into_iter().map(item).collect()),
        session: None,
        sealed: Some(sealed),
    })
}

fn item((name, value): (&str, ItemValue)) -> Item {
    Item {
        name: ItemName::Text(name.to_owned()),
        binds_alias: None,
        value,
        unit: String::new(),
        event_time: Some(EventTime(FIRST)),
        period: None,
        place: None,
        identity: None,
        sequence: None,
        boot: None,
        flags: ItemFlags::default(),
    }
}
