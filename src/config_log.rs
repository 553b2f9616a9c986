//! The keys of `[log]`, `[archive]` and `[series]`: how large files are, how soon what they hold moves on.

use std::time::Duration;

use nhip_adapters::ROW_FILE_BYTES;
use serde::Deserialize;

/// `[log]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogKeys {
    segment_kib: u64,
}

impl Default for LogKeys {
    fn default() -> Self {
        Self { segment_kib: 64 << 10 }
    }
}

impl LogKeys {
    /// A full-grown segment: 64 KiB to 1 GiB.
    pub(crate) fn segment_bytes(&self) -> u64 {
        self.segment_kib.clamp(64, 1 << 20) << 10
    }
}

/// `[series]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SeriesConfig {
    row_file_kib: u64,
    pause_seconds: u64,
}

impl Default for SeriesConfig {
    fn default() -> Self {
        Self { row_file_kib: ROW_FILE_BYTES >> 10, pause_seconds: 10 }
    }
}

impl SeriesConfig {
    /// A row file that is followed by the next one: 1 KiB to 64 MiB.
    pub(crate) fn row_file_bytes(&self) -> u64 {
        self.row_file_kib.clamp(1, 64 << 10) << 10
    }

    /// Between two looks whether a row file was followed by another.
    pub(crate) fn pause(&self) -> Duration {
        Duration::from_secs(self.pause_seconds.clamp(1, 3_600))
    }
}

/// `[archive]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ArchiveConfig {
    /// `false`: nothing is archived, so nothing is trimmed; an archive there already is still read.
    pub(crate) enabled: bool,
    keep_log_segments: usize,
    pause_seconds: u64,
}

impl Default for ArchiveConfig {
    fn default() -> Self {
        Self { enabled: true, keep_log_segments: 8, pause_seconds: 10 }
    }
}

impl ArchiveConfig {
    /// Whole segments the log keeps although they are archived.
    pub(crate) fn keep_log_segments(&self) -> usize {
        self.keep_log_segments.clamp(1, 1_000_000)
    }

    /// Between two looks at the log.
    pub(crate) fn pause(&self) -> Duration {
        Duration::from_secs(self.pause_seconds.clamp(1, 3_600))
    }
}
