//! A new profile in the middle of a log: what stays, what starts anew, what an invalid one does.

use nhip_engine::{Effects, Engine};
use nhip_proto::{ArrivalTime, Logged, MINUTE, Offset, ProfileText, Record, Row, SECOND};

use crate::world::{self, HOUR, START};

const EACH: usize = 4;

/// A log with another profile `after` its start.
fn log_with(text: impl Fn(i64) -> ProfileText, after: i64) -> Vec<Logged> {
    let said = world::arrive(world::events(9, EACH, 2 * HOUR), 9, 10 * MINUTE);
    let mut records: Vec<Record> =
        world::log(EACH, &said, 20 * SECOND, 3 * HOUR).into_iter().map(|logged| logged.record).collect();
    let at = records.iter().position(|record| record.at() > ArrivalTime(START + after)).expect("inside");
    records.insert(at, Record::Profile(Box::new(text(START + after))));
    (0..).zip(records).map(|(offset, record)| Logged { offset: Offset(offset), record }).collect()
}

fn of<'a>(rows: &'a [Row], indicator: &'a str) -> impl Iterator<Item = &'a Row> {
    rows.iter().filter(move |row| row.key.indicator.as_str() == indicator && row.key.area.as_str() == "P")
}

#[test]
fn a_changed_definition_starts_with_the_next_window_and_others_do_not_notice() {
    let change = |text: &str| text.replacen("scale = 2", "scale = 3", 1);
    let log = log_with(|at| world::profile_text(EACH, at, change), 65 * MINUTE);
    let (engine, rows) = world::run(&log, 1);
    let same = log_with(|at| world::profile_text(EACH, at, str::to_owned), 65 * MINUTE);
    let (_, wanted) = world::run(&same, 1);
    let cut = START + 65 * MINUTE;
    let mut definitions: Vec<[u8; 16]> = Vec::new();
    for row in of(&rows, "env.pm25_10m") {
        let scale = row.value.map(|value| value.scale);
        assert_eq!(scale, Some(if row.key.window_start.0 < cut { 2 } else { 3 }), "{}", row.key);
        definitions.push(row.definition);
    }
    definitions.sort_unstable();
    definitions.dedup();
    assert_eq!(definitions.len(), 2);
    let last = |rows: &[Row]| -> Vec<(i64, i128, u32)> {
        let last = of(rows, "env.pm25_10m").map(|row| (row.key.window_start.0, (row.numerator, row.k)));
        last.collect::<std::collections::BTreeMap<_, _>>()
            .into_iter()
            .map(|(at, (n, k))| (at, n, k))
            .collect()
    };
    assert_eq!(last(&rows), last(&wanted), "every window is whole under one of the two");
    for row in of(&rows, "traffic.trucks_5m") {
        assert!(wanted.iter().any(|other| other.key == row.key && other.numerator == row.numerator));
    }
    let bytes = engine.snapshot();
    let again = Engine::restore(&bytes, world::settings(1)).expect("its own snapshot");
    assert_eq!(again.snapshot(), bytes);
}

#[test]
fn a_snapshot_between_two_definitions_goes_on_the_same() {
    let change = |text: &str| text.replace("in = [\"online\", \"degraded\"]", "in = [\"online\"]");
    let log = log_with(|at| world::profile_text(EACH, at, change), 65 * MINUTE);
    let (whole, _) = world::run(&log, 1);
    let at = log.iter().position(|logged| matches!(logged.record, Record::Profile(_)) && logged.offset.0 > 0);
    for cut in [at.expect("the second profile"), at.expect("the second profile") + 1, log.len() - 100] {
        let (first, second) = log.split_at(cut);
        let mut engine = Engine::new(world::settings(1));
        engine.apply(first, &mut Effects::default()).expect("the first part");
        let mut engine = Engine::restore(&engine.snapshot(), world::settings(1)).expect("its own snapshot");
        engine.apply(second, &mut Effects::default()).expect("the second part");
        assert_eq!(engine.rows_chain(), whole.rows_chain(), "cut at {cut}");
        assert_eq!(engine.digest(), whole.digest(), "cut at {cut}");
    }
}

#[test]
fn an_invalid_profile_changes_nothing_but_its_count() {
    let broken = |at| ProfileText {
        files: vec![("profile.toml".to_owned(), "[profile".to_owned())],
        ..world::profile_text(EACH, at, str::to_owned)
    };
    let (engine, rows) = world::run(&log_with(broken, 65 * MINUTE), 1);
    assert_eq!(engine.other_records().profiles_refused, 1);
    assert!(of(&rows, "env.pm25_10m").any(|row| row.key.window_start.0 > START + 80 * MINUTE));
}

#[test]
fn a_batch_that_does_not_continue_is_refused_whole() {
    let log = world::log(1, &[], MINUTE, HOUR);
    let (mut engine, _) = world::run(&log[..10], 1);
    let before = engine.digest();
    assert!(engine.apply(&log[11..], &mut Effects::default()).is_err());
    assert!(engine.apply(&log[..1], &mut Effects::default()).is_err());
    assert_eq!(engine.digest(), before);
    assert!(engine.apply(&log[10..], &mut Effects::default()).is_ok());
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let (engine, _) = world::run(&world::log(1, &[], MINUTE, HOUR), 1);
    let bytes = engine.snapshot();
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        assert!(Engine::restore(&bytes, world::settings(1)).is_err(), "byte {at}");
    }
    assert!(Engine::restore(&bytes[..bytes.len() - 1], world::settings(1)).is_err());
    assert!(Engine::restore(&[], world::settings(1)).is_err());
}
