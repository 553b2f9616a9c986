//! The keys of `[log]` and `[archive]`: how large segments are, how much of the log stays beside its archive.

use std::time::Duration;

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
