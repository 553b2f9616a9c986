//! Gzipped tables: finds them, reads them line by line, names the line that is wrong.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use crate::DemoError;

/// The files of a directory with this start and `.csv.gz`, by name; none if the directory is not there.
pub(super) fn find(directory: &Path, start: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let fits = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(start) && name.ends_with(".csv.gz")
    };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(fits).collect();
    files.sort();
    files
}

/// One line by column names.
pub(super) struct Line<'a> {
    file: &'a str,
    columns: &'a HashMap<String, usize>,
    record: csv::StringRecord,
}

/// Calls `take` with every line of a table.
pub(super) fn lines(
    path: &Path,
    mut take: impl FnMut(&Line<'_>) -> Result<(), DemoError>,
) -> Result<(), DemoError> {
    let file = File::open(path).map_err(|error| DemoError::File(path.to_owned(), error.to_string()))?;
    let mut reader = csv::Reader::from_reader(GzDecoder::new(file));
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let broken = |line, what| DemoError::Recording { file: name.clone(), line, what };
    let headers = reader.headers().map_err(|_| broken(1, "has no header"))?;
    let columns = headers.iter().enumerate().map(|(at, name)| (name.to_owned(), at)).collect();
    let mut record = csv::StringRecord::new();
    let mut number = 1;
    loop {
        number += 1;
        match reader.read_record(&mut record) {
            Ok(true) => take(&Line { file: &name, columns: &columns, record: record.clone() })?,
            Ok(false) => return Ok(()),
            Err(_) => return Err(broken(number, "is not a line of the table")),
        }
    }
}

impl Line<'_> {
    /// The names of all columns with their texts, in table order.
    pub(super) fn entries(&self) -> Vec<(&str, &str)> {
        let mut columns: Vec<_> = self.columns.iter().collect();
        columns.sort_by_key(|(_, at)| **at);
        columns.into_iter().map(|(name, at)| (name.as_str(), self.record.get(*at).unwrap_or(""))).collect()
    }

    /// The text of a column, empty if there is none.
    pub(super) fn text(&self, column: &str) -> &str {
        self.columns.get(column).and_then(|at| self.record.get(*at)).unwrap_or("").trim()
    }

    /// The whole number of a column.
    pub(super) fn whole(&self, column: &str) -> Result<i64, DemoError> {
        self.text(column).parse().map_err(|_| self.wrong("a column is no whole number"))
    }

    /// What is wrong with this line.
    pub(super) fn wrong(&self, what: &'static str) -> DemoError {
        let line = self.record.position().map_or(0, csv::Position::line);
        DemoError::Recording { file: self.file.to_owned(), line, what }
    }
}
