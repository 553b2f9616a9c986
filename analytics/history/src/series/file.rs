//! One sealed file: verified whole before its first use, then found its way in by which series stand where.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nhip_ports::SeriesKey;
use nhip_proto::{FigureKey, IndicatorId, Row};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::FileReader as _;
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};

use super::columns::{columns_of_a_row, schema};
use super::cursor::ColumnCursor;
use super::listing::Listed;
use super::order::{Kept, Span};
use super::positioned::Positioned;
use super::store::SeriesError;
use super::stretch::{Group, Stretch, may_hold, may_hold_indicator};
use super::write::FORMAT;

/// Rows read at a time where a file is read whole.
pub(super) const PIECE_ROWS: usize = 1_024;
/// So many rows nobody asked for are read with their neighbours: cheaper than to begin again behind them.
const GAP_ROWS_MAX: usize = 32;

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
    groups: Vec<Group>,
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
        let mut end = 0_usize;
        let groups = metadata.row_groups().iter().map(|group| {
            let first = end;
            end = first.saturating_add(group_rows(group));
            Group::new(first..end)
        });
        let opened = Self { groups: groups.collect(), file, metadata };
        // Before anything is read by a number the file itself says.
        if opened.rows() as u64 != rows {
            return Err(ParquetError::General("its number of rows differs from the manifest".to_owned()));
        }
        Ok(opened)
    }

    pub(super) fn rows(&self) -> usize {
        self.groups.last().map_or(0, |group| group.rows.end)
    }

    /// Where a series stands: one stretch per definition and row group.
    pub(super) fn stretches_of(&self, series: &SeriesKey) -> Result<Vec<&Stretch>, ParquetError> {
        let mut found = Vec::new();
        for (number, metadata) in self.metadata.row_groups().iter().enumerate() {
            if may_hold(metadata, series) {
                found.extend(self.stretches(number)?.iter().filter(|stretch| stretch.series == *series));
            }
        }
        Ok(found)
    }

    /// The series of an indicator, those of several definitions several times.
    pub(super) fn series_of(&self, indicator: &IndicatorId) -> Result<Vec<SeriesKey>, ParquetError> {
        let mut found = Vec::new();
        for (number, metadata) in self.metadata.row_groups().iter().enumerate() {
            if may_hold_indicator(metadata, indicator) {
                let of_it = self.stretches(number)?.iter().map(|stretch| &stretch.series);
                found.extend(of_it.filter(|series| series.indicator == *indicator).cloned());
            }
        }
        Ok(found)
    }

    fn stretches(&self, number: usize) -> Result<&[Stretch], ParquetError> {
        let Some(group) = self.groups.get(number) else { return Ok(&[]) };
        group.stretches(|column| {
            ColumnCursor::open(&self.file, &self.metadata, number, column)?.texts(group.rows.len())
        })
    }

    /// The numbers of a column every row has.
    pub(super) fn longs(&self, wanted: &Range<usize>, column: usize) -> Result<Vec<i64>, ParquetError> {
        let mut found = Vec::with_capacity(wanted.len());
        for (number, group) in self.groups.iter().enumerate() {
            let inside = wanted.start.max(group.rows.start)..wanted.end.min(group.rows.end);
            if inside.is_empty() {
                continue;
            }
            let mut cursor = ColumnCursor::open(&self.file, &self.metadata, number, column)?;
            cursor.skip(inside.start - group.rows.start)?;
            found.extend(cursor.longs(inside.len())?.into_iter().flatten());
        }
        if found.len() == wanted.len() {
            return Ok(found);
        }
        Err(ParquetError::General("a number is missing".to_owned()))
    }

    /// These columns of rows of a stretch; what all its rows share is set and need not be read.
    pub(super) fn read_rows_of(
        &self,
        stretch: &Stretch,
        at: &[usize],
        columns: &[usize],
    ) -> Result<Vec<Kept>, ParquetError> {
        let wanted = joined(at);
        let mut kept = self.read_into(shared_by(stretch), &wanted, columns)?.into_iter();
        let mut asked = at.iter().peekable();
        let mut rows = Vec::with_capacity(at.len());
        for (row, kept) in wanted.into_iter().flatten().zip(&mut kept) {
            if asked.next_if(|asked| **asked == row).is_some() {
                rows.push(kept);
            }
        }
        Ok(rows)
    }

    /// These rows, ascending, with these columns set.
    pub(super) fn read(&self, wanted: &[Range<usize>], columns: &[usize]) -> Result<Vec<Kept>, ParquetError> {
        self.read_into(Kept::blank(), wanted, columns)
    }

    fn read_into(
        &self,
        blank: Kept,
        wanted: &[Range<usize>],
        columns: &[usize],
    ) -> Result<Vec<Kept>, ParquetError> {
        let mut kept = vec![blank; wanted.iter().map(Range::len).sum()];
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

/// A row of a stretch with what all its rows share.
fn shared_by(stretch: &Stretch) -> Kept {
    let SeriesKey { indicator, area, group, period } = stretch.series.clone();
    let blank = Kept::blank();
    let window_start = blank.row.key.window_start;
    let key = FigureKey { indicator, area, group, period, window_start };
    let row = Row { key, lineage: stretch.lineage.clone(), definition: stretch.definition, ..blank.row };
    Kept { row, ..blank }
}

/// Ascending places as ranges, small gaps included.
fn joined(places: &[usize]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for at in places {
        match ranges.last_mut().filter(|range| at - range.end <= GAP_ROWS_MAX) {
            Some(range) => range.end = at + 1,
            None => ranges.push(*at..*at + 1),
        }
    }
    ranges
}
