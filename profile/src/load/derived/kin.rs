//! What derived indicators take over from those they read: stream, cadence, staleness, grouping; and circles.

use std::collections::{BTreeMap, BTreeSet};

use nhip_proto::{IndicatorId, Span, StreamId};

use crate::load::Loading;
use crate::load::indicators::Draft;
use crate::{Aggregate, Derived, GroupBy};

/// What one indicator hands on to those that read it.
#[derive(Clone, Debug)]
struct Kin {
    stream: StreamId,
    cadence: Span,
    staleness: Span,
    group: Option<GroupBy>,
}

/// Gives every derived draft what follows from its inputs. Those in a circle are told and get nothing.
pub(in crate::load) fn settle(drafts: &mut [Draft<'_>], loading: &Loading<'_>) {
    let mut kin: BTreeMap<IndicatorId, Kin> = BTreeMap::new();
    let mut waiting: Vec<&mut Draft<'_>> = Vec::new();
    for draft in drafts.iter_mut() {
        match (&draft.aggregate, &draft.stream) {
            (Some(Aggregate::Derived(_)), _) => waiting.push(draft),
            (_, Some(stream)) => {
                let (cadence, staleness) = (draft.cadence, draft.staleness);
                let group = draft.fact.group.clone();
                kin.insert(draft.id.clone(), Kin { stream: stream.clone(), cadence, staleness, group });
            }
            _ => {}
        }
    }
    // Inputs that could not be read hold nothing up: their mistake is told already.
    let read: BTreeSet<IndicatorId> = waiting.iter().map(|draft| draft.id.clone()).collect();
    loop {
        let (ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|draft| {
            inputs(draft).iter().all(|input| kin.contains_key(input) || !read.contains(input))
        });
        waiting = rest;
        if ready.is_empty() {
            break;
        }
        for draft in ready {
            if let Some(found) = take_over(draft, &kin) {
                kin.insert(draft.id.clone(), found);
            }
        }
    }
    tell_circles(&waiting, loading);
}

fn inputs<'a>(draft: &'a Draft<'_>) -> &'a [IndicatorId] {
    derived(draft).map_or(&[], |derived| derived.inputs.as_slice())
}

fn derived<'a>(draft: &'a Draft<'_>) -> Option<&'a Derived> {
    match &draft.aggregate {
        Some(Aggregate::Derived(derived)) => Some(derived),
        _ => None,
    }
}

fn take_over(draft: &mut Draft<'_>, kin: &BTreeMap<IndicatorId, Kin>) -> Option<Kin> {
    let derived = derived(draft)?;
    let of: Vec<&Kin> = derived.inputs.iter().filter_map(|input| kin.get(input)).collect();
    let first = of.first()?;
    let alike = of.iter().all(|input| input.group == first.group) && of.len() == derived.inputs.len();
    let group = if alike { first.group.clone() } else { None };
    let (stream, rolled) = (first.stream.clone(), derived.rollup.is_some());
    let (cadence, staleness) = of.iter().fold((0, 0), |(cadence, staleness), input| {
        (cadence.max(input.cadence), staleness.max(input.staleness))
    });
    match &draft.fact.group {
        Some(asked) if Some(asked) != group.as_ref() => {
            let allowed = group.as_ref().map_or("inputs that are grouped alike", group_word);
            draft.section.mistake("group", "is not how its inputs are grouped", allowed);
        }
        None if rolled => draft.fact.group = group,
        _ => {}
    }
    draft.stream = Some(stream.clone());
    draft.cadence = if draft.cadence == 0 { cadence } else { draft.cadence };
    draft.staleness = if draft.staleness == 0 { staleness } else { draft.staleness };
    Some(Kin { stream, cadence: draft.cadence, staleness: draft.staleness, group: draft.fact.group.clone() })
}

fn group_word(group: &GroupBy) -> &str {
    match group {
        GroupBy::Source => "source",
        GroupBy::State(name) => name,
    }
}

/// Each circle once, at its first indicator by id.
fn tell_circles(waiting: &[&mut Draft<'_>], loading: &Loading<'_>) {
    let of: BTreeMap<&IndicatorId, &[IndicatorId]> =
        waiting.iter().map(|draft| (&draft.id, inputs(draft))).collect();
    let mut told: BTreeSet<&IndicatorId> = BTreeSet::new();
    for start in of.keys() {
        let Some(circle) = circle_from(start, &of) else { continue };
        if circle.iter().any(|id| told.contains(id)) {
            continue;
        }
        told.extend(circle.iter().copied());
        let Some(draft) = waiting.iter().find(|draft| &&draft.id == start) else { continue };
        let path: Vec<&str> = circle.iter().chain([start]).map(|id| id.as_str()).collect();
        let reason = format!("follows from itself: {}", path.join(" → "));
        let at = draft.section.at_key(draft.key.unwrap_or("id"));
        let key = draft.section.full(draft.key.unwrap_or("id"));
        loading.found.add(at, &key, reason, "inputs that do not read it");
    }
}

/// The way from an indicator through what it reads back to itself, if there is one.
fn circle_from<'a>(
    start: &'a IndicatorId,
    of: &BTreeMap<&'a IndicatorId, &'a [IndicatorId]>,
) -> Option<Vec<&'a IndicatorId>> {
    let mut seen: BTreeSet<&IndicatorId> = BTreeSet::new();
    let mut paths: Vec<Vec<&IndicatorId>> = vec![vec![start]];
    while let Some(path) = paths.pop() {
        let last = path.last()?;
        for input in of.get(last).copied().unwrap_or_default() {
            if input == start {
                return Some(path);
            }
            if of.contains_key(input) && seen.insert(input) {
                let mut longer = path.clone();
                longer.push(input);
                paths.push(longer);
            }
        }
    }
    None
}
