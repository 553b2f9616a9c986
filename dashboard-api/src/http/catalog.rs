//! What the profile declares: indicators, areas, sources.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use nhip_profile::{Area, Indicator, Label, Profile, Severity, Source, Threshold};
use nhip_proto::{AreaCode, Decimal, Place, SourceId, StreamId};
use serde_json::{Value, json};

use super::Node;
use super::figures::badge_json;
use super::lists::{Asked, PageOnly};
use super::problem::Problem;
use super::targets::{baselines_of, targets_of};
use super::times::{Zone, civil_date};
use crate::snapshot::{direction_word, label_json, number, seconds};

/// `GET /api/v1/indicators`
pub(crate) async fn indicators(
    State(node): State<Arc<Node>>,
    Asked(page): Asked<PageOnly>,
) -> Result<Response, Problem> {
    let profile = node.profile();
    let page = page.page(&node.config)?;
    let show = |indicator: &Indicator| indicator_json(&profile, indicator);
    Ok(page.of(profile.indicators.values(), |indicator| indicator.id.to_string(), show, Value::Null))
}

/// `GET /api/v1/areas`
pub(crate) async fn areas(
    State(node): State<Arc<Node>>,
    Asked(page): Asked<PageOnly>,
) -> Result<Response, Problem> {
    let profile = node.profile();
    let page = page.page(&node.config)?;
    Ok(page.of(profile.areas.values(), |area| area.code.to_string(), area_json, Value::Null))
}

/// `GET /api/v1/sources`
pub(crate) async fn sources(
    State(node): State<Arc<Node>>,
    Asked(page): Asked<PageOnly>,
) -> Result<Response, Problem> {
    let page = page.page(&node.config)?;
    let rows = node.parts.analysis.sources().await.map_err(|error| Problem::of_analysis(&error))?;
    let profile = node.profile();
    let zone = Zone::of(&profile.zone);
    let declared: &BTreeMap<SourceId, Source> = &profile.sources;
    let nameless = Label::default();
    let today = civil_date(&profile.zone, node.parts.clock.now());
    Ok(page.of(
        rows,
        |row| row.source.to_string(),
        |row| {
            let source = declared.get(&row.source);
            json!({
                "source": row.source.as_str(),
                "stream": row.stream.as_str(),
                "area": row.area.as_str(),
                "name": label_json(source.map_or(&nameless, |source| &source.name)),
                "owner": source.map_or("", |source| source.owner.as_str()),
                "listed": row.listed,
                "state": source.map_or("", |source| source.state.as_str()),
                "class": profile.streams.get(&row.stream).map_or("", |stream| stream.class.as_str()),
                "group": source.map_or("", |source| source.group.as_str()),
                "retention": retention_json(&profile, &row.stream, today),
                "position": source.and_then(|source| source.position).map_or(Value::Null, position_json),
                "event_time": zone.event_or_null(row.event_time),
                "arrival": zone.arrival_or_null(row.arrival),
                "badge": badge_json(&row.badge),
            })
        },
        Value::Null,
    ))
}

/// How long sealed parts of a stream are kept; null: for ever.
fn retention_json(profile: &Profile, stream: &StreamId, today: Option<Date>) -> Value {
    let rule = today.and_then(|today| profile.retention_on(stream, today));
    rule.map_or(Value::Null, |rule| {
        json!({
            "sealed_days": rule.sealed_days,
            "basis": rule.document,
            "note": label_json(&rule.note),
        })
    })
}

fn indicator_json(profile: &Profile, indicator: &Indicator) -> Value {
    let thresholds = profile.thresholds.iter().filter(|threshold| threshold.indicator == indicator.id);
    let thresholds: Vec<Value> =
        thresholds.map(|threshold| threshold_json(threshold, indicator.scale)).collect();
    json!({
        "id": indicator.id.as_str(),
        "name": label_json(&indicator.name),
        "unit": indicator.unit,
        "scale": indicator.scale,
        "domain": indicator.domain,
        "basis": indicator.basis,
        "owner": indicator.owner,
        "version": hex(&indicator.definition),
        "stream": indicator.stream.as_str(),
        "period": indicator.window.period(),
        "direction": direction_word(indicator.direction),
        "cadence_s": seconds(indicator.cadence),
        "stale_s": seconds(indicator.staleness),
        "completeness_min": indicator.completeness_min,
        "thresholds": thresholds,
        "targets": targets_of(profile, indicator),
        "baselines": baselines_of(profile, indicator),
    })
}

fn threshold_json(threshold: &Threshold, scale: u8) -> Value {
    let date = |date: Option<Date>| date.map(|date| date.to_string());
    json!({
        "severity": severity_word(threshold.severity),
        "area": threshold.area.as_ref().map(AreaCode::as_str),
        "group": threshold.group,
        "limit": number(Decimal::new(threshold.limit, scale)),
        "below": threshold.below,
        "dead_band": number(Decimal::new(threshold.dead_band, scale)),
        "valid_from": date(threshold.valid.from),
        "valid_to": date(threshold.valid.to),
        "document": threshold.document,
    })
}

/// `warning` or `critical`.
pub(crate) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// `[longitude, latitude]` in exact degrees.
fn position_json(place: Place) -> Value {
    let degrees = |e7: i32| number(Decimal::new(i128::from(e7), 7));
    json!([degrees(place.longitude_e7), degrees(place.latitude_e7)])
}

fn area_json(area: &Area) -> Value {
    let date = |date: Option<Date>| date.map(|date| date.to_string());
    json!({
        "code": area.code.as_str(),
        "name": label_json(&area.name),
        "kind": area.kind,
        "parent": area.parent.as_ref().map(AreaCode::as_str),
        "cell": area.cell.map(|(column, row)| [column, row]),
        "population": area.population,
        "valid_from": date(area.valid.from),
        "valid_to": date(area.valid.to),
    })
}

/// Bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
