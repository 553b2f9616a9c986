//! Which version of a figure stands, and what is forgotten.

use super::*;
use crate::pack::{Input, Pack};

fn version(phase: u32, revision: i128, released: bool) -> Version {
    Version { phase, revision, released }
}

fn told(version: Version) -> Contribution {
    Contribution { version, arrival: 0, area: 0, lane: 0, values: vec![(1, Value::Number(7))] }
}

#[test]
fn the_greatest_phase_and_revision_stands_whatever_comes_last() {
    let (mut standings, key) = (Standings::default(), ((10, 5), 1));
    let mut say = |version: Version, content| {
        let verdict = standings.judge(key, version, content, 0);
        let new = verdict == Some(Verdict::New);
        (verdict, new.then(|| standings.place(key, told(version))).flatten().is_some())
    };
    assert_eq!(say(version(2, 0, true), 1), (Some(Verdict::New), true));
    assert_eq!(
        say(version(1, 9, true), 2),
        (Some(Verdict::New), false),
        "an estimate after the official figure"
    );
    assert_eq!(say(version(2, 1, false), 3), (Some(Verdict::New), false), "internal");
    assert_eq!(say(version(2, 1, true), 4), (Some(Verdict::New), true), "released");
    assert_eq!(say(version(2, 1, true), 4), (Some(Verdict::Same), false));
    assert_eq!(say(version(2, 1, true), 5), (Some(Verdict::Conflicting), false));
    let mut bytes = Vec::new();
    standings.pack(&mut bytes);
    let back = Standings::unpack(&mut Input::new(&bytes)).expect("what was written");
    assert_eq!(format!("{back:?}"), format!("{standings:?}"));
}

#[test]
fn what_is_forgotten_is_not_corrected_either() {
    let mut standings = Standings::default();
    let say = |standings: &mut Standings, time, floor| {
        standings.judge(((time, 0), 0), version(0, 0, true), 1, floor)
    };
    assert_eq!(say(&mut standings, 10, 0), Some(Verdict::New));
    assert_eq!(say(&mut standings, 10, 11), None);
    for time in 0..STATISTICS_MAX as i64 + 5 {
        say(&mut standings, 100 + time, 0);
    }
    assert_eq!(standings.figures.len(), STATISTICS_MAX);
    assert_eq!(say(&mut standings, 104, 0), None);
    assert_eq!(say(&mut standings, 105, 0), Some(Verdict::Same));
    for revision in 0..200 {
        standings.judge(((200_000, 0), 0), version(0, revision, true), 1, 0);
    }
    assert_eq!(standings.figures.last_key_value().expect("one").1.versions.len(), VERSIONS_MAX);
}
