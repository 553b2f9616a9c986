//! The store against its promises: contract, a naive model, crashes at each step, damage.

mod crash;
mod damage;
mod groups;
mod model;

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use nhip_ports::memory::MemoryRows;
use nhip_ports::{
    AsOf, History, Landing, RowStore, RowStoreError, SeriesKey, SeriesQuery, TickRows, contract,
};
use nhip_proto::{ArrivalTime, Decimal, EventTime, Offset, Row, RowCause, RowState};
use tempfile::TempDir;

use super::{SeriesHistory, SeriesStore};

pub(super) const HOUR: i64 = 3_600_000_000_000;
/// 2026-11-20T22:00:00Z.
pub(super) const FIRST: i64 = 1_795_212_000_000_000_000;

/// A store that seals after each write, or never.
struct Shared {
    store: Arc<SeriesStore>,
    seals: bool,
}

#[async_trait]
impl RowStore for Shared {
    async fn write(&self, tick: Offset, rows: &[Row]) -> Result<(), RowStoreError> {
        self.store.write(tick, rows).await?;
        if !self.seals {
            return Ok(());
        }
        self.store.landing.close().await?;
        self.store.seal().await.map(drop).map_err(|error| RowStoreError::Failed(error.to_string()))
    }

    async fn ticks(&self, from: Offset, to: Offset, rows_max: usize) -> Result<Vec<TickRows>, RowStoreError> {
        self.store.ticks(from, to, rows_max).await
    }

    fn last(&self) -> Option<Offset> {
        self.store.last()
    }
}

pub(super) async fn open(directory: &Path, landing: &Arc<MemoryRows>) -> Arc<SeriesStore> {
    let landing: Arc<dyn Landing> = Arc::clone(landing) as _;
    Arc::new(SeriesStore::open(directory, landing).await.expect("a store"))
}

/// A store in an empty directory.
fn new_store(parent: &TempDir) -> Arc<SeriesStore> {
    let directory = tempfile::tempdir_in(parent.path()).expect("a directory").keep();
    now(open(&directory, &Arc::default()))
}

/// The answer of a future that never waits.
pub(super) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

#[tokio::test]
async fn the_store_keeps_the_promises_of_a_row_store() {
    let parent = tempfile::tempdir().expect("a directory");
    for seals in [false, true] {
        contract::row_store::all(|| Box::new(Shared { store: new_store(&parent), seals })).await;
    }
}

#[tokio::test]
async fn the_store_keeps_the_promises_of_history() {
    let parent = tempfile::tempdir().expect("a directory");
    for seals in [false, true] {
        let pair = || {
            let store = new_store(&parent);
            let history: Arc<dyn History> = Arc::new(SeriesHistory::new(Arc::clone(&store)));
            (Arc::new(Shared { store, seals }) as Arc<dyn RowStore>, history)
        };
        contract::history::all(pair).await;
    }
}

#[test]
fn a_row_comes_back_exactly() {
    let strange = [
        row(7, "a", 0, 0, 5),
        Row {
            value: None,
            event_time: None,
            provenance: nhip_proto::Provenance::default(),
            ..row(8, "a", 1, 1, 5)
        },
        Row {
            numerator: i128::MIN,
            denominator: i128::MAX,
            value: Some(Decimal::new(i128::MIN, 28)),
            known_offset: Offset(u64::MAX - 1),
            known_at: ArrivalTime(i64::MIN),
            badge: nhip_proto::Badge { dung: nhip_proto::Share::of(3, u64::MAX), ..Default::default() },
            ..row(9, "đường \"số\" 1,\n=2", 2, 3, 0)
        },
    ];
    let bytes = super::parquet_of(strange.to_vec(), Vec::new()).expect("encoded");
    let directory = tempfile::tempdir().expect("a directory");
    let opened = opened(&directory, &bytes, 3);
    let mut read: Vec<Row> = opened
        .read_rows(std::slice::from_ref(&(0..3)))
        .expect("rows")
        .into_iter()
        .map(|kept| kept.row)
        .collect();
    read.sort_by_key(|row| row.known_offset);
    assert_eq!(read, strange);
}

/// A file of these bytes, listed with so many rows.
pub(super) fn opened(directory: &TempDir, bytes: &[u8], rows: u64) -> super::file::Opened {
    let path = directory.path().join("rows");
    std::fs::write(&path, bytes).expect("written");
    let listed = super::listing::Listed {
        name: "rows".to_owned(),
        bytes: bytes.len() as u64,
        blake3: blake3::hash(bytes).to_hex().to_string(),
        rows,
        tick_first: 0,
        tick_last: 0,
    };
    super::file::Opened::verified(&path, &listed).expect("readable")
}

/// A revision of an hour of a series.
pub(super) fn row(tick: u64, area: &str, hour: i64, revision: u32, value: i64) -> Row {
    let mut row = contract::row_store::row(tick, "env.pm25", revision);
    row.key.area = nhip_proto::AreaCode::new(area);
    row.key.window_start = EventTime(FIRST + hour * HOUR);
    row.window_end = EventTime(FIRST + (hour + 1) * HOUR);
    row.known_at = ArrivalTime(FIRST + i64::try_from(tick).expect("small") * 1_000_000_000);
    row.value = Some(Decimal::new(i128::from(value), 1));
    (row.state, row.cause) = match revision {
        0 => (RowState::Provisional, RowCause::Progress),
        1 => (RowState::Final, RowCause::Closed),
        _ => (RowState::Revised, RowCause::OutOfOrder),
    };
    row
}

/// All of a series as known at a moment.
pub(super) fn all_of(area: &str, as_of: AsOf) -> SeriesQuery {
    let series = SeriesKey::of(&row(0, area, 0, 0, 0).key);
    SeriesQuery { series, from: EventTime(i64::MIN), to: EventTime(i64::MAX), as_of, windows_max: 100_000 }
}
