//! The configuration: a file, flags over it, one checked result. Unknown keys are mistakes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use crate::cli::NodeFlags;
use crate::compose_sink::SinkConfig;
use crate::config_links::{DropFolderConfig, PullConfig};
use crate::config_log::{ArchiveConfig, LogKeys, SeriesConfig};

/// What one node runs with.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) http: SocketAddr,
    /// None: no embedded endpoint.
    pub(crate) mqtt: Option<SocketAddr>,
    pub(crate) data: PathBuf,
    pub(crate) keys: PathBuf,
    pub(crate) profile: PathBuf,
    pub(crate) speed: Option<f64>,
    pub(crate) clock: Option<String>,
    pub(crate) seed: u64,
    pub(crate) threads: usize,
    pub(crate) snapshot_seconds: u64,
    pub(crate) snapshot_days: usize,
    pub(crate) json_logs: bool,
    pub(crate) fault: Option<String>,
    pub(crate) node: String,
    pub(crate) subscribers: Vec<SubscriberConfig>,
    pub(crate) users: Vec<UserConfig>,
    pub(crate) drop_folders: Vec<DropFolderConfig>,
    pub(crate) pulls: Vec<PullConfig>,
    pub(crate) sink: SinkConfig,
    pub(crate) origins: Vec<String>,
    pub(crate) log: LogKeys,
    pub(crate) archive: ArchiveConfig,
    /// Where the analysts' worker listens; none: there is none.
    pub(crate) analyst_socket: Option<PathBuf>,
    pub(crate) series: SeriesConfig,
}

/// A mistake in file or flags.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    #[error("{path}: cannot be read: {reason}")]
    Unreadable { path: String, reason: String },
    #[error("{path}: {reason}")]
    Malformed { path: String, reason: String },
    #[error(
        "--http {0} is reachable from other machines, and there is no sign-in yet: add --open to allow it"
    )]
    Open(SocketAddr),
    #[error("--speed {0}: allowed are 0 and numbers up to 100000")]
    Speed(f64),
    #[error(
        "keys directory {0} lies inside the data directory: keys must be backed up and destroyed apart from the log"
    )]
    KeysInside(String),
}

/// The file, as written by an operator. docs/configuration.md explains each key.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    http: Option<SocketAddr>,
    mqtt: Option<SocketAddr>,
    embedded_endpoint: Option<bool>,
    data: Option<PathBuf>,
    keys: Option<PathBuf>,
    profile: Option<PathBuf>,
    node: Option<String>,
    threads: Option<usize>,
    snapshot_seconds: Option<u64>,
    snapshot_days: Option<usize>,
    open: bool,
    json_logs: bool,
    /// Pages of these origins may open the live protocol, beside the node's own.
    origins: Vec<String>,
    subscriber: Vec<SubscriberConfig>,
    user: Vec<UserConfig>,
    drop_folder: Vec<DropFolderConfig>,
    pull: Vec<PullConfig>,
    log: LogKeys,
    archive: ArchiveConfig,
    series: SeriesConfig,
    sink: SinkConfig,
    analyst: AnalystConfig,
}

/// `[analyst]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AnalystConfig {
    socket: Option<PathBuf>,
}

/// One subscription to a foreign broker.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubscriberConfig {
    pub(crate) name: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// 4 is MQTT 3.1.1, 5 is MQTT 5.
    #[serde(default = "four")]
    pub(crate) version: u8,
    pub(crate) client_id: String,
    pub(crate) filters: Vec<String>,
    /// Members of one group share the messages (`$share/{group}/…`).
    pub(crate) share: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) certificate_file: Option<PathBuf>,
    pub(crate) key_file: Option<PathBuf>,
}

/// One user of the embedded endpoint.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserConfig {
    pub(crate) name: String,
    pub(crate) password_file: PathBuf,
    /// Topic filters this user may publish to; `{client}` and `{user}` stand for themselves.
    pub(crate) publish: Vec<String>,
    /// Command topics this user may subscribe to.
    #[serde(default)]
    pub(crate) subscribe: Vec<String>,
}

fn four() -> u8 {
    4
}

impl Config {
    /// Flags over file over defaults.
    pub(crate) fn read(
        path: Option<&Path>,
        flags: &NodeFlags,
        defaults: Defaults,
    ) -> Result<Self, ConfigError> {
        let file = path.map_or_else(|| Ok(File::default()), read_file)?;
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let http = flags.http.or(file.http).unwrap_or_else(|| local(8080));
        let embedded = file.embedded_endpoint.unwrap_or(true);
        let mqtt = flags.mqtt.or(file.mqtt).unwrap_or_else(|| local(1883));
        let data = flags.data.clone().or(file.data).unwrap_or(defaults.data);
        let keys = flags.keys.clone().or(file.keys).unwrap_or_else(|| keys_beside(&data));
        let allowed = http.ip().is_loopback() || flags.open || file.open;
        if !allowed {
            return Err(ConfigError::Open(http));
        }
        if let Some(speed) = flags.speed.filter(|speed| !(0.0..=100_000.0).contains(speed)) {
            return Err(ConfigError::Speed(speed));
        }
        if keys.starts_with(&data) {
            return Err(ConfigError::KeysInside(keys.display().to_string()));
        }
        Ok(Self {
            http,
            mqtt: embedded.then_some(mqtt),
            data,
            keys,
            profile: flags.profile.clone().or(file.profile).unwrap_or(defaults.profile),
            speed: flags.speed,
            clock: flags.clock.clone(),
            seed: flags.seed.unwrap_or(1),
            threads: flags.threads.or(file.threads).unwrap_or(1).clamp(1, 64),
            snapshot_seconds: file.snapshot_seconds.unwrap_or(60).clamp(1, 3_600),
            snapshot_days: file.snapshot_days.unwrap_or(400).clamp(1, 4_000),
            json_logs: flags.json_logs || file.json_logs,
            fault: fault(flags),
            node: file.node.unwrap_or_else(|| "node-1".to_owned()),
            subscribers: file.subscriber,
            users: file.user,
            drop_folders: file.drop_folder,
            pulls: file.pull,
            sink: file.sink,
            origins: file.origins,
            log: file.log,
            archive: file.archive,
            analyst_socket: flags.analyst.clone().or(file.analyst.socket),
            series: file.series,
        })
    }
}

/// What a command assumes where neither flag nor file speaks.
pub(crate) struct Defaults {
    pub(crate) data: PathBuf,
    pub(crate) profile: PathBuf,
}

fn read_file(path: &Path) -> Result<File, ConfigError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::Unreadable { path: shown.clone(), reason: error.to_string() })?;
    toml::from_str(&text).map_err(|error| ConfigError::Malformed { path: shown, reason: error.to_string() })
}

/// Where the keys of a data directory lie if nobody says otherwise.
pub(crate) fn keys_beside(data: &Path) -> PathBuf {
    beside(data, "-keys")
}

fn beside(data: &Path, suffix: &str) -> PathBuf {
    let mut name = data.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(feature = "fault-injection")]
fn fault(flags: &NodeFlags) -> Option<String> {
    flags.fault.clone()
}

#[cfg(not(feature = "fault-injection"))]
fn fault(_flags: &NodeFlags) -> Option<String> {
    None
}
