//! `duties` and `units`: who owes what since when, and whom to call.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use nhip_profile::{Label, Profile, SourceState, Unit};
use nhip_proto::{Badge, Duty, DutyKind};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Node;
use super::figures::badge_json;
use super::lists::{Asked, Page, PageOnly};
use super::problem::Problem;
use super::times::{Zone, civil_date};
use crate::snapshot::label_json;

/// Parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DutiesAsked {
    unit: Option<String>,
    kind: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// `GET /api/v1/duties?unit=&kind=&limit=&cursor=` (`unit`: it and the units that belong to it)
pub(crate) async fn duties(
    State(node): State<Arc<Node>>,
    Asked(asked): Asked<DutiesAsked>,
) -> Result<Response, Problem> {
    let page = Page::new(asked.limit, asked.cursor.as_deref(), &node.config)?;
    let profile = node.profile();
    let unknown = Problem::unprocessable("kind is none there is");
    let kind = asked.kind.as_deref().map(|word| kind_of(word).ok_or(unknown)).transpose()?;
    if let Some(unit) = &asked.unit
        && !profile.units.contains_key(unit)
    {
        return Err(Problem::not_found("the profile has no such unit"));
    }
    let answer = node.parts.analysis.duties().await;
    let (offset, tick, mut rows) = answer.map_err(|error| Problem::of_analysis(&error))?;
    rows.retain(|duty| {
        kind.is_none_or(|kind| kind == duty.kind)
            && asked.unit.as_ref().is_none_or(|unit| belongs(&profile, &duty.unit, unit))
    });
    rows.sort_by_cached_key(key);
    let zone = Zone::of(&profile.zone);
    let more = json!({"offset": offset.0, "tick": zone.arrival_or_null(tick), "counts": counts(&rows)});
    Ok(page.of(rows, key, |duty| duty_json(&profile, &zone, &duty), more))
}

/// `GET /api/v1/units`
pub(crate) async fn units(
    State(node): State<Arc<Node>>,
    Asked(page): Asked<PageOnly>,
) -> Result<Response, Problem> {
    let page = page.page(&node.config)?;
    let answer = node.parts.analysis.duties().await;
    let (offset, tick, rows) = answer.map_err(|error| Problem::of_analysis(&error))?;
    let profile = node.profile();
    let today = tick.and_then(|tick| civil_date(&profile.zone, tick));
    let badges = node.hub.boards().unit_badges().clone();
    let sources = sources_by_unit(&profile, today);
    let zone = Zone::of(&profile.zone);
    let show = |unit: &Unit| {
        let owed: Vec<Duty> =
            rows.iter().filter(|duty| belongs(&profile, &duty.unit, &unit.id)).cloned().collect();
        let badge = badges.get(&unit.id).copied().unwrap_or_default();
        let states = sources.get(unit.id.as_str()).copied().unwrap_or_default();
        unit_json(unit, &owed, &badge, states, today)
    };
    let more = json!({"offset": offset.0, "tick": zone.arrival_or_null(tick)});
    Ok(page.of(profile.units.values(), |unit| unit.id.clone(), show, more))
}

fn kind_of(word: &str) -> Option<DutyKind> {
    DutyKind::ALL.iter().find(|kind| kind.as_str() == word).copied()
}

/// Whether a unit is the other one or belongs to it.
fn belongs(profile: &Profile, unit: &str, other: &str) -> bool {
    let chain = profile.units.get(unit).map_or_else(Vec::new, |unit| profile.unit_chain(unit));
    chain.iter().any(|unit| unit.id == other)
}

fn key(duty: &Duty) -> String {
    format!("{}\u{1}{}\u{1}{}", duty.unit, duty.source, duty.stream)
}

fn counts(duties: &[Duty]) -> Value {
    let count = |kind: &DutyKind| duties.iter().filter(|duty| duty.kind == *kind).count();
    let counts = DutyKind::ALL.iter().map(|kind| (kind.as_str().to_owned(), Value::from(count(kind))));
    Value::Object(counts.collect())
}

fn duty_json(profile: &Profile, zone: &Zone, duty: &Duty) -> Value {
    let unit = profile.units.get(&duty.unit);
    let source = profile.sources.get(&duty.source);
    let nameless = Label::default();
    json!({
        "unit": duty.unit,
        "unit_name": label_json(&unit.map_or_else(|| Label::same(&duty.unit), |unit| unit.name.clone())),
        "phone": unit.map_or("", |unit| unit.phone.as_str()),
        "source": duty.source.as_str(),
        "name": label_json(source.map_or(&nameless, |source| &source.name)),
        "area": profile.source_area(&duty.source).as_str(),
        "stream": duty.stream.as_str(),
        "kind": duty.kind.as_str(),
        "since": zone.arrival(duty.since),
        "deadline": zone.arrival_or_null(duty.deadline),
        "received": duty.received,
        "expected": duty.expected,
        "last_heard": zone.arrival_or_null(duty.last_heard),
        "event_time": zone.event_or_null(duty.event_time),
    })
}

/// Connected, committed and wanted sources of each unit and of those that belong to it.
fn sources_by_unit(profile: &Profile, today: Option<Date>) -> BTreeMap<&str, [usize; 3]> {
    let mut counts: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for source in profile.sources.values() {
        let unit = match today {
            Some(today) => profile.unit_on(&source.owner, today),
            None => profile.units.get(&source.owner),
        };
        let state = match source.state {
            SourceState::Connected => 0,
            SourceState::Committed => 1,
            SourceState::None => 2,
        };
        for unit in unit.map_or_else(Vec::new, |unit| profile.unit_chain(unit)) {
            if let Some(count) = counts.entry(unit.id.as_str()).or_default().get_mut(state) {
                *count += 1;
            }
        }
    }
    counts
}

fn unit_json(
    unit: &Unit,
    owed: &[Duty],
    badge: &Badge,
    [connected, committed, none]: [usize; 3],
    today: Option<Date>,
) -> Value {
    let date = |date: Option<Date>| date.map(|date| date.to_string());
    json!({
        "id": unit.id,
        "name": label_json(&unit.name),
        "phone": unit.phone,
        "parent": unit.parent,
        "successor": unit.successor,
        "valid_from": date(unit.valid.from),
        "valid_to": date(unit.valid.to),
        "valid": today.is_some_and(|today| unit.valid.holds_on(today)),
        "sources": {"connected": connected, "committed": committed, "none": none},
        "duties": counts(owed),
        "badge": badge_json(badge),
    })
}
