//! Opening: finds the end of the log, cuts an unacknowledged tail, refuses damage.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::file_io::{sweep_unfinished, sync_directory};

use super::directory::{self, check_identity, write_identity};
use super::error::{LogOpenError, damaged};
use super::format::{LogIdentity, Mark, genesis};
use super::frames::WINDOW_BYTES;
use super::mark;
use super::walk::{End, Segment, walk};

/// What opening found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Records the log holds.
    pub records: u64,
    /// Of these, read and checked while opening (the tail; `verify` reads all).
    pub records_checked: u64,
    /// Segments the log has.
    pub segments: usize,
    /// Bytes of an unacknowledged tail that were cut.
    pub cut_bytes: u64,
    /// Where they were kept.
    pub cut_file: Option<PathBuf>,
    /// How long it took.
    pub duration: Duration,
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.duration.as_millis();
        write!(f, "{} records in {} segments, opened in {ms} ms", self.records, self.segments)?;
        match &self.cut_file {
            Some(file) => {
                write!(f, ", {} unacknowledged bytes cut, kept in {}", self.cut_bytes, file.display())
            }
            None => Ok(()),
        }
    }
}

/// A log ready to be written on.
pub(super) struct Recovered {
    pub(super) identity: LogIdentity,
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) end: End,
    pub(super) mark: Mark,
    /// Where whole groups begin: first offset, segment, byte.
    pub(super) groups: Vec<(u64, u64, u64)>,
    pub(super) lock: directory::Lock,
    pub(super) report: RecoveryReport,
}

pub(super) fn recover(dir: &Path, asked: &LogIdentity) -> Result<Recovered, LogOpenError> {
    let started = Instant::now();
    directory::create(dir)?;
    let lock = directory::lock(dir)?;
    // Nothing in them was ever acknowledged.
    sweep_unfinished(dir).map_err(|error| LogOpenError::io(dir, &error))?;
    let identity = found_or_created(dir, asked)?;
    let segments = directory::segments(dir, &identity)?;
    let mark = match mark::read(dir, identity.installation)? {
        Some(mark) => mark,
        None => {
            mark::create(dir, &identity)?;
            mark::initial(&identity)
        }
    };
    let mut groups = Vec::new();
    let mut records_checked = 0;
    let mut end = find_end(&segments, &mark, &identity, &mut |segment, group| {
        records_checked += u64::from(group.count);
        groups.push((group.next - u64::from(group.count), segment.header.first, group.start));
    })?;
    let mut report = RecoveryReport {
        records: end.offset - segments.first().map_or(0, |segment| segment.header.first),
        records_checked,
        segments: segments.len(),
        cut_bytes: 0,
        cut_file: None,
        duration: Duration::ZERO,
    };
    if let Some(segment) = segments.last() {
        cut(dir, segment, &mut end, &mut report).map_err(|error| LogOpenError::io(&segment.path, &error))?;
    }
    report.duration = started.elapsed();
    Ok(Recovered { identity, segments, end, mark, groups, lock, report })
}

/// The end of the log, reading only what the mark and the last header do not already vouch for.
pub(super) fn find_end(
    segments: &[Arc<Segment>],
    mark: &Mark,
    identity: &LogIdentity,
    visit: &mut dyn FnMut(&Segment, &super::walk::Group),
) -> Result<End, LogOpenError> {
    let from = check_mark(segments, mark)?;
    let tail = segments.get(from..).unwrap_or_default();
    let end = walk(tail, Some(mark), visit)?;
    Ok(end.unwrap_or_else(|| End { offset: 0, at: 0, chain: genesis(identity), torn: None }))
}

/// The index of the segment the mark stands in. A segment is begun only when all before it is durable, so the
/// mark may lag behind the last header, never the other way.
pub(super) fn check_mark(segments: &[Arc<Segment>], mark: &Mark) -> Result<usize, LogOpenError> {
    let last = segments.len().saturating_sub(1);
    if mark.durable == 0 {
        return Ok(last);
    }
    let marked = segments.iter().position(|segment| segment.header.first == mark.segment);
    let trimmed = segments.first().is_some_and(|segment| segment.header.first >= mark.durable);
    match marked {
        Some(index) => Ok(index),
        None if trimmed => Ok(last),
        None => {
            let name = directory::segment_name(mark.segment);
            Err(damaged(mark.segment, &name, 0, "the segment of the durable mark is missing").into())
        }
    }
}

fn found_or_created(dir: &Path, asked: &LogIdentity) -> Result<LogIdentity, LogOpenError> {
    if let Some(found) = directory::read_identity(dir)? {
        check_identity(dir, &found, asked)?;
        return Ok(found);
    }
    if !directory::segments(dir, asked)?.is_empty() || mark::path(dir).exists() {
        return Err(damaged(0, "identity", 0, "the identity file is missing").into());
    }
    write_identity(dir, asked)?;
    Ok(asked.clone())
}

/// Keeps the torn bytes beside the log, then makes the tail what the writer left before: zeros to the end.
fn cut(dir: &Path, segment: &Segment, end: &mut End, report: &mut RecoveryReport) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(&segment.path)?;
    if let Some((from, to)) = end.torn.take() {
        let mut torn = vec![0; usize::try_from(to - from).unwrap_or(0)];
        file.read_exact_at(&mut torn, from)?;
        let kept = keep(dir, segment, from, &torn)?;
        write_zeros(&file, from, to)?;
        report.cut_bytes = to - from;
        report.cut_file = Some(kept);
    }
    let length = file.metadata()?.len();
    if length < segment.header.file_bytes {
        write_zeros(&file, length, segment.header.file_bytes)?;
    }
    file.sync_all()
}

/// A second crash while cutting must not overwrite what the first one kept.
fn keep(dir: &Path, segment: &Segment, from: u64, torn: &[u8]) -> io::Result<PathBuf> {
    let stem = segment.name.trim_end_matches(".seg");
    let mut number = 0_u32;
    let (path, file) = loop {
        let path = dir.join(format!("{stem}-{from}-{number}.cut"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => break (path, file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    };
    file.write_all_at(torn, 0)?;
    file.sync_all()?;
    sync_directory(dir)?;
    Ok(path)
}

pub(super) fn write_zeros(file: &File, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; WINDOW_BYTES];
    let mut at = from;
    while at < to {
        let piece = usize::try_from(to - at).unwrap_or(WINDOW_BYTES).min(WINDOW_BYTES);
        file.write_all_at(zeros.get(..piece).unwrap_or(&zeros), at)?;
        at += piece as u64;
    }
    Ok(())
}
