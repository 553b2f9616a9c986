//! Civil months, quarters and years as the slots of what tells once a period: the statistic of the last closed one.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use nhip_proto::{EventTime, MINUTE, SECOND, Span};

const DAY: Span = 24 * 60 * MINUTE;

/// How many months one period has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    months: i64,
}

impl Period {
    /// By the cadence of a source; none: it sends more often than once a month.
    pub(crate) fn of(cadence: Span) -> Option<Self> {
        let months = match cadence / DAY {
            0..=26 => return None,
            27..=84 => 1,
            85..=359 => 3,
            _ => 12,
        };
        Some(Self { months })
    }

    /// How many closed periods are told at the start: the last, and back to the same one a year before.
    pub(crate) fn told(self) -> i64 {
        12 / self.months + 1
    }

    /// The period a moment lies in, counted from the year 0.
    pub(crate) fn at(self, time: EventTime, zone: &TimeZone) -> i64 {
        let stamp = jiff::Timestamp::from_second(time.0.div_euclid(SECOND)).unwrap_or_default();
        let date = stamp.to_zoned(zone.clone()).date();
        (i64::from(date.year()) * 12 + i64::from(date.month()) - 1).div_euclid(self.months)
    }

    /// The instant a period begins, which is the end of the one before.
    pub(crate) fn begin(self, period: i64, zone: &TimeZone) -> EventTime {
        let months = period.saturating_mul(self.months);
        let year = i16::try_from(months.div_euclid(12)).unwrap_or(i16::MAX);
        let month = i8::try_from(months.rem_euclid(12)).unwrap_or(0) + 1;
        let start = Date::new(year, month, 1).ok().and_then(|date| date.to_zoned(zone.clone()).ok());
        EventTime(start.map_or(0, |start| start.timestamp().as_second().saturating_mul(SECOND)))
    }
}

/// How much of its civil year a moment has behind it, per mille; the end of a year is 1,000.
pub(crate) fn year_share(time: EventTime, zone: &TimeZone) -> i64 {
    let stamp = jiff::Timestamp::from_second(time.0.div_euclid(SECOND).saturating_sub(1)).unwrap_or_default();
    let date = stamp.to_zoned(zone.clone()).date();
    let whole = if date.in_leap_year() { 366 } else { 365 };
    i64::from(date.day_of_year()) * 1_000 / whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hanoi() -> TimeZone {
        TimeZone::get("Asia/Ho_Chi_Minh").expect("the zone is built in")
    }

    fn instant(text: &str) -> EventTime {
        let stamp: jiff::Timestamp = text.parse().expect("a time");
        EventTime(stamp.as_second() * SECOND)
    }

    #[test]
    fn cadences_of_a_month_and_more_follow_the_calendar() {
        let months = |days: i64| Period::of(days * DAY).map(|period| period.months);
        let told = |days: i64| Period::of(days * DAY).map(Period::told);
        assert_eq!([30, 91, 365].map(told), [Some(13), Some(5), Some(2)]);
        assert_eq!(
            [1, 26, 27, 30, 31, 84, 85, 92, 359, 360, 366].map(months),
            [None, None, Some(1), Some(1), Some(1), Some(1), Some(3), Some(3), Some(3), Some(12), Some(12)]
        );
    }

    #[test]
    fn a_period_begins_at_its_civil_midnight() {
        for (days, text, begin, before) in [
            (30, "2026-11-20T03:00:00Z", "2026-10-31T17:00:00Z", "2026-09-30T17:00:00Z"),
            (91, "2026-11-20T03:00:00Z", "2026-09-30T17:00:00Z", "2026-06-30T17:00:00Z"),
            (365, "2026-11-20T03:00:00Z", "2025-12-31T17:00:00Z", "2024-12-31T17:00:00Z"),
        ] {
            let (period, zone) = (Period::of(days * DAY).expect("a period"), hanoi());
            let at = period.at(instant(text), &zone);
            assert_eq!(period.begin(at, &zone), instant(begin));
            assert_eq!(period.begin(at - 1, &zone), instant(before));
            assert_eq!(period.at(instant(begin), &zone), at);
            assert_eq!(period.at(instant(begin).plus(-1), &zone), at - 1);
        }
    }

    #[test]
    fn a_year_ends_full() {
        assert_eq!(year_share(instant("2026-12-31T17:00:00Z"), &hanoi()), 1_000);
        assert_eq!(year_share(instant("2026-07-02T05:00:00Z"), &hanoi()), 183 * 1_000 / 365);
    }
}
