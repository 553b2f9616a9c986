//! A run pruned to some indicators gives their rows byte for byte, whatever else is in the log; and what a Restate
//! computes is what a full engine that never calls anything late would have said.

use std::collections::{BTreeMap, BTreeSet};

use nhip_engine::{Effects, Engine, SubPlan};
use nhip_profile::Profile;
use nhip_proto::{
    EventTime, Gap, GapCause, IndicatorId, ItemName, Level, Logged, MINUTE, MessageBody, Offset, Record,
    Redecode, Restate, Row, SECOND, Session, SessionKind, SourceId, StreamId, encode_row,
};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::laws::with_derived;
use crate::world::{self, Dice, HOUR, START};

const EACH: usize = 4;
const SPAN: i64 = 2 * HOUR;
/// Measured, held over time, derived, grouped, by a calculator.
const RESTATED: [&str; 6] = [
    "env.pm25_10m",
    "traffic.truck_share_1h",
    "d.growth_1h",
    "g.index_1h",
    "traffic.online_10m",
    "d.areas_10m",
];
/// More than any record of these logs is late.
const NEVER_LATE: &str = "lateness = \"999h\"\nhorizon = \"999h\"\ncadence = ";

/// How a random log comes about.
#[derive(Clone, Copy, Debug)]
struct Shape {
    seed: u64,
    delay_minutes: i64,
    tick_seconds: i64,
    /// Another profile in the middle: which change.
    change: u8,
    redecodes: bool,
    restates: u8,
}

fn shapes() -> impl Strategy<Value = Shape> {
    (any::<u64>(), 1..100_i64, prop_oneof![Just(20), Just(60), Just(600)], 0..5_u8, any::<bool>(), 0..3_u8)
        .prop_map(|(seed, delay_minutes, tick_seconds, change, redecodes, restates)| Shape {
            seed,
            delay_minutes,
            tick_seconds,
            change,
            redecodes,
            restates,
        })
}

/// The profile before: one narrow horizon, so that some items are late for one figure and not for another.
fn first_profile(text: &str) -> String {
    with_derived(text).replacen("cadence = ", "horizon = \"45m\"\nlateness = \"40m\"\ncadence = ", 1)
}

fn changed(change: u8, text: &str) -> String {
    let text = first_profile(text);
    match change {
        1 => text.replacen("scale = 2", "scale = 3", 1),
        2 => text.replace("in = [\"online\", \"degraded\"]", "in = [\"online\"]"),
        3 => text.replace("abs(traffic.online_10m - 50[%])", "abs(traffic.online_10m - 40[%])"),
        _ => text.replace("env.pm25_10m * 2", "env.pm25_10m * 3"),
    }
}

fn said(shape: Shape) -> Vec<world::Said> {
    let Shape { seed, delay_minutes, .. } = shape;
    let said = world::arrive(world::events(seed, EACH, SPAN), seed ^ 77, delay_minutes * MINUTE);
    world::with_rubbish(world::with_duplicates(said, seed), seed)
}

/// A log of everything that may come: late, twice, out of order, rubbish, births and deaths, gaps, another profile,
/// messages read again, figures computed again.
fn log(shape: Shape) -> Vec<Logged> {
    let log = world::log(EACH, &said(shape), shape.tick_seconds * SECOND, 4 * HOUR);
    let mut records: Vec<Record> = log.into_iter().map(|logged| logged.record).collect();
    records[0] = Record::Profile(Box::new(world::profile_text(EACH, START, first_profile)));
    let mut dice = Dice::new(shape.seed ^ 0x50b);
    in_sessions(&mut records, &mut dice);
    if shape.change > 0 {
        let place = records.len() / 3 + dice.below(records.len() as i64 / 3) as usize;
        let at = records[place].at();
        let text = world::profile_text(EACH, at.0, |text| changed(shape.change, text));
        records.insert(place, Record::Profile(Box::new(text)));
    }
    let place = 1 + dice.below(records.len() as i64 - 1) as usize;
    let at = records[place].at();
    let gap = Gap { at, cause: GapCause::Downtime, from: at, to: at, principal: String::new(), lost: 0 };
    records.insert(place, Record::Gap(gap));
    if shape.redecodes {
        read_some_again(&mut records, &mut dice);
    }
    for _ in 0..shape.restates {
        restate(&mut records, &mut dice);
    }
    numbered(records)
}

fn numbered(records: Vec<Record>) -> Vec<Logged> {
    (0..).zip(records).map(|(offset, record)| Logged { offset: Offset(offset), record }).collect()
}

/// Cameras and air stations behind one edge node: its births speak for both streams, its deaths end both.
fn in_sessions(records: &mut [Record], dice: &mut Dice) {
    for record in records {
        let Record::Message(message) = record else { continue };
        if !["camera-1", "air-1"].contains(&message.source.as_str()) {
            continue;
        }
        let kind = match dice.below(20) {
            0 => SessionKind::NodeBirth,
            1 => SessionKind::NodeDeath,
            2 => SessionKind::DeviceDeath,
            3 => SessionKind::DeviceBirth,
            _ => SessionKind::DeviceData,
        };
        let birth = matches!(kind, SessionKind::NodeBirth | SessionKind::NodeDeath).then_some(1);
        let sequence = (kind != SessionKind::NodeDeath).then(|| dice.below(3) as u8);
        message.session = Some(Session { kind, sequence, birth, node: "g/n".to_owned() });
        if let MessageBody::Items(items) = &mut message.body {
            for (alias, item) in (0..).zip(items.iter_mut()) {
                match kind {
                    SessionKind::DeviceBirth => item.binds_alias = Some(alias),
                    SessionKind::DeviceData if dice.one_in(2) => item.name = ItemName::Alias(alias),
                    _ => {}
                }
            }
        }
    }
}

/// One burst of Redecode records behind the middle; some under another stream than the message first came by.
fn read_some_again(records: &mut Vec<Record>, dice: &mut Dice) {
    let place = records.len() / 2 + dice.below(records.len() as i64 / 3) as usize;
    let at = records[place].at();
    let mut burst = Vec::new();
    for (offset, record) in records.iter().enumerate().take(place) {
        let Record::Message(message) = record else { continue };
        let MessageBody::Items(items) = &message.body else { continue };
        if !dice.one_in(40) {
            continue;
        }
        let mut items = items.clone();
        items
            .iter_mut()
            .for_each(|item| item.event_time = item.event_time.map(|time| time.plus(-2 * MINUTE)));
        let (source, stream) = match dice.one_in(4) {
            true => ("camera-2", "camera"),
            false => ("", ""),
        };
        burst.push(Record::Redecode(Box::new(Redecode {
            at,
            original: Offset(offset as u64),
            profile_hash: [0; 16],
            dialect: "native-json@1".to_owned(),
            body: Ok(items),
            source: SourceId::new(source),
            stream: StreamId::new(stream),
        })));
    }
    records.splice(place..place, burst);
}

fn restate(records: &mut Vec<Record>, dice: &mut Dice) {
    // Behind all Redecode records, so that no original moves.
    let last =
        records.iter().rposition(|record| matches!(record, Record::Redecode(_))).map_or(1, |last| last + 1);
    let last = last.max(records.len() / 2);
    let place = last + dice.below((records.len() - last) as i64) as usize;
    let all = [
        "env.pm25_10m",
        "traffic.online_10m",
        "d.trucks_1h",
        "g.index_1h",
        "meter.delta_10m",
        "meter.active_hop",
    ];
    let from = START + dice.below(SPAN);
    records.insert(
        place,
        Record::Restate(Box::new(Restate {
            at: records[place].at(),
            indicator: IndicatorId::new(all[dice.below(all.len() as i64) as usize]),
            from: EventTime(from),
            to: EventTime(from + HOUR),
            reason: "law".to_owned(),
            author: "test".to_owned(),
            computed_to: Offset(place as u64),
            rows_digest: [0; 32],
        })),
    );
}

fn profiles(log: &[Logged]) -> Vec<Profile> {
    let texts = log.iter().filter_map(|logged| match &logged.record {
        Record::Profile(text) => Some(nhip_profile::load(&text.files).expect("a profile of the test")),
        _ => None,
    });
    texts.collect()
}

/// Rows with the offset of their group, of some indicators.
fn rows_of(effects: Effects, wanted: &BTreeSet<IndicatorId>) -> Vec<(Offset, Row)> {
    let rows =
        effects.rows.into_iter().flat_map(|(known, rows)| rows.into_iter().map(move |row| (known, row)));
    rows.filter(|(_, row)| wanted.contains(&row.key.indicator)).collect()
}

fn bytes(row: &Row) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_row(row, &mut bytes);
    bytes
}

fn the_same(shape: Shape, mask: u64) -> Result<(), TestCaseError> {
    let log = log(shape);
    let profiles = profiles(&log);
    let all: BTreeSet<IndicatorId> =
        profiles.iter().flat_map(|profile| profile.indicators.keys().cloned()).collect();
    let chosen = |at: usize| mask.rotate_left(at as u32 * 7) & 7 == 0;
    let mut wanted: BTreeSet<IndicatorId> =
        all.iter().enumerate().filter(|(at, _)| chosen(*at)).map(|(_, id)| id.clone()).collect();
    if wanted.is_empty() {
        wanted.extend(all.iter().nth(mask as usize % all.len()).cloned());
    }
    let mut full = Effects::default();
    world::apply(&mut Engine::new(world::settings(1)), &log, &mut full, &log);
    let sub_plan = SubPlan::new(wanted.iter().cloned(), &profiles);
    let mut pruned = Effects::default();
    world::apply(&mut Engine::pruned(world::settings(1), sub_plan), &log, &mut pruned, &log);
    let (full, pruned) = (rows_of(full, &wanted), rows_of(pruned, &wanted));
    prop_assert!(!full.is_empty(), "{wanted:?} have rows");
    for (at, ((known, full), (at_offset, pruned))) in full.iter().zip(&pruned).enumerate() {
        prop_assert_eq!(known, at_offset, "row {} of {:?}", at, &wanted);
        prop_assert_eq!(full, pruned, "row {} of {:?}", at, &wanted);
        prop_assert_eq!(bytes(full), bytes(pruned));
    }
    prop_assert_eq!(full.len(), pruned.len(), "{:?}", &wanted);
    Ok(())
}

/// What a window came to, however it became known.
type Final = (Option<i128>, i128, i128, u32, u32, Level, Vec<Offset>, Vec<SourceId>);

fn finals(rows: &[Row], indicator: &IndicatorId) -> BTreeMap<(String, i64), Final> {
    let of = rows.iter().filter(|row| &row.key.indicator == indicator);
    let told = |row: &Row| {
        let key = (format!("{}@{}", row.key.area, row.key.group), row.key.window_start.0);
        let value = row.value.map(|value| value.mantissa);
        let (samples, sources) = (row.provenance.samples.clone(), row.provenance.sources.clone());
        (key, (value, row.numerator, row.denominator, row.k, row.m, row.level, samples, sources))
    };
    // A window that lost everything has a last row without anything; a log without it has none.
    of.map(told).collect::<BTreeMap<_, _>>().into_iter().filter(|(_, told)| told.3 > 0).collect()
}

/// A log with its profile, and a Restate of everything of one indicator where one is asked for.
fn plain(shape: Shape, never_late: bool, restated: Option<&IndicatorId>) -> Vec<Logged> {
    let log = world::log(EACH, &said(shape), 60 * SECOND, 30 * HOUR);
    let mut records: Vec<Record> = log.into_iter().map(|logged| logged.record).collect();
    let change = |text: &str| {
        let text = with_derived(text);
        if never_late { text.replace("cadence = ", NEVER_LATE) } else { text }
    };
    records[0] = Record::Profile(Box::new(world::profile_text(EACH, START, change)));
    // Before the last three Ticks.
    let place = records.len() - 3;
    if let Some(indicator) = restated {
        records.insert(
            place,
            Record::Restate(Box::new(Restate {
                at: records[place].at(),
                indicator: indicator.clone(),
                from: EventTime(START - 24 * HOUR),
                to: EventTime(START + 48 * HOUR),
                reason: "law".to_owned(),
                author: "test".to_owned(),
                computed_to: Offset(place as u64),
                rows_digest: [0; 32],
            })),
        );
    }
    numbered(records)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 16,
        max_shrink_iters: 8,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_pruned_plan_gives_the_rows_of_the_full_plan(shape in shapes(), mask in any::<u64>()) {
        the_same(shape, mask)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 6,
        max_shrink_iters: 4,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_restate_on_its_sub_plan_says_what_a_full_engine_without_lateness_says(
        seed in any::<u64>(), which in 0..6_usize
    ) {
        let id = IndicatorId::new(RESTATED[which]);
        let shape = Shape { seed, delay_minutes: 150, tick_seconds: 60, change: 0, redecodes: false, restates: 0 };
        let (_, before) = world::run(&plain(shape, false, None), 1);
        let (_, restated) = world::run(&plain(shape, false, Some(&id)), 1);
        let (_, wanted) = world::run(&plain(shape, true, None), 1);
        let (before, restated, wanted) = (finals(&before, &id), finals(&restated, &id), finals(&wanted, &id));
        prop_assert_ne!(&before, &wanted, "some of {} came late", id);
        for (key, wanted) in &wanted {
            prop_assert_eq!(restated.get(key), Some(wanted), "{} {:?}", id, key);
        }
        prop_assert_eq!(restated.len(), wanted.len());
    }
}
