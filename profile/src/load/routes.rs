//! `[[route]]`: how foreign topics reach a stream and a source.

use nhip_proto::StreamId;

use super::Loading;
use super::streams::read_stream_name;
use crate::read::Section;
use crate::{Path, Route};

/// The dialects of `ingest/src/decode`.
const DIALECTS: &[&str] = &[
    "native-json",
    "native-protobuf",
    "sparkplug-b",
    "json-map",
    "circular-10",
    "onvif-event",
    "onvif-metadata",
    "frigate",
    "axis-event",
    "hikvision-alert",
    "dahua-event",
    "chirpstack-v4",
    "tts-v3",
    "ngsi",
    "sensorthings",
    "open311",
    "zigbee2mqtt",
    "tasmota",
];
/// The dialect that needs a mapping.
const MAPPED: &str = "json-map";
/// What a placeholder of a source template may begin with to be looked up in the payload.
const PAYLOAD: &str = "payload:";

pub(super) fn read(sections: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    for section in sections {
        if let Some(route) = read_route(&section, loading) {
            loading.profile.routes.push(route);
        }
        section.finish();
    }
}

fn read_route(section: &Section<'_>, loading: &Loading<'_>) -> Option<Route> {
    let filter = section.text("filter");
    if let Some(filter) = filter.as_deref().filter(|filter| !is_filter(filter)) {
        section.mistake("filter", format!("\"{filter}\" is no MQTT topic filter"), "a/+/b, a/#");
    }
    let choices: Vec<(&str, &str)> = DIALECTS.iter().map(|name| (*name, *name)).collect();
    let dialect = section.choice("dialect", &choices);
    let stream = read_stream_name(section, loading);
    let source = section.text("source");
    if let (Some(filter), Some(source)) = (&filter, &source) {
        check_placeholders(section, filter, source);
    }
    let each = read_each(section);
    let mapping = read_mapping_name(section, dialect, stream.as_deref(), loading);
    let dialect = dialect?.to_owned();
    Some(Route { filter: filter?, dialect, stream: StreamId::new(&stream?), source: source?, each, mapping })
}

fn read_each(section: &Section<'_>) -> Option<Path> {
    if !section.has("each") {
        return None;
    }
    let text = section.text("each")?;
    let path = Path::parse(&text).filter(|path| path.is_plain() && !path.from_root);
    if path.is_none() {
        let allowed = "/a/b, a.b, or . for the payload itself";
        section.mistake("each", format!("\"{text}\" names no array of the payload"), allowed);
    }
    path
}

fn read_mapping_name(
    section: &Section<'_>,
    dialect: Option<&str>,
    stream: Option<&str>,
    loading: &Loading<'_>,
) -> Option<String> {
    if dialect == Some(MAPPED) {
        let id = section.text("mapping")?;
        if !loading.declared.mappings.contains(&id) {
            section.unknown("mapping", "mapping", &id, loading.declared.mappings.iter().map(String::as_str));
        }
        check_mapping_fits(section, &id, stream, loading);
        return Some(id);
    }
    if section.has("mapping") {
        section.mistake("mapping", "is read by the dialect json-map only", "dialect = \"json-map\"");
    }
    None
}

/// What a mapping reads, the stream must carry; else it would be decoded and lost.
fn check_mapping_fits(section: &Section<'_>, id: &str, stream: Option<&str>, loading: &Loading<'_>) {
    let mapping = loading.profile.mappings.get(id);
    let stream = stream.and_then(|stream| loading.profile.streams.get(stream));
    let Some((mapping, stream)) = mapping.zip(stream) else { return };
    for value in mapping.values.iter().filter(|value| !stream.quantities.contains_key(&value.name)) {
        let reason = format!("mapping \"{id}\" reads \"{}\", which the stream does not carry", value.name);
        section.mistake("mapping", reason, "quantities of the stream");
    }
    for state in &mapping.states {
        if stream.things.contains(&state.name) {
            continue;
        }
        let Some(words) = stream.states.get(&state.name) else {
            let reason =
                format!("mapping \"{id}\" reads \"{}\", which the stream does not carry", state.name);
            section.mistake("mapping", reason, "states of the stream");
            continue;
        };
        let meant = state.words.values().chain(&state.absent);
        for word in meant.filter(|word| !words.contains(word)) {
            let reason = format!("mapping \"{id}\" says \"{word}\", no word of \"{}\"", state.name);
            section.mistake("mapping", reason, words.join(", "));
        }
    }
}

/// MQTT 5 §4.7: `+` and `#` stand alone in their level, `#` only at the end.
fn is_filter(filter: &str) -> bool {
    let levels: Vec<&str> = filter.split('/').collect();
    let last = levels.len().saturating_sub(1);
    levels.iter().enumerate().all(|(at, level)| match *level {
        "+" => true,
        "#" => at == last,
        word => !word.contains(['+', '#', '\0']),
    })
}

fn check_placeholders(section: &Section<'_>, filter: &str, source: &str) {
    let levels = filter.split('/').count();
    let open_end = filter.ends_with('#');
    for part in source.split('{').skip(1) {
        let inner = part.split_once('}').map(|(inner, _)| inner);
        if let Some(path) = inner.and_then(|inner| inner.strip_prefix(PAYLOAD)) {
            if Path::parse(path).is_none() {
                section.mistake("source", format!("\"{path}\" is no path"), "{payload:/a/b}");
                return;
            }
            continue;
        }
        let number = inner.and_then(|number| number.parse::<usize>().ok());
        if number.is_none_or(|number| number >= levels && !open_end) {
            let allowed = format!("{{0}} … {{{}}}, {{payload:/a/b}}", levels.saturating_sub(1));
            section.mistake("source", format!("\"{source}\" names no level of the filter"), allowed);
            return;
        }
    }
}
