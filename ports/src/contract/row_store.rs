//! The promises of [`RowStore`]: order, a Tick is written once, ranges and limits.

use nhip_proto::{
    AreaCode, ArrivalTime, Badge, Decimal, EventTime, FigureKey, IndicatorId, Level, Offset, Origin,
    Provenance, Row, RowCause, RowState, SourceId,
};

use crate::{Landing, RowStore};

/// Runs every promise against empty stores made by `make`.
pub async fn all(make: impl Fn() -> Box<dyn RowStore>) {
    an_empty_store_has_no_last_tick(make().as_ref()).await;
    rows_come_back_in_order(make().as_ref()).await;
    a_tick_is_written_once(make().as_ref()).await;
    ranges_and_limits_hold(make().as_ref()).await;
    a_tick_without_rows_counts(make().as_ref()).await;
}

/// The further promises of [`Landing`].
pub async fn landing(make: impl Fn() -> Box<dyn Landing>) {
    closed_pieces_go_as_a_whole(make().as_ref()).await;
    what_was_forgotten_is_still_known_as_written(make().as_ref()).await;
}

/// Nothing written, nothing read.
pub async fn an_empty_store_has_no_last_tick(store: &dyn RowStore) {
    assert_eq!(store.last(), None, "an empty store has no last Tick");
    assert_eq!(read(store, 0, u64::MAX, 10).await, Vec::new(), "an empty store has no rows");
}

/// By known offset, then key, whatever the order they were handed over in.
pub async fn rows_come_back_in_order(store: &dyn RowStore) {
    write(store, 10, &[row(10, "b", 0), row(10, "a", 0)]).await;
    write(store, 20, &[row(20, "a", 1)]).await;
    let want = vec![row(10, "a", 0), row(10, "b", 0), row(20, "a", 1)];
    assert_eq!(read(store, 0, u64::MAX, 10).await, want, "rows come in the order of Tick, then key");
    assert_eq!(store.last(), Some(Offset(20)), "the last Tick");
}

/// A crash repeats work: the rows of a Tick already written stay as they stand.
pub async fn a_tick_is_written_once(store: &dyn RowStore) {
    write(store, 10, &[row(10, "a", 0)]).await;
    write(store, 20, &[row(20, "a", 1)]).await;
    write(store, 10, &[row(10, "a", 0)]).await;
    write(store, 20, &[row(20, "z", 0)]).await;
    let want = vec![row(10, "a", 0), row(20, "a", 1)];
    assert_eq!(read(store, 0, u64::MAX, 10).await, want, "a Tick written again changes nothing");
    assert_eq!(store.last(), Some(Offset(20)), "nor the last Tick");
}

/// `from ≤ offset < to`, at most `rows_max`.
pub async fn ranges_and_limits_hold(store: &dyn RowStore) {
    for tick in 1..=40 {
        write(store, tick * 10, &[row(tick * 10, "a", 0), row(tick * 10, "b", 0)]).await;
    }
    let offsets = |rows: Vec<Row>| rows.iter().map(|row| row.known_offset.0).collect::<Vec<_>>();
    assert_eq!(offsets(read(store, 20, 40, 100).await), [20, 20, 30, 30], "from is taken, to is not");
    assert_eq!(offsets(read(store, 15, 1_000, 3).await), [20, 20, 30], "at most rows_max");
    assert_eq!(read(store, 0, u64::MAX, 1_000).await.len(), 80, "everything");
    assert_eq!(read(store, 40, 20, 100).await, Vec::new(), "an empty range");
}

/// A Tick that changed nothing is remembered all the same.
pub async fn a_tick_without_rows_counts(store: &dyn RowStore) {
    write(store, 5, &[]).await;
    assert_eq!(store.last(), Some(Offset(5)), "a Tick without rows is a Tick");
    assert_eq!(read(store, 0, u64::MAX, 10).await, Vec::new(), "and has no rows");
}

/// Nothing is forgotten that is not closed.
pub async fn closed_pieces_go_as_a_whole(store: &dyn Landing) {
    assert_eq!(store.closed(), Offset(0), "nothing is closed in an empty store");
    for tick in 1..=6 {
        if tick == 4 {
            store.close().await.unwrap_or_else(|error| panic!("close refused: {error}"));
        }
        write(store, tick * 10, &[row(tick * 10, "a", 0)]).await;
    }
    let closed = store.closed();
    assert!(closed > Offset(30), "what was written before the close is closed: {closed:?}");
    let whole = store.ticks(Offset(0), closed, 1_000).await.unwrap_or_default();
    assert!(whole.len() >= 3, "and can be read");
    assert!(whole.iter().all(|(tick, rows)| rows.len() == 1 && *tick < closed), "Tick by Tick");
    store.forget(Offset(u64::MAX)).await.unwrap_or_else(|error| panic!("forget refused: {error}"));
    let left = read(store, 0, u64::MAX, 100).await;
    assert!(left.len() < 6 && left.iter().all(|row| row.known_offset >= closed), "closed pieces are gone");
    assert_eq!(store.last(), Some(Offset(60)), "the last Tick stays known");
}

/// A Tick that was forgotten is not taken again.
pub async fn what_was_forgotten_is_still_known_as_written(store: &dyn Landing) {
    write(store, 10, &[row(10, "a", 0)]).await;
    store.close().await.unwrap_or_else(|error| panic!("close refused: {error}"));
    write(store, 20, &[row(20, "a", 1)]).await;
    store.forget(store.closed()).await.unwrap_or_else(|error| panic!("forget refused: {error}"));
    write(store, 10, &[row(10, "a", 0)]).await;
    assert_eq!(read(store, 0, u64::MAX, 100).await, vec![row(20, "a", 1)], "only what was not forgotten");
}

async fn write(store: &(impl RowStore + ?Sized), tick: u64, rows: &[Row]) {
    store.write(Offset(tick), rows).await.unwrap_or_else(|error| panic!("write refused: {error}"));
}

async fn read(store: &(impl RowStore + ?Sized), from: u64, to: u64, rows_max: usize) -> Vec<Row> {
    let rows = store.read(Offset(from), Offset(to), rows_max).await;
    rows.unwrap_or_else(|error| panic!("read refused: {error}"))
}

/// A row with something in every field.
#[must_use]
pub fn row(tick: u64, indicator: &str, revision: u32) -> Row {
    Row {
        lineage: "live".to_owned(),
        key: FigureKey {
            indicator: IndicatorId::new(indicator),
            area: AreaCode::new("25459"),
            group: String::new(),
            period: "1h".to_owned(),
            window_start: EventTime(1_795_240_800_000_000_000),
        },
        definition: [7; 16],
        window_end: EventTime(1_795_244_400_000_000_000),
        revision,
        state: RowState::Final,
        numerator: -3_520,
        denominator: 3,
        value: Some(Decimal::new(352, 1)),
        k: 4,
        m: 5,
        known_offset: Offset(tick),
        known_at: ArrivalTime(1_795_244_712_031_000_000),
        event_time: Some(EventTime(1_795_244_399_000_000_000)),
        level: Level::Normal,
        provenance: Provenance {
            sources: vec![SourceId::new("trạm-1")],
            first: Some(Offset(0)),
            last: Some(Offset(tick)),
            samples: vec![Offset(0), Offset(tick)],
        },
        badge: Badge::default(),
        cause: RowCause::Closed,
        origin: Origin::Simulated,
    }
}
