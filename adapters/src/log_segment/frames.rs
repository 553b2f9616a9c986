//! One segment file read frame by frame through a window, every checksum tested.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;

use super::format::{
    COMMIT_BYTES, COMMIT_FRAME_BYTES, FRAME_HEADER_BYTES, FrameHeader, FrameKind, read_commit,
    read_frame_header,
};

/// Large enough that a walk is bound by the disk, small enough to be no burden.
pub(super) const WINDOW_BYTES: usize = 1 << 20;
const PIECE_BYTES: usize = 4096;

pub(super) struct Frame {
    pub(super) kind: FrameKind,
    pub(super) offset: u64,
    /// Header and payload.
    pub(super) raw: Bytes,
    /// The byte behind it.
    pub(super) next: u64,
}

impl Frame {
    pub(super) fn payload(&self) -> Bytes {
        self.raw.slice(FRAME_HEADER_BYTES..)
    }
}

pub(super) enum Found {
    /// Zeros, or no room for a frame.
    End,
    Frame(Frame),
    Invalid(&'static str),
}

/// What stands behind the last whole group of a segment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rest {
    /// The byte behind the last one that is not zero; none: all zero.
    pub(super) end: Option<u64>,
    /// Where an intact commit of a later group stands.
    pub(super) later_commit: Option<u64>,
}

pub(super) struct SegmentBytes {
    file: File,
    length: u64,
    seed: u32,
    window_at: u64,
    window: Bytes,
    window_bytes: usize,
}

impl SegmentBytes {
    pub(super) fn open(path: &Path, seed: u32, window_bytes: usize) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { file, length, seed, window_at: 0, window: Bytes::new(), window_bytes })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The frame at a byte.
    pub(super) fn frame(&mut self, at: u64) -> io::Result<Found> {
        let Some(header_bytes) = self.get(at, FRAME_HEADER_BYTES)? else {
            let left = usize::try_from(self.length.saturating_sub(at)).unwrap_or(0);
            let zero = self.get(at, left)?.is_none_or(|bytes| all_zero(&bytes));
            return Ok(if zero { Found::End } else { Found::Invalid("frame is cut off") });
        };
        let Some(header) = read_frame_header(self.seed, &header_bytes) else {
            let zero = all_zero(&header_bytes);
            return Ok(if zero { Found::End } else { Found::Invalid("frame header is wrong") });
        };
        self.payload(at, header)
    }

    fn payload(&mut self, at: u64, header: FrameHeader) -> io::Result<Found> {
        let frame_bytes = FRAME_HEADER_BYTES + header.length as usize;
        let Some(raw) = self.get(at, frame_bytes)? else {
            return Ok(Found::Invalid("frame is cut off"));
        };
        let right = raw.get(FRAME_HEADER_BYTES..).map(crc32c::crc32c) == Some(header.payload_checksum);
        if !right {
            return Ok(Found::Invalid("checksum of the payload is wrong"));
        }
        let next = at + frame_bytes as u64;
        Ok(Found::Frame(Frame { kind: header.kind, offset: header.offset, raw, next }))
    }

    /// What stands from `at` to the end of the file, where `at` follows a whole group.
    pub(super) fn rest(&mut self, at: u64) -> io::Result<Rest> {
        let mut rest = Rest::default();
        let mut piece_at = at;
        while piece_at < self.length {
            let left = self.length - piece_at;
            // Each piece overlaps the next by one commit, so that none hides on a border.
            let wanted = (PIECE_BYTES + COMMIT_FRAME_BYTES).min(usize::try_from(left).unwrap_or(usize::MAX));
            let Some(piece) = self.get(piece_at, wanted)? else { break };
            if let Some(last) = piece.iter().rposition(|byte| *byte != 0) {
                rest.end = Some(piece_at + last as u64 + 1);
                if rest.later_commit.is_none() {
                    rest.later_commit = self.later_commit(&piece, piece_at, at);
                }
            }
            piece_at += PIECE_BYTES as u64;
        }
        Ok(rest)
    }

    fn later_commit(&self, piece: &[u8], piece_at: u64, group_at: u64) -> Option<u64> {
        piece.windows(COMMIT_FRAME_BYTES).zip(piece_at..).find_map(|(bytes, at)| {
            let (header_bytes, payload) = bytes.split_at_checked(FRAME_HEADER_BYTES)?;
            let likely = header_bytes.first_chunk::<4>() == Some(&(COMMIT_BYTES as u32).to_le_bytes());
            let header = if likely { read_frame_header(self.seed, header_bytes)? } else { return None };
            if header.kind != FrameKind::Commit || crc32c::crc32c(payload) != header.payload_checksum {
                return None;
            }
            // A commit that starts at `group_at` belongs to the torn group itself: its last page reached the
            // disk before an earlier one. Only a later group proves that this one had been durable.
            let started = at.checked_sub(read_commit(payload)?.group_bytes)?;
            (started > group_at).then_some(at)
        })
    }

    /// Bytes of the file, or none where it is too short.
    pub(super) fn get(&mut self, at: u64, length: usize) -> io::Result<Option<Bytes>> {
        let end = at.saturating_add(length as u64);
        if end > self.length {
            return Ok(None);
        }
        if at < self.window_at || end > self.window_at + self.window.len() as u64 {
            self.load(at, length)?;
        }
        let from = usize::try_from(at - self.window_at).unwrap_or(usize::MAX);
        Ok((from.saturating_add(length) <= self.window.len()).then(|| self.window.slice(from..from + length)))
    }

    fn load(&mut self, at: u64, length: usize) -> io::Result<()> {
        let left = usize::try_from(self.length - at).unwrap_or(usize::MAX);
        let mut window = vec![0; self.window_bytes.max(length).min(left)];
        self.file.read_exact_at(&mut window, at)?;
        self.window = Bytes::from(window);
        self.window_at = at;
        Ok(())
    }
}

fn all_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}
