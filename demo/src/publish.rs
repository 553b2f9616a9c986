//! Publishes plans over MQTT: bounded queues, bounded windows, a journal of what was sent and acknowledged.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use nhip_ports::Clock;
use nhip_proto::ArrivalTime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::DemoError;
use crate::journal::JournalWriter;
use crate::mqtt::{Hello, Will};
use crate::plan::{Body, Encoder, Planned, PlannedKind, Step};
use crate::session::{self, Outgoing, Traffic};
use crate::sparkplug::Gateway;

/// Steps waiting for a connection.
pub(crate) const QUEUE_MAX: usize = 256;
/// Lines waiting for the journal's writer.
const JOURNAL_QUEUE_MAX: usize = 4_096;
/// Seconds between signs of life.
const KEEP_ALIVE_S: u16 = 30;

/// Where a ready plan goes.
#[derive(Clone, Debug)]
pub struct PublishConfig {
    /// The MQTT server.
    pub server: SocketAddr,
    /// User and password, if the server asks for them.
    pub login: Option<(String, String)>,
    /// The client id.
    pub client: String,
    /// Unacknowledged messages at most.
    pub inflight_max: u16,
    /// Where to write what was sent and acknowledged.
    pub journal: Option<PathBuf>,
}

/// Publishes a ready plan on one connection, in its order, each message not before its time by the clock;
/// returns how many were sent, and of these acknowledged, by kind.
///
/// # Errors [`DemoError`] if the journal cannot be written.
pub async fn publish(
    config: PublishConfig,
    plan: Vec<Planned>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> Result<Counts, DemoError> {
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    let (journal, written) = open_journal(config.journal.as_deref())?;
    let identity = Identity { client: config.client, login: config.login };
    let mut traffic =
        PlannedTraffic::new(identity, Encoder::new(None), receiver, Arc::clone(&clock), journal);
    let feed = async {
        for message in plan {
            clock.reach(message.at).await;
            if enqueue(&sender, ready(message)).await.is_none() {
                break;
            }
        }
        drop(sender);
    };
    let drive = session::drive(config.server, config.inflight_max, &mut traffic, &stop);
    let feed = async {
        tokio::select! {
            () = feed => {}
            () = stop.cancelled() => {}
        }
    };
    tokio::join!(drive, feed);
    let counts = traffic.finish().await;
    close_journal(written).await?;
    Ok(counts)
}

fn ready(message: Planned) -> Step {
    Step {
        at: message.at,
        source: message.source,
        event: message.event,
        readings: message.readings,
        kind: message.kind,
        body: Body::Message { topic: message.topic, payload: message.payload },
    }
}

/// What was published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages sent, by kind.
    pub sent: BTreeMap<PlannedKind, u64>,
    /// Messages the server acknowledged (QoS 1 only).
    pub acknowledged: u64,
    /// Births sent because a host asked.
    pub rebirths: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        for (kind, count) in &other.sent {
            *self.sent.entry(*kind).or_default() += count;
        }
        self.acknowledged += other.acknowledged;
        self.rebirths += other.rebirths;
    }
}

/// One line for the journal.
pub(crate) enum JournalLine {
    Sent { number: u64, at: ArrivalTime, message: Planned },
    Acknowledged(u64),
}

/// A way to the journal's writer; messages are numbered over all connections.
#[derive(Clone)]
pub(crate) struct Journal {
    lines: mpsc::Sender<JournalLine>,
    numbers: Arc<AtomicU64>,
}

pub(crate) type JournalTask = tokio::task::JoinHandle<Result<(), DemoError>>;

/// The journal's writer on its own thread, if there is a path.
pub(crate) fn open_journal(path: Option<&Path>) -> Result<(Option<Journal>, Option<JournalTask>), DemoError> {
    let Some(path) = path else { return Ok((None, None)) };
    let mut writer = JournalWriter::create(path)?;
    let (sender, mut lines) = mpsc::channel(JOURNAL_QUEUE_MAX);
    let task = tokio::task::spawn_blocking(move || {
        while let Some(line) = lines.blocking_recv() {
            match line {
                JournalLine::Sent { number, at, message } => {
                    writer.sent(number, at, message.qos, &message.topic, &message.payload)?;
                }
                JournalLine::Acknowledged(number) => writer.acknowledged(number)?,
            }
            if lines.is_empty() {
                writer.flush()?;
            }
        }
        writer.flush()
    });
    Ok((Some(Journal { lines: sender, numbers: Arc::default() }), Some(task)))
}

/// Waits for the last line.
pub(crate) async fn close_journal(task: Option<JournalTask>) -> Result<(), DemoError> {
    match task {
        Some(task) => task.await.map_err(|_| DemoError::Broken("the journal"))?,
        None => Ok(()),
    }
}

/// Queues a step for its connection, waiting while the queue is at its bound; none if the connection ended.
pub(crate) async fn enqueue(queue: &mpsc::Sender<Step>, step: Step) -> Option<()> {
    queue.send(step).await.ok()?;
    metrics::gauge!("nhip_demo_queue_messages").increment(1.0);
    Some(())
}

/// How a connection introduces itself.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) client: String,
    pub(crate) login: Option<(String, String)>,
}

/// Steps from a queue as traffic of a session.
pub(crate) struct PlannedTraffic {
    identity: Identity,
    encoder: Encoder,
    queue: mpsc::Receiver<Step>,
    clock: Arc<dyn Clock>,
    journal: Option<Journal>,
    /// Encoded and not yet taken.
    next: std::collections::VecDeque<Planned>,
    /// Lines the journal had no room for; they hold the sending back.
    lines: std::collections::VecDeque<JournalLine>,
    waiting: Option<Step>,
    renew: bool,
    counts: Counts,
}

impl PlannedTraffic {
    pub(crate) fn new(
        identity: Identity,
        encoder: Encoder,
        queue: mpsc::Receiver<Step>,
        clock: Arc<dyn Clock>,
        journal: Option<Journal>,
    ) -> Self {
        Self {
            identity,
            encoder,
            queue,
            clock,
            journal,
            next: std::collections::VecDeque::new(),
            lines: std::collections::VecDeque::new(),
            waiting: None,
            renew: false,
            counts: Counts::default(),
        }
    }

    /// Gives the journal what it had no room for, gives it up and tells the counts.
    pub(crate) async fn finish(mut self) -> Counts {
        if let Some(journal) = &self.journal {
            for line in self.lines.drain(..) {
                if journal.lines.send(line).await.is_err() {
                    break;
                }
            }
        }
        self.counts
    }

    fn write(&mut self, line: JournalLine) {
        if self.journal.is_some() {
            self.lines.push_back(line);
            self.drain();
        }
    }

    fn drain(&mut self) {
        let Some(journal) = &self.journal else { return };
        while let Some(line) = self.lines.pop_front() {
            metrics::gauge!("nhip_demo_journal_queue_lines")
                .set((journal.lines.max_capacity() - journal.lines.capacity()) as f64);
            if let Err(mpsc::error::TrySendError::Full(line)) = journal.lines.try_send(line) {
                self.lines.push_front(line);
                return;
            }
        }
    }

    /// Encodes a step; a death of the gateway is told by the server when the connection breaks.
    fn encode(&mut self, step: Step) {
        metrics::gauge!("nhip_demo_queue_messages").decrement(1.0);
        if matches!(step.body, Body::Death) {
            self.renew = true;
            return self.count(PlannedKind::Death);
        }
        self.next.extend(self.encoder.encode(step));
    }

    fn count(&mut self, kind: PlannedKind) {
        *self.counts.sent.entry(kind).or_default() += 1;
        metrics::counter!("nhip_demo_messages_total", "kind" => kind.as_str()).increment(1);
    }
}

#[async_trait]
impl Traffic for PlannedTraffic {
    fn hello(&mut self) -> Hello {
        let gateway = self.encoder.gateway();
        let will = gateway.as_deref().map(Gateway::will);
        Hello {
            client: self.identity.client.clone(),
            login: self.identity.login.clone(),
            will: will.map(|(topic, payload)| Will { topic, payload: payload.to_vec(), qos: 1 }),
            keep_alive_s: KEEP_ALIVE_S,
            subscribe: gateway.map(|gateway| gateway.command_topic()),
        }
    }

    fn connected(&mut self, again: bool) {
        let at = self.clock.now();
        if let (Some(gateway), true) = (self.encoder.gateway(), again) {
            // What was encoded for the old session would break the order of the new one; the births say the
            // newest.
            let births = gateway.births(at);
            self.next.clear();
            self.next.extend(births);
        }
    }

    async fn ready(&mut self) -> bool {
        if let (Some(journal), false) = (&self.journal, self.lines.is_empty()) {
            let room = journal.lines.reserve().await.is_ok();
            self.drain();
            return room;
        }
        if self.waiting.is_none() && self.next.is_empty() {
            self.waiting = self.queue.recv().await;
        }
        self.waiting.is_some() || !self.next.is_empty()
    }

    fn take(&mut self) -> Option<Outgoing> {
        if !self.lines.is_empty() || self.renew {
            return None;
        }
        while self.next.is_empty() && !self.renew {
            let step = self.waiting.take().or_else(|| self.queue.try_recv().ok())?;
            self.encode(step);
        }
        let message = self.next.pop_front()?;
        let tag = self.journal.as_ref().map_or(0, |journal| journal.numbers.fetch_add(1, Ordering::Relaxed));
        self.count(message.kind);
        let topic = Arc::from(message.topic.as_str());
        let out = Outgoing { topic, payload: message.payload.clone(), qos: message.qos, tag };
        if self.journal.is_some() {
            self.write(JournalLine::Sent { number: tag, at: self.clock.now(), message });
        }
        Some(out)
    }

    fn acknowledged(&mut self, tag: u64) {
        self.counts.acknowledged += 1;
        self.write(JournalLine::Acknowledged(tag));
    }

    fn command(&mut self, topic: &str, payload: &[u8]) {
        let at = self.clock.now();
        if let Some(gateway) = self.encoder.gateway().filter(|gateway| gateway.asks_rebirth(topic, payload)) {
            let births = gateway.births(at);
            self.counts.rebirths += 1;
            self.next.extend(births);
        }
    }

    /// The connection breaks without DISCONNECT, the server publishes the will, and the next session is born
    /// anew.
    fn renew(&mut self) -> bool {
        let renew = std::mem::take(&mut self.renew);
        if let (true, Some(gateway)) = (renew, self.encoder.gateway()) {
            gateway.reconnected();
        }
        renew
    }
}
