//! `GET /api/v1/explain`: why a figure is what it is, down to its messages.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use nhip_ports::{AnalysisError, DestroyedKey, Explanation, SampleRecord};
use nhip_profile::story::tell_message;
use nhip_profile::{Aggregate, DistinctOf, Filter, Operand, Profile, SourceState, Term};
use nhip_proto::SourceId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Node;
use super::catalog::hex;
use super::figures::{figure_json, known_area, known_indicator};
use super::lists::{Asked, json_response};
use super::problem::Problem;
use super::revisions::destroyed_json;
use super::times::{Zone, parse};
use crate::feeding::source_state;
use crate::snapshot::label_json;

/// Parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainAsked {
    indicator: String,
    area: String,
    group: Option<String>,
    window: Option<String>,
}

/// `GET /api/v1/explain?indicator=&area=&group=&window=` (`group` absent: the area as a whole; `window`: RFC 3339
/// start; absent: the newest)
pub(crate) async fn explain(
    State(node): State<Arc<Node>>,
    Asked(asked): Asked<ExplainAsked>,
) -> Result<Response, Problem> {
    let profile = node.profile();
    let indicator = known_indicator(&profile, &asked.indicator)?;
    let area = known_area(&profile, &asked.area)?;
    let wrong = Problem::unprocessable("window is no RFC 3339 time with offset");
    let window = asked.window.as_deref().map(|text| parse(text).ok_or(wrong)).transpose()?;
    let state = source_state(&profile, &indicator, &area);
    let answer = node.parts.analysis.explain(indicator, area, asked.group.unwrap_or_default(), window).await;
    let explanation = answer.map_err(|error| match error {
        AnalysisError::NotFound(_) if state != SourceState::Connected => Problem::no_source(),
        other => Problem::of_analysis(&other),
    })?;
    let unavailable = Problem::unavailable("the list of destroyed keys cannot be read now");
    let destroyed = node.parts.revisions.destroyed_keys().await.map_err(|_| unavailable)?;
    Ok(json_response(&explanation_json(&profile, &explanation, &destroyed)))
}

fn explanation_json(profile: &Profile, explanation: &Explanation, destroyed: &[DestroyedKey]) -> Value {
    let zone = Zone::of(&profile.zone);
    let row = &explanation.figure.row;
    let indicator = profile.indicators.get(&row.key.indicator);
    let sample = |sample| sample_json(&zone, sample, destroyed);
    let samples = explanation.samples.iter().map(sample).collect::<Vec<_>>();
    let named = |sources: &[SourceId]| {
        sources.iter().map(|source| source_json(profile, source)).collect::<Vec<Value>>()
    };
    json!({
        "figure": figure_json(profile, &zone, &explanation.figure),
        "definition": {
            "version": hex(&row.definition),
            "text": explanation.definition,
            "basis": indicator.map_or("", |indicator| indicator.basis.as_str()),
            "owner": indicator.map_or("", |indicator| indicator.owner.as_str()),
        },
        "inputs": {
            "stream": indicator.map(|indicator| indicator.stream.as_str()),
            "names": indicator.map_or_else(Vec::new, |known| names(&known.aggregate, &known.filter)),
        },
        "window": {"start": zone.event(row.key.window_start), "end": zone.event(row.window_end)},
        "k": row.k,
        "m": row.m,
        "due": named(&explanation.due),
        "missing": named(&explanation.missing),
        "sources": named(&row.provenance.sources),
        "offsets": {
            "first": row.provenance.first.map(|offset| offset.0),
            "last": row.provenance.last.map(|offset| offset.0),
        },
        "samples": samples,
    })
}

fn source_json(profile: &Profile, source: &SourceId) -> Value {
    let listed = profile.sources.get(source);
    json!({
        "source": source.as_str(),
        "name": listed.map(|listed| label_json(&listed.name)),
        "area": profile.source_area(source).as_str(),
    })
}

fn sample_json(zone: &Zone, sample: &SampleRecord, destroyed: &[DestroyedKey]) -> Value {
    let gone = sample.sealed_key.as_ref().and_then(|key| destroyed.iter().find(|gone| gone.id == *key));
    json!({
        "offset": sample.offset.0,
        "arrival": zone.arrival(sample.arrival),
        "source": sample.source.as_str(),
        "topic": sample.topic,
        "payload_hash": sample.payload_hash,
        "sealed_key": sample.sealed_key,
        "key_destroyed": gone.map(|key| destroyed_json(zone, key)),
        "items": sample.items,
        "story": sample_story(zone, sample),
    })
}

/// The record as lines of the story language, for a test made of a live figure.
fn sample_story(zone: &Zone, sample: &SampleRecord) -> Vec<String> {
    tell_message(&sample.stream, &sample.source, sample.arrival, &sample.readings, zone.rules())
}

/// Quantities and states an indicator reads, sorted.
fn names(aggregate: &Aggregate, filters: &[Filter]) -> Vec<String> {
    let mut names = match aggregate {
        Aggregate::Count(operand)
        | Aggregate::Sum(operand)
        | Aggregate::Mean(operand)
        | Aggregate::Min(operand)
        | Aggregate::Max(operand)
        | Aggregate::First(operand, _)
        | Aggregate::Last(operand, _) => vec![operand_name(operand)],
        Aggregate::Ratio { numerator, denominator, .. } => {
            [term_names(numerator), term_names(denominator)].concat()
        }
        Aggregate::TimeInState { state, .. } | Aggregate::Onsets { state, .. } => vec![state.clone()],
        Aggregate::Delta { counter, .. } | Aggregate::Rate { counter, .. } => vec![counter.clone()],
        Aggregate::Percentile { quantity, .. } | Aggregate::Leq(quantity) => vec![quantity.clone()],
        Aggregate::HarmonicMean { quantity, weight } => {
            std::iter::once(quantity).chain(weight).cloned().collect()
        }
        Aggregate::Distinct(DistinctOf::State(name) | DistinctOf::Quantity(name)) => vec![name.clone()],
        Aggregate::Stock(_) => Vec::new(),
        // Ids and sources stand beside every name; a derived figure stands on figures.
        Aggregate::Distinct(DistinctOf::Id | DistinctOf::Source) | Aggregate::Derived(_) => Vec::new(),
    };
    names.extend(filters.iter().map(filter_name));
    names.sort();
    names.dedup();
    names
}

fn term_names(term: &Term) -> Vec<String> {
    match term {
        Term::Sum(quantity) => vec![quantity.clone()],
        Term::SumOfProducts(left, right) => vec![left.clone(), right.clone()],
        Term::Count(operand, filters) => {
            [vec![operand_name(operand)], filters.iter().map(filter_name).collect()].concat()
        }
    }
}

fn operand_name(operand: &Operand) -> String {
    match operand {
        Operand::Quantity(name) | Operand::State(name) => name.clone(),
    }
}

fn filter_name(filter: &Filter) -> String {
    match filter {
        Filter::StateIn(name, _) | Filter::Between(name, _, _) => name.clone(),
    }
}
