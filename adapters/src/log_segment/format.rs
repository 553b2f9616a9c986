//! Format 1 in bytes: identity block, segment header, frame, commit, mark. Tables: docs/log-format.md.

use nhip_proto::Origin;

pub(super) const FORMAT: u32 = 1;
/// Identity block and segment header; the first frame of a segment stands behind it.
pub(super) const BLOCK_BYTES: usize = 512;
pub(super) const FRAME_HEADER_BYTES: usize = 24;
pub(super) const COMMIT_BYTES: usize = 44;
/// A commit with its frame header.
pub(super) const COMMIT_FRAME_BYTES: usize = FRAME_HEADER_BYTES + COMMIT_BYTES;
pub(super) const NODE_BYTES_MAX: usize = 64;
/// A sector on any disk in use, so that a torn write of one slot leaves the other whole.
pub(super) const MARK_SLOT_BYTES: usize = 4096;

const IDENTITY_MAGIC: [u8; 8] = *b"NhipLog\0";
const SEGMENT_MAGIC: [u8; 8] = *b"NhipSeg\0";
const MARK_MAGIC: [u8; 8] = *b"NhipMrk\0";
const CHECKSUM_BYTES: usize = 4;

/// The chain after some group: BLAKE3 over everything before it.
pub(super) type Chain = [u8; 32];

/// Whose log it is; fixed when the log is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogIdentity {
    /// The installation, random at its birth.
    pub installation: [u8; 16],
    /// The node's name, at most 64 bytes.
    pub node: String,
    /// Machine, simulated or replayed.
    pub origin: Origin,
}

impl LogIdentity {
    /// The chain before the first record: it depends on whose log it is.
    #[must_use]
    pub fn chain_before_all(&self) -> [u8; 32] {
        genesis(self)
    }
}

/// What the first block of a segment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) identity: LogIdentity,
    pub(super) first: u64,
    pub(super) file_bytes: u64,
    pub(super) chain: Chain,
}

/// Why a block cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockFault {
    Magic,
    Version(u32),
    Checksum,
    Content,
}

impl BlockFault {
    pub(super) fn text(self) -> String {
        match self {
            Self::Magic => "not a file of this kind".to_owned(),
            Self::Version(found) => format!("format {found}, this version reads format {FORMAT}"),
            Self::Checksum => "checksum of the header is wrong".to_owned(),
            Self::Content => "header holds a value this version does not know".to_owned(),
        }
    }
}

/// How far the log was surely durable when the mark was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) sequence: u64,
    pub(super) durable: u64,
    pub(super) segment: u64,
    pub(super) byte: u64,
    pub(super) chain: Chain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    Record,
    Commit,
}

impl FrameKind {
    fn code(self) -> u8 {
        match self {
            Self::Record => 1,
            Self::Commit => 2,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) length: u32,
    pub(super) kind: FrameKind,
    pub(super) offset: u64,
    pub(super) payload_checksum: u32,
}

/// The end of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) count: u32,
    pub(super) group_bytes: u64,
    pub(super) chain: Chain,
}

pub(super) fn identity_block(identity: &LogIdentity) -> Vec<u8> {
    sealed(identity_fields(IDENTITY_MAGIC, identity), BLOCK_BYTES)
}

pub(super) fn read_identity_block(block: &[u8]) -> Result<LogIdentity, BlockFault> {
    let mut fields = opened(block, IDENTITY_MAGIC, BLOCK_BYTES)?;
    fields.identity().ok_or(BlockFault::Content)
}

pub(super) fn segment_block(header: &SegmentHeader) -> Vec<u8> {
    let mut block = identity_fields(SEGMENT_MAGIC, &header.identity);
    block.extend(header.first.to_le_bytes());
    block.extend(header.file_bytes.to_le_bytes());
    block.extend(header.chain);
    sealed(block, BLOCK_BYTES)
}

pub(super) fn read_segment_block(block: &[u8]) -> Result<SegmentHeader, BlockFault> {
    let mut fields = opened(block, SEGMENT_MAGIC, BLOCK_BYTES)?;
    let mut read = || {
        Some(SegmentHeader {
            identity: fields.identity()?,
            first: u64::from_le_bytes(fields.take()?),
            file_bytes: u64::from_le_bytes(fields.take()?),
            chain: fields.take()?,
        })
    };
    read().ok_or(BlockFault::Content)
}

/// Frames of a segment continue this checksum, so that no frame of another segment is ever taken for one.
pub(super) fn frame_seed(block: &[u8]) -> u32 {
    crc32c::crc32c(block)
}

pub(super) fn mark_slot(installation: [u8; 16], mark: &Mark) -> Vec<u8> {
    let mut slot = MARK_MAGIC.to_vec();
    slot.extend(FORMAT.to_le_bytes());
    slot.extend(installation);
    slot.extend(mark.sequence.to_le_bytes());
    slot.extend(mark.durable.to_le_bytes());
    slot.extend(mark.segment.to_le_bytes());
    slot.extend(mark.byte.to_le_bytes());
    slot.extend(mark.chain);
    sealed(slot, MARK_SLOT_BYTES)
}

pub(super) fn read_mark_slot(installation: [u8; 16], slot: &[u8]) -> Result<Mark, BlockFault> {
    let mut fields = opened(slot, MARK_MAGIC, MARK_SLOT_BYTES)?;
    let mut read = || {
        let owner: [u8; 16] = fields.take()?;
        let mark = Mark {
            sequence: u64::from_le_bytes(fields.take()?),
            durable: u64::from_le_bytes(fields.take()?),
            segment: u64::from_le_bytes(fields.take()?),
            byte: u64::from_le_bytes(fields.take()?),
            chain: fields.take()?,
        };
        (owner == installation).then_some(mark)
    };
    read().ok_or(BlockFault::Content)
}

pub(super) fn put_record(out: &mut Vec<u8>, seed: u32, offset: u64, payload: &[u8], payload_checksum: u32) {
    let length = payload.len() as u32;
    put_header(out, seed, FrameHeader { length, kind: FrameKind::Record, offset, payload_checksum });
    out.extend_from_slice(payload);
}

pub(super) fn put_commit(out: &mut Vec<u8>, seed: u32, next: u64, commit: &Commit) {
    let mut payload = Vec::with_capacity(COMMIT_BYTES);
    payload.extend(commit.count.to_le_bytes());
    payload.extend(commit.group_bytes.to_le_bytes());
    payload.extend(commit.chain);
    let header = FrameHeader {
        length: COMMIT_BYTES as u32,
        kind: FrameKind::Commit,
        offset: next,
        payload_checksum: crc32c::crc32c(&payload),
    };
    put_header(out, seed, header);
    out.extend(payload);
}

pub(super) fn read_commit(payload: &[u8]) -> Option<Commit> {
    let mut fields = Fields(payload);
    let commit = Commit {
        count: u32::from_le_bytes(fields.take()?),
        group_bytes: u64::from_le_bytes(fields.take()?),
        chain: fields.take()?,
    };
    fields.0.is_empty().then_some(commit)
}

/// None: the header's own checksum is wrong, or the kind is unknown; then no field of it can be trusted.
pub(super) fn read_frame_header(seed: u32, bytes: &[u8]) -> Option<FrameHeader> {
    let covered = bytes.get(..FRAME_HEADER_BYTES - CHECKSUM_BYTES)?;
    let mut fields = Fields(bytes);
    let length = u32::from_le_bytes(fields.take()?);
    let [kind] = fields.take()?;
    let _reserved: [u8; 3] = fields.take()?;
    let offset = u64::from_le_bytes(fields.take()?);
    let payload_checksum = u32::from_le_bytes(fields.take()?);
    let checksum = u32::from_le_bytes(fields.take()?);
    let kind = match kind {
        1 => FrameKind::Record,
        2 => FrameKind::Commit,
        _ => return None,
    };
    let right = crc32c::crc32c_append(seed, covered) == checksum;
    right.then_some(FrameHeader { length, kind, offset, payload_checksum })
}

/// The chain after a group of frames.
pub(super) fn chained(previous: &Chain, frames: &[u8]) -> Chain {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous);
    hasher.update(frames);
    *hasher.finalize().as_bytes()
}

/// The chain before the first group: it depends on whose log it is.
pub(super) fn genesis(identity: &LogIdentity) -> Chain {
    *blake3::hash(&identity_block(identity)).as_bytes()
}

fn put_header(out: &mut Vec<u8>, seed: u32, header: FrameHeader) {
    let mut bytes = [0_u8; FRAME_HEADER_BYTES];
    let (covered, checksum) = bytes.split_at_mut(FRAME_HEADER_BYTES - CHECKSUM_BYTES);
    let (length, rest) = covered.split_at_mut(4);
    let (kind, rest) = rest.split_at_mut(4);
    let (offset, payload_checksum) = rest.split_at_mut(8);
    length.copy_from_slice(&header.length.to_le_bytes());
    kind.copy_from_slice(&[header.kind.code(), 0, 0, 0]);
    offset.copy_from_slice(&header.offset.to_le_bytes());
    payload_checksum.copy_from_slice(&header.payload_checksum.to_le_bytes());
    checksum.copy_from_slice(&crc32c::crc32c_append(seed, covered).to_le_bytes());
    out.extend_from_slice(&bytes);
}

fn identity_fields(magic: [u8; 8], identity: &LogIdentity) -> Vec<u8> {
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    block.extend(magic);
    block.extend(FORMAT.to_le_bytes());
    block.extend(identity.installation);
    block.push(identity.origin.code() as u8);
    block.push(identity.node.len() as u8);
    block.extend([0; 2]);
    let node_at = block.len();
    block.extend(identity.node.bytes());
    block.resize(node_at + NODE_BYTES_MAX, 0);
    block
}

fn sealed(mut block: Vec<u8>, bytes: usize) -> Vec<u8> {
    block.resize(bytes - CHECKSUM_BYTES, 0);
    block.extend(crc32c::crc32c(&block).to_le_bytes());
    block
}

fn opened(block: &[u8], magic: [u8; 8], bytes: usize) -> Result<Fields<'_>, BlockFault> {
    let mut fields = Fields(block);
    if fields.take() != Some(magic) {
        return Err(BlockFault::Magic);
    }
    let version = fields.take().map(u32::from_le_bytes).ok_or(BlockFault::Magic)?;
    let covered = block.get(..bytes - CHECKSUM_BYTES).ok_or(BlockFault::Checksum)?;
    let checksum = block.get(bytes - CHECKSUM_BYTES..bytes).ok_or(BlockFault::Checksum)?;
    if crc32c::crc32c(covered).to_le_bytes() != checksum {
        return Err(BlockFault::Checksum);
    }
    if version == FORMAT { Ok(fields) } else { Err(BlockFault::Version(version)) }
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn identity(&mut self) -> Option<LogIdentity> {
        let installation = self.take()?;
        let [origin, length, _, _] = self.take()?;
        let node: [u8; NODE_BYTES_MAX] = self.take()?;
        Some(LogIdentity {
            installation,
            node: std::str::from_utf8(node.get(..usize::from(length))?).ok()?.to_owned(),
            origin: Origin::from_code(u32::from(origin))?,
        })
    }
}
