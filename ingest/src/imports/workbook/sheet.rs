//! One sheet: what stands around its rows, then its rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use nhip_ports::ImportError;
use quick_xml::events::{BytesStart, Event};

use super::parts::{Part, add_text, attribute, events, unreadable};
use super::{Shared, is_true};
use crate::imports::address;
use crate::imports::bounds::{COLUMNS_MAX, MERGES_MAX, TEXT_BYTES_MAX};
use crate::imports::cell::{Cell, Rows, SheetRow};

/// Rows all merged areas of a sheet may cover together.
const MERGED_ROWS_MAX: u64 = 1_000_000;

/// What a sheet says beside its rows.
#[derive(Debug, Default)]
pub(super) struct Around {
    merges: Vec<Merge>,
    /// The merged areas that touch a row.
    by_row: BTreeMap<u32, Vec<u32>>,
    hidden: Vec<(u32, u32)>,
}

#[derive(Debug)]
struct Merge {
    range: Arc<str>,
    columns: (u32, u32),
}

impl Around {
    /// The merged area a cell belongs to.
    fn merge(&self, row: u32, column: u32) -> Option<&Arc<str>> {
        let touching = self.by_row.get(&row)?;
        let merges = touching.iter().filter_map(|index| self.merges.get(usize::try_from(*index).ok()?));
        let mut within = merges.filter(|merge| (merge.columns.0..=merge.columns.1).contains(&column));
        within.next().map(|merge| &merge.range)
    }

    /// The last column of the merged areas of a row.
    fn last_merged(&self, row: u32) -> u32 {
        let touching = self.by_row.get(&row).map(Vec::as_slice).unwrap_or_default();
        let merges = touching.iter().filter_map(|index| self.merges.get(usize::try_from(*index).ok()?));
        merges.map(|merge| merge.columns.1).max().unwrap_or(0)
    }

    pub(super) fn hidden_columns(&self) -> Vec<u32> {
        let last = u32::try_from(COLUMNS_MAX).unwrap_or(u32::MAX);
        self.hidden.iter().flat_map(|(from, to)| *from..=(*to).min(last)).collect()
    }
}

/// Reads what stands around the rows.
pub(super) fn around(part: Part<'_>) -> Result<Around, ImportError> {
    let (mut around, mut rows_covered) = (Around::default(), 0_u64);
    events(part, |name, start, _| {
        match name {
            b"col" if is_true(attribute(start, b"hidden")?.as_deref()) => {
                let number = |text: Option<String>| text.and_then(|text| text.parse::<u32>().ok());
                let (from, to) = (number(attribute(start, b"min")?), number(attribute(start, b"max")?));
                around.hidden.extend(from.zip(to));
            }
            b"mergeCell" => {
                let range = attribute(start, b"ref")?.unwrap_or_default();
                let ((left, top), (right, bottom)) =
                    address::range(&range).ok_or_else(|| unreadable(&"a merged area without an address"))?;
                rows_covered += u64::from(bottom - top) + 1;
                if around.merges.len() >= MERGES_MAX || rows_covered > MERGED_ROWS_MAX {
                    return Err(ImportError::Bound(format!("a sheet has at most {MERGES_MAX} merged areas")));
                }
                let index = u32::try_from(around.merges.len()).unwrap_or(u32::MAX);
                (top..=bottom).for_each(|row| around.by_row.entry(row).or_default().push(index));
                around.merges.push(Merge { range: range.into(), columns: (left, right) });
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(around)
}

/// One cell under way.
#[derive(Default)]
struct Open {
    column: u32,
    kind: String,
    style: Option<String>,
    value: String,
    formula: bool,
}

/// Hands over the rows.
pub(super) fn read(
    mut part: Part<'_>,
    shared: &Shared,
    around: &Around,
    rows: &mut dyn Rows,
) -> Result<(), ImportError> {
    let (mut row, mut open): (SheetRow, Option<Open>) = (SheetRow::default(), None);
    let (mut in_value, mut in_rows) = (false, false);
    let mut buffer = Vec::new();
    loop {
        let event = part.next(&mut buffer)?;
        match &event {
            Event::Start(start) | Event::Empty(start) => {
                let empty = matches!(event, Event::Empty(_));
                match start.local_name().as_ref() {
                    b"sheetData" => in_rows = !empty,
                    b"row" if in_rows => {
                        row = begun(start, row.number)?;
                        if empty {
                            finish(&mut row, around, rows)?;
                        }
                    }
                    b"c" if in_rows => {
                        let cell = opened(start, &row)?;
                        if empty { put(&mut row, cell, shared) } else { open = Some(cell) }
                    }
                    b"f" => open.iter_mut().for_each(|cell| cell.formula = true),
                    b"v" | b"t" => in_value = !empty && open.is_some(),
                    _ => {}
                }
            }
            Event::End(end) => match end.local_name().as_ref() {
                b"v" | b"t" => in_value = false,
                b"c" => open.take().into_iter().for_each(|cell| put(&mut row, cell, shared)),
                b"row" => finish(&mut row, around, rows)?,
                b"sheetData" => return Ok(()),
                _ => {}
            },
            Event::Eof => return Ok(()),
            event if in_value => {
                if let Some(cell) = &mut open {
                    add_text(event, &mut cell.value)?;
                    if cell.value.len() > TEXT_BYTES_MAX {
                        return Err(ImportError::Bound(format!("a cell has at most {TEXT_BYTES_MAX} bytes")));
                    }
                }
            }
            _ => {}
        }
    }
}

fn begun(start: &BytesStart<'_>, before: u32) -> Result<SheetRow, ImportError> {
    let number = attribute(start, b"r")?.and_then(|number| number.parse().ok());
    let hidden = is_true(attribute(start, b"hidden")?.as_deref());
    let number = number.unwrap_or(before.saturating_add(1));
    Ok(SheetRow { number, hidden, cells: Vec::with_capacity(16) })
}

fn opened(start: &BytesStart<'_>, row: &SheetRow) -> Result<Open, ImportError> {
    let mut cell = Open::default();
    let mut at = None;
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| unreadable(&error))?;
        let value = attribute.unescape_value().map_err(|error| unreadable(&error))?;
        match attribute.key.as_ref() {
            b"r" => at = address::parse(&value),
            b"t" => cell.kind = value.into_owned(),
            b"s" => cell.style = Some(value.into_owned()),
            _ => {}
        }
    }
    let next = u32::try_from(row.cells.len()).unwrap_or(u32::MAX).saturating_add(1);
    cell.column = at.map_or(next, |(column, _)| column);
    // Behind the last column only blanks may stand; whatever does is told there.
    if cell.column < next || usize::try_from(cell.column).is_ok_and(|column| column > COLUMNS_MAX) {
        let what = format!("row {}: cells stand in order, at most {COLUMNS_MAX} in a row", row.number);
        return Err(ImportError::Bound(what));
    }
    Ok(cell)
}

fn put(row: &mut SheetRow, open: Open, shared: &Shared) {
    let column = usize::try_from(open.column).unwrap_or(usize::MAX);
    row.cells.resize(column.saturating_sub(1), Cell::Blank);
    let text = |text: &str| Cell::of_text(text);
    let cell = match open.kind.as_str() {
        _ if open.formula => Cell::Formula,
        "s" => {
            let index = open.value.trim().parse::<usize>().ok();
            index.and_then(|index| shared.strings.get(index)).map_or(Cell::Blank, |string| text(string))
        }
        "str" | "inlineStr" | "d" => text(&open.value),
        "b" => Cell::Truth(open.value.trim() == "1"),
        "e" => Cell::Fault(open.value.trim().to_owned()),
        _ if open.value.trim().is_empty() => Cell::Blank,
        _ => Cell::Number {
            digits: open.value.trim().to_owned(),
            shown: shared.styles.shown(open.style.as_deref()),
        },
    };
    row.cells.push(cell);
}

fn finish(row: &mut SheetRow, around: &Around, rows: &mut dyn Rows) -> Result<(), ImportError> {
    let last = usize::try_from(around.last_merged(row.number)).unwrap_or(0).min(COLUMNS_MAX);
    if last > row.cells.len() {
        row.cells.resize(last, Cell::Blank);
    }
    for (cell, column) in row.cells.iter_mut().zip(1..) {
        if let Some(range) = around.merge(row.number, column) {
            *cell = Cell::Merged(Arc::clone(range));
        }
    }
    let next = SheetRow { number: row.number, ..SheetRow::default() };
    rows.row(std::mem::replace(row, next))
}
