//! Cases: any order of arrival, Ticks, threads, restarts and re-runs give the same figures; what is sealed stays so.

use std::collections::BTreeMap;

use nhip_engine::{Effects, Engine, SEMANTICS, SubPlan};
use nhip_proto::{
    ArrivalTime, EventTime, IndicatorId, Item, ItemName, Logged, MINUTE, Offset, ProfileText, Record,
    Restate, Row, Tick, encode_row,
};

use crate::world::{self, Dice, HOUR, START, Said};

const PROFILE: &str = include_str!("../../../../tests/scenarios/profiles/cases/profile.toml");
const AREAS: &str = include_str!("../../../../tests/scenarios/profiles/cases/areas.csv");
const SOURCES: &str = "id,stream,area,name,name_en,owner\nhotline,report,T,H,H,t\nward,report,101,W,W,t\n\
    portal,report,T,P,P,t\n";
const DAY: i64 = 24 * HOUR;
/// How long cases live in these logs, and how late an event may arrive.
const SPAN: i64 = 20 * DAY;
const SEEDS: std::ops::Range<u64> = 1..4;

fn profile() -> ProfileText {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let files = vec![file("areas.csv", AREAS), file("profile.toml", PROFILE), file("sources.csv", SOURCES)];
    let profile = nhip_profile::load(&files)
        .unwrap_or_else(|mistakes| panic!("the test profile is wrong: {mistakes:#?}"));
    let zones = nhip_profile::zone_rules(&profile);
    ProfileText { at: ArrivalTime(START), hash: profile.hash, semantics: SEMANTICS, files, zones }
}

/// Lives of many cases: mostly as they should be, some steps where none may stand.
fn events(seed: u64, each: i64) -> Vec<Said> {
    const STEPS: [&str; 16] = [
        "new",
        "assigned",
        "in_progress",
        "waiting",
        "supplied",
        "returned",
        "assigned",
        "extension_asked",
        "extended",
        "resolved",
        "published",
        "reopened",
        "resolved",
        "rejected",
        "duplicate",
        "withdrawn",
    ];
    let mut dice = Dice::new(seed);
    let mut all = Vec::new();
    let mut id = 0;
    for source in ["hotline", "ward", "portal"] {
        for case in 0..each {
            let mut time = START + dice.below(SPAN / 2);
            let mut step = if dice.one_in(15) { dice.below(16) } else { 0 };
            for _ in 0..1 + dice.below(9) {
                id += 1;
                let mut items = vec![world::state("case", &format!("{source}-{case}"))];
                if !dice.one_in(10) {
                    items.push(world::state("step", STEPS[step as usize]));
                }
                if step == 0 || dice.one_in(6) {
                    items.push(world::state("commune", ["101", "102"][dice.below(2) as usize]));
                    items.push(world::state("category", ["road", "light", "noise"][dice.below(3) as usize]));
                }
                if dice.one_in(8) {
                    items.push(world::state("rating", ["satisfied", "unsatisfied"][dice.below(2) as usize]));
                }
                if dice.one_in(20) {
                    items.push(world::number("due", (time + DAY) / 1_000_000_000, 0));
                }
                items.iter_mut().for_each(|item| stamp(item, time, id));
                all.push(Said {
                    arrival: time,
                    source: source.to_owned(),
                    stream: "report",
                    body: Ok(items),
                });
                time += dice.below(DAY) + MINUTE;
                step = if dice.one_in(7) { dice.below(16) } else { (step + 1 + dice.below(3)).min(15) };
            }
        }
    }
    all.retain(|said| said.arrival < START + SPAN);
    all.sort_by_key(|said| said.arrival);
    all
}

fn stamp(item: &mut Item, time: i64, id: u128) {
    item.event_time = Some(EventTime(time));
    item.identity = Some(id);
}

fn log(said: &[Said], tick: i64) -> Vec<Logged> {
    let mut records = vec![Record::Profile(Box::new(profile()))];
    let mut next = START + tick;
    for said in said {
        while next <= said.arrival {
            records.push(Record::Tick(Tick { at: ArrivalTime(next) }));
            next += tick;
        }
        records.push(world::message(said));
    }
    // All logs end at the same time, long after every window closed.
    while next <= START + 90 * DAY {
        records.push(Record::Tick(Tick { at: ArrivalTime(next) }));
        next += tick;
    }
    numbered(records)
}

fn numbered(records: Vec<Record>) -> Vec<Logged> {
    (0..).zip(records).map(|(offset, record)| Logged { offset: Offset(offset), record }).collect()
}

type Key = (String, String, String, i64);
type Told = (Option<i128>, i128, i128, u32, u32);

/// The last word on each window with a value.
fn finals(rows: &[Row]) -> BTreeMap<Key, Told> {
    let told = |row: &Row| {
        let (key, value) = (&row.key, row.value.map(|value| value.mantissa));
        let key = (key.indicator.to_string(), key.area.to_string(), key.group.clone(), key.window_start.0);
        (key, (value, row.numerator, row.denominator, row.k, row.m))
    };
    rows.iter()
        .map(told)
        .collect::<BTreeMap<_, _>>()
        .into_iter()
        .filter(|(_, told)| told.0.is_some())
        .collect()
}

#[track_caller]
fn same(left: &BTreeMap<Key, Told>, right: &BTreeMap<Key, Told>, what: &str) {
    let differ: Vec<_> = left
        .iter()
        .map(|(key, told)| (key, Some(told), right.get(key)))
        .chain(
            right
                .iter()
                .filter(|(key, _)| !left.contains_key(*key))
                .map(|(key, told)| (key, None, Some(told))),
        )
        .filter(|(_, left, right)| left != right)
        .collect();
    assert!(
        differ.is_empty(),
        "{what}: {} of {} differ: {:#?}",
        differ.len(),
        left.len(),
        &differ[..differ.len().min(5)]
    );
}

#[test]
fn any_order_of_arrival_gives_the_same_figures() {
    for seed in SEEDS {
        let events = events(seed, 25);
        let (_, rows) = world::run(&log(&events, 6 * HOUR), 1);
        let expected = finals(&rows);
        let kinds = ["open_1d", "overdue_1d", "waiting_1d", "ontime_1mo", "resolve_p50_1mo", "irregular_1mo"];
        for kind in kinds {
            assert!(expected.keys().any(|key| key.0 == kind), "{kind} has figures");
        }
        for delay in [2 * DAY, 19 * DAY] {
            let said = world::with_duplicates(world::arrive(events.clone(), seed ^ 5, delay), seed);
            let (_, rows) = world::run(&log(&said, 6 * HOUR), 1);
            same(&expected, &finals(&rows), &format!("seed {seed}, up to {delay} ns late"));
        }
    }
}

#[test]
fn other_ticks_change_no_final_figure() {
    for seed in SEEDS {
        let said = world::arrive(events(seed, 25), seed ^ 5, 2 * DAY);
        let (_, rows) = world::run(&log(&said, 3 * HOUR), 1);
        let (_, thinned) = world::run(&log(&said, 30 * HOUR), 1);
        same(&finals(&rows), &finals(&thinned), &format!("seed {seed}"));
    }
}

#[test]
fn threads_batches_and_restarts_give_the_same_bytes() {
    let bytes = |rows: &[Row]| {
        let mut bytes = Vec::new();
        rows.iter().for_each(|row| encode_row(row, &mut bytes));
        bytes
    };
    let said = world::arrive(events(7, 220), 9, 3 * DAY);
    // Few Ticks: long runs of messages, which several threads share.
    let log = log(&said, 12 * DAY);
    let (engine, rows) = world::run(&log, 1);
    for threads in [2, 4] {
        let (other, told) = world::run(&log, threads);
        assert_eq!(bytes(&rows), bytes(&told), "{threads} threads");
        assert!(engine.digest() == other.digest(), "{threads} threads");
    }
    let mut effects = Effects::default();
    let mut restarted = Engine::new(world::settings(1));
    for part in log.chunks(97) {
        world::apply(&mut restarted, part, &mut effects, &log);
        let snapshot = restarted.snapshot();
        restarted = Engine::restore(&snapshot, world::settings(1)).expect("its own snapshot");
        assert!(restarted.snapshot() == snapshot, "the same bytes again");
    }
    assert_eq!(bytes(&rows), bytes(&world::rows(effects)));
    assert!(engine.digest() == restarted.digest(), "restarts");
}

#[test]
fn figures_computed_again_are_what_they_were() {
    let said = world::arrive(events(3, 25), 5, 2 * DAY);
    let plain = log(&said, 6 * HOUR);
    let (_, rows) = world::run(&plain, 1);
    let expected = finals(&rows);
    for indicator in ["open_1d", "ontime_1mo", "received_1d"] {
        let mut records: Vec<Record> = plain.iter().map(|logged| logged.record.clone()).collect();
        let place = records.len() - 3;
        let at = records[place].at();
        records.insert(
            place,
            Record::Restate(Box::new(Restate {
                at,
                indicator: IndicatorId::new(indicator),
                from: EventTime(START - 90 * DAY),
                to: EventTime(START + 90 * DAY),
                reason: "law".to_owned(),
                author: "test".to_owned(),
                computed_to: Offset(place as u64),
                rows_digest: [0; 32],
            })),
        );
        let (_, restated) = world::run(&numbered(records), 1);
        same(&expected, &finals(&restated), indicator);
    }
}

#[test]
fn a_pruned_run_gives_the_rows_of_a_full_one() {
    let said = world::arrive(events(2, 25), 5, 2 * DAY);
    let log = log(&said, 6 * HOUR);
    let (_, rows) = world::run(&log, 1);
    let text = profile();
    let known = nhip_profile::load(&text.files).expect("the test profile");
    for indicator in ["open_1d", "rated_1mo"] {
        let wanted = IndicatorId::new(indicator);
        let sub_plan = SubPlan::new([wanted.clone()], [&known]);
        let mut engine = Engine::pruned(world::settings(1), sub_plan);
        let mut effects = Effects::default();
        world::apply(&mut engine, &log, &mut effects, &log);
        let full: Vec<&Row> = rows.iter().filter(|row| row.key.indicator == wanted).collect();
        let pruned = world::rows(effects);
        assert!(full.len() == pruned.len() && full.iter().zip(&pruned).all(|(left, right)| **left == *right));
    }
}

/// What the profile does not declare is sealed at the door: neither state nor rows ever hold it.
#[test]
fn who_reported_is_in_no_figure_and_no_snapshot() {
    let mut said = events(4, 10);
    for said in &mut said {
        let Ok(items) = &mut said.body else { continue };
        let mut name = world::state("x", "Nguyễn Văn A");
        (name.name, name.event_time, name.identity) =
            (ItemName::Undeclared(9), items[0].event_time, items[0].identity);
        items.push(name);
        // Not even under the name of the thing: a number is no sentence.
        items.push(Item { name: ItemName::Text("rating".to_owned()), ..items[items.len() - 1].clone() });
    }
    let (engine, rows) = world::run(&log(&said, DAY), 1);
    let mut bytes = engine.snapshot();
    rows.iter().for_each(|row| encode_row(row, &mut bytes));
    let secret = "Nguyễn Văn A".as_bytes();
    assert!(!bytes.windows(secret.len()).any(|part| part == secret), "a name got out");
}
