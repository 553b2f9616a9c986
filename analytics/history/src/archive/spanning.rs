//! One log out of two: what was trimmed is read from the archive, the rest from the log.

use std::sync::Arc;

use async_trait::async_trait;
use nhip_ports::{Commit, EventLog, LogBatch, LogError, ReadLimit, SegmentHead};
use nhip_proto::{Offset, Record};
use tokio::sync::watch;

use super::{Archive, ArchiveError};

/// A log that also reads what it no longer holds itself. Appends and trims go to the log alone.
pub struct SpanningLog {
    archive: Arc<Archive>,
    log: Arc<dyn EventLog>,
}

impl SpanningLog {
    /// Puts the two together.
    ///
    /// # Errors
    /// [`ArchiveError::Seam`] if records are missing in between or they do not belong together.
    pub fn new(archive: Arc<Archive>, log: Arc<dyn EventLog>) -> Result<Self, ArchiveError> {
        archive.meets(&log.segments())?;
        Ok(Self { archive, log })
    }
}

#[async_trait]
impl EventLog for SpanningLog {
    async fn append(&self, batch: Vec<Record>) -> Result<Commit, LogError> {
        self.log.append(batch).await
    }

    async fn read(&self, from: Offset, limit: ReadLimit) -> Result<LogBatch, LogError> {
        match self.log.read(from, limit).await {
            Err(LogError::Trimmed(_)) => {}
            done => return done,
        }
        let archive = Arc::clone(&self.archive);
        let read = tokio::task::spawn_blocking(move || archive.read(from, limit));
        match read.await {
            Ok(Ok(records)) => Ok(LogBatch::from(records)),
            Ok(Err(error)) => Err(as_log_error(from, error)),
            // The runtime is going down.
            Err(_) => Err(LogError::Closed),
        }
    }

    fn durable(&self) -> watch::Receiver<Offset> {
        self.log.durable()
    }

    fn first(&self) -> Offset {
        let log = self.log.first();
        self.archive.first().map_or(log, |archive| archive.min(log))
    }

    fn stalled(&self) -> bool {
        self.log.stalled()
    }

    fn segments(&self) -> Vec<SegmentHead> {
        self.log.segments()
    }

    async fn trim(&self, before: Offset) -> Result<Offset, LogError> {
        self.log.trim(before).await
    }
}

/// What a reader of the log hears when the archive refuses.
#[must_use]
pub fn as_log_error(from: Offset, error: ArchiveError) -> LogError {
    match error {
        ArchiveError::Absent(offset) => LogError::Trimmed(offset),
        ArchiveError::Damaged { file, what } => {
            LogError::Damaged { offset: from.0, segment: file, byte: 0, what }
        }
        other => LogError::Failed(other.to_string()),
    }
}
