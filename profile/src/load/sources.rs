//! `sources.csv`: who sends, on which stream, from where, and who answers for it.

use std::collections::BTreeSet;

use nhip_proto::{AreaCode, Decimal, Place, SourceId, StreamId};

use super::units::check_owner_cell;
use super::{Loading, TOPIC_LEVEL, is_table, is_topic_level};
use crate::read::{CsvRow, CsvTable, FileText};
use crate::{Label, Source, SourceState};

const REQUIRED: [&str; 6] = ["id", "stream", "area", "name", "name_en", "owner"];
const OPTIONAL: [&str; 6] = ["cadence", "lateness", "state", "group", "longitude", "latitude"];
/// The tables of a profile, for what is none of them.
const TABLES: [&str; 6] = ["areas", "sources", "units", "calendars", "periods", "crosswalk"];
const STATES: [SourceState; 3] = [SourceState::Connected, SourceState::Committed, SourceState::None];
/// Digits behind the point of a position.
const DEGREE_SCALE: u8 = 7;

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
        if !TABLES.iter().any(|stem| is_table(file, stem)) {
            let allowed = TABLES.map(|stem| format!("{stem}*.csv")).join(", ");
            loading.found.add_whole(file.path, "", "is no table of a profile", allowed);
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
    if let Some(owner) = owner {
        check_owner_cell(row, owner, loading);
    }
    let (cadence, lateness) = (row.span("cadence"), row.span("lateness"));
    let (state, position) = (read_state(row), read_position(row));
    Some(Source {
        id: SourceId::new(id?),
        stream: StreamId::new(stream?),
        area: AreaCode::new(area?),
        name: Label { vi: name?.to_owned(), en: name_en?.to_owned() },
        owner: owner?.to_owned(),
        cadence,
        lateness,
        state,
        group: row.optional("group").unwrap_or_default().to_owned(),
        position,
    })
}

fn read_state(row: &CsvRow<'_>) -> SourceState {
    let Some(word) = row.optional("state") else { return SourceState::Connected };
    let state = STATES.into_iter().find(|state| state.as_str() == word);
    if state.is_none() {
        row.unknown("state", "state of a source", word, STATES.map(SourceState::as_str));
    }
    state.unwrap_or_default()
}

fn read_position(row: &CsvRow<'_>) -> Option<Place> {
    let degrees = |column: &str, most: i128| {
        let text = row.optional(column)?;
        let exact = Decimal::parse(text).ok().and_then(|decimal| decimal.at_scale(DEGREE_SCALE));
        let inside = exact.filter(|degrees| degrees.abs() <= most * 10_i128.pow(u32::from(DEGREE_SCALE)));
        if inside.is_none() {
            row.mistake(
                column,
                format!("\"{text}\" is no such place on earth"),
                format!("-{most} to {most}"),
            );
        }
        inside.and_then(|degrees| i32::try_from(degrees).ok())
    };
    if row.optional("longitude").is_some() != row.optional("latitude").is_some() {
        row.mistake("longitude", "a position needs longitude and latitude", "both or none");
    }
    let (longitude, latitude) = (degrees("longitude", 180), degrees("latitude", 90));
    Some(Place { longitude_e7: longitude?, latitude_e7: latitude? })
}
