//! The log of a node for reading only: its archive first, then its segments. Whole of a stopped node; one record at a
//! time beside a running one.

use nhip_adapters::{LogFiles, LogIdentity};
use nhip_history::archive::{Archive, as_log_error};
use nhip_ports::{LogError, ReadLimit};
use nhip_proto::{Logged, Offset};

use crate::commands::Failure;
use crate::installation::DataDirectory;

/// How often segments may be trimmed from under a look.
const LOOKS_MAX: u32 = 5;
/// One record.
const ONE: ReadLimit = ReadLimit { records_max: 1, bytes_max: 1 };

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

/// One record of a log a node may be writing on; takes no lock. None: it is not there yet.
pub(crate) fn read_beside(directory: &DataDirectory, offset: Offset) -> Result<Option<Logged>, Failure> {
    let mut last = None;
    for _ in 0..LOOKS_MAX {
        match look_beside(directory, offset) {
            Ok(found) => return Ok(found),
            Err(failure) => last = Some(failure),
        }
    }
    Err(last.unwrap_or_else(|| Failure::other("no look")))
}

/// What is trimmed between the two openings is in the archive, or the next look finds it there.
fn look_beside(directory: &DataDirectory, offset: Offset) -> Result<Option<Logged>, Failure> {
    let mut files = LogFiles::open_durable(&directory.log).map_err(Failure::other)?;
    if offset >= files.end() {
        // A quiet node moves its mark with the next records. Behind it whole groups are as good; a group that is being
        // written just now is none yet.
        let Ok(whole) = LogFiles::open(&directory.log) else { return Ok(None) };
        files = whole;
    }
    if offset >= files.end() {
        return Ok(None);
    }
    let records = if offset >= files.first() {
        files.read(offset, ONE).map_err(Failure::other)?
    } else {
        let archive = Archive::open(&directory.archive).map_err(Failure::other)?;
        archive.read(offset, ONE).map_err(Failure::other)?
    };
    Ok(records.into_iter().next())
}
