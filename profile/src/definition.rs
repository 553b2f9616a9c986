//! Hashes: of the whole profile, and of what an indicator computes (its definition version).

use crate::read::FileText;
use crate::{Aggregate, Filter, Indicator, LastRollup, Operand, Profile, Term, Window, zone_rules};

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

/// Sets the definition version of every indicator: BLAKE3 of inputs, filter, window, aggregation, roll-up and
/// unit; not of names, owner, basis, staleness or thresholds.
pub(crate) fn hash_definitions(profile: &mut Profile) {
    let hashes: Vec<[u8; 16]> = profile
        .indicators
        .values()
        .map(|indicator| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(canonical(indicator, profile).as_bytes());
            head(&hasher)
        })
        .collect();
    for (indicator, hash) in profile.indicators.values_mut().zip(hashes) {
        indicator.definition = hash;
    }
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
    let line = match &indicator.aggregate {
        Aggregate::Count(operand) => format!("count {}", inputs.operand(operand)),
        Aggregate::Sum(operand) => format!("sum {}", inputs.operand(operand)),
        Aggregate::Mean(operand) => format!("mean {}", inputs.operand(operand)),
        Aggregate::Min(operand) => format!("min {}", inputs.operand(operand)),
        Aggregate::Max(operand) => format!("max {}", inputs.operand(operand)),
        Aggregate::Last(operand, rollup) => {
            format!("last {} by {}", inputs.operand(operand), rollup_word(*rollup))
        }
        Aggregate::Ratio { numerator, denominator, factor } => {
            format!("ratio {} over {} times {factor}", inputs.term(numerator), inputs.term(denominator))
        }
        Aggregate::TimeInState { state, states, factor } => {
            format!("time in {state} {:?} times {factor}", sorted(states))
        }
    };
    text.push_str(&line);
    text.push_str(&inputs.filters(&indicator.filter));
    let zone = match indicator.window {
        Window::Tumbling(_) => "",
        Window::Calendar(_) => profile.zone.as_str(),
    };
    let window = indicator.window.period();
    text.push_str(&format!("\nwindow {window} {zone}\nunit {} scale {}\n", indicator.unit, indicator.scale));
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

fn rollup_word(rollup: LastRollup) -> &'static str {
    match rollup {
        LastRollup::Sum => "sum",
        LastRollup::Mean => "mean",
        LastRollup::Min => "min",
        LastRollup::Max => "max",
    }
}
