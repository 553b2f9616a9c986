//! The order of rows in a file, and which file a row belongs to.

use std::cmp::Ordering;
use std::fmt;
use std::ops::RangeInclusive;

use jiff::civil::Date;
use nhip_proto::{
    AreaCode, ArrivalTime, Badge, EventTime, FigureKey, IndicatorId, Level, Offset, Origin, Provenance, Row,
    RowCause, RowState,
};

pub(super) const DAY: i64 = 86_400_000_000_000;

/// A row and the Tick it was written at; a restated row is known some records before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) tick: Offset,
    pub(super) row: Row,
}

impl Kept {
    /// A row whose columns are still to be read.
    pub(super) fn blank() -> Self {
        let key = FigureKey {
            indicator: IndicatorId::new(""),
            area: AreaCode::new(""),
            group: String::new(),
            period: String::new(),
            window_start: EventTime(0),
        };
        let row = Row {
            lineage: String::new(),
            key,
            definition: [0; 16],
            window_end: EventTime(0),
            revision: 0,
            state: RowState::Provisional,
            numerator: 0,
            denominator: 0,
            value: None,
            k: 0,
            m: 0,
            known_offset: Offset(0),
            known_at: ArrivalTime(0),
            event_time: None,
            level: Level::None,
            provenance: Provenance::default(),
            badge: Badge::default(),
            cause: RowCause::Progress,
            origin: Origin::Machine,
        };
        Self { tick: Offset(0), row }
    }
}

/// Series by series, window by window, revision by revision; equal is what was written twice.
pub(super) fn compare(left: &Kept, right: &Kept) -> Ordering {
    let ticks = left.tick.cmp(&right.tick);
    compare_rows(&left.row, &right.row).then(ticks)
}

fn compare_rows(left: &Row, right: &Row) -> Ordering {
    let series = |row: &Row| (row.key.window_start, row.revision);
    left.lineage
        .cmp(&right.lineage)
        .then_with(|| left.key.indicator.cmp(&right.key.indicator))
        .then_with(|| left.definition.cmp(&right.definition))
        .then_with(|| left.key.area.cmp(&right.key.area))
        .then_with(|| left.key.group.cmp(&right.key.group))
        .then_with(|| left.key.period.cmp(&right.key.period))
        .then_with(|| series(left).cmp(&series(right)))
}

/// The UTC day a window starts on, in days since 1970.
pub(super) fn day_of(window_start: EventTime) -> i64 {
    window_start.0.div_euclid(DAY)
}

/// A civil month, counted from year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(i32);

/// The windows one file may hold: those of a UTC day or month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Span {
    Day(i64),
    Month(Month),
}

impl Month {
    pub(super) fn of_day(day: i64) -> Self {
        let date = date_of(day);
        Self(i32::from(date.year()) * 12 + i32::from(date.month()) - 1)
    }

    pub(super) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    fn first_day(self) -> i64 {
        let year = i16::try_from(self.0.div_euclid(12)).unwrap_or(i16::MAX);
        let month = i8::try_from(self.0.rem_euclid(12) + 1).unwrap_or(1);
        Date::new(year, month, 1).map_or(i64::MAX / DAY, days_since_1970)
    }

    /// The day after its last.
    pub(super) fn end_day(self) -> i64 {
        self.next().first_day()
    }
}

impl Span {
    pub(super) fn month(self) -> Month {
        match self {
            Self::Day(day) => Month::of_day(day),
            Self::Month(month) => month,
        }
    }

    /// The first day of its windows, in days since 1970.
    pub(super) fn first_day(self) -> i64 {
        match self {
            Self::Day(day) => day,
            Self::Month(month) => month.first_day(),
        }
    }

    /// The day after the last.
    pub(super) fn end_day(self) -> i64 {
        match self {
            Self::Day(day) => day.saturating_add(1),
            Self::Month(month) => month.end_day(),
        }
    }

    /// Whether windows that start on any of these days may stand in it.
    pub(super) fn touches(self, days: &RangeInclusive<i64>) -> bool {
        match self {
            Self::Day(day) => days.contains(&day),
            Self::Month(month) => *days.start() < month.end_day() && *days.end() >= month.first_day(),
        }
    }

    /// Reads what [`fmt::Display`] wrote.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let day: Date = if text.len() == 7 { format!("{text}-01").parse() } else { text.parse() }.ok()?;
        let day = days_since_1970(day);
        Some(if text.len() == 7 { Self::Month(Month::of_day(day)) } else { Self::Day(day) })
    }
}

impl fmt::Display for Span {
    /// `2026-11-21` or `2026-11`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => write!(f, "{}", date_of(*day)),
            Self::Month(month) => {
                write!(f, "{:04}-{:02}", month.0.div_euclid(12), month.0.rem_euclid(12) + 1)
            }
        }
    }
}

fn date_of(day: i64) -> Date {
    let first = jiff::civil::date(1970, 1, 1);
    let span = jiff::Span::new().try_days(day);
    span.ok().and_then(|span| first.checked_add(span).ok()).unwrap_or(first)
}

fn days_since_1970(date: Date) -> i64 {
    date.duration_since(jiff::civil::date(1970, 1, 1)).as_hours() / 24
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months_are_those_of_the_calendar() {
        for (second, day, month, after) in [
            (0, "1970-01-01", "1970-01", 31),
            (-1, "1969-12-31", "1969-12", 0),
            (1_795_244_400, "2026-11-21", "2026-11", 20_788),
            (1_709_164_800, "2024-02-29", "2024-02", 19_783),
        ] {
            let at = day_of(EventTime(second * 1_000_000_000));
            assert_eq!(Span::Day(at).to_string(), day);
            let found = Month::of_day(at);
            assert_eq!(Span::Month(found).to_string(), month);
            assert_eq!(found.end_day(), after, "the day after {month}");
            for span in [Span::Day(at), Span::Month(found)] {
                assert_eq!(Span::parse(&span.to_string()), Some(span));
                assert!(span.touches(&(at..=at)) && span.touches(&(i64::MIN..=i64::MAX)));
                assert!(!span.touches(&(after..=after)), "{month} ends before");
            }
            assert!(!Span::Day(at).touches(&(at + 1..=at + 2)) && !Span::Day(at).touches(&(at - 2..=at - 1)));
        }
        for wrong in ["", "2026", "2026-13", "../etc", "2026-11-31"] {
            assert_eq!(Span::parse(wrong), None, "{wrong}");
        }
    }
}
