//! The bus inside one process: a bounded ring all readers share.

use std::sync::Arc;

use async_trait::async_trait;
use nhip_ports::{Bus, Lagged, Subscription};
use nhip_proto::Update;
use tokio::sync::broadcast;

/// Updates a reader may lag by before it must start over from the board.
pub const BUS_UPDATES_MAX: usize = 1_024;

/// [`Bus`] by a ring in memory.
#[derive(Debug)]
pub struct LocalBus {
    ring: broadcast::Sender<Arc<Update>>,
}

struct LocalSubscription {
    ring: broadcast::Receiver<Arc<Update>>,
}

impl LocalBus {
    /// A ring of at least `updates_max` updates (rounded up to a power of two, at least 1).
    #[must_use]
    pub fn new(updates_max: usize) -> Self {
        Self { ring: broadcast::Sender::new(updates_max.max(1)) }
    }
}

impl Default for LocalBus {
    fn default() -> Self {
        Self::new(BUS_UPDATES_MAX)
    }
}

impl Bus for LocalBus {
    fn publish(&self, update: Arc<Update>) {
        metrics::counter!("nhip_bus_updates_total").increment(1);
        // No reader is no error: a node may run without screens.
        self.ring.send(update).unwrap_or_default();
    }

    fn subscribe(&self) -> Box<dyn Subscription> {
        Box::new(LocalSubscription { ring: self.ring.subscribe() })
    }
}

#[async_trait]
impl Subscription for LocalSubscription {
    async fn next(&mut self) -> Option<Result<Arc<Update>, Lagged>> {
        match self.ring.recv().await {
            Ok(update) => Some(Ok(update)),
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                metrics::counter!("nhip_bus_missed_updates_total").increment(missed);
                Some(Err(Lagged))
            }
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_the_promises_of_a_bus() {
        nhip_ports::contract::bus::all(|updates_max| Box::new(LocalBus::new(updates_max))).await;
    }
}
