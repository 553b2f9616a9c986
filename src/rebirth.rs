//! Rebirth requests of the engine become commands on every link that can send them, within a rate.

use std::sync::{Arc, Mutex, PoisonError};

use nhip_analytics::RebirthSink;
use nhip_ingest::{RebirthLimit, RebirthLimitSettings, sparkplug_rebirth};
use nhip_ports::{Clock, CommandLink};
use tokio::sync::mpsc;

use crate::commands::Failure;

/// Requests waiting to be sent; the engine drops beyond it (a node that still lacks its birth asks again).
const REQUESTS_QUEUED_MAX: usize = 64;

/// The engine's end.
pub(crate) struct Rebirths {
    queue: mpsc::Sender<String>,
}

impl Rebirths {
    /// The sink and the queue behind it.
    pub(crate) fn new() -> (Self, mpsc::Receiver<String>) {
        let (queue, waiting) = mpsc::channel(REQUESTS_QUEUED_MAX);
        (Self { queue }, waiting)
    }
}

impl RebirthSink for Rebirths {
    fn request(&self, node: &str) {
        if self.queue.try_send(node.to_owned()).is_err() {
            metrics::counter!("nhip_node_rebirths_dropped_total").increment(1);
        }
    }
}

/// Sends what passes the limit to every command link.
pub(crate) async fn send(
    mut waiting: mpsc::Receiver<String>,
    links: Vec<Arc<dyn CommandLink>>,
    clock: Arc<dyn Clock>,
) -> Result<(), Failure> {
    let limit = Mutex::new(RebirthLimit::new(RebirthLimitSettings::default()));
    while let Some(node) = waiting.recv().await {
        let now = clock.now();
        let allowed = limit.lock().unwrap_or_else(PoisonError::into_inner).allow(&node, now);
        if !allowed {
            metrics::counter!("nhip_node_rebirths_limited_total").increment(1);
            continue;
        }
        let Some(command) = sparkplug_rebirth(&node, now) else { continue };
        metrics::counter!("nhip_node_rebirths_total").increment(1);
        for link in &links {
            link.send(command.clone()).await;
        }
    }
    Ok(())
}
