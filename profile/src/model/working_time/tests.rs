//! Working time against a model that looks at every minute, and the terms an office would count by hand.

use std::collections::BTreeMap;

use jiff::civil::{date, time};
use proptest::prelude::*;

use super::*;
use crate::{DayKind, ExceptionalDay};

const HOUR: Span = 60 * MINUTE;

/// Monday to Friday 07:30 to 17:00 with a break; in 2026 Friday 2 January is free and Saturday the 10th worked.
fn office(breaks: &[(Time, Time)]) -> WorkCalendar {
    let day = |kind| ExceptionalDay { kind, name: String::new(), document: String::new() };
    WorkCalendar {
        id: "office".to_owned(),
        workdays: [true, true, true, true, true, false, false],
        from: time(7, 30, 0, 0),
        to: time(17, 0, 0, 0),
        breaks: breaks.to_vec(),
        exceptions: BTreeMap::from([
            (date(2026, 1, 1), day(DayKind::Holiday)),
            (date(2026, 1, 2), day(DayKind::Holiday)),
            (date(2026, 1, 10), day(DayKind::Makeup)),
        ]),
    }
}

fn lunch() -> Vec<(Time, Time)> {
    vec![(time(11, 30, 0, 0), time(13, 0, 0, 0))]
}

fn hanoi() -> TimeZone {
    TimeZone::fixed(jiff::tz::offset(7))
}

fn at(text: &str) -> EventTime {
    let civil: jiff::civil::DateTime = text.parse().expect("a civil time");
    let stamp = civil.to_zoned(hanoi()).expect("a time").timestamp();
    EventTime(i64::try_from(stamp.as_nanosecond()).expect("in range"))
}

fn due(start: &str, span: &str) -> String {
    let span = WorkingSpan::parse(span).expect("a span");
    let due = office(&lunch()).add_working(at(start), span, &hanoi()).expect("a day");
    let stamp = jiff::Timestamp::from_nanosecond(i128::from(due.0)).expect("in range");
    hanoi().to_datetime(stamp).strftime("%m-%d %H:%M").to_string()
}

#[test]
fn spans_are_read_and_told_again() {
    for text in ["5wd", "0wd", "8wh", "30m", "24h", "7d"] {
        assert_eq!(WorkingSpan::parse(text).expect(text).to_string(), text);
    }
    for text in ["", "wd", "wh", "-1wd", "1.5wd", "5 wd", "5w", "99999999999wd", "99999999999999wh"] {
        assert_eq!(WorkingSpan::parse(text), None, "{text}");
    }
}

#[test]
fn working_days_end_with_the_office_hours_of_the_last() {
    // Monday the 5th; the day received is not counted.
    assert_eq!(due("2026-01-05T09:00", "1wd"), "01-06 17:00");
    assert_eq!(due("2026-01-05T00:05", "1wd"), "01-06 17:00");
    assert_eq!(due("2026-01-05T09:00", "0wd"), "01-05 17:00");
    // The Saturday of that week is worked in place of the 2nd, the Sunday is not.
    assert_eq!(due("2026-01-05T09:00", "5wd"), "01-10 17:00");
    assert_eq!(due("2026-01-05T09:00", "6wd"), "01-12 17:00");
}

#[test]
fn what_comes_after_hours_or_on_a_free_day_is_received_on_the_next_working_day() {
    assert_eq!(due("2026-01-05T16:59", "1wd"), "01-06 17:00");
    assert_eq!(due("2026-01-05T17:00", "1wd"), "01-06 17:00");
    assert_eq!(due("2026-01-05T17:00:01", "1wd"), "01-07 17:00");
    // Over New Year: Thursday and Friday are free, so Monday is the day received.
    assert_eq!(due("2025-12-31T18:00", "1wd"), "01-06 17:00");
    assert_eq!(due("2026-01-03T10:00", "1wd"), "01-06 17:00");
}

#[test]
fn office_hours_stop_at_noon_in_the_evening_and_on_free_days() {
    assert_eq!(due("2026-01-05T11:00", "1wh"), "01-05 13:30");
    assert_eq!(due("2026-01-05T16:00", "8wh"), "01-06 16:00");
    assert_eq!(due("2026-01-05T10:30", "1wh"), "01-05 11:30");
    assert_eq!(due("2025-12-31T16:00", "2wh"), "01-05 08:30");
    assert_eq!(due("2026-01-03T12:00", "30m"), "01-03 12:30");
    assert_eq!(office(&lunch()).worked_day(), 8 * HOUR);
}

#[test]
fn time_worked_between_is_counted_backwards_as_less_than_nothing() {
    let between = |from, to| office(&lunch()).working_between(at(from), at(to), &hanoi());
    assert_eq!(between("2026-01-05T11:00", "2026-01-05T13:30"), HOUR);
    assert_eq!(between("2026-01-05T13:30", "2026-01-05T11:00"), -HOUR);
    assert_eq!(between("2025-12-31T17:00", "2026-01-05T07:30"), 0);
    assert_eq!(between("2026-01-05T07:30", "2026-01-12T07:30"), 6 * 8 * HOUR);
}

#[test]
fn a_calendar_that_never_works_has_no_end() {
    let mut never = office(&[]);
    never.workdays = [false; 7];
    let start = at("2026-02-01T10:00");
    assert_eq!(never.add_working(start, WorkingSpan::Days(1), &hanoi()), None);
    assert_eq!(never.add_working(start, WorkingSpan::Hours(HOUR), &hanoi()), None);
    assert_eq!(never.working_between(start, at("2026-03-01T10:00"), &hanoi()), 0);
}

/// Whether the minute that starts at an instant is worked, read off the clock on the wall.
fn worked(calendar: &WorkCalendar, minute: i64, zone: &TimeZone) -> bool {
    let stamp = jiff::Timestamp::from_nanosecond(i128::from(minute)).expect("in range");
    let civil = zone.to_datetime(stamp);
    let clock = civil.time();
    let inside = calendar.from <= clock && clock < calendar.to;
    let free = calendar.breaks.iter().any(|(from, to)| *from <= clock && clock < *to);
    calendar.is_workday(civil.date()) && inside && !free
}

fn minutes(calendar: &WorkCalendar, from: i64, to: i64, zone: &TimeZone) -> Span {
    let all = (0..).map(|at| from + at * MINUTE).take_while(|minute| *minute < to);
    all.filter(|minute| worked(calendar, *minute, zone)).count() as i64 * MINUTE
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn as_the_clock_on_the_wall_says(
        start in 0_i64..20 * 1_440,
        length in 0_i64..12 * 1_440,
        hours in 0_i64..40,
        days in 0_u32..8,
        with_break: bool,
        summer: bool,
    ) {
        let lunch = lunch();
        let zone = if summer { TimeZone::get("America/New_York").expect("a zone") } else { hanoi() };
        let calendar = office(if with_break { &lunch } else { &[] });
        // From late December 2025, or across the start of summer time in March 2026.
        let first = if summer { "2026-02-27T00:00" } else { "2025-12-26T00:00" };
        let from = at(first).0 + start * MINUTE;
        let to = from + length * MINUTE;
        let between = calendar.working_between(EventTime(from), EventTime(to), &zone);
        prop_assert_eq!(between, minutes(&calendar, from, to, &zone));

        let end = calendar.add_working(EventTime(from), WorkingSpan::Hours(hours * HOUR), &zone).expect("an end").0;
        prop_assert_eq!(minutes(&calendar, from, end, &zone), hours * HOUR);
        prop_assert!(hours == 0 || worked(&calendar, end - MINUTE, &zone), "the last minute is a worked one");

        // Days: as many days end after the day received as were asked for.
        let due = calendar.add_working(EventTime(from), WorkingSpan::Days(days), &zone).expect("a day").0;
        let ends = (from / MINUTE..=due / MINUTE).map(|minute| minute * MINUTE);
        let ends = ends.filter(|end| {
            let before = jiff::Timestamp::from_nanosecond(i128::from(end - MINUTE)).expect("in range");
            let civil = zone.to_datetime(before);
            calendar.is_workday(civil.date()) && civil.time() == Time::constant(16, 59, 0, 0)
        });
        prop_assert_eq!(ends.count() as u32, days + 1);
    }
}
