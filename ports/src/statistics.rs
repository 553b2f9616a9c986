//! Statistics written by people: whole documents, judged before anything is written, then written whole or not at all.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use nhip_proto::{AreaCode, ArrivalTime, Entry, EventTime, Offset, SourceId, StreamId};
use thiserror::Error;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// Text with delimiters (RFC 4180): a file, or cells pasted from a sheet.
    Delimited,
    /// An XLSX workbook (ECMA-376).
    Workbook,
}

/// A document of figures of one source.
#[derive(Clone, Debug)]
pub struct ImportOrder {
    /// Who answers for it.
    pub author: String,
    /// The stream its columns belong to.
    pub stream: StreamId,
    /// Whose figures they are.
    pub source: SourceId,
    /// What it is.
    pub kind: DocumentKind,
    /// Its bytes.
    pub document: Bytes,
    /// The delimiter of a text; none: the one its first line has most of.
    pub delimiter: Option<u8>,
    /// Whether a comma stands before the decimals of a text (a workbook keeps numbers as numbers).
    pub decimal_comma: bool,
    /// The sheet of a workbook; none: its first visible one.
    pub sheet: Option<String>,
}

/// What can be wrong with a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MistakeKind {
    /// A heading that names no column of the stream.
    UnknownColumn,
    /// Two headings of one name.
    RepeatedColumn,
    /// A column that must be there is not.
    ColumnMissing,
    /// A cell beside the table.
    CellBesideTable,
    /// A number is wanted.
    NotANumber,
    /// Text that looks like a number.
    NumberAsText,
    /// A number a spreadsheet does not keep exactly.
    NotExact,
    /// More digits than a value may have.
    TooManyDigits,
    /// A number shown as a percentage is kept as a hundredth of what is seen.
    ShownAsPercent,
    /// A date where none is wanted.
    DateInCell,
    /// Outside the plausible range of the quantity.
    OutOfRange,
    /// A unit nobody knows.
    UnknownUnit,
    /// A unit that does not convert into the quantity's.
    OtherUnit,
    /// A word the stream does not list.
    UnknownWord,
    /// No period, or one that cannot be read.
    PeriodInvalid,
    /// A period that lies in the future.
    PeriodAhead,
    /// A cell that must be filled is blank.
    Blank,
    /// A row without any figure.
    NoFigure,
    /// The same figure stands in this document already.
    Duplicate,
    /// Part of a merged area.
    Merged,
    /// A formula: its result may be old.
    Formula,
    /// An error value of the sheet.
    ErrorValue,
    /// A hidden row.
    HiddenRow,
    /// A hidden column.
    HiddenColumn,
}

/// One thing to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellMistake {
    /// The row, counted from 1.
    pub row: u32,
    /// The column, counted from 1; 0: the row as a whole.
    pub column: u32,
    /// The heading of that column, or empty.
    pub heading: Arc<str>,
    /// What is wrong.
    pub kind: MistakeKind,
    /// What stands there, cut.
    pub found: Box<str>,
    /// What may stand there, in the field's words; or empty.
    pub allowed: Arc<str>,
    /// The valid word nearest to what stands there; or empty.
    pub nearest: Arc<str>,
}

impl CellMistake {
    /// Its address as spreadsheets write it: `B7`; of a whole row its number.
    #[must_use]
    pub fn address(&self) -> String {
        cell_address(self.row, self.column)
    }
}

/// The address of a cell, rows and columns counted from 1; column 0: the row as a whole.
#[must_use]
pub fn cell_address(row: u32, column: u32) -> String {
    let (mut letters, mut column) = (Vec::new(), column);
    while column > 0 {
        column -= 1;
        letters.push(b'A' + u8::try_from(column % 26).unwrap_or(0));
        column /= 26;
    }
    let letters: String = letters.iter().rev().map(|letter| char::from(*letter)).collect();
    format!("{letters}{row}")
}

/// A figure that stands otherwise already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureChange {
    /// Where it stands in the document.
    pub row: u32,
    /// Its column.
    pub column: u32,
    /// The quantity.
    pub name: String,
    /// Its period as the document says it.
    pub period: String,
    /// What people wrote before, in the unit of the quantity.
    pub old: nhip_proto::Decimal,
    /// What the document says, in the unit of the quantity.
    pub new: nhip_proto::Decimal,
    /// The record of the old value.
    pub offset: Offset,
}

/// An import that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRecord {
    /// BLAKE3 over stream, source, document and how it is read.
    pub id: [u8; 32],
    /// When it was accepted.
    pub at: ArrivalTime,
    /// Who answers for it.
    pub author: String,
    /// The stream.
    pub stream: StreamId,
    /// The source.
    pub source: SourceId,
    /// BLAKE3 of the document.
    pub document_hash: [u8; 32],
    /// Rows with figures.
    pub rows: u64,
    /// Figures.
    pub figures: u64,
    /// Its Command record; its entries follow without a gap, one a row.
    pub offset: Offset,
}

/// What a document says, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// Its id: the same document for the same stream and source has the same.
    pub id: [u8; 32],
    /// The sheet that was read; empty: the document is a text.
    pub sheet: String,
    /// All visible sheets.
    pub sheets: Vec<String>,
    /// Whether each row holds one quantity by its name (`long`) or one column per quantity (`wide`).
    pub long: bool,
    /// Rows with something in them, below the headings.
    pub rows: u64,
    /// Of these, rows without a mistake.
    pub good_rows: u64,
    /// Figures in rows without a mistake.
    pub figures: u64,
    /// Of these, figures that stand so already.
    pub unchanged: u64,
    /// Of these, figures that stand otherwise already.
    pub changes: u64,
    /// Of these, figures that will not stand: a later phase or a greater revision was written before.
    pub behind: u64,
    /// The first of these.
    pub changed: Vec<FigureChange>,
    /// Figures of the document that stand in it twice.
    pub duplicates: u64,
    /// Things to mend, all counted.
    pub mistakes: u64,
    /// The things to mend, by row and column.
    pub listed: Vec<CellMistake>,
    /// What was written, now or when the same document came before; none: nothing.
    pub written: Option<ImportRecord>,
    /// Whether it had been written before and nothing was written now.
    pub repeated: bool,
}

/// Why a document could not be judged, or nothing was answered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImportError {
    /// The order is not allowed: no such stream, source or sheet, not a document of this kind. The text is ours.
    #[error("{0}")]
    Refused(String),
    /// A bound was met; the text names it.
    #[error("{0}")]
    Bound(String),
    /// Another import is under way, or the node is starting or stopping.
    #[error("not available now: {0}")]
    Unavailable(String),
}

/// Which entries are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenQuery {
    /// Only of this stream.
    pub stream: Option<StreamId>,
    /// Only of this source.
    pub source: Option<SourceId>,
    /// Only of this area: of the source, or of a state of the entry that names it.
    pub area: Option<AreaCode>,
    /// Periods that end after this …
    pub from: EventTime,
    /// … and begin before.
    pub to: EventTime,
    /// Entries before this record, newest first.
    pub before: Offset,
    /// Entries at most.
    pub entries_max: usize,
}

/// Some entries, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenPage {
    /// The entries with their places.
    pub entries: Vec<(Offset, Entry)>,
    /// Where to go on; none: that was all.
    pub next: Option<Offset>,
}

/// The way in for statistics by people. Promise: a preview writes nothing; a commit writes the whole document in one
/// group of the log or nothing, and only if nothing of it is to be mended; the same document again writes nothing and
/// is answered with what was written before.
#[async_trait]
pub trait Statistics: Send + Sync {
    /// Judges a document.
    async fn preview(&self, order: ImportOrder) -> Result<ImportReport, ImportError>;

    /// Judges it and, if nothing is to be mended, writes it.
    async fn commit(&self, order: ImportOrder) -> Result<ImportReport, ImportError>;

    /// What was written before this record, newest first.
    async fn imports(&self, before: Offset, imports_max: usize) -> Result<Vec<ImportRecord>, ImportError>;

    /// The entries people wrote.
    async fn written(&self, query: WrittenQuery) -> Result<WrittenPage, ImportError>;
}

/// Where the list of imports is kept. It is a projection of the log: losing it costs time, nothing else.
#[async_trait]
pub trait ImportIndex: Send + Sync {
    /// What was saved last; none: nothing, or it is damaged.
    async fn load(&self) -> Option<Vec<u8>>;

    /// Keeps this in place of what was saved before, whole or not at all; the text says what went wrong.
    async fn save(&self, bytes: Vec<u8>) -> Result<(), String>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_spreadsheets_write_them() {
        for (column, address) in [(0, "7"), (1, "A7"), (26, "Z7"), (27, "AA7"), (52, "AZ7"), (16_384, "XFD7")]
        {
            assert_eq!(cell_address(7, column), address);
        }
    }
}
