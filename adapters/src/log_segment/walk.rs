//! Walks segments group by group: the one place that says what is whole, what is torn and what is damage.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use nhip_ports::LogError;

use super::error::damaged;
use super::format::{BLOCK_BYTES, COMMIT_FRAME_BYTES, Chain, FrameKind, Mark, SegmentHeader, read_commit};
use super::frames::{Found, SegmentBytes, WINDOW_BYTES};

/// A segment as its header describes it.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) header: SegmentHeader,
    pub(super) seed: u32,
}

/// One whole group.
pub(super) struct Group {
    pub(super) count: u32,
    /// The offset behind it.
    pub(super) next: u64,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// Where a log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) offset: u64,
    /// The byte behind the last whole group in the last segment.
    pub(super) at: u64,
    pub(super) chain: Chain,
    /// Bytes of a torn group behind it, from–to.
    pub(super) torn: Option<(u64, u64)>,
}

/// Walks `segments` to the end of the log. The first one's header is taken at its word.
pub(super) fn walk(
    segments: &[Arc<Segment>],
    mark: Option<&Mark>,
    visit: &mut dyn FnMut(&Segment, &Group),
) -> Result<Option<End>, LogError> {
    let mut end = None;
    for (index, segment) in segments.iter().enumerate() {
        let mark = mark.filter(|mark| mark.segment == segment.header.first);
        let next = segments.get(index + 1);
        end = Some(Walk::open(segment)?.run(mark, next.map(|next| &next.header), visit)?);
    }
    Ok(end)
}

struct Walk<'a> {
    segment: &'a Segment,
    bytes: SegmentBytes,
    at: u64,
    offset: u64,
    chain: Chain,
}

enum Step {
    Group(Group),
    End,
    Invalid { byte: u64, what: &'static str },
}

impl<'a> Walk<'a> {
    fn open(segment: &'a Segment) -> Result<Self, LogError> {
        let bytes = SegmentBytes::open(&segment.path, segment.seed, WINDOW_BYTES);
        let bytes = bytes.map_err(|error| unreadable(segment, segment.header.first, 0, &error))?;
        let (offset, chain) = (segment.header.first, segment.header.chain);
        Ok(Self { segment, bytes, at: BLOCK_BYTES as u64, offset, chain })
    }

    fn run(
        mut self,
        mark: Option<&Mark>,
        next: Option<&SegmentHeader>,
        visit: &mut dyn FnMut(&Segment, &Group),
    ) -> Result<End, LogError> {
        self.check_mark(mark)?;
        loop {
            let step = self.step().map_err(|error| unreadable(self.segment, self.offset, self.at, &error))?;
            let invalid = match step {
                Step::Group(group) => {
                    self.check_mark(mark)?;
                    visit(self.segment, &group);
                    continue;
                }
                Step::End => None,
                Step::Invalid { byte, what } => Some((byte, what)),
            };
            return match next {
                Some(next) => self.sealed_end(invalid, next),
                None => self.open_end(invalid, mark),
            };
        }
    }

    fn step(&mut self) -> io::Result<Step> {
        let (mut byte, mut offset, mut count) = (self.at, self.offset, 0_u32);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.chain);
        loop {
            let frame = match self.bytes.frame(byte)? {
                Found::Frame(frame) => frame,
                Found::End if count == 0 => return Ok(Step::End),
                Found::End => return Ok(Step::Invalid { byte, what: "group has no commit" }),
                Found::Invalid(what) => return Ok(Step::Invalid { byte, what }),
            };
            if frame.offset != offset {
                return Ok(Step::Invalid { byte, what: "frame has another offset than its place" });
            }
            if frame.kind == FrameKind::Commit {
                let commit = read_commit(&frame.payload());
                let chain = *hasher.finalize().as_bytes();
                let right = commit.is_some_and(|commit| {
                    commit.count == count && commit.group_bytes == byte - self.at && commit.chain == chain
                });
                if count == 0 || !right {
                    return Ok(Step::Invalid { byte, what: "commit does not fit its group" });
                }
                let group = Group { count, next: offset, start: self.at, end: frame.next };
                (self.at, self.offset, self.chain) = (frame.next, offset, chain);
                return Ok(Step::Group(group));
            }
            hasher.update(&frame.raw);
            (byte, offset, count) = (frame.next, offset + 1, count + 1);
        }
    }

    /// Groups may not step over the mark without meeting it.
    fn check_mark(&self, mark: Option<&Mark>) -> Result<(), LogError> {
        let Some(mark) = mark else { return Ok(()) };
        let meets = self.offset == mark.durable && self.chain == mark.chain;
        if (self.at == mark.byte && !meets) || (self.offset == mark.durable && self.at != mark.byte) {
            return Err(self.damage(self.at, "history differs from what the durable mark says"));
        }
        Ok(())
    }

    fn sealed_end(mut self, invalid: Option<(u64, &str)>, next: &SegmentHeader) -> Result<End, LogError> {
        if let Some((byte, what)) = invalid {
            return Err(self.damage(byte, what));
        }
        if self.offset != next.first || self.chain != next.chain {
            return Err(self.damage(self.at, "segment ends elsewhere than the next one begins"));
        }
        if self.bytes.length() != self.segment.header.file_bytes {
            return Err(self.damage(self.bytes.length(), "file has another length than its header says"));
        }
        match self.rest()?.end {
            Some(end) => Err(self.damage(end - 1, "bytes behind the last group of a sealed segment")),
            None => Ok(End { offset: self.offset, at: self.at, chain: self.chain, torn: None }),
        }
    }

    fn open_end(mut self, invalid: Option<(u64, &str)>, mark: Option<&Mark>) -> Result<End, LogError> {
        if mark.is_some_and(|mark| self.at < mark.byte) {
            let (byte, what) = invalid.unwrap_or((self.at, "log ends"));
            return Err(self.damage(byte, format!("{what}, below the durable mark")));
        }
        let rest = self.rest()?;
        if let Some(commit) = rest.later_commit {
            let (byte, what) = invalid.unwrap_or((self.at, "group is missing"));
            return Err(self.damage(byte, format!("{what}, before a valid commit at byte {commit}")));
        }
        let torn = rest.end.map(|end| (self.at, end));
        Ok(End { offset: self.offset, at: self.at, chain: self.chain, torn })
    }

    fn rest(&mut self) -> Result<super::frames::Rest, LogError> {
        self.bytes.rest(self.at).map_err(|error| unreadable(self.segment, self.offset, self.at, &error))
    }

    fn damage(&self, byte: u64, what: impl Into<String>) -> LogError {
        damaged(self.offset, &self.segment.name, byte, what)
    }
}

pub(super) fn unreadable(segment: &Segment, offset: u64, byte: u64, error: &io::Error) -> LogError {
    damaged(offset, &segment.name, byte, format!("cannot be read: {error}"))
}

/// The smallest segment that can hold a group of so many bytes of record frames.
pub(super) fn segment_bytes_for(group_bytes: u64) -> u64 {
    BLOCK_BYTES as u64 + group_bytes + COMMIT_FRAME_BYTES as u64
}
