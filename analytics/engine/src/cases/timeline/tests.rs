//! Every step, pause, extension and opening again; steps that may not follow; events in any order.

use jiff::civil::time;
use nhip_profile::Validity;
use nhip_proto::MINUTE;

use super::*;

const HOUR: Span = 60 * MINUTE;
/// Monday 2026-11-23T00:00Z.
const MONDAY: i64 = 1_795_392_000 * SECOND;
const STEP: u32 = 1;
const RATING: u32 = 2;
const DUE: u32 = 3;
const CATEGORY: u32 = 4;

fn rules(resolve: &str) -> Rules {
    let level = |resolve: &str| ServiceLevel {
        category: None,
        severity: None,
        assign: WorkingSpan::parse("5m"),
        respond: None,
        resolve: WorkingSpan::parse(resolve),
        document: String::new(),
        article: String::new(),
        valid: Validity::default(),
    };
    let calendar = WorkCalendar {
        id: "office".to_owned(),
        workdays: [true, true, true, true, true, false, false],
        from: time(8, 0, 0, 0),
        to: time(16, 0, 0, 0),
        breaks: Vec::new(),
        exceptions: std::collections::BTreeMap::new(),
    };
    Rules {
        clock: Clock { calendar: Some(calendar), zone: TimeZone::UTC },
        step: STEP,
        steps: CaseStep::ALL.iter().map(|(_, step)| (*step as u32, *step)).collect(),
        due: Some(DUE),
        category: Some(CATEGORY),
        severity: None,
        rating: Some(RATING),
        reopen: 24 * HOUR,
        due_soon: 4 * HOUR,
        levels: vec![(None, None, level(resolve)), (Some(7), None, level("1h"))],
    }
}

fn event(hours: i64, step: CaseStep) -> Event {
    with(hours, &[(STEP, Value::State(step as u32))])
}

fn with(hours: i64, values: &[(u32, Value)]) -> Event {
    let time = MONDAY + hours * HOUR;
    Event { time, sequence: 0, offset: hours as u64, place: 0, area: None, values: values.to_vec() }
}

fn at(hours: i64) -> Option<i64> {
    Some(MONDAY + hours * HOUR)
}

fn life(steps: &[(i64, CaseStep)]) -> Facts {
    let events: Vec<Event> = steps.iter().map(|(hours, step)| event(*hours, *step)).collect();
    timeline(&events, &rules("2wd"))
}

#[test]
fn a_plain_life_has_all_its_instants() {
    use CaseStep::*;
    let facts = life(&[
        (9, Received),
        (10, Assigned),
        (11, InProgress),
        (30, Resolved),
        (31, AwaitingPublication),
        (32, Published),
        (33, Rated),
    ]);
    assert_eq!((facts.received, facts.assigned, facts.responded), (at(9), at(10), at(11)));
    assert_eq!((facts.resolved, facts.ended, facts.rated), (at(30), at(30), at(33)));
    assert_eq!((facts.irregular, facts.step, facts.on_time()), (0, Some(Rated), Some(0)));
    // Two working days after Monday: Wednesday 16:00.
    assert_eq!(facts.due, at(48 + 16).zip(at(48 + 16)));
    // 9:00 to 16:00 on Monday, nothing at night: 30 is Tuesday 6:00.
    assert_eq!(facts.handled(&rules("2wd").clock), Some(7 * HOUR));
}

#[test]
fn waiting_stops_the_clock_and_moves_what_is_due() {
    use CaseStep::*;
    let facts = life(&[(9, Received), (10, Waiting), (34, Supplied), (35, Waiting), (37, Supplied)]);
    assert_eq!((facts.supplements, facts.irregular, facts.responded), (2, 0, at(10)));
    // 8 office hours and 2 more after Wednesday 16:00: Friday 10:00.
    assert_eq!(facts.due, at(96 + 10).zip(at(96 + 10)));
    let waiting = life(&[(9, Received), (10, Waiting)]);
    assert!(waiting.stands(Standing::Waiting, MONDAY + 100 * HOUR, HOUR));
    assert!(waiting.stands(Standing::Open, MONDAY + 100 * HOUR, HOUR));
    assert!(!waiting.stands(Standing::Overdue, MONDAY + 100 * HOUR, HOUR));
    // Ended while it waited: no step against the rules, and the wait is none of the handling.
    let ended = life(&[(9, Received), (10, Waiting), (12, Resolved)]);
    assert_eq!((ended.irregular, ended.handled(&rules("2wd").clock)), (0, Some(HOUR)));
}

#[test]
fn an_extension_never_hides_in_the_first_due_time() {
    use CaseStep::*;
    let steps = [(9, Received), (60, ExtensionAsked), (61, Extended), (90, Resolved)];
    let facts = life(&steps);
    assert_eq!(facts.due, at(48 + 16).zip(at(96 + 16)));
    assert_eq!((facts.on_time(), facts.extensions), (Some(1), 1));
    let refused = life(&[(9, Received), (60, ExtensionAsked), (61, ExtensionRefused), (90, Resolved)]);
    assert_eq!((refused.on_time(), refused.extensions, refused.irregular), (Some(2), 0, 0));
    let late = life(&[(9, Received), (61, Extended), (200, Resolved)]);
    assert_eq!(late.on_time(), Some(2));
}

#[test]
fn a_stated_due_time_goes_before_the_service_level() {
    let seconds = |hours: i64| Value::Number(i128::from((MONDAY + hours * HOUR) / SECOND));
    let step = |step: CaseStep| (STEP, Value::State(step as u32));
    let received = with(9, &[step(CaseStep::Received), (DUE, seconds(20))]);
    let later = with(10, &[(DUE, seconds(40))]);
    let extended = with(11, &[step(CaseStep::Extended), (DUE, seconds(50))]);
    let facts = timeline(&[received, later, extended, event(45, CaseStep::Resolved)], &rules("2wd"));
    assert_eq!((facts.due, facts.on_time()), (at(20).zip(at(50)), Some(1)));
    // One told only by its later due time, one as a step.
    assert_eq!(facts.extensions, 2);
}

#[test]
fn a_case_opened_again_was_not_resolved() {
    use CaseStep::*;
    let facts = life(&[(9, Received), (12, Resolved), (20, Reopened)]);
    assert_eq!((facts.resolved, facts.ended, facts.reopened, facts.reopens), (None, None, at(20), 1));
    assert!(facts.is_open());
    let again = life(&[(9, Received), (12, Resolved), (20, Reopened), (100, Resolved)]);
    assert_eq!((again.resolved, again.on_time(), again.irregular), (at(100), Some(2), 0));
}

#[test]
fn what_may_not_follow_is_counted_and_changes_nothing() {
    use CaseStep::*;
    let plain = life(&[(9, Received), (12, Resolved)]);
    for step in [
        Received,
        Waiting,
        Supplied,
        Assigned,
        Returned,
        InProgress,
        ExtensionAsked,
        Extended,
        Rejected,
        Withdrawn,
        Resolved,
    ] {
        let facts = life(&[(9, Received), (12, Resolved), (13, step)]);
        assert_eq!(facts, Facts { irregular: 1, ..plain.clone() }, "{step:?}");
    }
    let open = life(&[(9, Received), (10, Assigned)]);
    for step in [Received, Supplied, Reopened, Published] {
        let facts = life(&[(9, Received), (10, Assigned), (13, step)]);
        assert_eq!((facts.irregular, facts.ended, facts.received), (1, None, open.received), "{step:?}");
    }
    // A life that is known from its middle on.
    let middle = life(&[(10, Assigned), (11, Resolved)]);
    assert_eq!(
        (middle.irregular, middle.received, middle.resolved, middle.on_time()),
        (1, None, at(11), None)
    );
    // Resolved before it was received: both are known, no time between them is.
    let upside = life(&[(9, Resolved), (12, Received)]);
    assert_eq!((upside.irregular, upside.received, upside.is_open()), (2, at(12), false));
    assert_eq!((upside.handled(&rules("2wd").clock), upside.on_time()), (None, None));
}

#[test]
fn ends_of_every_kind_end_it() {
    use CaseStep::*;
    for step in [Rejected, Duplicate, Withdrawn] {
        let facts = life(&[(9, Received), (10, step)]);
        assert_eq!((facts.ended, facts.resolved, facts.irregular), (at(10), None, 0), "{step:?}");
    }
}

#[test]
fn a_return_waits_for_another_assignment() {
    use CaseStep::*;
    let facts = life(&[(9, Received), (10, Assigned), (11, Returned), (12, Returned), (13, Assigned)]);
    assert_eq!((facts.returns, facts.irregular, facts.assigned), (1, 1, at(10)));
}

#[test]
fn the_level_most_closely_meant_stands() {
    let of = |category: u32| {
        with(9, &[(STEP, Value::State(CaseStep::Received as u32)), (CATEGORY, Value::State(category))])
    };
    assert_eq!(timeline(&[of(7)], &rules("2wd")).due, at(10).zip(at(10)));
    assert_eq!(timeline(&[of(8)], &rules("2wd")).due, at(48 + 16).zip(at(48 + 16)));
}

#[test]
fn standing_turns_where_it_is_due() {
    let facts = timeline(&[event(9, CaseStep::Received)], &rules("10h"));
    let due = MONDAY + 19 * HOUR;
    assert!(!facts.stands(Standing::DueSoon, due - 4 * HOUR - 1, 4 * HOUR));
    assert!(
        facts.stands(Standing::DueSoon, due - 4 * HOUR, 4 * HOUR)
            && facts.stands(Standing::DueSoon, due, 4 * HOUR)
    );
    assert!(!facts.stands(Standing::Overdue, due, HOUR) && facts.stands(Standing::Overdue, due + 1, HOUR));
    let turns: Vec<i64> = facts.turns(MONDAY, 4 * HOUR).collect();
    assert_eq!(turns, [due - 4 * HOUR, due + 1]);
}
