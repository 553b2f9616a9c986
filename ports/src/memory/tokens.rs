//! Tokens in a map, for tests.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::{Grant, TokenRefusal, Tokens};

/// Tokens given out by a test.
#[derive(Debug, Default)]
pub struct MemoryTokens {
    known: Mutex<BTreeMap<String, Result<Grant, TokenRefusal>>>,
}

impl MemoryTokens {
    /// Gives a secret its answer.
    pub fn set(&self, secret: &str, answer: Result<Grant, TokenRefusal>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(secret.to_owned(), answer);
    }
}

#[async_trait]
impl Tokens for MemoryTokens {
    async fn check(&self, secret: &str) -> Result<Grant, TokenRefusal> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(secret).cloned().unwrap_or(Err(TokenRefusal::Unknown))
    }
}
