//! The log of a node for reading only: its archive first, then its segments. Whole of a stopped node; one record at a
//! time beside a running one.

use nhip_adapters::{LogFiles, LogIdentity};
use nhip_history::archive::{Archive, as_log_error};
use nhip_ports::{LogError, ReadLimit};
use nhip_proto::{ArrivalTime, Logged, Offset, Record};

use crate::commands::Failure;
use crate::installation::DataDirectory;

/// How often segments may be trimmed from under a look.
const LOOKS_MAX: u32 = 5;
/// One record.
const ONE: ReadLimit = ReadLimit { records_max: 1, bytes_max: 1 };

/// Records looked through first for the last Tick; a node writes one a second.
const LAST_TICK_RECORDS: u64 = 4_096;
/// Bytes of one read at most.
const READ_BYTES_MAX: usize = 8 << 20;

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

    /// The last Tick there is, looked for from the end in longer and longer stretches.
    pub(crate) fn last_tick(&self) -> Result<Option<ArrivalTime>, LogError> {
        let (mut end, mut stretch) = (self.end().0, LAST_TICK_RECORDS);
        while end > self.first().0 {
            let from = end.saturating_sub(stretch).max(self.first().0);
            if let Some(at) = self.tick_between(from, end)? {
                return Ok(Some(at));
            }
            (end, stretch) = (from, stretch.saturating_mul(2));
        }
        Ok(None)
    }

    /// The last Tick of a stretch.
    fn tick_between(&self, from: u64, end: u64) -> Result<Option<ArrivalTime>, LogError> {
        let (mut at, mut found) = (from, None);
        while at < end {
            let records_max = usize::try_from(end - at).unwrap_or(usize::MAX);
            let batch = self.read(Offset(at), ReadLimit { records_max, bytes_max: READ_BYTES_MAX })?;
            let Some(last) = batch.last() else { break };
            at = last.offset.next().0;
            let tick = batch.iter().rev().find_map(|logged| match &logged.record {
                Record::Tick(tick) => Some(tick.at),
                _ => None,
            });
            found = tick.or(found);
        }
        Ok(found)
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
