//! Deadlines over weekends, holidays and a month of memory.

use std::collections::BTreeMap;

use jiff::civil::{date, time};
use nhip_profile::{DayKind, ExceptionalDay};

use super::*;

/// Office days in Hanoi's zone, Friday 2026-01-02 free, Saturday 2026-01-10 worked for it.
fn plan() -> DeadlinePlan {
    let day = |kind| ExceptionalDay { kind, name: String::new(), document: String::new() };
    let calendar = WorkCalendar {
        id: "office".to_owned(),
        workdays: [true, true, true, true, true, false, false],
        from: time(7, 30, 0, 0),
        to: time(17, 0, 0, 0),
        breaks: Vec::new(),
        exceptions: BTreeMap::from([
            (date(2026, 1, 2), day(DayKind::Holiday)),
            (date(2026, 1, 10), day(DayKind::Makeup)),
        ]),
    };
    let zone = TimeZone::fixed(jiff::tz::offset(7));
    DeadlinePlan { zone, at: time(17, 0, 0, 0), calendar: Some(calendar) }
}

fn at(day: i8, hour: i8, minute: i8) -> i64 {
    let local = date(2026, 1, day).at(hour, minute, 0, 0);
    let zoned = local.to_zoned(TimeZone::fixed(jiff::tz::offset(7))).expect("a time");
    i64::try_from(zoned.timestamp().as_nanosecond()).expect("in range")
}

#[test]
fn a_holiday_and_a_weekend_owe_nothing_and_the_makeup_day_does() {
    let plan = plan();
    // Thursday the 1st is worked here; Friday is free, then the weekend.
    assert_eq!(plan.next(at(1, 17, 0)), Some(at(5, 17, 0)));
    assert_eq!(plan.next(at(9, 17, 0)), Some(at(10, 17, 0)));
    assert_eq!(plan.next(at(10, 17, 0)), Some(at(12, 17, 0)));
    assert_eq!(plan.due_between(at(1, 0, 0), at(10, 23, 0)), 7);
    assert_eq!(plan.due_between(at(2, 0, 0), at(5, 16, 59)), 0);
    assert_eq!(plan.due_between(at(2, 0, 0), at(5, 17, 0)), 1);
}

#[test]
fn a_report_is_owed_from_its_deadline_until_it_comes() {
    let plan = plan();
    let mut reports = Reports::default();
    let since = at(4, 12, 0);
    let owed = |reports: &Reports, tick| plan.owed(reports, since, tick).map(|owed| owed.deadline);
    assert_eq!(owed(&reports, at(5, 16, 59)), None, "nothing is owed before its deadline");
    assert_eq!(owed(&reports, at(5, 17, 0)), Some(at(5, 17, 0)));
    assert_eq!(owed(&reports, at(7, 18, 0)), Some(at(5, 17, 0)), "since the oldest missing one");
    plan.note(&mut reports, at(6, 9, 0), at(6, 9, 1));
    assert_eq!(owed(&reports, at(7, 18, 0)), Some(at(7, 17, 0)), "since the last one that came");
    assert_eq!(plan.made_of_due(&reports, since, at(7, 18, 0)), (1, 3));
    plan.note(&mut reports, at(7, 15, 0), at(7, 18, 30));
    assert_eq!(owed(&reports, at(7, 19, 0)), None);
    assert_eq!((reports.made.count_ones(), reports.timely.count_ones()), (2, 1), "late is made, not in time");
    plan.note(&mut reports, at(5, 9, 0), at(7, 20, 0));
    assert_eq!(plan.made_of_due(&reports, since, at(7, 20, 0)), (3, 3), "a late one counts as made");
}

#[test]
fn a_second_report_changes_nothing_and_old_days_are_forgotten() {
    let mut reports = Reports::default();
    reports.mark(100, false);
    reports.mark(100, true);
    assert_eq!((reports.made, reports.timely), (1, 0), "the first one decides whether it was in time");
    reports.mark(163, true);
    assert!(reports.has(100) && reports.has(163) && !reports.has(101));
    reports.mark(164, true);
    assert!(!reports.has(100), "64 days are kept");
    reports.mark(100, true);
    assert!(!reports.has(100), "a day beyond the memory stays forgotten");
    reports.mark(10_000, true);
    assert_eq!(reports.made, 1);
}
