//! A load publisher: many connections, one rate, QoS 1, sequence identity, and exact knowledge of what the
//! server acknowledged. Survives the server's death: unacknowledged messages go out again with the same
//! identity.

mod payload;
mod tally;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use nhip_ports::Clock;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::DemoError;
use crate::journal::JournalWriter;
use crate::mqtt::Hello;
use crate::session::{self, Outgoing, Traffic};

pub use payload::{LoadFormat, LoadTime};
pub use tally::{Latencies, SequenceSet, SourceTally};

/// Messages a connection may hand over beyond its rate after a stall.
const BURST_MAX: u64 = 10_000;
/// Acknowledgements that may wait for the journal's writer.
const JOURNAL_QUEUE_MAX: usize = 65_536;

/// What to send, how fast, and where to write what was acknowledged.
#[derive(Clone)]
pub struct LoadConfig {
    /// The MQTT server.
    pub server: SocketAddr,
    /// User and password, if the server asks for them.
    pub login: Option<(String, String)>,
    /// Connections, each with its own sources.
    pub connections: usize,
    /// Sources per connection; messages go round among them.
    pub sources_per_connection: usize,
    /// Messages in all, shared evenly; none: until stopped.
    pub messages: Option<u64>,
    /// Messages per second in all; none: as fast as the server acknowledges.
    pub rate_per_s: Option<f64>,
    /// Unacknowledged messages per connection.
    pub inflight_max: u16,
    /// The size payloads are filled up to, bytes.
    pub payload_bytes: usize,
    /// The tenant in topics: the profile's id.
    pub tenant: String,
    /// The stream in topics.
    pub stream: String,
    /// Sources are called `{prefix}{number from 0}` unless `sources` names them.
    pub source_prefix: String,
    /// Source ids to use instead; connection c takes ids c, c + connections, …
    pub sources: Vec<String>,
    /// The quantity each message carries; its value is the sequence modulo 100.
    pub quantity: String,
    /// JSON or protobuf.
    pub format: LoadFormat,
    /// The run of the sender, part of the identity: another run must not repeat it.
    pub boot: u64,
    /// The first sequence of every source.
    pub sequence_first: u64,
    /// Event times.
    pub time: LoadTime,
    /// Where [`LoadTime::Now`] reads the time.
    pub clock: Arc<dyn Clock>,
    /// A file that gets one line per acknowledged message: `{"source":"…","boot":1,"sequence":12}`.
    pub journal: Option<PathBuf>,
    /// Counts that can be watched while the load runs.
    pub progress: Arc<LoadProgress>,
}

impl LoadConfig {
    /// 100 connections of one source each, 200-byte protobuf payloads, as fast as acknowledged, until
    /// stopped.
    #[must_use]
    pub fn new(
        server: SocketAddr,
        tenant: &str,
        stream: &str,
        quantity: &str,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            server,
            login: None,
            connections: 100,
            sources_per_connection: 1,
            messages: None,
            rate_per_s: None,
            inflight_max: 100,
            payload_bytes: 200,
            tenant: tenant.to_owned(),
            stream: stream.to_owned(),
            source_prefix: "load-".to_owned(),
            sources: Vec::new(),
            quantity: quantity.to_owned(),
            format: LoadFormat::Protobuf,
            boot: 1,
            sequence_first: 0,
            time: LoadTime::Now,
            clock,
            journal: None,
            progress: Arc::default(),
        }
    }
}

/// Counts that grow while the load runs.
#[derive(Debug, Default)]
pub struct LoadProgress {
    /// Messages handed to connections.
    pub sent: AtomicU64,
    /// Messages the server acknowledged.
    pub acknowledged: AtomicU64,
    /// Times a connection was made anew.
    pub reconnects: AtomicU64,
}

/// What became of a load.
#[derive(Clone, Debug)]
pub struct LoadReport {
    /// Different messages handed to connections.
    pub sent: u64,
    /// Of these, acknowledged.
    pub acknowledged: u64,
    /// Messages sent a second time or more.
    pub resent: u64,
    /// Connections made anew.
    pub reconnects: u64,
    /// From the first to the last moment, real time.
    pub elapsed: Duration,
    /// Publish to acknowledgement, real time.
    pub latencies: Latencies,
    /// Per source, in id order: what was sent, what was acknowledged.
    pub sources: Vec<SourceTally>,
}

/// Publishes until all messages are acknowledged or `stop` is cancelled.
///
/// # Errors
/// [`DemoError`] if the journal cannot be written, or if there is nothing to send (no connection, no source).
pub async fn run(config: LoadConfig, stop: CancellationToken) -> Result<LoadReport, DemoError> {
    if config.connections == 0 || config.sources_per_connection == 0 {
        return Err(DemoError::Configuration("a load needs connections and sources".to_owned()));
    }
    let started = Instant::now();
    let (journal, written) = start_journal(&config)?;
    let mut tasks = JoinSet::new();
    for index in 0..config.connections {
        let mut traffic = LoadTraffic::new(&config, index, journal.clone());
        let (server, inflight_max, stop) = (config.server, config.inflight_max, stop.clone());
        tasks.spawn(async move {
            let tally = session::drive(server, inflight_max, &mut traffic, &stop).await;
            traffic.close_journal().await;
            (tally, traffic)
        });
    }
    drop(journal);
    let mut report = LoadReport {
        sent: 0,
        acknowledged: 0,
        resent: 0,
        reconnects: 0,
        elapsed: Duration::ZERO,
        latencies: Latencies::default(),
        sources: Vec::new(),
    };
    while let Some(done) = tasks.join_next().await {
        let (tally, traffic) = done.map_err(|_| DemoError::Broken("a load connection"))?;
        report.sent += traffic.sent;
        report.acknowledged += traffic.acknowledged;
        report.resent += tally.resent;
        report.reconnects += tally.reconnects;
        report.latencies.add(&traffic.latencies);
        report.sources.extend(traffic.sources.into_iter().map(|source| source.tally));
    }
    if let Some(written) = written {
        written.await.map_err(|_| DemoError::Broken("the journal"))??;
    }
    report.sources.sort_by(|left, right| left.source.cmp(&right.source));
    report.elapsed = started.elapsed();
    Ok(report)
}

type JournalTask = tokio::task::JoinHandle<Result<(), DemoError>>;
type JournalSender = mpsc::Sender<(Arc<str>, u64)>;

fn start_journal(config: &LoadConfig) -> Result<(Option<JournalSender>, Option<JournalTask>), DemoError> {
    let Some(path) = &config.journal else { return Ok((None, None)) };
    let mut writer = JournalWriter::create(path)?;
    let (sender, mut receiver) = mpsc::channel::<(Arc<str>, u64)>(JOURNAL_QUEUE_MAX);
    let boot = config.boot;
    let task = tokio::task::spawn_blocking(move || {
        while let Some((source, sequence)) = receiver.blocking_recv() {
            writer.sequence(&source, boot, sequence)?;
            if receiver.is_empty() {
                writer.flush()?;
            }
        }
        writer.flush()
    });
    Ok((Some(sender), Some(task)))
}

/// One source of a connection.
struct LoadSource {
    topic: Arc<str>,
    name: Arc<str>,
    next: u64,
    tally: SourceTally,
}

/// The messages of one connection.
struct LoadTraffic {
    client: String,
    login: Option<(String, String)>,
    sources: Vec<LoadSource>,
    turn: usize,
    left: Option<u64>,
    pace: Option<Pace>,
    encoder: payload::Encoder,
    sent: u64,
    acknowledged: u64,
    /// When the messages of the last tags were handed over, by tag modulo the window.
    handed: Vec<Option<Instant>>,
    latencies: Latencies,
    journal: Option<JournalSender>,
    overflow: Vec<(Arc<str>, u64)>,
    progress: Arc<LoadProgress>,
}

/// A steady rate from its first message on.
struct Pace {
    start: Option<Instant>,
    per_s: f64,
}

impl Pace {
    /// Messages due up to now, counted from the start.
    fn due(&mut self, sent: u64) -> u64 {
        let elapsed = self.start.get_or_insert_with(Instant::now).elapsed().as_secs_f64();
        let due = (elapsed * self.per_s) as u64 + 1;
        if due > sent + BURST_MAX {
            let behind = Duration::from_secs_f64((due - sent - BURST_MAX) as f64 / self.per_s);
            self.start = self.start.map(|start| start + behind);
            return sent + BURST_MAX;
        }
        due
    }

    fn wait(&mut self, sent: u64) -> Instant {
        let start = *self.start.get_or_insert_with(Instant::now);
        start + Duration::from_secs_f64(sent as f64 / self.per_s)
    }
}

impl LoadTraffic {
    fn new(config: &LoadConfig, index: usize, journal: Option<JournalSender>) -> Self {
        let connections = config.connections as u64;
        let extra = |total: u64| u64::from((index as u64) < total % connections);
        let per_s = config.rate_per_s.map(|rate| (rate / config.connections as f64).max(0.001));
        let source = |name: String| LoadSource {
            topic: Arc::from(config.format.topic(&config.tenant, &config.stream, &name)),
            name: Arc::from(name.as_str()),
            next: config.sequence_first,
            tally: SourceTally::new(name),
        };
        Self {
            client: format!("nhip-load-{}-{}-{index}", config.source_prefix, config.boot),
            login: config.login.clone(),
            sources: names(config, index).into_iter().map(source).collect(),
            turn: 0,
            left: config.messages.map(|total| total / connections + extra(total)),
            pace: per_s.map(|per_s| Pace { start: None, per_s }),
            encoder: payload::Encoder::new(config),
            sent: 0,
            acknowledged: 0,
            handed: vec![None; usize::from(config.inflight_max).max(1) * 2],
            latencies: Latencies::default(),
            journal,
            overflow: Vec::new(),
            progress: Arc::clone(&config.progress),
        }
    }

    fn remember(&mut self, tag: u64) {
        let size = self.handed.len() as u64;
        if let Some(slot) = self.handed.get_mut((tag % size) as usize) {
            *slot = Some(Instant::now());
        }
    }

    /// Hands the journal what it has room for; what it has not waits and holds the sending back.
    fn write_journal(&mut self) {
        let Some(journal) = &self.journal else { return self.overflow.clear() };
        let mut left = std::mem::take(&mut self.overflow).into_iter();
        for line in left.by_ref() {
            if let Err(mpsc::error::TrySendError::Full(line)) = journal.try_send(line) {
                self.overflow.push(line);
                break;
            }
        }
        self.overflow.extend(left);
    }

    /// Hands the journal what it had no room for, and gives it up: an acknowledgement is never left untold.
    async fn close_journal(&mut self) {
        let Some(journal) = self.journal.take() else { return };
        for line in self.overflow.drain(..) {
            if journal.send(line).await.is_err() {
                break;
            }
        }
    }
}

fn names(config: &LoadConfig, index: usize) -> Vec<String> {
    if config.sources.is_empty() {
        let first = index * config.sources_per_connection;
        let numbers = first..first + config.sources_per_connection;
        return numbers.map(|number| format!("{}{number:04}", config.source_prefix)).collect();
    }
    config.sources.iter().skip(index).step_by(config.connections).cloned().collect()
}

#[async_trait]
impl Traffic for LoadTraffic {
    fn hello(&mut self) -> Hello {
        let (client, login) = (self.client.clone(), self.login.clone());
        Hello { client, login, will: None, keep_alive_s: 30, subscribe: None }
    }

    fn connected(&mut self, again: bool) {
        self.progress.reconnects.fetch_add(u64::from(again), Ordering::Relaxed);
    }

    async fn ready(&mut self) -> bool {
        if let (Some(journal), false) = (&self.journal, self.overflow.is_empty()) {
            let room = journal.reserve().await.is_ok();
            self.write_journal();
            return room;
        }
        if self.left == Some(0) || self.sources.is_empty() {
            return false;
        }
        if let Some(pace) = &mut self.pace {
            let at = pace.wait(self.sent);
            tokio::time::sleep_until(at).await;
        }
        true
    }

    fn take(&mut self) -> Option<Outgoing> {
        if self.left == Some(0) || !self.overflow.is_empty() {
            return None;
        }
        if let Some(pace) = &mut self.pace
            && pace.due(self.sent) <= self.sent
        {
            return None;
        }
        let turn = self.turn;
        let count = self.sources.len();
        let source = self.sources.get_mut(turn)?;
        let sequence = source.next;
        source.next += 1;
        source.tally.sent += 1;
        let topic = Arc::clone(&source.topic);
        self.turn = (turn + 1) % count;
        // The tag says source and sequence: sequence × sources + turn.
        let tag = sequence * count as u64 + turn as u64;
        let payload = self.encoder.encode(sequence);
        self.left = self.left.map(|left| left - 1);
        self.remember(tag);
        self.sent += 1;
        self.progress.sent.fetch_add(1, Ordering::Relaxed);
        Some(Outgoing { topic, payload, qos: 1, tag })
    }

    fn acknowledged(&mut self, tag: u64) {
        let size = self.handed.len() as u64;
        if let Some(at) = self.handed.get_mut((tag % size) as usize).and_then(Option::take) {
            self.latencies.record(at.elapsed());
        }
        let count = self.sources.len() as u64;
        let (sequence, turn) = (tag / count, (tag % count) as usize);
        let Some(source) = self.sources.get_mut(turn) else { return };
        source.tally.acknowledged.insert(sequence);
        let name = Arc::clone(&source.name);
        self.acknowledged += 1;
        self.progress.acknowledged.fetch_add(1, Ordering::Relaxed);
        if self.journal.is_some() {
            self.overflow.push((name, sequence));
            self.write_journal();
        }
    }

    fn command(&mut self, _topic: &str, _payload: &[u8]) {}
}
