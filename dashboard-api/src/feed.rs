//! The two tasks behind the screens: updates from the bus into the boards, and the pulse of every second.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use nhip_ports::{Analysis, Bus, Subscription};
use nhip_profile::Profile;
use nhip_proto::{LinkState, Update};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tracing::warn;

use crate::boards::Boards;
use crate::hub::Hub;
use crate::session::HEARTBEAT_MS;

/// How long to wait before asking a room again that was not ready.
const BOARD_RETRY_MS: u64 = 50;

/// Feeds the hub until the bus closes.
pub(crate) struct Feed {
    /// Where to.
    pub(crate) hub: Arc<Hub>,
    /// The whole board, at the start and after a loss.
    pub(crate) analysis: Arc<dyn Analysis>,
    /// Everything after it.
    pub(crate) bus: Arc<dyn Bus>,
    /// The profile now valid.
    pub(crate) profile: watch::Receiver<Arc<Profile>>,
}

impl Feed {
    /// Subscribes first and reads the board second, so nothing falls between the two.
    pub(crate) async fn run(mut self) {
        let mut updates = self.bus.subscribe();
        self.seed().await;
        while let Some(update) = self.next(updates.as_mut()).await {
            match update {
                Next::Update(update) if update.profile_changed => self.start_over().await,
                Next::Update(update) => {
                    let news = self.hub.boards().apply(&update);
                    metrics::counter!("nhip_dashboard_updates_total").increment(1);
                    if news {
                        self.hub.tell();
                    }
                }
                Next::Lagged => {
                    metrics::counter!("nhip_dashboard_lagged_total").increment(1);
                    self.seed().await;
                }
                Next::Profile => self.start_over().await,
            }
        }
    }

    async fn next(&mut self, updates: &mut dyn Subscription) -> Option<Next> {
        loop {
            tokio::select! {
                biased;
                changed = self.profile.changed(), if self.profile.has_changed().is_ok() => {
                    if changed.is_ok() && self.profile_differs() {
                        return Some(Next::Profile);
                    }
                }
                update = updates.next() => {
                    return update.map(|update| update.map_or(Next::Lagged, Next::Update));
                }
            }
        }
    }

    fn profile_differs(&self) -> bool {
        self.profile.borrow().hash != self.hub.boards().profile().hash
    }

    /// Another profile numbers its rows anew: a new epoch, and every screen is told to start over.
    async fn start_over(&mut self) {
        let board = self.board().await;
        let profile = Arc::clone(&self.profile.borrow_and_update());
        let mut boards = Boards::new(&new_epoch(), profile);
        boards.seed(&board);
        *self.hub.boards() = boards;
        self.hub.tell();
    }

    async fn seed(&self) {
        let board = self.board().await;
        let news = self.hub.boards().seed(&board);
        if news {
            self.hub.tell();
        }
    }

    async fn board(&self) -> Arc<Update> {
        let mut told = false;
        loop {
            match self.analysis.board().await {
                Ok(board) => return board,
                Err(error) if !told => {
                    warn!(%error, "no board yet, asking again");
                    told = true;
                }
                Err(_) => {}
            }
            sleep(Duration::from_millis(BOARD_RETRY_MS)).await;
        }
    }
}

enum Next {
    Update(Arc<Update>),
    Lagged,
    Profile,
}

/// Takes the pulse every second of real time.
pub(crate) async fn pulse(hub: Arc<Hub>, links: Arc<dyn Fn() -> Vec<LinkState> + Send + Sync>) {
    let beat = Duration::from_millis(HEARTBEAT_MS);
    let delivered = |states: &[LinkState]| states.iter().map(|link| link.delivered).sum::<u64>();
    let states = links();
    let mut before = delivered(&states);
    hub.beat(&states, 0);
    let mut seconds = interval_at(Instant::now() + beat, beat);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        seconds.tick().await;
        let states = links();
        let now = delivered(&states);
        hub.beat(&states, now.saturating_sub(before));
        before = now;
    }
}

/// A name no earlier life of the numbering had: 128 bits of the operating system's randomness.
#[must_use]
pub(crate) fn new_epoch() -> String {
    let random = || std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}
