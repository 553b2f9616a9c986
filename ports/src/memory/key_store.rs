//! Data keys in a map. The keys are guessable: for tests only.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use nhip_proto::{ArrivalTime, Offset};

use crate::{DataKey, DestroyedKey, Destruction, KeyClass, KeyError, KeyStore};

/// Keys that live as long as the value.
#[derive(Default)]
pub struct MemoryKeys(Mutex<BTreeMap<String, Held>>);

enum Held {
    Living([u8; 32]),
    Destroyed(Destruction, Option<Offset>),
}

impl MemoryKeys {
    fn keys(&self) -> MutexGuard<'_, BTreeMap<String, Held>> {
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
                Some(Held::Living(bytes)) => return Ok(DataKey { id, bytes: *bytes }),
                Some(Held::Destroyed(..)) => {}
                None => {
                    let bytes = guessable(keys.len());
                    keys.insert(id.clone(), Held::Living(bytes));
                    return Ok(DataKey { id, bytes });
                }
            }
        }
        Err(KeyError::Failed("no generation is left".to_owned()))
    }

    async fn key(&self, id: &str) -> Result<DataKey, KeyError> {
        match self.keys().get(id) {
            Some(Held::Living(bytes)) => Ok(DataKey { id: id.to_owned(), bytes: *bytes }),
            _ => Err(KeyError::Gone(id.to_owned())),
        }
    }

    async fn destroy(&self, ids: &[String], destruction: &Destruction) -> Result<Vec<String>, KeyError> {
        let mut keys = self.keys();
        let mut done = Vec::new();
        for id in ids {
            if let Some(held @ Held::Living(_)) = keys.get_mut(id) {
                *held = Held::Destroyed(destruction.clone(), None);
                done.push(id.clone());
            }
        }
        Ok(done)
    }

    async fn destroyed(&self) -> Result<Vec<DestroyedKey>, KeyError> {
        let keys = self.keys();
        let entry = |(id, held): (&String, &Held)| match held {
            Held::Living(_) => None,
            Held::Destroyed(destruction, logged) => {
                Some(DestroyedKey { id: id.clone(), destruction: destruction.clone(), logged: *logged })
            }
        };
        Ok(keys.iter().filter_map(entry).collect())
    }

    async fn note_logged(&self, ids: &[String], at: Offset) -> Result<(), KeyError> {
        let mut keys = self.keys();
        for id in ids {
            if let Some(Held::Destroyed(_, logged)) = keys.get_mut(id) {
                *logged = Some(at);
            }
        }
        Ok(())
    }

    async fn ids(&self) -> Result<Vec<String>, KeyError> {
        let keys = self.keys();
        Ok(keys
            .iter()
            .filter(|(_, held)| matches!(held, Held::Living(_)))
            .map(|(id, _)| id.clone())
            .collect())
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
