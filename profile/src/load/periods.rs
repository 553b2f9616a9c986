//! `[[periods]]` and `periods.csv`: windows with a name whose dates a document sets, such as Tết.

use super::{Loading, is_table};
use crate::read::{CsvRow, CsvTable, FileText, Section};
use crate::{DatedPeriod, Periods};

const REQUIRED: [&str; 5] = ["periods", "from", "to", "name", "document"];

pub(super) fn read(sections: Vec<Section<'_>>, texts: &[FileText<'_>], loading: &mut Loading<'_>) {
    let mut ids = Vec::new();
    for section in &sections {
        let (id, name) = (section.text("id"), section.label("name"));
        let Some(id) = id else { continue };
        if !is_window_name(&id) {
            section.mistake("id", format!("\"{id}\" is no name of a window"), NAME);
        }
        if !loading.declared.periods.insert(id.clone()) {
            section.mistake("id", format!("\"{id}\" is declared twice"), "all periods of a kind once");
        }
        let periods = Periods { id: id.clone(), name: name.unwrap_or_default(), dated: Vec::new() };
        loading.profile.periods.insert(id.clone(), periods);
        ids.push(id);
    }
    for file in texts.iter().filter(|file| is_table(file, "periods")) {
        let table = CsvTable::read(*file, "periods", &REQUIRED, &[], loading.found);
        for row in table.into_rows() {
            read_one(&row, loading);
        }
    }
    for (section, id) in sections.iter().zip(&ids) {
        if loading.profile.periods.get(id).is_some_and(|periods| periods.dated.is_empty()) {
            section.mistake("id", format!("no period of \"{id}\" has dates"), "rows in periods.csv");
        }
    }
    sections.into_iter().for_each(Section::finish);
}

const NAME: &str = "small letters, digits, _ and -, beginning with a letter, and no name of a civil window";

/// A name that is no civil window and no span, and may stand in an address.
fn is_window_name(id: &str) -> bool {
    let plain = id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
    plain && id.starts_with(|sign: char| sign.is_ascii_lowercase()) && id != "hour"
}

fn read_one(row: &CsvRow<'_>, loading: &mut Loading<'_>) {
    let id = row.text("periods");
    let (from, to) = (row.text("from").and_then(|_| row.date("from")), row.text("to"));
    let to = to.and_then(|_| row.date("to"));
    let (name, document) = (row.text("name"), row.text("document"));
    let (Some(id), Some(from), Some(to)) = (id, from, to) else { return };
    if from >= to {
        row.mistake("to", "is not after from: it is the first day after the period", "a later date");
    }
    let Some(periods) = loading.profile.periods.get_mut(id) else {
        row.unknown("periods", "kind of periods", id, loading.declared.periods.iter().map(String::as_str));
        return;
    };
    if periods.dated.iter().any(|other| other.from < to && from < other.to) {
        row.mistake("from", format!("overlaps another period of \"{id}\""), "periods apart from each other");
    }
    if let (Some(name), Some(document)) = (name, document) {
        let at = periods.dated.partition_point(|other| other.from < from);
        let period = DatedPeriod { from, to, name: name.to_owned(), document: document.to_owned() };
        periods.dated.insert(at, period);
    }
}
