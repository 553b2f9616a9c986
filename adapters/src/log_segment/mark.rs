//! The durable mark: two slots written in turn, so that recovery can tell a torn tail from damage.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::file_io::write_whole;

use super::error::{LogOpenError, damaged};
use super::format::{BLOCK_BYTES, LogIdentity, MARK_SLOT_BYTES, Mark, genesis, mark_slot, read_mark_slot};

const NAME: &str = "mark";

pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

/// The mark of an empty log.
pub(super) fn initial(identity: &LogIdentity) -> Mark {
    Mark { sequence: 0, durable: 0, segment: 0, byte: BLOCK_BYTES as u64, chain: genesis(identity) }
}

/// The newer whole slot; none if there is no mark file.
pub(super) fn read(dir: &Path, installation: [u8; 16]) -> Result<Option<Mark>, LogOpenError> {
    let bytes = match std::fs::read(path(dir)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LogOpenError::io(&path(dir), &error)),
    };
    let slots = bytes.chunks(MARK_SLOT_BYTES).filter_map(|slot| read_mark_slot(installation, slot).ok());
    match slots.max_by_key(|mark| mark.sequence) {
        Some(mark) => Ok(Some(mark)),
        None => Err(damaged(0, NAME, 0, "neither slot of the durable mark is whole").into()),
    }
}

/// Writes the first mark, both slots at once.
pub(super) fn create(dir: &Path, identity: &LogIdentity) -> Result<(), LogOpenError> {
    let mark = initial(identity);
    let mut bytes = mark_slot(identity.installation, &mark);
    bytes.extend(mark_slot(identity.installation, &mark));
    write_whole(dir, NAME, &bytes).map_err(|error| LogOpenError::io(&path(dir), &error))
}

pub(super) struct MarkFile {
    file: File,
    installation: [u8; 16],
    sequence: u64,
}

impl MarkFile {
    pub(super) fn open(dir: &Path, installation: [u8; 16], sequence: u64) -> io::Result<Self> {
        Ok(Self { file: OpenOptions::new().write(true).open(path(dir))?, installation, sequence })
    }

    /// Overwrites the older slot. The caller passes only what a sync has already made durable.
    pub(super) fn write(&mut self, mut mark: Mark) -> io::Result<()> {
        mark.sequence = self.sequence + 1;
        let slot_at = (mark.sequence % 2) * MARK_SLOT_BYTES as u64;
        self.file.write_all_at(&mark_slot(self.installation, &mark), slot_at)?;
        self.file.sync_data()?;
        self.sequence = mark.sequence;
        Ok(())
    }
}
