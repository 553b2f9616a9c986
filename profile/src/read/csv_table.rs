//! One CSV file: a header line, one row per line, `#` for comments; every cell knows its place.

use jiff::civil::Date;
use nhip_proto::Span;

use super::section::parse_date;
use super::{At, FileText, Findings};
use crate::parse_span;

/// A table with its columns.
pub(crate) struct CsvTable<'a> {
    rows: Vec<CsvRow<'a>>,
}

/// One row: cells by column name.
pub(crate) struct CsvRow<'a> {
    file: FileText<'a>,
    kind: &'static str,
    start: usize,
    cells: Vec<(String, usize, String)>,
    found: &'a Findings,
}

impl<'a> CsvTable<'a> {
    /// Reads the file. `kind` stands before the column in keys: `area.code`.
    pub(crate) fn read(
        file: FileText<'a>,
        kind: &'static str,
        required: &[&'static str],
        optional: &[&'static str],
        found: &'a Findings,
    ) -> Self {
        let mut header: Option<Vec<(usize, String)>> = None;
        let mut rows = Vec::new();
        for (start, cells) in lines_of(file, kind, found) {
            let at = At { file, offset: start };
            match &header {
                None => {
                    check_header(at, kind, &cells, required, optional, found);
                    header = Some(cells);
                }
                Some(header) if cells.len() != header.len() => {
                    let reason = format!("has {} cells", cells.len());
                    found.add(at, kind, reason, format!("{} cells as in the header", header.len()));
                }
                Some(header) => rows.push(CsvRow::new(file, kind, start, header, cells, found)),
            }
        }
        if header.is_none() {
            found.add_whole(file.path, kind, "has no header line", required.join(","));
        }
        Self { rows }
    }

    /// The rows in file order.
    pub(crate) fn into_rows(self) -> Vec<CsvRow<'a>> {
        self.rows
    }
}

impl<'a> CsvRow<'a> {
    fn new(
        file: FileText<'a>,
        kind: &'static str,
        start: usize,
        header: &[(usize, String)],
        cells: Vec<(usize, String)>,
        found: &'a Findings,
    ) -> Self {
        let named = header.iter().zip(cells).map(|((_, name), (at, cell))| (name.clone(), start + at, cell));
        Self { file, kind, start, cells: named.collect(), found }
    }

    /// Where a cell stands.
    pub(crate) fn at(&self, column: &str) -> At<'a> {
        let cell = self.cells.iter().find(|(name, _, _)| name == column);
        At { file: self.file, offset: cell.map_or(self.start, |(_, at, _)| *at) }
    }

    /// A cell that may be empty or absent.
    pub(crate) fn optional(&self, column: &str) -> Option<&str> {
        let cell = self.cells.iter().find(|(name, _, _)| name == column)?;
        Some(cell.2.as_str()).filter(|text| !text.is_empty())
    }

    /// A cell that must not be empty.
    pub(crate) fn text(&self, column: &str) -> Option<&str> {
        let cell = self.optional(column);
        // A missing column is told once, at the header.
        if cell.is_none() && self.cells.iter().any(|(name, _, _)| name == column) {
            self.mistake(column, "is empty", "a text");
        }
        cell
    }

    /// A whole number that may be empty.
    pub(crate) fn whole(&self, column: &str) -> Option<u64> {
        let text = self.optional(column)?;
        let number = text.parse().ok();
        if number.is_none() {
            self.mistake(column, format!("\"{text}\" is no whole number"), "0, 1, 2 …");
        }
        number
    }

    /// A civil date that may be empty.
    pub(crate) fn date(&self, column: &str) -> Option<Date> {
        let text = self.optional(column)?;
        let date = parse_date(text);
        if date.is_none() {
            self.mistake(column, format!("\"{text}\" is no civil date"), "2026-01-01");
        }
        date
    }

    /// A span that may be empty.
    pub(crate) fn span(&self, column: &str) -> Option<Span> {
        let text = self.optional(column)?;
        let span = parse_span(text).filter(|span| *span > 0);
        if span.is_none() {
            self.mistake(column, format!("\"{text}\" is no span"), "60s, 5m, 1h, 7d …");
        }
        span
    }

    /// Notes a mistake at a cell.
    pub(crate) fn mistake(&self, column: &str, reason: impl Into<String>, allowed: impl Into<String>) {
        self.found.add(self.at(column), &format!("{}.{column}", self.kind), reason, allowed);
    }

    /// Notes that a cell names nothing that is known.
    pub(crate) fn unknown<'w>(
        &self,
        column: &str,
        what: &str,
        word: &str,
        known: impl IntoIterator<Item = &'w str>,
    ) {
        self.found.add_unknown(self.at(column), &format!("{}.{column}", self.kind), what, word, known);
    }
}

fn check_header(
    line: At<'_>,
    kind: &str,
    header: &[(usize, String)],
    required: &[&'static str],
    optional: &[&'static str],
    found: &Findings,
) {
    for (at, name) in header {
        let at = At { offset: line.offset + at, ..line };
        let key = format!("{kind}.{name}");
        if !required.contains(&name.as_str()) && !optional.contains(&name.as_str()) {
            found.add_unknown(at, &key, "column", name, required.iter().chain(optional).copied());
        } else if header.iter().filter(|(_, other)| other == name).count() > 1 {
            found.add(at, &key, "stands twice in the header", "each column once");
        }
    }
    for column in required {
        if !header.iter().any(|(_, name)| name == column) {
            found.add(line, &format!("{kind}.{column}"), "is missing in the header", required.join(","));
        }
    }
}

/// Every line that is no comment: the byte it begins at, and its cells with theirs.
fn lines_of(file: FileText<'_>, kind: &str, found: &Findings) -> Vec<(usize, Vec<(usize, String)>)> {
    let mut closed: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut body = String::with_capacity(file.text.len());
    let mut start = 0;
    let not_a_line = |start| {
        let allowed = "cells between commas, quotes closed";
        found.add(At { file, offset: start }, kind, "is no CSV line", allowed);
    };
    for line in file.text.split_inclusive('\n') {
        // Spreadsheets begin a file with a byte order mark.
        let text = line.trim_end_matches(['\n', '\r']).trim_start_matches('\u{feff}');
        if !text.trim().is_empty() && !text.starts_with('#') {
            match cell_starts(text) {
                Some(starts) => {
                    closed.push((start, starts));
                    body.push_str(text);
                    body.push('\n');
                }
                None => not_a_line(start),
            }
        }
        start += line.len();
    }
    // Each line has its quotes closed, so each is one record.
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(body.as_bytes());
    let mut lines = Vec::with_capacity(closed.len());
    for ((start, starts), record) in closed.into_iter().zip(reader.records()) {
        match record {
            Ok(record) if record.len() == starts.len() => {
                lines.push((start, starts.into_iter().zip(record.iter().map(str::to_owned)).collect()));
            }
            _ => not_a_line(start),
        }
    }
    lines
}

/// Where the cells of a line begin; none if a quote stays open.
fn cell_starts(line: &str) -> Option<Vec<usize>> {
    let mut starts = vec![0];
    let mut quoted = false;
    for (at, sign) in line.char_indices() {
        match sign {
            '"' => quoted = !quoted,
            ',' if !quoted => starts.push(at + 1),
            _ => {}
        }
    }
    (!quoted).then_some(starts)
}
