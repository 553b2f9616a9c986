//! A foreign database that is told the newest revision of every figure, and the place up to which it was told.

use std::time::Duration;

use async_trait::async_trait;
use nhip_proto::{Offset, Row};
use thiserror::Error;

/// Why a batch was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SinkError {
    /// Not now: the same batch may be sent again.
    #[error("sink: {reason}: {detail}")]
    Unavailable {
        /// One word of a fixed set, for metrics.
        reason: &'static str,
        /// What was seen.
        detail: String,
        /// The shortest pause before the next attempt, where the far side or the failure asks for one.
        after: Option<Duration>,
    },
    /// Never as it stands: too large, or something in it is not understood. Halves of it may be taken.
    #[error("sink: refused: {0}")]
    Refused(String),
}

/// Promise: one point per figure. When `write` returns, the last row handed over for a figure stands whole, and no
/// field of an earlier one shows through; of several revisions in a batch the greatest stands. The same batch again
/// changes nothing. A row without a value stands without one, never as 0. After an error any part of the batch may
/// stand (at least once), so it is sent again before anything newer.
#[async_trait]
pub trait SeriesSink: Send + Sync {
    /// Hands over rows in the order in which they became known.
    async fn write(&self, rows: &[Row]) -> Result<(), SinkError>;
}

/// Everything known before `tick` was taken, and the first `rows` rows of that Tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SinkPosition {
    /// A Tick's offset.
    pub tick: Offset,
    /// Rows of that Tick already taken.
    pub rows: u64,
}

/// Why a position cannot be saved or read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("sink position: {0}")]
pub struct PositionError(pub String);

/// Promise: after a power cut the old or the new position is whole; one that fails its checksum reads as none, which
/// sends rows again and changes nothing.
#[async_trait]
pub trait SinkPositions: Send + Sync {
    /// Replaces the position.
    async fn save(&self, position: SinkPosition) -> Result<(), PositionError>;

    /// The last one saved.
    async fn load(&self) -> Result<Option<SinkPosition>, PositionError>;
}
