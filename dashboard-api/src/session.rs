//! One screen's session, pure: what it said, where it stands, what it gets next. No socket, clock or queue.

use std::collections::BTreeMap;
use std::sync::Arc;

use nhip_proto::AreaCode;

use crate::board::delta_frame;
use crate::boards::Boards;
use crate::incoming::{Hello, Incoming, Resume, VERSION, read};
use crate::outbox::{self, Farewell, Outbox};
use crate::scope::Scope;

/// The heartbeat of the protocol.
pub(crate) const HEARTBEAT_MS: u64 = 1_000;
/// Slowest and default rates a screen may ask for.
const RATE_MS_MAX: u64 = 2_000;
const RATE_MS_DEFAULT: u64 = 50;
/// Beyond this lag, or with drops, the rate is halved; below the other it is restored.
const LAG_MS_HIGH: f64 = 500.0;
const LAG_MS_LOW: f64 = 100.0;
/// The first slowed rate of a screen that asked for everything at once.
const RATE_MS_SLOWED_MIN: u64 = 50;
/// Frames a screen may send at once, and per second.
const INCOMING_BURST: u64 = 100;
const INCOMING_PER_SECOND: u64 = 20;

/// The words of a heartbeat of a limited screen: they are judged for whole domains and units, never for one area.
pub(crate) const NOT_JUDGED: &str =
    "\"q\":{\"dung\":null,\"du\":null,\"sach\":null,\"song\":null},\"badges\":{},\"units\":[]";

/// Time as a session is told it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// Real milliseconds since the server started.
    pub(crate) real_ms: u64,
    /// The node's Clock in ms since 1970.
    pub(crate) clock_ms: i64,
}

/// What every heartbeat of the second says.
#[derive(Clone, Debug)]
pub(crate) struct Pulse {
    /// The server's build.
    pub(crate) build: Arc<str>,
    /// Clock seconds per real second.
    pub(crate) rate: f64,
    /// `"rate":…` to the closing brace.
    pub(crate) tail: Arc<str>,
    /// The same for screens limited to an area.
    pub(crate) limited: Arc<BTreeMap<AreaCode, Arc<str>>>,
}

impl Pulse {
    /// What a screen's heartbeat says after its own position. An area whose board is gone with its profile has nothing
    /// to tell until its screens have greeted again.
    fn tail(&self, scope: &Scope) -> Arc<str> {
        let Some(area) = &scope.area else { return Arc::clone(&self.tail) };
        self.limited.get(area).cloned().unwrap_or_else(|| {
            format!(
                "\"rate\":{},\"lag_ms\":0,\"in_s\":0,{NOT_JUDGED},\"sources\":{{\"live\":0,\"due\":0}},\
                 \"links\":[]}}",
                self.rate
            )
            .into()
        })
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    /// No hello yet.
    Greeting,
    /// In step.
    Live,
    /// Told to start over, waiting for a hello.
    Void,
    /// Said goodbye.
    Closed,
}

/// One screen.
#[derive(Debug)]
pub(crate) struct Session {
    phase: Phase,
    scope: Scope,
    epoch: Arc<str>,
    position: u64,
    event_seen: u64,
    rate_asked_ms: u64,
    rate_ms: u64,
    flushed_ms: Option<u64>,
    pending: bool,
    hello_due_ms: u64,
    heartbeat_due_ms: u64,
    drops_told: f64,
    tokens: u64,
    tokens_at_ms: u64,
}

impl Session {
    /// A screen that just connected and must greet within `hello_ms_max`.
    #[must_use]
    pub(crate) fn new(now: Now, hello_ms_max: u64) -> Self {
        Self {
            phase: Phase::Greeting,
            scope: Scope::whole(""),
            epoch: Arc::from(""),
            position: 0,
            event_seen: 0,
            rate_asked_ms: RATE_MS_DEFAULT,
            rate_ms: RATE_MS_DEFAULT,
            flushed_ms: None,
            pending: false,
            hello_due_ms: now.real_ms + hello_ms_max,
            heartbeat_due_ms: now.real_ms + HEARTBEAT_MS,
            drops_told: 0.0,
            tokens: INCOMING_BURST,
            tokens_at_ms: now.real_ms,
        }
    }

    /// Takes one text frame of the screen.
    pub(crate) fn receive(
        &mut self,
        now: Now,
        text: &str,
        boards: &mut Boards,
        pulse: &Pulse,
        out: &mut Outbox,
    ) {
        if !self.take_token(now) {
            return self.leave(Farewell::Flood, out);
        }
        match read(text) {
            Ok(Incoming::Hello(hello)) => self.greet(now, &hello, boards, pulse, out),
            Ok(Incoming::Ping { n, c0 }) => out.push(outbox::pong(&n, &c0, now.clock_ms)),
            Ok(Incoming::Flow { lag_ms, drop }) => self.adapt(lag_ms, drop),
            Ok(Incoming::Stat) => metrics::counter!("nhip_dashboard_stats_total").increment(1),
            Ok(Incoming::Unknown) => metrics::counter!("nhip_dashboard_unknown_frames_total").increment(1),
            Err(_) => self.leave(Farewell::NotProtocol, out),
        }
    }

    /// Called when something changed or [`Session::due_ms`] has come: flush, heartbeat, time-outs.
    pub(crate) fn advance(&mut self, now: Now, boards: &mut Boards, pulse: &Pulse, out: &mut Outbox) {
        if self.phase == Phase::Greeting && now.real_ms >= self.hello_due_ms {
            return self.leave(Farewell::NoHello, out);
        }
        if self.phase == Phase::Live && *self.epoch != **boards.epoch() {
            metrics::counter!("nhip_dashboard_resets_total", "reason" => "profile").increment(1);
            out.push(outbox::reset(boards.epoch(), "profile"));
            self.phase = Phase::Void;
            self.pending = false;
        }
        if self.phase == Phase::Live {
            self.pending = self.has_news(boards);
            if self.pending && self.flush_due_ms().is_none_or(|due_ms| now.real_ms >= due_ms) {
                self.flush(now, boards, out);
            }
        }
        if matches!(self.phase, Phase::Live | Phase::Void) && now.real_ms >= self.heartbeat_due_ms {
            self.beat(now, boards, pulse, out);
        }
    }

    /// When [`Session::advance`] must be called next, in real ms.
    #[must_use]
    pub(crate) fn due_ms(&self) -> u64 {
        match self.phase {
            Phase::Greeting => self.hello_due_ms,
            Phase::Closed => u64::MAX,
            Phase::Live | Phase::Void if self.pending => {
                self.flush_due_ms().unwrap_or(0).min(self.heartbeat_due_ms)
            }
            Phase::Live | Phase::Void => self.heartbeat_due_ms,
        }
    }

    /// Whether news is already waiting for its time, so that more news need not wake this session.
    #[must_use]
    pub(crate) fn pending(&self) -> bool {
        self.pending
    }

    /// Whether it greeted.
    #[must_use]
    pub(crate) fn greeted(&self) -> bool {
        self.phase != Phase::Greeting
    }

    /// Ends the session with a goodbye.
    pub(crate) fn leave(&mut self, farewell: Farewell, out: &mut Outbox) {
        if self.phase != Phase::Closed {
            self.phase = Phase::Closed;
            out.leave(farewell);
        }
    }

    fn greet(&mut self, now: Now, hello: &Hello, boards: &mut Boards, pulse: &Pulse, out: &mut Outbox) {
        if hello.v != VERSION {
            return self.leave(Farewell::Version, out);
        }
        let Some(offset) = boards.offset() else { return self.leave(Farewell::Starting, out) };
        let scope = hello.scope();
        if boards.view(&scope).is_none() {
            return self.leave(Farewell::UnknownView, out);
        }
        self.scope = scope;
        self.epoch = Arc::clone(boards.epoch());
        let asked = hello.rate_ms.map_or(RATE_MS_DEFAULT, |rate_ms| rate_ms.max(0.0) as u64);
        self.rate_asked_ms = asked.min(RATE_MS_MAX);
        self.rate_ms = self.rate_asked_ms;
        self.phase = Phase::Live;
        self.flushed_ms = None;
        let resumed = hello.resume.as_ref().map(|resume| self.resume(resume, offset, boards));
        let (mode, reason) = match resumed {
            Some(Ok(())) => ("resumed", None),
            Some(Err(reason)) => ("snapshot", Some(reason)),
            None => ("snapshot", None),
        };
        metrics::counter!("nhip_dashboard_welcomes_total", "mode" => mode).increment(1);
        if mode == "snapshot" {
            self.position = offset;
            self.event_seen = boards.events().last();
        }
        let about =
            outbox::About { epoch: &self.epoch, offset: self.position, clock_ms: now.clock_ms, pulse };
        out.push(outbox::welcome(&about, mode, reason));
        if mode == "snapshot"
            && let Some(board) = boards.view(&self.scope)
        {
            outbox::snap(&self.epoch, self.position, board, out);
        }
        self.advance(now, boards, pulse, out);
    }

    fn resume(&mut self, resume: &Resume, offset: u64, boards: &Boards) -> Result<(), &'static str> {
        if resume.e != *self.epoch {
            return Err("epoch");
        }
        if resume.o > offset {
            return Err("offset");
        }
        let seen = match resume.n {
            Some(seen) if seen > boards.events().last() => return Err("offset"),
            Some(seen) => boards.events().after(seen).map(|_| seen),
            None => boards.events().seen_at(resume.o),
        };
        self.event_seen = seen.map_err(|_| "events")?;
        self.position = resume.o;
        Ok(())
    }

    fn has_news(&self, boards: &mut Boards) -> bool {
        let newest = boards.view(&self.scope).map_or(0, |board| board.last_change());
        newest > self.position || boards.events().last() > self.event_seen
    }

    fn flush_due_ms(&self) -> Option<u64> {
        self.flushed_ms.map(|flushed_ms| flushed_ms + self.rate_ms)
    }

    /// Events first, so that a screen cut off in the middle still stands where they will be repeated to it.
    fn flush(&mut self, now: Now, boards: &mut Boards, out: &mut Outbox) {
        self.flushed_ms = Some(now.real_ms);
        self.pending = false;
        let mut covered = self.position;
        let Ok(events) = boards.events().after(self.event_seen) else {
            return self.leave(Farewell::Slow, out);
        };
        for event in events {
            if boards.concerns(&self.scope, event) {
                out.push(event.frame(self.position, self.position).into());
            }
            covered = covered.max(event.offset);
        }
        self.event_seen = boards.events().last();
        let Some(delta) = boards.view(&self.scope).map(|board| board.delta(self.position)) else { return };
        for frame in delta.frames.iter() {
            out.push(frame.clone());
        }
        self.position = delta.to;
        self.move_to(covered, out);
    }

    /// An empty delta, where nothing of the view changed.
    fn move_to(&mut self, offset: u64, out: &mut Outbox) {
        if offset > self.position {
            out.push(delta_frame(self.position, offset, 0, ""));
            self.position = offset;
        }
    }

    fn beat(&mut self, now: Now, boards: &mut Boards, pulse: &Pulse, out: &mut Outbox) {
        let late_ms = now.real_ms.saturating_sub(self.heartbeat_due_ms);
        self.heartbeat_due_ms += HEARTBEAT_MS * (1 + late_ms / HEARTBEAT_MS);
        if self.phase == Phase::Live && !self.pending {
            self.move_to(boards.offset().unwrap_or(0), out);
        }
        out.push(outbox::heartbeat(self.position, now.clock_ms, &pulse.tail(&self.scope)));
    }

    fn adapt(&mut self, lag_ms: f64, drop: f64) {
        let dropped = drop > self.drops_told;
        self.drops_told = drop;
        if lag_ms > LAG_MS_HIGH || dropped {
            self.rate_ms = (self.rate_ms * 2).clamp(RATE_MS_SLOWED_MIN, RATE_MS_MAX);
        } else if lag_ms < LAG_MS_LOW {
            self.rate_ms = (self.rate_ms / 2).max(self.rate_asked_ms);
        }
    }

    fn take_token(&mut self, now: Now) -> bool {
        let earned = now.real_ms.saturating_sub(self.tokens_at_ms) * INCOMING_PER_SECOND / 1_000;
        if earned > 0 {
            self.tokens = (self.tokens + earned).min(INCOMING_BURST);
            self.tokens_at_ms = now.real_ms;
        }
        self.tokens = match self.tokens.checked_sub(1) {
            Some(left) => left,
            None => return false,
        };
        true
    }
}
