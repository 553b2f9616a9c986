//! Ingest links bring deliveries; the intake makes them durable; only then does a link acknowledge.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use nhip_proto::{Dedication, GapCause, LinkState};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::{Appended, Commit, LogError};

/// One message as the transport brought it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The topic, or the path of an HTTP delivery.
    pub topic: String,
    /// The payload.
    pub payload: Bytes,
    /// QoS, retain, dup.
    pub dedication: Dedication,
    /// MQTT 5 or HTTP content type, or empty.
    pub content_type: String,
    /// Who delivered it.
    pub principal: String,
    /// The connection of that principal.
    pub epoch: u64,
}

/// A gap a link noticed; the intake stamps it and logs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapNotice {
    /// Why.
    pub cause: GapCause,
    /// Whose messages; empty: everybody's.
    pub principal: String,
    /// How many were counted as lost, 0 if unknown.
    pub lost: u64,
}

/// Resolves when every delivery of one [`Intake::submit`] is durable.
#[derive(Debug)]
pub struct Durable(Commit);

impl Durable {
    /// Wraps the log's commit.
    #[must_use]
    pub fn new(commit: Commit) -> Self {
        Self(commit)
    }

    /// Waits; after `Ok` the deliveries may be acknowledged, after `Err` never.
    ///
    /// # Errors
    /// [`Refused`] if the log failed.
    pub async fn wait(self) -> Result<Appended, Refused> {
        Ok(self.0.durable().await?)
    }
}

/// Why the intake takes nothing more.
#[derive(Debug, Error)]
pub enum Refused {
    /// The log failed or closed; the node is going down.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}

/// The ingest room as the links see it. Promise: `submit` keeps order (deliveries enter the log in the order in
/// which `submit` was entered), takes every payload (what cannot be read is logged as a rejection) and waits while
/// its queue is at its bound.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Decodes and queues deliveries.
    async fn submit(&self, deliveries: Vec<Delivery>) -> Result<Durable, Refused>;

    /// Logs that messages may be missing.
    async fn gap(&self, notice: GapNotice) -> Result<(), Refused>;
}

/// Why a link gave up.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The address cannot be bound, a certificate cannot be read: start again after mending the configuration.
    #[error("{0}")]
    Configuration(String),
    /// The intake refused: the node is going down.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// A source of deliveries. Promise: a delivery of QoS 1 is acknowledged only after [`Durable::wait`] returned `Ok`,
/// in the order of receipt, and only on the connection (epoch) that brought it; transport errors are met inside
/// with back-off, so `run` returns only when stopped or when it can never work.
#[async_trait]
pub trait IngestLink: Send + Sync {
    /// Runs until stopped.
    async fn run(&self, intake: Arc<dyn Intake>, stop: CancellationToken) -> Result<(), LinkError>;

    /// The state for health and footer.
    fn state(&self) -> LinkState;
}

/// A command to a device (a Sparkplug rebirth request).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingCommand {
    /// Where to.
    pub topic: String,
    /// What.
    pub payload: Bytes,
}

/// Sends commands to devices, on another client than ingest, best effort and bounded.
#[async_trait]
pub trait CommandLink: Send + Sync {
    /// Hands a command over; drops it (counted) when the queue is at its bound.
    async fn send(&self, command: OutgoingCommand);
}
