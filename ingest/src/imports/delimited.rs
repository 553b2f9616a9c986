//! Text with delimiters: RFC 4180, also with semicolons or tabs, as files and as cells pasted from a sheet.

use nhip_ports::ImportError;

use super::bounds::{COLUMNS_MAX, TEXT_BYTES_MAX};
use super::cell::{Cell, Rows, SheetRow};

/// The delimiter the first line with something in it has most of, outside quotes; a comma if it has none.
pub(super) fn delimiter_of(text: &str) -> u8 {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(0_u32, b'\t'), (0, b';'), (0, b',')];
    for byte in line.bytes() {
        quoted ^= byte == b'"';
        if !quoted && let Some(count) = counts.iter_mut().find(|(_, delimiter)| *delimiter == byte) {
            count.0 += 1;
        }
    }
    let most = counts.iter().map(|(count, _)| *count).max().unwrap_or(0);
    let found = counts.iter().find(|(count, _)| *count == most && most > 0);
    found.map_or(b',', |(_, delimiter)| *delimiter)
}

/// Hands over all rows.
pub(super) fn read(text: &str, delimiter: u8, rows: &mut dyn Rows) -> Result<(), ImportError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut counter = RowCounter::default();
    while reader.read_record(&mut record).map_err(|error| unreadable(&error))? {
        if record.len() > COLUMNS_MAX {
            return Err(ImportError::Bound(format!("a row has at most {COLUMNS_MAX} cells")));
        }
        let start = record.position().and_then(|position| usize::try_from(position.byte()).ok());
        let number = counter.row_at(text, start.unwrap_or(text.len()));
        let mut cells = Vec::with_capacity(record.len());
        for cell in &record {
            if cell.len() > TEXT_BYTES_MAX {
                return Err(ImportError::Bound(format!(
                    "row {number}: a cell has at most {TEXT_BYTES_MAX} bytes; is a quotation mark left open?"
                )));
            }
            counter.lines_inside += line_ends(cell);
            cells.push(Cell::of_text(cell));
        }
        rows.row(SheetRow { number, hidden: false, cells })?;
    }
    Ok(())
}

/// Counts rows as a spreadsheet does: blank lines count, lines inside quotes do not.
#[derive(Default)]
struct RowCounter {
    looked_to: usize,
    lines: usize,
    lines_inside: usize,
}

impl RowCounter {
    /// The row of a record that begins at a byte, or behind the line ends and blank lines there.
    fn row_at(&mut self, text: &str, start: usize) -> u32 {
        let rest = text.get(start..).unwrap_or_default();
        let start = start + rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        self.lines += line_ends(text.get(self.looked_to..start).unwrap_or_default());
        self.looked_to = start;
        u32::try_from((self.lines + 1).saturating_sub(self.lines_inside)).unwrap_or(u32::MAX)
    }
}

/// Line ends in a text: LF, CR LF or CR.
fn line_ends(text: &str) -> usize {
    let feeds = text.bytes().filter(|byte| *byte == b'\n').count();
    let returns = text.bytes().filter(|byte| *byte == b'\r').count();
    feeds.max(returns)
}

fn unreadable(error: &csv::Error) -> ImportError {
    ImportError::Refused(format!("the text cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Kept(Vec<SheetRow>);

    impl Rows for Kept {
        fn row(&mut self, row: SheetRow) -> Result<(), ImportError> {
            self.0.push(row);
            Ok(())
        }

        fn hidden_columns(&mut self, _columns: Vec<u32>) {}
    }

    fn rows(text: &str, delimiter: u8) -> Vec<(u32, Vec<Cell>)> {
        let mut kept = Kept::default();
        read(text, delimiter, &mut kept).expect("a text");
        kept.0.into_iter().map(|row| (row.number, row.cells)).collect()
    }

    #[test]
    fn rows_are_counted_as_a_spreadsheet_counts_them() {
        let text = "\u{feff}a,b\r\n\r\n\"x\ny\",\"say \"\"hi\"\"\"\r\n1, 2 \r\n";
        let cell = |text: &str| Cell::Text(text.to_owned());
        let expected = vec![
            (1, vec![cell("a"), cell("b")]),
            (3, vec![cell("x\ny"), cell("say \"hi\"")]),
            (4, vec![cell("1"), cell("2")]),
        ];
        assert_eq!(rows(text, b','), expected);
    }

    #[test]
    fn the_delimiter_is_the_one_the_headings_use() {
        for (text, delimiter) in [
            ("period,visits\n", b','),
            ("period;visits;rooms\n1,5;2;3", b';'),
            ("period\tvisits\n", b'\t'),
            ("\n\"a,b,c\";d\n", b';'),
            ("period\n", b','),
        ] {
            assert_eq!(delimiter_of(text), delimiter, "{text}");
        }
    }
}
