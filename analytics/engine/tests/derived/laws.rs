//! The laws; the seed stands in the failure.

use std::collections::BTreeMap;

use nhip_engine::{Effects, Engine};
use nhip_proto::{Logged, MINUTE, Record, Row, RowCause, RowState, SECOND};

use crate::expected;
use crate::model::{self, Key};
use crate::pieces;
use crate::world::{self, HOUR, Said};

const EACH: usize = 4;
const SPAN: i64 = 3 * HOUR;
const SEEDS: std::ops::Range<u64> = 1..5;

/// As the world's log, with the derived definitions behind the others.
pub(crate) fn log(said: &[Said], tick: i64, after: i64) -> Vec<Logged> {
    let mut log = world::log(EACH, said, tick, after);
    log[0].record = Record::Profile(Box::new(world::profile_text(EACH, world::START, with_derived)));
    log
}

pub(crate) fn with_derived(text: &str) -> String {
    let at = text.find("[[threshold]]").expect("the profile has thresholds");
    format!("{}{}\n{}", &text[..at], expected::PROFILE, &text[at..])
}

fn told(seed: u64, delay: i64) -> Vec<Said> {
    world::arrive(world::events(seed, EACH, SPAN), seed ^ 77, delay)
}

/// The last value of every derived window.
pub(crate) fn finals(rows: &[Row]) -> BTreeMap<Key, Option<i128>> {
    let derived = rows.iter().filter(|row| row.key.indicator.as_str().starts_with("d."));
    derived
        .map(|row| {
            let key = (row.key.indicator.to_string(), row.key.area.to_string(), row.key.window_start.0);
            (key, row.value.map(|value| value.mantissa))
        })
        .collect()
}

#[test]
fn every_derived_figure_equals_the_plain_model() {
    for seed in SEEDS {
        let said = world::with_rubbish(world::with_duplicates(told(seed, 20 * MINUTE), seed), seed);
        let wanted = expected::derived(&model::finals(EACH, &said).0);
        let (engine, rows) = world::run(&log(&said, 20 * SECOND, 27 * HOUR), 1);
        let found = finals(&rows);
        for (key, wanted) in &wanted {
            assert_eq!(found.get(key), Some(wanted), "seed {seed}, {key:?}");
        }
        assert_eq!(found.len(), wanted.len(), "seed {seed}");
        for id in ["d.sum_10m", "d.choice_10m", "d.growth_1h"] {
            let of =
                |some: bool| wanted.iter().filter(|(key, row)| key.0 == id && row.is_some() == some).count();
            assert!(
                of(true) > 3 && of(false) > 0,
                "seed {seed}: {id} has {} values, {} none",
                of(true),
                of(false)
            );
        }
        assert_eq!(engine.overflows(), 0);
        let stations = rows.iter().filter(|row| row.key.indicator.as_str() == "g.index_1h");
        let stations = stations.filter(|row| !row.key.group.is_empty() && row.value.is_some());
        assert!(stations.count() > 10, "seed {seed}: the index has stations");
        let reconciled = rows.iter().filter(|row| row.key.indicator.as_str() == "g.index_1h");
        assert!(reconciled.filter_map(|row| row.badge.dung).count() > 0, "seed {seed}: it is reconciled");
    }
}

#[test]
fn any_order_inside_the_lateness_and_thinned_ticks_give_the_same() {
    for seed in SEEDS {
        let events = world::events(seed, EACH, SPAN);
        let straight = world::arrive(events.clone(), 1, SECOND);
        let wanted = finals(&world::run(&log(&straight, 30 * SECOND, 27 * HOUR), 1).1);
        for (shuffle, tick) in [(2, 30 * SECOND), (3, 300 * SECOND)] {
            let said = world::arrive(events.clone(), shuffle, 50 * MINUTE);
            assert_eq!(
                finals(&world::run(&log(&said, tick, 27 * HOUR), 1).1),
                wanted,
                "seed {seed} {shuffle}"
            );
        }
    }
}

#[test]
fn batches_restarts_and_screens_change_no_byte() {
    for seed in SEEDS {
        let said = world::with_rubbish(world::with_duplicates(told(seed, 20 * MINUTE), seed), seed);
        pieces::change_no_byte(seed, &log(&said, 20 * SECOND, 3 * HOUR), 200);
    }
}

#[test]
fn one_record_at_a_time_and_four_threads_give_the_same_bytes() {
    let said = told(9, 20 * MINUTE);
    let log = log(&said, 20 * MINUTE, 3 * HOUR);
    let (whole, wanted) = world::run(&log, 4);
    let mut engine = Engine::new(world::settings(1));
    let mut effects = Effects::default();
    for logged in &log {
        engine.apply(std::slice::from_ref(logged), &mut effects).expect("the log goes on");
    }
    assert_eq!(pieces::bytes(&world::rows(effects)), pieces::bytes(&wanted));
    assert_eq!(engine.digest(), whole.digest());
}

#[test]
fn rows_of_derived_figures_follow_the_rules_of_all_rows() {
    for seed in SEEDS {
        let (_, rows) = world::run(&log(&told(seed, 50 * MINUTE), 20 * SECOND, 3 * HOUR), 1);
        let mut last: BTreeMap<_, &Row> = BTreeMap::new();
        let mut revised = 0;
        for row in rows.iter().filter(|row| row.key.indicator.as_str().starts_with("d.")) {
            let before = last.insert(row.key.clone(), row);
            assert_eq!(
                row.revision,
                before.map_or(0, |before| before.revision + 1),
                "seed {seed} {}",
                row.key
            );
            let settled = before.is_some_and(|before| before.state != RowState::Provisional);
            assert_eq!(settled, row.state == RowState::Revised, "seed {seed} {}", row.key);
            assert_eq!(row.state == RowState::Revised, row.cause == RowCause::OutOfOrder);
            revised += usize::from(row.state == RowState::Revised);
            if let Some(before) = before.filter(|_| row.state == RowState::Provisional) {
                assert!(row.known_at.since(before.known_at) >= MINUTE, "seed {seed} {}", row.key);
            }
            let silent = before.is_none() && row.state == RowState::Provisional;
            assert!(!silent || row.value.is_some(), "seed {seed} {}: nothing to say yet", row.key);
            assert_eq!(row.value.is_none(), row.denominator == 0, "seed {seed} {}", row.key);
            assert!(row.k <= row.m, "seed {seed} {}", row.key);
            let samples = &row.provenance.samples;
            assert!(!samples.is_empty() && samples.len() <= 8, "seed {seed} {}", row.key);
            assert!(samples.first() >= row.provenance.first.as_ref(), "seed {seed} {}", row.key);
            assert!(samples.last() <= row.provenance.last.as_ref(), "seed {seed} {}", row.key);
        }
        assert!(revised > 20, "seed {seed}: {revised} revisions");
    }
}

#[test]
fn what_screens_are_told_is_what_a_new_screen_is_shown() {
    for seed in SEEDS.take(2) {
        let said = world::with_rubbish(world::with_duplicates(told(seed, 20 * MINUTE), seed), seed);
        pieces::keep_every_screen_in_step(seed, &log(&said, 20 * SECOND, 3 * HOUR), 40);
    }
}
