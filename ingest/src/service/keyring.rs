//! Keys made ready: one per class and UTC day, so that sealing a message takes no lock and waits for nobody.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use nhip_ports::{DataKey, DestroyedKey, Destruction, KeyClass, KeyError, KeyStore};
use nhip_proto::{ArrivalTime, Offset, SECOND};

use crate::seal::SealKey;

const DAY: i64 = 24 * 3600 * SECOND;

pub(super) struct Keyring {
    store: Arc<dyn KeyStore>,
    ready: RwLock<Ready>,
}

/// The keys of one UTC day by class; classes come from the profile, so there are few.
#[derive(Clone, Default)]
struct Ready {
    day: i64,
    by_class: Arc<BTreeMap<String, SealKey>>,
}

/// The keys of one batch.
pub(super) struct BatchKeys(Arc<BTreeMap<String, SealKey>>);

impl BatchKeys {
    pub(super) fn of(&self, class: &str) -> Option<&SealKey> {
        self.0.get(class)
    }
}

impl Keyring {
    pub(super) fn new(store: Arc<dyn KeyStore>) -> Self {
        Self { store, ready: RwLock::default() }
    }

    /// The keys for these classes on the day of `at`; asks the store only for what is not ready.
    pub(super) async fn ready(
        &self,
        classes: impl Iterator<Item = &str> + Send,
        at: ArrivalTime,
    ) -> Result<BatchKeys, KeyError> {
        let day = at.0.div_euclid(DAY);
        let known = self.of_day(day);
        let mut missing: Vec<&str> = classes.filter(|class| !known.contains_key(*class)).collect();
        if missing.is_empty() {
            return Ok(BatchKeys(known));
        }
        missing.sort_unstable();
        missing.dedup();
        let mut keys = BTreeMap::clone(&known);
        for class in missing {
            let key_class = KeyClass { class: class.to_owned(), case: String::new() };
            keys.insert(class.to_owned(), SealKey::new(&self.store.current(&key_class, at).await?));
        }
        let keys = Arc::new(keys);
        let mut ready = self.ready.write().unwrap_or_else(PoisonError::into_inner);
        if day >= ready.day {
            *ready = Ready { day, by_class: Arc::clone(&keys) };
        }
        Ok(BatchKeys(keys))
    }

    /// The key of a stored record.
    pub(super) async fn by_id(&self, id: &str) -> Result<DataKey, KeyError> {
        self.store.key(id).await
    }

    /// The ids of all keys that live.
    pub(super) async fn living(&self) -> Result<Vec<String>, KeyError> {
        self.store.ids().await
    }

    /// Destroys keys; none of them seals anything after this.
    pub(super) async fn destroy(
        &self,
        ids: &[String],
        destruction: &Destruction,
    ) -> Result<Vec<String>, KeyError> {
        let done = self.store.destroy(ids, destruction).await;
        *self.ready.write().unwrap_or_else(PoisonError::into_inner) = Ready::default();
        done
    }

    /// The list of destroyed keys.
    pub(super) async fn destroyed(&self) -> Result<Vec<DestroyedKey>, KeyError> {
        self.store.destroyed().await
    }

    pub(super) async fn note_logged(&self, ids: &[String], at: Offset) -> Result<(), KeyError> {
        self.store.note_logged(ids, at).await
    }

    fn of_day(&self, day: i64) -> Arc<BTreeMap<String, SealKey>> {
        let ready = self.ready.read().unwrap_or_else(PoisonError::into_inner);
        if ready.day == day { Arc::clone(&ready.by_class) } else { Arc::default() }
    }
}
