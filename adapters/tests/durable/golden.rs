//! Files of format 1, written once: today's reader reads them, today's writer writes the same bytes.
//! `NHIP_WRITE_GOLDEN=1` writes those of a new format; those of an old one are never written again.

use std::fs;
use std::path::{Path, PathBuf};

use nhip_adapters::{LogFiles, RowFiles, SegmentLog, StateFiles, verify_log};
use nhip_ports::contract::row_store::row;
use nhip_ports::{ReadLimit, RowStore as _, SavedState, StateStore as _};
use nhip_proto::{
    ArrivalTime, Decimal, Dedication, EventTime, Item, ItemFlags, ItemName, ItemValue, Message, MessageBody,
    Offset, Place, ProfileText, Record, Rejection, RejectionReason, Sealed, Session, SessionKind, SourceId,
    StreamId, Tick, ZoneRules, partition_of,
};

use crate::stage;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/format-1").join(name)
}

fn message(number: u64, body: MessageBody) -> Record {
    let source = SourceId::new("trạm-không-khí-1");
    Record::Message(Box::new(Message {
        arrival: ArrivalTime(1_795_244_712_031_000_000 + number.cast_signed()),
        partition: partition_of(&source),
        source,
        stream: StreamId::new("air"),
        topic: "nhip/v1/tay-ninh/air/tram-1".to_owned(),
        dialect: "native-json@1".to_owned(),
        profile_hash: [0x5a; 16],
        principal: "embedded/sensor".to_owned(),
        epoch: 3,
        dedication: Dedication { qos: 1, retain: false, dup: true },
        body,
        session: Some(Session {
            kind: SessionKind::DeviceData,
            sequence: Some(0),
            birth: None,
            node: "g/n".to_owned(),
        }),
        sealed: Some(Sealed {
            key: "machine/2026-11-21".to_owned(),
            nonce: [9; 12],
            ciphertext: vec![0xc0, 0xde].into(),
            payload_hash: [0xee; 16],
        }),
    }))
}

fn batches() -> Vec<Vec<Record>> {
    let number = |mantissa| ItemValue::Number(Decimal::new(mantissa, 1));
    let full = Item {
        event_time: Some(EventTime(1_795_244_400_000_000_000)),
        period: Some((EventTime(1_795_240_800_000_000_000), EventTime(1_795_244_400_000_000_000))),
        place: Some(Place { longitude_e7: 1_061_000_000, latitude_e7: 113_000_000 }),
        identity: Some(u128::MAX - 1),
        sequence: Some(12),
        boot: Some(1),
        binds_alias: Some(0),
        unit: "µg/m³".to_owned(),
        flags: ItemFlags::HISTORICAL,
        ..Item::bare(ItemName::Text("pm25".to_owned()), number(352))
    };
    let items = vec![
        full,
        Item::bare(ItemName::Alias(7), number(i128::from(i64::MAX) + 1)),
        Item::bare(ItemName::Undeclared(2), ItemValue::Missing),
        Item::bare(ItemName::Text("status".to_owned()), ItemValue::State("online".to_owned())),
    ];
    let rejection = Rejection { reason: RejectionReason::TimeInvalid, field: "time".to_owned(), place: 4 };
    let profile = ProfileText {
        at: ArrivalTime(5),
        hash: [0x5a; 16],
        semantics: 1,
        files: vec![("profile.toml".to_owned(), "id = \"tay-ninh\"\n".to_owned())],
        zones: vec![ZoneRules { name: "Asia/Ho_Chi_Minh".to_owned(), tzif: b"TZif".to_vec() }],
    };
    vec![
        vec![Record::Profile(Box::new(profile)), Record::Tick(Tick { at: ArrivalTime(6) })],
        vec![message(0, MessageBody::Items(items)), message(1, MessageBody::Rejected(rejection))],
        vec![stage::record(7, 900)],
        vec![stage::record(8, 900), Record::Tick(Tick { at: ArrivalTime(9) })],
    ]
}

async fn write_log(dir: &Path) {
    let config =
        nhip_adapters::LogConfig { segment_bytes: 2048, segment_first_bytes: 2048, ..stage::small() };
    let (log, _) = SegmentLog::open(dir, &stage::identity(), config).expect("a new log");
    stage::write(&log, &batches()).await;
    log.close();
    fs::remove_file(dir.join("lock")).expect("the lock is no part of the format");
}

async fn write_state(dir: &Path) {
    let store = StateFiles::open(dir).expect("a store");
    store.save(SavedState { applied: Offset(7), bytes: "trạng thái".into() }).await.expect("saved");
}

async fn write_rows(dir: &Path) {
    let store = RowFiles::open(dir).expect("a store");
    store.write(Offset(10), &[row(10, "env.pm25_1h", 0), row(10, "a", 2)]).await.expect("written");
    store.write(Offset(20), &[]).await.expect("written");
    store.write(Offset(30), &[row(30, "env.pm25_1h", 1)]).await.expect("written");
}

/// Name and content of every file, but for the segment still being prepared.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let paths = paths.filter(|path| path.extension().is_none_or(|extension| extension != "tmp"));
    let mut files: Vec<_> = paths
        .map(|path| {
            (path.file_name().expect("a name").to_string_lossy().into_owned(), fs::read(&path).expect("it"))
        })
        .collect();
    files.sort();
    files
}

/// Compares what was written now with what was written then.
fn compare(written: &Path, name: &str) {
    if std::env::var_os("NHIP_WRITE_GOLDEN").is_some() {
        for (file, bytes) in files(written) {
            fs::create_dir_all(golden(name)).expect("a directory");
            fs::write(golden(name).join(file), bytes).expect("golden bytes");
        }
    }
    assert!(
        files(written) == files(&golden(name)),
        "{name}: today's writer writes other bytes than format 1"
    );
}

#[tokio::test]
async fn todays_writer_writes_the_same_log() {
    let dir = stage::quick_dir();
    write_log(dir.path()).await;
    compare(dir.path(), "log");
}

#[tokio::test]
async fn todays_writer_writes_the_same_state_and_rows() {
    let (state, rows) = (stage::quick_dir(), stage::quick_dir());
    write_state(state.path()).await;
    compare(state.path(), "state");
    write_rows(rows.path()).await;
    compare(rows.path(), "rows");
}

#[tokio::test]
async fn the_golden_log_is_read() {
    let report = verify_log(&golden("log")).expect("whole");
    assert_eq!((report.records, report.groups, report.torn_bytes), (7, 4, 0));
    // As `nhip log verify` printed it when the files were written.
    let chain: String = report.chain.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(chain, fs::read_to_string(golden("chain.txt")).expect("the chain").trim());
    let log = LogFiles::open(&golden("log")).expect("a log");
    let mut records = Vec::new();
    while (records.len() as u64) < log.end().0 {
        let limit = ReadLimit { records_max: 100, bytes_max: 1 << 20 };
        let batch = log.read(Offset(records.len() as u64), limit).expect("readable");
        records.extend(batch.into_iter().map(|logged| logged.record));
    }
    assert_eq!(records, batches().into_iter().flatten().collect::<Vec<_>>());
}

#[tokio::test]
async fn the_golden_state_and_rows_are_read() {
    let (state, rows) = (stage::quick_dir(), stage::quick_dir());
    stage::copy(&golden("state"), state.path());
    stage::copy(&golden("rows"), rows.path());
    let states = StateFiles::open(state.path()).expect("a store").load().await.expect("loaded");
    assert_eq!(states, [SavedState { applied: Offset(7), bytes: "trạng thái".as_bytes().to_vec() }]);
    let store = RowFiles::open(rows.path()).expect("a store");
    let read = store.read(Offset(0), Offset(u64::MAX), 100).await.expect("read");
    assert_eq!(read, [row(10, "a", 2), row(10, "env.pm25_1h", 0), row(30, "env.pm25_1h", 1)]);
    assert_eq!(store.last(), Some(Offset(30)));
}
