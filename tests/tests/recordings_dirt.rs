//! Recordings with their dirt, each through MQTT into a real node: every final figure equals the oracle's digit by
//! digit, every row that is repeated, impossible, faulty or missing ends where it must, and the ledger adds up.

#![expect(clippy::print_stdout, reason = "a long test tells what it compared")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nhip_demo::{Planned, Recordings, RowSet};
use nhip_proto::{ArrivalTime, MINUTE, Span};
use nhip_tests::{Account, Oracle, Replayed, shared_data, skipped};

const DAY: Span = 24 * 60 * MINUTE;
/// The air stations' year ends here, on a midnight of their zone, long after QĐ 1459/QĐ-TCMT came into force.
const YEAR_END: &str = "2026-11-22T00:00:00+08:00";

#[test]
fn a_year_of_six_stations_has_the_index_of_the_decision() {
    let test = "a_year_of_six_stations_has_the_index_of_the_decision";
    let Some((data, oracle)) = ready(test) else { return };
    let plan = air(&data);
    assert_eq!(plan.len(), 6 * 8_760, "an hour of a station is a message");
    let replayed = Replayed { profile: "profiles/recordings", plan, step: 3 * DAY, split: false };
    let account = checked(&replayed, &oracle);
    assert_eq!(account.total("duplicate") + account.total("late"), 0);
    // 6,873 cells of the eleven columns of numbers are written NA: each says that there is no value, none is 0.
    assert_eq!(account.total("item_rejected"), 6_873);
    assert_eq!(account.for_reason("missing"), 6_873);
}

#[test]
fn an_hour_told_several_times_counts_once() {
    let test = "an_hour_told_several_times_counts_once";
    let Some((data, oracle)) = ready(test) else { return };
    let replayed = rows(RowSet::I94, &data, "profiles/recordings-i94", 14 * DAY);
    let account = checked(&replayed, &oracle);
    assert_eq!(account.total("received"), 32_233);
    // 5,556 rows repeat an hour, each with six items. The repetition is there for another word of the weather (5,491
    // times), and now and then the temperature (64), the clouds (15) or the rain (6) differ: the first stands.
    assert_eq!(account.total("duplicate"), 6 * 5_556);
    assert_eq!(account.total("conflicting"), 5_491 + 64 + 15 + 6);
    // 9,831.3 mm of rain in an hour; 0 K does not occur in these years of the recording.
    assert_eq!((account.total("item_rejected"), account.rejected("out_of_range", "rain")), (1, 1));
    assert_eq!(account.total("late"), 0);
}

#[test]
fn an_instrument_that_says_it_is_broken_is_believed() {
    let test = "an_instrument_that_says_it_is_broken_is_believed";
    let Some((data, oracle)) = ready(test) else { return };
    let replayed = rows(RowSet::Plumtree, &data, "profiles/recordings-plumtree", 7 * DAY);
    let account = checked(&replayed, &oracle);
    assert_eq!(account.total("received"), 86_656);
    // Two rows carry the qualifier of a fault (P,Eqp): the value is not there, the state beside it is faulty.
    assert_eq!(account.total("item_rejected"), 2 * 2);
    assert_eq!((account.for_reason("device_fault"), account.for_reason("missing")), (2, 2));
    assert_eq!(account.total("duplicate"), 0);
}

#[test]
fn pedestrians_walk_through_days_of_23_and_25_hours() {
    let test = "pedestrians_walk_through_days_of_23_and_25_hours";
    let Some((data, oracle)) = ready(test) else { return };
    let replayed = rows(RowSet::Melbourne, &data, "profiles/recordings-melbourne", 14 * DAY);
    let account = checked(&replayed, &oracle);
    assert_eq!((account.total("received"), account.total("applied")), (32_276, 32_276));
    assert_eq!(account.total("duplicate") + account.total("late") + account.total("item_rejected"), 0);
}

#[test]
fn fewer_than_no_cars_are_refused_and_more_than_fit_are_shown() {
    let test = "fewer_than_no_cars_are_refused_and_more_than_fit_are_shown";
    let Some((data, oracle)) = ready(test) else { return };
    let replayed = rows(RowSet::Birmingham, &data, "profiles/recordings-birmingham", 7 * DAY);
    let account = checked(&replayed, &oracle);
    assert_eq!(account.total("received"), 22_482);
    // 152 rows stand twice, cars and capacity; ten count fewer than no cars. The 86 rows with more cars than places
    // are figures: park.overfull_1h counts them.
    assert_eq!((account.total("duplicate"), account.total("conflicting")), (2 * 152, 0));
    assert_eq!((account.total("item_rejected"), account.rejected("out_of_range", "parked")), (10, 10));
}

#[test]
fn the_sixth_of_july_is_not_the_seventh_of_june() {
    let test = "the_sixth_of_july_is_not_the_seventh_of_june";
    let Some((data, oracle)) = ready(test) else { return };
    let replayed = rows(RowSet::Nairobi, &data, "profiles/recordings-nairobi", 14 * DAY);
    let account = checked(&replayed, &oracle);
    // Every crash has its own number; several fall on one minute and all of them count.
    assert_eq!((account.total("received"), account.total("applied")), (8_631, 5 * 8_631));
    assert_eq!(account.total("duplicate") + account.total("late") + account.total("item_rejected"), 0);
}

fn ready(test: &str) -> Option<(PathBuf, Oracle)> {
    let Some(data) = shared_data() else {
        skipped(test, "../shared is absent");
        return None;
    };
    let oracle = Oracle::find();
    if oracle.is_none() {
        skipped(test, "no oracle: run cargo xtask test");
    }
    Some((data, oracle?))
}

fn rows<'a>(set: RowSet, data: &Path, profile: &'a str, step: Span) -> Replayed<'a> {
    let plan = set.plan(data).expect("the recording can be read");
    Replayed { profile, plan, step, split: true }
}

fn checked(replayed: &Replayed<'_>, oracle: &Oracle) -> Account {
    let directory = tempfile::tempdir().expect("a directory");
    let account = replayed.play(directory.path());
    let said = replayed.compare(directory.path(), oracle, &account);
    println!("{}: {said}", replayed.profile);
    account
}

fn air(data: &Path) -> Vec<Planned> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles/recordings");
    let text = |path: PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        (name, std::fs::read_to_string(&path).expect("text"))
    };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the profile")
        .map(|entry| text(entry.expect("an entry").path()))
        .collect();
    files.sort();
    let profile = nhip_profile::load(&files).expect("the profile has no mistakes");
    let recordings = Recordings::read(data, &Arc::new(profile)).expect("the recordings can be read");
    let end: jiff::Timestamp = YEAR_END.parse().expect("a time");
    let end = ArrivalTime(i64::try_from(end.as_nanosecond()).expect("in range"));
    let mut plan = recordings.plan(end);
    plan.retain(|message| message.source.as_str().starts_with("prsa-"));
    plan
}
