//! The analytics room's loop: read → apply → publish → write rows → checkpoint, and queries between two batches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nhip_engine::{Effects, Engine, EngineError, EngineSettings, Foreseen, Rerun};
use nhip_ports::{
    Bus, EventLog, History, LogBatch, LogError, ReadLimit, RowStore, RowStoreError, SavedState, StateError,
    StateStore,
};
use nhip_proto::{ArrivalTime, EventTime, IndicatorId, Logged, Offset, Origin};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::keeping::Keeping;
use crate::mutant::Mutant;
use crate::past::{Past, PastConfig};
use crate::query::{AnalysisHandle, Query};
use crate::row_writer::RowWriter;
use crate::{catch_up, telemetry};

/// Two snapshots are at least this far apart, also where the last one could not be saved.
const SNAPSHOT_PAUSE: Duration = Duration::from_millis(500);

/// Bounds of the room.
#[derive(Clone, Debug)]
pub struct Config {
    /// Threads of the engine.
    pub threads: usize,
    /// Records in one batch at most.
    pub batch_records_max: usize,
    /// Encoded bytes in one batch at most.
    pub batch_bytes_max: usize,
    /// A snapshot is saved after this many records …
    pub snapshot_records: u64,
    /// … or after this long, whichever comes first, if anything was applied.
    pub snapshot_interval: Duration,
    /// Queries waiting at most; beyond it they are refused.
    pub queries_queued_max: usize,
    /// Snapshots kept for the past, the first of each civil hour, at most.
    pub hours_kept_max: usize,
    /// Snapshots kept for the past, the first of each civil day, at most.
    pub days_kept_max: usize,
    /// Bounds of questions about the past.
    pub past: PastConfig,
    /// A deliberate fault of the test harness; none in the shipped program.
    pub fault: Option<Fault>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            threads: 1,
            batch_records_max: 8_192,
            batch_bytes_max: 8 << 20,
            snapshot_records: 250_000,
            snapshot_interval: Duration::from_secs(60),
            queries_queued_max: 256,
            hours_kept_max: 48,
            days_kept_max: 400,
            past: PastConfig::default(),
            fault: None,
        }
    }
}

impl Config {
    pub(crate) fn engine_settings(&self, origin: Origin) -> EngineSettings {
        EngineSettings { threads: self.threads, origin }
    }

    pub(crate) fn read_limit(&self) -> ReadLimit {
        ReadLimit { records_max: self.batch_records_max, bytes_max: self.batch_bytes_max }
    }
}

/// A mutant the fault harness must catch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The applied offset is kept beside the snapshot instead of inside it (etcd 3.5's mistake).
    AppliedOffsetOutside,
}

/// Where rebirth requests go (Sparkplug B); called only for records that are new, never in catch-up.
pub trait RebirthSink: Send + Sync {
    /// Asks an edge node to send its births again.
    fn request(&self, node: &str);
}

/// The doors of the room.
pub struct Parts {
    /// The log it reads.
    pub log: Arc<dyn EventLog>,
    /// Where rows go.
    pub rows: Arc<dyn RowStore>,
    /// Where those of any window are asked for.
    pub history: Arc<dyn History>,
    /// Where snapshots go.
    pub states: Arc<dyn StateStore>,
    /// Where updates go.
    pub bus: Arc<dyn Bus>,
    /// Where rebirth requests go.
    pub rebirths: Arc<dyn RebirthSink>,
    /// What the log's header says of its data.
    pub origin: Origin,
}

/// Why the room cannot start or go on.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The engine refused a record: a bug, or a log of another engine version.
    #[error("engine: {0}")]
    Engine(#[from] EngineError),
    /// Rows cannot be written.
    #[error(transparent)]
    Rows(#[from] RowStoreError),
    /// The row writer ended before the engine.
    #[error("row writer ended")]
    RowsClosed,
    /// Snapshots cannot be saved or listed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The thread of the engine could not be started or died.
    #[error("engine thread: {0}")]
    Thread(String),
}

/// A running room.
pub struct Analytics {
    /// Resolves when the room ended, with its error if it failed.
    pub ended: oneshot::Receiver<Result<(), ServiceError>>,
}

/// What the room found when it stood at the end of the log.
#[derive(Clone, Debug)]
pub struct Started {
    /// The offset after the last record.
    pub applied: Offset,
    /// The last Tick.
    pub last_tick: Option<ArrivalTime>,
    /// The time of the last record.
    pub last_record: Option<ArrivalTime>,
    /// The hash of the profile in force.
    pub profile_hash: Option<[u8; 16]>,
}

/// Restores the newest usable snapshot, applies the rest of the log and goes on with what comes.
///
/// # Errors
/// [`ServiceError`] if the log cannot be read to its end.
pub async fn start(
    parts: Parts,
    config: Config,
    stop: CancellationToken,
) -> Result<(Analytics, Started, Arc<AnalysisHandle>), ServiceError> {
    let (queries, waiting) = mpsc::channel(config.queries_queued_max);
    let past = Arc::new(Past::new(&parts, &config));
    let handle = Arc::new(AnalysisHandle::new(queries, parts.log.clone(), parts.history.clone(), past));
    let (started_sender, started) = oneshot::channel();
    let (ended_sender, ended) = oneshot::channel();
    let runtime = Handle::current();
    let room = move || {
        let result = runtime.block_on(run(parts, config, waiting, started_sender, stop));
        // The foreman may have stopped listening already; the result was logged by then.
        drop(ended_sender.send(result));
    };
    let thread = std::thread::Builder::new().name("nhip-engine".to_owned()).spawn(room);
    thread.map_err(|error| ServiceError::Thread(error.to_string()))?;
    match started.await {
        Ok(found) => Ok((Analytics { ended }, found, handle)),
        Err(_) => match ended.await {
            Ok(Err(error)) => Err(error),
            _ => Err(ServiceError::Thread("ended before it was ready".to_owned())),
        },
    }
}

async fn run(
    parts: Parts,
    config: Config,
    mut queries: mpsc::Receiver<Query>,
    started: oneshot::Sender<Started>,
    stop: CancellationToken,
) -> Result<(), ServiceError> {
    let (rows, write_rows) = RowWriter::new(parts.rows.clone());
    let writer = tokio::spawn(write_rows);
    let settings = config.engine_settings(parts.origin);
    let (engine, at) =
        catch_up::restore(parts.states.as_ref(), parts.log.as_ref(), settings, &config).await?;
    let keeping = Keeping::open(parts.states.as_ref(), (config.hours_kept_max, config.days_kept_max)).await?;
    let mutant = Mutant::new(config.fault, &engine);
    let mut room = Room {
        engine,
        at,
        effects: Effects::default(),
        rows,
        saved: at,
        saved_at: Instant::now(),
        keeping,
        parts,
        config,
        mutant,
    };
    let last_record = catch_up::to_the_end(&mut room).await?;
    let found = Started {
        applied: room.at,
        last_tick: room.engine.last_tick(),
        last_record,
        profile_hash: room.engine.profile_hash(),
    };
    if started.send(found).is_ok() {
        room.follow(&mut queries, &stop).await?;
        room.save().await?;
    }
    drop(room);
    match writer.await {
        Ok(result) => result,
        Err(error) => Err(ServiceError::Thread(error.to_string())),
    }
}

/// The engine with its hands.
pub(crate) struct Room {
    pub(crate) engine: Engine,
    /// The offset to read next.
    pub(crate) at: Offset,
    effects: Effects,
    rows: RowWriter,
    saved: Offset,
    saved_at: Instant,
    keeping: Keeping,
    pub(crate) parts: Parts,
    config: Config,
    mutant: Mutant,
}

impl Room {
    async fn follow(
        &mut self,
        queries: &mut mpsc::Receiver<Query>,
        stop: &CancellationToken,
    ) -> Result<(), ServiceError> {
        let mut durable = self.parts.log.durable();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                moved = durable.wait_for(|end| *end > self.at) => {
                    moved.map_err(|_| LogError::Closed)?;
                    let batch = self.read().await?;
                    self.apply(&batch, true).await?;
                    self.answer_waiting(queries).await?;
                }
                Some(query) = queries.recv() => self.answer(query).await?,
            }
        }
    }

    /// Under load the log always has more; queries must not wait for a quiet moment.
    async fn answer_waiting(&mut self, queries: &mut mpsc::Receiver<Query>) -> Result<(), ServiceError> {
        while let Ok(query) = queries.try_recv() {
            self.answer(query).await?;
        }
        Ok(())
    }

    async fn read(&self) -> Result<LogBatch, ServiceError> {
        Ok(self.parts.log.read(self.at, self.limit()).await?)
    }

    pub(crate) fn limit(&self) -> ReadLimit {
        self.config.read_limit()
    }

    /// One batch through the engine; the order is the guarantee.
    pub(crate) async fn apply(&mut self, batch: &LogBatch, live: bool) -> Result<(), ServiceError> {
        let Some(last) = batch.last() else { return Ok(()) };
        let began = Instant::now();
        self.at = last.offset.next();
        let mut rest: &[Logged] = batch;
        loop {
            self.engine.apply(rest, &mut self.effects)?;
            let left = rest.iter().position(|logged| logged.offset >= self.engine.applied());
            let Some(more) = left.and_then(|left| rest.get(left..)) else { break };
            rest = more;
            self.revise().await?;
        }
        telemetry::applied(batch.len(), began.elapsed().as_secs_f64(), self.at);
        telemetry::overflows(self.engine.overflows());
        if live {
            self.parts.bus.publish(Arc::new(self.engine.update()));
        }
        for (tick, rows) in self.effects.rows.drain(..) {
            self.rows.write(tick, rows).await?;
        }
        for rebirth in self.effects.rebirths.drain(..).filter(|_| live) {
            self.parts.rebirths.request(&rebirth.node);
        }
        self.save_when_due().await
    }

    /// Redecode and Restate records: the log is read again before time goes on. The screens stand still meanwhile.
    async fn revise(&mut self) -> Result<(), ServiceError> {
        while let Some(mut rerun) = self.engine.rerun() {
            let began = Instant::now();
            self.carry(&mut rerun).await?;
            let end = rerun.end();
            self.engine.take(rerun);
            telemetry::rerun(began.elapsed().as_secs_f64(), end, self.engine.revisions());
        }
        Ok(())
    }

    /// Feeds a re-run all it wants, reading ahead while it works.
    async fn carry(&self, rerun: &mut Rerun) -> Result<(), ServiceError> {
        while let Some(from) = rerun.wants() {
            let batch = self.parts.log.read(from, self.limit()).await?;
            rerun.feed(&batch);
        }
        Ok(())
    }

    /// What a Restate up to here would change.
    async fn foresee(
        &self,
        indicator: &IndicatorId,
        range: (EventTime, EventTime),
    ) -> Result<Option<Foreseen>, ServiceError> {
        let Some(mut rerun) = self.engine.preview(indicator, range) else { return Ok(None) };
        let began = Instant::now();
        self.carry(&mut rerun).await?;
        telemetry::previewed(began.elapsed().as_secs_f64());
        Ok(Some(self.engine.foresee(&rerun)))
    }

    /// Answers a question; one needs the log.
    async fn answer(&mut self, query: Query) -> Result<(), ServiceError> {
        match query {
            Query::Foresee(indicator, range, reply) => {
                let foreseen = self.foresee(&indicator, range).await?;
                // Whoever asked may have given up.
                drop(reply.send(foreseen));
            }
            other => other.answer(&mut self.engine),
        }
        Ok(())
    }

    async fn save_when_due(&mut self) -> Result<(), ServiceError> {
        let records = self.at.0 - self.saved.0;
        let since = self.saved_at.elapsed();
        let paused = records > 0 && since >= SNAPSHOT_PAUSE;
        let due = (paused && (records >= self.config.snapshot_records || self.day_began()))
            || (records > 0 && since >= self.config.snapshot_interval);
        if due { self.save().await } else { Ok(()) }
    }

    /// Rows first: a snapshot must never claim a Tick whose rows could still be lost. A snapshot that cannot be saved
    /// (a full disk) is tried again later: the log holds everything it would.
    async fn save(&mut self) -> Result<(), ServiceError> {
        if self.at == self.saved {
            return Ok(());
        }
        let began = Instant::now();
        self.rows.flush().await?;
        let bytes = self.engine.snapshot();
        let size = bytes.len();
        let bytes = self.mutant.exchange(self.config.fault, bytes);
        self.saved_at = Instant::now();
        let state = SavedState { applied: self.at, bytes };
        if let Some((at, zone)) = self.civil() {
            self.keeping.keep(self.parts.states.as_ref(), at, &zone, &state).await;
        }
        match self.parts.states.save(state).await {
            Ok(()) => {
                self.saved = self.at;
                telemetry::snapshot_saved(size, began.elapsed().as_secs_f64(), self.at);
            }
            Err(error) => telemetry::snapshot_postponed(&error.to_string()),
        }
        Ok(())
    }

    /// The last Tick and the zone of the profile in force, once there are both.
    fn civil(&self) -> Option<(ArrivalTime, String)> {
        let zone = self.engine.profile()?.zone.clone();
        self.engine.last_tick().map(|at| (at, zone))
    }

    fn day_began(&self) -> bool {
        self.civil().is_some_and(|(at, zone)| self.keeping.day_began(at, &zone))
    }
}
