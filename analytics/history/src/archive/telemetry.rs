//! Every fact the archive reports: one function each, so that log and metric never disagree.

use metrics::{counter, gauge, histogram};

use super::ArchiveError;
use super::listing::{ArchiveFile, Listing};

pub(super) fn holds(listing: &Listing) {
    let bytes: u64 = listing.files.iter().map(|file| file.bytes).sum();
    gauge!("nhip_archive_end_offset").set(listing.end().0 as f64);
    gauge!("nhip_archive_files").set(listing.files.len() as f64);
    gauge!("nhip_archive_bytes").set(bytes as f64);
}

pub(super) fn sealed(file: &ArchiveFile, seconds: f64) {
    counter!("nhip_archive_records_total").increment(file.records);
    histogram!("nhip_archive_seal_seconds").record(seconds);
    tracing::info!(file = %file.name, records = file.records, bytes = file.bytes, "log sealed into the archive");
}

pub(super) fn merged(file: &ArchiveFile, files: usize, seconds: f64) {
    counter!("nhip_archive_merges_total").increment(1);
    tracing::info!(file = %file.name, files, bytes = file.bytes, seconds, "archive files merged");
}

pub(super) fn trimmed(first: u64) {
    tracing::info!(first, "log trimmed: what went stands in the archive");
}

/// The log is kept whole meanwhile; it is tried again.
pub(super) fn failed(error: &ArchiveError, retry_seconds: u64) {
    counter!("nhip_archive_failures_total").increment(1);
    tracing::warn!(%error, retry_seconds, "archive cannot go on; nothing is trimmed, it is tried again");
}
