//! Definitions that change while figures follow from them.

use nhip_engine::{Effects, Engine};
use nhip_proto::{ArrivalTime, Logged, MINUTE, Offset, ProfileText, Record, Row, SECOND};

use crate::laws::{self, with_derived};
use crate::world::{self, HOUR, START};

const AT: i64 = 65 * MINUTE;

/// A log in which the profile changes after 65 minutes.
fn changed(change: fn(&str) -> String) -> Vec<Logged> {
    let said = world::arrive(world::events(9, 4, 3 * HOUR), 9, 10 * MINUTE);
    let mut records: Vec<Record> =
        laws::log(&said, 20 * SECOND, 3 * HOUR).into_iter().map(|logged| logged.record).collect();
    let at = records.iter().position(|record| record.at() > ArrivalTime(START + AT)).expect("inside");
    let text: ProfileText = world::profile_text(4, START + AT, |text| change(&with_derived(text)));
    records.insert(at, Record::Profile(Box::new(text)));
    (0..).zip(records).map(|(offset, record)| Logged { offset: Offset(offset), record }).collect()
}

/// Start and value of the last row of every window of the province, in order; and how many versions there are.
fn values(rows: &[Row], id: &str) -> (Vec<(i64, Option<i128>)>, usize) {
    let of = rows.iter().filter(|row| row.key.indicator.as_str() == id && row.key.area.as_str() == "P");
    let mut values = std::collections::BTreeMap::new();
    let mut versions = Vec::new();
    for row in of {
        values.insert(row.key.window_start.0, row.value.map(|value| value.mantissa));
        versions.push(row.definition);
    }
    versions.sort_unstable();
    versions.dedup();
    (values.into_iter().collect(), versions.len())
}

fn same(text: &str) -> String {
    text.to_owned()
}

#[test]
fn a_changed_formula_starts_with_the_next_window_and_looks_back_at_the_old_ones() {
    let (_, before) = world::run(&changed(same), 1);
    let (_, after) =
        world::run(&changed(|text| text.replace("env.pm25_10m[-1] * 2", "env.pm25_10m[-1] * 4")), 1);
    let ((old, _), (new, versions)) = (values(&before, "d.sum_10m"), values(&after, "d.sum_10m"));
    assert_eq!(versions, 2);
    assert_eq!(old.len(), new.len());
    let pm25 = values(&before, "env.pm25_10m").0;
    for ((old, new), at) in old.iter().zip(&new).zip(0..) {
        let (start, step) = (old.0, 10 * MINUTE);
        if start < START + AT {
            assert_eq!(old, new, "window {at} is the old definition's");
        } else if let (Some(old), Some(new)) = (old.1, new.1) {
            let before = pm25.iter().find(|(known, _)| *known == start - step).and_then(|(_, value)| *value);
            let grown = 2 * before.expect("a window before");
            assert!((new - old - grown).abs() <= 2, "window {at}: {old} to {new} by {grown}");
        }
    }
    assert!(new.iter().filter(|(start, value)| *start > START + AT && value.is_some()).count() > 5);
}

#[test]
fn a_changed_input_starts_its_dependents_anew_and_no_window_is_lost() {
    let change = |text: &str| {
        text.replacen(
            "scale = 2\nowner = \"test\"\nbasis = \"test\"\nstream = \"air\"",
            "scale = 3\nowner = \"test\"\nbasis = \"test\"\nstream = \"air\"",
            1,
        )
    };
    let (_, before) = world::run(&changed(same), 1);
    let (engine, after) = world::run(&changed(change), 1);
    assert_eq!(values(&after, "env.pm25_10m").1, 2, "the input has two versions");
    for id in ["d.sum_10m", "d.share_10m", "d.choice_10m", "d.pm25_1h", "d.last_1h"] {
        let ((old, one), (new, two)) = (values(&before, id), values(&after, id));
        assert_eq!((one, two), (1, 2), "{id}");
        assert_eq!(old, new, "{id}: digits shown change nothing that is exact");
    }
    assert_eq!(values(&after, "d.growth_1h"), values(&before, "d.growth_1h"), "others do not notice");
    let bytes = engine.snapshot();
    assert_eq!(Engine::restore(&bytes, world::settings(1)).expect("its own snapshot").snapshot(), bytes);
}

#[test]
fn a_limit_that_changed_is_read_from_the_next_window_on() {
    let change = |text: &str| text.replacen("limit = 50", "limit = 25", 1);
    let (_, before) = world::run(&changed(same), 1);
    let (_, after) = world::run(&changed(change), 1);
    let (old, new) = (values(&before, "d.share_10m").0, values(&after, "d.share_10m").0);
    let mut doubled = 0;
    for (old, new) in old.iter().zip(&new) {
        let (Some(share), Some(now)) = (old.1, new.1) else { continue };
        if old.0 < START + AT {
            assert_eq!(share, now);
        } else {
            assert!((2 * share - now).abs() <= 1, "{share} to {now}");
            doubled += 1;
        }
    }
    assert!(doubled > 5);
}

#[test]
fn a_derived_definition_that_is_new_begins_where_its_inputs_stand() {
    let without = |text: &str| text.replace("d.growth_1h", "d.other_1h");
    let said = world::arrive(world::events(9, 4, 3 * HOUR), 9, 10 * MINUTE);
    let mut log = changed(same);
    let text = world::profile_text(4, START, |text| without(&with_derived(text)));
    log[0].record = Record::Profile(Box::new(text));
    let (_, after) = world::run(&log, 1);
    let (_, whole) = world::run(&laws::log(&said, 20 * SECOND, 3 * HOUR), 1);
    let (new, versions) = values(&after, "d.growth_1h");
    assert_eq!(versions, 1);
    let mut old = values(&whole, "d.growth_1h").0;
    old.retain(|(start, _)| *start >= START + AT);
    assert!(!new.is_empty());
    assert_eq!(new, old, "it looks back at windows from before it was there");
}

#[test]
fn a_snapshot_between_two_versions_goes_on_the_same() {
    let log = changed(|text| text.replace("env.pm25_10m[-1] * 2", "env.pm25_10m[-1] * 4"));
    let (whole, _) = world::run(&log, 1);
    let at = log.iter().position(|logged| matches!(logged.record, Record::Profile(_)) && logged.offset.0 > 0);
    let at = at.expect("the second profile");
    for cut in [at, at + 1, at + 200, log.len() - 100] {
        let (first, second) = log.split_at(cut);
        let mut engine = Engine::new(world::settings(1));
        engine.apply(first, &mut Effects::default()).expect("the first part");
        let mut engine = Engine::restore(&engine.snapshot(), world::settings(1)).expect("its own snapshot");
        engine.apply(second, &mut Effects::default()).expect("the second part");
        assert_eq!(engine.rows_chain(), whole.rows_chain(), "cut at {cut}");
        assert_eq!(engine.digest(), whole.digest(), "cut at {cut}");
    }
}
