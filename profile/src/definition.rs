//! Hashes: of the whole profile, and of what an indicator computes (its definition version).

mod case_text;

use std::collections::BTreeSet;

use nhip_proto::{Decimal, IndicatorId};

use crate::read::FileText;
use crate::{
    Aggregate, AreaRollup, Compute, Derived, DistinctOf, Expression, Filter, GroupBy, Indicator, LastRollup,
    Operand, OverTime, Profile, Severity, Target, Term, Threshold, Validity, Window, span_text, zone_rules,
};

/// The calculators that read the profile's water levels begin so.
const WATER_ALARM: &str = "water_alarm";

/// The first 16 bytes of BLAKE3 over path and text of every file, then the zone rules.
pub(crate) fn hash_files(files: &[FileText<'_>], profile: &Profile) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        take(&mut hasher, file.path.as_bytes());
        take(&mut hasher, file.text.as_bytes());
    }
    for zone in zone_rules(profile) {
        take(&mut hasher, zone.name.as_bytes());
        take(&mut hasher, &zone.tzif);
    }
    head(&hasher)
}

/// Sets the definition version of every indicator: BLAKE3 of inputs, filter, window, aggregation, roll-up,
/// formula and unit; not of names, owner, basis, staleness or thresholds (but of those a formula reads).
/// Inputs come before what is derived from them.
pub(crate) fn hash_definitions(profile: &mut Profile) {
    for id in inputs_first(profile) {
        let Some(indicator) = profile.indicators.get(&id) else { continue };
        let mut hasher = blake3::Hasher::new();
        hasher.update(canonical(indicator, profile).as_bytes());
        let hash = head(&hasher);
        if let Some(indicator) = profile.indicators.get_mut(&id) {
            indicator.definition = hash;
        }
    }
}

/// All indicators, each behind its inputs; those in a circle (never in a checked profile) come last.
pub(crate) fn inputs_first(profile: &Profile) -> Vec<IndicatorId> {
    let mut order: Vec<IndicatorId> = Vec::with_capacity(profile.indicators.len());
    let mut placed: BTreeSet<&IndicatorId> = BTreeSet::new();
    let mut waiting: Vec<&Indicator> = profile.indicators.values().collect();
    while !waiting.is_empty() {
        let known = |id: &IndicatorId| placed.contains(id) || !profile.indicators.contains_key(id);
        let (ready, rest): (Vec<_>, Vec<_>) =
            waiting.iter().partition(|indicator| indicator.inputs().iter().all(&known));
        let ready: Vec<&Indicator> = if ready.is_empty() { rest.clone() } else { ready };
        waiting.retain(|indicator| !ready.iter().any(|ready| ready.id == indicator.id));
        for indicator in ready {
            placed.insert(&indicator.id);
            order.push(indicator.id.clone());
        }
    }
    order
}

fn take(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

fn head(hasher: &blake3::Hasher) -> [u8; 16] {
    let mut first = [0; 16];
    first.iter_mut().zip(hasher.finalize().as_bytes()).for_each(|(to, from)| *to = *from);
    first
}

/// One text per meaning: definitions that compute the same figure from the same inputs have the same text.
fn canonical(indicator: &Indicator, profile: &Profile) -> String {
    let mut text = format!("stream {}\n", indicator.stream);
    let inputs = Inputs { profile };
    if let Some(over) = &indicator.cases {
        text.push_str(&case_text::canonical(over, &indicator.stream, profile));
    }
    text.push_str(&inputs.aggregate(&indicator.aggregate));
    text.push_str(&inputs.filters(&indicator.filter));
    let zone = match indicator.window {
        Window::Tumbling(_) | Window::Hopping { .. } => "",
        Window::Calendar(_) | Window::Closing(..) | Window::Dated(_) => profile.zone.as_str(),
    };
    let window = indicator.window.period();
    text.push_str(&format!("\nwindow {window} {zone}\nunit {} scale {}\n", indicator.unit, indicator.scale));
    match &indicator.group {
        Some(GroupBy::Source) => text.push_str("group by source\n"),
        Some(GroupBy::State(name)) => text.push_str(&format!("group by state {name}\n")),
        None => {}
    }
    if indicator.own_area {
        text.push_str("of its own area\n");
    }
    if let Some(share) = indicator.readings_min {
        text.push_str(&format!("readings at least {share}\n"));
    }
    text
}

struct Inputs<'a> {
    profile: &'a Profile,
}

impl Inputs<'_> {
    fn quantity(&self, name: &str) -> String {
        match self.profile.quantities.get(name) {
            Some(quantity) => format!("{name}[{}@{}]", quantity.unit, quantity.scale),
            None => name.to_owned(),
        }
    }

    fn aggregate(&self, aggregate: &Aggregate) -> String {
        match aggregate {
            Aggregate::Count(operand) => format!("count {}", self.operand(operand)),
            Aggregate::Sum(operand) => format!("sum {}", self.operand(operand)),
            Aggregate::Mean(operand) => format!("mean {}", self.operand(operand)),
            Aggregate::Min(operand) => format!("min {}", self.operand(operand)),
            Aggregate::Max(operand) => format!("max {}", self.operand(operand)),
            Aggregate::Last(operand, by) => format!("last {} by {}", self.operand(operand), rollup_word(*by)),
            Aggregate::First(operand, by) => {
                format!("first {} by {}", self.operand(operand), rollup_word(*by))
            }
            Aggregate::Ratio { numerator, denominator, factor } => {
                format!("ratio {} over {} times {factor}", self.term(numerator), self.term(denominator))
            }
            Aggregate::TimeInState { state, states, factor } => {
                format!("time in {state} {:?} times {factor}", sorted(states))
            }
            Aggregate::Delta { counter, step_max } => {
                format!("delta {} step {step_max:?}", self.quantity(counter))
            }
            Aggregate::Rate { counter, per, step_max } => {
                format!("rate {} per {} step {step_max:?}", self.quantity(counter), span_text(*per))
            }
            Aggregate::Percentile { quantity, percent } => {
                format!("percentile {} of {}", plain(*percent), self.quantity(quantity))
            }
            Aggregate::Distinct(of) => format!("distinct {}", self.distinct(of)),
            Aggregate::Leq(quantity) => format!("leq {}", self.quantity(quantity)),
            Aggregate::HarmonicMean { quantity, weight } => {
                let weight = weight.as_ref().map(|weight| self.quantity(weight)).unwrap_or_default();
                format!("harmonic mean {} weight {weight}", self.quantity(quantity))
            }
            Aggregate::Onsets { state, states } => format!("onsets {state} {:?}", sorted(states)),
            Aggregate::Stock(standing) => format!("stock {}", standing.word()),
            Aggregate::Derived(derived) => self.derived(derived),
        }
    }

    fn distinct(&self, of: &DistinctOf) -> String {
        match of {
            DistinctOf::Id => "ids".to_owned(),
            DistinctOf::Source => "sources".to_owned(),
            DistinctOf::State(name) => format!("state {name}"),
            DistinctOf::Quantity(name) => self.quantity(name),
        }
    }

    /// A derived figure changes with what it is made of, so the versions of its inputs are part of its own.
    fn derived(&self, derived: &Derived) -> String {
        let mut text = match &derived.compute {
            Compute::Formula(expression) => self.formula(expression),
            Compute::Calculator { name, inputs, parameters } => {
                let inputs: Vec<String> = inputs.iter().map(|(name, of)| format!("{name}={of}")).collect();
                let parameters: Vec<String> =
                    parameters.iter().map(|(name, value)| format!("{name}={}", plain(*value))).collect();
                // Documents are dated by civil days.
                let zone = &self.profile.zone;
                format!("calculator {name} {inputs:?} {parameters:?} {zone}{}", self.levels(name))
            }
            Compute::OverTime { of, by } => format!("over time {} {of}", over_time_word(*by)),
        };
        if let Some(rollup) = derived.rollup {
            text.push_str(&format!("\nareas by {}", area_rollup_word(rollup)));
        }
        for input in &derived.inputs {
            let version =
                self.profile.indicators.get(input).map(|input| input.definition).unwrap_or_default();
            text.push_str(&format!("\ninput {input} {}", hexadecimal(&version)));
        }
        text
    }

    fn formula(&self, expression: &Expression) -> String {
        let (mut limits, mut targets) = (Vec::new(), Vec::new());
        expression.visit(&mut |part| match part {
            Expression::Limit(indicator) => limits.push(indicator),
            Expression::Target(indicator) | Expression::Expected(indicator) => targets.push(indicator),
            _ => {}
        });
        limits.sort();
        limits.dedup();
        let mut text = format!("formula {}", expression.shown());
        // What a limit says on a day is read in the profile's zone.
        if !limits.is_empty() || !targets.is_empty() {
            text.push_str(&format!("\nzone {}", self.profile.zone));
        }
        for threshold in &self.profile.thresholds {
            if limits.contains(&&threshold.indicator) && threshold.severity == Severity::Critical {
                let Threshold { indicator, area, group, limit, valid, .. } = threshold;
                let area = area.as_ref().map_or("", |area| area.as_str());
                let group = group.as_deref().unwrap_or_default();
                text.push_str(&format!("\nlimit {indicator} {area:?} {group:?} {limit} {}", dates(valid)));
            }
        }
        for target in self.profile.targets.iter().filter(|target| targets.contains(&&target.indicator)) {
            let Target { indicator, area, value, valid, curve, .. } = target;
            text.push_str(&format!("\ntarget {indicator} {area} {value} {curve:?} {}", dates(valid)));
        }
        text
    }

    fn levels(&self, calculator: &str) -> String {
        let mut text = String::new();
        for level in self.profile.water_levels.iter().filter(|_| calculator.starts_with(WATER_ALARM)) {
            let levels = level.levels.map(plain).join(" ");
            text.push_str(&format!("\nlevels {} {levels} {}", level.group, dates(&level.valid)));
        }
        text
    }

    fn operand(&self, operand: &Operand) -> String {
        match operand {
            Operand::Quantity(name) => self.quantity(name),
            Operand::State(name) => format!("state {name}"),
        }
    }

    fn term(&self, term: &Term) -> String {
        match term {
            Term::Sum(name) => format!("sum {}", self.quantity(name)),
            Term::SumOfProducts(left, right) => {
                let mut both = [self.quantity(left), self.quantity(right)];
                both.sort();
                format!("sum of {}", both.join(" × "))
            }
            Term::Count(operand, filters) => {
                format!("count {}{}", self.operand(operand), self.filters(filters))
            }
        }
    }

    fn filters(&self, filters: &[Filter]) -> String {
        let mut lines: Vec<String> = filters
            .iter()
            .map(|filter| match filter {
                Filter::StateIn(name, words) => format!("\nwhere {name} in {:?}", sorted(words)),
                Filter::Between(name, least, most) => {
                    format!("\nwhere {} in {least}…{most}", self.quantity(name))
                }
            })
            .collect();
        lines.sort();
        lines.concat()
    }
}

fn sorted(words: &[String]) -> Vec<&String> {
    let mut words: Vec<&String> = words.iter().collect();
    words.sort();
    words
}

/// One text per value: a decimal read from text carries no needless digits.
fn plain(value: Decimal) -> String {
    value.to_string()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `2023-01-01…`, the end left open.
fn dates(valid: &Validity) -> String {
    let date = |date: Option<jiff::civil::Date>| date.map_or_else(String::new, |date| date.to_string());
    format!("{}…{}", date(valid.from), date(valid.to))
}

fn over_time_word(by: OverTime) -> &'static str {
    match by {
        OverTime::Sum => "sum",
        OverTime::Mean => "mean",
        OverTime::Min => "min",
        OverTime::Max => "max",
        OverTime::Last => "last",
        OverTime::Count => "count",
    }
}

fn area_rollup_word(rollup: AreaRollup) -> &'static str {
    match rollup {
        AreaRollup::Sum => "sum",
        AreaRollup::Mean => "mean",
        AreaRollup::Min => "min",
        AreaRollup::Max => "max",
        AreaRollup::None => "none",
    }
}

fn rollup_word(rollup: LastRollup) -> &'static str {
    match rollup {
        LastRollup::Sum => "sum",
        LastRollup::Mean => "mean",
        LastRollup::Min => "min",
        LastRollup::Max => "max",
        LastRollup::None => "none",
    }
}
