//! Gives up the oldest segments, one at a time: whatever a crash leaves is a log without holes.

use std::io;
use std::path::Path;
use std::sync::Arc;

use nhip_ports::{FileWork, LogError};

use crate::file_io::{remove, settle};

use super::files::Places;
use super::walk::Segment;

/// Removes whole segments that end at or before `before`; the one being written stays. Returns the first offset left.
pub(super) fn trim(places: &Places, dir: &Path, before: u64) -> Result<u64, LogError> {
    let _alone = places.trimming();
    // Readers learn of it first: a file that is gone must never look like damage.
    while let Some(segment) = places.give_up_first(before) {
        if let Err(error) = give_up(dir, &segment) {
            let failed = LogError::Failed(format!("trim {}: {error}", segment.name));
            // As long as it is there the log begins with it: the next one must not go before it.
            if segment.path.exists() {
                places.take_back_first(segment);
            }
            return Err(failed);
        }
        metrics::counter!("nhip_log_segments_trimmed_total").increment(1);
        tracing::debug!(segment = %segment.name, "segment trimmed");
    }
    Ok(places.first())
}

/// Durable one by one: were two removals to reach the disk in the other order, the log would have a hole.
fn give_up(dir: &Path, segment: &Arc<Segment>) -> io::Result<()> {
    remove(&segment.path, FileWork::LogTrim)?;
    settle(dir, FileWork::LogTrim)
}
