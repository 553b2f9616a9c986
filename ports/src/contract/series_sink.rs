//! The promises of [`SeriesSink`] and [`SinkPositions`]: one point per figure, whole, whatever is sent again.

use std::sync::Arc;

use nhip_proto::{AreaCode, Decimal, EventTime, FigureKey, Offset, Row, RowState, SECOND};

use super::row_store::row;
use crate::{SeriesSink, SinkPosition, SinkPositions};

/// What a database says about one figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Which figure.
    pub key: FigureKey,
    /// The revision that stands.
    pub revision: u32,
    /// Its value as a database keeps it.
    pub value: Option<f64>,
    /// Numerator and denominator, likewise.
    pub parts: (f64, f64),
    /// Sources that contributed, sources due.
    pub k_of_m: (u32, u32),
    /// How settled.
    pub state: String,
}

impl Point {
    /// What must stand after this row.
    #[must_use]
    pub fn of(row: &Row) -> Self {
        Self {
            key: row.key.clone(),
            revision: row.revision,
            value: row.value.map(|value| value.mantissa as f64 / 10_f64.powi(i32::from(value.scale))),
            parts: (row.numerator as f64, row.denominator as f64),
            k_of_m: (row.k, row.m),
            state: row.state.as_str().to_owned(),
        }
    }
}

/// A sink that was told nothing yet, and a look at what it holds, ordered by figure.
pub type Made = (Arc<dyn SeriesSink>, Box<dyn Fn() -> Vec<Point> + Send + Sync>);

/// Runs every promise against empty sinks made by `make`.
pub async fn all(make: impl Fn() -> Made) {
    every_figure_is_one_point(make()).await;
    the_same_batch_again_changes_nothing(make()).await;
    a_later_revision_takes_the_place_of_all_fields(make()).await;
    the_greatest_revision_of_a_batch_stands(make()).await;
    names_come_back_as_they_are(make()).await;
    an_empty_batch_is_nothing(make()).await;
}

/// Indicator, area, group, period and window tell figures apart.
pub async fn every_figure_is_one_point((sink, read): Made) {
    let rows = figures();
    write(&sink, &rows).await;
    assert_eq!(read(), points(&rows), "one point per figure");
}

/// At least once: what was sent before is sent again.
pub async fn the_same_batch_again_changes_nothing((sink, read): Made) {
    let rows = figures();
    write(&sink, &rows).await;
    write(&sink, &rows).await;
    write(&sink, rows.get(..1).unwrap_or_default()).await;
    assert_eq!(read(), points(&rows), "the same rows again change nothing");
}

/// A database that unites fields would leave an old one behind a row that lacks it.
pub async fn a_later_revision_takes_the_place_of_all_fields((sink, read): Made) {
    let old = row(10, "a", 0);
    let none = Row { value: None, numerator: 0, denominator: 0, k: 0, revision: 1, ..row(20, "a", 1) };
    let back = Row { revision: 2, state: RowState::Revised, ..row(30, "a", 2) };
    for row in [old, none, back] {
        write(&sink, std::slice::from_ref(&row)).await;
        assert_eq!(read(), [Point::of(&row)], "revision {} stands whole", row.revision);
    }
}

/// A batch may hold a figure twice.
pub async fn the_greatest_revision_of_a_batch_stands((sink, read): Made) {
    let rows = [row(10, "a", 0), row(20, "a", 1), row(30, "a", 2), row(20, "b", 0)];
    write(&sink, &rows).await;
    let want = [Point::of(&row(30, "a", 2)), Point::of(&row(20, "b", 0))];
    assert_eq!(read(), want, "the newest of each");
}

/// Groups and areas are named by people.
pub async fn names_come_back_as_they_are((sink, read): Made) {
    let names = ["Xe máy, xe đạp", "a=b", "\"quoted\" and more", "đường 30/4", "#1", "it's"];
    let rows: Vec<Row> = names.iter().map(|name| grouped(row(10, "a", 0), name)).collect();
    write(&sink, &rows).await;
    assert_eq!(read(), points(&rows), "names of groups");
}

/// Nothing to tell is no error.
pub async fn an_empty_batch_is_nothing((sink, read): Made) {
    write(&sink, &[]).await;
    assert_eq!(read(), [], "nothing stands");
}

/// Runs the promises of a position against empty ones made by `make`.
pub async fn positions(make: impl Fn() -> Box<dyn SinkPositions>) {
    let positions = make();
    assert_eq!(positions.load().await, Ok(None), "nothing was saved");
    for (tick, rows) in [(5, 0), (5, 3), (1_000_000_007, 0), (4, 1)] {
        let position = SinkPosition { tick: Offset(tick), rows };
        assert_eq!(positions.save(position).await, Ok(()));
        assert_eq!(positions.load().await, Ok(Some(position)), "the last one saved");
    }
}

/// Rows that differ in one part of their key each, one of them without a value.
fn figures() -> Vec<Row> {
    let base = row(10, "a", 0);
    let key = |change: &dyn Fn(&mut FigureKey)| {
        let mut changed = base.clone();
        change(&mut changed.key);
        changed
    };
    let missing = Row { value: None, numerator: 0, denominator: 0, k: 0, ..row(10, "c", 0) };
    let negative = Row { value: Some(Decimal::new(-5, 3)), numerator: -5, ..row(10, "d", 0) };
    vec![
        base.clone(),
        row(10, "b", 0),
        key(&|key| key.area = AreaCode::new("25462")),
        key(&|key| key.period = "1d".to_owned()),
        key(&|key| key.group = "truck".to_owned()),
        key(&|key| key.window_start = EventTime(key.window_start.0 + 3_600 * SECOND)),
        missing,
        negative,
    ]
}

fn grouped(mut row: Row, group: &str) -> Row {
    group.clone_into(&mut row.key.group);
    row
}

fn points(rows: &[Row]) -> Vec<Point> {
    let mut points: Vec<Point> = rows.iter().map(Point::of).collect();
    points.sort_by(|left, right| left.key.cmp(&right.key));
    points
}

async fn write(sink: &Arc<dyn SeriesSink>, rows: &[Row]) {
    sink.write(rows).await.unwrap_or_else(|error| panic!("write refused: {error}"));
}
