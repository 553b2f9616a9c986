//! The only place that picks adapters: a configuration becomes doors.

use std::path::Path;
use std::sync::Arc;

use nhip_adapters::{
    AnalystSocket, ImportIndexFile, KeyFiles, LogConfig, LogFiles, LogIdentity, LogOpenError, MqttAccess,
    MqttEndpoint, MqttEndpointConfig, MqttPassword, MqttUser, ROW_FILE_BYTES, RowFiles, SegmentLog,
    StateFiles, TokenFile,
};
use nhip_history::archive::{Archive, KeepSettings, Keeper, SpanningLog};
use nhip_history::series::{SeriesHistory, SeriesStore};
use nhip_ports::{Analyst, EventLog, History, ImportIndex, KeyStore, RowStore, StateStore, Tokens};
use nhip_proto::{ArrivalTime, Origin};

use crate::commands::Failure;
use crate::config::Config;
use crate::installation::{self, DataDirectory};
use crate::stopped_log::StoppedLog;

pub(crate) use crate::compose_feeds::feeds;
pub(crate) use crate::compose_links::{Subscriber, subscribers};
pub(crate) use crate::compose_sink::sink;

/// The durable doors of a running node.
pub(crate) struct Doors {
    /// The log's own segments.
    pub(crate) segments: Arc<SegmentLog>,
    /// The log from its first record on: its segments, and the archive of what was trimmed.
    pub(crate) log: Arc<dyn EventLog>,
    /// What fills the archive; none if it is switched off.
    pub(crate) keeper: Option<Keeper>,
    /// Rows, and with them the past …
    pub(crate) rows: Arc<SeriesStore>,
    /// … as it is asked.
    pub(crate) history: Arc<dyn History>,
    /// Snapshots.
    pub(crate) states: Arc<dyn StateStore>,
    /// Keys.
    pub(crate) keys: Arc<dyn KeyStore>,
    /// Who may write by HTTP in whose name.
    pub(crate) tokens: Arc<dyn Tokens>,
    /// The list of imports.
    pub(crate) imports: Arc<dyn ImportIndex>,
}

/// Opens or creates everything durable.
pub(crate) async fn open(config: &Config, origin: Origin) -> Result<Doors, Failure> {
    let directory = DataDirectory::of(&config.data);
    refuse_other_origin(&directory, origin)?;
    let installation = installation::identify(&config.data)?;
    let identity = LogIdentity { installation, node: config.node.clone(), origin };
    let (log, recovery) =
        SegmentLog::open(&directory.log, &identity, log_config(config)?).map_err(open_failure)?;
    tracing::info!(?recovery, "log opened");
    let segments = Arc::new(log);
    let states: Arc<dyn StateStore> = Arc::new(StateFiles::open(&directory.states).map_err(Failure::other)?);
    let (log, archive) = spanning(config, &directory, segments.clone())?;
    let keeper = archive.map(|archive| {
        let settings = KeepSettings {
            keep_log_segments: config.archive.keep_log_segments(),
            pause: config.archive.pause(),
        };
        Keeper::new(archive, segments.clone(), states.clone(), settings)
    });
    let keys = KeyFiles::open(&config.keys, &directory.destroyed_keys, installation);
    let rows = open_series(&directory, config.series.row_file_bytes()).await?;
    Ok(Doors {
        segments,
        log,
        keeper,
        history: Arc::new(SeriesHistory::new(rows.clone())),
        rows,
        states,
        keys: Arc::new(keys.map_err(Failure::other)?),
        tokens: Arc::new(TokenFile::new(&config.data)),
        imports: Arc::new(ImportIndexFile::new(&config.data)),
    })
}

/// The log with its archive; the archive if it is to be filled. Where it is switched off and does not fit, the node
/// goes on with the segments alone: a lost archive must not keep it from starting.
fn spanning(
    config: &Config,
    directory: &DataDirectory,
    segments: Arc<SegmentLog>,
) -> Result<(Arc<dyn EventLog>, Option<Arc<Archive>>), Failure> {
    let enabled = config.archive.enabled;
    let opened = Archive::open(&directory.archive).and_then(|archive| {
        let archive = Arc::new(archive);
        let log = SpanningLog::new(archive.clone(), segments.clone())?;
        if enabled {
            archive.sweep(segments.first())?;
        }
        Ok((Arc::new(log) as Arc<dyn EventLog>, enabled.then_some(archive)))
    });
    match opened {
        Err(error) if !enabled => {
            tracing::warn!(%error, "the archive is left out: records before the log's first segment cannot be read");
            Ok((segments as Arc<dyn EventLog>, None))
        }
        opened => opened.map_err(Failure::other),
    }
}

/// A log keeps its origin for ever: simulated figures must never pass as real ones.
fn refuse_other_origin(directory: &DataDirectory, wanted: Origin) -> Result<(), Failure> {
    let known = SegmentLog::identity(&directory.log).map_err(open_failure)?;
    match known {
        Some(identity) if identity.origin != wanted => Err(Failure::configuration(format!(
            "the log in {} is {}, this start would be {wanted}: start it as it was started first \
             (--speed or --clock for a simulated log, demo for a demo's), or name another --data",
            directory.log.display(),
            identity.origin,
        ))),
        _ => Ok(()),
    }
}

fn open_failure(error: LogOpenError) -> Failure {
    Failure::other(error)
}

fn segment_sizes(config: &Config) -> LogConfig {
    let bounds = LogConfig::default();
    let segment_bytes = config.log.segment_bytes();
    let segment_first_bytes = bounds.segment_first_bytes.min(segment_bytes);
    LogConfig { segment_bytes, segment_first_bytes, ..bounds }
}

#[cfg(not(feature = "fault-injection"))]
fn log_config(config: &Config) -> Result<LogConfig, Failure> {
    Ok(segment_sizes(config))
}

#[cfg(feature = "fault-injection")]
fn log_config(config: &Config) -> Result<LogConfig, Failure> {
    let fault = match config.fault.as_deref() {
        Some("skip-sync") => Some(nhip_adapters::Fault::SkipSync),
        Some("settle-before-write") => Some(nhip_adapters::Fault::SettleBeforeWrite),
        Some("applied-offset-outside") | None => None,
        Some(other) if crate::file_faults::arm(other)? => None,
        Some(other) => return Err(Failure::configuration(format!("--fault {other}: no such fault"))),
    };
    Ok(LogConfig { fault, ..segment_sizes(config) })
}

/// The analysts' worker, if one is configured; it need not be there yet.
pub(crate) fn analyst(config: &Config) -> Option<Arc<dyn Analyst>> {
    let socket = config.analyst_socket.as_deref()?;
    Some(Arc::new(AnalystSocket::new(socket)))
}

/// The embedded endpoint, already listening.
pub(crate) async fn endpoint(config: &Config) -> Result<Option<Arc<MqttEndpoint>>, Failure> {
    let Some(listen) = config.mqtt else { return Ok(None) };
    let mut users = Vec::new();
    for user in &config.users {
        let password = crate::compose_links::secret(&user.password_file)?;
        let password = if password.starts_with("blake3$") {
            MqttPassword::Hash(password)
        } else {
            MqttPassword::Plain(password)
        };
        let access = MqttAccess { publish: user.publish.clone(), subscribe: user.subscribe.clone() };
        users.push(MqttUser { name: user.name.clone(), password, access });
    }
    let anonymous = users.is_empty().then(MqttAccess::default);
    let epoch_first = epoch_first();
    let endpoint =
        MqttEndpointConfig { listen, users, anonymous, epoch_first, ..MqttEndpointConfig::default() };
    Ok(Some(Arc::new(MqttEndpoint::bind(endpoint).await.map_err(Failure::configuration)?)))
}

/// Milliseconds grow faster than connections are made, so an epoch never comes twice.
pub(crate) fn epoch_first() -> u64 {
    (nhip_adapters::SystemClock::system().0 / nhip_proto::MILLISECOND).unsigned_abs()
}

/// What a stopped node left, for reading only.
pub(crate) struct StoppedNode {
    /// Its log, from the archive on.
    pub(crate) log: StoppedLog,
    /// Its rows.
    pub(crate) rows: Arc<dyn RowStore>,
    /// Its snapshots.
    pub(crate) states: Arc<dyn StateStore>,
    /// What the log's header says.
    pub(crate) origin: Origin,
}

/// Opens a stopped node's data.
pub(crate) async fn open_stopped(data: &Path) -> Result<StoppedNode, Failure> {
    let directory = DataDirectory::of(data);
    let log = open_log(&directory)?;
    let origin = log.identity().origin;
    let rows = open_series(&directory, ROW_FILE_BYTES).await?;
    Ok(StoppedNode {
        log,
        rows,
        states: Arc::new(StateFiles::open(&directory.states).map_err(Failure::other)?),
        origin,
    })
}

/// Opens a stopped node's rows.
pub(crate) async fn open_rows(data: &Path) -> Result<Arc<dyn RowStore>, Failure> {
    Ok(open_series(&DataDirectory::of(data), ROW_FILE_BYTES).await?)
}

/// Opens a stopped node's past.
pub(crate) async fn open_history(data: &Path) -> Result<Arc<dyn History>, Failure> {
    if !data.is_dir() {
        return Err(Failure::configuration(format!("{}: no such directory", data.display())));
    }
    Ok(Arc::new(SeriesHistory::new(open_series(&DataDirectory::of(data), ROW_FILE_BYTES).await?)))
}

/// The moment a stopped node's figures stand at: of a log that never saw the system's clock its last Tick, else now.
pub(crate) fn stands_at(data: &Path) -> Result<ArrivalTime, Failure> {
    let directory = DataDirectory::of(data);
    let identity = SegmentLog::identity(&directory.log).map_err(open_failure)?;
    let simulated = identity.is_some_and(|identity| identity.origin == Origin::Simulated);
    let last_tick = if simulated { open_log(&directory)?.last_tick().map_err(Failure::other)? } else { None };
    Ok(last_tick.unwrap_or_else(nhip_adapters::SystemClock::system))
}

fn open_log(directory: &DataDirectory) -> Result<StoppedLog, Failure> {
    let files = LogFiles::open(&directory.log).map_err(open_failure)?;
    StoppedLog::new(files, Archive::open(&directory.archive).map_err(Failure::other)?)
}

/// New rows in row files, older ones in Parquet.
async fn open_series(directory: &DataDirectory, row_file_bytes: u64) -> Result<Arc<SeriesStore>, Failure> {
    let landing = Arc::new(RowFiles::open_with(&directory.rows, row_file_bytes).map_err(Failure::other)?);
    Ok(Arc::new(SeriesStore::open(&directory.series, landing).await.map_err(Failure::other)?))
}
