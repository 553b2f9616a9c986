//! The event log: the corridor's one strong wall.

use std::sync::Arc;

use async_trait::async_trait;
use nhip_proto::{Logged, Offset, Record};
use thiserror::Error;
use tokio::sync::{oneshot, watch};

/// Consecutive durable records, shared without copying.
pub type LogBatch = Arc<[Logged]>;

/// Where an appended batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offset of its first record.
    pub first: Offset,
    /// How many records.
    pub count: u64,
}

/// Resolves when the batch is durable, or says why it never will be.
#[derive(Debug)]
pub struct Commit(oneshot::Receiver<Result<Appended, LogError>>);

impl Commit {
    /// A commit and the handle that settles it.
    #[must_use]
    pub fn pair() -> (oneshot::Sender<Result<Appended, LogError>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }

    /// Waits until the batch is durable.
    ///
    /// # Errors
    /// [`LogError`] if it could not be made durable; then nothing of it may be acknowledged.
    pub async fn durable(self) -> Result<Appended, LogError> {
        self.0.await.unwrap_or(Err(LogError::Closed))
    }
}

/// How much one read may return.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimit {
    /// Records at most.
    pub records_max: usize,
    /// Encoded bytes at most (at least one record is returned all the same).
    pub bytes_max: usize,
}

/// Where a segment of the log begins. It ends where the next one begins; only the last is still written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHead {
    /// The offset of its first record.
    pub first: Offset,
    /// The chain over everything before it: the same chain means the same past.
    pub chain: [u8; 32],
}

/// Why the log refuses.
#[derive(Clone, Debug, Error)]
pub enum LogError {
    /// A broken promise of the disk: stop acknowledging and exit.
    #[error("log failed for good: {0}")]
    Failed(String),
    /// Damage below the durable mark; nothing was deleted.
    #[error("log is damaged at offset {offset} ({segment}, byte {byte}): {what}")]
    Damaged {
        /// The first offset that cannot be trusted.
        offset: u64,
        /// The file.
        segment: String,
        /// The byte in the file.
        byte: u64,
        /// What was found.
        what: String,
    },
    /// The offset is below what the log still holds.
    #[error("offset {0} is no longer in the log")]
    Trimmed(u64),
    /// The log was closed.
    #[error("log is closed")]
    Closed,
}

/// Promise: when [`Commit::durable`] returns, the batch survives `kill -9` and a power cut, whole and in order;
/// batches stand in the log in the order in which `append` was entered; offsets have no gaps. A full disk is no
/// error: the commit waits until there is space again. `trim` gives up the oldest whole segments, never the one being
/// written; what is left reads as before, and a crash in the middle leaves no hole.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Queues a batch; waits only while the queue is at its bound (back-pressure). A batch is never torn apart.
    async fn append(&self, batch: Vec<Record>) -> Result<Commit, LogError>;

    /// The next records from `from` on; an empty batch at the tail. Never returns what is not durable.
    async fn read(&self, from: Offset, limit: ReadLimit) -> Result<LogBatch, LogError>;

    /// The offset after the last durable record, and a way to wait for it to move.
    fn durable(&self) -> watch::Receiver<Offset>;

    /// The first offset the log still holds.
    fn first(&self) -> Offset;

    /// Where its segments begin, oldest first. A log without segments has none and trims nothing.
    fn segments(&self) -> Vec<SegmentHead> {
        Vec::new()
    }

    /// Gives up the whole segments that end at or before `before`, and says from which offset on records are left.
    /// The caller has them elsewhere.
    async fn trim(&self, before: Offset) -> Result<Offset, LogError> {
        let _kept = before;
        Ok(self.first())
    }

    /// Whether appends now wait because the disk is full.
    fn stalled(&self) -> bool;
}
