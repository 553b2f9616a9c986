//! The promises of [`History`]: the version known last, as known then, revisions, restatements, ranges and limits.

use std::sync::Arc;

use nhip_proto::{ArrivalTime, Decimal, EventTime, FigureKey, Offset, Row, RowCause, RowState, SECOND};

use crate::contract::row_store::row;
use crate::{AsOf, History, HistoryError, RestatementQuery, RowStore, SeriesKey, SeriesQuery};

/// The first window of the suite, and the span from one to the next.
const FIRST: i64 = 1_795_240_800 * SECOND;
const HOUR: i64 = 3_600 * SECOND;

/// A store of rows and what is told of them.
pub type Pair = (Arc<dyn RowStore>, Arc<dyn History>);

/// Runs every promise against empty stores made by `make`.
pub async fn all(make: impl Fn() -> Pair) {
    a_window_is_told_by_the_version_known_last(make()).await;
    the_past_is_told_as_it_was_known_then(make()).await;
    another_definition_of_a_window_counts_by_when_it_was_known(make()).await;
    ranges_and_limits_hold(make()).await;
    other_series_stay_apart(make()).await;
    a_settled_figure_leaves_a_restatement(make()).await;
}

/// Revision after revision, one row per window.
pub async fn a_window_is_told_by_the_version_known_last((rows, history): Pair) {
    write(&rows, 10, vec![at(10, 0, 0, 5), at(10, 1, 0, 6)]).await;
    write(&rows, 20, vec![at(20, 0, 1, 7)]).await;
    let told = series(&history, AsOf::Now).await;
    assert_eq!(told, vec![at(20, 0, 1, 7), at(10, 1, 0, 6)], "per window the version known last, in order");
    let key = at(10, 0, 0, 5).key;
    let all = history.revisions(key, AsOf::Now).await.unwrap_or_else(|error| panic!("refused: {error}"));
    assert_eq!(all, vec![at(10, 0, 0, 5), at(20, 0, 1, 7)], "no revision is lost");
}

/// By offset and by time, the ends included.
pub async fn the_past_is_told_as_it_was_known_then((rows, history): Pair) {
    write(&rows, 10, vec![at(10, 0, 0, 5)]).await;
    write(&rows, 20, vec![at(20, 0, 1, 7)]).await;
    for (offset, want) in [(9, None), (10, Some(5)), (19, Some(5)), (20, Some(7))] {
        let told = series(&history, AsOf::Offset(Offset(offset))).await;
        assert_eq!(told.first().map(value), want, "as of offset {offset}");
        let told = series(&history, AsOf::At(known_at(offset))).await;
        assert_eq!(told.first().map(value), want, "as of the time of offset {offset}");
    }
    let key = at(10, 0, 0, 5).key;
    let known = history.revisions(key, AsOf::Offset(Offset(19))).await.unwrap_or_default();
    assert_eq!(known, vec![at(10, 0, 0, 5)], "revisions as known then");
}

/// Its revisions begin at 0 again.
pub async fn another_definition_of_a_window_counts_by_when_it_was_known((rows, history): Pair) {
    let by_another = |tick| Row { definition: [9; 16], ..at(tick, 0, 0, 8) };
    write(&rows, 10, vec![at(10, 0, 0, 5)]).await;
    write(&rows, 20, vec![at(20, 0, 1, 7)]).await;
    write(&rows, 30, vec![by_another(30)]).await;
    assert_eq!(series(&history, AsOf::Now).await, vec![by_another(30)], "the newer definition");
    assert_eq!(series(&history, AsOf::Offset(Offset(29))).await, vec![at(20, 0, 1, 7)], "the older one then");
}

/// `from ≤ window start < to`, at most `windows_max`.
pub async fn ranges_and_limits_hold((rows, history): Pair) {
    write(&rows, 10, (0..40).map(|window| at(10, window, 0, window)).collect()).await;
    let asked = |from: i64, to: i64, windows_max| SeriesQuery {
        from: EventTime(FIRST + from * HOUR),
        to: EventTime(FIRST + to * HOUR),
        windows_max,
        ..query(AsOf::Now)
    };
    for (from, to, windows_max, want) in
        [(0, 40, 100, 40), (3, 5, 100, 2), (0, 40, 7, 7), (5, 5, 9, 0), (9, 3, 9, 0), (39, 99, 9, 1)]
    {
        let told = history.series(asked(from, to, windows_max)).await.unwrap_or_default();
        assert_eq!(told.len(), want, "{from}..{to}, at most {windows_max}");
        assert_eq!(told.first().map(value), (want > 0).then(|| i128::from(from)), "begins at {from}");
    }
}

/// Another area, group or period is another series.
pub async fn other_series_stay_apart((rows, history): Pair) {
    let of = |change: fn(&mut FigureKey)| {
        let mut row = at(10, 0, 0, 1);
        change(&mut row.key);
        row
    };
    let others = vec![
        of(|key| key.area = nhip_proto::AreaCode::new("25460")),
        of(|key| key.group = "xe".to_owned()),
        of(|key| key.period = "1d".to_owned()),
        of(|key| key.indicator = nhip_proto::IndicatorId::new("b")),
    ];
    write(&rows, 10, others).await;
    assert_eq!(series(&history, AsOf::Now).await, Vec::new(), "none of them is this series");
    write(&rows, 20, vec![at(20, 0, 0, 5)]).await;
    assert_eq!(series(&history, AsOf::Now).await, vec![at(20, 0, 0, 5)], "only its own rows");
    let listed = history.series_of(at(10, 0, 0, 1).key.indicator).await.unwrap_or_default();
    assert_eq!(listed.len(), 4, "the series of an indicator: itself and three others");
    assert!(listed.is_sorted(), "in key order");
}

/// Old, new, newest first; a provisional row that moves on is none.
pub async fn a_settled_figure_leaves_a_restatement((rows, history): Pair) {
    let in_state = |row: Row, state, cause| Row { state, cause, ..row };
    let open = in_state(at(10, 0, 0, 5), RowState::Provisional, RowCause::Progress);
    let closed = at(20, 0, 1, 6);
    let late = in_state(at(30, 0, 2, 7), RowState::Revised, RowCause::OutOfOrder);
    let again = in_state(at(40, 0, 3, 8), RowState::Revised, RowCause::Restated);
    for row in [&open, &closed, &late, &again] {
        write(&rows, row.known_offset.0, vec![row.clone()]).await;
    }
    let asked = |as_of, rows_max| RestatementQuery {
        indicator: open.key.indicator.clone(),
        area: None,
        group: None,
        from: EventTime(FIRST),
        to: EventTime(FIRST + HOUR),
        as_of,
        rows_max,
    };
    let told = history.replaced(asked(AsOf::Now, 10)).await.unwrap_or_default();
    let told: Vec<_> = told.into_iter().map(|one| (one.old, one.new)).collect();
    assert_eq!(told, vec![(late.clone(), again), (closed.clone(), late.clone())], "two, the newest first");
    let then = history.replaced(asked(AsOf::Offset(Offset(39)), 10)).await.unwrap_or_default();
    assert_eq!(then.into_iter().map(|one| (one.old, one.new)).collect::<Vec<_>>(), vec![(closed, late)]);
    let refused = history.replaced(asked(AsOf::Now, 1)).await;
    assert!(matches!(refused, Err(HistoryError::Refused(_))), "more than asked for is refused, not cut");
}

async fn write(rows: &Arc<dyn RowStore>, tick: u64, known: Vec<Row>) {
    rows.write(Offset(tick), &known).await.unwrap_or_else(|error| panic!("write refused: {error}"));
}

async fn series(history: &Arc<dyn History>, as_of: AsOf) -> Vec<Row> {
    history.series(query(as_of)).await.unwrap_or_else(|error| panic!("refused: {error}"))
}

fn query(as_of: AsOf) -> SeriesQuery {
    let series = SeriesKey::of(&at(0, 0, 0, 0).key);
    SeriesQuery { series, from: EventTime(FIRST), to: EventTime(i64::MAX), as_of, windows_max: 1_000 }
}

/// A revision of the window `window` hours after the first.
fn at(tick: u64, window: i64, revision: u32, value: i64) -> Row {
    let mut row = row(tick, "a", revision);
    row.key.window_start = EventTime(FIRST + window * HOUR);
    row.window_end = EventTime(FIRST + (window + 1) * HOUR);
    row.known_at = known_at(tick);
    row.value = Some(Decimal::new(i128::from(value), 0));
    row
}

fn known_at(offset: u64) -> ArrivalTime {
    ArrivalTime(FIRST + i64::try_from(offset).unwrap_or(i64::MAX) * SECOND)
}

fn value(row: &Row) -> i128 {
    row.value.map_or(-1, |value| value.mantissa)
}
