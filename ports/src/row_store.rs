//! Durable rows of figures: every revision is kept.

use async_trait::async_trait;
use nhip_proto::{Offset, Row};
use thiserror::Error;

/// Why rows cannot be written or read.
#[derive(Debug, Error)]
pub enum RowStoreError {
    /// No space: nothing of the Tick was written, the same write may be tried again.
    #[error("row store: no space: {0}")]
    Full(String),
    /// For good.
    #[error("row store: {0}")]
    Failed(String),
}

/// The rows of one Tick, sorted by key and revision.
pub type TickRows = (Offset, Vec<Row>);

/// Promise: writing the same rows again changes nothing (key + revision decide); rows are durable when `write`
/// returns; they are given back in the order of their Ticks, then key.
#[async_trait]
pub trait RowStore: Send + Sync {
    /// Writes the rows of one Tick; rows of a Tick already written are left as they stand.
    async fn write(&self, tick: Offset, rows: &[Row]) -> Result<(), RowStoreError>;

    /// Whole Ticks `from ≤ tick < to` that have rows, ascending: the first, and more while fewer than `rows_max` rows
    /// were found.
    async fn ticks(&self, from: Offset, to: Offset, rows_max: usize) -> Result<Vec<TickRows>, RowStoreError>;

    /// All rows of Ticks `from ≤ tick < to`, at most `rows_max`.
    async fn read(&self, from: Offset, to: Offset, rows_max: usize) -> Result<Vec<Row>, RowStoreError> {
        if rows_max == 0 {
            return Ok(Vec::new());
        }
        let mut rows: Vec<Row> =
            self.ticks(from, to, rows_max).await?.into_iter().flat_map(|(_, rows)| rows).collect();
        rows.truncate(rows_max);
        Ok(rows)
    }

    /// The last Tick whose rows are durable.
    fn last(&self) -> Option<Offset>;
}

/// Rows on their way to another store. Promise: Ticks before [`Landing::closed`] stand in pieces that nothing is added
/// to any more; a piece goes only as a whole.
#[async_trait]
pub trait Landing: RowStore {
    /// Ticks before this one stand in closed pieces.
    fn closed(&self) -> Offset;

    /// Closes the piece being written, if it has rows; the next write begins another.
    async fn close(&self) -> Result<(), RowStoreError>;

    /// Removes the closed pieces whose Ticks all lie before this one.
    async fn forget(&self, before: Offset) -> Result<(), RowStoreError>;
}
