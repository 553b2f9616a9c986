//! Units, calendars, targets, badges and deadlines: what is read, and each kind of mistake with its exact text.

use jiff::civil::Date;
use nhip_profile::{
    BadgeRules, Class, Direction, DuFormula, Mistake, Profile, SourceState, TargetStatus, load,
};
use nhip_proto::{AreaCode, IndicatorId, SourceId, StreamId};

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
label = { vi = "Bụi mịn", en = "PM2.5" }
unit = "µg/m³"
scale = 1
min = 0
max = 999.9

[[calendar]]
id = "office"
workdays = ["mon", "tue", "wed", "thu", "fri"]
from = "07:30"
to = "17:00"

[[stream]]
id = "report"
name = { vi = "Báo cáo", en = "Reports" }
class = "typed"
identity = "time"
cadence = "24h"
deadline = "17:00"
calendar = "office"
quantities = { pm25 = "µg/m³" }

[[indicator]]
id = "env.pm25_1d"
name = { vi = "PM2.5 ngày", en = "PM2.5 a day" }
domain = "env"
unit = "µg/m³"
scale = 1
owner = "so-nnmt"
basis = "QCVN 05:2023/BTNMT"
stream = "report"
mean = "pm25"
window = "1d"
direction = "worse"

[[target]]
indicator = "env.pm25_1d"
value = 45
document = "KH 12/KH-UBND"
valid_from = "2026-01-01"
valid_to = "2027-01-01"
note = { vi = "Bình quân năm", en = "Yearly mean" }

[[target]]
indicator = "env.pm25_1d"
value = 50.5
area = "1"
document = "KH 12/KH-UBND"
valid_to = "2026-01-01"

[[badge]]
class = "machine"
version = 3
du = "readings"

[[view]]
id = "main"
title = { vi = "Chính", en = "Main" }
tiles = ["env.pm25_1d"]
map = "env.pm25_1d"
dwell = "30s"

[[view.rotation]]
title = { vi = "Bụi", en = "Dust" }
indicators = ["env.pm25_1d"]
"#;
const AREAS: &str = "code,name,name_en,kind,parent\n80,Tây Ninh,Tay Ninh,province,\n1,Một,One,xa,80\n";
const SOURCES: &str = "id,stream,area,name,name_en,owner,state,group,longitude,latitude\n\
    s1,report,1,Trạm 1,Station 1,so-tnmt,connected,hub,106.1098,11.31\n\
    s2,report,1,Trạm 2,Station 2,so-nnmt,committed,,,\n";
const UNITS: &str = "id,name,name_en,phone,parent,successor,valid_from,valid_to\n\
    ubnd,UBND tỉnh,Committee,0276 3822 233,,,,\n\
    so-tnmt,Sở Tài nguyên,Old,,ubnd,so-nnmt,,2025-03-01\n\
    so-nnmt,Sở Nông nghiệp,New,,ubnd,,2025-03-01,\n";
const DAYS: &str = "calendar,date,kind,name,document\n\
    office,2026-01-01,holiday,Tết Dương lịch,BLLĐ Điều 112\n\
    office,2026-01-10,makeup,Làm bù,TB 6150/TB-BNV\n";

fn read(profile: &str, sources: &str, units: &str, days: &str) -> Result<Profile, Vec<Mistake>> {
    let files = [
        ("profile.toml", profile),
        ("areas.csv", AREAS),
        ("sources.csv", sources),
        ("units.csv", units),
        ("calendars.csv", days),
    ];
    load(&files.map(|(path, text)| (path.to_owned(), text.to_owned())))
}

fn good() -> Profile {
    let read = read(PROFILE, SOURCES, UNITS, DAYS);
    read.unwrap_or_else(|mistakes| panic!("{}", nhip_profile::check_report(&mistakes)))
}

fn told(read: Result<Profile, Vec<Mistake>>) -> Vec<String> {
    read.err().unwrap_or_default().iter().map(Mistake::to_string).collect()
}

fn day(text: &str) -> Date {
    text.parse().expect("a date")
}

#[test]
fn a_target_holds_for_its_area_and_its_days_only() {
    let profile = good();
    let indicator = IndicatorId::new("env.pm25_1d");
    let on = |area: &str, date: &str| {
        let target = profile.target_on(&indicator, &AreaCode::new(area), day(date));
        target.map(|target| (target.value, target.document.as_str()))
    };
    assert_eq!(on("80", "2026-01-01"), Some((450, "KH 12/KH-UBND")));
    assert_eq!(on("80", "2025-12-31"), None, "no decision of that year: chưa giao chỉ tiêu");
    assert_eq!(on("80", "2027-01-01"), None);
    assert_eq!(on("1", "2025-12-31"), Some((505, "KH 12/KH-UBND")));
    assert_eq!(on("1", "2026-06-01"), None, "a province's target is not its communes'");
    let target = profile.target_on(&indicator, &AreaCode::new("80"), day("2026-06-01")).expect("a target");
    let judged = [
        (Some(450), Direction::Worse),
        (Some(451), Direction::Worse),
        (Some(450), Direction::Better),
        (Some(449), Direction::Better),
        (None, Direction::Better),
    ]
    .map(|(value, direction)| target.judge(value, direction));
    use TargetStatus::{Met, Missed, Unknown};
    assert_eq!(judged, [Met, Missed, Met, Missed, Unknown]);
}

#[test]
fn the_unit_of_a_day_is_at_the_end_of_the_chain_of_successors() {
    let profile = good();
    let on = |owner: &str, date: &str| profile.unit_on(owner, day(date)).map(|unit| unit.id.as_str());
    assert_eq!(on("so-tnmt", "2025-02-28"), Some("so-tnmt"));
    assert_eq!(on("so-tnmt", "2025-03-01"), Some("so-nnmt"));
    assert_eq!(on("so-nnmt", "2026-01-01"), Some("so-nnmt"));
    assert_eq!(on("nobody", "2026-01-01"), None);
    let unit = profile.unit_on("so-tnmt", day("2026-01-01")).expect("a unit");
    let chain: Vec<&str> = profile.unit_chain(unit).iter().map(|unit| unit.id.as_str()).collect();
    assert_eq!(chain, ["so-nnmt", "ubnd"]);
    assert_eq!(profile.units["ubnd"].phone, "0276 3822 233");
}

#[test]
fn only_a_connected_source_is_due() {
    let profile = good();
    let due = profile.due(&StreamId::new("report"), &AreaCode::new("80"));
    assert_eq!(due.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["s1"]);
    let second = &profile.sources[&SourceId::new("s2")];
    assert_eq!((second.state, second.position), (SourceState::Committed, None));
    let first = &profile.sources[&SourceId::new("s1")];
    let place = first.position.expect("a position");
    assert_eq!(
        (place.longitude_e7, place.latitude_e7, first.group.as_str()),
        (1_061_098_000, 113_100_000, "hub")
    );
}

#[test]
fn a_stream_with_a_deadline_is_due_on_working_days() {
    let profile = good();
    let stream = &profile.streams[&StreamId::new("report")];
    assert_eq!(stream.class, Class::Typed);
    let deadline = stream.deadline.as_ref().expect("a deadline");
    assert_eq!((deadline.at.hour(), deadline.at.minute()), (17, 0));
    let due = |date: &str| profile.is_due_day(deadline.calendar.as_deref(), day(date));
    // A Wednesday, the holiday, a Sunday, the Saturday worked in its place.
    let days = ["2025-12-31", "2026-01-01", "2026-01-04", "2026-01-10"];
    assert_eq!(days.map(due), [true, false, false, true]);
    assert!(profile.is_due_day(None, day("2026-01-04")), "no calendar: every day");
}

#[test]
fn a_class_has_the_formulas_declared_or_the_standard_ones() {
    let profile = good();
    let machine = profile.badge_rules(Class::Machine);
    assert_eq!((machine.version, machine.du), (3, DuFormula::Readings));
    assert_eq!(machine.song, BadgeRules::standard(Class::Machine).song, "what is not said is standard");
    assert_eq!(profile.badge_rules(Class::Typed), BadgeRules::standard(Class::Typed));
    assert_eq!(profile.badge_rules(Class::Typed).du, DuFormula::Reports);
}

#[test]
fn a_view_has_pages_of_a_secondary_zone() {
    let view = &good().views["main"];
    let pages: Vec<_> =
        view.rotation.iter().map(|page| (page.title.en.as_str(), page.indicators.len())).collect();
    assert_eq!((pages, view.dwell), (vec![("Dust", 1)], 30_000_000_000));
}

/// What is wrong, and what check must say of it.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "\"fri\"]",
        "\"fry\"]",
        "21:41: calendar.workdays: unknown day \"fry\", did you mean \"fri\"? (allowed: mon, tue, wed, \
             thu, fri, sat, sun)",
    ),
    (
        "to = \"17:00\"",
        "to = \"07:00\"",
        "23:6: calendar.to: is not after from (allowed: a later time of the day)",
    ),
    (
        "to = \"17:00\"",
        "to = \"5 pm\"",
        "23:6: calendar.to: \"5 pm\" is no time of the day (allowed: 07:30, 17:00)",
    ),
    (
        "to = \"17:00\"",
        "to = \"17:00\"\nbreaks = [\"11:30-13:00\", \"12:30-13:30\"]",
        "24:26: calendar.breaks: \"12:30-13:30\" is no break of these office hours (allowed: breaks in order, \
             apart and inside office hours: \"11:30-13:30\")",
    ),
    (
        "calendar = \"office\"",
        "calendar = \"offise\"",
        "32:12: stream.calendar: unknown calendar \"offise\", did you mean \"office\"? (allowed: office)",
    ),
    (
        "deadline = \"17:00\"\n",
        "",
        "31:12: stream.calendar: says which days are due, and there is no deadline (allowed: deadline too)",
    ),
    (
        "class = \"typed\"",
        "class = \"tipped\"",
        "28:9: stream.class: unknown word \"tipped\", did you mean \"typed\"? (allowed: machine, case, \
             statistic, typed)",
    ),
    (
        "owner = \"so-nnmt\"",
        "owner = \"so-nmmt\"",
        "41:9: indicator.owner: unknown unit \"so-nmmt\", did you mean \"so-nnmt\"? (allowed: so-nnmt, \
             so-tnmt, ubnd)",
    ),
    (
        "direction = \"worse\"",
        "direction = \"neutral\"",
        "49:13: target.indicator: env.pm25_1d has no better or worse: a target could be neither met nor \
             missed (allowed: an indicator with direction worse or better)\n57:13: target.indicator: \
             env.pm25_1d has no better or worse: a target could be neither met nor missed (allowed: an \
             indicator with direction worse or better)",
    ),
    (
        "area = \"1\"\ndocument = \"KH 12/KH-UBND\"\nvalid_to = \"2026-01-01\"",
        "document = \"KH 12/KH-UBND\"\nvalid_to = \"2026-01-02\"",
        "56:1: target.valid_from: overlaps another target of env.pm25_1d for 80 (allowed: one target \
             per day: end the older with valid_to)",
    ),
    (
        "value = 45\n",
        "value = 45.25\n",
        "50:9: target.value: cannot be kept exactly (allowed: a number with at most 1 digits behind the point)",
    ),
    (
        "valid_to = \"2027-01-01\"",
        "valid_to = \"2026-01-01\"",
        "53:12: target.valid_to: is not after valid_from (allowed: a later date, or nothing)",
    ),
    (
        "area = \"1\"",
        "area = \"7\"",
        "59:8: target.area: unknown area \"7\", did you mean \"1\"? (allowed: 1, 80)",
    ),
    (
        "du = \"readings\"",
        "du = \"reading\"",
        "66:6: badge.du: unknown word \"reading\", did you mean \"readings\"? (allowed: \
             readings_and_sources, readings, sources, reports)",
    ),
    ("dwell = \"30s\"", "dwell = \"3s\"", "73:9: view.dwell: is too short to be read (allowed: 20s or more)"),
    (
        "indicators = [\"env.pm25_1d\"]",
        "indicators = [\"env.pm25\"]",
        "77:15: view.rotation.indicators: unknown indicator \"env.pm25\", did you mean \"env.pm25_1d\"? \
             (allowed: env.pm25_1d)",
    ),
    (
        "[[view]]",
        "[[badge]]\nclass = \"machine\"\nversion = 4\n\n[[view]]",
        "69:9: badge.class: \"machine\" is declared twice (allowed: each class once)",
    ),
    (
        "area = \"1\"\ndocument = \"KH 12/KH-UBND\"\nvalid_to = \"2026-01-01\"",
        "former_area = { vi = \"Huyện\", en = \"District\" }\ndocument = \"KH 12/KH-UBND\"",
        "56:1: target.valid_to: is missing: a target of a former area has ended (allowed: the day the area \
             ended, or earlier)",
    ),
    (
        "area = \"1\"\n",
        "area = \"1\"\nformer_area = { vi = \"Huyện\", en = \"District\" }\n",
        "60:15: target.former_area: stands beside an area (allowed: area or former_area)",
    ),
    (
        "[[view]]",
        "[[baseline]]\nindicator = \"env.pm25_1d\"\nvalue = 40.25\ndocument = \"BC 1\"\n\n[[view]]",
        "68:1: baseline.as_of: is missing (allowed: the day it tells of, 2019-06-30)\n70:9: baseline.value: \
             cannot be kept exactly (allowed: a number with at most 1 digits behind the point)",
    ),
    (
        "[[view]]",
        "[[baseline]]\nindicator = \"env.pm25_1d\"\nvalue = 40\nas_of = \"2019-08-07\"\ndocument = \"BC 1\"\n\n\
         [[baseline]]\nindicator = \"env.pm25_1d\"\nvalue = 41\nas_of = \"2019-08-07\"\n\
         document = \"BC 2\"\n\n[[view]]",
        "77:9: baseline.as_of: stands twice for env.pm25_1d on 2019-08-07 (allowed: one baseline of an \
             indicator and area a day)",
    ),
];

#[test]
fn every_mistake_of_a_table_in_toml_is_told() {
    for (from, to, want) in MISTAKES {
        assert!(PROFILE.contains(*from), "the good profile has {from:?}");
        let found = told(read(&PROFILE.replacen(from, to, 1), SOURCES, UNITS, DAYS)).join("\n");
        assert_eq!(found.replace("profile.toml:", ""), *want, "{from} → {to}");
    }
}

#[test]
fn every_mistake_of_a_unit_is_told_at_its_cell() {
    for (line, want) in [
        ("ubnd,A,A,,,,,", "5:1: unit.id: \"ubnd\" is declared twice (allowed: each unit once)"),
        (
            "u,A,A,,unbd,,,",
            "5:8: unit.parent: unknown unit \"unbd\", did you mean \"ubnd\"? (allowed: so-nnmt, so-tnmt, u, ubnd)",
        ),
        ("u,A,A,,u,,,", "5:8: unit.parent: is the unit itself (allowed: another unit, or nothing)"),
        (
            "u,A,A,call me,,,,",
            "5:7: unit.phone: \"call me\" is no phone number (allowed: 0276 3822 233, +84 276 3822233)",
        ),
        (
            "u,A,A,,,ubnd,,",
            "5:9: unit.successor: takes over from a unit without end (allowed: valid_to, or no successor)",
        ),
        (
            "u,A,A,,,so-nnmt,,2025-02-01",
            "5:9: unit.successor: \"so-nnmt\" is not valid on 2025-02-01, the day it takes over (allowed: a \
             unit valid on that day)",
        ),
        (
            "u,A,A,,,,2026-01-01,2025-01-01",
            "5:21: unit.valid_to: is not after valid_from (allowed: a later date, or nothing)",
        ),
        (
            "u,A,A,,v,,,\nv,B,B,,u,,,",
            "5:8: unit.parent: leads back to the unit itself (allowed: a chain that ends)\n6:8: \
             unit.parent: leads back to the unit itself (allowed: a chain that ends)",
        ),
        (
            "u,A,A,,,v,,2025-01-01\nv,B,B,,,u,,2026-01-01",
            "5:9: unit.successor: leads back to the unit itself (allowed: a chain that ends)\n6:9: \
             unit.successor: leads back to the unit itself (allowed: a chain that ends)",
        ),
        ("u,A,,,,,,", "5:5: unit.name_en: is empty (allowed: a text)"),
    ] {
        let found = told(read(PROFILE, SOURCES, &format!("{UNITS}{line}\n"), DAYS)).join("\n");
        assert_eq!(found.replace("units.csv:", ""), want, "{line}");
    }
}

#[test]
fn every_mistake_of_a_day_or_a_source_is_told_at_its_cell() {
    for (line, want) in [
        (
            "offise,2026-02-02,holiday,A,B",
            "4:1: calendar.calendar: unknown calendar \"offise\", did you mean \"office\"? (allowed: office)",
        ),
        (
            "office,2026-01-01,holiday,A,B",
            "4:8: calendar.date: 2026-01-01 is told twice (allowed: each day of a calendar once)",
        ),
        (
            "office,01/02/2026,holiday,A,B",
            "4:8: calendar.date: \"01/02/2026\" is no civil date (allowed: 2026-01-01)",
        ),
        (
            "office,2026-02-02,free,A,B",
            "4:19: calendar.kind: unknown kind of day \"free\" (allowed: holiday, makeup)",
        ),
        (
            "office,2026-02-02,makeup,A,B",
            "4:19: calendar.kind: 2026-02-02 is worked every week (allowed: makeup on a day that is else free)",
        ),
        ("office,2026-02-02,holiday,A,", "4:29: calendar.document: is empty (allowed: a text)"),
    ] {
        let found = told(read(PROFILE, SOURCES, UNITS, &format!("{DAYS}{line}\n"))).join("\n");
        assert_eq!(found.replace("calendars.csv:", ""), want, "{line}");
    }
    for (line, want) in [
        (
            "s3,report,1,A,A,so-nmmt,,,,",
            "4:17: source.owner: unknown unit \"so-nmmt\", did you mean \"so-nnmt\"? (allowed: so-nnmt, \
             so-tnmt, ubnd)",
        ),
        (
            "s3,report,1,A,A,ubnd,online,,,",
            "4:22: source.state: unknown state of a source \"online\", did you mean \"none\"? (allowed: \
             connected, committed, none)",
        ),
        (
            "s3,report,1,A,A,ubnd,,,200,11",
            "4:24: source.longitude: \"200\" is no such place on earth (allowed: -180 to 180)",
        ),
        (
            "s3,report,1,A,A,ubnd,,,106,",
            "4:24: source.longitude: a position needs longitude and latitude (allowed: both or none)",
        ),
    ] {
        let found = told(read(PROFILE, &format!("{SOURCES}{line}\n"), UNITS, DAYS)).join("\n");
        assert_eq!(found.replace("sources.csv:", ""), want, "{line}");
    }
}
