//! Reads records from the segment files, remembering where offsets stand so that reading on is cheap.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use nhip_ports::{LogError, ReadLimit, SegmentHead};
use nhip_proto::{Logged, Offset, decode_record};

use super::directory;
use super::error::{LogOpenError, damaged};
use super::format::{BLOCK_BYTES, FRAME_HEADER_BYTES, FrameKind, LogIdentity};
use super::frames::{Found, Frame, SegmentBytes, WINDOW_BYTES};
use super::walk::{Segment, unreadable};
use super::{mark, recovery};

/// Remembered places; at 32 bytes each they stay under 2 MiB.
const PLACES_MAX: usize = 65_536;
/// While looking for an offset, every so many records a place is remembered.
const PLACE_EVERY_RECORDS: u64 = 1024;
const WINDOW_BYTES_MIN: usize = 64 << 10;

/// A log opened for reading only; takes no lock and writes nothing, so it also works on a copy.
pub struct LogFiles {
    identity: LogIdentity,
    places: Places,
    end: u64,
}

impl LogFiles {
    /// Opens a log directory.
    ///
    /// # Errors
    /// [`LogOpenError`] if there is no log, or its tail is damaged.
    pub fn open(dir: &Path) -> Result<Self, LogOpenError> {
        let identity = directory::read_identity(dir)?.ok_or_else(|| LogOpenError::Io {
            path: dir.display().to_string(),
            what: "there is no log in this directory".to_owned(),
        })?;
        let segments = directory::segments(dir, &identity)?;
        let mark = mark::read(dir, identity.installation)?.unwrap_or_else(|| mark::initial(&identity));
        let end = recovery::find_end(&segments, &mark, &identity, &mut |_, _| {})?.offset;
        Ok(Self { identity, places: Places::new(segments), end })
    }

    /// The same for a log a node may be writing on: it ends at the durable mark, and nothing behind that is looked at.
    ///
    /// # Errors
    /// [`LogOpenError`] if there is no log, or a header is damaged.
    pub fn open_durable(dir: &Path) -> Result<Self, LogOpenError> {
        let extent = super::extent::extent(dir)?;
        let segments = directory::segments(dir, &extent.identity)?;
        Ok(Self { identity: extent.identity, places: Places::new(segments), end: extent.end.0 })
    }

    /// Whose log it is.
    #[must_use]
    pub fn identity(&self) -> &LogIdentity {
        &self.identity
    }

    /// The first offset it holds.
    #[must_use]
    pub fn first(&self) -> Offset {
        Offset(self.places.first())
    }

    /// Where its segments begin, oldest first.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentHead> {
        self.places.heads()
    }

    /// The offset after the last whole group, as it was when opened.
    #[must_use]
    pub fn end(&self) -> Offset {
        Offset(self.end)
    }

    /// The next records from `from` on; empty at the end.
    ///
    /// # Errors
    /// [`LogError::Trimmed`], or [`LogError::Damaged`] at the first frame whose checksum is wrong.
    pub fn read(&self, from: Offset, limit: ReadLimit) -> Result<Vec<Logged>, LogError> {
        self.places.read(from.0, self.end, limit)
    }
}

/// The segments and what is known of where offsets stand in them.
pub(super) struct Places {
    segments: RwLock<Vec<Arc<Segment>>>,
    /// Offset → (first offset of its segment, byte of a frame boundary before its record).
    known: Mutex<BTreeMap<u64, (u64, u64)>>,
    /// Held by the one who trims.
    trimming: Mutex<()>,
}

impl Places {
    pub(super) fn new(segments: Vec<Arc<Segment>>) -> Self {
        Self { segments: RwLock::new(segments), known: Mutex::default(), trimming: Mutex::default() }
    }

    pub(super) fn first(&self) -> u64 {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        segments.first().map_or(0, |segment| segment.header.first)
    }

    pub(super) fn heads(&self) -> Vec<SegmentHead> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let head = |segment: &Arc<Segment>| SegmentHead {
            first: Offset(segment.header.first),
            chain: segment.header.chain,
        };
        segments.iter().map(head).collect()
    }

    /// Forgets the first segment if it is whole and ends at or before an offset.
    pub(super) fn give_up_first(&self, before: u64) -> Option<Arc<Segment>> {
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        let end = segments.get(1)?.header.first;
        let first = (end <= before).then(|| segments.remove(0))?;
        self.known().retain(|offset, _| *offset >= end);
        Some(first)
    }

    /// Segments go one after the other, so only one may trim.
    pub(super) fn trimming(&self) -> MutexGuard<'_, ()> {
        self.trimming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its file is still there after all.
    pub(super) fn take_back_first(&self, segment: Arc<Segment>) {
        self.segments.write().unwrap_or_else(PoisonError::into_inner).insert(0, segment);
    }

    pub(super) fn add_segment(&self, segment: Arc<Segment>) {
        self.segments.write().unwrap_or_else(PoisonError::into_inner).push(segment);
    }

    pub(super) fn remember(&self, offset: u64, segment: u64, byte: u64) {
        let mut known = self.known();
        known.insert(offset, (segment, byte));
        if known.len() > PLACES_MAX {
            known.pop_first();
        }
    }

    /// Records `from ≤ offset < end`, all out of one segment; `end` is durable.
    pub(super) fn read(&self, from: u64, end: u64, limit: ReadLimit) -> Result<Vec<Logged>, LogError> {
        if from >= end {
            return Ok(Vec::new());
        }
        let segment = self.segment_of(from).ok_or(LogError::Trimmed(from))?;
        let window_bytes = limit.bytes_max.clamp(WINDOW_BYTES_MIN, WINDOW_BYTES);
        let bytes = SegmentBytes::open(&segment.path, segment.seed, window_bytes);
        let bytes = bytes.map_err(|error| unreadable(&segment, from, 0, &error))?;
        let (offset, at) = self.place_before(from, segment.header.first);
        let mut cursor = Cursor { segment: &segment, bytes, offset, at };
        while cursor.offset < from {
            cursor.next_record()?;
            if cursor.offset.is_multiple_of(PLACE_EVERY_RECORDS) {
                self.remember(cursor.offset, segment.header.first, cursor.at);
            }
        }
        let records = cursor.gather(end, limit)?;
        self.remember(cursor.offset, segment.header.first, cursor.at);
        Ok(records)
    }

    fn segment_of(&self, offset: u64) -> Option<Arc<Segment>> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let behind = segments.partition_point(|segment| segment.header.first <= offset);
        segments.get(behind.checked_sub(1)?).cloned()
    }

    fn place_before(&self, offset: u64, segment: u64) -> (u64, u64) {
        let near = self.known().range(segment..=offset).next_back().map(|(offset, place)| (*offset, *place));
        match near {
            Some((offset, (of, byte))) if of == segment => (offset, byte),
            _ => (segment, BLOCK_BYTES as u64),
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<u64, (u64, u64)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Cursor<'a> {
    segment: &'a Segment,
    bytes: SegmentBytes,
    offset: u64,
    at: u64,
}

impl Cursor<'_> {
    fn gather(&mut self, end: u64, limit: ReadLimit) -> Result<Vec<Logged>, LogError> {
        let (mut records, mut bytes) = (Vec::new(), 0_usize);
        while self.offset < end && (records.is_empty() || records.len() < limit.records_max) {
            let (offset, at) = (self.offset, self.at);
            let Some(frame) = self.record_or_end(!records.is_empty())? else { break };
            bytes = bytes.saturating_add(frame.raw.len() - FRAME_HEADER_BYTES);
            if !records.is_empty() && bytes > limit.bytes_max {
                (self.offset, self.at) = (offset, at);
                break;
            }
            let record = decode_record(frame.payload());
            let record = record.map_err(|_| self.damage(offset, at, "the record cannot be decoded"))?;
            records.push(Logged { offset: Offset(offset), record });
        }
        Ok(records)
    }

    fn next_record(&mut self) -> Result<Frame, LogError> {
        let (offset, at) = (self.offset, self.at);
        self.record_or_end(false)?.ok_or_else(|| self.damage(offset, at, "the segment ends too early"))
    }

    /// The next record, stepping over commits. The end of the segment is damage unless `may_end`, for the
    /// caller asks only for what is durable.
    fn record_or_end(&mut self, may_end: bool) -> Result<Option<Frame>, LogError> {
        loop {
            let found = self.bytes.frame(self.at);
            let frame = match found.map_err(|error| unreadable(self.segment, self.offset, self.at, &error))? {
                Found::Frame(frame) if frame.offset == self.offset => frame,
                Found::Frame(_) => return Err(self.damage(self.offset, self.at, "frame has another offset")),
                Found::End if may_end => return Ok(None),
                Found::End => return Err(self.damage(self.offset, self.at, "the segment ends too early")),
                Found::Invalid(what) => return Err(self.damage(self.offset, self.at, what)),
            };
            self.at = frame.next;
            if frame.kind == FrameKind::Record {
                self.offset += 1;
                return Ok(Some(frame));
            }
        }
    }

    fn damage(&self, offset: u64, at: u64, what: &str) -> LogError {
        damaged(offset, &self.segment.name, at, what)
    }
}
