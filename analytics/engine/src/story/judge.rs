//! Compares what a story expects with what the engine knows.

use nhip_profile::story::{Expectation, FigureExpectation};
use nhip_proto::{Badge, Decimal, EventTime, LedgerCounts, Row, RowState, Share, SourceId};

use super::play::Run;

impl Run<'_> {
    /// Whether the expectation holds now; else what was found.
    pub(super) fn judge(&self, expectation: &Expectation) -> Result<(), String> {
        match expectation {
            Expectation::Figure(figure) => self.judge_figure(figure),
            Expectation::Ledger { source, counts } => self.judge_ledger(source, counts),
            Expectation::Badge { source, word, share } => self.judge_badge(source, word, *share),
        }
    }

    fn judge_figure(&self, expected: &FigureExpectation) -> Result<(), String> {
        let at = if expected.group.is_empty() { "" } else { "@" };
        let name = format!("{} {}{at}{}", expected.indicator, expected.area, expected.group);
        let Some(indicator) = self.profile.indicators.get(&expected.indicator) else {
            return Err(format!("the profile has no indicator {}", expected.indicator));
        };
        if let Some(unit) = expected.unit.as_ref().filter(|unit| **unit != indicator.unit) {
            return Err(format!("{name}: expected the unit {unit}, found {}", indicator.unit));
        }
        let Some(row) = self.row(expected) else {
            let wants_nothing = expected.value.is_none() && *expected == bare(expected);
            return if wants_nothing { Ok(()) } else { Err(format!("{name}: found no such window")) };
        };
        let found = format!(
            "{} ({}, revision {}, k {}, m {}, level {}{})",
            row.value.map_or_else(|| "none".to_owned(), |value| value.to_string()),
            row.state,
            row.revision,
            row.k,
            row.m,
            row.level,
            expected.origin.map_or_else(String::new, |_| format!(", origin {}", row.origin))
        );
        let agrees = same_value(expected.value, row.value)
            && expected.state.is_none_or(|state| state == row.state)
            && expected.revision.is_none_or(|revision| revision == row.revision)
            && expected.k.is_none_or(|k| k == row.k)
            && expected.m.is_none_or(|m| m == row.m)
            && expected.level.is_none_or(|level| level == row.level)
            && expected.origin.is_none_or(|origin| origin == row.origin);
        if agrees { Ok(()) } else { Err(format!("{name}: expected {}, found {found}", told(expected))) }
    }

    /// The durable row of a settled window; else what the engine would say now.
    fn row(&self, expected: &FigureExpectation) -> Option<Row> {
        let FigureExpectation { indicator, area, group, window_start, .. } = expected.clone();
        let key = (indicator, area, group, window_start);
        let durable = self.rows.get(&key);
        if let Some(row) = durable.filter(|row| row.state != RowState::Provisional) {
            return Some(row.clone());
        }
        let window: Option<EventTime> = Some(expected.window_start);
        let live = self.engine.explain(&expected.indicator, &expected.area, &expected.group, window);
        live.map(|explained| explained.figure.row.clone()).or_else(|| durable.cloned())
    }

    fn judge_ledger(&self, source: &SourceId, expected: &[(String, u64)]) -> Result<(), String> {
        let ledger = self.engine.ledger();
        let counts =
            ledger.into_iter().find(|row| &row.source == source).map(|row| row.counts).unwrap_or_default();
        if !counts.balances() {
            return Err(format!("ledger {source} does not balance: {counts:?}"));
        }
        let wrong = expected.iter().filter(|(name, count)| count_of(&counts, name) != *count);
        let told: Vec<String> = wrong
            .map(|(name, count)| format!("expected {name} {count}, found {}", count_of(&counts, name)))
            .collect();
        if told.is_empty() { Ok(()) } else { Err(format!("ledger {source}: {}", told.join("; "))) }
    }

    fn judge_badge(&self, source: &SourceId, word: &str, expected: Option<(u64, u64)>) -> Result<(), String> {
        let sources = self.engine.sources();
        let line = sources.into_iter().find(|line| &line.source == source);
        let Some(line) = line else { return Err(format!("badge {source}: no such source")) };
        let found = share_of(&line.badge, word);
        let same = match (expected, found) {
            (None, None) => true,
            (Some((part, whole)), Some(share)) => {
                u128::from(part) * u128::from(share.denominator)
                    == u128::from(share.numerator) * u128::from(whole)
            }
            _ => false,
        };
        let text = |share: Option<(u64, u64)>| {
            share.map_or_else(|| "none".to_owned(), |(part, whole)| format!("{part}/{whole}"))
        };
        let found = found.map(|share| (share.numerator, share.denominator));
        if same {
            Ok(())
        } else {
            Err(format!("badge {source} {word}: expected {}, found {}", text(expected), text(found)))
        }
    }
}

/// The same figure with nothing expected but that it is missing.
fn bare(figure: &FigureExpectation) -> FigureExpectation {
    FigureExpectation {
        state: None,
        revision: None,
        k: None,
        m: None,
        level: None,
        origin: None,
        ..figure.clone()
    }
}

/// Equal as numbers: the story may leave zeros away, not digits.
fn same_value(expected: Option<Decimal>, found: Option<Decimal>) -> bool {
    match (expected, found) {
        (None, None) => true,
        (Some(expected), Some(found)) => {
            expected.scale <= found.scale && expected.at_scale(found.scale) == Some(found.mantissa)
        }
        _ => false,
    }
}

fn told(expected: &FigureExpectation) -> String {
    let mut parts = vec![expected.value.map_or_else(|| "none".to_owned(), |value| value.to_string())];
    parts.extend(expected.state.map(|state| state.to_string()));
    parts.extend(expected.revision.map(|revision| format!("revision {revision}")));
    parts.extend(expected.k.map(|k| format!("k {k}")));
    parts.extend(expected.m.map(|m| format!("m {m}")));
    parts.extend(expected.level.map(|level| format!("level {level}")));
    parts.extend(expected.origin.map(|origin| format!("origin {origin}")));
    parts.join(" ")
}

fn count_of(counts: &LedgerCounts, name: &str) -> u64 {
    match name {
        "received" => counts.received,
        "decoded" => counts.decoded,
        "rejected" => counts.rejected,
        "items" => counts.items,
        "applied" => counts.applied,
        "duplicate" => counts.duplicate,
        "conflicting" => counts.conflicting,
        "late" => counts.late,
        "item_rejected" => counts.item_rejected,
        "superseded" => counts.superseded,
        _ => counts.best_effort,
    }
}

fn share_of(badge: &Badge, word: &str) -> Option<Share> {
    match word {
        "dung" => badge.dung,
        "du" => badge.du,
        "sach" => badge.sach,
        _ => badge.song,
    }
}
