//! Time counted in office hours: when a span of working days or hours is over, and how much was worked between.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use nhip_proto::{EventTime, MINUTE, SECOND, Span};

use super::WorkCalendar;
use crate::span::{parse_span, span_text};

/// How many days are looked at for the end of a working span or for what was worked: a hundred years.
const DAYS_MAX: usize = 36_600;
const DAY: Span = 24 * 60 * MINUTE;

/// A length of time as service levels state it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkingSpan {
    /// By the clock, nanoseconds: `30m`, `1d` (24 hours).
    Clock(Span),
    /// Whole working days: `5wd`.
    Days(u32),
    /// Office hours, nanoseconds: `8wh`.
    Hours(Span),
}

impl WorkingSpan {
    /// Reads a whole number with `wd` (working days), `wh` (office hours) or a unit of the clock
    /// (`ms s m h d`). None if it is no such span.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(number) = text.strip_suffix("wd") {
            return number.parse().ok().map(Self::Days);
        }
        match text.strip_suffix("wh") {
            Some(number) => parse_span(&format!("{number}h")).map(Self::Hours),
            None => parse_span(text).map(Self::Clock),
        }
    }
}

impl std::fmt::Display for WorkingSpan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Clock(span) => f.write_str(&span_text(*span)),
            Self::Days(days) => write!(f, "{days}wd"),
            Self::Hours(span) => write!(f, "{}wh", span / (60 * MINUTE)),
        }
    }
}

impl WorkCalendar {
    /// When a span that starts at `start` is over. None if the calendar has no such time in the next hundred
    /// years.
    ///
    /// * By the clock: `start` plus the span, whatever the calendar.
    /// * Office hours: the first instant at which so much was worked since `start`.
    /// * Working days: the end of office hours of the n-th working day *after* the day received. The day received
    ///   is not counted (Civil Code 91/2015/QH13, Article 147 clause 2) and a term that would end on a free day
    ///   ends on the next working day (Article 148 clause 5), so free days are passed over. What is received
    ///   after office hours or on a free day is received on the next working day. The code lets a term run to
    ///   midnight (Article 148 clause 6); the end of office hours is stricter, because a result is handed over
    ///   in office hours.
    #[must_use]
    pub fn add_working(&self, start: EventTime, span: WorkingSpan, zone: &TimeZone) -> Option<EventTime> {
        match span {
            WorkingSpan::Clock(span) => Some(start.plus(span)),
            WorkingSpan::Hours(hours) => self.after_hours(start, hours, zone),
            WorkingSpan::Days(days) => {
                let ends =
                    self.shifts_since(start, zone).filter_map(|shifts| shifts.last().map(|last| last.1));
                ends.filter(|end| *end >= start.0).nth(usize::try_from(days).ok()?).map(EventTime)
            }
        }
    }

    /// How much was worked from `from` until `to`, nanoseconds; negative if `to` is before `from`. Of a span
    /// beyond a hundred years only the first hundred are counted.
    #[must_use]
    pub fn working_between(&self, from: EventTime, to: EventTime, zone: &TimeZone) -> Span {
        if to < from {
            return -self.working_between(to, from, zone);
        }
        let days = self.shifts_since(from, zone).take_while(|shifts| {
            // A day without shifts says nothing about where it lies: `to` ends the days below.
            shifts.first().is_none_or(|first| first.0 < to.0)
        });
        let whole_days = usize::try_from((to.0.saturating_sub(from.0)) / DAY).unwrap_or(DAYS_MAX);
        let shifts = days.take(whole_days.saturating_add(3)).flatten();
        shifts.map(|(open, close)| close.min(to.0).saturating_sub(open.max(from.0)).max(0)).sum()
    }

    /// The office hours of an ordinary working day, nanoseconds: what one working day is worth in hours.
    #[must_use]
    pub fn worked_day(&self) -> Span {
        self.open_hours().iter().map(|(open, close)| seconds(*close) - seconds(*open)).sum::<i64>() * SECOND
    }

    fn after_hours(&self, start: EventTime, hours: Span, zone: &TimeZone) -> Option<EventTime> {
        if hours <= 0 {
            return Some(start);
        }
        let mut left = hours;
        for (open, close) in self.shifts_since(start, zone).flatten() {
            let open = open.max(start.0);
            let worked = close.saturating_sub(open).max(0);
            if worked >= left {
                return Some(EventTime(open.saturating_add(left)));
            }
            left -= worked;
        }
        None
    }

    /// The shifts of each day from the day of an instant on; none on free days.
    fn shifts_since(&self, start: EventTime, zone: &TimeZone) -> impl Iterator<Item = Vec<(i64, i64)>> {
        let first = jiff::Timestamp::from_nanosecond(i128::from(start.0)).unwrap_or_default();
        let first = zone.to_datetime(first).date();
        let days = std::iter::successors(Some(first), |date| date.tomorrow().ok()).take(DAYS_MAX);
        let zone = zone.clone();
        days.map(move |date| self.shifts(date, &zone))
    }

    /// From when until when, UTC nanoseconds, the day is worked.
    fn shifts(&self, date: Date, zone: &TimeZone) -> Vec<(i64, i64)> {
        if !self.is_workday(date) {
            return Vec::new();
        }
        let instant = |time: Time| {
            let stamp = zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible().ok()?;
            i64::try_from(stamp.as_nanosecond()).ok()
        };
        let hours = self.open_hours().into_iter();
        hours.filter_map(|(open, close)| Some((instant(open)?, instant(close)?))).collect()
    }

    /// Office hours of a day without the breaks.
    fn open_hours(&self) -> Vec<(Time, Time)> {
        let mut open = Vec::with_capacity(self.breaks.len() + 1);
        let mut since = self.from;
        for (from, to) in &self.breaks {
            open.push((since, *from));
            since = *to;
        }
        open.push((since, self.to));
        open
    }
}

fn seconds(time: Time) -> i64 {
    i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second())
}

#[cfg(test)]
mod tests;
