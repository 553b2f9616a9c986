//! `[[stream]]`: how items of one kind behave in time.

use std::collections::{BTreeMap, BTreeSet};

use nhip_proto::{MINUTE, Span, StreamId};

use super::badges::CLASSES;
use super::calendars::read_time;
use super::statistics::read_statistic;
use super::{Loading, TOPIC_LEVEL, is_topic_level};
use crate::access::zone_names;
use crate::read::Section;
use crate::unit::all_units;
use crate::{Class, Deadline, Identity, Stream, canonical_unit, convertible, named_zone};

const HOUR: Span = 60 * MINUTE;
/// Default of `lateness`.
const LATENESS: Span = HOUR;
/// Default of `horizon`.
const HORIZON: Span = 72 * HOUR;
/// Default of `skew`, and the most `disorder` is by default.
const MINUTES: Span = 5 * MINUTE;
/// Default of `staleness`, in cadences.
const STALE_CADENCES: Span = 3;

/// Stands for the codes of all areas in place of a state's words.
const ALL_AREAS: &str = "areas";
/// Stands for the ids of all units.
const ALL_UNITS: &str = "units";

const IDENTITIES: [(&str, Identity); 5] = [
    ("id", Identity::Id),
    ("sequence", Identity::Sequence),
    ("time", Identity::Time),
    ("time_content", Identity::TimeContent),
    ("none", Identity::None),
];

pub(super) fn read_streams(sections: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    for section in sections {
        if let Some(stream) = read_stream(&section, loading) {
            loading.profile.streams.insert(stream.id.clone(), stream);
        }
        section.finish();
    }
}

fn read_stream(section: &Section<'_>, loading: &mut Loading<'_>) -> Option<Stream> {
    let id = section.text("id");
    if let Some(id) = &id {
        if !is_topic_level(id) {
            section.mistake("id", format!("\"{id}\" cannot stand in a topic"), TOPIC_LEVEL);
        }
        if !loading.declared.streams.insert(id.clone()) {
            section.mistake("id", format!("\"{id}\" is declared twice"), "each stream once");
        }
    }
    let label = section.label("name");
    let class = if section.has("class") { section.choice("class", &CLASSES) } else { Some(Class::default()) };
    let deadline = read_deadline(section, loading);
    let identity = section.choice("identity", &IDENTITIES);
    let cadence = section.span("cadence");
    let usual = cadence.unwrap_or(MINUTE);
    let stamp =
        if section.has("stamp") { section.choice("stamp", &[("start", true), ("end", false)]) } else { None };
    let quantities = read_quantities(section, loading);
    let states = read_states(section, &quantities, loading);
    let things = read_things(section, &quantities, &states);
    let place = read_place(section, &states, loading);
    let statistic = read_statistic(section, &quantities, &states);
    let disorder = section.span_or("disorder", usual.min(MINUTES));
    let lateness = section.span_or("lateness", LATENESS);
    let horizon = section.span_or("horizon", HORIZON);
    let staleness = section.span_or("staleness", usual.saturating_mul(STALE_CADENCES));
    let skew = section.span_or("skew", MINUTES);
    let key_class = section.text_or("key_class", id.as_deref().unwrap_or_default());
    if section.has("key_class") && !is_topic_level(&key_class) {
        section.mistake("key_class", format!("\"{key_class}\" cannot stand in a key's id"), TOPIC_LEVEL);
    }
    let open = section.flag("open");
    let zone = section.has("zone").then(|| section.text("zone")).flatten();
    if let Some(zone) = zone.as_deref().filter(|zone| named_zone(zone).is_none()) {
        section.unknown("zone", "time zone", zone, zone_names());
    }
    Some(Stream {
        id: StreamId::new(&id?),
        label: label?,
        class: class?,
        deadline,
        key_class,
        zone,
        identity: identity?,
        cadence: cadence?,
        disorder,
        lateness,
        horizon,
        staleness,
        skew,
        open,
        stamp_is_start: stamp.unwrap_or(false),
        quantities,
        states,
        things,
        place,
        statistic,
    })
}

fn read_deadline(section: &Section<'_>, loading: &Loading<'_>) -> Option<Deadline> {
    let calendar = section.has("calendar").then(|| section.text("calendar")).flatten();
    if let Some(id) = calendar.as_ref().filter(|id| !loading.declared.calendars.contains(*id)) {
        section.unknown("calendar", "calendar", id, loading.declared.calendars.iter().map(String::as_str));
    }
    if !section.has("deadline") {
        if calendar.is_some() {
            section.mistake("calendar", "says which days are due, and there is no deadline", "deadline too");
        }
        return None;
    }
    Some(Deadline { at: read_time(section, "deadline")?, calendar })
}

fn read_quantities(section: &Section<'_>, loading: &Loading<'_>) -> BTreeMap<String, String> {
    let mut quantities = BTreeMap::new();
    for (at, name, units) in section.free_words("quantities") {
        let key = format!("{}.{name}", section.full("quantities"));
        if !loading.declared.quantities.contains(&name) {
            let known = loading.declared.quantities.iter().map(String::as_str);
            loading.found.add_unknown(at, &key, "quantity", &name, known);
        }
        let [(unit_at, unit)] = units.as_slice() else {
            loading.found.add(at, &key, "is no single unit", "\"µg/m³\"");
            quantities.insert(name, String::new());
            continue;
        };
        let Some(unit) = canonical_unit(unit) else {
            loading.found.add_unknown(*unit_at, &key, "unit", unit, all_units());
            quantities.insert(name, String::new());
            continue;
        };
        if let Some(quantity) = loading.profile.quantities.get(&name)
            && !convertible(unit, &quantity.unit)
        {
            let reason = format!("{unit} does not convert into {}", quantity.unit);
            loading.found.add(*unit_at, &key, reason, "a unit of the same kind");
        }
        quantities.insert(name, unit.to_owned());
    }
    quantities
}

fn read_states(
    section: &Section<'_>,
    quantities: &BTreeMap<String, String>,
    loading: &Loading<'_>,
) -> BTreeMap<String, Vec<String>> {
    let mut states = BTreeMap::new();
    for (_, name, words) in section.free_words("states") {
        let words: Vec<String> = words.into_iter().map(|(_, word)| word).collect();
        let words = match words.as_slice() {
            [all] if all == ALL_AREAS => loading.declared.areas.iter().cloned().collect(),
            [all] if all == ALL_UNITS => loading.declared.units.iter().cloned().collect(),
            _ => words,
        };
        let mut once = words.clone();
        once.sort();
        once.dedup();
        if words.is_empty() || once.len() != words.len() {
            section.mistake("states", format!("\"{name}\" has no state or one twice"), "each state once");
        }
        if quantities.contains_key(&name) {
            section.mistake("states", format!("\"{name}\" is a quantity too"), "one of the two");
        }
        states.insert(name, words);
    }
    states
}

fn read_things(
    section: &Section<'_>,
    quantities: &BTreeMap<String, String>,
    states: &BTreeMap<String, Vec<String>>,
) -> BTreeSet<String> {
    let mut things = BTreeSet::new();
    for name in things_of(section) {
        if quantities.contains_key(&name) || states.contains_key(&name) {
            section.mistake("things", format!("\"{name}\" is a quantity or state too"), "one of the three");
        }
        if !things.insert(name.clone()) {
            section.mistake("things", format!("\"{name}\" is named twice"), "each name once");
        }
    }
    things
}

fn things_of(section: &Section<'_>) -> Vec<String> {
    let words = section.has("things").then(|| section.words("things")).flatten();
    words.into_iter().flatten().map(|(_, word)| word).collect()
}

/// The state whose words are codes of areas.
fn read_place(
    section: &Section<'_>,
    states: &BTreeMap<String, Vec<String>>,
    loading: &Loading<'_>,
) -> Option<String> {
    let name = section.has("place").then(|| section.text("place")).flatten()?;
    let Some(words) = states.get(&name) else {
        section.unknown("place", "state", &name, states.keys().map(String::as_str));
        return None;
    };
    if let Some(word) = words.iter().find(|word| !loading.declared.areas.contains(*word)) {
        section.mistake(
            "place",
            format!("\"{word}\" of \"{name}\" is no area"),
            "a state of area codes, or \"areas\"",
        );
    }
    Some(name)
}

/// The name of a declared stream at the key `stream`.
pub(super) fn read_stream_name(section: &Section<'_>, loading: &Loading<'_>) -> Option<String> {
    let stream = section.text("stream")?;
    if loading.declared.streams.contains(&stream) {
        return Some(stream);
    }
    section.unknown("stream", "stream", &stream, loading.declared.streams.iter().map(String::as_str));
    None
}
