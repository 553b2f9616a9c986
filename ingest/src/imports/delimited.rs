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
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.strip_prefix('\u{feff}').unwrap_or(text).as_bytes());
    let mut record = csv::StringRecord::new();
    // Lines inside quotes: a spreadsheet counts them as one row.
    let mut lines_inside = 0_u64;
    while reader.read_record(&mut record).map_err(|error| unreadable(&error))? {
        if record.len() > COLUMNS_MAX {
            return Err(ImportError::Bound(format!("a row has at most {COLUMNS_MAX} cells")));
        }
        let line = record.position().map_or(0, csv::Position::line);
        let mut cells = Vec::with_capacity(record.len());
        let before = lines_inside;
        for text in &record {
            if text.len() > TEXT_BYTES_MAX {
                return Err(ImportError::Bound(format!(
                    "line {line}: a cell has at most {TEXT_BYTES_MAX} bytes; is a quotation mark left open?"
                )));
            }
            lines_inside += text.bytes().filter(|byte| *byte == b'\n').count() as u64;
            cells.push(Cell::of_text(text));
        }
        let number = u32::try_from(line.saturating_sub(before)).unwrap_or(u32::MAX);
        rows.row(SheetRow { number, hidden: false, cells })?;
    }
    Ok(())
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
