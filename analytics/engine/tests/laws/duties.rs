//! Who owes what since when, and the badges of classes and units: on logs whose answers are worked out by hand.

use nhip_engine::{Engine, SEMANTICS};
use nhip_proto::{
    ArrivalTime, Badge, DutyKind, EventTime, Gap, GapCause, Item, MINUTE, ProfileText, Record, SECOND, Share,
    SourceId,
};

use crate::line::Line;
use crate::world::{HOUR, START, number, settings};

const DAY: i64 = 24 * HOUR;
/// 17:00 of Friday 2026-11-20 in Vietnam: START is 23:10 of that day.
const FRIDAY: i64 = START - (6 * HOUR + 10 * MINUTE);

const PROFILE: &str = r#"
[profile]
id = "test"
name = { vi = "Thử", en = "Test" }
zone = "Asia/Ho_Chi_Minh"

[[domain]]
id = "env"
name = { vi = "Môi trường", en = "Environment" }

[[quantity]]
name = "pm25"
label = { vi = "PM2.5", en = "PM2.5" }
unit = "µg/m³"
scale = 1
min = 0
max = 2000

[[calendar]]
id = "office"
workdays = ["mon", "tue", "wed", "thu", "fri"]
from = "07:30"
to = "17:00"

[[stream]]
id = "air"
name = { vi = "Không khí", en = "Air" }
identity = "time"
cadence = "60s"
staleness = "5m"
quantities = { pm25 = "µg/m³" }

[[stream]]
id = "report"
name = { vi = "Báo cáo", en = "Reports" }
class = "typed"
identity = "time"
cadence = "24h"
lateness = "7d"
deadline = "17:00"
calendar = "office"
quantities = { pm25 = "µg/m³" }

[[indicator]]
id = "env.pm25_1h"
name = { vi = "PM2.5", en = "PM2.5" }
domain = "env"
unit = "µg/m³"
scale = 1
owner = "so-nnmt"
basis = "test"
stream = "air"
mean = "pm25"
window = "1h"
direction = "worse"

[[indicator]]
id = "env.reports"
name = { vi = "Báo cáo", en = "Reports" }
domain = "env"
unit = "µg/m³"
scale = 1
owner = "so-nnmt"
basis = "test"
stream = "report"
mean = "pm25"
window = "1mo"
direction = "worse"
"#;
const AREAS: &str = "code,name,name_en,kind,parent\nP,Tỉnh,Province,province,\nA,Một,One,xa,P\n";
const SOURCES: &str = "id,stream,area,name,name_en,owner,state\n\
    air-0,air,A,a,a,so-tnmt,\nair-1,air,A,b,b,xa-a,connected\nair-2,air,A,c,c,xa-a,committed\n\
    rep-0,report,A,d,d,so-nnmt,\n";
/// On Sunday 2026-11-22 one department takes over from the other.
const UNITS: &str = "id,name,name_en,phone,parent,successor,valid_from,valid_to\n\
    ubnd,U,U,0276 3822 233,,,,\nso-tnmt,T,T,,ubnd,so-nnmt,,2026-11-22\nso-nnmt,N,N,,ubnd,,,\nxa-a,A,A,,ubnd,,,\n";

fn line() -> Line {
    let files =
        [("areas.csv", AREAS), ("profile.toml", PROFILE), ("sources.csv", SOURCES), ("units.csv", UNITS)]
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .to_vec();
    let profile = nhip_profile::load(&files).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let zones = nhip_profile::zone_rules(&profile);
    Line::of(ProfileText { at: ArrivalTime(START), hash: profile.hash, semantics: SEMANTICS, files, zones })
}

fn pm25(at: i64) -> Vec<Item> {
    vec![Item { event_time: Some(EventTime(at)), ..number("pm25", 300, 1) }]
}

/// Unit, source, kind, and minutes since the start.
fn owed(line: &Line) -> Vec<(String, String, DutyKind, i64)> {
    let duties = line.engine.duties();
    let minutes = |at: ArrivalTime| (at.0 - START) / MINUTE;
    duties
        .into_iter()
        .map(|duty| (duty.unit, duty.source.to_string(), duty.kind, minutes(duty.since)))
        .collect()
}

fn badge(line: &Line, key: &str) -> Badge {
    let board = line.engine.board();
    let found = board.badges.iter().find(|(known, _)| known == key);
    found.unwrap_or_else(|| panic!("no badge {key}")).1
}

fn duty(unit: &str, source: &str, kind: DutyKind, minute: i64) -> (String, String, DutyKind, i64) {
    (unit.to_owned(), source.to_owned(), kind, minute)
}

/// Both stations send each minute until `until`, with a Tick after each.
fn minutes(line: &mut Line, until: i64, sources: &[&str]) {
    while line.now < START + until {
        line.tick(MINUTE);
        for source in sources {
            line.say(source, "air", pm25(line.now));
        }
    }
}

#[test]
fn silence_is_owed_from_the_staleness_limit_on() {
    let mut line = line();
    line.tick(5 * MINUTE - SECOND);
    assert_eq!(owed(&line), [], "within the limit nobody owes anything");
    line.tick(SECOND);
    let never = ["air-0", "air-1"]
        .map(|source| duty(if source == "air-0" { "so-tnmt" } else { "xa-a" }, source, DutyKind::Silent, 5));
    assert_eq!(owed(&line), never, "who was never heard is given the limit; a promised source owes nothing");
    minutes(&mut line, 90 * MINUTE, &["air-0", "air-1"]);
    assert_eq!(owed(&line), []);
    minutes(&mut line, 96 * MINUTE, &["air-0"]);
    assert_eq!(
        owed(&line),
        [duty("xa-a", "air-1", DutyKind::Silent, 95)],
        "since its last value + 5 minutes"
    );
    line.say("air-1", "air", pm25(line.now));
    line.tick(SECOND);
    assert_eq!(owed(&line), []);
}

#[test]
fn an_hour_with_holes_is_owed_by_whoever_left_them() {
    let mut line = line();
    minutes(&mut line, 70 * MINUTE, &["air-0", "air-1"]);
    // air-1 sends only every other minute from here on; its hour falls below 80 % after 24 minutes.
    while line.now < START + 120 * MINUTE {
        line.tick(MINUTE);
        line.say("air-0", "air", pm25(line.now));
        if (line.now - START) / MINUTE % 2 == 0 {
            line.say("air-1", "air", pm25(line.now));
        }
    }
    line.tick(SECOND);
    let duties = line.engine.duties();
    let [duty] = duties.as_slice() else { panic!("{duties:#?}") };
    assert_eq!((duty.source.as_str(), duty.kind), ("air-1", DutyKind::Incomplete));
    assert_eq!((duty.since.0 - START) / MINUTE, 70, "the first five minutes that fell short");
    assert!(duty.received * 100 < duty.expected * 80, "{} of {}", duty.received, duty.expected);
    // Our own downtime is not theirs.
    line.put(Record::Gap(gap(line.now)));
    line.tick(SECOND);
    assert_eq!(owed(&line), []);
}

#[test]
fn a_report_is_owed_from_its_deadline_on_working_days_only() {
    let mut line = line();
    let report = |line: &Line| owed(line).into_iter().find(|(_, source, ..)| source == "rep-0");
    // The profile came on Friday after the deadline: Saturday and Sunday owe nothing.
    line.tick(2 * DAY + 17 * HOUR);
    assert_eq!(report(&line), None, "16:10 on Monday");
    line.tick(50 * MINUTE);
    let monday = FRIDAY + 3 * DAY;
    assert_eq!(
        report(&line),
        Some(duty("so-nnmt", "rep-0", DutyKind::LateReport, (monday - START) / MINUTE))
    );
    line.tick(DAY);
    assert_eq!(report(&line).map(|(.., since)| since), Some((monday - START) / MINUTE), "since the oldest");
    line.say("rep-0", "report", pm25(line.now - HOUR));
    line.tick(SECOND);
    assert_eq!(report(&line), None, "Tuesday's report is there");
    let duties = line.engine.sources();
    let source = duties.iter().find(|line| line.source == SourceId::new("rep-0")).expect("the source");
    assert_eq!(source.badge.du, Share::of(1, 2), "Monday's never came");
    assert_eq!(source.badge.song, Share::of(1, 1));
    line.say("rep-0", "report", pm25(line.now - DAY - 2 * HOUR));
    line.tick(SECOND);
    let sources = line.engine.sources();
    let source = sources.iter().find(|line| line.source == SourceId::new("rep-0")).expect("the source");
    assert_eq!(source.badge.du, Share::of(2, 2), "a late report is a report");
    let figure = line.row("env.reports", "A").expect("a figure");
    assert_eq!(figure.badge.du, Share::of(2, 16), "two reports of 16 working days of November so far");
}

#[test]
fn a_unit_has_the_badge_of_its_sources_and_of_the_units_under_it() {
    let mut line = line();
    minutes(&mut line, 10 * MINUTE, &["air-0"]);
    line.tick(SECOND);
    let song = |line: &Line, unit: &str| badge(line, &format!("unit:{unit}")).song;
    assert_eq!(song(&line, "so-tnmt"), Share::of(1, 1));
    assert_eq!(song(&line, "xa-a"), Share::of(0, 1), "the promised source is not due");
    assert_eq!(song(&line, "so-nnmt"), Share::of(1, 1), "a report not yet due is not missing");
    assert_eq!(song(&line, "ubnd"), Share::of(2, 3), "all under it");
    // On Sunday the other department answers for the station.
    line.tick(2 * DAY);
    assert_eq!(song(&line, "so-tnmt"), None, "it answers for nothing any more");
    assert_eq!(song(&line, "so-nnmt"), Share::of(1, 2));
    let silent = owed(&line).into_iter().find(|(_, source, ..)| source == "air-0").expect("a duty");
    assert_eq!(silent.0, "so-nnmt");
}

#[test]
fn duties_and_badges_survive_a_snapshot() {
    let mut line = line();
    minutes(&mut line, 20 * MINUTE, &["air-0"]);
    line.tick(3 * DAY);
    line.say("rep-0", "report", pm25(line.now));
    line.tick(SECOND);
    let restored = Engine::restore(&line.engine.snapshot(), settings(1)).expect("a snapshot");
    assert_eq!(restored.duties(), line.engine.duties());
    assert_eq!(restored.sources(), line.engine.sources());
    assert!(!line.engine.duties().is_empty());
}

fn gap(at: i64) -> Gap {
    Gap {
        at: ArrivalTime(at),
        cause: GapCause::Downtime,
        from: ArrivalTime(at - MINUTE),
        to: ArrivalTime(at),
        principal: String::new(),
        lost: 0,
    }
}
