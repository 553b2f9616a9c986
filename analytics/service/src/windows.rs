//! What is known now of windows of the past: from the live engine while it remembers them, else from the rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use nhip_ports::{AnalysisError, RowStore, RowStoreError};
use nhip_proto::{Figure, FigureKey, Offset, Row};

/// Rows read at once.
const ROWS_READ_MAX: usize = 20_000;
/// Rows read for one question.
const ROWS_SEARCHED_MAX: usize = 1_000_000;

/// Fills in what the engine has forgotten: the newest of the rows known since an offset.
pub(crate) async fn fill_in(
    rows: &dyn RowStore,
    keys: &[FigureKey],
    since: Offset,
    found: &mut [Option<Arc<Figure>>],
) -> Result<(), AnalysisError> {
    let missing = keys.iter().enumerate().zip(found.iter()).filter(|(_, known)| known.is_none());
    let missing: BTreeMap<&FigureKey, usize> = missing.map(|((at, key), _)| (key, at)).collect();
    let Some(end) = rows.last().map(Offset::next).filter(|_| !missing.is_empty()) else { return Ok(()) };
    let (mut from, mut searched) = (since, 0);
    while from < end {
        let batch = rows.read(from, end, ROWS_READ_MAX).await.map_err(unavailable)?;
        let Some((first, last)) = batch.first().zip(batch.last()) else { break };
        let (one_tick, last) = (first.known_offset == last.known_offset, last.known_offset);
        searched += batch.len();
        let whole = batch.len() < ROWS_READ_MAX;
        if searched > ROWS_SEARCHED_MAX || (one_tick && !whole) {
            return Err(AnalysisError::Unavailable("too many rows lie between then and now".to_owned()));
        }
        for row in batch {
            take(row, &missing, found);
        }
        // The rows of the last Tick may go on beyond the batch; taking one twice changes nothing.
        from = if whole { end } else { last };
    }
    Ok(())
}

fn take(row: Row, missing: &BTreeMap<&FigureKey, usize>, found: &mut [Option<Arc<Figure>>]) {
    let Some(known) = missing.get(&row.key).and_then(|at| found.get_mut(*at)) else { return };
    if known.as_ref().is_none_or(|known| known.row.revision <= row.revision) {
        let changed = row.known_offset;
        *known = Some(Arc::new(Figure { row, changed, history: Vec::new() }));
    }
}

fn unavailable(error: RowStoreError) -> AnalysisError {
    AnalysisError::Unavailable(error.to_string())
}
