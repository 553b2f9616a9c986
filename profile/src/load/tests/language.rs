//! Every construct of the language, and what is said of each mistake in it.

use nhip_proto::{Decimal, IndicatorId, MINUTE, StreamId};

use super::{Mistake, Profile, files, judge, load, shown};
use crate::*;

const LANGUAGE: &str = include_str!("language.toml");
const AREAS: &str = "code,name,name_en,kind,parent\n80,T,T,province,\n1,A,A,xa,80\n";
const SOURCES: &str = "id,stream,area,name,name_en,owner\ns1,s,1,S,S,Sở\n";

fn read(text: &str) -> Result<Profile, Vec<Mistake>> {
    load(&files(text, AREAS, SOURCES))
}

fn good(edits: &[(&str, &str)]) -> Profile {
    let mut text = LANGUAGE.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    read(&text).unwrap_or_else(|mistakes| panic!("{}", check_report(&mistakes)))
}

#[test]
fn every_mistake_of_the_language_is_told_where_it_stands() {
    assert_eq!(shown(read(LANGUAGE)), Vec::<String>::new());
    let (blocks, wrong) = judge(LANGUAGE, include_str!("language.txt"), read);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(blocks > 45, "only {blocks} blocks were read");
}

#[test]
fn every_construct_is_read_as_it_is_meant() {
    let profile = good(&[]);
    let of = |id: &str| profile.indicators[id].aggregate.clone();
    let quantity = |name: &str| Operand::Quantity(name.to_owned());
    let name = |name: &str| name.to_owned();
    assert_eq!(of("first"), Aggregate::First(quantity("level"), LastRollup::Max));
    assert_eq!(of("delta"), Aggregate::Delta { counter: name("passed"), step_max: Some(500) });
    let rate = Aggregate::Rate { counter: name("passed"), per: 60 * MINUTE, step_max: None };
    assert_eq!(of("rate"), rate);
    let percent = Decimal::new(85, 0);
    assert_eq!(of("percentile"), Aggregate::Percentile { quantity: name("speed"), percent });
    assert_eq!(of("distinct"), Aggregate::Distinct(DistinctOf::Source));
    assert_eq!(of("leq"), Aggregate::Leq(name("noise")));
    let harmonic = Aggregate::HarmonicMean { quantity: name("speed"), weight: Some(name("count")) };
    assert_eq!(of("space_mean"), harmonic);
    let states = vec![name("active"), name("latched")];
    assert_eq!(of("onsets"), Aggregate::Onsets { state: name("alarm"), states });
    assert_eq!(
        profile.indicators["first"].window,
        Window::Hopping { length: 1_440 * MINUTE, hop: 60 * MINUTE }
    );
    assert_eq!(profile.indicators["percentile"].window, Window::Calendar(CalendarUnit::Week));
    assert_eq!(profile.indicators["distinct"].window, Window::Calendar(CalendarUnit::Quarter));
    assert_eq!(profile.indicators["delta"].readings_min, Some(7_500));
    assert_eq!(profile.indicators["onsets"].group, Some(GroupBy::State(name("status"))));
    let reconcile =
        Reconcile { with: IndicatorId::new("delta"), tolerance: Tolerance::Percent(Decimal::new(5, 0)) };
    assert_eq!(profile.indicators["vehicles"].reconcile, Some(reconcile));
    assert_eq!(profile.indicators["rate"].unit, "vehicles/h");
}

#[test]
fn what_is_derived_takes_over_from_its_inputs() {
    let profile = good(&[]);
    let inputs = |id: &str| {
        let inputs = profile.indicators[id].inputs();
        inputs.iter().map(IndicatorId::as_str).collect::<Vec<_>>()
    };
    assert_eq!(inputs("share"), ["delta", "vehicles"]);
    assert_eq!(inputs("excess"), ["dust", "leq"]);
    assert_eq!(inputs("worst_hour"), ["dust"]);
    assert_eq!(inputs("dust"), Vec::<&str>::new());
    assert_eq!(profile.indicators["share"].back(), 1);
    for indicator in profile.indicators.values() {
        assert_eq!(indicator.stream, StreamId::new("s"), "{}", indicator.id);
        assert_eq!((indicator.cadence, indicator.staleness), (MINUTE, 3 * MINUTE), "{}", indicator.id);
    }
    let group = |id: &str| profile.indicators[id].group.clone();
    assert_eq!(group("per_lane"), Some(GroupBy::Source), "rolled up over inputs grouped alike");
    assert_eq!(group("share"), None, "evaluated on rolled-up inputs");
    assert_eq!(group("alarm"), Some(GroupBy::Source));
}

#[test]
fn thresholds_have_a_severity_and_a_place() {
    let profile = good(&[]);
    let seen: Vec<(Severity, Option<&str>, Option<&str>, i128)> = profile
        .thresholds
        .iter()
        .map(|one| {
            let area = one.area.as_ref().map(nhip_proto::AreaCode::as_str);
            (one.severity, area, one.group.as_deref(), one.limit)
        })
        .collect();
    let want = [
        (Severity::Critical, None, None, 500),
        (Severity::Warning, None, None, 400),
        (Severity::Critical, Some("1"), None, 450),
        (Severity::Critical, None, Some("s1"), 400),
    ];
    assert_eq!(seen, want);
    let day = "2025-01-01".parse().expect("a date");
    let dust = IndicatorId::new("dust");
    assert_eq!(profile.threshold_on(&dust, day).map(|threshold| threshold.limit), Some(500));
    assert_eq!(profile.water_levels[0].levels[1], Decimal::new(4, 0));
}

#[test]
fn what_is_seldom_meant_is_remarked() {
    let told = |edits: &[(&str, &str)]| {
        let mut told = remarks(&good(edits));
        told.retain(|remark| !remark.ends_with("has no test"));
        told
    };
    assert_eq!(told(&[]), Vec::<String>::new());
    assert_eq!(remarks(&good(&[])).len(), good(&[]).indicators.len(), "none has a test");
    assert_eq!(
        told(&[("limit(dust) and", "limit(leq) * 1[µg/m³] / 1[dBA] and")]),
        ["indicator excess: leq has no critical threshold, so its limit is missing"]
    );
    assert_eq!(
        told(&[("rollup_area = \"max\"\n", "")]),
        ["indicator alarm: alarm levels are of groups, but it has none"]
    );
}

#[test]
fn circles_are_told_once() {
    let text = LANGUAGE
        .replace(
            "over_time = { of = \"dust\", by = \"max\" }\nwindow = \"1d\"",
            "formula = \"hours\"\nwindow = \"1h\"",
        )
        .replace("inputs = { of = \"dust\" }", "inputs = { of = \"excess\" }")
        .replace("defined(leq), dust", "defined(leq), worst_hour");
    assert_eq!(
        shown(read(&text)),
        [
            "profile.toml:249:11: indicator.formula: follows from itself: excess → worst_hour → hours → excess \
             (allowed: inputs that do not read it)"
        ]
    );
}

/// Everything that changes a figure changes its definition version, and nothing else does.
#[test]
fn the_definition_version_covers_the_whole_language() {
    let before = good(&[]);
    let changed = |edits: &[(&str, &str)]| {
        let after = good(edits);
        let differs =
            |id: &&IndicatorId| before.indicators[*id].definition != after.indicators[*id].definition;
        before.indicators.keys().filter(differs).map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let cases = [
        ("step_max = 500", "step_max = 400", "delta per_lane share"),
        ("per = \"1h\" }", "per = \"1h\", step_max = 9 }", "per_lane rate"),
        ("percent = 85", "percent = 85.5", "percentile"),
        ("of = \"source\"", "of = \"id\"", "distinct"),
        ("weight = \"count\"\n", "", "space_mean"),
        ("in = [\"active\", \"latched\"]", "in = [\"active\"]", "onsets"),
        ("group = \"status\"\n", "", "onsets"),
        ("readings_min = 0.75", "readings_min = 0.5", "delta per_lane share"),
        ("24h every 1h", "24h every 2h", "first"),
        ("rollup_area = \"sum\"", "rollup_area = \"mean\"", "per_lane"),
        ("delta[-1]", "delta[-2]", "share"),
        ("hours_min = 6", "hours_min = 7", "hours"),
        ("by = \"max\"", "by = \"min\"", "worst_hour"),
        ("limit = 50", "limit = 49", "excess"),
        ("limit = 40", "limit = 39", ""),
        ("level1 = 3.5", "level1 = 3.4", "alarm"),
        ("mean = \"pm25\"", "max = \"pm25\"", "aqi dust excess hours worst_hour"),
        ("tolerance_percent = 5", "tolerance_percent = 6", ""),
        ("defined(leq)", "not defined(leq)", "excess"),
        ("en = \"V85\"", "en = \"Speed\"", ""),
        // Another spelling of the same formula.
        ("ratio(delta - delta[-1], vehicles) * 100", "(ratio(delta − delta[-1],vehicles)) × 100", ""),
    ];
    for (from, to, want) in cases {
        assert_eq!(changed(&[(from, to)]), want, "{from} → {to}");
    }
}
