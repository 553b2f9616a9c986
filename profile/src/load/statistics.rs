//! `[stream.statistic]`: figures of periods, of which the latest revision stands; what may be computed of them.

use std::collections::BTreeMap;

use crate::read::Section;
use crate::{Aggregate, DistinctOf, Statistic, Stream};

/// The words of the state that says whether a figure is out.
const RELEASED: [&str; 2] = ["no", "yes"];

pub(super) fn read_statistic(
    section: &Section<'_>,
    quantities: &BTreeMap<String, String>,
    states: &BTreeMap<String, Vec<String>>,
) -> Option<Statistic> {
    let table = section.has("statistic").then(|| section.section("statistic")).flatten()?;
    let mut dimensions = Vec::new();
    for (at, word) in
        table.has("dimensions").then(|| table.words("dimensions")).flatten().into_iter().flatten()
    {
        if !states.contains_key(&word) {
            let known = states.keys().map(String::as_str);
            table.found().add_unknown(at, &table.full("dimensions"), "state", &word, known);
        }
        dimensions.push(word);
    }
    let state = |key: &'static str| {
        let name = table.has(key).then(|| table.text(key)).flatten()?;
        if !states.contains_key(&name) {
            table.unknown(key, "state", &name, states.keys().map(String::as_str));
        }
        if dimensions.contains(&name) {
            table.mistake(
                key,
                format!("\"{name}\" tells figures apart, too"),
                "a state that is no dimension",
            );
        }
        Some(name)
    };
    let (phase, released) = (state("phase"), state("released"));
    if let Some(words) = released.as_ref().and_then(|name| states.get(name)) {
        let mut sorted: Vec<&str> = words.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        if sorted != RELEASED {
            table.mistake("released", "is no state of the words yes and no", "[\"yes\", \"no\"]");
        }
    }
    let revision = table.has("revision").then(|| table.text("revision")).flatten();
    if let Some(name) = revision.as_ref().filter(|name| quantities.get(*name).is_none_or(|unit| unit != "1"))
    {
        let counts = quantities.iter().filter(|(_, unit)| *unit == "1").map(|(name, _)| name.as_str());
        table.unknown("revision", "quantity of unit 1", name, counts);
    }
    table.finish();
    Some(Statistic { dimensions, phase, revision, released })
}

/// Of figures that others take the place of only that may be computed of which a part can be taken back.
pub(super) fn check_aggregate(
    section: &Section<'_>,
    key: &'static str,
    aggregate: Option<&Aggregate>,
    stream: Option<&Stream>,
) {
    let Some(aggregate) = aggregate.filter(|_| stream.is_some_and(|stream| stream.statistic.is_some()))
    else {
        return;
    };
    let exact = matches!(
        aggregate,
        Aggregate::Count(_)
            | Aggregate::Sum(_)
            | Aggregate::Mean(_)
            | Aggregate::Ratio { .. }
            | Aggregate::Percentile { .. }
            | Aggregate::Last(..)
            | Aggregate::Distinct(DistinctOf::Source)
    );
    if !exact {
        let reason = "cannot take back what a revision of the statistic takes the place of";
        section.mistake(key, reason, "count, sum, mean, ratio, percentile, last");
    }
}
