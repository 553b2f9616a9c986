//! Aggregates over a source's samples in order, and over all values at once: first, counters, levels, percentiles,
//! different ones, onsets.

use nhip_proto::{Decimal, MINUTE, SECOND, Span};

use super::aggregates::{ROLLUPS, check_states, read_quantity};
use super::{Loading, aggregates};
use crate::read::Section;
use crate::{Aggregate, DistinctOf, Operand, QuantityKind, Stream};

/// The keys of this file's aggregates.
pub(super) const KEYS: [&str; 8] =
    ["first", "delta", "rate", "percentile", "distinct", "leq", "harmonic_mean", "onsets"];

const PERS: [(&str, Span); 4] =
    [("1s", SECOND), ("1m", MINUTE), ("1h", 60 * MINUTE), ("1d", 24 * 60 * MINUTE)];
/// Digits behind the point of a percentile.
const PERCENT_SCALE: u8 = 3;

pub(super) fn read(
    section: &Section<'_>,
    key: &str,
    stream: Option<&Stream>,
    loading: &Loading<'_>,
) -> Option<Aggregate> {
    match key {
        "first" => {
            let (first, rollup) =
                (read_quantity(section, "first", stream), section.choice("rollup", &ROLLUPS));
            Some(Aggregate::First(Operand::Quantity(first?), rollup?))
        }
        "delta" => {
            let inner = section.section("delta")?;
            let counter = read_counter(&inner, stream, loading);
            let step_max = read_step(&inner, counter.as_deref(), loading);
            inner.finish();
            Some(Aggregate::Delta { counter: counter?, step_max })
        }
        "rate" => {
            let inner = section.section("rate")?;
            let counter = read_counter(&inner, stream, loading);
            let per = inner.choice("per", &PERS);
            let step_max = read_step(&inner, counter.as_deref(), loading);
            inner.finish();
            Some(Aggregate::Rate { counter: counter?, per: per?, step_max })
        }
        "percentile" => read_percentile(section.section("percentile")?, stream, loading),
        "distinct" => read_distinct(section.section("distinct")?, stream),
        "leq" => {
            let quantity = read_quantity(section, "leq", stream)?;
            refuse_counter(section, "leq", &quantity, loading);
            check_level(section, &quantity, loading);
            Some(Aggregate::Leq(quantity))
        }
        "harmonic_mean" => {
            let quantity = read_quantity(section, "harmonic_mean", stream);
            let weight = section.has("weight").then(|| read_quantity(section, "weight", stream)).flatten();
            if let Some(quantity) = &quantity {
                refuse_counter(section, "harmonic_mean", quantity, loading);
            }
            Some(Aggregate::HarmonicMean { quantity: quantity?, weight })
        }
        _ => read_onsets(section.section("onsets")?, stream),
    }
}

/// The name of the unit something happens per: `h` of `1h`.
pub(super) fn per_name(per: Span) -> &'static str {
    match PERS.iter().find(|(_, span)| *span == per) {
        Some(("1s", _)) => "s",
        Some(("1m", _)) => "min",
        Some(("1d", _)) => "d",
        _ => "h",
    }
}

/// A running total is not a value of its moment: adding or averaging its readings says nothing.
pub(super) fn refuse_counter(section: &Section<'_>, key: &'static str, name: &str, loading: &Loading<'_>) {
    let kind = loading.profile.quantities.get(name).map(|quantity| quantity.kind);
    if kind == Some(QuantityKind::Counter) {
        let reason = format!("{name} is a counter: its readings say nothing added or averaged");
        section.mistake(key, reason, format!("delta = {{ counter = \"{name}\" }}, rate, last"));
    }
}

fn read_counter(section: &Section<'_>, stream: Option<&Stream>, loading: &Loading<'_>) -> Option<String> {
    let name = read_quantity(section, "counter", stream)?;
    let instead = match loading.profile.quantities.get(&name)?.kind {
        QuantityKind::Counter => return Some(name),
        QuantityKind::Gauge => ("a gauge: it may fall", "kind = \"counter\" at the quantity; or mean, last"),
        QuantityKind::IntervalSum => ("an interval sum already", "sum"),
    };
    section.mistake("counter", format!("{name} is {}", instead.0), instead.1);
    Some(name)
}

fn read_step(section: &Section<'_>, counter: Option<&str>, loading: &Loading<'_>) -> Option<i128> {
    if !section.has("step_max") {
        return None;
    }
    let quantity = counter.and_then(|name| loading.profile.quantities.get(name));
    let step = section.number("step_max", quantity.map_or(9, |quantity| quantity.scale))?;
    if step <= 0 {
        section.mistake("step_max", "is not more than 0", "the greatest increment that can be true");
    }
    Some(step)
}

fn read_percentile(
    section: Section<'_>,
    stream: Option<&Stream>,
    loading: &Loading<'_>,
) -> Option<Aggregate> {
    let quantity = read_quantity(&section, "of", stream);
    if let Some(quantity) = &quantity {
        refuse_counter(&section, "of", quantity, loading);
    }
    let percent = section.decimal("percent");
    if let Some(percent) = percent
        && !inside_percent(percent)
    {
        let allowed = format!("more than 0, less than 100, at most {PERCENT_SCALE} digits behind the point");
        section.mistake("percent", format!("{percent} is no percentile"), allowed);
    }
    section.finish();
    Some(Aggregate::Percentile { quantity: quantity?, percent: percent? })
}

fn inside_percent(percent: Decimal) -> bool {
    let whole = 10_i128.pow(u32::from(PERCENT_SCALE));
    let exact = if percent.scale <= PERCENT_SCALE { percent.at_scale(PERCENT_SCALE) } else { None };
    exact.is_some_and(|percent| percent > 0 && percent < 100 * whole)
}

fn read_distinct(section: Section<'_>, stream: Option<&Stream>) -> Option<Aggregate> {
    let of = section.text("of");
    let distinct = match (of.as_deref(), stream) {
        (Some("id"), _) => Some(DistinctOf::Id),
        (Some("source"), _) => Some(DistinctOf::Source),
        (Some(_), Some(stream)) => {
            aggregates::read_operand(&section, "of", Some(stream)).map(|operand| match operand {
                Operand::State(name) => DistinctOf::State(name),
                Operand::Quantity(name) => DistinctOf::Quantity(name),
            })
        }
        _ => None,
    };
    section.finish();
    distinct.map(Aggregate::Distinct)
}

fn read_onsets(section: Section<'_>, stream: Option<&Stream>) -> Option<Aggregate> {
    let state = section.text("state");
    let words = section.words("in").map(|words| words.into_iter().map(|(_, word)| word).collect::<Vec<_>>());
    if let (Some(state), Some(stream), Some(words)) = (&state, stream, &words) {
        check_states(&section, "state", "in", state, words, stream);
        let all = stream.states.get(state).is_some_and(|all| all.iter().all(|word| words.contains(word)));
        if all {
            section.mistake("in", "names every word: nothing would ever begin", "some of the words");
        }
    }
    section.finish();
    Some(Aggregate::Onsets { state: state?, states: words? })
}

/// Energies add up, so a mean level is one of levels only.
fn check_level(section: &Section<'_>, quantity: &str, loading: &Loading<'_>) {
    let unit = loading.profile.quantities.get(quantity).map(|quantity| quantity.unit.as_str());
    if let Some(unit) = unit.filter(|unit| !matches!(*unit, "dB" | "dBA")) {
        section.mistake("leq", format!("{quantity} is told in {unit}, which is no level"), "dB, dBA");
    }
}
