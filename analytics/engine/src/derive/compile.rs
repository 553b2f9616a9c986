//! From derived indicators to numbers: inputs by definition, an order in which each follows its inputs, how long
//! windows must be kept for those that look back at them.

use std::collections::{BTreeMap, BTreeSet};

use nhip_profile::{self as profile, Aggregate, Indicator, Profile, Severity};
use nhip_proto::{Decimal, IndicatorId};

use super::formula::{Names, Set};
use super::{
    Agreement, AlarmLevels, Calculation, Compute, Dependent, Derivation, Derivations, Input, MEASURED,
};
use crate::calculator::{Exact, signature};
use crate::level::Limit;
use crate::plan::{Definition, Plan};

/// The input whose unit alarm levels are told in.
const LEVEL: &str = "level";
/// Calculators whose names begin so are given the alarm levels of their group.
const WATER: &str = "water_alarm";

/// Of each definition of the plan, in order: the profile it came from and its indicator.
pub(crate) type Origins<'a> = [(&'a Profile, &'a Indicator)];

/// Fills in what follows from derived definitions: the derivations, horizons and how long windows are kept.
pub(crate) fn derive(plan: &mut Plan, origins: &Origins<'_>) {
    let count = plan.definitions.len();
    let mut derivations = Derivations { dependents: vec![Vec::new(); count], ..Derivations::default() };
    derivations.ranks = vec![MEASURED; count];
    let find = |number: usize| derivation(plan, origins, number);
    derivations.plans = (0..count).map(find).collect();
    if derivations.plans.iter().any(Option::is_some) {
        put_in_order(plan, &mut derivations);
        read_streams(plan, &mut derivations);
        tell_dependents(&mut derivations);
        keep(plan, &derivations);
        if let Some((profile, _)) = origins.first() {
            places(plan, profile, &mut derivations);
        }
    }
    for number in 0..count {
        let agreement = agreement(plan, origins, number);
        if let Some(definition) = plan.definitions.get_mut(number) {
            definition.agreement = agreement;
        }
    }
    let ties = |number: u32| (dependents(&derivations, number), checked(plan, number));
    let numbers = 0..count as u32;
    let (followers, checked) = numbers
        .map(|number| {
            let (dependents, checked) = ties(number);
            (all_behind([dependents, checked.clone()].concat(), &ties), all_behind(checked, &ties))
        })
        .unzip();
    (derivations.followers, derivations.checked) = (followers, checked);
    plan.derived = derivations;
}

/// Definitions and all that are tied to them, sorted.
fn all_behind(first: Vec<u32>, ties: &impl Fn(u32) -> (Vec<u32>, Vec<u32>)) -> Vec<u32> {
    let (mut found, mut waiting) = (BTreeSet::new(), first);
    while let Some(number) = waiting.pop() {
        if found.insert(number) {
            let (dependents, checked) = ties(number);
            waiting.extend(dependents.into_iter().chain(checked));
        }
    }
    found.into_iter().collect()
}

/// Those that follow from a definition.
fn dependents(derivations: &Derivations, number: u32) -> Vec<u32> {
    let list = derivations.dependents.get(number as usize);
    list.into_iter().flatten().map(|dependent| dependent.definition).collect()
}

/// Those that are checked against a definition.
fn checked(plan: &Plan, number: u32) -> Vec<u32> {
    let against = |definition: &Definition| {
        definition.agreement.as_ref().is_some_and(|agreement| agreement.with.contains(&number))
    };
    (0..).zip(&plan.definitions).filter(|(_, definition)| against(definition)).map(|(at, _)| at).collect()
}

/// What a definition is checked against.
fn agreement(plan: &Plan, origins: &Origins<'_>, number: usize) -> Option<Agreement> {
    let (_, indicator) = origins.get(number)?;
    let reconcile = indicator.reconcile.as_ref()?;
    let with = versions(plan, origins, number, &reconcile.with, false);
    Some(Agreement { with, tolerance: reconcile.tolerance })
}

fn derivation(plan: &Plan, origins: &Origins<'_>, number: usize) -> Option<Derivation> {
    let (profile, indicator) = origins.get(number)?;
    let Aggregate::Derived(derived) = &indicator.aggregate else { return None };
    let (compute, backs) = compute(profile, derived);
    let inside = matches!(compute, Compute::OverTime(_));
    let inputs = derived
        .inputs
        .iter()
        .zip(backs)
        .map(|(id, backs)| Input { versions: versions(plan, origins, number, id, inside), backs });
    let inputs = inputs.collect();
    let grouped = indicator.group.is_some();
    Some(Derivation { inputs, compute, rollup: derived.rollup, grouped, streams: Vec::new() })
}

/// The definitions of an input that mean the same as the one its profile holds: same unit and windows.
fn versions(plan: &Plan, origins: &Origins<'_>, number: usize, id: &IndicatorId, inside: bool) -> Vec<u32> {
    let (Some((profile, indicator)), Some(reader)) = (origins.get(number), plan.definitions.get(number))
    else {
        return Vec::new();
    };
    let Some(meant) = profile.indicators.get(id) else { return Vec::new() };
    let same = |other: &Indicator| {
        &other.id == id && other.unit == meant.unit && (inside || other.window == indicator.window)
    };
    let fits = |at: &usize| {
        let before = plan.definitions.get(*at).is_some_and(|other| {
            inside || !matches!((other.from, reader.to), (Some(from), Some(to)) if from >= to)
        });
        *at != number && before && origins.get(*at).is_some_and(|(_, other)| same(other))
    };
    (0..origins.len()).filter(fits).map(|at| at as u32).collect()
}

/// What is made of the inputs, and how many windows back each is read.
fn compute(profile: &Profile, derived: &profile::Derived) -> (Compute, Vec<Vec<u16>>) {
    match &derived.compute {
        profile::Compute::Formula(expression) => {
            let mut names = Names { inputs: &derived.inputs, limits: Vec::new() };
            let term = names.term(expression);
            let limits = names.limits.iter().map(|(set, id)| limits_of(profile, *set, id)).collect();
            let mut backs = vec![Vec::new(); derived.inputs.len()];
            term.backs(&mut backs);
            for backs in &mut backs {
                backs.sort_unstable();
                backs.dedup();
            }
            (Compute::Formula(term, limits), backs)
        }
        profile::Compute::Calculator { name, inputs, parameters } => {
            let windows = signature(name).map_or(1, |signature| signature.windows.clamp(1, 97)) as u16;
            let at = |id: &IndicatorId| derived.inputs.iter().position(|known| known == id);
            let named = inputs.iter().filter_map(|(name, id)| Some((name.clone(), at(id)?))).collect();
            let levels = if name.starts_with(WATER) { alarm_levels(profile, inputs) } else { Vec::new() };
            let parameters: BTreeMap<String, Decimal> = parameters.clone();
            let calculation = Calculation { name: name.clone(), inputs: named, parameters, levels };
            (Compute::Calculator(calculation), vec![(0..windows).collect(); derived.inputs.len()])
        }
        profile::Compute::OverTime { by, .. } => {
            (Compute::OverTime(*by), vec![vec![0]; derived.inputs.len()])
        }
    }
}

/// The dated critical limits or targets of an indicator, with their digits behind the point.
fn limits_of(profile: &Profile, set: Set, id: &IndicatorId) -> (Vec<Limit>, u8) {
    let scale = profile.indicators.get(id).map_or(0, |indicator| indicator.scale);
    if set != Set::Limit {
        let targets = profile.targets.iter().filter(|target| &target.indicator == id);
        let limits = targets.filter_map(|target| Limit::of_target(target, set == Set::Expected));
        return (limits.collect(), scale);
    }
    let meant = profile
        .thresholds
        .iter()
        .filter(|threshold| &threshold.indicator == id && threshold.severity == Severity::Critical);
    (meant.map(Limit::from).collect(), scale)
}

fn alarm_levels(profile: &Profile, inputs: &BTreeMap<String, IndicatorId>) -> Vec<AlarmLevels> {
    let level = inputs.get(LEVEL).and_then(|id| profile.indicators.get(id));
    let Some(unit) = level.map(|indicator| indicator.unit.as_str()) else { return Vec::new() };
    let exact = |level: Decimal| {
        // Six digits more than written: a metre told in micrometres is still exact.
        let scale = level.scale.saturating_add(6);
        let digits = profile::convert(level, "m", unit, scale)?;
        Exact::of(digits, scale).and_then(|exact| Exact::reduced(exact.numerator, exact.denominator))
    };
    let known = profile.water_levels.iter().filter_map(|known| {
        let [one, two, three] = known.levels.map(exact);
        let (group, valid) = (known.group.clone(), known.valid.clone());
        Some(AlarmLevels { group, levels: [one?, two?, three?], valid })
    });
    known.collect()
}

/// Each definition behind its inputs. What reads itself through others (never in a checked profile) reads nothing.
fn put_in_order(plan: &Plan, derivations: &mut Derivations) {
    let mut waiting: Vec<u32> = Vec::new();
    for number in 0..plan.definitions.len() as u32 {
        if derivations.of(number).is_some() {
            waiting.push(number);
        }
    }
    while !waiting.is_empty() {
        let is_ready = |number: &u32| {
            let inputs = derivations.of(*number).map_or(&[][..], |derivation| &derivation.inputs);
            !inputs.iter().flat_map(|input| &input.versions).any(|version| waiting.contains(version))
        };
        let (mut ready, rest): (Vec<u32>, Vec<u32>) = waiting.iter().copied().partition(is_ready);
        waiting = rest;
        if ready.is_empty() {
            ready = std::mem::take(&mut waiting);
            for number in &ready {
                if let Some(Some(derivation)) = derivations.plans.get_mut(*number as usize) {
                    derivation.inputs.iter_mut().for_each(|input| input.versions.clear());
                }
            }
        }
        for number in ready {
            if let Some(rank) = derivations.ranks.get_mut(number as usize) {
                *rank = derivations.order.len() as u32;
            }
            derivations.order.push(number);
        }
    }
}

/// The streams each stands on, and the longest of their horizons: as long as an input may change, so may it.
fn read_streams(plan: &mut Plan, derivations: &mut Derivations) {
    derivations.by_stream = vec![Vec::new(); plan.streams.len()];
    for number in derivations.order.clone() {
        let versions: Vec<u32> = derivations.of(number).map_or_else(Vec::new, |derivation| {
            derivation.inputs.iter().flat_map(|input| input.versions.iter().copied()).collect()
        });
        let mut streams: Vec<u32> = Vec::new();
        let mut horizon = 0;
        for version in versions {
            let Some(input) = plan.definition(version) else { continue };
            horizon = horizon.max(input.horizon);
            match derivations.of(version) {
                Some(derivation) => streams.extend(&derivation.streams),
                None => streams.push(input.stream),
            }
        }
        streams.sort_unstable();
        streams.dedup();
        for stream in &streams {
            if let Some(list) = derivations.by_stream.get_mut(*stream as usize) {
                list.push(number);
            }
        }
        if let Some(definition) = plan.definitions.get_mut(number as usize) {
            definition.horizon = definition.horizon.max(horizon);
            definition.keep = definition.horizon;
        }
        if let Some(Some(derivation)) = derivations.plans.get_mut(number as usize) {
            derivation.streams = streams;
        }
    }
}

fn tell_dependents(derivations: &mut Derivations) {
    for number in derivations.order.clone() {
        let Some(derivation) = derivations.of(number).cloned() else { continue };
        let inside = matches!(derivation.compute, Compute::OverTime(_));
        for input in &derivation.inputs {
            let mut backs = input.backs.clone();
            if backs.first() != Some(&0) {
                backs.insert(0, 0);
            }
            for version in &input.versions {
                let dependent = Dependent { definition: number, backs: backs.clone(), inside };
                if let Some(list) = derivations.dependents.get_mut(*version as usize) {
                    list.push(dependent);
                }
            }
        }
    }
}

/// How long windows are kept: until nothing that looks back at them, or adds them up, can change any more.
fn keep(plan: &mut Plan, derivations: &Derivations) {
    for number in derivations.order.iter().rev() {
        let Some((derivation, definition)) = derivations.of(*number).zip(plan.definition(*number)) else {
            continue;
        };
        let Some(calendar) = plan.calendars.get(definition.calendar as usize) else { continue };
        let kept = definition.keep;
        let (step, length) = calendar.spans_max();
        for input in &derivation.inputs {
            let back = i64::from(input.backs.last().copied().unwrap_or(0));
            let look = if matches!(derivation.compute, Compute::OverTime(_)) { length } else { 0 };
            let span = kept.saturating_add(look).saturating_add(step.saturating_mul(back));
            for version in &input.versions {
                if let Some(definition) = plan.definitions.get_mut(*version as usize) {
                    definition.keep = definition.keep.max(span);
                }
            }
        }
    }
}

/// The lowest areas inside each area, and the groups in it.
fn places(plan: &Plan, profile: &Profile, derivations: &mut Derivations) {
    let count = plan.chains.len();
    derivations.parts = vec![Vec::new(); count];
    derivations.groups = vec![Vec::new(); count];
    for place in 0..count as u32 {
        if !plan.group(place).is_empty() {
            if let Some(list) = derivations.groups.get_mut(plan.home(place) as usize) {
                list.push(place);
            }
            continue;
        }
        let Some(code) = plan.codes.get(place as usize) else { continue };
        if profile.children(code).next().is_some() {
            continue;
        }
        // What an area became part of lies around nothing of it.
        let holds = |around: &&u32| {
            let code = plan.codes.get(**around as usize);
            code.is_some_and(|code| profile.children(code).next().is_some())
        };
        for around in plan.chain(place).iter().filter(|around| **around != place).filter(holds) {
            if let Some(list) = derivations.parts.get_mut(*around as usize) {
                list.push(place);
            }
        }
    }
}
