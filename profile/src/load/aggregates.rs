//! What an indicator computes: exactly one aggregate, typed filters, and a unit that fits both.

use super::Loading;
use crate::read::Section;
use crate::unit::counts_things;
use crate::{Aggregate, Filter, LastRollup, Operand, Stream, Term};

const KEYS: [&str; 8] = ["count", "sum", "mean", "min", "max", "last", "ratio", "share_of_time"];

const ROLLUPS: [(&str, LastRollup); 4] = [
    ("sum", LastRollup::Sum),
    ("mean", LastRollup::Mean),
    ("min", LastRollup::Min),
    ("max", LastRollup::Max),
];

pub(super) fn read_aggregate(
    section: &Section<'_>,
    stream: Option<&Stream>,
    loading: &Loading<'_>,
) -> Option<Aggregate> {
    let given: Vec<&str> = KEYS.into_iter().filter(|key| section.has(key)).collect();
    let [key] = given.as_slice() else {
        let reason = match given.as_slice() {
            [] => "computes nothing".to_owned(),
            several => format!("computes {} at once", several.join(" and ")),
        };
        section.here(reason, format!("one of {}", KEYS.join(", ")));
        return None;
    };
    let quantity = |key| read_quantity(section, key, stream).map(Operand::Quantity);
    match *key {
        "count" => read_operand(section, "count", stream).map(Aggregate::Count),
        "sum" => quantity("sum").map(Aggregate::Sum),
        "mean" => quantity("mean").map(Aggregate::Mean),
        "min" => quantity("min").map(Aggregate::Min),
        "max" => quantity("max").map(Aggregate::Max),
        "last" => {
            let (last, rollup) = (quantity("last"), section.choice("rollup", &ROLLUPS));
            Some(Aggregate::Last(last?, rollup?))
        }
        "ratio" => read_ratio(section.section("ratio")?, stream, loading),
        _ => read_time_in_state(section.section("share_of_time")?, stream),
    }
}

fn read_ratio(section: Section<'_>, stream: Option<&Stream>, loading: &Loading<'_>) -> Option<Aggregate> {
    let term = |key| section.section(key).and_then(|term| read_term(term, stream, loading));
    let (numerator, denominator) = (term("numerator"), term("denominator"));
    let factor = if section.flag("percent") { 100 } else { 1 };
    section.finish();
    Some(Aggregate::Ratio { numerator: numerator?, denominator: denominator?, factor })
}

fn read_term(section: Section<'_>, stream: Option<&Stream>, loading: &Loading<'_>) -> Option<Term> {
    let (sum, product, count) = (section.has("sum"), section.has("product"), section.has("count"));
    let term = match (sum, product, count) {
        (true, false, false) => read_quantity(&section, "sum", stream).map(Term::Sum),
        (false, true, false) => read_product(&section, stream),
        (false, false, true) => {
            let filters = read_filters(&section, "where", stream, loading);
            read_operand(&section, "count", stream).map(|operand| Term::Count(operand, filters))
        }
        _ => {
            section.here("is no term", "one of sum, product, count");
            None
        }
    };
    section.finish();
    term
}

fn read_product(section: &Section<'_>, stream: Option<&Stream>) -> Option<Term> {
    let words = section.words("product")?;
    let [(_, left), (_, right)] = words.as_slice() else {
        section.mistake("product", format!("has {} quantities", words.len()), "two quantities");
        return None;
    };
    for word in [left, right] {
        check_quantity(section, "product", word, stream);
    }
    Some(Term::SumOfProducts(left.clone(), right.clone()))
}

fn read_time_in_state(section: Section<'_>, stream: Option<&Stream>) -> Option<Aggregate> {
    let state = section.text("state");
    let words = section.words("in").map(|words| words.into_iter().map(|(_, word)| word).collect::<Vec<_>>());
    let factor = if section.flag("percent") { 100 } else { 1 };
    if let (Some(state), Some(stream)) = (&state, stream) {
        check_states(&section, "state", "in", state, words.as_deref().unwrap_or_default(), stream);
    }
    section.finish();
    Some(Aggregate::TimeInState { state: state?, states: words?, factor })
}

pub(super) fn read_filters(
    section: &Section<'_>,
    key: &'static str,
    stream: Option<&Stream>,
    loading: &Loading<'_>,
) -> Vec<Filter> {
    let mut filters = Vec::new();
    for (name, value) in section.free_entries(key) {
        let range = section.as_section(key, value);
        let filter = match (range, stream) {
            (Some(range), _) => read_range(range, &name, stream, loading),
            (None, Some(stream)) => {
                let words = section.words_of(key, value).unwrap_or_default();
                let words: Vec<String> = words.into_iter().map(|(_, word)| word).collect();
                check_states(section, key, key, &name, &words, stream);
                Some(Filter::StateIn(name, words))
            }
            (None, None) => None,
        };
        filters.extend(filter);
    }
    filters
}

fn read_range(
    section: Section<'_>,
    name: &str,
    stream: Option<&Stream>,
    loading: &Loading<'_>,
) -> Option<Filter> {
    if let Some(stream) = stream.filter(|stream| !stream.quantities.contains_key(name)) {
        let known = stream.quantities.keys().map(String::as_str);
        loading.found.add_unknown(section.at(), &section.full(name), "quantity", name, known);
    }
    let quantity = loading.profile.quantities.get(name);
    let scale = quantity.map_or(9, |quantity| quantity.scale);
    let bound = |key, absent| if section.has(key) { section.number(key, scale) } else { absent };
    let least = bound("min", quantity.map(|quantity| quantity.range.0));
    let greatest = bound("max", quantity.map(|quantity| quantity.range.1));
    section.finish();
    Some(Filter::Between(name.to_owned(), least?, greatest?))
}

/// The unit of a figure follows from what it computes; the profile must say the same.
pub(super) fn check_unit(section: &Section<'_>, aggregate: &Aggregate, unit: &str, loading: &Loading<'_>) {
    let of = |name: &str| loading.profile.quantities.get(name).map(|quantity| quantity.unit.clone());
    let expected = match aggregate {
        Aggregate::Count(_) if !counts_things(unit) => Some("readings, vehicles, people, events".to_owned()),
        Aggregate::Count(_) => None,
        Aggregate::Sum(operand)
        | Aggregate::Mean(operand)
        | Aggregate::Min(operand)
        | Aggregate::Max(operand)
        | Aggregate::Last(operand, _) => match operand {
            Operand::Quantity(name) => of(name),
            Operand::State(_) => None,
        },
        Aggregate::TimeInState { factor, .. } => Some(share_unit(*factor)),
        Aggregate::Ratio { numerator, denominator, factor } => match (numerator, denominator) {
            (Term::SumOfProducts(left, right), Term::Sum(weight)) if left == weight => of(right),
            (Term::SumOfProducts(left, right), Term::Sum(weight)) if right == weight => of(left),
            (Term::Count(..), Term::Count(..)) => Some(share_unit(*factor)),
            (Term::Sum(left), Term::Sum(right)) if of(left) == of(right) => Some(share_unit(*factor)),
            _ => None,
        },
        _ => None,
    };
    if let Some(expected) = expected.filter(|expected| expected != unit) {
        section.mistake("unit", format!("{unit} is not the unit of what is computed"), expected);
    }
}

fn share_unit(factor: u32) -> String {
    if factor == 100 { "%".to_owned() } else { "1".to_owned() }
}

fn read_quantity(section: &Section<'_>, key: &'static str, stream: Option<&Stream>) -> Option<String> {
    let name = section.text(key)?;
    check_quantity(section, key, &name, stream);
    Some(name)
}

fn check_quantity(section: &Section<'_>, key: &'static str, name: &str, stream: Option<&Stream>) {
    if let Some(stream) = stream.filter(|stream| !stream.quantities.contains_key(name)) {
        let what = format!("quantity of the stream {}", stream.id);
        section.unknown(key, &what, name, stream.quantities.keys().map(String::as_str));
    }
}

fn read_operand(section: &Section<'_>, key: &'static str, stream: Option<&Stream>) -> Option<Operand> {
    let name = section.text(key)?;
    let stream = stream?;
    if stream.states.contains_key(&name) {
        return Some(Operand::State(name));
    }
    if !stream.quantities.contains_key(&name) {
        let known = stream.quantities.keys().chain(stream.states.keys()).map(String::as_str);
        section.unknown(key, &format!("name of the stream {}", stream.id), &name, known);
    }
    Some(Operand::Quantity(name))
}

fn check_states(
    section: &Section<'_>,
    name_key: &'static str,
    words_key: &'static str,
    name: &str,
    words: &[String],
    stream: &Stream,
) {
    let Some(states) = stream.states.get(name) else {
        let what = format!("state of the stream {}", stream.id);
        section.unknown(name_key, &what, name, stream.states.keys().map(String::as_str));
        return;
    };
    for word in words.iter().filter(|word| !states.contains(word)) {
        section.unknown(
            words_key,
            &format!("word of the state {name}"),
            word,
            states.iter().map(String::as_str),
        );
    }
    if words.is_empty() {
        section.mistake(words_key, "names no state", states.join(", "));
    }
}
