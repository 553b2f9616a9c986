//! `calculator = { name, inputs, parameters }`: checked against what the calculator takes and gives.

use std::collections::BTreeMap;

use nhip_proto::{Decimal, IndicatorId};

use super::{Fact, Facts, check_window, knows_water_levels};
use crate::Compute;
use crate::calculators::{CALCULATORS, CalculatorRule, CalculatorUnit, calculator};
use crate::load::Loading;
use crate::read::Section;
use crate::unit::Dimension;

/// The hours a rolling mean may look back at.
const HOURS_MAX: i128 = 24;
/// Units of an index, a class or a score.
const INDICES: [&str; 3] = ["1", "points", "grade"];

pub(super) fn read(
    section: Section<'_>,
    outer: &Section<'_>,
    own: &Fact,
    facts: &Facts,
    loading: &Loading<'_>,
) -> Option<(Vec<IndicatorId>, Compute)> {
    let name = section.text("name");
    let rule = name.as_deref().and_then(calculator);
    if let Some(name) = name.as_deref().filter(|_| rule.is_none()) {
        section.unknown("name", "calculator", name, CALCULATORS.iter().map(|rule| rule.name));
    }
    let inputs = read_inputs(&section, rule, own, facts);
    let parameters = read_parameters(&section, rule);
    section.finish();
    let rule = rule?;
    check_needed(outer, rule, &inputs, &parameters, loading);
    check_units(outer, rule, &inputs, own, facts);
    check_hours(outer, rule, &parameters);
    check_hours_of_day(outer, rule, &parameters);
    let mut read: Vec<IndicatorId> = Vec::new();
    for input in inputs.values() {
        if !read.contains(input) {
            read.push(input.clone());
        }
    }
    Some((read, Compute::Calculator { name: name?, inputs, parameters }))
}

fn read_inputs(
    section: &Section<'_>,
    rule: Option<&CalculatorRule>,
    own: &Fact,
    facts: &Facts,
) -> BTreeMap<String, IndicatorId> {
    let mut inputs = BTreeMap::new();
    for (at, name, words) in section.free_words("inputs") {
        let key = format!("{}.{name}", section.full("inputs"));
        let known = |rule: &CalculatorRule| rule.inputs.iter().any(|input| input.name == name);
        if let Some(rule) = rule.filter(|rule| !known(rule)) {
            let names = rule.inputs.iter().map(|input| input.name);
            section.found().add_unknown(at, &key, "input", &name, names);
        }
        let [(word_at, id)] = words.as_slice() else {
            section.found().add(at, &key, "is no single indicator", "the id of an indicator");
            continue;
        };
        if !facts.contains_key(id) {
            section.found().add_unknown(*word_at, &key, "indicator", id, facts.keys().map(String::as_str));
        }
        check_window(section, "inputs", Some(*word_at), id, own, facts);
        inputs.insert(name, IndicatorId::new(id));
    }
    inputs
}

fn read_parameters(section: &Section<'_>, rule: Option<&CalculatorRule>) -> BTreeMap<String, Decimal> {
    let mut parameters = BTreeMap::new();
    for (at, name, value) in section.free_numbers("parameters") {
        if let Some(rule) = rule.filter(|rule| !rule.parameters.iter().any(|(known, _)| *known == name)) {
            let key = format!("{}.{name}", section.full("parameters"));
            let names = rule.parameters.iter().map(|(name, _)| *name);
            section.found().add_unknown(at, &key, "parameter", &name, names);
        }
        parameters.insert(name, value);
    }
    parameters
}

fn check_needed(
    section: &Section<'_>,
    rule: &CalculatorRule,
    inputs: &BTreeMap<String, IndicatorId>,
    parameters: &BTreeMap<String, Decimal>,
    loading: &Loading<'_>,
) {
    let missing: Vec<&str> = (rule.inputs.iter().filter(|input| input.needed).map(|input| input.name))
        .filter(|name| !inputs.contains_key(*name))
        .collect();
    if !missing.is_empty() {
        section.mistake("calculator", format!("{} lacks inputs", rule.name), missing.join(", "));
    }
    let lacking: Vec<&str> = (rule.parameters.iter().filter(|(_, needed)| *needed).map(|(name, _)| *name))
        .filter(|name| !parameters.contains_key(*name))
        .collect();
    if !lacking.is_empty() {
        section.mistake("calculator", format!("{} lacks parameters", rule.name), lacking.join(", "));
    }
    let knows = |name: &str| rule.inputs.iter().any(|input| input.name == name);
    let dust = ["pm25", "pm10"];
    // QĐ 1459/QĐ-TCMT, 2.1 b: no index without dust.
    if dust.iter().all(|name| knows(name)) && !dust.iter().any(|name| inputs.contains_key(*name)) {
        section.mistake(
            "calculator",
            format!("{} has neither of its dusts", rule.name),
            "pm25, pm10 or both",
        );
    }
    let alarms = ["alarm_1", "alarm_2", "alarm_3"];
    let given = |name: &&str| inputs.contains_key(*name) || parameters.contains_key(*name);
    if alarms.iter().all(|name| knows(name)) && !knows_water_levels(loading) && !alarms.iter().all(given) {
        let allowed = "[[water_level]], or alarm_1, alarm_2, alarm_3 as parameters or inputs";
        section.mistake("calculator", format!("{} knows no alarm levels", rule.name), allowed);
    }
}

fn check_units(
    section: &Section<'_>,
    rule: &CalculatorRule,
    inputs: &BTreeMap<String, IndicatorId>,
    own: &Fact,
    facts: &Facts,
) {
    let unit_of = |id: &IndicatorId| facts.get(id.as_str()).and_then(|fact| fact.unit.as_deref());
    // The unit all inputs without a unit of their own share.
    let mut shared: Option<&str> = None;
    for input in rule.inputs {
        let Some(unit) = inputs.get(input.name).and_then(unit_of) else { continue };
        let wanted = input.unit.unwrap_or(*shared.get_or_insert(unit));
        if Dimension::of(unit) != Dimension::of(wanted) {
            let reason = format!("{} takes {} in {wanted}, not {unit}", rule.name, input.name);
            section.mistake("calculator", reason, format!("an indicator in {wanted}"));
        }
    }
    let first = rule.inputs.first().and_then(|input| inputs.get(input.name)).and_then(unit_of);
    let (right, allowed) = match (rule.unit, own.unit.as_deref()) {
        (_, None) | (CalculatorUnit::OfInput, _) if first.is_none() || own.unit.is_none() => return,
        (CalculatorUnit::OfInput, Some(unit)) => {
            let wanted = first.unwrap_or_default();
            (Dimension::of(unit) == Dimension::of(wanted), wanted.to_owned())
        }
        (CalculatorUnit::Fixed(wanted), Some(unit)) => {
            (Dimension::of(unit) == Dimension::of(wanted), wanted.to_owned())
        }
        (CalculatorUnit::Index, Some(unit)) => (INDICES.contains(&unit), INDICES.join(", ")),
        (_, None) => return,
    };
    if !right {
        let unit = own.unit.as_deref().unwrap_or_default();
        section.mistake("unit", format!("{unit} is not the unit of {}", rule.name), allowed);
    }
}

/// `from` and `to` of a part of the day.
fn check_hours_of_day(section: &Section<'_>, rule: &CalculatorRule, parameters: &BTreeMap<String, Decimal>) {
    if rule.name != "hours_of_day" {
        return;
    }
    for name in ["from", "to"] {
        let hour = parameters.get(name).map(|value| value.at_scale(0).filter(|_| value.scale == 0));
        if hour.is_some_and(|hour| !hour.is_some_and(|hour| (0..24).contains(&hour))) {
            section.mistake("calculator", format!("{name} is no hour of the day"), "0 to 23");
        }
    }
}

/// `hours` of a rolling mean: whole, and as many as it looks back at.
fn check_hours(section: &Section<'_>, rule: &CalculatorRule, parameters: &BTreeMap<String, Decimal>) {
    if !rule.parameters.iter().any(|(name, _)| *name == "hours") {
        return;
    }
    let whole = |name: &str| parameters.get(name).map(|value| value.at_scale(0).filter(|_| value.scale == 0));
    let (hours, least) = (whole("hours"), whole("hours_min"));
    let inside = |value: Option<i128>, most: i128| value.is_some_and(|value| (1..=most).contains(&value));
    if hours.is_some_and(|hours| !inside(hours, HOURS_MAX)) {
        section.mistake("calculator", "hours is no number of hours", format!("1 to {HOURS_MAX}"));
    } else if least.is_some_and(|least| !inside(least, hours.flatten().unwrap_or(HOURS_MAX))) {
        section.mistake("calculator", "hours_min is no number of hours", "1 to hours");
    }
}
