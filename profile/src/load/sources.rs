//! `sources.csv`: who sends, on which stream, from where, and who answers for it.

use std::collections::BTreeSet;

use nhip_proto::{AreaCode, SourceId, StreamId};

use super::{Loading, TOPIC_LEVEL, is_table, is_topic_level};
use crate::read::{CsvRow, CsvTable, FileText};
use crate::{Label, Source};

const REQUIRED: [&str; 6] = ["id", "stream", "area", "name", "name_en", "owner"];
const OPTIONAL: [&str; 2] = ["cadence", "lateness"];

pub(super) fn read(texts: &[FileText<'_>], loading: &mut Loading<'_>) {
    let mut declared = BTreeSet::new();
    for file in texts.iter().filter(|file| is_table(file, "sources")) {
        let table = CsvTable::read(*file, "source", &REQUIRED, &OPTIONAL, loading.found);
        for row in table.into_rows() {
            if let Some(source) = read_one(&row, loading, &mut declared) {
                loading.profile.sources.insert(source.id.clone(), source);
            }
        }
    }
    for file in texts.iter().filter(|file| file.path.ends_with(".csv")) {
        if !is_table(file, "sources") && !is_table(file, "areas") {
            loading.found.add_whole(file.path, "", "is no table of a profile", "areas*.csv, sources*.csv");
        }
    }
}

fn read_one(row: &CsvRow<'_>, loading: &Loading<'_>, declared: &mut BTreeSet<SourceId>) -> Option<Source> {
    let id = row.text("id");
    if let Some(id) = id {
        if !is_topic_level(id) {
            row.mistake("id", format!("\"{id}\" cannot stand in a topic"), TOPIC_LEVEL);
        }
        if !declared.insert(SourceId::new(id)) {
            row.mistake("id", format!("\"{id}\" is declared twice"), "each source once");
        }
    }
    let stream = row.text("stream");
    if let Some(stream) = stream.filter(|stream| !loading.declared.streams.contains(*stream)) {
        row.unknown("stream", "stream", stream, loading.declared.streams.iter().map(String::as_str));
    }
    let area = row.text("area");
    if let Some(area) = area.filter(|area| !loading.declared.areas.contains(*area)) {
        row.unknown("area", "area", area, loading.declared.areas.iter().map(String::as_str));
    }
    let (name, name_en, owner) = (row.text("name"), row.text("name_en"), row.text("owner"));
    let (cadence, lateness) = (row.span("cadence"), row.span("lateness"));
    Some(Source {
        id: SourceId::new(id?),
        stream: StreamId::new(stream?),
        area: AreaCode::new(area?),
        name: Label { vi: name?.to_owned(), en: name_en?.to_owned() },
        owner: owner?.to_owned(),
        cadence,
        lateness,
    })
}
