//! The bus carries updates to the screens: bounded and lossy by contract; a reader that lost something is told.

use std::sync::Arc;

use async_trait::async_trait;
use nhip_proto::Update;

/// The subscriber missed updates and must start over from the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lagged;

/// One reader.
#[async_trait]
pub trait Subscription: Send {
    /// The next update; none when the bus is closed.
    async fn next(&mut self) -> Option<Result<Arc<Update>, Lagged>>;
}

/// Promise: `publish` never blocks; updates arrive in order; a lost one is always told as [`Lagged`].
pub trait Bus: Send + Sync {
    /// Publishes to every reader.
    fn publish(&self, update: Arc<Update>);

    /// Reads from now on.
    fn subscribe(&self) -> Box<dyn Subscription>;
}
