//! One archive file: written in row groups of bounded size, read only after every byte of it was checked.

use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nhip_ports::FileWork;
use nhip_proto::Logged;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::statistics::Statistics;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

use super::ArchiveError;
use super::columns::{Columns, SCHEMA};
use super::listing::{ArchiveFile, hex};
use super::records::record_of;
use super::rows::{encoded, rows_of};
use crate::durable;

/// Records in a row group at most: what one read decodes.
const GROUP_RECORDS_MAX: u64 = 8_192;
/// Their encoded bytes at most; a record larger than that is a group of its own.
pub(super) const GROUP_BYTES_MAX: usize = 4 << 20;
/// A file is hashed in pieces of this size.
const PIECE_BYTES: usize = 1 << 20;

/// What a file holds, found while writing it and again while reading it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) first_at_ns: i64,
    pub(super) last_at_ns: i64,
    pub(super) records_blake3: String,
}

/// Counts and digests records in order.
struct Tally {
    first: u64,
    next: u64,
    at_ns: Option<(i64, i64)>,
    digest: blake3::Hasher,
}

impl Tally {
    fn new(first: u64) -> Self {
        Self { first, next: first, at_ns: None, digest: blake3::Hasher::new() }
    }

    fn note(&mut self, logged: &Logged, bytes: &[u8]) {
        self.next = logged.offset.0 + 1;
        let at = logged.record.at().0;
        self.at_ns = Some((self.at_ns.map_or(at, |(first, _)| first), at));
        self.digest.update(&(bytes.len() as u32).to_le_bytes());
        self.digest.update(bytes);
    }

    fn contents(&self) -> Contents {
        let (first_at_ns, last_at_ns) = self.at_ns.unwrap_or_default();
        let records_blake3 = self.digest.finalize().to_hex().to_string();
        Contents { first: self.first, end: self.next, first_at_ns, last_at_ns, records_blake3 }
    }
}

/// A file being written.
pub(super) struct Writing {
    path: PathBuf,
    work: FileWork,
    writer: SerializedFileWriter<BufWriter<File>>,
    columns: Columns,
    group_records: u64,
    group_bytes: usize,
    tally: Tally,
}

impl Writing {
    pub(super) fn create(path: &Path, first: u64, work: FileWork) -> Result<Self, ArchiveError> {
        let file = durable::create(path, work).map_err(|error| ArchiveError::io(path, error))?;
        let file = BufWriter::new(file);
        let writer = parse_message_type(SCHEMA)
            .and_then(|schema| SerializedFileWriter::new(file, Arc::new(schema), properties()));
        let writer = writer.map_err(|error| written(path, error))?;
        let (columns, tally) = (Columns::default(), Tally::new(first));
        Ok(Self { path: path.to_owned(), work, writer, columns, group_records: 0, group_bytes: 0, tally })
    }

    pub(super) fn next(&self) -> u64 {
        self.tally.next
    }

    pub(super) fn push(&mut self, logged: &Logged) -> Result<(), ArchiveError> {
        let bytes = encoded(&logged.record);
        let full =
            self.group_bytes + bytes.len() > GROUP_BYTES_MAX || self.group_records >= GROUP_RECORDS_MAX;
        if full && self.group_records > 0 {
            self.end_group()?;
        }
        rows_of(logged, &mut |row| self.columns.push(row));
        self.tally.note(logged, &bytes);
        self.group_records += 1;
        self.group_bytes += bytes.len();
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), ArchiveError> {
        let columns = std::mem::take(&mut self.columns);
        (self.group_records, self.group_bytes) = (0, 0);
        write_group(&mut self.writer, &columns).map_err(|error| written(&self.path, error))
    }

    /// Everything is on the disk when this returns.
    pub(super) fn finish(mut self) -> Result<Contents, ArchiveError> {
        if self.group_records > 0 {
            self.end_group()?;
        }
        let mut file = self.writer.into_inner().map_err(|error| written(&self.path, error))?;
        file.flush()
            .and_then(|()| durable::sync(file.get_ref(), self.work))
            .map_err(|error| ArchiveError::io(&self.path, error))?;
        Ok(self.tally.contents())
    }
}

fn write_group(
    writer: &mut SerializedFileWriter<BufWriter<File>>,
    columns: &Columns,
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    columns.write(&mut group)?;
    group.close().map(drop)
}

/// A file whose bytes were all found to be what the manifest says.
pub(super) struct Checked {
    name: String,
    reader: SerializedFileReader<File>,
    /// The first offset of each row group.
    starts: Vec<u64>,
    end: u64,
}

impl Checked {
    /// The same open file is hashed and read: what is put in its place in between is never seen.
    pub(super) fn open(path: &Path, listed: &ArchiveFile) -> Result<Self, ArchiveError> {
        let mut file = File::open(path).map_err(|error| ArchiveError::io(path, error))?;
        let (bytes, digest) = hashed(&mut file).map_err(|error| ArchiveError::io(path, error))?;
        if bytes != listed.bytes {
            let what = format!("{bytes} bytes long, {} were written", listed.bytes);
            return Err(ArchiveError::damaged(&listed.name, what));
        }
        if digest != listed.blake3 {
            return Err(ArchiveError::damaged(&listed.name, "its checksum differs"));
        }
        let reader = SerializedFileReader::new(file).map_err(|error| ArchiveError::parquet(path, &error))?;
        let groups = reader.metadata().row_groups().iter();
        let starts =
            groups.map(|group| first_offset(group.column(0).statistics()?)).collect::<Option<Vec<_>>>();
        let starts = starts.filter(|starts| starts.first() == Some(&listed.first));
        let starts =
            starts.ok_or_else(|| ArchiveError::damaged(&listed.name, "its row groups have no offsets"))?;
        Ok(Self { name: listed.name.clone(), reader, starts, end: listed.end })
    }

    /// The row group an offset stands in.
    pub(super) fn group_of(&self, offset: u64) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// All records of a row group.
    pub(super) fn group(&self, index: usize) -> Result<Vec<Logged>, ArchiveError> {
        let wrong = |what: &str| ArchiveError::damaged(&self.name, format!("row group {index}: {what}"));
        let columns = self.reader.get_row_group(index).and_then(|group| Columns::read(group.as_ref()));
        let columns = columns.map_err(|error| wrong(&error.to_string()))?;
        let (mut records, mut rows) = (Vec::new(), Vec::new());
        for row in columns.into_rows() {
            if row.place == Some(0) && !rows.is_empty() {
                records.push(record_of(std::mem::take(&mut rows)));
            }
            rows.push(row);
        }
        if !rows.is_empty() {
            records.push(record_of(rows));
        }
        let records =
            records.into_iter().collect::<Option<Vec<_>>>().ok_or_else(|| wrong("rows are no record"))?;
        let start = self.starts.get(index).copied().unwrap_or(self.end);
        let end = self.starts.get(index + 1).copied().unwrap_or(self.end);
        if records.len() as u64 != end - start
            || records.iter().zip(start..).any(|(one, at)| one.offset.0 != at)
        {
            return Err(wrong("offsets have gaps"));
        }
        Ok(records)
    }

    /// Reads all of it and says what it holds.
    pub(super) fn contents(&self) -> Result<Contents, ArchiveError> {
        let mut tally = Tally::new(self.starts.first().copied().unwrap_or(self.end));
        for index in 0..self.starts.len() {
            self.group(index)?.iter().for_each(|logged| tally.note(logged, &encoded(&logged.record)));
        }
        Ok(tally.contents())
    }

    /// Hands out every record in order.
    pub(super) fn each(
        &self,
        take: &mut dyn FnMut(&Logged) -> Result<(), ArchiveError>,
    ) -> Result<(), ArchiveError> {
        (0..self.starts.len()).try_for_each(|index| self.group(index)?.iter().try_for_each(&mut *take))
    }
}

/// Length and digest of a file, read in pieces.
pub(super) fn hashed(file: &mut File) -> std::io::Result<(u64, String)> {
    let (mut hasher, mut piece, mut bytes) = (blake3::Hasher::new(), vec![0; PIECE_BYTES], 0);
    file.rewind()?;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok((bytes, hex(hasher.finalize().as_bytes())));
        }
        hasher.update(piece.get(..read).unwrap_or_default());
        bytes += read as u64;
    }
}

fn first_offset(statistics: &Statistics) -> Option<u64> {
    match statistics {
        Statistics::Int64(offsets) => offsets.min_opt().map(|offset| offset.cast_unsigned()),
        _ => None,
    }
}

/// A full disk shows itself through the Parquet writer too.
fn written(path: &Path, error: ParquetError) -> ArchiveError {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(error) => ArchiveError::io(path, *error),
            Err(other) => ArchiveError::io(path, std::io::Error::other(other)),
        },
        other => ArchiveError::io(path, std::io::Error::other(other)),
    }
}

fn properties() -> WriterPropertiesPtr {
    let column = |name: &str| ColumnPath::from(name);
    let mut properties = WriterProperties::builder()
        .set_created_by("nhip archive 1".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    for name in ["offset", "at", "event_time", "sequence"] {
        properties = properties
            .set_column_dictionary_enabled(column(name), false)
            .set_column_encoding(column(name), Encoding::DELTA_BINARY_PACKED);
    }
    // Random or sealed bytes: neither a dictionary nor a least and greatest says anything of them.
    for name in ["identity", "sealed_nonce", "sealed_hash", "sealed", "rest"] {
        properties = properties
            .set_column_dictionary_enabled(column(name), false)
            .set_column_statistics_enabled(column(name), EnabledStatistics::None);
    }
    for name in ["identity", "sealed_nonce", "sealed_hash", "sealed"] {
        properties = properties.set_column_compression(column(name), Compression::UNCOMPRESSED);
    }
    Arc::new(properties.build())
}
