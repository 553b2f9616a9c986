//! Derived indicators: formulas, calculators and windows over time, with their inputs' units and windows.

mod calculator;
mod kin;

use std::collections::BTreeMap;

use nhip_proto::{AreaCode, IndicatorId};

use super::Loading;
use super::windows::{cuts_between, may_overlap};
use crate::formula::{Names, Slip, parse_formula};
use crate::read::Section;
use crate::unit::Dimension;
use crate::{AreaRollup, Compute, Derived, Expression, GroupBy, OverTime, Window};

pub(super) use kin::settle;

/// The keys of this file.
pub(super) const KEYS: [&str; 3] = ["formula", "calculator", "over_time"];

/// The most inputs of one indicator.
const INPUTS_MAX: usize = 64;

const ROLLUPS: [(&str, AreaRollup); 5] = [
    ("sum", AreaRollup::Sum),
    ("mean", AreaRollup::Mean),
    ("min", AreaRollup::Min),
    ("max", AreaRollup::Max),
    ("none", AreaRollup::None),
];

const BYS: [(&str, OverTime); 6] = [
    ("sum", OverTime::Sum),
    ("mean", OverTime::Mean),
    ("min", OverTime::Min),
    ("max", OverTime::Max),
    ("last", OverTime::Last),
    ("count", OverTime::Count),
];

/// What other indicators must know of one; each part none if it could not be read.
#[derive(Clone, Debug, Default)]
pub(super) struct Fact {
    pub(super) unit: Option<String>,
    pub(super) window: Option<Window>,
    pub(super) group: Option<GroupBy>,
}

/// Every indicator of the profile by id.
pub(super) type Facts = BTreeMap<String, Fact>;

/// The keys that say nothing of a derived indicator, with what to do instead.
const FOREIGN: [(&str, &str); 3] = [
    ("stream", "no stream: it reads figures"),
    ("where", "filters at the indicators it reads"),
    ("readings_min", "readings_min at the indicators it reads"),
];

/// Reads what a derived indicator is made of. `own` is what it says of itself.
pub(super) fn read_derived(
    section: &Section<'_>,
    key: &'static str,
    own: &Fact,
    facts: &Facts,
    loading: &Loading<'_>,
) -> Option<Derived> {
    for (foreign, instead) in FOREIGN {
        if section.has(foreign) {
            section.mistake(foreign, "stands at a derived indicator", instead);
        }
    }
    let rollup = section.has("rollup_area").then(|| section.choice("rollup_area", &ROLLUPS)).flatten();
    let (inputs, compute) = match key {
        "formula" => {
            let expression = read_formula(section, own, facts)?;
            (expression.inputs(), Compute::Formula(expression))
        }
        "calculator" => calculator::read(section.section("calculator")?, section, own, facts, loading)?,
        _ => read_over_time(section.section("over_time")?, section, own, facts, loading)?,
    };
    if inputs.len() > INPUTS_MAX {
        section.mistake(key, format!("reads {} indicators", inputs.len()), format!("at most {INPUTS_MAX}"));
    }
    Some(Derived { inputs, compute, rollup })
}

fn read_formula(section: &Section<'_>, own: &Fact, facts: &Facts) -> Option<Expression> {
    let text = section.text("formula")?;
    let indicators = facts.iter().map(|(id, fact)| (id.clone(), fact.unit.clone())).collect();
    let parsed = parse_formula(&text, &Names { indicators: &indicators });
    let key = section.full("formula");
    for slip in &parsed.slips {
        match slip {
            Slip::Wrong { at, reason, allowed } => {
                section.found().add(section.inside("formula", *at), &key, reason, allowed);
            }
            Slip::Unknown { at, what, word, known } => {
                let at = section.inside("formula", *at);
                section.found().add_unknown(at, &key, what, word, known.iter().map(String::as_str));
            }
        }
    }
    let expression = parsed.expression?;
    check_windows(section, &expression, &parsed.named, own, facts);
    if expression.inputs().is_empty() {
        section.mistake("formula", "reads no indicator", "a formula over figures");
        return None;
    }
    if let Some(unit) = own.unit.as_deref().filter(|unit| !parsed.measure.fits(unit)) {
        let found = parsed.measure.text();
        let allowed = match (found.as_str(), unit) {
            ("1", "%") => "1; or the formula × 100[%]".to_owned(),
            _ => found.clone(),
        };
        section.mistake("unit", format!("{unit} is not the unit of the formula"), allowed);
    }
    Some(expression)
}

/// The figures a formula reads are of its own windows; of limits only the day matters.
fn check_windows(
    section: &Section<'_>,
    expression: &Expression,
    named: &[(IndicatorId, usize)],
    own: &Fact,
    facts: &Facts,
) {
    let inputs = expression.inputs();
    let mut told: Vec<&IndicatorId> = Vec::new();
    for (indicator, at) in named {
        if inputs.contains(indicator) && !told.contains(&indicator) {
            told.push(indicator);
            let place = section.inside("formula", *at);
            check_window(section, "formula", Some(place), indicator.as_str(), own, facts);
        }
    }
}

/// An input must have the window of what is derived from it.
fn check_window(
    section: &Section<'_>,
    key: &'static str,
    at: Option<crate::read::At<'_>>,
    input: &str,
    own: &Fact,
    facts: &Facts,
) {
    let (Some(own), Some(theirs)) = (&own.window, facts.get(input).and_then(|fact| fact.window.as_ref()))
    else {
        return;
    };
    if own != theirs {
        let reason = format!("{input} has windows of {}, not {}", theirs.period(), own.period());
        let allowed = format!("an indicator over_time of it with windows of {}", own.period());
        let place = at.unwrap_or_else(|| section.at_key(key));
        section.found().add(place, &section.full(key), reason, allowed);
    }
}

fn read_over_time(
    section: Section<'_>,
    outer: &Section<'_>,
    own: &Fact,
    facts: &Facts,
    loading: &Loading<'_>,
) -> Option<(Vec<IndicatorId>, Compute)> {
    let of = read_input(&section, "of", facts);
    let by = section.choice("by", &BYS);
    let fact = of.as_deref().and_then(|of| facts.get(of));
    if let (Some(long), Some(short), Some(by)) = (&own.window, fact.and_then(|fact| fact.window.as_ref()), by)
    {
        if !cuts_between(long, short, loading) {
            let reason = format!("windows of {} do not lie whole inside {}", short.period(), long.period());
            outer.mistake("window", reason, "a longer window that begins and ends with theirs");
        } else if matches!(short, Window::Hopping { .. }) && !may_overlap(by) {
            section.mistake("by", "would count windows that overlap twice", "min, max, last, count");
        }
    }
    if let (Some(by), Some(unit), Some(theirs)) = (by, &own.unit, fact.and_then(|fact| fact.unit.as_ref())) {
        let wanted = if by == OverTime::Count { "1" } else { theirs.as_str() };
        if Dimension::of(unit) != Dimension::of(wanted) {
            outer.mistake("unit", format!("{unit} is not the unit of what is computed"), wanted);
        }
    }
    section.finish();
    let of = IndicatorId::new(&of?);
    Some((vec![of.clone()], Compute::OverTime { of, by: by? }))
}

/// The id of an indicator at a key.
fn read_input(section: &Section<'_>, key: &'static str, facts: &Facts) -> Option<String> {
    let id = section.text(key)?;
    if facts.contains_key(&id) {
        return Some(id);
    }
    section.unknown(key, "indicator", &id, facts.keys().map(String::as_str));
    None
}

/// The alarm levels of at least one river point are known.
fn knows_water_levels(loading: &Loading<'_>) -> bool {
    !loading.profile.water_levels.is_empty()
}

/// Whether an area is declared.
pub(super) fn read_area(section: &Section<'_>, loading: &Loading<'_>) -> Option<AreaCode> {
    if !section.has("area") {
        return None;
    }
    let code = section.text("area")?;
    if !loading.declared.areas.contains(&code) {
        section.unknown("area", "area", &code, loading.declared.areas.iter().map(String::as_str));
    }
    Some(AreaCode::new(&code))
}
