//! The bounded queue before the writer: batches enter in the order of `append`, encoded by their senders.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nhip_ports::{Appended, Commit, LogError};
use nhip_proto::{Record, encode_record};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Bytes are counted in these, so that the bound fits a semaphore.
const PERMIT_BYTES: usize = 1024;

/// One batch on its way to the disk.
pub(super) struct Pending {
    pub(super) records: Vec<Record>,
    /// The encoded records one behind the other.
    pub(super) payload: Vec<u8>,
    /// Length and CRC-32C of each.
    pub(super) frames: Vec<(u32, u32)>,
    sender: Option<oneshot::Sender<Result<Appended, LogError>>>,
    _permits: [OwnedSemaphorePermit; 2],
}

impl Pending {
    pub(super) fn settle(&mut self, result: Result<Appended, LogError>) {
        // Whoever does not wait for it any more has no need to know.
        self.sender.take().map(|sender| sender.send(result).ok());
    }
}

pub(super) enum Taken {
    Group(Vec<Pending>),
    /// Nothing came until the deadline.
    Idle,
    /// Closed, and all that had been queued is taken.
    Closed,
}

/// How groups are formed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grouping {
    pub(super) bytes_max: usize,
    pub(super) delay_max: Duration,
}

pub(super) struct Queue {
    records_max: usize,
    records: Arc<Semaphore>,
    permits_max: usize,
    bytes: Arc<Semaphore>,
    /// Held while waiting for room: who entered first is queued first.
    order: tokio::sync::Mutex<()>,
    waiting: Mutex<Waiting>,
    moved: Condvar,
}

#[derive(Default)]
struct Waiting {
    batches: VecDeque<Pending>,
    bytes: usize,
    refused: Option<LogError>,
}

impl Queue {
    pub(super) fn new(records_max: usize, bytes_max: usize) -> Self {
        let records_max = records_max.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        let permits_max =
            bytes_max.div_ceil(PERMIT_BYTES).clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        Self {
            records_max,
            records: Arc::new(Semaphore::new(records_max)),
            permits_max,
            bytes: Arc::new(Semaphore::new(permits_max)),
            order: tokio::sync::Mutex::new(()),
            waiting: Mutex::default(),
            moved: Condvar::new(),
        }
    }

    pub(super) async fn push(&self, records: Vec<Record>) -> Result<Commit, LogError> {
        // Taken before the encoding, so that a small batch cannot overtake a large one.
        let _turn = self.order.lock().await;
        let (payload, frames) = encoded(&records);
        let wanted = records.len().min(self.records_max);
        let record_permits = Arc::clone(&self.records).acquire_many_owned(wanted as u32).await;
        let wanted = payload.len().div_ceil(PERMIT_BYTES).min(self.permits_max);
        let byte_permits = Arc::clone(&self.bytes).acquire_many_owned(wanted as u32).await;
        let mut waiting = self.held();
        if let Some(refused) = &waiting.refused {
            return Err(refused.clone());
        }
        let (Ok(record_permits), Ok(byte_permits)) = (record_permits, byte_permits) else {
            return Err(LogError::Closed);
        };
        let (sender, commit) = Commit::pair();
        let permits = [record_permits, byte_permits];
        waiting.bytes += payload.len();
        waiting.batches.push_back(Pending {
            records,
            payload,
            frames,
            sender: Some(sender),
            _permits: permits,
        });
        drop(waiting);
        self.moved.notify_one();
        Ok(commit)
    }

    /// The next group; waits for one until `deadline`.
    pub(super) fn take(&self, grouping: Grouping, deadline: Option<Instant>) -> Taken {
        let mut waiting = self.held();
        while waiting.batches.is_empty() {
            if waiting.refused.is_some() {
                return Taken::Closed;
            }
            waiting = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => self.moved.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return Taken::Idle,
                Some(left) => {
                    self.moved.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        let full = |waiting: &Waiting| waiting.bytes >= grouping.bytes_max || waiting.refused.is_some();
        if !grouping.delay_max.is_zero() && !full(&waiting) {
            let waited = self.moved.wait_timeout_while(waiting, grouping.delay_max, |waiting| !full(waiting));
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let (mut group, mut bytes) = (Vec::new(), 0);
        while let Some(next) = waiting.batches.front() {
            if !group.is_empty() && bytes + next.payload.len() > grouping.bytes_max {
                break;
            }
            bytes += next.payload.len();
            group.extend(waiting.batches.pop_front());
        }
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
        Taken::Group(group)
    }

    /// Takes nothing more; what is queued can still be taken.
    pub(super) fn refuse(&self, error: LogError) {
        self.held().refused.get_or_insert(error);
        self.records.close();
        self.bytes.close();
        self.moved.notify_all();
    }

    /// Settles with an error what was queued and will never be written.
    pub(super) fn abandon(&self, error: &LogError) {
        let batches = std::mem::take(&mut self.held().batches);
        for mut pending in batches {
            pending.settle(Err(error.clone()));
        }
    }

    pub(super) fn queued_records(&self) -> usize {
        self.records_max - self.records.available_permits()
    }

    fn held(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encoded(records: &[Record]) -> (Vec<u8>, Vec<(u32, u32)>) {
    let mut payload = Vec::with_capacity(records.len() * 256);
    let frames = records.iter().map(|record| {
        let start = payload.len();
        encode_record(record, &mut payload);
        let bytes = payload.get(start..).unwrap_or_default();
        (bytes.len() as u32, crc32c::crc32c(bytes))
    });
    let frames = frames.collect();
    (payload, frames)
}
