//! The room as the composition sees it: parts in, a listener served until told to stop.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nhip_ports::{Analysis, Analyst, Bus, Clock, History, Intake, Revisions, Statistics, Tokens};
use nhip_profile::Profile;
use nhip_proto::LinkState;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use crate::boards::Boards;
use crate::config::Config;
use crate::export::ParquetOf;
use crate::feed::{Feed, new_epoch, pulse};
use crate::http::{Node, router};
use crate::hub::Hub;
use crate::listener::{BoundedListener, Peer};
use crate::socket::Places;

/// Whether the node can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Not yet; the text says what it is doing.
    Starting(String),
    /// Yes.
    Ready,
    /// No more.
    Stopping,
}

/// What the room needs of the others.
pub struct Parts {
    /// Questions to the analytics room.
    pub analysis: Arc<dyn Analysis>,
    /// The analysts' worker; none: none is configured.
    pub analyst: Option<Arc<dyn Analyst>>,
    /// The past of figures.
    pub history: Arc<dyn History>,
    /// Rows as a Parquet file.
    pub parquet: ParquetOf,
    /// Its news.
    pub bus: Arc<dyn Bus>,
    /// Who may change what counts.
    pub revisions: Arc<dyn Revisions>,
    /// Where posted messages go.
    pub intake: Arc<dyn Intake>,
    /// Where documents of people go.
    pub statistics: Arc<dyn Statistics>,
    /// Who may write in whose name.
    pub tokens: Arc<dyn Tokens>,
    /// The node's clock.
    pub clock: Arc<dyn Clock>,
    /// The profile now valid.
    pub profile: watch::Receiver<Arc<Profile>>,
    /// The states of the ingest links.
    pub links: Arc<dyn Fn() -> Vec<LinkState> + Send + Sync>,
    /// Whether the node is ready.
    pub ready: watch::Receiver<Readiness>,
    /// The text of `/metrics`.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Version and commit.
    pub build: String,
}

/// REST, WebSocket and pages of one node.
pub struct Dashboard {
    config: Config,
    parts: Parts,
}

impl Dashboard {
    /// The room, not yet serving.
    #[must_use]
    pub fn new(config: Config, parts: Parts) -> Self {
        Self { config, parts }
    }

    /// Serves until `stop`, then says goodbye to every screen and waits for them within the drain bound.
    ///
    /// # Errors
    /// If the listener has no local address.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) -> io::Result<()> {
        let Self { config, parts } = self;
        let local = listener.local_addr()?;
        let profile = Arc::clone(&parts.profile.borrow());
        let boards = Boards::new(&new_epoch(), profile);
        let (clock, analysis) = (Arc::clone(&parts.clock), Arc::clone(&parts.analysis));
        let hub = Arc::new(Hub::new(boards, clock, analysis, &parts.build));
        let feed = Feed {
            hub: Arc::clone(&hub),
            analysis: Arc::clone(&parts.analysis),
            bus: Arc::clone(&parts.bus),
            profile: parts.profile.clone(),
        };
        let background = TaskTracker::new();
        background.spawn(until(stop.clone(), feed.run()));
        background.spawn(until(stop.clone(), pulse(Arc::clone(&hub), Arc::clone(&parts.links))));
        let drain = Duration::from_millis(config.drain_ms_max);
        let sessions = TaskTracker::new();
        let bounded = BoundedListener::new(listener, config.connections_max);
        let node = Arc::new(Node {
            places: Places::new(config.sessions_max, config.sessions_per_address_max),
            bodies: Arc::new(Semaphore::new(config.bodies_bytes_max / 1024)),
            exports: Arc::new(Semaphore::new(config.exports_max)),
            local,
            past_profile: Mutex::default(),
            hub,
            parts,
            config,
            sessions: sessions.clone(),
            stop: stop.clone(),
        });
        let service = router(node).into_make_service_with_connect_info::<Peer>();
        let graceful = axum::serve(bounded, service).with_graceful_shutdown(stop.clone().cancelled_owned());
        let served = until_drained(graceful.into_future(), &stop, drain).await;
        // axum's graceful shutdown does not know upgraded sockets.
        sessions.close();
        background.close();
        let drained = timeout(drain, async {
            sessions.wait().await;
            background.wait().await;
        });
        let clean = drained.await.is_ok();
        info!(clean, "dashboard stopped");
        served
    }
}

async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    stop.run_until_cancelled(work).await.unwrap_or_default();
}

async fn until_drained(
    serving: impl Future<Output = io::Result<()>>,
    stop: &CancellationToken,
    drain: Duration,
) -> io::Result<()> {
    let overdue = async {
        stop.cancelled().await;
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        served = serving => served,
        () = overdue => Ok(()),
    }
}
