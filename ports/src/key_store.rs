//! Data keys of the sealed part, kept apart from log, snapshots and backups. Erasure = destroying a key.

use async_trait::async_trait;
use nhip_proto::ArrivalTime;
use thiserror::Error;

/// Which key seals a record: the narrowest of what the record holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyClass {
    /// The stream's class: `machine`, `camera`, `case` …
    pub class: String,
    /// The case for case streams, else empty.
    pub case: String,
}

/// A key that is already durable.
#[derive(Clone)]
pub struct DataKey {
    /// `class/day` or `class/case`.
    pub id: String,
    /// 256 bits.
    pub bytes: [u8; 32],
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataKey({})", self.id)
    }
}

/// Why there is no key.
#[derive(Debug, Error)]
pub enum KeyError {
    /// It was destroyed, or never existed.
    #[error("key {0} is gone")]
    Gone(String),
    /// The store failed.
    #[error("key store: {0}")]
    Failed(String),
}

/// Promise: `current` returns only keys that survive a power cut, one per class and UTC day of `at` (or case), the
/// same one every time; `destroy` leaves no copy in the store.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// The key to seal with.
    async fn current(&self, class: &KeyClass, at: ArrivalTime) -> Result<DataKey, KeyError>;

    /// The key of an id.
    async fn key(&self, id: &str) -> Result<DataKey, KeyError>;

    /// Destroys a key.
    async fn destroy(&self, id: &str) -> Result<(), KeyError>;

    /// The ids it holds, sorted.
    async fn ids(&self) -> Result<Vec<String>, KeyError>;
}
