//! Thirty simulated days through the real log, archive and service, with restarts and a trim in the middle: a replay
//! is the node byte for byte, and a recompute of the whole month is what was said live, but where something came too
//! late.

#[path = "month/days.rs"]
mod days;
#[path = "month/host.rs"]
mod host;

use std::collections::{BTreeMap, BTreeSet};

use nhip_engine::{Effects, Engine, EngineSettings};
use nhip_proto::{
    ArrivalTime, EventTime, IndicatorId, Logged, MINUTE, Offset, Origin, Record, Row, RowState, Tick,
    encode_row,
};
use nhip_tests::seed;

use days::{DAY, HOUR, Month, START};
use host::Host;

/// Indicator and its twin, which is defined the same and valid only from the month's end on.
const TWINS: [(&str, &str); 2] = [("env.pm25_1h", "re.pm25_1h"), ("env.index_1h", "re.index_1h")];

type Key = (String, String, i64);
/// Value, numerator, denominator, k, m.
type Said = (Option<i128>, i128, i128, u32, u32);

#[test]
fn thirty_days_are_replayed_byte_for_byte_and_recomputed_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let month = Month::new(seed("month"));
    let mut host = Host::new(directory.path());
    let third = month.records.len() / 3;
    host.live(&month.records[..third]);
    host.live(&month.records[third..2 * third]);
    assert!(host.archive_and_trim() > 5_000, "the first days are in the archive alone");
    host.live(&month.records[2 * third..]);
    let live = host.rows();

    let (replayed, state) = replay(&host);
    assert_eq!(live.len(), replayed.len(), "as many rows");
    for (live, replayed) in live.iter().zip(&replayed) {
        assert_eq!(bytes(live), bytes(replayed), "live {live:?}\nreplayed {replayed:?}");
    }
    let newest = host.newest_state();
    assert_eq!(checksum(&newest), checksum(&state));
    assert!(newest == state, "the same state");
    months_facts(&month, &live);

    // The same definitions under other names, over the whole month.
    let end = month.records.last().map_or(ArrivalTime(START), Record::at);
    host.live(&[month.profile_with_twins(end), Record::Tick(Tick { at: end.plus(MINUTE) })]);
    let before = host.rows().len();
    for (_, twin) in TWINS {
        let range = (EventTime(START - DAY), EventTime(end.0));
        host.restate(&IndicatorId::new(twin), range, end.plus(MINUTE));
    }
    host.live(&[Record::Tick(Tick { at: end.plus(2 * MINUTE) })]);
    let recomputed = finals(&host.rows()[before..]);
    for (live_id, twin) in TWINS {
        same_but_for_late(&month, &finals(&live), &recomputed, (live_id, twin), end.0);
    }
}

/// Every window of an indicator that nothing late belongs to says the same; those of which something came late are the
/// only others.
fn same_but_for_late(
    month: &Month,
    live: &BTreeMap<Key, Said>,
    recomputed: &BTreeMap<Key, Said>,
    (live_id, twin): (&str, &str),
    end: i64,
) {
    let (mut same, mut other) = (0, 0);
    // The newest windows of the live ones may still be open.
    let closed = |key: &&Key| key.0 == live_id && key.2 < end - 2 * DAY;
    for key in live.keys().filter(closed) {
        let now = recomputed.get(&(twin.to_owned(), key.1.clone(), key.2));
        if month.is_late(&key.1, key.2, reach(live_id)) {
            other += 1;
        } else {
            assert_eq!(now, live.get(key), "{key:?}");
            same += 1;
        }
    }
    let twins = recomputed.keys().filter(|key| key.0 == twin && key.2 < end - 2 * DAY).count();
    assert!(twins >= same + other, "{twin}: {twins} windows, live {same} + {other}");
    assert!(same > 100 && other > 0, "{live_id}: {same} the same, {other} with late readings");
}

/// How long after a late reading's hour a window can follow from it, and how long before.
fn reach(id: &str) -> (i64, i64) {
    match id {
        "env.pm25_1h" => (HOUR, 0),
        _ => (12 * HOUR, 0),
    }
}

/// The month holds what it must hold to prove anything.
fn months_facts(month: &Month, rows: &[Row]) {
    assert!(rows.iter().filter(|row| row.state == RowState::Revised).count() > 100, "revisions");
    let first = rows.iter().map(|row| row.key.window_start.0).min().unwrap_or(0);
    let last = rows.iter().map(|row| row.key.window_start.0).max().unwrap_or(0);
    assert!(last - first >= 28 * DAY, "the windows of a month");
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.key.indicator.as_str()).collect();
    assert!(ids.len() >= 4, "{ids:?}");
    assert!(month.duplicates > 500 && month.late_count() > 100, "duplicates and late readings");
    // The means against sums made by the generator, which knows nothing of engines.
    let said = finals(rows);
    for (key, (sum, count)) in &month.sums {
        let wanted = (*sum, *count);
        let found = said.get(&("env.pm25_1h".to_owned(), key.0.clone(), key.1));
        assert_eq!(found.map(|found| (found.1, found.2)), Some(wanted), "{key:?}");
    }
}

fn finals(rows: &[Row]) -> BTreeMap<Key, Said> {
    let told = |row: &Row| {
        let place = if row.key.group.is_empty() {
            row.key.area.to_string()
        } else {
            format!("{}@{}", row.key.area, row.key.group)
        };
        let value = row.value.map(|value| value.mantissa);
        let key = (row.key.indicator.to_string(), place, row.key.window_start.0);
        (key, (value, row.numerator, row.denominator, row.k, row.m))
    };
    rows.iter().map(told).collect()
}

/// One engine over the whole log, in the order of the row store.
fn replay(host: &Host) -> (Vec<Row>, Vec<u8>) {
    let mut engine = Engine::new(EngineSettings { threads: 1, origin: Origin::Simulated });
    let mut effects = Effects::default();
    let (mut at, end) = (Offset(0), host.end());
    while at < end {
        let batch: Vec<Logged> = host.read(at);
        engine
            .apply_with::<nhip_engine::EngineError>(&batch, &mut effects, |from| Ok(host.read(from)))
            .expect("a log");
        at = engine.applied();
    }
    let mut rows = Vec::new();
    for (_, mut tick) in effects.rows {
        tick.sort_by(|left, right| left.key.cmp(&right.key));
        rows.extend(tick);
    }
    (rows, engine.snapshot())
}

fn bytes(row: &Row) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_row(row, &mut bytes);
    bytes
}

/// A snapshot's own checksum, for a short message where states differ.
fn checksum(bytes: &[u8]) -> String {
    let end = bytes.len().saturating_sub(32);
    bytes[end..].iter().map(|byte| format!("{byte:02x}")).collect()
}
