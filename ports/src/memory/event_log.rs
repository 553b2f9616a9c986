//! The event log in a Vec, with levers for tests: hold commits back, fill the disk, fail for good.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use nhip_proto::{Logged, Offset, Record, encode_record};
use tokio::sync::{oneshot, watch};

use crate::{Appended, Commit, EventLog, LogBatch, LogError, ReadLimit};

type Settle = oneshot::Sender<Result<Appended, LogError>>;

/// An event log that lives as long as its value. Nothing bounds it: it is for tests.
pub struct MemoryLog {
    state: Mutex<State>,
    durable: watch::Sender<Offset>,
}

#[derive(Default)]
struct State {
    records: Vec<Logged>,
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
        self.durable.send_replace(Offset(state.records.len() as u64));
        for (appended, settle) in std::mem::take(&mut state.waiting) {
            settle.send(Ok(appended)).unwrap_or_default();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        let first = state.records.len() as u64;
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
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let skip = usize::try_from(from.0).unwrap_or(usize::MAX);
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
        Offset(0)
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
