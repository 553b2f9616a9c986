//! Every fact this room reports: one function each, so that log and metric never disagree.

use metrics::{counter, gauge, histogram};
use nhip_engine::Revisions;
use nhip_proto::Offset;

pub(crate) fn applied(records: usize, seconds: f64, applied: Offset) {
    counter!("nhip_analytics_records_total").increment(records as u64);
    histogram!("nhip_analytics_apply_seconds").record(seconds);
    gauge!("nhip_analytics_applied_offset").set(applied.0 as f64);
}

/// Since this engine started.
pub(crate) fn overflows(windows: u64) {
    counter!("nhip_analytics_overflows_total").absolute(windows);
}

pub(crate) fn rows_written(rows: usize, seconds: f64) {
    counter!("nhip_analytics_rows_total").increment(rows as u64);
    histogram!("nhip_analytics_rows_write_seconds").record(seconds);
}

pub(crate) fn snapshot_saved(bytes: usize, seconds: f64, applied: Offset) {
    counter!("nhip_analytics_snapshots_total").increment(1);
    gauge!("nhip_analytics_snapshot_bytes").set(bytes as f64);
    histogram!("nhip_analytics_snapshot_seconds").record(seconds);
    tracing::debug!(bytes, applied = applied.0, "snapshot saved");
}

pub(crate) fn snapshot_unusable(applied: Offset, reason: &str) {
    counter!("nhip_analytics_snapshots_unusable_total").increment(1);
    tracing::warn!(applied = applied.0, reason, "snapshot cannot be used, taking an older one");
}

pub(crate) fn snapshot_postponed(reason: &str) {
    counter!("nhip_analytics_snapshots_postponed_total").increment(1);
    tracing::warn!(reason, "snapshot cannot be saved now; a restart would repeat more work");
}

pub(crate) fn disk_full(what: &str) {
    counter!("nhip_analytics_rows_retries_total").increment(1);
    tracing::warn!(what, "rows wait for space on the disk");
}

pub(crate) fn caught_up(from: Offset, to: Offset, seconds: f64) {
    gauge!("nhip_analytics_catch_up_seconds").set(seconds);
    tracing::info!(from = from.0, to = to.0, seconds, "engine stands at the end of the log");
}

pub(crate) fn query_refused() {
    counter!("nhip_analytics_queries_refused_total").increment(1);
}

pub(crate) fn rerun(seconds: f64, to: Offset, revisions: Revisions) {
    counter!("nhip_analytics_reruns_total").increment(1);
    histogram!("nhip_analytics_rerun_seconds").record(seconds);
    gauge!("nhip_analytics_restates_refused").set(revisions.refused as f64);
    gauge!("nhip_analytics_restates_unverified").set(revisions.unverified as f64);
    tracing::info!(to = to.0, seconds, ?revisions, "the log was read again for Redecode or Restate records");
}

pub(crate) fn previewed(seconds: f64) {
    histogram!("nhip_analytics_preview_seconds").record(seconds);
}

pub(crate) fn snapshots_kept(kept: usize, applied: Offset) {
    gauge!("nhip_analytics_snapshots_kept").set(kept as f64);
    tracing::debug!(kept, applied = applied.0, "snapshot kept for the past");
}

pub(crate) fn past(from: Offset, to: Offset, seconds: f64) {
    counter!("nhip_analytics_past_records_total").increment(to.0.saturating_sub(from.0));
    histogram!("nhip_analytics_past_seconds").record(seconds);
    tracing::debug!(from = from.0, to = to.0, seconds, "the past was replayed");
}

pub(crate) fn past_refused(reason: &'static str) {
    counter!("nhip_analytics_past_refused_total", "reason" => reason).increment(1);
}

pub(crate) fn sink_told(rows: usize, seconds: f64) {
    counter!("nhip_sink_rows_total").increment(rows as u64);
    histogram!("nhip_sink_write_seconds").record(seconds);
}

/// The far side, the rows or the position: it is tried again.
pub(crate) fn sink_failed(reason: &'static str, detail: &str) {
    counter!("nhip_sink_failures_total", "reason" => reason).increment(1);
    tracing::warn!(reason, detail, "the sink waits and tries the same rows again");
}

pub(crate) fn sink_refused(figure: &str, reason: &str) {
    counter!("nhip_sink_refused_rows_total").increment(1);
    tracing::error!(figure, reason, "the sink left out a row that its database refuses");
}

pub(crate) fn sink_lag(records: u64) {
    gauge!("nhip_sink_lag_records").set(records as f64);
}
