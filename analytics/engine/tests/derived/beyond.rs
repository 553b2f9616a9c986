//! Windows beyond the horizon: a Restate computes them from the log as it computes those still remembered, and their
//! rows go on where the rows before ended.

use std::collections::{BTreeMap, BTreeSet};

use nhip_engine::{Effects, Engine};
use nhip_proto::{
    ArrivalTime, EventTime, FigureKey, IndicatorId, Logged, MINUTE, Offset, Record, Restate, Row, RowCause,
    SECOND, Tick,
};

use crate::laws::with_derived;
use crate::pieces;
use crate::world::{self, Dice, HOUR, START};

const EACH: usize = 4;
const SPAN: i64 = 3 * HOUR;
const SEEDS: std::ops::Range<u64> = 1..3;
/// Read by nothing else, measured and derived, with groups and without.
const INDICATORS: [&str; 5] =
    ["env.pm25_10m", "traffic.truck_share_1h", "g.index_1h", "d.growth_1h", "d.areas_10m"];

/// Everything is forgotten soon.
fn short(text: &str) -> String {
    with_derived(text).replace("cadence = ", "horizon = \"30m\"\nlateness = \"30m\"\ncadence = ")
}

/// Nothing is ever late or forgotten.
fn for_ever(text: &str) -> String {
    with_derived(text).replace("cadence = ", "horizon = \"999h\"\nlateness = \"999h\"\ncadence = ")
}

/// A log that ends ten hours after its last message.
fn records(seed: u64, profile: impl Fn(&str) -> String) -> Vec<Record> {
    let said = world::arrive(world::events(seed, EACH, SPAN), seed ^ 77, 80 * MINUTE);
    let said = world::with_rubbish(world::with_duplicates(said, seed), seed);
    let log = world::log(EACH, &said, 60 * SECOND, 10 * HOUR);
    let mut records: Vec<Record> = log.into_iter().map(|logged| logged.record).collect();
    records[0] = Record::Profile(Box::new(world::profile_text(EACH, START, profile)));
    records
}

fn numbered(records: &[Record]) -> Vec<Logged> {
    (0..)
        .zip(records)
        .map(|(offset, record)| Logged { offset: Offset(offset), record: record.clone() })
        .collect()
}

/// Computes all windows of an indicator again, at the end of the log, as a node does: what it would change is told
/// first, the record carries its digest, time passes.
fn restate(records: &mut Vec<Record>, id: &str) -> Vec<FigureKey> {
    let log = numbered(records);
    let mut engine = Engine::new(world::settings(1));
    world::apply(&mut engine, &log, &mut Effects::default(), &log);
    let (indicator, range) = (IndicatorId::new(id), (EventTime(START - HOUR), EventTime(START + 2 * SPAN)));
    let mut preview = engine.preview(&indicator, range).expect("a known indicator");
    while let Some(from) = preview.wants() {
        let rest = log.get(from.0 as usize..).unwrap_or_default();
        preview.feed(rest.get(..900).unwrap_or(rest));
    }
    let foreseen = engine.foresee(&preview);
    let at = log.last().map_or(ArrivalTime(START), |logged| logged.record.at());
    records.push(Record::Restate(Box::new(Restate {
        at,
        indicator,
        from: range.0,
        to: range.1,
        reason: "law".to_owned(),
        author: "test".to_owned(),
        computed_to: foreseen.computed_to,
        rows_digest: foreseen.rows_digest,
    })));
    records.push(Record::Tick(Tick { at: at.plus(MINUTE) }));
    foreseen.changes.into_iter().map(|(key, ..)| key).collect()
}

/// What does not depend on when it became known.
type Final = (Option<i128>, i128, i128, u32, u32, Vec<Offset>);

/// The last row of every window of some indicators; one that lost everything is none.
fn finals(rows: &[Row], ids: &[&str]) -> BTreeMap<FigureKey, Final> {
    let of = rows.iter().filter(|row| ids.contains(&row.key.indicator.as_str()));
    let told = of.map(|row| {
        let value = row.value.map(|value| value.mantissa);
        let last = (value, row.numerator, row.denominator, row.k, row.m, row.provenance.samples.clone());
        (row.key.clone(), last)
    });
    told.collect::<BTreeMap<_, _>>().into_iter().filter(|(_, last)| last.3 > 0).collect()
}

/// I16: the revisions of each window are 0, 1, 2, …
#[track_caller]
fn one_by_one(rows: &[Row]) {
    let mut next: BTreeMap<&FigureKey, u32> = BTreeMap::new();
    for row in rows {
        let next = next.entry(&row.key).or_insert(0);
        assert_eq!(row.revision, *next, "{}", row.key);
        *next += 1;
    }
}

#[test]
fn forgotten_windows_are_computed_as_if_never_forgotten() {
    for seed in SEEDS {
        let wanted = finals(&world::run(&numbered(&records(seed, for_ever)), 1).1, &INDICATORS);
        let mut records = records(seed, short);
        let before = finals(&world::run(&numbered(&records), 1).1, &INDICATORS);
        assert_ne!(before, wanted, "seed {seed}: much came late");
        let restated = records.len();
        let mut changes = BTreeSet::new();
        for id in INDICATORS {
            changes.extend(restate(&mut records, id));
        }
        let (engine, rows) = world::run(&numbered(&records), 1);
        assert_eq!(engine.revisions().unverified, 0, "seed {seed}: what was foreseen is what was found");
        let found = finals(&rows, &INDICATORS);
        for (key, wanted) in &wanted {
            assert_eq!(found.get(key), Some(wanted), "seed {seed} {key}");
        }
        assert_eq!(found.len(), wanted.len(), "seed {seed}");
        one_by_one(&rows);
        let again: Vec<&Row> = rows.iter().filter(|row| row.cause == RowCause::Restated).collect();
        assert!(again.len() > 50, "seed {seed}: {} rows", again.len());
        for row in again {
            let known = row.known_offset.0 as usize;
            assert!(known >= restated && matches!(records[known], Record::Restate(_)), "known at the record");
            let value = |all: &BTreeMap<FigureKey, Final>| all.get(&row.key).and_then(|told| told.0);
            assert!(
                value(&before) == value(&wanted) || changes.contains(&row.key),
                "seed {seed} {}",
                row.key
            );
        }
        for key in &changes {
            let value = |all: &BTreeMap<FigureKey, Final>| all.get(key).and_then(|told| told.0);
            assert_ne!(value(&before), value(&wanted), "seed {seed} {key}: told, so it changes");
        }
        // Once more: nothing is left to say.
        let rows_before = rows.len();
        for id in INDICATORS {
            assert_eq!(restate(&mut records, id), Vec::new(), "seed {seed} {id}");
        }
        assert_eq!(world::run(&numbered(&records), 1).1.len(), rows_before, "seed {seed}");
    }
}

#[test]
fn a_new_indicator_is_known_of_the_past_from_its_restate_on() {
    let seed = 3;
    let id = "d.areas_10m";
    // At first it does not exist: under its id stands a definition of another name.
    let without = |text: &str| short(text).replace(id, "d.other_10m");
    let wanted = finals(&world::run(&numbered(&records(seed, for_ever)), 1).1, &[id]);
    let mut records = records(seed, without);
    let at = records.last().expect("records").at();
    records.push(Record::Profile(Box::new(world::profile_text(EACH, at.0, short))));
    records.push(Record::Tick(Tick { at: at.plus(MINUTE) }));
    let before = records.len();
    assert_eq!(finals(&world::run(&numbered(&records), 1).1, &[id]), BTreeMap::new(), "nothing of the past");
    assert_eq!(restate(&mut records, id).len(), wanted.values().filter(|told| told.0.is_some()).count());
    let (_, rows) = world::run(&numbered(&records), 1);
    assert_eq!(finals(&rows, &[id]), wanted);
    assert!(wanted.len() > 20, "{} windows", wanted.len());
    one_by_one(&rows);
    for row in rows.iter().filter(|row| row.key.indicator.as_str() == id) {
        assert_eq!(row.known_offset, Offset(before as u64), "{}", row.key);
    }
}

#[test]
fn batches_restarts_and_threads_change_no_byte() {
    let seed = 4;
    let mut records = records(seed, short);
    for id in ["env.pm25_10m", "g.index_1h", "env.pm25_10m"] {
        restate(&mut records, id);
    }
    let log = numbered(&records);
    let (whole, wanted) = world::run(&log, 1);
    let mut dice = Dice::new(seed);
    let mut engine = Engine::new(world::settings(2));
    let mut effects = Effects::default();
    let mut rest = log.as_slice();
    while !rest.is_empty() {
        let (batch, others) = rest.split_at(rest.len().min(1 + dice.below(400) as usize));
        world::apply(&mut engine, batch, &mut effects, &log);
        rest = others;
        if dice.one_in(4) {
            engine = Engine::restore(&engine.snapshot(), world::settings(2)).expect("its own snapshot");
        }
    }
    assert_eq!(pieces::bytes(&world::rows(effects)), pieces::bytes(&wanted));
    assert_eq!((engine.digest(), engine.rows_chain()), (whole.digest(), whole.rows_chain()));
    assert_eq!(engine.restatements(1_000), whole.restatements(1_000));
}
