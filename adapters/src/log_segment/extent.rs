//! What of a log a copy takes: whole groups up to the durable mark, also while a node writes on.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use nhip_proto::Offset;
use rustix::fs::{FlockOperation, flock};

use super::directory::{self, LOCK_NAME, read_identity};
use super::error::LogOpenError;
use super::format::{BLOCK_BYTES, Chain, LogIdentity, Mark, mark_slot};
use super::walk::Segment;
use super::{mark, recovery};

/// One segment of such a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPiece {
    /// The name of the file.
    pub name: String,
    /// Bytes of header and groups; what follows is not yet durable and stands as zeros in a copy.
    pub used_bytes: u64,
    /// The length of the file.
    pub file_bytes: u64,
}

/// A log up to one offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogExtent {
    /// Whose it is.
    pub identity: LogIdentity,
    /// The first offset in the segments.
    pub first: Offset,
    /// The offset after the last record.
    pub end: Offset,
    /// The chain over everything up to there.
    pub chain: [u8; 32],
    /// The segments, oldest first.
    pub pieces: Vec<LogPiece>,
    /// The mark file that belongs to a copy of just these bytes.
    pub mark: Vec<u8>,
}

/// Looks at a log without changing it: of a running node it sees what the durable mark vouches for (which may lag
/// half a second), of a stopped one every whole group.
///
/// # Errors
/// [`LogOpenError`] if there is no log, a header or the tail is damaged, or a segment was trimmed meanwhile.
pub fn extent(dir: &Path) -> Result<LogExtent, LogOpenError> {
    let identity = read_identity(dir)?.ok_or_else(|| LogOpenError::Io {
        path: dir.display().to_string(),
        what: "there is no log in this directory".to_owned(),
    })?;
    // The mark first: every segment it may name is in the list that follows.
    let running = is_open(dir);
    let mark = mark::read(dir, identity.installation)?.unwrap_or_else(|| mark::initial(&identity));
    let segments = directory::segments(dir, &identity)?;
    let upto = if running { mark } else { whole_end(&segments, mark, &identity)? };
    let pieces = pieces(dir, &segments, &upto)?;
    let slot = mark_slot(identity.installation, &upto);
    Ok(LogExtent {
        first: Offset(segments.first().map_or(0, |segment| segment.header.first)),
        end: Offset(upto.durable),
        chain: upto.chain,
        pieces,
        mark: [slot.as_slice(), &slot].concat(),
        identity,
    })
}

/// Whether a node has the log open now; touches nothing. What cannot be looked at counts as open: then only what
/// the mark vouches for is believed.
#[must_use]
pub fn is_open(dir: &Path) -> bool {
    match File::open(dir.join(LOCK_NAME)) {
        Ok(lock) => flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// Nobody writes: the last whole group is the end, and what lies behind it was never acknowledged.
fn whole_end(segments: &[Arc<Segment>], mark: Mark, identity: &LogIdentity) -> Result<Mark, LogOpenError> {
    let end = recovery::find_end(segments, &mark, identity, &mut |_, _| {})?;
    let Some(last) = segments.last() else { return Ok(mark) };
    let chain: Chain = end.chain;
    Ok(Mark { durable: end.offset, segment: last.header.first, byte: end.at, chain, ..mark })
}

fn pieces(dir: &Path, segments: &[Arc<Segment>], upto: &Mark) -> Result<Vec<LogPiece>, LogOpenError> {
    // A segment behind the marked one holds nothing the mark vouches for.
    let within = segments.iter().filter(|segment| segment.header.first <= upto.segment);
    let mut pieces: Vec<LogPiece> = within.map(|segment| whole(segment)).collect();
    let marked = pieces.last_mut().filter(|last| last.name == directory::segment_name(upto.segment));
    match marked {
        Some(last) => last.used_bytes = upto.byte.clamp(BLOCK_BYTES as u64, last.file_bytes),
        None if segments.is_empty() && upto.durable == 0 => {}
        None => {
            return Err(LogOpenError::Io {
                path: dir.join(directory::segment_name(upto.segment)).display().to_string(),
                what: "the segment of the durable mark is gone".to_owned(),
            });
        }
    }
    Ok(pieces)
}

fn whole(segment: &Segment) -> LogPiece {
    let file_bytes = segment.header.file_bytes;
    LogPiece { name: segment.name.clone(), used_bytes: file_bytes, file_bytes }
}
