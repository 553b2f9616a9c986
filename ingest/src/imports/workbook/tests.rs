//! Workbooks part by part: what stands in cells, and that no bytes make the reader fall over.

use std::io::Write as _;

use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::imports::cell::{Cell, SheetRow, Shown};

#[derive(Default)]
struct Kept {
    rows: Vec<SheetRow>,
    hidden: Vec<u32>,
}

impl Rows for Kept {
    fn row(&mut self, row: SheetRow) -> Result<(), ImportError> {
        self.rows.push(row);
        Ok(())
    }

    fn hidden_columns(&mut self, columns: Vec<u32>) {
        self.hidden = columns;
    }
}

fn packed(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).expect("a part");
        zip.write_all(text.as_bytes()).expect("its text");
    }
    zip.finish().expect("a zip").into_inner()
}

fn workbook(sheet: &str) -> Vec<u8> {
    packed(&[
        (
            "xl/workbook.xml",
            "<x:workbook xmlns:x=\"m\" xmlns:r=\"r\"><x:workbookPr date1904=\"1\"/><x:sheets>\
             <x:sheet name=\"Ẩn\" state=\"veryHidden\" r:id=\"r2\"/><x:sheet name=\"Tháng 9 &amp; 10\" r:id=\"r1\"/>\
             </x:sheets></x:workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships><Relationship Id=\"r1\" Target=\"/xl/worksheets/s.xml\"/></Relationships>",
        ),
        (
            "xl/styles.xml",
            "<styleSheet><cellXfs><xf/><xf numFmtId=\"9\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>",
        ),
        (
            "xl/sharedStrings.xml",
            "<sst><si><t>a</t></si><si/><si><r><t>Tây </t></r><r><t xml:space=\"preserve\">Ninh &lt;&#233;</t></r>\
             <rPh><t>no</t></rPh></si></sst>",
        ),
        ("xl/worksheets/s.xml", sheet),
    ])
}

fn kept(file: &[u8]) -> Result<Kept, ImportError> {
    let mut workbook = Workbook::open(file)?;
    let sheet = workbook.choose(None)?;
    let mut kept = Kept::default();
    workbook.read(&sheet, &mut kept)?;
    Ok(kept)
}

const SHEET: &str = "<worksheet><cols><col min=\"2\" max=\"3\" hidden=\"1\"/></cols><sheetData>\
    <row r=\"2\"><c r=\"A2\" t=\"s\"><v>2</v></c><c r=\"C2\" t=\"s\"><v>1</v></c><c t=\"s\"><v>9</v></c></row>\
    <row hidden=\"1\"><c t=\"inlineStr\"><is><t> b </t></is></c><c><f>A1*2</f><v>2</v></c><c t=\"e\"><v>#N/A</v></c>\
    <c t=\"b\"><v>1</v></c><c s=\"1\"><v>0.5</v></c><c s=\"2\"><v>44804</v></c><c><v>1E-05</v></c><c s=\"9\"/></row>\
    <row r=\"7\"/><row r=\"8\"><c r=\"A8\"><v>1</v></c></row></sheetData>\
    <mergeCells><mergeCell ref=\"B8:C9\"/></mergeCells></worksheet>";

#[test]
fn cells_are_what_the_file_says() {
    let file = workbook(SHEET);
    let book = Workbook::open(&file).expect("a workbook");
    assert_eq!(book.visible(), ["Tháng 9 & 10"]);
    assert!(book.choose(Some("Ẩn")).is_err());
    let kept = kept(&file).expect("a sheet");
    assert_eq!(kept.hidden, [2, 3]);
    let text = |text: &str| Cell::Text(text.to_owned());
    let number = |digits: &str, shown| Cell::Number { digits: digits.to_owned(), shown };
    let merged = || Cell::Merged(Arc::from("B8:C9"));
    let row = |number, hidden, cells| SheetRow { number, hidden, cells };
    let expected = [
        row(2, false, vec![text("Tây Ninh <é"), Cell::Blank, Cell::Blank, Cell::Blank]),
        row(
            3,
            true,
            vec![
                text("b"),
                Cell::Formula,
                Cell::Fault("#N/A".to_owned()),
                Cell::Truth(true),
                number("0.5", Shown::Percent),
                number("44804", Shown::Date { from_1904: true }),
                number("1E-05", Shown::Plain),
                Cell::Blank,
            ],
        ),
        row(7, false, vec![]),
        row(8, false, vec![number("1", Shown::Plain), merged(), merged()]),
    ];
    assert_eq!(kept.rows, expected);
}

#[test]
fn what_no_spreadsheet_writes_is_refused() {
    for (sheet, said) in [
        ("<worksheet><sheetData><row r=\"1\"><c r=\"B1\"/><c r=\"A1\"/></row>", "in order"),
        ("<worksheet><sheetData><row r=\"1\"><c r=\"XFD1\"/></row>", "at most 256"),
        ("<!DOCTYPE a [<!ENTITY b \"c\">]><worksheet/>", "document type"),
        ("<worksheet><sheetData><row><c t=\"str\"><v>&none;</v></c></row>", "entity"),
        ("<worksheet><mergeCells><mergeCell ref=\"B9:A1\"/>", "address"),
        ("<worksheet><sheetData><row a=<", "cannot be read"),
    ] {
        let error = kept(&workbook(sheet)).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(said), "{sheet}: {error}");
    }
    let empty = packed(&[("xl/workbook.xml", "<workbook/>")]);
    assert!(Workbook::open(&empty).and_then(|book| book.choose(None)).is_err());
    assert!(Workbook::open(&packed(&[("a", "b")])).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_make_the_reader_fall_over(at in 0_usize..4_000, byte: u8, cut in 0_usize..4_000) {
        let mut file = workbook(SHEET);
        let length = file.len();
        file[at % length] = byte;
        file.truncate(length - cut % 40);
        // A panic is the only wrong answer.
        drop(kept(&file));
    }

    #[test]
    fn no_sheet_makes_the_reader_fall_over(
        sheet in "(<(row|c|v|f|mergeCell|sheetData|/row|/c|/v)( r=\"[A-C]?[0-9]{0,2}\")?>|[0-9.]{0,3}){0,40}"
    ) {
        drop(kept(&workbook(&format!("<worksheet><sheetData>{sheet}"))));
    }
}
