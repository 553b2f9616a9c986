//! A spreadsheet of one sheet, streamed: a ZIP archive (APPNOTE 6.3) of the least Office Open XML a reader needs.
//! Texts are inline strings, which no spreadsheet runs.

use std::io::{self, Write as _};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::table::Cell;

/// Parts of the archive that never change.
const PARTS: &[(&str, &str)] = &[
    ("[Content_Types].xml", include_str!("xlsx/content_types.xml")),
    ("_rels/.rels", include_str!("xlsx/package.rels.xml")),
    ("xl/workbook.xml", include_str!("xlsx/workbook.xml")),
    ("xl/_rels/workbook.xml.rels", include_str!("xlsx/workbook.rels.xml")),
];
const SHEET: &str = "xl/worksheets/sheet1.xml";
const SHEET_HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>";
const SHEET_END: &str = "</sheetData></worksheet>";
/// Points of a sheet; its format holds 1,048,576 rows.
pub(super) const SHEET_POINTS_MAX: u64 = 1_000_000;
/// Digits a spreadsheet keeps of a number; longer ones stay texts.
const DIGITS_KEPT: usize = 15;
/// 1980-01-01, the first day a ZIP can say: the file says itself when its figures were known.
const DOS_DATE: u16 = 0x21;
const VERSION: u16 = 20;
const DEFLATED: u16 = 8;
/// Lengths follow the data; names are UTF-8.
const FLAGS: u16 = 0x0808;

/// A sheet growing line by line; what [`Sheet::taken`] gives is done.
pub(super) struct Sheet {
    part: DeflateEncoder<Vec<u8>>,
    crc: Crc,
    /// Bytes of the archive given away.
    given: u64,
    /// Where the part begins in the archive, and its data.
    part_at: u64,
    data_at: u64,
    central: Vec<u8>,
    entries: u16,
    line: u64,
}

impl Sheet {
    /// The fixed parts, and the beginning of the sheet.
    pub(super) fn begin() -> io::Result<Self> {
        let part = DeflateEncoder::new(Vec::new(), Compression::default());
        let (central, crc) = (Vec::new(), Crc::new());
        let mut sheet = Self { part, crc, given: 0, part_at: 0, data_at: 0, central, entries: 0, line: 0 };
        for (name, text) in PARTS {
            sheet.open(name)?;
            sheet.text(text)?;
            sheet.close(name)?;
        }
        sheet.open(SHEET)?;
        sheet.text(SHEET_HEAD)?;
        Ok(sheet)
    }

    pub(super) fn line(&mut self, line: &[Cell<'_>]) -> io::Result<()> {
        self.line += 1;
        let mut text = format!("<row r=\"{}\">", self.line);
        for cell in line {
            match cell {
                Cell::Number(number) if is_kept(number) => {
                    text.push_str("<c><v>");
                    text.push_str(number);
                    text.push_str("</v></c>");
                }
                // Missing is an empty cell, not a text that a formula trips over.
                Cell::Number(number) if number.is_empty() => text.push_str("<c/>"),
                Cell::Text(words) | Cell::Number(words) => {
                    text.push_str("<c t=\"inlineStr\"><is><t xml:space=\"preserve\">");
                    escape(&mut text, words);
                    text.push_str("</t></is></c>");
                }
            }
        }
        text.push_str("</row>");
        self.text(&text)
    }

    /// What of the archive is done and was not taken yet.
    pub(super) fn taken(&mut self) -> Vec<u8> {
        let done = std::mem::take(self.part.get_mut());
        self.given += done.len() as u64;
        done
    }

    /// The rest: the end of the sheet and the list of parts.
    pub(super) fn end(mut self) -> io::Result<Vec<u8>> {
        self.text(SHEET_END)?;
        self.close(SHEET)?;
        let mut rest = std::mem::take(self.part.get_mut());
        let central_at = number(self.given + rest.len() as u64)?;
        let central_bytes = number(self.central.len() as u64)?;
        rest.append(&mut self.central);
        rest.extend(b"PK\x05\x06\0\0\0\0");
        rest.extend(self.entries.to_le_bytes());
        rest.extend(self.entries.to_le_bytes());
        rest.extend(central_bytes.to_le_bytes());
        rest.extend(central_at.to_le_bytes());
        rest.extend(0_u16.to_le_bytes());
        Ok(rest)
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        self.crc.update(text.as_bytes());
        self.part.write_all(text.as_bytes())
    }

    fn open(&mut self, name: &str) -> io::Result<()> {
        let mut before = std::mem::take(self.part.get_mut());
        self.part_at = self.given + before.len() as u64;
        before.extend(b"PK\x03\x04");
        for word in [VERSION, FLAGS, DEFLATED, 0, DOS_DATE] {
            before.extend(word.to_le_bytes());
        }
        before.extend([0; 12]);
        before.extend(u16::try_from(name.len()).map_err(io::Error::other)?.to_le_bytes());
        before.extend(0_u16.to_le_bytes());
        before.extend(name.as_bytes());
        self.crc = Crc::new();
        self.data_at = self.given + before.len() as u64;
        self.part = DeflateEncoder::new(before, Compression::default());
        Ok(())
    }

    /// Checksum and lengths behind the data, and the part's entry in the list.
    fn close(&mut self, name: &str) -> io::Result<()> {
        self.part.try_finish()?;
        let buffer = self.part.get_mut();
        let packed = number(self.given + buffer.len() as u64 - self.data_at)?;
        let (crc, plain) = (self.crc.sum(), self.crc.amount());
        buffer.extend(b"PK\x07\x08");
        for word in [crc, packed, plain] {
            buffer.extend(word.to_le_bytes());
        }
        let central = &mut self.central;
        central.extend(b"PK\x01\x02");
        for word in [VERSION, VERSION, FLAGS, DEFLATED, 0, DOS_DATE] {
            central.extend(word.to_le_bytes());
        }
        for word in [crc, packed, plain] {
            central.extend(word.to_le_bytes());
        }
        central.extend(u16::try_from(name.len()).map_err(io::Error::other)?.to_le_bytes());
        central.extend([0; 12]);
        central.extend(number(self.part_at)?.to_le_bytes());
        central.extend(name.as_bytes());
        self.entries += 1;
        Ok(())
    }
}

/// A number a spreadsheet shows with all its digits.
fn is_kept(number: &str) -> bool {
    !number.is_empty() && number.bytes().filter(u8::is_ascii_digit).count() <= DIGITS_KEPT
}

/// Characters XML cannot hold become U+FFFD.
fn escape(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' | '\n' | '\r' => out.push(letter),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            control if control.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
}

fn number(long: u64) -> io::Result<u32> {
    u32::try_from(long).map_err(|_| io::Error::other("a spreadsheet of more than 4 GiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_texts_and_long_numbers_keep_their_digits() {
        let mut sheet = Sheet::begin().expect("begun");
        drop(sheet.taken());
        let cells = ["=1+1", "<a href=\"x\">&\u{1}"].map(|text| Cell::Text(text.into()));
        let numbers = ["-1.5", "", "1234567890123456"].map(|number| Cell::Number(number.into()));
        let line: Vec<Cell<'_>> = cells.into_iter().chain(numbers).collect();
        sheet.line(&line).expect("written");
        sheet.part.try_finish().expect("finished");
        let mut plain = String::new();
        let packed = sheet.taken();
        io::Read::read_to_string(&mut flate2::read::DeflateDecoder::new(&packed[..]), &mut plain)
            .expect("inflated");
        let want = concat!(
            "<row r=\"1\"><c t=\"inlineStr\"><is><t xml:space=\"preserve\">=1+1</t></is></c>",
            "<c t=\"inlineStr\"><is><t xml:space=\"preserve\">&lt;a href=\"x\"&gt;&amp;\u{fffd}</t></is></c>",
            "<c><v>-1.5</v></c><c/>",
            "<c t=\"inlineStr\"><is><t xml:space=\"preserve\">1234567890123456</t></is></c></row>",
        );
        assert!(plain.ends_with(want), "{plain}");
    }
}
