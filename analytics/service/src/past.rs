//! The past: engines of its own, each restored from a snapshot and fed the log up to one moment. The live engine and
//! the screens never wait for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nhip_engine::{Effects, Engine, EngineSettings};
use nhip_ports::{EventLog, LogError, PastBoard, PastError, PastMoment, ReadLimit, StateStore};
use nhip_proto::{ArrivalTime, Logged, Offset, Record};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};

use crate::service::{Config, Parts};
use crate::telemetry;

/// Records read beyond the last Tick while looking for the next one; a Clock makes at least one Tick for a second.
const BETWEEN_TICKS_RECORDS_MAX: usize = 1_000_000;

/// Bounds of the past.
#[derive(Clone, Debug)]
pub struct PastConfig {
    /// Engines in the past at once, at work or resting; one more question waits for its turn.
    pub engines_max: usize,
    /// Time for one question; then it is told to ask again, and the next one goes on from there.
    pub seconds_max: u64,
    /// Time an engine rests after its last question; then its memory is given back.
    pub rest_seconds_max: u64,
}

impl Default for PastConfig {
    fn default() -> Self {
        Self { engines_max: 3, seconds_max: 10, rest_seconds_max: 120 }
    }
}

/// What the past is made of.
pub(crate) struct Past {
    log: Arc<dyn EventLog>,
    states: Arc<dyn StateStore>,
    settings: EngineSettings,
    limit: ReadLimit,
    config: PastConfig,
    places: Semaphore,
    /// Engines that rest where the last question left them, the one used longest ago first.
    resting: Mutex<Vec<Rests>>,
}

/// An engine that rests where the last question left it.
struct Rests {
    engine: Engine,
    since: Instant,
}

/// Where an engine got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// The moment.
    Moment,
    /// It stood beyond the last Tick before the moment already.
    Beyond,
}

impl Past {
    /// The past of a room with these doors and bounds.
    pub(crate) fn new(parts: &Parts, config: &Config) -> Self {
        Self {
            log: parts.log.clone(),
            states: parts.states.clone(),
            settings: config.engine_settings(parts.origin),
            limit: config.read_limit(),
            places: Semaphore::new(config.past.engines_max),
            config: config.past.clone(),
            resting: Mutex::default(),
        }
    }

    /// The board at a moment, worked out on a thread of its own.
    pub(crate) async fn board(
        self: Arc<Self>,
        moment: PastMoment,
        patience: Duration,
    ) -> Result<PastBoard, PastError> {
        let deadline = Instant::now() + patience.min(Duration::from_secs(self.config.seconds_max));
        let (reply, answer) = oneshot::channel();
        let runtime = Handle::current();
        let work = move || {
            let answer = runtime.block_on(self.answer(moment, deadline));
            // Whoever asked may have given up.
            drop(reply.send(answer));
        };
        let thread = std::thread::Builder::new().name("nhip-past".to_owned()).spawn(work);
        thread.map_err(|error| PastError::Unavailable(error.to_string()))?;
        answer.await.map_err(|_| PastError::Unavailable("its thread died".to_owned()))?
    }

    async fn answer(self: &Arc<Self>, moment: PastMoment, deadline: Instant) -> Result<PastBoard, PastError> {
        let began = Instant::now();
        let wait = tokio::time::timeout_at(deadline.into(), self.places.acquire());
        let Ok(Ok(_place)) = wait.await else {
            telemetry::past_refused("busy");
            return Err(PastError::Unavailable("all its places are taken".to_owned()));
        };
        if let PastMoment::Offset(offset) = moment
            && offset > *self.log.durable().borrow()
        {
            return Err(PastError::TooLate);
        }
        let mut below = Offset(u64::MAX);
        loop {
            let mut engine = self.nearest(moment, below).await?;
            let from = engine.applied();
            let reached = self.go(&mut engine, moment, deadline).await;
            if reached == Ok(Reached::Beyond) && from > Offset(0) {
                below = from;
                continue;
            }
            let reached = reached.map_err(|error| match error {
                PastError::Unfinished { .. } => PastError::Unfinished { reached: engine.last_tick() },
                other => other,
            });
            let board = reached.and_then(|_| board(&engine));
            telemetry::past(from, engine.applied(), began.elapsed().as_secs_f64());
            self.rest(engine);
            return board;
        }
    }

    /// The engine that has the least way to go: one that rests, one from a snapshot, or one before the first record.
    /// Only those that stand below an offset.
    async fn nearest(&self, moment: PastMoment, below: Offset) -> Result<Engine, PastError> {
        let kept = self.states.kept().await.map_err(unavailable)?;
        let first = self.log.first();
        let before = kept.into_iter().rev().filter(|kept| match moment {
            PastMoment::Offset(offset) => kept.applied <= offset,
            PastMoment::Time(at) => kept.at <= at,
        });
        let mut before = before.filter(|kept| kept.applied >= first && kept.applied < below).peekable();
        if let Some(resting) = self.take_resting(moment, before.peek().map(|kept| kept.applied)) {
            return Ok(resting);
        }
        for kept in before {
            let Some(state) = self.states.recall(kept).await.map_err(unavailable)? else { continue };
            match Engine::restore(&state.bytes, self.settings.clone()) {
                Ok(engine) if engine.applied() == kept.applied => return Ok(engine),
                Ok(_) => telemetry::snapshot_unusable(kept.applied, "its inner offset differs"),
                Err(error) => telemetry::snapshot_unusable(kept.applied, &error.to_string()),
            }
        }
        if first == Offset(0) {
            return Ok(Engine::new(self.settings.clone()));
        }
        Err(PastError::Gone)
    }

    fn take_resting(&self, moment: PastMoment, snapshot: Option<Offset>) -> Option<Engine> {
        let mut resting = self.resting();
        let usable = |(_, rests): &(usize, &Rests)| can_reach(&rests.engine, moment);
        let best = resting.iter().enumerate().filter(usable).max_by_key(|(_, rests)| rests.engine.applied());
        let best = best.filter(|(_, rests)| Some(rests.engine.applied()) >= snapshot).map(|(at, _)| at);
        if let Some(at) = best {
            return Some(resting.remove(at).engine);
        }
        // Room for one more beside those at work.
        let at_work = self.config.engines_max - self.places.available_permits();
        let surplus = (resting.len() + at_work).saturating_sub(self.config.engines_max);
        resting.drain(..surplus);
        None
    }

    /// An engine waits a while for the next question, which is likely to be about the moment after.
    fn rest(self: &Arc<Self>, engine: Engine) {
        let since = Instant::now();
        self.resting().push(Rests { engine, since });
        let (past, span) = (Arc::downgrade(self), Duration::from_secs(self.config.rest_seconds_max));
        tokio::spawn(async move {
            tokio::time::sleep(span).await;
            if let Some(past) = past.upgrade() {
                past.resting().retain(|rests| rests.since > since);
            }
        });
    }

    fn resting(&self) -> MutexGuard<'_, Vec<Rests>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn go(
        &self,
        engine: &mut Engine,
        moment: PastMoment,
        deadline: Instant,
    ) -> Result<Reached, PastError> {
        match moment {
            PastMoment::Offset(offset) => self.to_offset(engine, offset, deadline).await,
            PastMoment::Time(at) => self.to_time(engine, at, deadline).await,
        }
    }

    async fn to_offset(
        &self,
        engine: &mut Engine,
        target: Offset,
        deadline: Instant,
    ) -> Result<Reached, PastError> {
        while engine.applied() < target {
            in_time(deadline)?;
            let left = usize::try_from(target.0 - engine.applied().0).unwrap_or(usize::MAX);
            let limit = ReadLimit { records_max: left.min(self.limit.records_max), ..self.limit };
            let batch = self.log.read(engine.applied(), limit).await.map_err(of_log)?;
            if batch.is_empty() {
                return Err(PastError::TooLate);
            }
            self.apply(engine, &batch, deadline).await?;
        }
        Ok(Reached::Moment)
    }

    /// Looks for the last Tick not after a time and stops right behind it: what arrived later is not applied.
    async fn to_time(
        &self,
        engine: &mut Engine,
        at: ArrivalTime,
        deadline: Instant,
    ) -> Result<Reached, PastError> {
        let mut ahead: Vec<Logged> = Vec::new();
        loop {
            in_time(deadline)?;
            let next = ahead.last().map_or(engine.applied(), |last| last.offset.next());
            let batch = self.log.read(next, self.limit).await.map_err(of_log)?;
            let tick = |logged: &Logged| match &logged.record {
                Record::Tick(tick) => Some(tick.at),
                _ => None,
            };
            let later = batch.iter().position(|logged| tick(logged).is_some_and(|tick| tick > at));
            let within = batch.get(..later.unwrap_or(batch.len())).unwrap_or_default();
            let last = within.iter().rposition(|logged| tick(logged).is_some());
            let (reached, rest) = within.split_at(last.map_or(0, |last| last + 1));
            if !reached.is_empty() {
                self.apply(engine, &std::mem::take(&mut ahead), deadline).await?;
                self.apply(engine, reached, deadline).await?;
            }
            if later.is_some() || batch.is_empty() {
                let stands_there = engine.is_at_tick() || engine.last_tick().is_none();
                return Ok(if stands_there { Reached::Moment } else { Reached::Beyond });
            }
            ahead.extend_from_slice(rest);
            if ahead.len() > BETWEEN_TICKS_RECORDS_MAX {
                return Err(PastError::Unavailable("too many records without a Tick".to_owned()));
            }
        }
    }

    /// As the live room applies them, with the re-runs they ask for; rows and rebirths are dropped.
    async fn apply(
        &self,
        engine: &mut Engine,
        mut batch: &[Logged],
        deadline: Instant,
    ) -> Result<(), PastError> {
        let mut effects = Effects::default();
        while !batch.is_empty() {
            engine.apply(batch, &mut effects).map_err(unavailable)?;
            let left = batch.iter().position(|logged| logged.offset >= engine.applied());
            batch = left.and_then(|left| batch.get(left..)).unwrap_or_default();
            while let Some(mut rerun) = engine.rerun().filter(|_| !batch.is_empty()) {
                while let Some(from) = rerun.wants() {
                    in_time(deadline)?;
                    rerun.feed(&self.log.read(from, self.limit).await.map_err(of_log)?);
                }
                engine.take(rerun);
            }
        }
        Ok(())
    }
}

/// Whether the moment lies ahead of an engine. Where it stands between two Ticks, a time may lie at the Tick behind it.
fn can_reach(engine: &Engine, moment: PastMoment) -> bool {
    match moment {
        PastMoment::Offset(offset) => engine.applied() <= offset,
        PastMoment::Time(at) => engine.is_at_tick() && engine.last_tick().is_some_and(|tick| tick <= at),
    }
}

fn board(engine: &Engine) -> Result<PastBoard, PastError> {
    let profile = engine.profile_text().filter(|_| engine.last_tick().is_some());
    let profile = Arc::clone(profile.ok_or(PastError::TooEarly)?);
    Ok(PastBoard { board: Arc::new(engine.board()), profile })
}

fn in_time(deadline: Instant) -> Result<(), PastError> {
    if Instant::now() < deadline {
        return Ok(());
    }
    telemetry::past_refused("unfinished");
    Err(PastError::Unfinished { reached: None })
}

fn of_log(error: LogError) -> PastError {
    match error {
        LogError::Trimmed(_) => PastError::Gone,
        other => unavailable(other),
    }
}

fn unavailable(error: impl std::fmt::Display) -> PastError {
    PastError::Unavailable(error.to_string())
}
