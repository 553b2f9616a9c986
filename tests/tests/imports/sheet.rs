//! A workbook written by hand, part by part, as spreadsheet programs write them.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// One cell.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Text(String),
    Number(&'static str),
    Percent(&'static str),
    Date(&'static str),
    Formula(&'static str),
    Fault(&'static str),
    Blank,
}

/// A sheet of rows, counted from 1.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sheet {
    pub(crate) rows: Vec<Vec<Cell>>,
    pub(crate) merges: Vec<&'static str>,
    pub(crate) hidden_rows: Vec<usize>,
}

pub(crate) fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

impl Sheet {
    pub(crate) fn set(&mut self, row: usize, column: usize, cell: Cell) {
        self.rows[row - 1][column - 1] = cell;
    }

    /// The file.
    pub(crate) fn xlsx(&self) -> Vec<u8> {
        let (mut strings, mut body) = (Vec::new(), String::new());
        let mut known = std::collections::BTreeMap::new();
        for (row, number) in self.rows.iter().zip(1..) {
            let hidden = if self.hidden_rows.contains(&number) { " hidden=\"1\"" } else { "" };
            write!(body, "<row r=\"{number}\"{hidden}>").expect("a text");
            for (cell, column) in row.iter().zip(b'A'..) {
                let at = format!("{}{number}", char::from(column));
                match cell {
                    Cell::Blank => Ok(()),
                    Cell::Text(text) => {
                        let index = *known.entry(text.clone()).or_insert_with(|| {
                            strings.push(text.clone());
                            strings.len() - 1
                        });
                        write!(body, "<c r=\"{at}\" t=\"s\"><v>{index}</v></c>")
                    }
                    Cell::Number(digits) => write!(body, "<c r=\"{at}\"><v>{digits}</v></c>"),
                    Cell::Percent(digits) => write!(body, "<c r=\"{at}\" s=\"1\"><v>{digits}</v></c>"),
                    Cell::Date(digits) => write!(body, "<c r=\"{at}\" s=\"2\"><v>{digits}</v></c>"),
                    Cell::Formula(value) => write!(body, "<c r=\"{at}\"><f>1+1</f><v>{value}</v></c>"),
                    Cell::Fault(fault) => write!(body, "<c r=\"{at}\" t=\"e\"><v>{fault}</v></c>"),
                }
                .expect("a text");
            }
            body.push_str("</row>");
        }
        let merges: String =
            self.merges.iter().map(|range| format!("<mergeCell ref=\"{range}\"/>")).collect();
        let merges = if merges.is_empty() { merges } else { format!("<mergeCells>{merges}</mergeCells>") };
        let sheet = format!("<worksheet><sheetData>{body}</sheetData>{merges}</worksheet>");
        let strings: String =
            strings.iter().map(|text| format!("<si><t>{}</t></si>", escaped(text))).collect();
        packed(&[
            (
                "xl/workbook.xml",
                "<workbook xmlns:r=\"r\"><sheets><sheet name=\"Ẩn\" state=\"hidden\" r:id=\"r9\"/>\
               <sheet name=\"Tháng 9\" r:id=\"r1\"/></sheets></workbook>",
            ),
            (
                "xl/_rels/workbook.xml.rels",
                "<Relationships><Relationship Id=\"r1\" Target=\"worksheets/sheet1.xml\"/>\
               </Relationships>",
            ),
            (
                "xl/styles.xml",
                "<styleSheet><numFmts><numFmt numFmtId=\"170\" formatCode=\"mmm\\-yy\"/></numFmts>\
               <cellStyleXfs><xf numFmtId=\"9\"/></cellStyleXfs><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"10\"/>\
               <xf numFmtId=\"170\"/></cellXfs></styleSheet>",
            ),
            ("xl/sharedStrings.xml", &format!("<sst>{strings}</sst>")),
            ("xl/worksheets/sheet1.xml", &sheet),
        ])
    }
}

/// A zip of these parts.
pub(crate) fn packed(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).expect("a part");
        zip.write_all(text.as_bytes()).expect("its text");
    }
    zip.finish().expect("a zip").into_inner()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
