//! Tokens: who may write by HTTP in whose name. A token is a secret of 256 random bits that was shown once; what is
//! kept is its hash.

use async_trait::async_trait;
use nhip_proto::{SourceId, StreamId};
use thiserror::Error;

/// Stands for every stream or every source in a scope.
pub const SCOPE_ALL: &str = "*";

/// What a token allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Whose name stands as author of what is written with it.
    pub name: String,
    /// The streams it is for; [`SCOPE_ALL`] stands for all.
    pub streams: Vec<String>,
    /// The sources it is for; [`SCOPE_ALL`] stands for all.
    pub sources: Vec<String>,
    /// Whether it may write for them.
    pub write: bool,
    /// Whether it may read what people wrote for them, also what is not released yet.
    pub read: bool,
}

impl Grant {
    /// Whether it may write for this source of this stream.
    #[must_use]
    pub fn writes(&self, stream: &StreamId, source: &SourceId) -> bool {
        self.write && self.is_for(stream.as_str(), source.as_str())
    }

    /// Whether it may read what people wrote for this source of this stream.
    #[must_use]
    pub fn reads(&self, stream: &str, source: &str) -> bool {
        self.read && self.is_for(stream, source)
    }

    fn is_for(&self, stream: &str, source: &str) -> bool {
        let names = |scope: &[String], id: &str| scope.iter().any(|one| one == SCOPE_ALL || one == id);
        names(&self.streams, stream) && names(&self.sources, source)
    }
}

/// Why a token allows nothing. Who asked learns no more than that.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenRefusal {
    /// No such token was given out.
    #[error("unknown")]
    Unknown,
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// It was revoked.
    #[error("revoked")]
    Revoked,
    /// The tokens cannot be read; nobody is let in.
    #[error("the tokens cannot be read: {0}")]
    Failed(String),
}

/// Promise: a secret is compared without telling by time how much of it was right; a revocation or an expiry holds
/// from the next question on; where the tokens cannot be read, none is good.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// What this secret allows now.
    async fn check(&self, secret: &str) -> Result<Grant, TokenRefusal>;
}
