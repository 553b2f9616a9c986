//! The only place that picks adapters: a configuration becomes doors.

use std::path::Path;
use std::sync::Arc;

use nhip_adapters::{
    KeyFiles, LogConfig, LogFiles, LogIdentity, LogOpenError, MqttAccess, MqttEndpoint, MqttEndpointConfig,
    MqttPassword, MqttUser, RowFiles, SegmentLog, StateFiles,
};
use nhip_ports::{KeyStore, RowStore, StateStore};
use nhip_proto::Origin;

use crate::commands::Failure;
use crate::config::Config;
use crate::installation::{self, DataDirectory};

pub(crate) use crate::compose_feeds::feeds;
pub(crate) use crate::compose_links::{Subscriber, subscribers};
pub(crate) use crate::compose_sink::sink;

/// The durable doors of a running node.
pub(crate) struct Doors {
    /// The log.
    pub(crate) log: Arc<SegmentLog>,
    /// Rows.
    pub(crate) rows: Arc<dyn RowStore>,
    /// Snapshots.
    pub(crate) states: Arc<dyn StateStore>,
    /// Keys.
    pub(crate) keys: Arc<dyn KeyStore>,
}

/// Opens or creates everything durable.
pub(crate) fn open(config: &Config, origin: Origin) -> Result<Doors, Failure> {
    let directory = DataDirectory::of(&config.data);
    refuse_other_origin(&directory, origin)?;
    let installation = installation::identify(&config.data)?;
    let identity = LogIdentity { installation, node: config.node.clone(), origin };
    let (log, recovery) =
        SegmentLog::open(&directory.log, &identity, log_config(config)?).map_err(open_failure)?;
    tracing::info!(?recovery, "log opened");
    Ok(Doors {
        log: Arc::new(log),
        rows: Arc::new(RowFiles::open(&directory.rows).map_err(Failure::other)?),
        states: Arc::new(StateFiles::open(&directory.states).map_err(Failure::other)?),
        keys: Arc::new(KeyFiles::open(&config.keys).map_err(Failure::other)?),
    })
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

#[cfg(not(feature = "fault-injection"))]
fn log_config(_config: &Config) -> Result<LogConfig, Failure> {
    Ok(LogConfig::default())
}

#[cfg(feature = "fault-injection")]
fn log_config(config: &Config) -> Result<LogConfig, Failure> {
    let fault = match config.fault.as_deref() {
        Some("skip-sync") => Some(nhip_adapters::Fault::SkipSync),
        Some("settle-before-write") => Some(nhip_adapters::Fault::SettleBeforeWrite),
        Some("applied-offset-outside") | None => None,
        Some(other) => return Err(Failure::configuration(format!("--fault {other}: no such fault"))),
    };
    Ok(LogConfig { fault, ..LogConfig::default() })
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
    /// Its log.
    pub(crate) log: LogFiles,
    /// Its rows.
    pub(crate) rows: Arc<dyn RowStore>,
    /// Its snapshots.
    pub(crate) states: Arc<dyn StateStore>,
    /// What the log's header says.
    pub(crate) origin: Origin,
}

/// Opens a stopped node's data.
pub(crate) fn open_stopped(data: &Path) -> Result<StoppedNode, Failure> {
    let directory = DataDirectory::of(data);
    let log = LogFiles::open(&directory.log).map_err(open_failure)?;
    let origin = log.identity().origin;
    Ok(StoppedNode {
        log,
        rows: open_rows(data)?,
        states: Arc::new(StateFiles::open(&directory.states).map_err(Failure::other)?),
        origin,
    })
}

/// Opens a stopped node's rows.
pub(crate) fn open_rows(data: &Path) -> Result<Arc<dyn RowStore>, Failure> {
    let directory = DataDirectory::of(data);
    Ok(Arc::new(RowFiles::open(&directory.rows).map_err(Failure::other)?))
}
