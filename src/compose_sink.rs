//! The foreign database that is told the figures: its configuration, and the one place that picks its adapter.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nhip_adapters::PositionFile;
use nhip_analytics::{SinkFollower, SinkPace};
use nhip_ports::{RowStore, SeriesSink};
use serde::Deserialize;

use crate::commands::Failure;
use crate::config::Config;
use crate::installation::DataDirectory;

/// The longest pause between two looks at the rows: a day.
const INTERVAL_S_MAX: u64 = 24 * 3_600;
/// The longest wait for one answer.
#[cfg(feature = "influx")]
const TIMEOUT_S_MAX: u64 = 600;
/// The most rows in one request.
const BATCH_ROWS_MAX: usize = 50_000;

/// `[sink]`; docs/configuration.md explains each key.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SinkConfig {
    influx: Option<InfluxConfig>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(feature = "influx"), expect(dead_code, reason = "read by the feature; refused without it"))]
struct InfluxConfig {
    url: String,
    org: String,
    bucket: String,
    token_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    batch_rows: Option<usize>,
    interval_s: Option<u64>,
    timeout_s: Option<u64>,
}

/// The follower of the configured sink; none: no sink.
pub(crate) fn sink(config: &Config, rows: Arc<dyn RowStore>) -> Result<Option<SinkFollower>, Failure> {
    let Some(influx) = &config.sink.influx else { return Ok(None) };
    let sink = open(influx)?;
    let positions = DataDirectory::of(&config.data).sinks;
    let position = PositionFile::open(&positions, "influx").map_err(Failure::other)?;
    let defaults = SinkPace::default();
    let pace = SinkPace {
        batch_rows_max: influx.batch_rows.unwrap_or(defaults.batch_rows_max).clamp(1, BATCH_ROWS_MAX),
        interval: influx
            .interval_s
            .map_or(defaults.interval, |seconds| Duration::from_secs(seconds.clamp(1, INTERVAL_S_MAX))),
        ..defaults
    };
    Ok(Some(SinkFollower::new(rows, sink, Arc::new(position), pace)))
}

#[cfg(feature = "influx")]
fn open(config: &InfluxConfig) -> Result<Arc<dyn SeriesSink>, Failure> {
    let settings = nhip_adapters::InfluxSettings {
        url: config.url.clone(),
        org: config.org.clone(),
        bucket: config.bucket.clone(),
        token_file: config.token_file.clone(),
        ca_file: config.ca_file.clone(),
        request_s_max: config.timeout_s.unwrap_or(30).clamp(1, TIMEOUT_S_MAX),
    };
    let sink = nhip_adapters::InfluxSink::new(settings);
    Ok(Arc::new(sink.map_err(|error| Failure::configuration(format!("[sink.influx] {error}")))?))
}

#[cfg(not(feature = "influx"))]
fn open(_config: &InfluxConfig) -> Result<Arc<dyn SeriesSink>, Failure> {
    let what = "[sink.influx]: this program was built without it: cargo build --release --features influx";
    Err(Failure::configuration(what))
}
