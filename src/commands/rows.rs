//! `nhip log rows`: rows as JSON lines, for analysts and for the tests' oracle.

use std::collections::BTreeMap;
use std::path::Path;

use nhip_proto::{Decimal, FigureKey, Offset, Row};
use serde::Serialize;

use crate::commands::Failure;
use crate::compose;
use crate::observe::say;

/// Rows read at a time.
const ROWS_READ_MAX: usize = 500_000;

/// One row as JSON; wide integers are strings.
#[derive(Serialize)]
struct Line<'a> {
    indicator: &'a str,
    area: &'a str,
    group: &'a str,
    period: &'a str,
    window_start_ns: i64,
    window_end_ns: i64,
    revision: u32,
    state: &'static str,
    numerator: String,
    denominator: String,
    value: Option<String>,
    k: u32,
    m: u32,
    level: &'static str,
    origin: &'static str,
    known_offset: u64,
    known_at_ns: i64,
}

/// Prints the last revision of every row, or all of them.
pub(crate) async fn rows(data: &Path, all: bool) -> Result<(), Failure> {
    let store = compose::open_rows(data).await?;
    let mut newest: BTreeMap<FigureKey, Row> = BTreeMap::new();
    let mut from = Offset(0);
    loop {
        let rows = store.read(from, Offset(u64::MAX), ROWS_READ_MAX).await.map_err(Failure::other)?;
        let Some(next) = next_offset(&rows) else { break };
        let whole = rows.len() < ROWS_READ_MAX;
        for row in rows.into_iter().filter(|row| whole || row.known_offset < next) {
            if all {
                print(&row)?;
            } else {
                newest.insert(row.key.clone(), row);
            }
        }
        if whole {
            break;
        }
        from = next;
    }
    newest.values().try_for_each(print)
}

/// A full page may end inside a Tick; the next page begins with that Tick again.
fn next_offset(rows: &[Row]) -> Option<Offset> {
    rows.last().map(|row| row.known_offset)
}

fn print(row: &Row) -> Result<(), Failure> {
    let line = Line {
        indicator: row.key.indicator.as_str(),
        area: row.key.area.as_str(),
        group: &row.key.group,
        period: &row.key.period,
        window_start_ns: row.key.window_start.0,
        window_end_ns: row.window_end.0,
        revision: row.revision,
        state: row.state.as_str(),
        numerator: row.numerator.to_string(),
        denominator: row.denominator.to_string(),
        value: row.value.map(|value: Decimal| value.to_string()),
        k: row.k,
        m: row.m,
        level: row.level.as_str(),
        origin: row.origin.as_str(),
        known_offset: row.known_offset.0,
        known_at_ns: row.known_at.0,
    };
    say(&serde_json::to_string(&line).map_err(Failure::other)?);
    Ok(())
}
