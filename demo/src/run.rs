//! The demo as a whole: one connection per group of devices, the past first, then life by the Clock port.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use nhip_ports::Clock;
use nhip_profile::Profile;
use nhip_proto::{ArrivalTime, MINUTE, Span};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::city::{City, MESSAGES_MAX};
use crate::plan::{Encoder, Plan, PlannedKind, Step};
use crate::publish::{
    Counts, Identity, Journal, PlannedTraffic, QUEUE_MAX, close_journal, enqueue, open_journal,
};
use crate::{DemoError, Recordings, session};

/// Life is planned in spans of this length, so that no plan grows with the clock's speed.
const CHUNK: Span = MINUTE;

/// Where the readings come from.
#[derive(Clone, Debug)]
pub enum DemoInput {
    /// The simulated city of the profile's sources.
    Simulated,
    /// Real recordings in this directory, re-based in time.
    Recordings(PathBuf),
}

/// What the demo publishes and where to.
#[derive(Clone, Debug)]
pub struct DemoConfig {
    /// The MQTT server: the node's own endpoint or a broker.
    pub mqtt: SocketAddr,
    /// User and password, if the server asks for them.
    pub login: Option<(String, String)>,
    /// Everything random follows from it.
    pub seed: u64,
    /// How much of the past is told first, hours.
    pub backlog_hours: u32,
    /// Messages of the past at most.
    pub backlog_messages_max: usize,
    /// Whether life goes on after the past; else the demo ends.
    pub live: bool,
    /// Unacknowledged messages per connection.
    pub inflight_max: u16,
    /// Simulated or recorded.
    pub input: DemoInput,
    /// Where to write what was sent and acknowledged.
    pub journal: Option<PathBuf>,
}

impl DemoConfig {
    /// 48 hours in at most 40,000 messages, then life, with 100 messages in flight per connection.
    #[must_use]
    pub fn new(mqtt: SocketAddr, seed: u64) -> Self {
        Self {
            mqtt,
            login: None,
            seed,
            backlog_hours: 48,
            backlog_messages_max: MESSAGES_MAX,
            live: true,
            inflight_max: 100,
            input: DemoInput::Simulated,
            journal: None,
        }
    }
}

/// What the demo did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DemoReport {
    /// Messages sent, by kind.
    pub sent: BTreeMap<PlannedKind, u64>,
    /// Of the QoS 1 messages, acknowledged.
    pub acknowledged: u64,
    /// Births because a host asked.
    pub rebirths: u64,
    /// Connections made anew.
    pub reconnects: u64,
}

/// Publishes until stopped (or, without `live`, until the past is acknowledged). The past is that before the
/// clock's now at the call.
///
/// # Errors [`DemoError`] if recordings or journal cannot be opened, or the profile has no source to play.
pub async fn run(
    config: DemoConfig,
    profile: Arc<Profile>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> Result<DemoReport, DemoError> {
    let plans = plans(&config, Arc::clone(&profile)).await?;
    if plans.is_empty() {
        return Err(DemoError::Configuration("the profile has no source to play".to_owned()));
    }
    let start = clock.now();
    let (journal, written) = open_journal(config.journal.as_deref())?;
    let mut tasks = JoinSet::new();
    for plan in plans {
        tasks.spawn(connection(
            config.clone(),
            plan,
            start,
            Arc::clone(&clock),
            journal.clone(),
            stop.clone(),
        ));
    }
    drop(journal);
    let (mut report, mut counts) = (DemoReport::default(), Counts::default());
    while let Some(done) = tasks.join_next().await {
        let (own, reconnects) = done.map_err(|_| DemoError::Broken("a connection of the demo"))?;
        counts.add(&own);
        report.reconnects += reconnects;
    }
    close_journal(written).await?;
    Ok(DemoReport {
        sent: counts.sent,
        acknowledged: counts.acknowledged,
        rebirths: counts.rebirths,
        ..report
    })
}

/// Planning reads files or thinks for a moment: not on the runtime's threads.
async fn plans(config: &DemoConfig, profile: Arc<Profile>) -> Result<Vec<Box<dyn Plan>>, DemoError> {
    let config = config.clone();
    let backlog = Span::from(config.backlog_hours) * 60 * MINUTE;
    let plan = move || match config.input {
        DemoInput::Simulated => {
            Ok(City::new(&profile, config.seed).plans(backlog, config.backlog_messages_max))
        }
        DemoInput::Recordings(directory) => {
            let recordings = Recordings::read(&directory, &profile)?;
            Ok(recordings.plans(backlog, config.backlog_messages_max))
        }
    };
    tokio::task::spawn_blocking(plan).await.map_err(|_| DemoError::Broken("the planning"))?
}

async fn connection(
    config: DemoConfig,
    plan: Box<dyn Plan>,
    start: ArrivalTime,
    clock: Arc<dyn Clock>,
    journal: Option<Journal>,
    stop: CancellationToken,
) -> (Counts, u64) {
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    let client = format!("nhip-demo-{}", plan.name().replace('/', "-"));
    let encoder = Encoder::new(plan.gateway());
    let identity = Identity { client, login: config.login.clone() };
    let mut traffic = PlannedTraffic::new(identity, encoder, receiver, Arc::clone(&clock), journal);
    let feed = async {
        tokio::select! {
            () = feed(plan, start, config.live, clock.as_ref(), sender) => {}
            () = stop.cancelled() => {}
        }
    };
    let drive = session::drive(config.mqtt, config.inflight_max, &mut traffic, &stop);
    let (tally, ()) = tokio::join!(drive, feed);
    if tally.unacknowledged > 0 {
        tracing::debug!(unacknowledged = tally.unacknowledged, "a connection of the demo stopped early");
    }
    (traffic.finish().await, tally.reconnects)
}

async fn feed(
    mut plan: Box<dyn Plan>,
    start: ArrivalTime,
    live: bool,
    clock: &dyn Clock,
    queue: mpsc::Sender<Step>,
) {
    for step in plan.backlog(start) {
        if enqueue(&queue, step).await.is_none() {
            return;
        }
    }
    if !live {
        return;
    }
    let mut from = start.plus(1);
    loop {
        let to = from.plus(CHUNK);
        for step in plan.live(from, to) {
            clock.reach(step.at).await;
            if enqueue(&queue, step).await.is_none() {
                return;
            }
        }
        from = to;
        clock.reach(from.plus(-CHUNK)).await;
    }
}
