//! Indicators over cases: `cases` in place of `stream`, `at` or `stock` for when a case counts.

use super::Loading;
use super::streams::read_stream_name;
use crate::read::Section;
use crate::{CaseInstant, OverCases, Standing, Stream};

/// Aggregates that a case can leave again.
const AGGREGATES: [&str; 6] = ["count", "sum", "mean", "ratio", "percentile", "stock"];

/// The stream an indicator reads, and when its cases count if it is over cases. `key` is what it computes.
pub(super) fn read(
    section: &Section<'_>,
    key: &str,
    loading: &Loading<'_>,
) -> (Option<String>, Option<OverCases>) {
    if !section.has("cases") {
        if section.has("at") {
            section.mistake("at", "chooses the window of a case", "cases, too");
        }
        if key == "stock" {
            section.mistake(
                "stock",
                "counts cases, and the indicator reads a stream",
                "cases in place of stream",
            );
        }
        return (read_stream_name(section, loading), None);
    }
    if section.has("stream") {
        section.mistake("stream", "stands beside cases", "one of the two");
    }
    let id = section.text("cases");
    if let Some(id) = id.as_ref().filter(|id| !loading.profile.cases.contains_key(id.as_str())) {
        section.unknown("cases", "stream with cases", id, loading.profile.cases.keys().map(|id| id.as_str()));
    }
    if !key.is_empty() && !AGGREGATES.contains(&key) {
        let reason = format!("{key} cannot lose a case again that was told otherwise later");
        section.mistake(key, reason, AGGREGATES.join(", "));
    }
    (id, read_when(section, key))
}

fn read_when(section: &Section<'_>, key: &str) -> Option<OverCases> {
    if key == "stock" {
        if section.has("at") {
            section.mistake("at", "stands beside stock, which counts at the window's end", "stock alone");
        }
        return section.choice("stock", &Standing::ALL).map(OverCases::Stock);
    }
    section.choice("at", &CaseInstant::ALL).map(OverCases::At)
}

/// The names an indicator may read: those of the stream, or the facts of its cases.
pub(super) fn names<'l>(section: &Section<'_>, id: &str, loading: &'l Loading<'_>) -> Option<&'l Stream> {
    match section.has("cases") {
        true => loading.profile.cases.get(id).map(|rules| &rules.facts),
        false => loading.profile.streams.get(id),
    }
}
