//! The list of imports in memory, for tests.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::ImportIndex;

/// A list that lives as long as its value.
#[derive(Debug, Default)]
pub struct MemoryImportIndex {
    saved: Mutex<Option<Vec<u8>>>,
}

#[async_trait]
impl ImportIndex for MemoryImportIndex {
    async fn load(&self) -> Option<Vec<u8>> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn save(&self, bytes: Vec<u8>) -> Result<(), String> {
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
        Ok(())
    }
}
