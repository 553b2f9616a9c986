//! `units.csv`: agencies with phone, parent, validity and successor; and that every owner is one of them.

use std::collections::BTreeMap;

use super::{Loading, TOPIC_LEVEL, is_table, is_topic_level};
use crate::read::{CsvRow, CsvTable, FileText, Section};
use crate::{Label, Unit, Validity};

const REQUIRED: [&str; 3] = ["id", "name", "name_en"];
const OPTIONAL: [&str; 5] = ["phone", "parent", "successor", "valid_from", "valid_to"];
/// The longest phone number kept, with its spaces.
const PHONE_BYTES_MAX: usize = 32;

pub(super) fn read(texts: &[FileText<'_>], loading: &mut Loading<'_>) {
    let files = texts.iter().filter(|file| is_table(file, "units"));
    let tables = files.map(|file| CsvTable::read(*file, "unit", &REQUIRED, &OPTIONAL, loading.found));
    let rows: Vec<CsvRow<'_>> = tables.flat_map(CsvTable::into_rows).collect();
    for row in &rows {
        let Some(id) = row.text("id") else { continue };
        if !is_topic_level(id) {
            row.mistake("id", format!("\"{id}\" is no plain word"), TOPIC_LEVEL);
        }
        if !loading.declared.units.insert(id.to_owned()) {
            row.mistake("id", format!("\"{id}\" is declared twice"), "each unit once");
        }
    }
    for row in &rows {
        check_link(row, "parent", loading);
        check_link(row, "successor", loading);
        if let Some(unit) = read_one(row) {
            loading.profile.units.insert(unit.id.clone(), unit);
        }
    }
    for row in &rows {
        check_chains(row, &loading.profile.units);
    }
}

/// Notes an owner that is no unit, where the profile declares units.
pub(super) fn check_owner(section: &Section<'_>, owner: &str, loading: &Loading<'_>) {
    if is_stranger(owner, loading) {
        section.unknown("owner", "unit", owner, loading.declared.units.iter().map(String::as_str));
    }
}

/// The same in a table.
pub(super) fn check_owner_cell(row: &CsvRow<'_>, owner: &str, loading: &Loading<'_>) {
    if is_stranger(owner, loading) {
        row.unknown("owner", "unit", owner, loading.declared.units.iter().map(String::as_str));
    }
}

fn is_stranger(owner: &str, loading: &Loading<'_>) -> bool {
    !loading.declared.units.is_empty() && !loading.declared.units.contains(owner)
}

fn read_one(row: &CsvRow<'_>) -> Option<Unit> {
    let valid = Validity { from: row.date("valid_from"), to: row.date("valid_to") };
    if let (Some(from), Some(to)) = (valid.from, valid.to)
        && from >= to
    {
        row.mistake("valid_to", "is not after valid_from", "a later date, or nothing");
    }
    if row.optional("successor").is_some() && row.optional("valid_to").is_none() {
        row.mistake("successor", "takes over from a unit without end", "valid_to, or no successor");
    }
    let phone = row.optional("phone").unwrap_or_default();
    let dialled = |sign: char| sign.is_ascii_digit() || matches!(sign, '+' | ' ' | '.' | '-' | '(' | ')');
    if phone.len() > PHONE_BYTES_MAX || !phone.chars().all(dialled) {
        row.mistake("phone", format!("\"{phone}\" is no phone number"), "0276 3822 233, +84 276 3822233");
    }
    let (name, name_en) = (row.text("name"), row.text("name_en"));
    Some(Unit {
        id: row.optional("id")?.to_owned(),
        name: Label { vi: name?.to_owned(), en: name_en?.to_owned() },
        phone: phone.to_owned(),
        parent: row.optional("parent").map(str::to_owned),
        successor: row.optional("successor").map(str::to_owned),
        valid,
    })
}

fn check_link(row: &CsvRow<'_>, column: &str, loading: &Loading<'_>) {
    let Some(other) = row.optional(column) else { return };
    if row.optional("id") == Some(other) {
        row.mistake(column, "is the unit itself", "another unit, or nothing");
    } else if !loading.declared.units.contains(other) {
        row.unknown(column, "unit", other, loading.declared.units.iter().map(String::as_str));
    }
}

/// Chains must end, and a successor must be there on the day it takes over.
fn check_chains(row: &CsvRow<'_>, units: &BTreeMap<String, Unit>) {
    let Some(unit) = row.optional("id").and_then(|id| units.get(id)) else { return };
    if circles(unit, units, |unit| unit.parent.as_ref()) {
        row.mistake("parent", "leads back to the unit itself", "a chain that ends");
    }
    if circles(unit, units, |unit| unit.successor.as_ref()) {
        row.mistake("successor", "leads back to the unit itself", "a chain that ends");
        return;
    }
    let successor = unit.successor.as_ref().and_then(|id| units.get(id));
    if let (Some(successor), Some(end)) = (successor, unit.valid.to)
        && !successor.valid.holds_on(end)
        && (successor.successor.is_none() || successor.valid.from.is_some_and(|from| from > end))
    {
        let reason = format!("\"{}\" is not valid on {end}, the day it takes over", successor.id);
        row.mistake("successor", reason, "a unit valid on that day");
    }
}

fn circles<'a>(
    unit: &'a Unit,
    units: &'a BTreeMap<String, Unit>,
    link: impl Fn(&'a Unit) -> Option<&'a String>,
) -> bool {
    // Links of a unit to itself are told where they stand.
    let next = |unit: &&'a Unit| link(unit).and_then(|id| units.get(id));
    let chain = std::iter::successors(next(&unit), next).take(units.len());
    let direct = link(unit) == Some(&unit.id);
    !direct && chain.into_iter().any(|other| other.id == unit.id)
}
