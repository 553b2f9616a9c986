//! The recordings: every line of every source, re-based by whole weeks, nothing missing turned into 0.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use nhip_demo::{Planned, Recordings, RowSet};
use nhip_profile::Profile;
use nhip_proto::{ArrivalTime, MINUTE, SECOND, Span};

const HOUR: Span = 60 * MINUTE;
/// 2026-11-21T12:00:00Z.
const END: ArrivalTime = ArrivalTime(1_795_262_400_000_000_000);

fn data() -> Option<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    directory.join("air").is_dir().then_some(directory)
}

#[expect(clippy::print_stderr, reason = "the runner counts skipped tests by this line")]
fn skipped(test: &str) {
    eprintln!("SKIPPED {test}: ../shared is absent");
}

fn profile() -> Arc<Profile> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles/recordings");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&directory).expect("the profile is in the tree") {
        let path = entry.expect("a directory can be listed").path();
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        files.push((name, std::fs::read_to_string(&path).expect("profile files are text")));
    }
    Arc::new(nhip_profile::load(&files).expect("the profile has no mistake"))
}

#[test]
fn every_line_is_played_once_and_ends_before_the_end() {
    let Some(data) = data() else { return skipped("every_line_is_played_once_and_ends_before_the_end") };
    let profile = profile();
    let recordings = Recordings::read(&data, &profile).expect("recordings");
    let counts = recordings.counts();
    let count = |source: &str| counts.get(source).copied().unwrap_or(0);
    assert_eq!(counts.len(), profile.sources.len());
    assert_eq!(count("prsa-aotizhongxin"), 8_760);
    assert_eq!(count("metr-773869"), 1_440);
    let montreal: u64 = counts.iter().filter(|(id, _)| id.as_str().starts_with("mtl-")).map(|(_, n)| n).sum();
    assert_eq!(montreal, 6_131);
    assert_eq!(recordings.attributions().len(), 3);
    let plan = recordings.plan(END);
    assert_eq!(plan.len() as u64, counts.values().sum::<u64>());
    assert!(
        plan.iter().all(|message| message.at <= END && message.event.is_some_and(|e| e.0 <= message.at.0))
    );
    assert!(plan.windows(2).all(|pair| pair[0].at <= pair[1].at), "not by time");
    let last = plan.last().expect("some").at;
    assert!(END.since(last) < 7 * 24 * HOUR, "the recordings end more than a week before");
}

#[test]
fn weekday_and_hour_are_kept() {
    let Some(data) = data() else { return skipped("weekday_and_hour_are_kept") };
    let profile = profile();
    let plan = Recordings::read(&data, &profile).expect("recordings").plan(END);
    let zone = TimeZone::get(&profile.zone).expect("a zone");
    let first = |source: &str| {
        let message = plan.iter().find(|message| message.source.as_str() == source).expect("played");
        let event = message.event.expect("a time");
        let civil = zone.to_datetime(jiff::Timestamp::from_second(event.0 / SECOND).expect("in range"));
        (civil.weekday(), civil.time().to_string())
    };
    // 2016-03-01 was a Tuesday, 2021-01-08 17:16:59 in Montreal a Friday, 2012-03-01 a Thursday.
    assert_eq!(first("prsa-tiantan"), (jiff::civil::Weekday::Tuesday, "00:00:00".to_owned()));
    assert_eq!(first("mtl-00773"), (jiff::civil::Weekday::Friday, "17:16:59".to_owned()));
    assert_eq!(first("metr-767541"), (jiff::civil::Weekday::Thursday, "00:00:00".to_owned()));
}

#[test]
fn what_is_missing_is_never_zero() {
    let Some(data) = data() else { return skipped("what_is_missing_is_never_zero") };
    let plan = Recordings::read(&data, &profile()).expect("recordings").plan(END);
    let station = |message: &&Planned| message.source.as_str() == "prsa-aotizhongxin";
    let texts =
        plan.iter().filter(station).map(|message| std::str::from_utf8(&message.payload).expect("JSON"));
    let texts: Vec<&str> = texts.collect();
    let nulls = |name: &str| texts.iter().filter(|text| text.contains(&format!("\"{name}\":null"))).count();
    // Counted in the published table.
    assert_eq!((nulls("pm25"), nulls("pm10"), nulls("o3"), nulls("wind_speed")), (179, 114, 261, 12));
    let sample = texts.first().expect("some");
    let want = concat!(
        r#""period_s":3600,"values":{"pm25":63,"pm10":83,"so2":20,"no2":72,"co":1200,"#,
        r#""o3":15,"temperature":0.4,"#
    );
    assert!(sample.contains(want), "{sample}");
    let empty =
        plan.iter().filter(|message| message.topic.contains("/detector/") && message.payload.len() < 60);
    assert!(empty.count() > 100, "minutes without a vehicle carry neither speed nor gap");
}

#[test]
fn the_same_profile_and_end_give_the_same_plan() {
    let Some(data) = data() else { return skipped("the_same_profile_and_end_give_the_same_plan") };
    let profile = profile();
    let plan =
        || Recordings::read(&data, &profile).expect("recordings").plan_since(END, Some(END.plus(-48 * HOUR)));
    let (left, right) = (plan(), plan());
    assert!(left == right && !left.is_empty());
    let mut by_stream: BTreeMap<&str, usize> = BTreeMap::new();
    for message in &left {
        *by_stream.entry(message.topic.split('/').nth(3).unwrap_or("")).or_default() += 1;
    }
    assert!(left.iter().all(|message| message.at > END.plus(-48 * HOUR)), "{by_stream:?}");
}

#[test]
fn every_row_goes_out_as_it_stands_and_not_before_its_time() {
    let test = "every_row_goes_out_as_it_stands_and_not_before_its_time";
    let Some(data) = data() else { return skipped(test) };
    let expected = [
        (RowSet::I94, 32_233, r#""date_time":"2015-06-11 20:00:00""#),
        (RowSet::Melbourne, 32_276, r#""utc":"2014-12-31T13:00:00Z""#),
        (RowSet::Birmingham, 22_482, r#""Occupancy":"61""#),
        (RowSet::Nairobi, 8_631, r#""crash_datetime":"01/01/2017 08:11""#),
        (RowSet::Plumtree, 86_656, r#""qualifiers":"A""#),
    ];
    for (set, rows, cell) in expected {
        let plan = set.plan(&data).expect("rows");
        assert_eq!(plan.iter().map(|message| message.readings).sum::<u32>(), rows, "{set:?}");
        assert!(plan.windows(2).all(|pair| pair[0].at <= pair[1].at), "{set:?}: not by time");
        let first: Vec<_> = plan.iter().take_while(|message| message.at == plan[0].at).collect();
        let text = |message: &&Planned| String::from_utf8_lossy(&message.payload).into_owned();
        assert!(first.iter().any(|message| text(message).contains(cell)), "{set:?}: {cell}");
        assert!(!set.attribution().licence.is_empty());
    }
    let plumtree = RowSet::Plumtree.plan(&data).expect("rows");
    let faults = plumtree.iter().map(|message| {
        String::from_utf8_lossy(&message.payload)
            .matches(r#""qualifiers":"P,Eqp","site":"01581752","stat":"00000","value":null"#)
            .count()
    });
    assert_eq!(faults.sum::<usize>(), 2, "an empty cell is null, its qualifier stands beside it");
}
