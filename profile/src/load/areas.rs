//! `areas.csv`: province, communes and wards with their cells in the cartogram.

use std::collections::BTreeMap;

use nhip_proto::AreaCode;

use super::{Loading, is_table};
use crate::read::{CsvRow, CsvTable, FileText};
use crate::{Area, Label, Validity};

const REQUIRED: [&str; 5] = ["code", "name", "name_en", "kind", "parent"];
const OPTIONAL: [&str; 5] = ["column", "row", "population", "valid_from", "valid_to"];
/// `khu` is an invented area, for profiles without real ones; `tinh` and `huyen` are provinces and districts that
/// ended.
const KINDS: [&str; 7] = ["province", "xa", "phuong", "dac-khu", "khu", "tinh", "huyen"];
/// Kinds of areas there are no more.
const ENDED: [&str; 2] = ["tinh", "huyen"];
/// The cartogram's greatest column and row.
const CELL_MAX: u64 = 63;

pub(super) fn read(texts: &[FileText<'_>], loading: &mut Loading<'_>) {
    let files = texts.iter().filter(|file| is_table(file, "areas"));
    let tables = files.map(|file| CsvTable::read(*file, "area", &REQUIRED, &OPTIONAL, loading.found));
    let rows: Vec<CsvRow<'_>> = tables.flat_map(CsvTable::into_rows).collect();
    for row in &rows {
        if let Some(code) = row.text("code")
            && !loading.declared.areas.insert(code.to_owned())
        {
            row.mistake("code", format!("\"{code}\" is declared twice"), "each area once");
        }
    }
    let mut cells = BTreeMap::new();
    for row in &rows {
        check_parent(row, loading);
        if let Some(area) = read_one(row) {
            if let Some(cell) = area.cell
                && let Some(other) = cells.insert(cell, area.code.clone())
            {
                row.mistake("column", format!("the cell is taken by {other}"), "one area per cell");
            }
            loading.profile.areas.insert(area.code.clone(), area);
        }
    }
    check_province(&rows, loading);
}

fn read_one(row: &CsvRow<'_>) -> Option<Area> {
    let kind = row.text("kind").unwrap_or_default();
    if !kind.is_empty() && !KINDS.contains(&kind) {
        row.unknown("kind", "kind of area", kind, KINDS);
    }
    let valid = Validity { from: row.date("valid_from"), to: row.date("valid_to") };
    if let (Some(from), Some(to)) = (valid.from, valid.to)
        && from >= to
    {
        row.mistake("valid_to", "is not after valid_from", "a later date, or nothing");
    }
    if ENDED.contains(&kind) && valid.to.is_none() {
        row.mistake("valid_to", format!("a {kind} has ended: districts on 2025-07-01"), "the day it ended");
    }
    let (name, name_en) = (row.text("name"), row.text("name_en"));
    Some(Area {
        code: AreaCode::new(row.optional("code")?),
        name: Label { vi: name?.to_owned(), en: name_en?.to_owned() },
        kind: kind.to_owned(),
        parent: row.optional("parent").map(AreaCode::new),
        cell: read_cell(row),
        population: row.whole("population"),
        valid,
    })
}

fn read_cell(row: &CsvRow<'_>) -> Option<(u16, u16)> {
    let place = |column: &str| {
        let number = row.whole(column)?;
        if number > CELL_MAX {
            row.mistake(column, format!("{number} lies outside the cartogram"), format!("0 to {CELL_MAX}"));
        }
        u16::try_from(number.min(CELL_MAX)).ok()
    };
    let cell = (place("column"), place("row"));
    if cell.0.is_some() != cell.1.is_some() {
        row.mistake("column", "a cell needs column and row", "both or none");
    }
    Some((cell.0?, cell.1?))
}

fn check_parent(row: &CsvRow<'_>, loading: &Loading<'_>) {
    if let Some(parent) = row.optional("parent") {
        if !loading.declared.areas.contains(parent) {
            row.unknown("parent", "area", parent, loading.declared.areas.iter().map(String::as_str));
        } else if row.optional("code") == Some(parent) {
            row.mistake("parent", "is the area itself", "the province");
        }
    }
}

fn check_province(rows: &[CsvRow<'_>], loading: &Loading<'_>) {
    let mut provinces = rows.iter().filter(|row| row.optional("parent").is_none());
    if provinces.next().is_none() {
        loading.found.add_whole("areas.csv", "area", "has no province", "one area without parent");
    }
    for second in provinces {
        second.mistake("parent", "is empty, but there is a province already", "one area without parent");
    }
    for row in rows {
        let code = row.optional("code").map(AreaCode::new);
        let parent = code.as_ref().and_then(|code| loading.profile.areas.get(code)?.parent.clone());
        let grand = parent
            .filter(|parent| Some(parent) != code.as_ref())
            .and_then(|parent| loading.profile.areas.get(&parent)?.parent.clone());
        if grand.is_some() && grand == code {
            row.mistake("parent", "is inside the area itself", "the province");
        }
    }
}
