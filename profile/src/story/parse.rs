//! From lines of text to the steps of a story.

use jiff::tz::TimeZone;
use nhip_proto::{ArrivalTime, Decimal, EventTime, GapCause, SourceId, StreamId};

use super::expect::read_expectation;
use super::words::{Calendar, Word, Words, Wrong};
use super::{Act, Step, Story, StoryMessage, StoryValue};
use crate::mistake::Mistake;
use crate::parse_span;

const VERBS: [&str; 9] = ["on", "at", "rejected", "tick", "ticks", "gap", "restart", "expect", "profile"];
/// So that `ticks` by a slip of the pen ends.
const TICKS_MAX: i64 = 1_000_000;
/// So that `times` does.
const TIMES_MAX: u32 = 100_000;

/// The profile directory a scenario file names in its line `profile …`, from the root of the tree.
#[must_use]
pub fn story_profile(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.trim().strip_prefix("profile ")).map(str::trim)
}

/// Reads the lines of a story. `first_line` is where the text stands in its file; times are of `zone`.
///
/// # Errors
/// Every line that cannot be read, with what would be right.
pub fn parse_story(file: &str, first_line: u32, text: &str, zone: &TimeZone) -> Result<Story, Vec<Mistake>> {
    let mut calendar = Calendar { zone, date: None };
    let mut story = Story::default();
    let mut mistakes = Vec::new();
    for (line, text) in (first_line..).zip(text.lines()) {
        match read_line(text, &mut calendar) {
            Ok(Some(act)) => story.steps.push(Step { file: file.to_owned(), line, act }),
            Ok(None) => {}
            Err(wrong) => mistakes.push(wrong.at(file, line)),
        }
    }
    if mistakes.is_empty() { Ok(story) } else { Err(mistakes) }
}

fn read_line(text: &str, calendar: &mut Calendar<'_>) -> Result<Option<Act>, Wrong> {
    let mut words = Words::of(text);
    if words.is_empty() {
        return Ok(None);
    }
    let verb = words.take("a line of a story")?;
    let act = match verb.text {
        "profile" => {
            words.take("a directory")?;
            None
        }
        "on" => {
            let word = words.take("a date")?;
            let wrong = |_| Wrong::word(word, format!("\"{}\" is no civil date", word.text), "2026-11-21");
            calendar.date = Some(word.text.parse().map_err(wrong)?);
            None
        }
        "at" => Some(read_message(&mut words, calendar)?),
        "rejected" => Some(read_rejected(&mut words, calendar)?),
        "tick" => Some(Act::Tick(ArrivalTime(calendar.time(words.take("a time")?)?))),
        "ticks" => Some(read_ticks(&mut words, calendar)?),
        "gap" => Some(read_gap(&mut words, calendar)?),
        "restart" => Some(Act::Restart),
        "expect" => Some(Act::Expect(read_expectation(&mut words, calendar)?)),
        _ => return Err(Wrong::unknown(verb, "line", &VERBS)),
    };
    words.end()?;
    Ok(act)
}

fn read_ticks(words: &mut Words<'_>, calendar: &Calendar<'_>) -> Result<Act, Wrong> {
    let first = words.take("a time")?;
    let from = calendar.time(first)?;
    let to = calendar.time_or_after(words.take("a time")?, from)?;
    words.expect("every")?;
    let word = words.take("a span")?;
    let every = parse_span(word.text).filter(|span| *span > 0);
    let every = every.ok_or_else(|| Wrong::word(word, format!("\"{}\" is no span", word.text), "1s, 5m"))?;
    if to < from || (to - from) / every >= TICKS_MAX {
        return Err(Wrong::word(first, "no or too many Ticks", format!("1 to {TICKS_MAX}")));
    }
    Ok(Act::Ticks { from: ArrivalTime(from), to: ArrivalTime(to), every })
}

fn read_gap(words: &mut Words<'_>, calendar: &Calendar<'_>) -> Result<Act, Wrong> {
    let from = calendar.time(words.take("a time")?)?;
    let to = calendar.time_or_after(words.take("a time")?, from)?;
    let word = words.take("a cause")?;
    let causes: Vec<&str> = GapCause::ALL.iter().map(|cause| cause.as_str()).collect();
    let cause = GapCause::ALL.iter().find(|cause| cause.as_str() == word.text);
    let cause = *cause.ok_or_else(|| Wrong::unknown(word, "cause", &causes))?;
    Ok(Act::Gap { from: ArrivalTime(from), to: ArrivalTime(to), cause })
}

fn read_rejected(words: &mut Words<'_>, calendar: &Calendar<'_>) -> Result<Act, Wrong> {
    let stream = StreamId::new(words.take("a stream")?.text);
    let source = SourceId::new(words.take("a source")?.text);
    words.expect("at")?;
    let arrival = ArrivalTime(calendar.time(words.take("a time")?)?);
    Ok(Act::Rejected { stream, source, arrival })
}

fn read_message(words: &mut Words<'_>, calendar: &Calendar<'_>) -> Result<Act, Wrong> {
    let time = calendar.time(words.take("a time")?)?;
    let stream = StreamId::new(words.take("a stream")?.text);
    let source = SourceId::new(words.take("a source")?.text);
    let mut message = StoryMessage {
        stream,
        source,
        time: Some(EventTime(time)),
        arrival: ArrivalTime(time),
        values: Vec::new(),
        id: None,
        sequence: None,
        boot: None,
        period: None,
        fault: false,
        typed: false,
        qos: 1,
        times: 1,
    };
    while !words.is_empty() {
        read_part(words.take("name=value")?, &mut message, calendar)?;
    }
    Ok(Act::Message(Box::new(message)))
}

fn read_part(word: Word<'_>, message: &mut StoryMessage, calendar: &Calendar<'_>) -> Result<(), Wrong> {
    let Some((name, value)) = word.text.split_once('=') else {
        match word.text {
            "fault" => message.fault = true,
            "typed" => message.typed = true,
            "untimed" => message.time = None,
            _ => return Err(Wrong::unknown(word, "word", &["fault", "typed", "untimed", "name=value"])),
        }
        return Ok(());
    };
    let column = word.column + u32::try_from(name.chars().count() + 1).unwrap_or(0);
    let value = Word { text: value, column };
    match name {
        "id" => message.id = Some(value.text.to_owned()),
        "seq" => message.sequence = Some(whole(value, u64::MAX)?),
        "boot" => message.boot = Some(whole(value, u64::MAX)?),
        "qos" => message.qos = u8::try_from(whole(value, 2)?).unwrap_or(2),
        "times" => message.times = u32::try_from(whole(value, TIMES_MAX.into())?).unwrap_or(TIMES_MAX),
        "period" => {
            let span = parse_span(value.text);
            let wrong = || Wrong::word(value, format!("\"{}\" is no span", value.text), "60s, 1h");
            message.period = Some(span.ok_or_else(wrong)?);
        }
        "arrives" => message.arrival = ArrivalTime(calendar.time_or_after(value, message.arrival.0)?),
        _ => message.values.push((name.to_owned(), read_value(value)?)),
    }
    Ok(())
}

fn whole(word: Word<'_>, most: u64) -> Result<u64, Wrong> {
    let number = word.text.parse().ok().filter(|number| *number <= most);
    number.ok_or_else(|| {
        Wrong::word(word, format!("\"{}\" is no such number", word.text), format!("0 to {most}"))
    })
}

/// `35.2`, `60ug/m3`, `online`, `"26-1"` (a word that begins like a number) or `null`.
fn read_value(word: Word<'_>) -> Result<StoryValue, Wrong> {
    if word.text == "null" {
        return Ok(StoryValue::Missing);
    }
    if let Some(quoted) = word.text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return Ok(StoryValue::State(quoted.to_owned()));
    }
    let numeric = |sign: char| sign.is_ascii_digit() || matches!(sign, '.' | '-');
    let digits = word.text.find(|sign| !numeric(sign)).unwrap_or(word.text.len());
    let (number, unit) = word.text.split_at_checked(digits).unwrap_or((word.text, ""));
    if !number.starts_with(|sign: char| sign.is_ascii_digit() || sign == '-') {
        return Ok(StoryValue::State(word.text.to_owned()));
    }
    let wrong = |_| Wrong::word(word, format!("\"{number}\" is no number"), "35.2, 60ug/m3, online, null");
    Ok(StoryValue::Number(Decimal::parse(number).map_err(wrong)?, unit.to_owned()))
}

#[cfg(test)]
mod tests;
