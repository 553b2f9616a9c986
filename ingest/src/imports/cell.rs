//! A cell as the document has it, before anybody asks what it means.

use std::sync::Arc;

use nhip_ports::ImportError;

/// Characters of a cell that are shown again in a list of mistakes.
const FOUND_CHARS_MAX: usize = 60;

/// What stands in one cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// Nothing, or blanks only.
    Blank,
    /// A text, without blanks at its ends.
    Text(String),
    /// A number of a workbook, with the digits it is stored with.
    Number { digits: String, shown: Shown },
    /// True or false.
    Truth(bool),
    /// An error value: `#N/A`.
    Fault(String),
    /// The result of a formula.
    Formula,
    /// Part of a merged area, `B7:B9`.
    Merged(Arc<str>),
}

/// How a workbook shows a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// As it is.
    Plain,
    /// As a percentage.
    Percent,
    /// As a date; the first day of the workbook's calendar is the 1st of January 1904, else 1900.
    Date { from_1904: bool },
}

/// One row of a sheet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SheetRow {
    /// Counted from 1, as spreadsheets do.
    pub(super) number: u32,
    /// Whether the sheet hides it.
    pub(super) hidden: bool,
    /// Its cells from column A on; those behind the last are blank.
    pub(super) cells: Vec<Cell>,
}

/// Takes the rows of a document in order.
pub(super) trait Rows {
    /// One row.
    fn row(&mut self, row: SheetRow) -> Result<(), ImportError>;

    /// The columns the sheet hides, counted from 1; told before any row.
    fn hidden_columns(&mut self, columns: Vec<u32>);
}

impl Cell {
    /// A text as a cell.
    pub(super) fn of_text(text: &str) -> Self {
        let text = text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\u{feff}');
        if text.is_empty() { Self::Blank } else { Self::Text(text.to_owned()) }
    }

    /// What stands there, cut, for a list of mistakes.
    pub(super) fn found(&self) -> Box<str> {
        let text = match self {
            Self::Blank | Self::Formula => "",
            Self::Text(text) | Self::Fault(text) => text,
            Self::Number { digits, .. } => digits,
            Self::Truth(true) => "TRUE",
            Self::Truth(false) => "FALSE",
            Self::Merged(range) => range,
        };
        let mut cut: String = text.chars().take(FOUND_CHARS_MAX).collect();
        if cut.len() < text.len() {
            cut.push('…');
        }
        cut.into_boxed_str()
    }
}

impl SheetRow {
    /// The cell of a column counted from 1.
    pub(super) fn cell(&self, column: u32) -> &Cell {
        let index = usize::try_from(column).unwrap_or(usize::MAX).wrapping_sub(1);
        self.cells.get(index).unwrap_or(&Cell::Blank)
    }

    /// Whether nothing stands in it.
    pub(super) fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| *cell == Cell::Blank)
    }
}
