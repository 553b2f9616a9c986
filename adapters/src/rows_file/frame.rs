//! One Tick's rows in bytes, and a file of them read frame by frame.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use bytes::Bytes;
use nhip_proto::{Offset, Row, decode_row, encode_row};

const MAGIC: [u8; 8] = *b"NhipRow\0";
const FORMAT: u32 = 1;
pub(super) const FILE_HEADER_BYTES: u64 = 16;
/// Length, number of rows, Tick, checksum of the payload, checksum of these fields.
const FRAME_HEADER_BYTES: usize = 24;
/// A Tick's rows are bounded by the figures of a profile; beyond this a length is rubbish.
const FRAME_BYTES_MAX: usize = 256 << 20;

pub(super) enum Step {
    Frame { tick: Offset, rows: Vec<Row> },
    End,
    Invalid { byte: u64 },
}

pub(super) fn file_header() -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend(FORMAT.to_le_bytes());
    header.extend(crc32c::crc32c(&header).to_le_bytes());
    header
}

/// The rows sorted by key and revision behind their header; whole or not at all by its two checksums.
pub(super) fn encoded(tick: Offset, rows: &[Row]) -> Vec<u8> {
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort_by(|left, right| (&left.key, left.revision).cmp(&(&right.key, right.revision)));
    let (mut payload, mut row_bytes) = (Vec::new(), Vec::new());
    for row in sorted {
        row_bytes.clear();
        encode_row(row, &mut row_bytes);
        payload.extend((row_bytes.len() as u32).to_le_bytes());
        payload.extend_from_slice(&row_bytes);
    }
    let mut frame = Vec::with_capacity(FRAME_HEADER_BYTES + payload.len());
    frame.extend((payload.len() as u32).to_le_bytes());
    frame.extend((rows.len() as u32).to_le_bytes());
    frame.extend(tick.0.to_le_bytes());
    frame.extend(crc32c::crc32c(&payload).to_le_bytes());
    frame.extend(crc32c::crc32c(&frame).to_le_bytes());
    frame.extend(payload);
    frame
}

struct Header {
    length: usize,
    count: usize,
    tick: u64,
    checksum: u32,
}

/// A walk through one file.
pub(super) struct Frames {
    file: io::BufReader<File>,
    at: u64,
    length: u64,
    /// Rows of earlier Ticks are checked but not decoded.
    from: u64,
}

impl Frames {
    pub(super) fn open(path: &Path, from: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut file = io::BufReader::with_capacity(256 << 10, file);
        let mut header = Vec::new();
        file.by_ref().take(FILE_HEADER_BYTES).read_to_end(&mut header)?;
        if header != file_header() {
            let what = format!("{}: not a row file of format {FORMAT}", path.display());
            return Err(io::Error::new(ErrorKind::InvalidData, what));
        }
        Ok(Self { file, at: FILE_HEADER_BYTES, length, from })
    }

    /// The byte behind the last whole frame.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    pub(super) fn next(&mut self) -> io::Result<Step> {
        let byte = self.at;
        if byte >= self.length {
            return Ok(Step::End);
        }
        let mut bytes = [0; FRAME_HEADER_BYTES];
        let Some(header) = self.filled(&mut bytes)?.then(|| read_header(&bytes)).flatten() else {
            return Ok(Step::Invalid { byte });
        };
        if header.length as u64 > self.length - byte {
            return Ok(Step::Invalid { byte });
        }
        let mut payload = vec![0; header.length];
        if !self.filled(&mut payload)? || crc32c::crc32c(&payload) != header.checksum {
            return Ok(Step::Invalid { byte });
        }
        let wanted = header.tick >= self.from;
        let rows = if wanted { decoded(Bytes::from(payload), header.count) } else { Some(Vec::new()) };
        let Some(rows) = rows else { return Ok(Step::Invalid { byte }) };
        self.at += (FRAME_HEADER_BYTES + header.length) as u64;
        Ok(Step::Frame { tick: Offset(header.tick), rows })
    }

    /// Whether a whole frame stands somewhere behind `byte`: then the one there was durable once.
    pub(super) fn later_frame(&mut self, byte: u64) -> io::Result<bool> {
        self.file.seek(SeekFrom::Start(byte + 1))?;
        let mut rest = Vec::new();
        self.file.read_to_end(&mut rest)?;
        Ok((0..rest.len()).any(|at| {
            let header = rest.get(at..at + FRAME_HEADER_BYTES).and_then(read_header);
            let payload = |header: &Header| {
                let start = at + FRAME_HEADER_BYTES;
                rest.get(start..start + header.length).map(crc32c::crc32c)
            };
            header.is_some_and(|header| payload(&header) == Some(header.checksum))
        }))
    }

    fn filled(&mut self, bytes: &mut [u8]) -> io::Result<bool> {
        match self.file.read_exact(bytes) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn read_header(bytes: &[u8]) -> Option<Header> {
    let (covered, stored) = bytes.split_last_chunk::<4>()?;
    let (length, rest) = covered.split_first_chunk::<4>()?;
    let (count, rest) = rest.split_first_chunk::<4>()?;
    let (tick, rest) = rest.split_first_chunk::<8>()?;
    let (checksum, _) = rest.split_first_chunk::<4>()?;
    let header = Header {
        length: u32::from_le_bytes(*length) as usize,
        count: u32::from_le_bytes(*count) as usize,
        tick: u64::from_le_bytes(*tick),
        checksum: u32::from_le_bytes(*checksum),
    };
    let right = crc32c::crc32c(covered).to_le_bytes() == *stored && header.length <= FRAME_BYTES_MAX;
    right.then_some(header)
}

fn decoded(mut payload: Bytes, count: usize) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    while !payload.is_empty() {
        let (length, _) = payload.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let row = payload
            .len()
            .checked_sub(4)
            .filter(|left| length <= *left)
            .map(|_| payload.slice(4..4 + length))?;
        rows.push(decode_row(row).ok()?);
        payload = payload.slice(4 + length..);
    }
    (rows.len() == count).then_some(rows)
}
