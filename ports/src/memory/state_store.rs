//! Snapshots in a map.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use nhip_proto::{ArrivalTime, Offset};

use crate::{KeptState, SavedState, StateError, StateStore};

/// How many snapshots are kept.
const KEPT: usize = 3;

/// Snapshots that live as long as the value.
#[derive(Default)]
pub struct MemoryStates {
    newest: Mutex<BTreeMap<Offset, Vec<u8>>>,
    kept: Mutex<BTreeMap<KeptState, Vec<u8>>>,
}

impl MemoryStates {
    fn past(&self) -> MutexGuard<'_, BTreeMap<KeptState, Vec<u8>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl StateStore for MemoryStates {
    async fn save(&self, state: SavedState) -> Result<(), StateError> {
        let mut states = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        states.insert(state.applied, state.bytes);
        while states.len() > KEPT {
            states.pop_first();
        }
        Ok(())
    }

    async fn load(&self) -> Result<Vec<SavedState>, StateError> {
        let states = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let newest_first = states.iter().rev();
        Ok(newest_first
            .map(|(applied, bytes)| SavedState { applied: *applied, bytes: bytes.clone() })
            .collect())
    }

    async fn keep(&self, at: ArrivalTime, state: SavedState) -> Result<(), StateError> {
        self.past().insert(KeptState { applied: state.applied, at }, state.bytes);
        Ok(())
    }

    async fn kept(&self) -> Result<Vec<KeptState>, StateError> {
        Ok(self.past().keys().copied().collect())
    }

    async fn recall(&self, kept: KeptState) -> Result<Option<SavedState>, StateError> {
        let bytes = self.past().get(&kept).cloned();
        Ok(bytes.map(|bytes| SavedState { applied: kept.applied, bytes }))
    }

    async fn forget(&self, kept: KeptState) -> Result<(), StateError> {
        self.past().remove(&kept);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_the_promises_of_the_port() {
        crate::contract::state_store::all(|| Box::new(MemoryStates::default())).await;
    }
}
