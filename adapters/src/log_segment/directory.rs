//! The log's directory: its lock, its identity file, its segments.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use nhip_proto::Origin;
use rustix::fs::{FlockOperation, flock};

use crate::file_io::{names_ending, sync_directory, write_whole};

use super::error::{LogOpenError, damaged};
use super::format::{
    BLOCK_BYTES, LogIdentity, NODE_BYTES_MAX, frame_seed, genesis, identity_block, read_identity_block,
    read_segment_block,
};
use super::walk::Segment;

const IDENTITY_NAME: &str = "identity";
pub(super) const LOCK_NAME: &str = "lock";
const SEGMENT_SUFFIX: &str = ".seg";

pub(super) fn segment_name(first: u64) -> String {
    format!("{first:020}{SEGMENT_SUFFIX}")
}

/// Held as long as the log is open; the operating system lets go of it when the process ends.
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Said aloud: a child process between fork and exec still holds a copy of the descriptor.
        flock(&self.0, FlockOperation::Unlock).unwrap_or_default();
    }
}

pub(super) fn lock(dir: &Path) -> Result<Lock, LogOpenError> {
    let path = dir.join(LOCK_NAME);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| LogOpenError::io(&path, &error))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Lock(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(LogOpenError::Locked(dir.display().to_string())),
        Err(error) => Err(LogOpenError::io(&path, &error.into())),
    }
}

/// Makes the directory and its name durable.
pub(super) fn create(dir: &Path) -> Result<(), LogOpenError> {
    let made = fs::create_dir_all(dir).and_then(|()| match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
        _ => Ok(()),
    });
    made.map_err(|error| LogOpenError::io(dir, &error))
}

/// What the identity file says; none in a directory without one.
pub(super) fn read_identity(dir: &Path) -> Result<Option<LogIdentity>, LogOpenError> {
    let path = dir.join(IDENTITY_NAME);
    let block = match fs::read(&path) {
        Ok(block) => block,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LogOpenError::io(&path, &error)),
    };
    let identity = read_identity_block(&block);
    Ok(Some(identity.map_err(|fault| damaged(0, IDENTITY_NAME, 0, fault.text()))?))
}

pub(super) fn write_identity(dir: &Path, identity: &LogIdentity) -> Result<(), LogOpenError> {
    if identity.node.len() > NODE_BYTES_MAX {
        return Err(LogOpenError::InvalidIdentity("the node's name is longer than 64 bytes"));
    }
    if matches!(identity.origin, Origin::Typed | Origin::Official) {
        return Err(LogOpenError::InvalidIdentity("a log is of machine, simulated or replayed origin"));
    }
    write_whole(dir, IDENTITY_NAME, &identity_block(identity))
        .map_err(|error| LogOpenError::io(&dir.join(IDENTITY_NAME), &error))
}

pub(super) fn check_identity(
    dir: &Path,
    found: &LogIdentity,
    asked: &LogIdentity,
) -> Result<(), LogOpenError> {
    let hex = |bytes: &[u8; 16]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let pairs: [(&'static str, String, String); 3] = [
        ("installation", hex(&found.installation), hex(&asked.installation)),
        ("node", found.node.clone(), asked.node.clone()),
        ("origin", found.origin.to_string(), asked.origin.to_string()),
    ];
    match pairs.into_iter().find(|(_, found, asked)| found != asked) {
        Some((what, found, asked)) => {
            Err(LogOpenError::Identity { dir: dir.display().to_string(), what, found, asked })
        }
        None => Ok(()),
    }
}

/// The segments in order, their headers checked against the identity.
pub(super) fn segments(dir: &Path, identity: &LogIdentity) -> Result<Vec<Arc<Segment>>, LogOpenError> {
    let names = names_ending(dir, SEGMENT_SUFFIX).map_err(|error| LogOpenError::io(dir, &error))?;
    let segments = names.iter().map(|name| segment(dir, name, identity)).collect::<Result<Vec<_>, _>>()?;
    if let Some(segment) = segments.first()
        && segment.header.first == 0
        && segment.header.chain != genesis(identity)
    {
        return Err(damaged(0, &segment.name, 0, "the chain does not begin at this log's identity").into());
    }
    Ok(segments)
}

fn segment(dir: &Path, name: &str, identity: &LogIdentity) -> Result<Arc<Segment>, LogOpenError> {
    let path = dir.join(name);
    let offset = name.strip_suffix(SEGMENT_SUFFIX).and_then(|number| number.parse().ok()).unwrap_or(0);
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    File::open(&path)
        .and_then(|file| file.take(BLOCK_BYTES as u64).read_to_end(&mut block))
        .map_err(|error| LogOpenError::io(&path, &error))?;
    let header = read_segment_block(&block).map_err(|fault| damaged(offset, name, 0, fault.text()))?;
    if segment_name(header.first) != name {
        return Err(damaged(offset, name, 0, "the file's name is not its first offset").into());
    }
    if header.identity != *identity {
        return Err(damaged(offset, name, 0, "the segment belongs to another log").into());
    }
    Ok(Arc::new(Segment { path, name: name.to_owned(), header, seed: frame_seed(&block) }))
}
