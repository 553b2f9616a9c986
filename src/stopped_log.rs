//! The log of a stopped node for reading only: its archive first, then its segments.

use nhip_adapters::{LogFiles, LogIdentity};
use nhip_history::archive::{Archive, as_log_error};
use nhip_ports::{LogError, ReadLimit};
use nhip_proto::{Logged, Offset};

use crate::commands::Failure;

/// Archive and segments as one log.
pub(crate) struct StoppedLog {
    files: LogFiles,
    archive: Archive,
}

impl StoppedLog {
    /// Puts the two together; refuses what does not belong together.
    pub(crate) fn new(files: LogFiles, archive: Archive) -> Result<Self, Failure> {
        archive.meets(&files.segments()).map_err(Failure::other)?;
        Ok(Self { files, archive })
    }

    /// Whose log it is.
    pub(crate) fn identity(&self) -> &LogIdentity {
        self.files.identity()
    }

    /// The first offset there is.
    pub(crate) fn first(&self) -> Offset {
        let files = self.files.first();
        self.archive.first().map_or(files, |archive| archive.min(files))
    }

    /// The offset after the last record.
    pub(crate) fn end(&self) -> Offset {
        self.files.end()
    }

    /// The next records from an offset on; empty at the end.
    pub(crate) fn read(&self, from: Offset, limit: ReadLimit) -> Result<Vec<Logged>, LogError> {
        if from >= self.files.first() {
            return self.files.read(from, limit);
        }
        self.archive.read(from, limit).map_err(|error| as_log_error(from, error))
    }
}
