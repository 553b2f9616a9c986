//! XLSX workbooks (ECMA-376): a zip of XML parts, read part by part from memory, never whole.
//!
//! What a library for tables hides is what has to be told here: merged areas, formulas, hidden rows and columns, how a
//! number is shown, and its digits as they are stored.

mod parts;
mod sheet;
mod styles;
#[cfg(test)]
mod tests;

use std::io::Cursor;
use std::sync::Arc;

use nhip_ports::ImportError;
use zip::ZipArchive;

use super::bounds::{MEMBERS_MAX, SHEETS_MAX};
use super::cell::Rows;
use parts::{Part, attribute, events, texts};
use styles::Styles;

/// One sheet of a workbook.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    name: String,
    relation: String,
    hidden: bool,
}

/// A workbook whose directory was read.
pub(super) struct Workbook<'d> {
    zip: ZipArchive<Cursor<&'d [u8]>>,
    sheets: Vec<Listed>,
    from_1904: bool,
}

/// What all cells of a workbook share.
struct Shared {
    strings: Vec<Arc<str>>,
    styles: Styles,
}

impl<'d> Workbook<'d> {
    pub(super) fn open(document: &'d [u8]) -> Result<Self, ImportError> {
        let not_one = || ImportError::Refused("the file is no XLSX workbook (a zip of XML parts)".to_owned());
        let mut zip = ZipArchive::new(Cursor::new(document)).map_err(|_| not_one())?;
        if zip.len() > MEMBERS_MAX {
            return Err(ImportError::Bound(format!("a workbook holds at most {MEMBERS_MAX} files")));
        }
        let (mut sheets, mut from_1904) = (Vec::new(), false);
        let part = Part::of(&mut zip, "xl/workbook.xml")?.ok_or_else(not_one)?;
        events(part, |name, start, _| {
            match name {
                b"workbookPr" => from_1904 |= is_true(attribute(start, b"date1904")?.as_deref()),
                b"sheet" if sheets.len() >= SHEETS_MAX => {
                    return Err(ImportError::Bound(format!("a workbook has at most {SHEETS_MAX} sheets")));
                }
                b"sheet" => sheets.push(Listed {
                    name: attribute(start, b"name")?.unwrap_or_default(),
                    relation: attribute(start, b"id")?.unwrap_or_default(),
                    hidden: attribute(start, b"state")?.is_some_and(|state| state != "visible"),
                }),
                _ => {}
            }
            Ok(())
        })?;
        Ok(Self { zip, sheets, from_1904 })
    }

    /// The names of the sheets that are shown.
    pub(super) fn visible(&self) -> Vec<String> {
        self.sheets.iter().filter(|sheet| !sheet.hidden).map(|sheet| sheet.name.clone()).collect()
    }

    /// The name of the sheet wanted; without one the first visible.
    pub(super) fn choose(&self, wanted: Option<&str>) -> Result<String, ImportError> {
        let mut visible = self.sheets.iter().filter(|sheet| !sheet.hidden);
        let found = match wanted {
            Some(name) => visible.find(|sheet| sheet.name == name),
            None => visible.next(),
        };
        found.map(|sheet| sheet.name.clone()).ok_or_else(|| {
            let names = self.visible().join(", ");
            ImportError::Refused(format!("the workbook has no such visible sheet (allowed: {names})"))
        })
    }

    /// Hands over all rows of a sheet.
    pub(super) fn read(&mut self, sheet: &str, rows: &mut dyn Rows) -> Result<(), ImportError> {
        let broken = || ImportError::Refused("the workbook lacks a part it names".to_owned());
        let relation = self.sheets.iter().find(|one| one.name == sheet).map(|one| one.relation.clone());
        let path = self.target(&relation.ok_or_else(broken)?)?.ok_or_else(broken)?;
        let styles = match Part::of(&mut self.zip, "xl/styles.xml")? {
            Some(part) => Styles::read(part, self.from_1904)?,
            None => Styles::default(),
        };
        let strings = match Part::of(&mut self.zip, "xl/sharedStrings.xml")? {
            Some(part) => texts(part)?,
            None => Vec::new(),
        };
        let shared = Shared { strings, styles };
        // Merged areas stand behind the rows in the file, but are needed with them.
        let around = sheet::around(Part::of(&mut self.zip, &path)?.ok_or_else(broken)?)?;
        rows.hidden_columns(around.hidden_columns());
        sheet::read(Part::of(&mut self.zip, &path)?.ok_or_else(broken)?, &shared, &around, rows)
    }

    /// The part a relation of the workbook leads to.
    fn target(&mut self, relation: &str) -> Result<Option<String>, ImportError> {
        let Some(part) = Part::of(&mut self.zip, "xl/_rels/workbook.xml.rels")? else { return Ok(None) };
        let mut found = None;
        events(part, |name, start, _| {
            if name == b"Relationship" && attribute(start, b"Id")?.as_deref() == Some(relation) {
                found = attribute(start, b"Target")?;
            }
            Ok(())
        })?;
        let path = |target: String| match target.strip_prefix('/') {
            Some(absolute) => absolute.to_owned(),
            None => format!("xl/{target}"),
        };
        Ok(found.map(path))
    }
}

fn is_true(text: Option<&str>) -> bool {
    matches!(text, Some("1" | "true"))
}
