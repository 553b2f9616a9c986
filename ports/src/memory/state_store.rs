//! Snapshots in a map.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use nhip_proto::Offset;

use crate::{SavedState, StateError, StateStore};

/// How many snapshots are kept.
const KEPT: usize = 3;

/// Snapshots that live as long as the value.
#[derive(Default)]
pub struct MemoryStates(Mutex<BTreeMap<Offset, Vec<u8>>>);

#[async_trait]
impl StateStore for MemoryStates {
    async fn save(&self, state: SavedState) -> Result<(), StateError> {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        states.insert(state.applied, state.bytes);
        while states.len() > KEPT {
            states.pop_first();
        }
        Ok(())
    }

    async fn load(&self) -> Result<Vec<SavedState>, StateError> {
        let states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newest_first = states.iter().rev();
        Ok(newest_first
            .map(|(applied, bytes)| SavedState { applied: *applied, bytes: bytes.clone() })
            .collect())
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
