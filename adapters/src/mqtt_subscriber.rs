//! A subscriber to any MQTT broker (MQTT 3.1.1 and 5) on rumqttc: persistent session, manual acknowledgements
//! that follow the disk, in order of receipt, and only on the connection that brought the message.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use metrics::counter;
use nhip_ports::{IngestLink, Intake, LinkError, Refused};
use nhip_proto::LinkState;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::mqtt_broker::{MqttBroker, MqttProtocol, Session};

mod fault;
mod pipeline;
mod received;
mod version_3;
mod version_5;
mod watchdog;

use pipeline::{Settled, Work};
use watchdog::{Watchdog, supervise};

/// Work units between the event loop and the submitter; each holds up to one batch.
const WORK_QUEUE_MAX: usize = 16;
/// Settled batches on their way back to the event loop.
const SETTLED_QUEUE_MAX: usize = 64;

/// What to subscribe to, and the bounds.
#[derive(Clone, Debug)]
pub struct MqttSubscriberConfig {
    /// The link's name in state, metrics and as principal of its deliveries.
    pub name: String,
    /// The broker.
    pub broker: MqttBroker,
    /// Topic filters; `$share/GROUP/FILTER` shares the load with other clients of the group.
    pub filters: Vec<String>,
    /// 1, or 0 for loss-tolerant topics.
    pub qos: u8,
    /// Seconds the broker keeps our session while we are away (MQTT 5); 0: no session, every break is a gap.
    /// Under MQTT 3.1.1 the broker's own configuration decides how long.
    pub session_expiry_s: u32,
    /// Whether a session should already be there at the first connection (the log holds records of this
    /// link).
    pub session_expected: bool,
    /// The largest packet taken as a delivery, bytes, both ways.
    pub packet_bytes_max: u32,
    /// The largest packet read at all, bytes: what lies above `packet_bytes_max` is handed over cut to it
    /// plus one byte, so that it is logged as too large and acknowledged instead of coming back for ever.
    pub oversize_bytes_max: u32,
    /// QoS 1 deliveries received and not yet acknowledged; then nothing more is read.
    pub in_flight_max: u16,
    /// Deliveries handed over at once.
    pub deliveries_per_submit_max: usize,
    /// Bytes after which a batch is handed over.
    pub bytes_per_submit_max: usize,
    /// Batches on their way to the disk.
    pub submits_in_flight_max: usize,
    /// Seconds a write to the broker may take.
    pub write_s_max: u64,
    /// Seconds after which an event loop that shows no sign of life is rebuilt.
    pub stall_s_max: u64,
    /// Milliseconds a stopping link waits for what is on its way to the disk.
    pub drain_ms_max: u64,
    /// The connections are counted up from here; take a number greater than any used before.
    pub epoch_first: u64,
}

impl Default for MqttSubscriberConfig {
    fn default() -> Self {
        Self {
            name: "broker".to_owned(),
            broker: MqttBroker::default(),
            filters: vec!["nhip/v1/#".to_owned()],
            qos: 1,
            session_expiry_s: 7 * 24 * 3_600,
            session_expected: false,
            packet_bytes_max: 1024 * 1024 + 1_024,
            oversize_bytes_max: 16 * 1024 * 1024,
            in_flight_max: 4_096,
            deliveries_per_submit_max: 512,
            bytes_per_submit_max: 1024 * 1024,
            submits_in_flight_max: 16,
            write_s_max: 10,
            stall_s_max: 60,
            drain_ms_max: 2_000,
            epoch_first: 1,
        }
    }
}

impl MqttSubscriberConfig {
    fn session(&self) -> Session {
        Session {
            expiry_s: self.session_expiry_s,
            incoming_bytes_max: self.oversize_bytes_max.max(self.packet_bytes_max),
            outgoing_bytes_max: self.packet_bytes_max,
            receive_max: self.in_flight_max.max(1),
        }
    }

    fn check(&self) -> Result<(), LinkError> {
        self.broker.check()?;
        let fault = if self.filters.is_empty() {
            "needs a topic filter"
        } else if !self.filters.iter().all(|filter| rumqttc::valid_filter(filter)) {
            "has a malformed topic filter"
        } else if self.qos > 1 {
            "takes QoS 0 or 1"
        } else {
            return Ok(());
        };
        Err(LinkError::Configuration(format!("MQTT link {} {fault}", self.name)))
    }
}

/// A link that subscribes.
pub struct MqttSubscriber {
    shared: Arc<Shared>,
}

/// What the tasks of one link share.
struct Shared {
    config: MqttSubscriberConfig,
    up: AtomicBool,
    /// The epoch of the newest connection.
    epoch: AtomicU64,
    connected: AtomicU64,
    delivered: AtomicU64,
    /// Whether the broker should know our session.
    had_session: AtomicBool,
    error: Mutex<String>,
    watchdog: Watchdog,
}

/// What an event loop works with; a rebuilt loop gets the same.
#[derive(Clone)]
struct Loop {
    shared: Arc<Shared>,
    work: mpsc::Sender<Work>,
    settled: Arc<tokio::sync::Mutex<mpsc::Receiver<Settled>>>,
    stop: CancellationToken,
}

impl MqttSubscriber {
    /// A link; it connects when it runs.
    ///
    /// # Errors
    /// [`LinkError::Configuration`]: something that can never work, or a certificate that cannot be read.
    pub fn new(config: MqttSubscriberConfig) -> Result<Self, LinkError> {
        config.check()?;
        // Certificates are read again at each rebuilt event loop; here only to say early that they are wrong.
        config.broker.options_3(config.session())?;
        let shared = Shared {
            up: AtomicBool::new(false),
            epoch: AtomicU64::new(config.epoch_first.saturating_sub(1)),
            connected: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            had_session: AtomicBool::new(config.session_expected),
            error: Mutex::new(String::new()),
            watchdog: Watchdog::default(),
            config,
        };
        Ok(Self { shared: Arc::new(shared) })
    }
}

#[async_trait]
impl IngestLink for MqttSubscriber {
    async fn run(&self, intake: Arc<dyn Intake>, stop: CancellationToken) -> Result<(), LinkError> {
        let config = &self.shared.config;
        let (work, work_in) = mpsc::channel(WORK_QUEUE_MAX);
        let (submitted, submitted_in) = mpsc::channel(config.submits_in_flight_max.max(1));
        let (settled, settled_in) = mpsc::channel(SETTLED_QUEUE_MAX);
        // The loop outlives the stop a little, to acknowledge what is on its way to the disk.
        let around = Loop {
            shared: Arc::clone(&self.shared),
            work,
            settled: Arc::new(tokio::sync::Mutex::new(settled_in)),
            stop: stop.clone(),
        };
        let stall_max = std::time::Duration::from_secs(config.stall_s_max).max(config.broker.quiet_max());
        let looping = supervise(&self.shared.watchdog, stall_max, || {
            counter!("nhip_mqtt_event_loops_total", "link" => config.name.clone()).increment(1);
            let around = around.clone();
            async move {
                match around.shared.config.broker.protocol {
                    MqttProtocol::V3 => version_3::run(around).await,
                    MqttProtocol::V5 => version_5::run(around).await,
                }
            }
        });
        let outcome = tokio::select! {
            outcome = looping => outcome,
            refused = pipeline::submit_all(&self.shared, work_in, &*intake, submitted) => Err(refused.into()),
            refused = pipeline::settle_all(submitted_in, settled) => Err(refused.into()),
        };
        self.shared.up.store(false, Ordering::Relaxed);
        match outcome {
            // Refusals while stopping are part of stopping.
            Err(LinkError::Refused(Refused::Stopping)) if stop.is_cancelled() => Ok(()),
            other => other,
        }
    }

    fn state(&self) -> LinkState {
        let shared = &self.shared;
        LinkState {
            name: shared.config.name.clone(),
            up: shared.up.load(Ordering::Relaxed),
            epoch: shared.connected.load(Ordering::Relaxed),
            delivered: shared.delivered.load(Ordering::Relaxed),
            error: shared.error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
