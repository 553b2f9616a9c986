//! One running node: doors opened, log caught up, rooms started in order, stopped in reverse.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nhip_adapters::{BUS_UPDATES_MAX, LocalBus, MqttEndpoint};
use nhip_analytics::{AnalysisHandle, Started};
use nhip_dashboard_api::{Dashboard, Parts, Readiness};
use nhip_history::archive::Keeper;
use nhip_ingest::{Imports, IngestRoom, IngestSettings};
use nhip_ports::{Bus, Clock, CommandLink, IngestLink, Intake, Revisions};
use nhip_profile::Profile;
use nhip_proto::{LinkState, Origin};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::commands::Failure;
use crate::compose::{self, Doors};
use crate::config::Config;
use crate::rebirth::{self, Rebirths};
use crate::revise::{self, Reviser};
use crate::supervise::{self, Tasks};
use crate::{clock, observe, profile_dir, self_report};

/// Between two looks at our own /readyz.
const READY_LOOK: Duration = Duration::from_millis(5);
/// How long the pages may take to have their first board.
const READY_WAIT_MAX: Duration = Duration::from_secs(30);

/// A node that is ready.
pub(crate) struct Node {
    tasks: Tasks,
    http: SocketAddr,
    mqtt: Option<SocketAddr>,
    seed: u64,
    profile: Arc<Profile>,
    clock: Arc<dyn Clock>,
}

/// The ways in, and the way out for commands.
struct Links {
    endpoint: Option<Arc<MqttEndpoint>>,
    subscribers: Vec<compose::Subscriber>,
    /// Drop folders and pulled APIs.
    feeds: Vec<Arc<dyn IngestLink>>,
}

/// What may change while the node runs.
struct Revised {
    revisions: Arc<dyn Revisions>,
    profiles: watch::Receiver<Arc<Profile>>,
    /// What people write is judged by the profile now valid.
    imports: Arc<Imports>,
}

impl Node {
    /// Brings a node up; when this returns it is ready.
    pub(crate) async fn start(
        config: Config,
        origin: Origin,
        stop: CancellationToken,
    ) -> Result<Self, Failure> {
        let metrics = observe::start_metrics();
        let (profile, files) = profile_dir::load(&config.profile)?;
        let profile = Arc::new(profile);
        let mut doors = compose::open(&config, origin).await?;
        let mut tasks = Tasks::new(stop.clone());
        keep_log(&mut tasks, &mut doors, &stop);
        keep_sealing(&mut tasks, &doors, config.series.pause(), &stop);
        if let Some(metrics) = metrics.clone() {
            tasks.spawn("metrics", observe::keep_metrics(metrics, stop.clone()));
        }
        let bus: Arc<dyn Bus> = Arc::new(LocalBus::new(BUS_UPDATES_MAX));
        let (rebirths, requests) = Rebirths::new();
        let (analytics, started, analysis) =
            start_analytics(&config, origin, &doors, bus.clone(), rebirths, stop.clone()).await?;
        tasks.spawn("analytics", async move {
            analytics.ended.await.map_err(Failure::other)?.map_err(Failure::other)
        });
        let clock = clock::choose(&config, started.last_record)?;
        let room = start_ingest(&doors, &profile, files.clone(), &started, clock.clone()).await?;
        let links = Links {
            endpoint: compose::endpoint(&config).await?,
            subscribers: compose::subscribers(&config, started.last_record.is_some())?,
            feeds: compose::feeds(&config)?,
        };
        let listener = TcpListener::bind(config.http)
            .await
            .map_err(|error| Failure::configuration(format!("--http {}: {error}", config.http)))?;
        let http = listener.local_addr().map_err(Failure::other)?;
        let mqtt = links.endpoint.as_ref().map(|endpoint| endpoint.addr());
        let outgoing = links.commands();
        let rebirth_clock = clock.clone();
        let own = analysis.clone();
        tasks.spawn("rebirths", rebirth::send(requests, outgoing, rebirth_clock));
        let revised = revised(&mut tasks, &config, &doors, (&profile, files), (&room, &analysis), &stop);
        keep_retention(&mut tasks, &room, &revised, &stop);
        let served =
            dashboard(&config, &links, &doors, analysis, bus, room.clone(), clock.clone(), revised, metrics);
        start_links(&mut tasks, links, &room, &stop);
        start_sink(&mut tasks, &config, &doors, &stop)?;
        if self_report::wanted(&profile) {
            let (intake, log, last_record) = (room.clone(), doors.log.clone(), started.last_record);
            let (clock, tenant) = (clock.clone(), profile.id.clone());
            let report = self_report::SelfReport { intake, analysis: own, log, clock, tenant, last_record };
            tasks.spawn("self report", report.run(stop.clone()));
        }
        let (ticking, ticks_stop) = (room.clone(), stop.clone());
        tasks.spawn("ticks", async move { ticking.run_ticks(ticks_stop).await.map_err(Failure::other) });
        tasks.spawn("http", async move { served.serve(listener, stop).await.map_err(Failure::other) });
        until_ready(http).await?;
        Ok(Self { tasks, http, mqtt, seed: config.seed, profile, clock })
    }

    /// The line that tells whoever started it.
    pub(crate) fn ready_line(&self) -> String {
        let mqtt = self.mqtt.map_or_else(|| "none".to_owned(), |address| address.to_string());
        format!("ready http=http://{} mqtt={mqtt}", self.http)
    }

    /// Where pages and API are.
    pub(crate) fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where devices connect.
    pub(crate) fn mqtt(&self) -> Option<SocketAddr> {
        self.mqtt
    }

    /// The seed of the simulated city.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The profile in force.
    pub(crate) fn profile(&self) -> Arc<Profile> {
        self.profile.clone()
    }

    /// The node's clock.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// One more task beside the node's own.
    pub(crate) fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) {
        self.tasks.spawn(name, task);
    }

    /// Until it is told to stop, or something fails.
    pub(crate) async fn supervise(self) -> Result<(), Failure> {
        self.tasks.supervise().await
    }
}

/// The ready line and /readyz must never disagree: the one waits for the other.
async fn until_ready(http: SocketAddr) -> Result<(), Failure> {
    let address = http.to_string();
    let ready = async {
        while !nhip_client::http_get(&address, "/readyz").await.is_ok_and(|answer| answer.status == 200) {
            tokio::time::sleep(READY_LOOK).await;
        }
    };
    tokio::time::timeout(READY_WAIT_MAX, ready)
        .await
        .map_err(|_| Failure::other("the pages did not become ready; see the log above"))
}

/// A disk that broke its promise ends the node at once: nothing may be acknowledged any more.
fn keep_log(tasks: &mut Tasks, doors: &mut Doors, stop: &CancellationToken) {
    keep_archive(tasks, doors.keeper.take(), stop);
    let mut failure = doors.segments.failure();
    tasks.spawn("log", async move {
        match failure.wait_for(Option::is_some).await {
            Ok(reason) => Err(Failure::other(reason.clone().unwrap_or_default())),
            // Closed: the node is stopping.
            Err(_) => Ok(()),
        }
    });
}

/// Who may change what counts, also told by SIGHUP.
fn revised(
    tasks: &mut Tasks,
    config: &Config,
    doors: &Doors,
    (profile, files): (&Arc<Profile>, Vec<(String, String)>),
    (room, analysis): (&Arc<IngestRoom>, &Arc<AnalysisHandle>),
    stop: &CancellationToken,
) -> Revised {
    let (valid, profiles) = watch::channel(Arc::clone(profile));
    let filters = config.subscribers.iter().flat_map(|one| one.filters.iter().cloned()).collect();
    let reviser =
        Reviser::new(config.profile.clone(), room.clone(), analysis.clone(), (valid, files), filters);
    let revisions: Arc<dyn Revisions> = Arc::new(reviser);
    tasks.spawn("reload", supervise::reload_on_signals(revisions.clone(), stop.clone()));
    let imports = keep_imports(tasks, doors, room, &profiles, stop);
    Revised { revisions, profiles, imports }
}

/// Keys of days past their retention go; nothing waits for it.
fn keep_retention(tasks: &mut Tasks, room: &Arc<IngestRoom>, revised: &Revised, stop: &CancellationToken) {
    let (room, profiles, stop) = (room.clone(), revised.profiles.clone(), stop.clone());
    tasks
        .spawn("retention", async move { room.keep_retention(profiles, stop).await.map_err(Failure::other) });
}

/// The way in for documents of people; it looks through the log beside everything else.
fn keep_imports(
    tasks: &mut Tasks,
    doors: &Doors,
    room: &Arc<IngestRoom>,
    profiles: &watch::Receiver<Arc<Profile>>,
    stop: &CancellationToken,
) -> Arc<Imports> {
    let (log, index, profiles) = (doors.log.clone(), doors.imports.clone(), profiles.clone());
    let imports = Arc::new(Imports::new(room.clone(), log, profiles, index));
    let (kept, stop) = (imports.clone(), stop.clone());
    tasks.spawn("imports", async move {
        kept.keep(stop.clone()).await;
        // Without its list the node goes on: only imports are not taken.
        stop.cancelled().await;
        Ok(())
    });
    imports
}

/// Rows move into Parquet beside everything else; whatever is not moved stays where it is.
fn keep_sealing(tasks: &mut Tasks, doors: &Doors, pause: Duration, stop: &CancellationToken) {
    let (store, stop) = (doors.rows.clone(), stop.clone());
    tasks.spawn("series", async move {
        store.keep_sealing(pause, stop).await;
        Ok(())
    });
}

/// The archive fills beside everything else, on a thread that steps back behind all others.
fn keep_archive(tasks: &mut Tasks, keeper: Option<Keeper>, stop: &CancellationToken) {
    let Some(keeper) = keeper else { return };
    let (runtime, stop) = (Handle::current(), stop.clone());
    tasks.spawn("archive", async move {
        let (done, ended) = oneshot::channel();
        let stopping = stop.clone();
        let work = move || {
            keeper.run(&runtime, &stopping);
            // Nobody waits any more if the node is already going down.
            done.send(()).unwrap_or_default();
        };
        let thread = std::thread::Builder::new().name("nhip-archive".to_owned()).spawn(work);
        thread.map_err(Failure::other)?;
        if ended.await.is_err() {
            tracing::error!("the archive's thread broke off; the log grows until the next start");
            stop.cancelled().await;
        }
        Ok(())
    });
}

async fn start_analytics(
    config: &Config,
    origin: Origin,
    doors: &Doors,
    bus: Arc<dyn Bus>,
    rebirths: Rebirths,
    stop: CancellationToken,
) -> Result<(nhip_analytics::Analytics, Started, Arc<AnalysisHandle>), Failure> {
    let parts = nhip_analytics::Parts {
        log: doors.log.clone(),
        rows: doors.rows.clone(),
        history: doors.history.clone(),
        states: doors.states.clone(),
        bus,
        rebirths: Arc::new(rebirths),
        origin,
    };
    let settings = nhip_analytics::Config {
        threads: config.threads,
        snapshot_interval: Duration::from_secs(config.snapshot_seconds),
        days_kept_max: config.snapshot_days,
        fault: (config.fault.as_deref() == Some("applied-offset-outside"))
            .then_some(nhip_analytics::Fault::AppliedOffsetOutside),
        ..nhip_analytics::Config::default()
    };
    nhip_analytics::start(parts, settings, stop).await.map_err(Failure::other)
}

/// The room, with the downtime and a changed profile already in the log.
async fn start_ingest(
    doors: &Doors,
    profile: &Arc<Profile>,
    files: Vec<(String, String)>,
    started: &Started,
    clock: Arc<dyn Clock>,
) -> Result<Arc<IngestRoom>, Failure> {
    let settings = IngestSettings::default();
    let room =
        Arc::new(IngestRoom::new(settings, profile.clone(), doors.log.clone(), doors.keys.clone(), clock));
    if let Some(last) = started.last_record {
        room.resume(last).await.map_err(Failure::other)?;
    }
    if started.profile_hash != Some(profile.hash) {
        let text = revise::text_of(profile, files);
        room.adopt_profile(profile.clone(), text).await.map_err(Failure::other)?;
    }
    Ok(room)
}

impl Links {
    fn commands(&self) -> Vec<Arc<dyn CommandLink>> {
        let mut links: Vec<Arc<dyn CommandLink>> = Vec::new();
        links.extend(self.endpoint.iter().map(|endpoint| endpoint.clone() as Arc<dyn CommandLink>));
        links.extend(
            self.subscribers.iter().map(|subscriber| subscriber.commands.clone() as Arc<dyn CommandLink>),
        );
        links
    }

    fn ingest(&self) -> Vec<Arc<dyn IngestLink>> {
        let mut links: Vec<Arc<dyn IngestLink>> = Vec::new();
        links.extend(self.endpoint.iter().map(|endpoint| endpoint.clone() as Arc<dyn IngestLink>));
        links
            .extend(self.subscribers.iter().map(|subscriber| subscriber.link.clone() as Arc<dyn IngestLink>));
        links.extend(self.feeds.iter().cloned());
        links
    }
}

/// A foreign database is told beside everything else; nothing waits for it.
fn start_sink(
    tasks: &mut Tasks,
    config: &Config,
    doors: &Doors,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    if let Some(follower) = compose::sink(config, doors.rows.clone())? {
        let stop = stop.clone();
        tasks.spawn("sink", async move {
            follower.run(stop).await;
            Ok(())
        });
    }
    Ok(())
}

fn start_links(tasks: &mut Tasks, links: Links, room: &Arc<IngestRoom>, stop: &CancellationToken) {
    for link in links.ingest() {
        let (intake, stop): (Arc<dyn Intake>, _) = (room.clone(), stop.clone());
        tasks.spawn("link", async move { link.run(intake, stop).await.map_err(Failure::other) });
    }
    for subscriber in links.subscribers {
        let stop = stop.clone();
        tasks.spawn("commands", async move { subscriber.commands.run(stop).await.map_err(Failure::other) });
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of a node come together here, by name, once")]
fn dashboard(
    config: &Config,
    links: &Links,
    doors: &Doors,
    analysis: Arc<AnalysisHandle>,
    bus: Arc<dyn Bus>,
    room: Arc<IngestRoom>,
    clock: Arc<dyn Clock>,
    revised: Revised,
    metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
) -> Dashboard {
    let ingest = links.ingest();
    let states = move || -> Vec<LinkState> { ingest.iter().map(|link| link.state()).collect() };
    let settings = nhip_dashboard_api::Config {
        origins: config.origins.clone(),
        ..nhip_dashboard_api::Config::default()
    };
    let parts = Parts {
        analysis,
        history: doors.history.clone(),
        parquet: Arc::new(nhip_history::series::parquet_of),
        bus,
        analyst: compose::analyst(config),
        intake: room,
        statistics: revised.imports,
        tokens: doors.tokens.clone(),
        clock,
        revisions: revised.revisions,
        profile: revised.profiles,
        links: Arc::new(states),
        ready: watch::channel(Readiness::Ready).1,
        metrics: Arc::new(move || metrics.as_ref().map_or_else(String::new, |metrics| metrics.render())),
        build: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Dashboard::new(settings, parts)
}
