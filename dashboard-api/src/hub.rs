//! What all screens of a node share: the boards, the news that wakes them, the pulse, ready-made snapshots.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use nhip_ports::{Analysis, Clock};
use nhip_proto::{LinkState, MILLISECOND};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use crate::boards::Boards;
use crate::scope::Scope;
use crate::session::{NOT_JUDGED, Now, Pulse};
use crate::snapshot;

/// A ready-made snapshot is handed out again for this long even if values moved on: a screen resumes from its
/// offset.
const SNAPSHOT_REUSE_MS: u64 = 50;
/// The same where nothing of the view changed.
const SNAPSHOT_QUIET_REUSE_MS: u64 = 1_000;

/// Shared by feed, sessions and requests.
pub(crate) struct Hub {
    started: Instant,
    clock: Arc<dyn Clock>,
    analysis: Arc<dyn Analysis>,
    build: Arc<str>,
    boards: Mutex<Boards>,
    news: watch::Sender<u64>,
    pulse: Mutex<Pulse>,
    links: Mutex<Arc<str>>,
    /// Messages that came in within the last second.
    in_s: AtomicU64,
    snapshots: tokio::sync::Mutex<BTreeMap<Scope, Ready>>,
}

/// An encoded snapshot.
#[derive(Clone)]
pub(crate) struct Encoded {
    /// JSON.
    pub(crate) plain: Bytes,
    /// The same, gzip.
    pub(crate) gzip: Bytes,
}

/// Why there is no snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSnapshot {
    /// The boards are not filled yet.
    Starting,
    /// The profile has no such view.
    UnknownView,
    /// The profile has no such area.
    UnknownArea,
}

struct Ready {
    epoch: Arc<str>,
    last_change: u64,
    made: Instant,
    encoded: Encoded,
}

impl Hub {
    /// A hub with boards not yet filled.
    #[must_use]
    pub(crate) fn new(
        boards: Boards,
        clock: Arc<dyn Clock>,
        analysis: Arc<dyn Analysis>,
        build: &str,
    ) -> Self {
        let build: Arc<str> = Arc::from(build);
        let tail = Arc::from("\"rate\":0}");
        let pulse = Pulse { build: Arc::clone(&build), rate: clock.rate(), tail, limited: Arc::default() };
        Self {
            started: Instant::now(),
            clock,
            analysis,
            build,
            boards: Mutex::new(boards),
            news: watch::Sender::new(0),
            pulse: Mutex::new(pulse),
            links: Mutex::new(Arc::from("[]")),
            in_s: AtomicU64::new(0),
            snapshots: tokio::sync::Mutex::default(),
        }
    }

    /// The boards, for the length of one short step without waiting.
    pub(crate) fn boards(&self) -> MutexGuard<'_, Boards> {
        self.boards.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the screens.
    pub(crate) fn tell(&self) {
        self.news.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Wakes whenever there may be news.
    #[must_use]
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// The pulse of this second.
    #[must_use]
    pub(crate) fn pulse(&self) -> Pulse {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Both times of now.
    #[must_use]
    pub(crate) fn now(&self) -> Now {
        Now { real_ms: self.real_ms(Instant::now()), clock_ms: self.clock_ms() }
    }

    /// The instant of a real time told to sessions.
    #[must_use]
    pub(crate) fn instant(&self, real_ms: u64) -> Instant {
        let far = Duration::from_secs(3_600);
        self.started.checked_add(Duration::from_millis(real_ms)).unwrap_or_else(|| Instant::now() + far)
    }

    /// Takes the pulse: `in_s` messages came in since the last one, a second ago.
    pub(crate) fn beat(&self, links: &[LinkState], in_s: u64) {
        let links: Vec<Value> = links.iter().map(|link| json!({"name": link.name, "up": link.up})).collect();
        let links: Arc<str> = Value::from(links).to_string().into();
        *self.links.lock().unwrap_or_else(PoisonError::into_inner) = links;
        self.in_s.store(in_s, Ordering::Relaxed);
        self.write_pulse();
    }

    /// Writes what the heartbeats of this second say, of the whole and of each area a screen is limited to.
    fn write_pulse(&self) {
        let links = Arc::clone(&self.links.lock().unwrap_or_else(PoisonError::into_inner));
        let (rate, in_s) = (self.clock.rate(), self.in_s.load(Ordering::Relaxed));
        let boards = self.boards();
        let lag_ms = boards.tick().map_or(0, |tick| self.clock.now().since(tick).max(0) / MILLISECOND);
        let words = format!(
            "\"q\":{},\"badges\":{},\"units\":{}",
            boards.quality_json(),
            boards.badges_json(),
            boards.units_json()
        );
        let tail = |words: &str, sources: &str| -> Arc<str> {
            let head = format!("\"rate\":{rate},\"lag_ms\":{lag_ms},\"in_s\":{in_s}");
            format!("{head},{words},\"sources\":{sources},\"links\":{links}}}").into()
        };
        let whole = tail(&words, &boards.sources_json(None));
        let limited = boards.limited_areas().into_iter().map(|area| {
            let sources = boards.sources_json(Some(&area));
            (area, tail(NOT_JUDGED, &sources))
        });
        let limited = Arc::new(limited.collect());
        drop(boards);
        let pulse = Pulse { build: Arc::clone(&self.build), rate, tail: whole, limited };
        *self.pulse.lock().unwrap_or_else(PoisonError::into_inner) = pulse;
    }

    /// Opens the board of a view limited to an area, if it is not open yet, and fills it with what is known now.
    pub(crate) async fn open(&self, scope: &Scope) {
        let unfilled = self.boards().open(scope);
        if !unfilled {
            return;
        }
        // Opened first and read second, so nothing falls between the two.
        match self.analysis.board().await {
            Ok(board) => {
                let news = self.boards().fill(scope, &board);
                metrics::counter!("nhip_dashboard_limited_boards_total").increment(1);
                self.write_pulse();
                if news {
                    self.tell();
                }
            }
            Err(error) => tracing::warn!(%error, "no board for a limited view yet"),
        }
    }

    /// Why a scope has no board.
    fn missing(boards: &Boards, scope: &Scope) -> NoSnapshot {
        match (boards.profile().views.contains_key(&scope.view), scope.is_of(boards.profile())) {
            (false, _) => NoSnapshot::UnknownView,
            (true, false) => NoSnapshot::UnknownArea,
            (true, true) => NoSnapshot::Starting,
        }
    }

    /// A snapshot of a view. Many screens that ask at once share one.
    ///
    /// # Errors
    /// [`NoSnapshot`] while starting and for unknown views and areas.
    pub(crate) async fn snapshot(&self, scope: &Scope) -> Result<Encoded, NoSnapshot> {
        self.open(scope).await;
        let mut ready = self.snapshots.lock().await;
        let parts = {
            let mut boards = self.boards();
            if boards.offset().is_none() {
                return Err(NoSnapshot::Starting);
            }
            let epoch = Arc::clone(boards.epoch());
            let last_change = boards.view(scope).map(|board| board.last_change());
            let last_change = last_change.ok_or_else(|| Self::missing(&boards, scope))?;
            if let Some(made) = ready.get(scope).filter(|ready| ready.holds(&epoch, last_change)) {
                return Ok(made.encoded.clone());
            }
            let links = Arc::clone(&self.links.lock().unwrap_or_else(PoisonError::into_inner));
            let server = snapshot::Server {
                clock_ms: self.clock_ms(),
                rate: self.clock.rate(),
                build: &self.build,
                links: &links,
                past: None,
            };
            let text = snapshot::encode(&mut boards, scope, &server).ok_or(NoSnapshot::UnknownView)?;
            (epoch, last_change, text)
        };
        let (epoch, last_change, text) = parts;
        let gzip = snapshot::gzip(text.as_bytes());
        let encoded = Encoded { plain: text.into(), gzip };
        metrics::counter!("nhip_dashboard_snapshots_total").increment(1);
        let made = Ready { epoch, last_change, made: Instant::now(), encoded: encoded.clone() };
        // Views of a profile that is gone are forgotten, so the map is bounded by one profile's views and areas.
        ready.retain(|_, other| other.epoch == made.epoch);
        ready.insert(scope.clone(), made);
        Ok(encoded)
    }

    fn real_ms(&self, at: Instant) -> u64 {
        u64::try_from(at.duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    fn clock_ms(&self) -> i64 {
        self.clock.now().0.div_euclid(MILLISECOND)
    }
}

impl Ready {
    fn holds(&self, epoch: &Arc<str>, last_change: u64) -> bool {
        let quiet = self.last_change == last_change;
        let reuse_ms = if quiet { SNAPSHOT_QUIET_REUSE_MS } else { SNAPSHOT_REUSE_MS };
        self.epoch == *epoch && self.made.elapsed() < Duration::from_millis(reuse_ms)
    }
}
