//! `[[domain]]` and `[[indicator]]`: what is computed, over which windows, who answers for it.

use nhip_proto::{IndicatorId, StreamId};

use super::aggregates::{read_aggregate, read_filters};
use super::quantities::read_unit;
use super::streams::read_stream_name;
use super::units::check_owner;
use super::{Loading, TOPIC_LEVEL, is_topic_level};
use crate::access::named_zone;
use crate::read::Section;
use crate::story::parse_story;
use crate::{CalendarUnit, Direction, Domain, Indicator, IndicatorTest, Window, parse_span};

/// The most digits shown behind the point.
const SCALE_MAX: u8 = 6;
/// Digits of a share such as `completeness_min`.
const SHARE_SCALE: u8 = 4;

const DIRECTIONS: [(&str, Direction); 3] =
    [("worse", Direction::Worse), ("better", Direction::Better), ("neutral", Direction::Neutral)];

const WINDOWS: &str = "5m, 1h, 24h … of fixed length; hour, 1d, 1mo, 1y of the civil calendar";

pub(super) fn read_domains(sections: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    for section in sections {
        let (id, name) = (section.text("id"), section.label("name"));
        if let Some(id) = id {
            if !loading.declared.domains.insert(id.clone()) {
                section.mistake("id", format!("\"{id}\" is declared twice"), "each domain once");
            }
            loading.profile.domains.push(Domain { id, name: name.unwrap_or_default() });
        }
        section.finish();
    }
}

pub(super) fn read(sections: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    for section in sections {
        if let Some(indicator) = read_one(&section, loading) {
            loading.profile.indicators.insert(indicator.id.clone(), indicator);
        }
        section.finish();
    }
}

fn read_one(section: &Section<'_>, loading: &mut Loading<'_>) -> Option<Indicator> {
    let id = read_id(section, loading);
    let name = section.label("name");
    let domain = read_domain(section, loading);
    let unit = read_unit(section, "unit");
    let scale = section.whole("scale", SCALE_MAX);
    let (owner, basis) = (section.text("owner"), section.text("basis"));
    if let Some(owner) = &owner {
        check_owner(section, owner, loading);
    }
    let stream = read_stream_name(section, loading);
    let known = stream.as_deref().and_then(|id| loading.profile.streams.get(id));
    let aggregate = read_aggregate(section, known, loading);
    let filter = read_filters(section, "where", known, loading);
    let window = read_window(section);
    let direction = section.choice("direction", &DIRECTIONS);
    let completeness = if section.has("completeness_min") { read_share(section) } else { Some(0.0) };
    let staleness = section.span_or("staleness", known.map_or(0, |stream| stream.staleness));
    let cadence = section.span_or("cadence", known.map_or(0, |stream| stream.cadence));
    let tests = section.sections("test").into_iter().filter_map(|test| read_test(test, loading)).collect();
    if let (Some(aggregate), Some(unit)) = (&aggregate, &unit) {
        super::aggregates::check_unit(section, aggregate, unit, loading);
    }
    Some(Indicator {
        id: IndicatorId::new(&id?),
        name: name?,
        domain: domain?,
        unit: unit?,
        scale: scale?,
        owner: owner?,
        basis: basis?,
        stream: StreamId::new(&stream?),
        aggregate: aggregate?,
        filter,
        window: window?,
        direction: direction?,
        completeness_min: completeness?,
        staleness,
        cadence,
        definition: [0; 16],
        text: definition_text(section),
        tests,
        group: None,
        readings_min: None,
        reconcile: None,
    })
}

fn read_id(section: &Section<'_>, loading: &mut Loading<'_>) -> Option<String> {
    let id = section.text("id")?;
    if !is_topic_level(&id) {
        section.mistake("id", format!("\"{id}\" is no plain word"), TOPIC_LEVEL);
    }
    if !loading.declared.indicators.insert(id.clone()) {
        section.mistake("id", format!("\"{id}\" is declared twice"), "each indicator once");
    }
    Some(id)
}

fn read_domain(section: &Section<'_>, loading: &Loading<'_>) -> Option<String> {
    let domain = section.text("domain")?;
    if loading.declared.domains.contains(&domain) {
        return Some(domain);
    }
    section.unknown("domain", "domain", &domain, loading.declared.domains.iter().map(String::as_str));
    None
}

fn read_window(section: &Section<'_>) -> Option<Window> {
    let text = section.text("window")?;
    let window = match text.as_str() {
        "hour" => Some(Window::Calendar(CalendarUnit::Hour)),
        "1d" => Some(Window::Calendar(CalendarUnit::Day)),
        "1mo" => Some(Window::Calendar(CalendarUnit::Month)),
        "1y" => Some(Window::Calendar(CalendarUnit::Year)),
        span if span.ends_with('d') => None,
        span => parse_span(span).filter(|span| *span > 0).map(Window::Tumbling),
    };
    if window.is_none() {
        section.mistake("window", format!("\"{text}\" is no window"), WINDOWS);
    }
    window
}

fn read_share(section: &Section<'_>) -> Option<f64> {
    let share = section.number("completeness_min", SHARE_SCALE)?;
    let whole = 10_i128.pow(u32::from(SHARE_SCALE));
    if !(0..=whole).contains(&share) {
        section.mistake("completeness_min", "is no share", "0 to 1");
        return None;
    }
    Some(share as f64 / whole as f64)
}

fn read_test(section: Section<'_>, loading: &Loading<'_>) -> Option<IndicatorTest> {
    let (name, story) = (section.text("name"), section.text("story"));
    let at = section.at_key("story");
    let quoted = at.file.text.get(at.offset..).unwrap_or_default();
    // A newline right behind the quotes is not part of the text.
    let below = ["'''\n", "\"\"\"\n", "'''\r\n", "\"\"\"\r\n"].iter().any(|open| quoted.starts_with(open));
    let line = at.line_column().0 + u32::from(below);
    let path = at.file.path;
    section.finish();
    if let (Some(story), Some(zone)) = (&story, named_zone(&loading.profile.zone)) {
        for mistake in parse_story(path, line, story, &zone).err().unwrap_or_default() {
            loading.found.add_known(mistake);
        }
    }
    Some(IndicatorTest { name: name?, story: story?, at: format!("{path}:{line}") })
}

/// The lines of the indicator as they stand in the file, without its tests.
fn definition_text(section: &Section<'_>) -> String {
    let at = section.at();
    let text = at.file.text;
    let start = text.get(..at.offset).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let lines = text.get(start..).unwrap_or_default().lines();
    let own = lines.enumerate().take_while(|(at, line)| *at == 0 || !line.starts_with("[["));
    let mut kept: Vec<&str> = own.map(|(_, line)| line).collect();
    // What stands above the next table speaks of that one.
    while kept.last().is_some_and(|line| line.trim().is_empty() || line.starts_with('#')) {
        kept.pop();
    }
    kept.join("\n")
}
