//! What may be asked of the past: the board as it was at one offset of the log.

use std::sync::Arc;

use nhip_proto::{ArrivalTime, Offset, ProfileText, Update};
use thiserror::Error;

/// Which moment of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PastMoment {
    /// Every record before this offset, and no other: what a screen saw whose last frame named it.
    Offset(Offset),
    /// Every record up to the last Tick not after this time.
    Time(ArrivalTime),
}

/// Everything a screen showed at one offset.
#[derive(Clone, Debug)]
pub struct PastBoard {
    /// The whole board there; its offset is the one it stands at.
    pub board: Arc<Update>,
    /// The profile then in force.
    pub profile: Arc<ProfileText>,
}

/// Why the past cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PastError {
    /// It lies before the first Tick under a profile.
    #[error("nothing was known yet")]
    TooEarly,
    /// It lies beyond the end of the log.
    #[error("it has not happened yet")]
    TooLate,
    /// Neither the log nor a snapshot reaches back so far.
    #[error("it is no longer kept")]
    Gone,
    /// Its replay takes longer than the question may; what was done is kept for a while, so asking again goes on.
    #[error("it is still being replayed")]
    Unfinished {
        /// The last Tick it got to; none: not the first.
        reached: Option<ArrivalTime>,
    },
    /// All places are taken, or the node is starting or stopping.
    #[error("the past is not available now: {0}")]
    Unavailable(String),
}
