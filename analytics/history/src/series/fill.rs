//! Whole months written straight into a directory with the writer that sealing uses, for measurements: row files, and
//! reading again what was written, would take hours for a year of ten thousand series.

use std::fs;
use std::path::{Path, PathBuf};

use nhip_ports::FileWork;
use nhip_proto::{Offset, Row};

use super::listing::{Listed, Listing};
use super::order::{Kept, Month, Span, day_of};
use super::store::SeriesError;
use super::write::write_file;

/// A directory that will be a series store.
#[derive(Debug)]
pub struct Filling {
    directory: PathBuf,
}

/// A month that is written and not listed yet.
#[derive(Debug)]
pub struct FilledMonth(Listed);

impl FilledMonth {
    /// Rows of it.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.rows
    }

    /// Bytes of its file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.bytes
    }
}

impl Filling {
    /// Creates the directory.
    ///
    /// # Errors
    /// [`SeriesError`] if the file system refuses.
    pub fn new(directory: &Path) -> Result<Self, SeriesError> {
        fs::create_dir_all(directory)?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// Writes one month; `number`, from 1, is its own. Its rows with their Ticks come in the order of a file (lineage,
    /// indicator, definition, area, group, period, window start, revision) and start in one UTC month; none: no file.
    ///
    /// # Errors
    /// [`SeriesError`] if they cannot be written.
    pub fn month(
        &self,
        number: u64,
        rows: impl Iterator<Item = (Offset, Row)>,
    ) -> Result<Option<FilledMonth>, SeriesError> {
        let mut rows = rows.map(|(tick, row)| Kept { tick, row }).peekable();
        let Some(first) = rows.peek() else { return Ok(None) };
        let span = Span::Month(Month::of_day(day_of(first.row.key.window_start)));
        let name = Listing { next: number, ..Listing::default() }.name(span);
        write_file(&self.directory, name, FileWork::SeriesMergeMonth, || Ok(rows.next()))
            .map(FilledMonth)
            .map(Some)
    }

    /// Makes a store of them; rows of Ticks from `covered` on are still to come.
    ///
    /// # Errors
    /// [`SeriesError`] if the list cannot be written.
    pub fn list(self, months: Vec<FilledMonth>, covered: Offset) -> Result<(), SeriesError> {
        let next = months.len() as u64 + 1;
        let files = months.into_iter().map(|month| month.0).collect();
        Listing { covered: covered.0, next, files, ..Listing::default() }
            .swap(&self.directory, FileWork::SeriesMergeMonth)
    }
}
