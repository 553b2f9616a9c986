//! Logs to stderr, metrics as Prometheus text; the only file that prints beside the commands.

use std::io::Write as _;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::commands::Failure;

/// Between two upkeeps: samples of histograms pile up until this runs or somebody reads /metrics (P8).
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// Starts logging; a second call changes nothing.
pub(crate) fn start_logs(json: bool) {
    let filter = EnvFilter::try_from_env("NHIP_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = fmt().with_writer(std::io::stderr).with_env_filter(filter).with_target(true);
    let started = if json { builder.json().try_init() } else { builder.with_ansi(false).try_init() };
    if started.is_err() {
        tracing::debug!("logs were started before");
    }
}

/// Starts counting; none if a recorder was there before.
pub(crate) fn start_metrics() -> Option<PrometheusHandle> {
    PrometheusBuilder::new().install_recorder().ok()
}

/// Folds the samples of histograms until stopped, so that a node nobody scrapes does not grow.
pub(crate) async fn keep_metrics(metrics: PrometheusHandle, stop: CancellationToken) -> Result<(), Failure> {
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(METRICS_UPKEEP) => metrics.run_upkeep(),
        }
    }
}

/// One line on stdout, in one write: the answer of a command. A reader that went away misses it, and nothing else
/// happens: a node must not end because whoever waited for its ready line has read enough.
pub(crate) fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    let said = output.write_all(format!("{line}\n").as_bytes()).and_then(|()| output.flush());
    if let Err(error) = said
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        complain(&format!("stdout: {error}"));
    }
}

/// One line on stderr: how far a command is.
#[expect(clippy::print_stderr, reason = "stdout is for the answer")]
pub(crate) fn note(line: &str) {
    eprintln!("{line}");
}

/// One line on stderr: why a command failed.
#[expect(clippy::print_stderr, reason = "commands complain on stderr")]
pub(crate) fn complain(line: &str) {
    eprintln!("nhip: {line}");
}
