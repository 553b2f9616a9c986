//! What a measured indicator computes over the items of its stream, and which of them take part.

use super::samples::{self, refuse_counter};
use super::{Loading, derived};
use crate::read::Section;
use crate::{Aggregate, Filter, LastRollup, Operand, Standing, Stream, Term};

const KEYS: [&str; 9] = ["count", "sum", "mean", "min", "max", "last", "ratio", "share_of_time", "stock"];

pub(super) const ROLLUPS: [(&str, LastRollup); 4] = [
    ("sum", LastRollup::Sum),
    ("mean", LastRollup::Mean),
    ("min", LastRollup::Min),
    ("max", LastRollup::Max),
];

/// A last value may be of its own place alone: growth of a province is not the sum of its communes'.
const LAST_ROLLUPS: [(&str, LastRollup); 5] =
    [ROLLUPS[0], ROLLUPS[1], ROLLUPS[2], ROLLUPS[3], ("none", LastRollup::None)];

/// Whether a measured sum or last value stays at the place its readings speak of.
pub(super) fn reads_own_area(section: &Section<'_>, key: &str) -> bool {
    match key {
        "sum" if section.has("rollup") => section.choice("rollup", &[("none", ())]).is_some(),
        "last" => section.text_or("rollup", "") == "none",
        _ => false,
    }
}

/// The one key that says what is computed; of several or none a mistake.
pub(super) fn read_key(section: &Section<'_>) -> Option<&'static str> {
    let all = || KEYS.into_iter().chain(samples::KEYS).chain(derived::KEYS);
    let given: Vec<&'static str> = all().filter(|key| section.has(key)).collect();
    if let [key] = given.as_slice() {
        return Some(key);
    }
    let reason = match given.as_slice() {
        [] => "computes nothing".to_owned(),
        several => format!("computes {} at once", several.join(" and ")),
    };
    section.here(reason, format!("one of {}", all().collect::<Vec<_>>().join(", ")));
    None
}

pub(super) fn read_aggregate(
    section: &Section<'_>,
    key: &'static str,
    stream: Option<&Stream>,
    loading: &Loading<'_>,
) -> Option<Aggregate> {
    let quantity = |key| read_quantity(section, key, stream).map(Operand::Quantity);
    let added = |key| {
        let name = read_quantity(section, key, stream)?;
        refuse_counter(section, key, &name, loading);
        Some(Operand::Quantity(name))
    };
    match key {
        "count" => read_operand(section, "count", stream).map(Aggregate::Count),
        "sum" => added("sum").map(Aggregate::Sum),
        "mean" => added("mean").map(Aggregate::Mean),
        "min" => quantity("min").map(Aggregate::Min),
        "max" => quantity("max").map(Aggregate::Max),
        "last" => {
            let (last, rollup) = (quantity("last"), section.choice("rollup", &LAST_ROLLUPS));
            Some(Aggregate::Last(last?, rollup?))
        }
        "ratio" => read_ratio(section.section("ratio")?, stream, loading),
        "share_of_time" => read_time_in_state(section.section("share_of_time")?, stream),
        "stock" => section.choice("stock", &Standing::ALL).map(Aggregate::Stock),
        other => samples::read(section, other, stream, loading),
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
        (true, false, false) => {
            let name = read_quantity(&section, "sum", stream);
            if let Some(name) = &name {
                refuse_counter(&section, "sum", name, loading);
            }
            name.map(Term::Sum)
        }
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

pub(super) fn read_quantity(
    section: &Section<'_>,
    key: &'static str,
    stream: Option<&Stream>,
) -> Option<String> {
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

pub(super) fn read_operand(
    section: &Section<'_>,
    key: &'static str,
    stream: Option<&Stream>,
) -> Option<Operand> {
    let name = section.text(key)?;
    let stream = stream?;
    if stream.has_words(&name) {
        return Some(Operand::State(name));
    }
    if !stream.quantities.contains_key(&name) {
        let known = stream.quantities.keys().chain(stream.states.keys()).chain(&stream.things);
        let known = known.map(String::as_str);
        section.unknown(key, &format!("name of the stream {}", stream.id), &name, known);
    }
    Some(Operand::Quantity(name))
}

pub(super) fn check_states(
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
