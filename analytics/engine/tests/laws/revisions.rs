//! Messages read again and figures computed again, in random places of a log: what must hold all the same.

use std::collections::BTreeMap;

use nhip_engine::{Effects, Engine};
use nhip_proto::{
    ArrivalTime, EventTime, IndicatorId, Logged, MINUTE, MessageBody, Offset, Record, Redecode, Rejection,
    RejectionReason, Restate, Row, RowCause, RowState, SECOND, SourceId, StreamId,
};

use crate::pieces;
use crate::world::{self, Dice, HOUR, START};

const EACH: usize = 4;
const SPAN: i64 = 2 * HOUR;
const SEEDS: std::ops::Range<u64> = 1..4;

/// What must not depend on how it came about.
type Final = (i128, i128, Option<i128>, u32, u32, u32);

fn finals(rows: &[Row]) -> BTreeMap<(String, String, i64), Final> {
    let told = |row: &Row| {
        let key = key(row);
        let value = row.value.map(|value| value.mantissa);
        (key, (row.numerator, row.denominator, value, row.k, row.m, row.level.code()))
    };
    rows.iter().map(told).filter(|(_, row)| row.2.is_some()).collect()
}

fn good_log(seed: u64) -> Vec<Record> {
    let said = world::arrive(world::events(seed, EACH, SPAN), seed ^ 77, 20 * MINUTE);
    let said = world::with_rubbish(world::with_duplicates(said, seed), seed);
    world::log(EACH, &said, 30 * SECOND, 3 * HOUR).into_iter().map(|logged| logged.record).collect()
}

fn numbered(records: Vec<Record>) -> Vec<Logged> {
    (0..).zip(records).map(|(offset, record)| Logged { offset: Offset(offset), record }).collect()
}

/// The same log where some messages were read wrongly at first and are read again later, some of them twice.
fn mended_log(seed: u64) -> (Vec<Logged>, usize) {
    let mut dice = Dice::new(seed ^ 0x5eed);
    let mut records = good_log(seed);
    let mut waiting: Vec<(usize, Redecode)> = Vec::new();
    for (offset, record) in records.iter_mut().enumerate() {
        let Record::Message(message) = record else { continue };
        if !dice.one_in(6) {
            continue;
        }
        let right = match &message.body {
            MessageBody::Items(items) => Ok(items.clone()),
            MessageBody::Rejected(rejection) => Err(rejection.clone()),
        };
        let mut wrong = match (&right, dice.one_in(2)) {
            (Ok(items), true) => MessageBody::Items(items.clone()),
            _ => {
                let rejection =
                    Rejection { reason: RejectionReason::FieldInvalid, field: String::new(), place: 0 };
                MessageBody::Rejected(rejection)
            }
        };
        if let MessageBody::Items(items) = &mut wrong {
            items.iter_mut().for_each(|item| {
                item.event_time = item.event_time.map(|time| time.plus(-3 * MINUTE));
                item.sequence = item.sequence.map(|sequence| sequence + 1);
            });
            items.push(world::number("pm25", 7, 0));
        }
        let redecode = |body| Redecode {
            at: ArrivalTime(0),
            original: Offset(offset as u64),
            profile_hash: [0; 16],
            dialect: "native-json@1".to_owned(),
            body,
            source: SourceId::new(""),
            stream: StreamId::new(""),
        };
        if dice.one_in(5) {
            waiting.push((offset + 1 + dice.below(40) as usize, redecode(Ok(Vec::new()))));
        }
        waiting.push((offset + 50 + dice.below(2_000) as usize, redecode(right)));
        message.body = wrong;
    }
    let redecodes = waiting.len();
    // Behind everything else, so that the offsets of the originals stay: three bursts and single ones.
    let mut bursts: BTreeMap<usize, Vec<Redecode>> = BTreeMap::new();
    let mut earliest: BTreeMap<Offset, usize> = BTreeMap::new();
    for (at, redecode) in waiting {
        let at = if dice.one_in(60) { at } else { at.div_ceil(1_500) * 1_500 };
        // What is read last counts: the right reading never stands before another of the same message.
        let before = earliest.get(&redecode.original).copied().unwrap_or(0);
        let at = at.min(records.len()).max(before);
        earliest.insert(redecode.original, at);
        bursts.entry(at).or_default().push(redecode);
    }
    insert(&mut records, bursts);
    (numbered(records), redecodes)
}

/// Puts Redecode records into a log; originals move with those before them.
fn insert(records: &mut Vec<Record>, bursts: BTreeMap<usize, Vec<Redecode>>) {
    let mut moved: Vec<u64> = Vec::new();
    let mut all = Vec::new();
    let mut bursts = bursts.into_iter().peekable();
    let old = std::mem::take(records);
    let last = old.len();
    for (at, record) in old.into_iter().map(Some).chain([None]).enumerate() {
        while let Some((_, burst)) = bursts.next_if(|(place, _)| *place <= at || at == last) {
            for mut redecode in burst {
                redecode.original = Offset(moved[redecode.original.0 as usize]);
                redecode.at = all.last().map_or(ArrivalTime(START), Record::at);
                all.push(Record::Redecode(Box::new(redecode)));
            }
        }
        moved.push(all.len() as u64);
        all.extend(record);
    }
    // The log ends with time passing, so that what was read again is written.
    let at = all.last().map_or(ArrivalTime(START), Record::at);
    for minute in 1..=3 {
        all.push(Record::Tick(nhip_proto::Tick { at: at.plus(minute * MINUTE) }));
    }
    *records = all;
}

#[test]
fn read_again_is_as_if_read_so_at_once() {
    for seed in SEEDS {
        let (right, wanted) = world::run(&numbered(good_log(seed)), 1);
        let (log, redecodes) = mended_log(seed);
        assert!(redecodes > 50, "seed {seed}: only {redecodes} messages are read again");
        let (engine, rows) = world::run(&log, 1);
        let (found, wanted) = (finals(&rows[..]), finals(&wanted));
        let newest: BTreeMap<_, _> = newest(&rows);
        for (key, wanted) in &wanted {
            assert_eq!(found.get(key), Some(wanted), "seed {seed} {key:?}");
        }
        for (key, row) in newest.iter().filter(|(_, row)| row.value.is_some()) {
            assert!(wanted.contains_key(key), "seed {seed} {key:?}: {row:?}");
        }
        let mut superseded = 0;
        for (row, right) in engine.ledger().iter().zip(right.ledger()) {
            assert!(row.counts.balances(), "seed {seed} {}: {:?}", row.source, row.counts);
            let (counts, right) = (&row.counts, &right.counts);
            assert_eq!(
                (counts.received, counts.decoded, counts.rejected, counts.applied, counts.late),
                (right.received, right.decoded, right.rejected, right.applied, right.late),
                "seed {seed} {}",
                row.source
            );
            superseded += counts.superseded;
        }
        assert!(superseded > 0, "seed {seed}: some items were superseded");
        assert!(rows.iter().any(|row| row.cause == RowCause::Redecoded), "seed {seed}");
    }
}

fn newest(rows: &[Row]) -> BTreeMap<(String, String, i64), &Row> {
    rows.iter().map(|row| (key(row), row)).collect()
}

/// Indicator, area and group, window start.
fn key(row: &Row) -> (String, String, i64) {
    let place = format!("{}@{}", row.key.area, row.key.group);
    (row.key.indicator.to_string(), place, row.key.window_start.0)
}

/// The mended log with Restate records in random places, their digests as a preview gives them.
fn restated_log(seed: u64) -> Vec<Logged> {
    let (log, _) = mended_log(seed);
    let mut dice = Dice::new(seed ^ 0x7e57);
    let mut places: Vec<u64> = (0..4).map(|_| dice.below(log.len() as i64).unsigned_abs()).collect();
    places.sort_unstable();
    let mut whole: Vec<Logged> = log.clone();
    for place in places.into_iter().rev() {
        // Behind all Redecode records of the rest, so that no original moves.
        let last = whole.iter().rposition(|logged| matches!(logged.record, Record::Redecode(_)));
        let place = (place as usize).max(last.map_or(0, |last| last + 1)).min(whole.len() - 3);
        let mut engine = Engine::new(world::settings(1));
        world::apply(&mut engine, &whole[..place], &mut Effects::default(), &whole);
        let indicator =
            IndicatorId::new(["env.pm25_10m", "traffic.online_10m", "env.temp_last"][dice.below(3) as usize]);
        let from = EventTime(START + dice.below(SPAN));
        let to = from.plus(HOUR);
        let Some(mut preview) = engine.preview(&indicator, (from, to)) else { panic!("no {indicator}") };
        while let Some(from) = preview.wants() {
            preview.feed(&whole[from.0 as usize..]);
        }
        let foreseen = engine.foresee(&preview);
        let restate = Restate {
            at: whole[place].record.at(),
            indicator,
            from,
            to,
            reason: "law".to_owned(),
            author: "test".to_owned(),
            computed_to: foreseen.computed_to,
            rows_digest: foreseen.rows_digest,
        };
        let mut records: Vec<Record> = whole.into_iter().map(|logged| logged.record).collect();
        records.insert(place, Record::Restate(Box::new(restate)));
        whole = numbered(records);
    }
    whole
}

#[test]
fn revisions_in_random_places_give_the_same_bytes_however_the_log_is_cut() {
    for seed in SEEDS.take(1) {
        let log = restated_log(seed);
        let (whole, wanted) = world::run(&log, 1);
        assert_eq!(whole.revisions().unverified, 0, "seed {seed}: every digest is found again");
        let mut dice = Dice::new(seed);
        let mut engine = Engine::new(world::settings(2));
        let mut effects = Effects::default();
        let mut rest = log.as_slice();
        while !rest.is_empty() {
            let (batch, others) = rest.split_at(rest.len().min(1 + dice.below(300) as usize));
            world::apply(&mut engine, batch, &mut effects, &log);
            rest = others;
            if dice.one_in(3) {
                drop(engine.update());
            }
            if dice.one_in(5) {
                let bytes = engine.snapshot();
                let board = engine.board();
                engine = Engine::restore(&bytes, world::settings(2)).expect("its own snapshot");
                assert_eq!(engine.snapshot(), bytes, "seed {seed}: a snapshot comes back as it was");
                assert_eq!(engine.board(), board, "seed {seed}: and shows the same board");
            }
        }
        assert!(effects.rows.is_sorted_by_key(|(known, _)| *known), "seed {seed}: groups of rows in order");
        assert_eq!(pieces::bytes(&world::rows(effects)), pieces::bytes(&wanted), "seed {seed}");
        assert_eq!(engine.digest(), whole.digest(), "seed {seed}");
        assert_eq!(engine.restatements(1_000), whole.restatements(1_000), "seed {seed}");
        let mut last: BTreeMap<_, u32> = BTreeMap::new();
        for row in &wanted {
            let before = last.insert(row.key.clone(), row.revision);
            assert_eq!(row.revision, before.map_or(0, |before| before + 1), "seed {seed} {}", row.key);
        }
        for row in engine.ledger() {
            assert!(row.counts.balances(), "seed {seed} {}: {:?}", row.source, row.counts);
        }
        let settled = |row: &&Row| row.state == RowState::Revised;
        let told = engine.restatements(1_000);
        assert!(wanted.iter().filter(settled).count() >= told.len(), "seed {seed}");
        assert!(told.iter().any(|told| told.cause == RowCause::Redecoded), "seed {seed}");
    }
}
