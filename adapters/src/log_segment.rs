//! The event log in segment files, format 1 (docs/log-format.md): one writer thread, one sync per group.

mod directory;
mod error;
mod extent;
mod files;
mod format;
mod frames;
mod mark;
mod prepare;
mod queue;
mod recovery;
mod stall;
mod tail;
mod trim;
mod verify;
mod walk;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use nhip_ports::{Commit, EventLog, LogBatch, LogError, ReadLimit, SegmentHead};
use nhip_proto::{Offset, Record};
use tokio::sync::watch;

pub use error::LogOpenError;
pub use extent::{LogExtent, LogPiece, extent, is_open};
pub use files::LogFiles;
pub use format::LogIdentity;
pub use recovery::RecoveryReport;
pub use verify::{VerifyReport, verify};

use crate::file_io::off_the_runtime;

use files::Places;
use prepare::{Preparer, Sizes};
use queue::Queue;
use stall::Stall;
use tail::Tail;
use writer::{Shared, Writer};

/// The bounds of the log.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// A full-grown segment; one group larger than that gets a segment of its own.
    pub segment_bytes: u64,
    /// The first segment of a log; each next one is twice as large up to `segment_bytes`.
    pub segment_first_bytes: u64,
    /// Left free on the disk for snapshots, rows and keys.
    pub reserve_bytes: u64,
    /// A group takes no further batch beyond this; one larger batch is a group of its own.
    pub commit_bytes_max: usize,
    /// How long a group waits for company; 0: never, it takes what queued up during the last sync.
    pub commit_delay_ms_max: u64,
    /// Records queued and not yet durable.
    pub queue_records_max: usize,
    /// Their encoded bytes.
    pub queue_bytes_max: usize,
    /// Newest records kept in memory for readers at the tail.
    pub tail_records_max: usize,
    /// Their encoded bytes.
    pub tail_bytes_max: usize,
    /// How far the durable mark may lag, at most 1,000.
    pub mark_interval_ms: u64,
    /// A broken promise on purpose, for the tests that must notice it.
    #[cfg(feature = "fault-injection")]
    pub fault: Option<Fault>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            segment_first_bytes: 4 << 20,
            reserve_bytes: 16 << 20,
            commit_bytes_max: 1 << 20,
            commit_delay_ms_max: 0,
            queue_records_max: 65_536,
            queue_bytes_max: 32 << 20,
            tail_records_max: 32_768,
            tail_bytes_max: 8 << 20,
            mark_interval_ms: 500,
            #[cfg(feature = "fault-injection")]
            fault: None,
        }
    }
}

/// Promises a mutant breaks; never compiled into the shipped binary.
#[cfg(feature = "fault-injection")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Groups are written but not synced.
    SkipSync,
    /// Commits are settled before their group is written.
    SettleBeforeWrite,
}

/// The log of one node. Dropping it closes it.
pub struct SegmentLog {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    dir: PathBuf,
    _lock: directory::Lock,
}

impl SegmentLog {
    /// Opens or creates the log in `dir`; a tail that was never acknowledged is cut and kept beside the log.
    ///
    /// # Errors
    /// [`LogOpenError`]: in use, another identity, damaged (nothing was changed), or the file system refuses.
    pub fn open(
        dir: &Path,
        identity: &LogIdentity,
        config: LogConfig,
    ) -> Result<(Self, RecoveryReport), LogOpenError> {
        let recovered = recovery::recover(dir, identity)?;
        let sizes = Sizes {
            first_bytes: config.segment_first_bytes,
            bytes: config.segment_bytes,
            reserve_bytes: config.reserve_bytes,
        };
        let last_bytes = recovered.segments.last().map(|segment| segment.header.file_bytes);
        let refused = |error: std::io::Error| LogOpenError::io(dir, &error);
        let places = Places::new(recovered.segments.clone());
        for (offset, segment, byte) in &recovered.groups {
            places.remember(*offset, *segment, *byte);
        }
        let shared = Arc::new(Shared {
            places,
            tail: Mutex::new(Tail::new(config.tail_records_max, config.tail_bytes_max)),
            durable: watch::Sender::new(Offset(recovered.end.offset)),
            failure: watch::Sender::new(None),
            stalled: Stall::new(),
            queue: Queue::new(config.queue_records_max, config.queue_bytes_max),
            preparer: Preparer::start(dir, sizes, last_bytes).map_err(refused)?,
        });
        let writer = Writer::new(dir.to_owned(), config, &recovered, Arc::clone(&shared)).map_err(refused)?;
        let thread = std::thread::Builder::new().name("nhip-log-write".to_owned()).spawn(|| writer.run());
        let thread = Mutex::new(Some(thread.map_err(refused)?));
        Ok((Self { shared, thread, dir: dir.to_owned(), _lock: recovered.lock }, recovered.report))
    }

    /// Whose log stands in `dir`; none if there is none.
    ///
    /// # Errors
    /// [`LogOpenError`] if the identity file cannot be read or is damaged.
    pub fn identity(dir: &Path) -> Result<Option<LogIdentity>, LogOpenError> {
        directory::read_identity(dir)
    }

    /// Becomes `Some` when a promise of the disk was broken: nothing is acknowledged any more, and the
    /// process must exit within a second.
    #[must_use]
    pub fn failure(&self) -> watch::Receiver<Option<String>> {
        self.shared.failure.subscribe()
    }

    /// Takes nothing more, makes durable what is queued (unless the disk is full), writes the mark. Blocks
    /// for as long as that takes; later appends get [`LogError::Closed`].
    pub fn close(&self) {
        self.shared.queue.refuse(LogError::Closed);
        self.shared.preparer.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // The writer catches its own panics.
            thread.join().unwrap_or_default();
        }
        self.shared.preparer.stop();
    }
}

impl Drop for SegmentLog {
    fn drop(&mut self) {
        self.close();
    }
}

#[async_trait]
impl EventLog for SegmentLog {
    async fn append(&self, batch: Vec<Record>) -> Result<Commit, LogError> {
        self.shared.queue.push(batch).await
    }

    async fn read(&self, from: Offset, limit: ReadLimit) -> Result<LogBatch, LogError> {
        let end = self.shared.durable.borrow().0;
        if from.0 >= end {
            return Ok(Arc::from([]));
        }
        if from < self.first() {
            return Err(LogError::Trimmed(from.0));
        }
        let recent = self.shared.tail.lock().unwrap_or_else(PoisonError::into_inner).read(from.0, limit);
        if let Some(batch) = recent {
            return Ok(batch);
        }
        let shared = Arc::clone(&self.shared);
        let read = move || shared.places.read(from.0, end, limit).map(LogBatch::from);
        match off_the_runtime(read).await.unwrap_or(Err(LogError::Closed)) {
            // Its segment went while it was being read.
            Err(_) if from < self.first() => Err(LogError::Trimmed(from.0)),
            done => done,
        }
    }

    fn durable(&self) -> watch::Receiver<Offset> {
        self.shared.durable.subscribe()
    }

    fn first(&self) -> Offset {
        Offset(self.shared.places.first())
    }

    fn segments(&self) -> Vec<SegmentHead> {
        self.shared.places.heads()
    }

    async fn trim(&self, before: Offset) -> Result<Offset, LogError> {
        let (shared, dir) = (Arc::clone(&self.shared), self.dir.clone());
        let trimmed = off_the_runtime(move || trim::trim(&shared.places, &dir, before.0)).await;
        trimmed.unwrap_or(Err(LogError::Closed)).map(Offset)
    }

    fn stalled(&self) -> bool {
        self.shared.stalled.get()
    }
}
