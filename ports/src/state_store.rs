//! Where the engine's snapshot lives: the applied offset inside the same bytes as the state.

use async_trait::async_trait;
use nhip_proto::{ArrivalTime, Offset};
use thiserror::Error;

/// A snapshot that was saved whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedState {
    /// The offset after the last record applied; also inside `bytes`, and equal to it.
    pub applied: Offset,
    /// The state.
    pub bytes: Vec<u8>,
}

/// A snapshot kept for the past, without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeptState {
    /// The offset after the last record applied.
    pub applied: Offset,
    /// The last Tick applied.
    pub at: ArrivalTime,
}

/// Why a snapshot cannot be saved or listed. A damaged snapshot is no error: an older one is used.
#[derive(Debug, Error)]
#[error("state store: {0}")]
pub struct StateError(pub String);

/// Promise: `save` is atomic (after a power cut the old or the new one is whole), keeps at least the two newest;
/// `load` returns them newest first, leaving out what fails its checksum. What `keep` kept stays until it is forgotten,
/// however much is saved, and is none of those `load` returns.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// Saves one.
    async fn save(&self, state: SavedState) -> Result<(), StateError>;

    /// The whole ones, newest first.
    async fn load(&self) -> Result<Vec<SavedState>, StateError>;

    /// Keeps one for the past, whose last Tick was at `at`.
    async fn keep(&self, at: ArrivalTime, state: SavedState) -> Result<(), StateError>;

    /// Which are kept for the past, in the order of their offsets.
    async fn kept(&self) -> Result<Vec<KeptState>, StateError>;

    /// The bytes of one kept for the past; none if it is gone or fails its checksum.
    async fn recall(&self, kept: KeptState) -> Result<Option<SavedState>, StateError>;

    /// Removes one kept for the past; one that is gone already is no error.
    async fn forget(&self, kept: KeptState) -> Result<(), StateError>;
}
