//! What is known now of windows of the past: from the live engine while it remembers them, else from the series store.

use std::sync::Arc;

use nhip_ports::{AnalysisError, AsOf, History, HistoryError, SeriesKey, SeriesQuery};
use nhip_proto::{Figure, FigureKey, Offset, Row};

/// Fills in what the engine has forgotten: of each such window the row known last, if it became known at an offset or
/// after it. One window is asked for at a time, so neither the age of the moment nor what lies between costs anything.
pub(crate) async fn fill_in(
    history: &dyn History,
    keys: &[FigureKey],
    since: Offset,
    found: &mut [Option<Arc<Figure>>],
) -> Result<(), AnalysisError> {
    for (key, known) in keys.iter().zip(found).filter(|(_, known)| known.is_none()) {
        let rows = history.series(window(key)).await.map_err(unavailable)?;
        // A screen knows more of an open window than its last durable row: what was known before stands.
        *known = rows.into_iter().next().filter(|row| row.known_offset >= since).map(figure);
    }
    Ok(())
}

/// The question for one window.
fn window(key: &FigureKey) -> SeriesQuery {
    SeriesQuery {
        series: SeriesKey::of(key),
        from: key.window_start,
        to: key.window_start.plus(1),
        as_of: AsOf::Now,
        windows_max: 1,
    }
}

fn figure(row: Row) -> Arc<Figure> {
    let changed = row.known_offset;
    Arc::new(Figure { row, changed, history: Vec::new() })
}

fn unavailable(error: HistoryError) -> AnalysisError {
    AnalysisError::Unavailable(error.to_string())
}
