//! What the ingest room counts; one function per fact. Labels are reasons and kinds, never ids.

use std::time::Duration;

use nhip_proto::RejectionReason;

/// Messages were received.
pub(crate) fn messages_received(count: usize) {
    metrics::counter!("nhip_ingest_messages_total").increment(count as u64);
}

/// Payload bytes were received.
pub(crate) fn bytes_received(count: usize) {
    metrics::counter!("nhip_ingest_payload_bytes_total").increment(count as u64);
}

/// Messages came at QoS 0, which nobody redelivers.
pub(crate) fn best_effort_received(count: usize) {
    metrics::counter!("nhip_ingest_best_effort_messages_total").increment(count as u64);
}

/// Items were decoded.
pub(crate) fn items_decoded(count: usize) {
    metrics::counter!("nhip_ingest_items_total").increment(count as u64);
}

/// A message was rejected.
pub(crate) fn message_rejected(reason: RejectionReason) {
    metrics::counter!("nhip_ingest_rejected_messages_total", "reason" => reason.as_str()).increment(1);
}

/// A batch was handed to the log.
pub(crate) fn batch_submitted(took: Duration) {
    metrics::histogram!("nhip_ingest_submit_seconds").record(took.as_secs_f64());
}

/// How many batches are between entry and log.
pub(crate) fn batches_inflight(count: usize) {
    metrics::gauge!("nhip_ingest_inflight_batches").set(count as f64);
}

/// A Tick stands in the log.
pub(crate) fn tick_logged() {
    metrics::counter!("nhip_ingest_ticks_total").increment(1);
}

/// A gap stands in the log.
pub(crate) fn gap_logged(cause: nhip_proto::GapCause) {
    metrics::counter!("nhip_ingest_gaps_total", "cause" => cause.as_str()).increment(1);
}

pub(crate) fn messages_redecoded(records: u64) {
    metrics::counter!("nhip_ingest_redecoded_total").increment(records);
}

/// How many keys are past their retention and still live.
pub(crate) fn keys_due(count: usize) {
    metrics::gauge!("nhip_ingest_keys_due").set(count as f64);
}

/// Keys that are due could not be destroyed.
pub(crate) fn retention_failed() {
    metrics::counter!("nhip_ingest_retention_failures_total").increment(1);
}

/// A document was judged.
pub(crate) fn import_judged(took: Duration) {
    metrics::histogram!("nhip_ingest_import_seconds").record(took);
}

/// A document was written.
pub(crate) fn import_written(rows: u64, figures: u64) {
    metrics::counter!("nhip_ingest_imports_total").increment(1);
    metrics::counter!("nhip_ingest_import_rows_total").increment(rows);
    metrics::counter!("nhip_ingest_import_figures_total").increment(figures);
}
