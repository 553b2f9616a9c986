//! The end of the log: readable, every checksum right. The whole of it is the work of `nhip log verify`.

use std::path::Path;

use nhip_adapters::{LogFiles, LogOpenError, log_extent};
use nhip_ports::{LogError, ReadLimit};
use nhip_proto::Offset;

use super::finding::Finding;

/// The newest segments are read; at most 64 MiB each.
const SEGMENTS_READ_MAX: usize = 2;
const BATCH: ReadLimit = ReadLimit { records_max: 10_000, bytes_max: 8 << 20 };

/// Reads the newest records of a log, if there is one; also of a running node.
pub(super) fn examine(log: &Path) -> Option<Finding> {
    if !log.join("identity").exists() {
        return Some(Finding::note("log", log.display(), "none yet: made at the first start"));
    }
    Some(match newest(log) {
        Ok((from, end)) => {
            let what = format!(
                "durable up to offset {}; records from {} on read, every checksum right",
                end.0, from.0
            );
            Finding::fine("log", log.display(), what)
        }
        Err(what) => Finding::error(
            "log",
            log.display(),
            what,
            "a log without damage",
            "change nothing in it; nhip log verify says where, docs/operations.md what then (restore a backup)",
        ),
    })
}

fn newest(log: &Path) -> Result<(Offset, Offset), String> {
    let told = |error: LogOpenError| error.to_string();
    let extent = log_extent(log).map_err(told)?;
    let first = extent.pieces.get(extent.pieces.len().saturating_sub(SEGMENTS_READ_MAX));
    let first =
        first.and_then(|piece| piece.name.split('.').next()?.parse().ok()).map_or(extent.first, Offset);
    let files = LogFiles::open_durable(log).map_err(told)?;
    let mut at = first;
    while at < files.end() {
        let records = files.read(at, BATCH).map_err(|error: LogError| error.to_string())?;
        let Some(last) = records.last() else { break };
        at = last.offset.next();
    }
    Ok((first, files.end()))
}
