//! Stepping from window to window, as the profile cuts them.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use nhip_profile::{CalendarUnit, Dated, Window};
use nhip_proto::MINUTE;

/// The start of the window `count` windows after the one that starts here (before, if negative).
pub(super) fn step(window: &Window, zone: &TimeZone, start: i64, count: i64) -> i64 {
    let fixed = |span: i64| start.saturating_add(span.saturating_mul(count));
    match window {
        Window::Tumbling(span) | Window::Hopping { hop: span, .. } => fixed(*span),
        Window::Calendar(CalendarUnit::Hour) => fixed(60 * MINUTE),
        Window::Calendar(unit) | Window::Closing(unit, _) => {
            civil(*unit, zone, start, count).unwrap_or(start)
        }
        Window::Dated(dated) => named(dated, zone, start, count).unwrap_or(start),
    }
}

/// The starts of the windows that begin from `start` on and before `end`, at most `most`.
pub(super) fn inside(window: &Window, zone: &TimeZone, start: i64, end: i64, most: usize) -> Vec<i64> {
    let mut starts = Vec::new();
    let mut next = start;
    while next < end && starts.len() < most {
        starts.push(next);
        let after = step(window, zone, next, 1);
        if after <= next {
            break;
        }
        next = after;
    }
    starts
}

fn civil(unit: CalendarUnit, zone: &TimeZone, start: i64, count: i64) -> Option<i64> {
    let start: Zoned = Timestamp::from_nanosecond(i128::from(start)).ok()?.to_zoned(zone.clone());
    let span = match unit {
        CalendarUnit::Hour => Span::new().try_hours(count),
        CalendarUnit::Day => Span::new().try_days(count),
        CalendarUnit::Week => Span::new().try_weeks(count),
        CalendarUnit::Month => Span::new().try_months(count),
        CalendarUnit::Quarter => Span::new().try_months(count.saturating_mul(3)),
        CalendarUnit::HalfYear => Span::new().try_months(count.saturating_mul(6)),
        CalendarUnit::Year => Span::new().try_years(count),
    };
    let moved = start.checked_add(span.ok()?).ok()?.start_of_day().ok()?;
    i64::try_from(moved.timestamp().as_nanosecond()).ok()
}

/// The dated period so many after the one that starts here.
fn named(dated: &Dated, zone: &TimeZone, start: i64, count: i64) -> Option<i64> {
    let date = Timestamp::from_nanosecond(i128::from(start)).ok()?.to_zoned(zone.clone()).date();
    let at = dated.spans.iter().position(|(from, _)| *from == date)?;
    let (from, _) = dated.spans.get(usize::try_from(i64::try_from(at).ok()?.checked_add(count)?).ok()?)?;
    i64::try_from(from.to_zoned(zone.clone()).ok()?.timestamp().as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        let instant: Timestamp = text.parse().expect("a time");
        i64::try_from(instant.as_nanosecond()).expect("in range")
    }

    #[test]
    fn windows_follow_the_civil_calendar() {
        let zone = nhip_profile::named_zone("Asia/Ho_Chi_Minh").expect("a zone");
        let month =
            |count| step(&Window::Calendar(CalendarUnit::Month), &zone, at("2026-02-28T17:00:00Z"), count);
        assert_eq!(month(-1), at("2026-01-31T17:00:00Z"));
        assert_eq!(month(1), at("2026-03-31T17:00:00Z"));
        let (start, end) = (at("2026-11-20T17:00:00Z"), at("2026-11-21T17:00:00Z"));
        assert_eq!(inside(&Window::Tumbling(60 * MINUTE), &zone, start, end, 64).len(), 24);
        assert_eq!(inside(&Window::Tumbling(60 * MINUTE), &zone, start, end, 5).len(), 5);
    }
}
