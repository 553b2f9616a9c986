//! The event log in a Vec, with levers for tests: hold commits back, fill the disk, fail for good. Each batch is a
//! segment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use nhip_proto::{Logged, Offset, Record, encode_record};
use tokio::sync::{oneshot, watch};

use crate::{Appended, Commit, EventLog, LogBatch, LogError, ReadLimit, SegmentHead};

type Settle = oneshot::Sender<Result<Appended, LogError>>;

/// An event log that lives as long as its value. Nothing bounds it: it is for tests.
pub struct MemoryLog {
    state: Mutex<State>,
    durable: watch::Sender<Offset>,
}

#[derive(Default)]
struct State {
    records: Vec<Logged>,
    /// The offset after the last record, trimmed or not.
    next: u64,
    /// Where batches begin.
    heads: Vec<SegmentHead>,
    waiting: Vec<(Appended, Settle)>,
    held: bool,
    stalled: bool,
    failed: Option<LogError>,
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Mutex::default(), durable: watch::Sender::new(Offset(0)) }
    }

    /// From now on nothing becomes durable; `stalled` is what the log then says of its disk.
    pub fn hold(&self, stalled: bool) {
        let mut state = self.state();
        (state.held, state.stalled) = (true, stalled);
    }

    /// Makes durable, in order, what was held back.
    pub fn release(&self) {
        let mut state = self.state();
        (state.held, state.stalled) = (false, false);
        self.settle(&mut state);
    }

    /// Breaks the disk: what is not durable never will be.
    pub fn fail(&self, what: &str) {
        let mut state = self.state();
        let durable = self.durable.borrow().0;
        state.records.retain(|logged| logged.offset.0 < durable);
        state.next = durable;
        state.failed = Some(LogError::Failed(what.to_owned()));
        for (_, settle) in std::mem::take(&mut state.waiting) {
            settle.send(Err(LogError::Failed(what.to_owned()))).unwrap_or_default();
        }
    }

    /// Everything durable, for asserting on.
    #[must_use]
    pub fn records(&self) -> Vec<Logged> {
        let durable = self.durable.borrow().0;
        self.state().records.iter().take_while(|logged| logged.offset.0 < durable).cloned().collect()
    }

    fn settle(&self, state: &mut State) {
        if state.held {
            return;
        }
        self.durable.send_replace(Offset(state.next));
        for (appended, settle) in std::mem::take(&mut state.waiting) {
            settle.send(Ok(appended)).unwrap_or_default();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn first(&self) -> Offset {
        self.heads.first().map_or(Offset(0), |head| head.first)
    }

    /// The chain after all that is here: enough to tell one past from another in a test.
    fn chain(&self) -> [u8; 32] {
        let mut chain = self.heads.last().map_or([0; 32], |head| head.chain);
        let from = self.heads.last().map_or(Offset(0), |head| head.first);
        let mut bytes = Vec::new();
        for logged in self.records.iter().filter(|logged| logged.offset >= from) {
            encode_record(&logged.record, &mut bytes);
        }
        for (index, byte) in bytes.iter().enumerate() {
            if let Some(slot) = chain.get_mut(index % 32) {
                *slot = slot.rotate_left(1) ^ byte;
            }
        }
        chain
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    async fn append(&self, batch: Vec<Record>) -> Result<Commit, LogError> {
        let mut state = self.state();
        if let Some(error) = &state.failed {
            return Err(error.clone());
        }
        let (settle, commit) = Commit::pair();
        let first = state.next;
        if !batch.is_empty() {
            let chain = state.chain();
            state.heads.push(SegmentHead { first: Offset(first), chain });
        }
        state.next += batch.len() as u64;
        let appended = Appended { first: Offset(first), count: batch.len() as u64 };
        let logged =
            batch.into_iter().zip(first..).map(|(record, offset)| Logged { offset: Offset(offset), record });
        state.records.extend(logged);
        state.waiting.push((appended, settle));
        self.settle(&mut state);
        Ok(commit)
    }

    async fn read(&self, from: Offset, limit: ReadLimit) -> Result<LogBatch, LogError> {
        let durable = self.durable.borrow().0;
        let state = self.state();
        if from < state.first() {
            return Err(LogError::Trimmed(from.0));
        }
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let skip = usize::try_from(from.0 - state.first().0).unwrap_or(usize::MAX);
        for logged in state.records.iter().skip(skip).take_while(|logged| logged.offset.0 < durable) {
            let mut encoded = Vec::new();
            encode_record(&logged.record, &mut encoded);
            bytes += encoded.len();
            if !batch.is_empty() && (batch.len() >= limit.records_max || bytes > limit.bytes_max) {
                break;
            }
            batch.push(logged.clone());
        }
        Ok(Arc::from(batch))
    }

    fn durable(&self) -> watch::Receiver<Offset> {
        self.durable.subscribe()
    }

    fn first(&self) -> Offset {
        self.state().first()
    }

    fn segments(&self) -> Vec<SegmentHead> {
        let durable = self.durable.borrow().0;
        self.state().heads.iter().filter(|head| head.first.0 < durable).copied().collect()
    }

    async fn trim(&self, before: Offset) -> Result<Offset, LogError> {
        let written = self.segments().last().map_or(Offset(0), |head| head.first);
        let mut state = self.state();
        let kept = |head: &SegmentHead| head.first <= before.min(written);
        if let Some(first) = state.heads.iter().rfind(|head| kept(head)).map(|head| head.first) {
            state.heads.retain(|head| head.first >= first);
            state.records.retain(|logged| logged.offset >= first);
        }
        Ok(state.first())
    }

    fn stalled(&self) -> bool {
        self.state().stalled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_the_promises_of_the_port() {
        crate::contract::event_log::all(|| Box::new(MemoryLog::new())).await;
    }
}
