//! Data keys in a map. The keys are guessable: for tests only.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use nhip_proto::ArrivalTime;

use crate::{DataKey, KeyClass, KeyError, KeyStore};

/// Keys that live as long as the value; none: destroyed.
#[derive(Default)]
pub struct MemoryKeys(Mutex<BTreeMap<String, Option<[u8; 32]>>>);

impl MemoryKeys {
    fn keys(&self) -> MutexGuard<'_, BTreeMap<String, Option<[u8; 32]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl KeyStore for MemoryKeys {
    async fn current(&self, class: &KeyClass, at: ArrivalTime) -> Result<DataKey, KeyError> {
        let mut keys = self.keys();
        for generation in 1.. {
            let id = class.key_id(at, generation);
            match keys.get(&id) {
                Some(Some(bytes)) => return Ok(DataKey { id, bytes: *bytes }),
                Some(None) => {}
                None => {
                    let bytes = guessable(keys.len());
                    keys.insert(id.clone(), Some(bytes));
                    return Ok(DataKey { id, bytes });
                }
            }
        }
        Err(KeyError::Failed("no generation is left".to_owned()))
    }

    async fn key(&self, id: &str) -> Result<DataKey, KeyError> {
        let bytes = self.keys().get(id).copied().flatten();
        bytes.map(|bytes| DataKey { id: id.to_owned(), bytes }).ok_or_else(|| KeyError::Gone(id.to_owned()))
    }

    async fn destroy(&self, id: &str) -> Result<(), KeyError> {
        match self.keys().get_mut(id) {
            Some(key @ Some(_)) => *key = None,
            _ => return Err(KeyError::Gone(id.to_owned())),
        }
        Ok(())
    }

    async fn ids(&self) -> Result<Vec<String>, KeyError> {
        Ok(self.keys().iter().filter(|(_, key)| key.is_some()).map(|(id, _)| id.clone()).collect())
    }
}

fn guessable(number: usize) -> [u8; 32] {
    let mut bytes = [0xa5; 32];
    bytes.iter_mut().zip(number.to_le_bytes()).for_each(|(byte, digit)| *byte = digit);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_the_promises_of_the_port() {
        crate::contract::key_store::all(|| Box::new(MemoryKeys::default())).await;
    }
}
