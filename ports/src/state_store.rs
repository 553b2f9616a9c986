//! Where the engine's snapshot lives: the applied offset inside the same bytes as the state.

use async_trait::async_trait;
use nhip_proto::Offset;
use thiserror::Error;

/// A snapshot that was saved whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedState {
    /// The offset after the last record applied; also inside `bytes`, and equal to it.
    pub applied: Offset,
    /// The state.
    pub bytes: Vec<u8>,
}

/// Why a snapshot cannot be saved or listed. A damaged snapshot is no error: an older one is used.
#[derive(Debug, Error)]
#[error("state store: {0}")]
pub struct StateError(pub String);

/// Promise: `save` is atomic (after a power cut the old or the new one is whole), keeps at least the two newest;
/// `load` returns them newest first, leaving out what fails its checksum.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// Saves one.
    async fn save(&self, state: SavedState) -> Result<(), StateError>;

    /// The whole ones, newest first.
    async fn load(&self) -> Result<Vec<SavedState>, StateError>;
}
