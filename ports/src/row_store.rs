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

/// Promise: writing the same rows again changes nothing (key + revision decide); rows are durable when `write`
/// returns; `read` gives them in the order of their known offset, then key.
#[async_trait]
pub trait RowStore: Send + Sync {
    /// Writes the rows of one Tick; rows of a Tick already written are left as they stand.
    async fn write(&self, tick: Offset, rows: &[Row]) -> Result<(), RowStoreError>;

    /// All rows known at offsets `from ≤ offset < to`, at most `rows_max`.
    async fn read(&self, from: Offset, to: Offset, rows_max: usize) -> Result<Vec<Row>, RowStoreError>;

    /// The last Tick whose rows are durable.
    fn last(&self) -> Option<Offset>;
}
