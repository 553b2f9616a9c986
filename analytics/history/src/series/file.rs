//! One sealed file: verified whole before its first use, then found its way in by which series stand where.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nhip_ports::SeriesKey;
use nhip_proto::Row;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::FileReader as _;
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};

use super::columns::{columns_of_a_row, place, schema};
use super::cursor::ColumnCursor;
use super::listing::Listed;
use super::order::{Kept, Span};
use super::positioned::Positioned;
use super::store::SeriesError;
use super::write::FORMAT;

/// Rows read at a time where a file is read whole.
pub(super) const PIECE_ROWS: usize = 1_024;

/// A file of the list.
pub(super) struct SeriesFile {
    pub(super) listed: Listed,
    pub(super) span: Span,
    path: PathBuf,
    opened: Mutex<Option<Arc<Opened>>>,
    pinned: AtomicBool,
}

/// A file whose checksum was right.
pub(super) struct Opened {
    file: Positioned,
    metadata: Arc<ParquetMetaData>,
    /// The series in it, in the order of the file.
    pub(super) series: Vec<Stretch>,
}

/// Where one series of one definition stands in a file.
pub(super) struct Stretch {
    pub(super) series: SeriesKey,
    pub(super) rows: Range<usize>,
}

impl SeriesFile {
    pub(super) fn new(directory: &Path, listed: Listed, span: Span) -> Self {
        Self {
            path: listed.path(directory),
            listed,
            span,
            opened: Mutex::new(None),
            pinned: AtomicBool::new(false),
        }
    }

    /// The file, verified before its first use.
    pub(super) fn open(&self) -> Result<Arc<Opened>, SeriesError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = &*opened {
            return Ok(Arc::clone(opened));
        }
        let found = Arc::new(Opened::verified(&self.path, &self.listed)?);
        *opened = Some(Arc::clone(&found));
        Ok(found)
    }

    /// It will leave the directory: whoever still asks it goes on with the file that is open.
    pub(super) fn pin(&self) -> Result<Arc<Opened>, SeriesError> {
        self.pinned.store(true, Ordering::Release);
        self.open()
    }

    /// Lets what is known of it go; it is verified again at its next use.
    pub(super) fn release(&self) {
        if self.pinned.load(Ordering::Acquire) {
            return;
        }
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Opened {
    /// Opens a file if it is what the list says.
    pub(super) fn verified(path: &Path, listed: &Listed) -> Result<Self, SeriesError> {
        let damaged = |what: &str| {
            metrics::counter!("nhip_rows_files_damaged_total").increment(1);
            SeriesError::Damaged(format!("{}: {what}", listed.name))
        };
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(damaged("it is missing")),
            opened => opened?,
        };
        if file.metadata()?.len() != listed.bytes {
            return Err(damaged("its size differs from the manifest"));
        }
        let mut hasher = blake3::Hasher::new();
        io::copy(&mut &file, &mut hasher)?;
        if hasher.finalize().to_hex().as_str() != listed.blake3 {
            return Err(damaged("its checksum differs from the manifest"));
        }
        let file = Positioned { file: Arc::new(file), length: listed.bytes };
        Self::of(file, listed.rows).map_err(|error| damaged(&error.to_string()))
    }

    fn of(file: Positioned, rows: u64) -> Result<Self, ParquetError> {
        let options = ReadOptionsBuilder::new().with_page_index().build();
        let reader = SerializedFileReader::new_with_options(file.clone(), options)?;
        let metadata = Arc::new(reader.metadata().clone());
        let about = metadata.file_metadata();
        let ours = about.key_value_metadata().into_iter().flatten();
        let ours =
            ours.filter(|pair| pair.key == FORMAT.0).any(|pair| pair.value.as_deref() == Some(FORMAT.1));
        if !ours || about.schema() != schema()?.as_ref() {
            return Err(ParquetError::General("not a file of rows of format 1".to_owned()));
        }
        let mut opened = Self { file, metadata, series: Vec::new() };
        // Before anything is read by a number the file itself says.
        if opened.rows() as u64 != rows {
            return Err(ParquetError::General("its number of rows differs from the manifest".to_owned()));
        }
        opened.series = opened.stretches()?;
        Ok(opened)
    }

    pub(super) fn rows(&self) -> usize {
        self.metadata.row_groups().iter().map(group_rows).fold(0, usize::saturating_add)
    }

    /// These rows, ascending, with these columns set.
    pub(super) fn read(&self, wanted: &[Range<usize>], columns: &[usize]) -> Result<Vec<Kept>, ParquetError> {
        let mut kept = vec![Kept::blank(); wanted.iter().map(Range::len).sum()];
        let (mut first, mut done) = (0, 0);
        for (group, metadata) in self.metadata.row_groups().iter().enumerate() {
            let end = first + group_rows(metadata);
            let inside: Vec<Range<usize>> = wanted
                .iter()
                .map(|range| range.start.max(first) - first..range.end.min(end).max(first) - first)
                .filter(|range| !range.is_empty())
                .collect();
            let count: usize = inside.iter().map(Range::len).sum();
            let Some(rows) = kept.get_mut(done..done + count).filter(|rows| !rows.is_empty()) else {
                first = end;
                continue;
            };
            for column in columns {
                self.read_column(group, *column, &inside, rows)?;
            }
            done += count;
            first = end;
        }
        Ok(kept)
    }

    /// These rows, whole.
    pub(super) fn read_rows(&self, wanted: &[Range<usize>]) -> Result<Vec<Kept>, ParquetError> {
        let all: Vec<usize> = columns_of_a_row().collect();
        self.read(wanted, &all)
    }

    fn read_column(
        &self,
        group: usize,
        column: usize,
        ranges: &[Range<usize>],
        mut rows: &mut [Kept],
    ) -> Result<(), ParquetError> {
        let mut cursor = ColumnCursor::open(&self.file, &self.metadata, group, column)?;
        let mut at = 0;
        for range in ranges {
            cursor.skip(range.start - at)?;
            let (now, rest) = rows.split_at_mut(range.len().min(rows.len()));
            cursor.read(now)?;
            rows = rest;
            at = range.end;
        }
        Ok(())
    }

    /// Where each series begins and ends.
    fn stretches(&self) -> Result<Vec<Stretch>, ParquetError> {
        let columns = [place::INDICATOR, place::DEFINITION, place::AREA, place::GROUP, place::PERIOD];
        let mut found: Vec<Stretch> = Vec::new();
        let mut before: Option<Row> = None;
        for start in (0..self.rows()).step_by(PIECE_ROWS * 8) {
            let piece = start..(start + PIECE_ROWS * 8).min(self.rows());
            for (at, kept) in (start..).zip(self.read(std::slice::from_ref(&piece), &columns)?) {
                let same = before.as_ref().is_some_and(|before| {
                    before.definition == kept.row.definition && before.key == kept.row.key
                });
                match found.last_mut().filter(|_| same) {
                    Some(stretch) => stretch.rows.end = at + 1,
                    None => {
                        found.push(Stretch { series: SeriesKey::of(&kept.row.key), rows: at..at + 1 });
                        before = Some(kept.row);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Reads the file whole, piece by piece.
    pub(super) fn pieces(self: &Arc<Self>) -> Pieces {
        Pieces { opened: Arc::clone(self), group: 0, left: 0, cursors: Vec::new() }
    }
}

/// A walk through all rows of a file.
pub(super) struct Pieces {
    opened: Arc<Opened>,
    /// The next row group.
    group: usize,
    /// Rows left of the one before.
    left: usize,
    cursors: Vec<ColumnCursor>,
}

impl Pieces {
    /// The next rows; empty at the end.
    pub(super) fn next_piece(&mut self) -> Result<Vec<Kept>, ParquetError> {
        if self.left == 0 {
            let Some(metadata) = self.opened.metadata.row_groups().get(self.group) else {
                return Ok(Vec::new());
            };
            self.left = group_rows(metadata);
            let open =
                |column| ColumnCursor::open(&self.opened.file, &self.opened.metadata, self.group, column);
            self.cursors = columns_of_a_row().map(open).collect::<Result<_, _>>()?;
            self.group += 1;
        }
        let mut rows = vec![Kept::blank(); self.left.min(PIECE_ROWS)];
        for cursor in &mut self.cursors {
            cursor.read(&mut rows)?;
        }
        self.left -= rows.len();
        Ok(rows)
    }
}

fn group_rows(metadata: &parquet::file::metadata::RowGroupMetaData) -> usize {
    usize::try_from(metadata.num_rows()).unwrap_or(0)
}
