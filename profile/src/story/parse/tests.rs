//! What the story language reads, and what it says of what it cannot read.

use super::*;
use crate::story::Expectation;

fn zone(name: &str) -> TimeZone {
    let rules = crate::access::zone(name).expect("a zone of the bundle");
    TimeZone::tzif(&rules.name, &rules.tzif).expect("bundled rules are whole")
}

fn story(text: &str) -> Result<Story, Vec<String>> {
    parse_story("a.scenario", 1, text, &zone("Asia/Ho_Chi_Minh"))
        .map_err(|mistakes| mistakes.iter().map(Mistake::to_string).collect())
}

/// 2026-11-21T07:00+07:00, by `date -d`.
const SEVEN: i64 = 1_795_219_200_000_000_000;
const SECOND: i64 = 1_000_000_000;

#[test]
fn a_message_is_read_with_all_its_parts() {
    let text = "on 2026-11-21\nat 07:00:05 air tn-air-01 pm25=35.2 pm10=-60ug/m3 no2=null status=online \
        id=abc seq=5 boot=1 period=3600s fault arrives=+3m qos=0 times=2 # and a comment\n";
    let story = story(text).expect("a story");
    let [Step { line: 2, act: Act::Message(message), .. }] = story.steps.as_slice() else {
        panic!("one message, found {story:?}");
    };
    assert_eq!(message.time, Some(EventTime(SEVEN + 5 * SECOND)));
    assert_eq!(message.arrival, ArrivalTime(SEVEN + 185 * SECOND));
    let values = [
        ("pm25", StoryValue::Number(Decimal::new(352, 1), String::new())),
        ("pm10", StoryValue::Number(Decimal::new(-60, 0), "ug/m3".to_owned())),
        ("no2", StoryValue::Missing),
        ("status", StoryValue::State("online".to_owned())),
    ];
    assert_eq!(message.values, values.map(|(name, value)| (name.to_owned(), value)));
    assert_eq!((message.sequence, message.boot, message.id.as_deref()), (Some(5), Some(1), Some("abc")));
    assert_eq!(
        (message.period, message.fault, message.qos, message.times),
        (Some(3_600 * SECOND), true, 0, 2)
    );
}

#[test]
fn times_are_of_the_zone_or_of_their_offset() {
    let read = |zone_name: &str, line: &str| {
        let text = format!("on 2026-10-25\ntick {line}");
        let story = parse_story("a", 1, &text, &zone(zone_name)).expect("a story");
        match story.steps.as_slice() {
            [Step { act: Act::Tick(at), .. }] => at.0 / SECOND,
            other => panic!("one Tick, found {other:?}"),
        }
    };
    assert_eq!(read("Asia/Ho_Chi_Minh", "2026-11-21T07:00"), SEVEN / SECOND);
    assert_eq!(read("Asia/Ho_Chi_Minh", "2026-11-21T00:00Z"), SEVEN / SECOND);
    // Berlin leaves summer time at 03:00: 02:30 comes twice, an hour apart; unsaid, the first is meant.
    let first = read("Europe/Berlin", "02:30+02:00");
    assert_eq!(read("Europe/Berlin", "02:30+01:00") - first, 3_600);
    assert_eq!(read("Europe/Berlin", "02:30"), first);
}

#[test]
fn every_line_that_cannot_be_read_is_told_with_its_place() {
    let cases = [
        (
            "at 07:00 air s1",
            "a.scenario:1:4: story: no date is set yet (allowed: a line before: on 2026-11-21)",
        ),
        (
            "tik 07:00",
            "a.scenario:1:1: story: unknown line \"tik\", did you mean \"tick\"? (allowed: on, at, rejected, \
             tick, ticks, gap, restart, expect, profile)",
        ),
        ("on 21/11/2026", "a.scenario:1:4: story: \"21/11/2026\" is no civil date (allowed: 2026-11-21)"),
        (
            "tick 2026-11-21T7h",
            "a.scenario:1:6: story: \"2026-11-21T7h\" is no time (allowed: 07:00, 07:00:05.5, \
             2026-11-21T07:00, 02:30+01:00)",
        ),
        ("restart now", "a.scenario:1:9: story: \"now\" is one word too many"),
        ("ticks 2026-11-21T07:00 +1h each 1s", "a.scenario:1:28: story: found \"each\" (allowed: every)"),
        (
            "expect ledger s1 aplied 2",
            "a.scenario:1:18: story: unknown count \"aplied\", did you mean \"applied\"? (allowed: received, \
             decoded, rejected, items, applied, duplicate, conflicting, late, item_rejected, superseded, best_effort)",
        ),
        ("expect badge s1 sach 3:4", "a.scenario:1:22: story: \"3:4\" is no share (allowed: 3/4 or none)"),
        (
            "expect env.x 80 2026-11-21T07:00 = 1 furlong",
            "a.scenario:1:38: story: unknown condition \"furlong\" (allowed: a unit, provisional, final, \
             revised, revision N, k N, m N, level L, origin O)",
        ),
        (
            "expect env.x 80",
            "a.scenario:1:16: story: the line ends too early (allowed: the start of a window)",
        ),
        (
            "at 2026-11-21T07:00 air s1 pm25=1.2.3",
            "a.scenario:1:33: story: \"1.2.3\" is no number (allowed: 35.2, 60ug/m3, online, null)",
        ),
    ];
    for (text, want) in cases {
        assert_eq!(story(text), Err(vec![want.to_owned()]), "{text}");
    }
}

#[test]
fn expectations_keep_only_what_they_say() {
    let story = story("on 2026-11-21\nexpect env.x 80 07:00 = 35.20 ug/m3 final k 1 level exceeded")
        .expect("a story");
    let [Step { act: Act::Expect(Expectation::Figure(figure)), .. }] = story.steps.as_slice() else {
        panic!("one expectation, found {story:?}");
    };
    assert_eq!(figure.value, Some(Decimal::new(352, 1)));
    assert_eq!(figure.unit.as_deref(), Some("µg/m³"));
    assert_eq!((figure.k, figure.m, figure.revision), (Some(1), None, None));
}

#[test]
fn a_scenario_names_its_profile() {
    assert_eq!(story_profile("# x\nprofile profiles/tay-ninh\non 2026-11-21"), Some("profiles/tay-ninh"));
    assert_eq!(story_profile("on 2026-11-21"), None);
}
