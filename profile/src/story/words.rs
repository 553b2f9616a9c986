//! The words of one line, each with its column, and the clock the line is read by.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};

use crate::mistake::{Mistake, nearest};
use crate::span::parse_span;

/// One word and the character it begins at, from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) column: u32,
}

/// The words of a line, read from left to right.
pub(super) struct Words<'a> {
    words: Vec<Word<'a>>,
    next: usize,
    end: u32,
}

/// What is wrong with a line, and where in it.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) column: u32,
    pub(super) reason: String,
    pub(super) allowed: String,
}

impl Wrong {
    /// A word that is not what belongs here.
    pub(super) fn word(word: Word<'_>, reason: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self { column: word.column, reason: reason.into(), allowed: allowed.into() }
    }

    /// A word that is none of some.
    pub(super) fn unknown(word: Word<'_>, what: &str, known: &[&str]) -> Self {
        let reason = match nearest(word.text, known.iter().copied()) {
            Some(meant) => format!("unknown {what} \"{}\", did you mean \"{meant}\"?", word.text),
            None => format!("unknown {what} \"{}\"", word.text),
        };
        Self::word(word, reason, known.join(", "))
    }

    /// The same as a mistake of a file.
    pub(super) fn at(self, file: &str, line: u32) -> Mistake {
        Mistake {
            file: file.to_owned(),
            line,
            column: self.column,
            key: "story".to_owned(),
            reason: self.reason,
            allowed: self.allowed,
        }
    }
}

impl<'a> Words<'a> {
    /// The words of a line; what follows a `#` that begins a word is a comment.
    pub(super) fn of(line: &'a str) -> Self {
        let mut words: Vec<Word<'a>> = Vec::new();
        let mut open = false;
        let mut column = 0;
        for (at, sign) in line.char_indices() {
            column += 1;
            if sign.is_whitespace() {
                open = false;
            } else if !open {
                if sign == '#' {
                    break;
                }
                let rest = line.get(at..).unwrap_or_default();
                let text = rest.split(char::is_whitespace).next().unwrap_or_default();
                words.push(Word { text, column });
                open = true;
            }
        }
        Self { words, next: 0, end: column + 1 }
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.next >= self.words.len()
    }

    /// The next word, or what should have stood there.
    pub(super) fn take(&mut self, what: &str) -> Result<Word<'a>, Wrong> {
        match self.words.get(self.next) {
            Some(word) => {
                self.next += 1;
                Ok(*word)
            }
            None => Err(Wrong {
                column: self.end,
                reason: "the line ends too early".into(),
                allowed: what.to_owned(),
            }),
        }
    }

    /// A word that must be exactly this.
    pub(super) fn expect(&mut self, text: &str) -> Result<(), Wrong> {
        let word = self.take(text)?;
        if word.text == text {
            return Ok(());
        }
        Err(Wrong::word(word, format!("found \"{}\"", word.text), text))
    }

    /// A whole number.
    pub(super) fn number(&mut self, what: &str) -> Result<u64, Wrong> {
        let word = self.take(what)?;
        word.text
            .parse()
            .map_err(|_| Wrong::word(word, format!("\"{}\" is no whole number", word.text), what))
    }

    /// An error if words are left.
    pub(super) fn end(&self) -> Result<(), Wrong> {
        match self.words.get(self.next) {
            Some(word) => Err(Wrong::word(*word, format!("\"{}\" is one word too many", word.text), "")),
            None => Ok(()),
        }
    }
}

/// The civil date and zone the times of a line are read in.
pub(super) struct Calendar<'a> {
    pub(super) zone: &'a TimeZone,
    pub(super) date: Option<Date>,
}

/// How a time is written.
const TIME: &str = "07:00, 07:00:05.5, 2026-11-21T07:00, 02:30+01:00";

impl Calendar<'_> {
    /// Nanoseconds since 1970 of `07:00`, `07:00:05.5`, `2026-11-21T07:00`, or one of these with an offset.
    pub(super) fn time(&self, word: Word<'_>) -> Result<i64, Wrong> {
        let wrong = || Wrong::word(word, format!("\"{}\" is no time", word.text), TIME);
        let (civil, offset) = split_offset(word.text).ok_or_else(wrong)?;
        let date_time = match civil.split_once('T') {
            Some((date, time)) => {
                let date: Date = date.parse().map_err(|_| wrong())?;
                date.to_datetime(parse_time(time).ok_or_else(wrong)?)
            }
            None => {
                let time = parse_time(civil).ok_or_else(wrong)?;
                let missing = || Wrong::word(word, "no date is set yet", "a line before: on 2026-11-21");
                self.date.ok_or_else(missing)?.to_datetime(time)
            }
        };
        nanoseconds(date_time, offset, self.zone).ok_or_else(wrong)
    }

    /// A time, or `+3m` after another.
    pub(super) fn time_or_after(&self, word: Word<'_>, start: i64) -> Result<i64, Wrong> {
        match word.text.strip_prefix('+').and_then(parse_span) {
            Some(span) => Ok(start.saturating_add(span)),
            None => self.time(word),
        }
    }
}

fn nanoseconds(civil: DateTime, offset: Option<Offset>, zone: &TimeZone) -> Option<i64> {
    let timestamp = match offset {
        Some(offset) => offset.to_timestamp(civil).ok()?,
        // In the hour that comes twice, the first; in the one that is skipped, an hour later (RFC 5545).
        None => zone.to_ambiguous_timestamp(civil).compatible().ok()?,
    };
    i64::try_from(timestamp.as_nanosecond()).ok()
}

fn split_offset(text: &str) -> Option<(&str, Option<Offset>)> {
    if let Some(civil) = text.strip_suffix('Z') {
        return Some((civil, Some(Offset::UTC)));
    }
    let time_from = text.find('T').map_or(0, |at| at + 1);
    let time = text.get(time_from..)?;
    let Some(at) = time.find(['+', '-']) else { return Some((text, None)) };
    let (civil, offset) = text.split_at_checked(time_from + at)?;
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let seconds =
        hours.parse::<i32>().ok()?.checked_mul(3_600)?.checked_add(minutes.parse::<i32>().ok()? * 60)?;
    let signed = if offset.starts_with('-') { -seconds } else { seconds };
    Some((civil, Some(Offset::from_seconds(signed).ok()?)))
}

fn parse_time(text: &str) -> Option<Time> {
    let with_seconds = if text.len() == 5 { format!("{text}:00") } else { text.to_owned() };
    with_seconds.parse().ok()
}
