//! `expect …`: what must hold at a point of a story.

use nhip_proto::{AreaCode, Decimal, EventTime, IndicatorId, Level, Origin, RowState, SourceId};

use super::words::{Calendar, Word, Words, Wrong};
use super::{Expectation, FigureExpectation};
use crate::canonical_unit;

const COUNTS: [&str; 11] = [
    "received",
    "decoded",
    "rejected",
    "items",
    "applied",
    "duplicate",
    "conflicting",
    "late",
    "item_rejected",
    "superseded",
    "best_effort",
];
const BADGE_WORDS: [&str; 4] = ["dung", "du", "sach", "song"];
const FIGURE_WORDS: [&str; 9] =
    ["a unit", "provisional", "final", "revised", "revision N", "k N", "m N", "level L", "origin O"];

pub(super) fn read_expectation(words: &mut Words<'_>, calendar: &Calendar<'_>) -> Result<Expectation, Wrong> {
    let subject = words.take("an indicator, ledger or badge")?;
    match subject.text {
        "ledger" => read_ledger(words),
        "badge" => read_badge(words),
        _ => read_figure(subject, words, calendar),
    }
}

fn read_ledger(words: &mut Words<'_>) -> Result<Expectation, Wrong> {
    let source = SourceId::new(words.take("a source")?.text);
    let mut counts = Vec::new();
    while !words.is_empty() {
        let word = words.take("a count")?;
        if !COUNTS.contains(&word.text) {
            return Err(Wrong::unknown(word, "count", &COUNTS));
        }
        counts.push((word.text.to_owned(), words.number("a whole number")?));
    }
    Ok(Expectation::Ledger { source, counts })
}

fn read_badge(words: &mut Words<'_>) -> Result<Expectation, Wrong> {
    let source = SourceId::new(words.take("a source")?.text);
    let word = words.take("dung, du, sach or song")?;
    if !BADGE_WORDS.contains(&word.text) {
        return Err(Wrong::unknown(word, "word of the badge", &BADGE_WORDS));
    }
    let value = words.take("3/4 or none")?;
    let share = match value.text.split_once('/') {
        _ if value.text == "none" => None,
        Some((part, whole)) => match (part.parse(), whole.parse()) {
            (Ok(part), Ok(whole)) => Some((part, whole)),
            _ => return Err(no_share(value)),
        },
        None => return Err(no_share(value)),
    };
    Ok(Expectation::Badge { source, word: word.text.to_owned(), share })
}

fn no_share(word: Word<'_>) -> Wrong {
    Wrong::word(word, format!("\"{}\" is no share", word.text), "3/4 or none")
}

fn read_figure(
    indicator: Word<'_>,
    words: &mut Words<'_>,
    calendar: &Calendar<'_>,
) -> Result<Expectation, Wrong> {
    let place = words.take("an area or area@group")?.text;
    let (area, group) = place.split_once('@').unwrap_or((place, ""));
    let (area, group) = (AreaCode::new(area), group.to_owned());
    let window_start = EventTime(calendar.time(words.take("the start of a window")?)?);
    words.expect("=")?;
    let word = words.take("a value or none")?;
    let wrong = |_| Wrong::word(word, format!("\"{}\" is no value", word.text), "35.2 or none");
    let value = if word.text == "none" { None } else { Some(Decimal::parse(word.text).map_err(wrong)?) };
    let mut figure = FigureExpectation {
        indicator: IndicatorId::new(indicator.text),
        area,
        group,
        window_start,
        value,
        unit: None,
        state: None,
        revision: None,
        k: None,
        m: None,
        level: None,
        origin: None,
    };
    while !words.is_empty() {
        read_condition(words, &mut figure)?;
    }
    Ok(Expectation::Figure(Box::new(figure)))
}

fn read_condition(words: &mut Words<'_>, figure: &mut FigureExpectation) -> Result<(), Wrong> {
    let word = words.take("a condition")?;
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    match word.text {
        "revision" => figure.revision = Some(small(words.number("a revision")?)),
        "k" => figure.k = Some(small(words.number("a count")?)),
        "m" => figure.m = Some(small(words.number("a count")?)),
        "level" => {
            let word = words.take("a level")?;
            let levels: Vec<&str> = Level::ALL.iter().map(|level| level.as_str()).collect();
            let level = Level::ALL.iter().find(|level| level.as_str() == word.text);
            figure.level = Some(*level.ok_or_else(|| Wrong::unknown(word, "level", &levels))?);
        }
        "origin" => {
            let word = words.take("an origin")?;
            let origins: Vec<&str> = Origin::ALL.iter().map(|origin| origin.as_str()).collect();
            let origin = Origin::ALL.iter().find(|origin| origin.as_str() == word.text);
            figure.origin = Some(*origin.ok_or_else(|| Wrong::unknown(word, "origin", &origins))?);
        }
        text => {
            let state = RowState::ALL.iter().find(|state| state.as_str() == text);
            match (state, canonical_unit(text)) {
                (Some(state), _) => figure.state = Some(*state),
                (None, Some(unit)) => figure.unit = Some(unit.to_owned()),
                (None, None) => return Err(Wrong::unknown(word, "condition", &FIGURE_WORDS)),
            }
        }
    }
    Ok(())
}
