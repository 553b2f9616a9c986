//! Reads a whole log and says whether every byte is what was written. Changes nothing, needs no lock.

use std::fmt;
use std::path::Path;

use super::directory;
use super::error::LogOpenError;
use super::format::{Chain, LogIdentity, genesis};
use super::walk::{End, walk};
use super::{mark, recovery};

/// What a whole log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Whose it is.
    pub identity: LogIdentity,
    /// Segments read.
    pub segments: usize,
    /// Groups, each made durable by one sync.
    pub groups: u64,
    /// Records.
    pub records: u64,
    /// The first offset.
    pub first: u64,
    /// The offset after the last record.
    pub end: u64,
    /// Bytes of groups.
    pub bytes: u64,
    /// Bytes of an unacknowledged tail that the next start will cut; 0 after an orderly end.
    pub torn_bytes: u64,
    /// The chain over everything: two logs with the same chain are the same.
    pub chain: Chain,
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segments, groups, records, first, end, bytes, .. } = self;
        let (node, origin) = (&self.identity.node, self.identity.origin);
        writeln!(f, "log of node {node}, origin {origin}: whole")?;
        writeln!(
            f,
            "offsets {first}..{end}: {records} records, {groups} groups, {bytes} bytes, {segments} segments"
        )?;
        if self.torn_bytes > 0 {
            let torn = self.torn_bytes;
            writeln!(f, "tail: {torn} bytes of an unacknowledged group, cut at the next start")?;
        }
        let chain: String = self.chain.iter().map(|byte| format!("{byte:02x}")).collect();
        write!(f, "chain {chain}")
    }
}

/// Checks every segment: checksums, offsets without gaps, chain, zeros behind the last group, durable mark.
///
/// # Errors
/// [`LogOpenError::Log`] with the first damage found: segment, byte, offset.
pub fn verify(dir: &Path) -> Result<VerifyReport, LogOpenError> {
    let identity = directory::read_identity(dir)?.ok_or_else(|| LogOpenError::Io {
        path: dir.display().to_string(),
        what: "there is no log in this directory".to_owned(),
    })?;
    let segments = directory::segments(dir, &identity)?;
    let mark = mark::read(dir, identity.installation)?.unwrap_or_else(|| mark::initial(&identity));
    recovery::check_mark(&segments, &mark)?;
    let (mut groups, mut records, mut bytes) = (0, 0, 0);
    let end = walk(&segments, Some(&mark), &mut |_, group| {
        groups += 1;
        records += u64::from(group.count);
        bytes += group.end - group.start;
    })?;
    let end = end.unwrap_or_else(|| End { offset: 0, at: 0, chain: genesis(&identity), torn: None });
    Ok(VerifyReport {
        segments: segments.len(),
        groups,
        records,
        first: segments.first().map_or(0, |segment| segment.header.first),
        end: end.offset,
        bytes,
        torn_bytes: end.torn.map_or(0, |(from, to)| to - from),
        chain: end.chain,
        identity,
    })
}

#[cfg(test)]
mod tests;
