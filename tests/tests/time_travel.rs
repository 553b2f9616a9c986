//! Time travel on the real program: a day with late readings, a kill, another profile and two Restates is seen again.
//!
//! A client records every frame; then a thousand random moments are asked for: the wall is what the client showed,
//! each settled point what it saw of that window, each other point the last durable row.

#[path = "time_travel/day.rs"]
mod day;
#[path = "time_travel/recorder.rs"]
mod recorder;
#[path = "time_travel/rows.rs"]
mod rows;
#[path = "time_travel/witness.rs"]
mod witness;

use std::collections::BTreeSet;
use std::time::Duration;

use nhip_tests::{AIR_START, AirNode, Node, get, get_json, metric, nhip, rounds, seed, until};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use day::{Day, KILL_AT, RELOAD_AT, RESTATE_AT, STEPS};
use recorder::{Recorder, of_snapshot};
use witness::{Witness, past};

/// Moments asked for.
const MOMENTS: u32 = 1_000;
/// Jumps to and fro after the restart.
const JUMPS: u32 = 15;
/// Times asked for instead of offsets.
const TIMES: u32 = 8;
/// Until the engine has forgotten the day: its horizon is 72 hours.
const FORGOTTEN_DAYS: i64 = 5;

#[test]
fn a_thousand_moments_of_a_day_with_late_data_are_seen_again() {
    let (seed, directory) = (seed("time travel"), tempfile::tempdir().expect("a directory"));
    let more = [("areas-b.csv", day::AREAS), ("sources-b.csv", day::SOURCES), ("more.toml", day::MORE)];
    let mut air = AirNode::start(directory.path(), day::wall, &more);
    let mut witness = live_through(&mut air, seed);
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let (first, last) = witness.span();
    let mut moments = BTreeSet::new();
    let wanted = rounds("NHIP_TIME_TRAVEL_MOMENTS", MOMENTS) as usize;
    while moments.len() < wanted {
        moments.insert(chance.random_range(first..=last));
    }
    // One after the other, as a replay asks for them; the jumps come after the restart.
    let began = std::time::Instant::now();
    for moment in &moments {
        witness.compare(&air, *moment);
    }
    println!("{} in {:?}", witness.said(), began.elapsed());
    witness.assert_enough();

    air.stepped.restart();
    until("the rows are sealed", Duration::from_secs(60), || {
        metric(air.stepped.node.http, "nhip_rows_sealed_total").is_some_and(|rows| rows > 0.0)
    });
    for _ in 0..JUMPS {
        witness.compare(&air, chance.random_range(first..=last));
    }
    times(&air.stepped.node, &mut chance);
    refusals(&air.stepped.node);
    known_today_only_from_files(&mut air, &mut witness, &mut chance);
    gap_of_the_kill(&mut air);
}

/// The day, told to a client and to the witness.
fn live_through(air: &mut AirNode, seed: u64) -> Witness {
    let (mut witness, mut day) = (Witness::default(), Day::new(air, seed));
    let mut recorder = Recorder::start(air.stepped.node.http);
    for step in 1..=STEPS {
        day.step(air, step);
        witness.look(air, &recorder, true);
        if step == KILL_AT {
            day.send_all_but(3);
            air.stepped.kill();
            witness.take(recorder);
            witness.rows.take(&air.data);
            air.stepped.start_again();
            day.reconnect(air);
            recorder = Recorder::start(air.stepped.node.http);
        }
        day.send_all_but(0);
        match step {
            RELOAD_AT => day.reload(air),
            RESTATE_AT => day::restate(air),
            _ => {}
        }
        air.stepped.settle();
        witness.look(air, &recorder, false);
    }
    witness.take(recorder);
    witness.rows.take(&air.data);
    witness
}

/// What is known today of windows that are nowhere but in sealed Parquet files, beside what was known then.
fn known_today_only_from_files(air: &mut AirNode, witness: &mut Witness, chance: &mut ChaCha8Rng) {
    let (first, last) = witness.span();
    air.stepped.step_to(AIR_START.plus(FORGOTTEN_DAYS * 24 * 60 * nhip_proto::MINUTE));
    witness.rows_until_last(air);
    air.stepped.restart();
    let http = air.stepped.node.http;
    until("all rows are sealed", Duration::from_secs(60), || {
        metric(http, "nhip_rows_hot").is_some_and(|rows| rows == 0.0)
    });
    let start = nhip_tests::air_time(AIR_START.plus(60 * nhip_proto::MINUTE));
    let window = format!("/api/v1/explain?indicator=env.pm25_1h&area=P&window={start}");
    assert_eq!(get(http, &window).expect("an answer").0, 404, "the engine has forgotten that window");
    let mut differing = 0;
    for _ in 0..JUMPS {
        differing += witness.compare_with_today(air, chance.random_range(first..=last));
    }
    assert!(differing > 20, "only {differing} rows differ from what is known today");
}

/// The kill is in the log, and `nhip replay` agrees with every row.
fn gap_of_the_kill(air: &mut AirNode) {
    assert!(air.stepped.node.stop().success(), "{}", air.stepped.node.said());
    let data = air.data.to_string_lossy();
    let records = nhip(&["log", "records", "--count", "100000", "--data", &data]);
    let kinds: Vec<Value> =
        records.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect();
    let of = |kind: &str| kinds.iter().filter(|record| record["kind"] == kind).count();
    // The kill and both restarts.
    assert_eq!((of("gap"), of("restate"), of("profile")), (3, 2, 2), "gaps, Restates, profiles");
    let replayed = nhip(&["replay", "--data", &data]);
    assert!(replayed.contains("rows_digest"), "{replayed}");
}

/// A time is the last Tick not after it: never later, never far before, and the same board as at its offset.
fn times(node: &Node, chance: &mut ChaCha8Rng) {
    let now_ms = past(node, &format!("offset:{}", end(node)), "known")["server_ts"].as_i64().expect("a time");
    let mut asked: Vec<i64> = (0..TIMES).map(|_| now_ms - chance.random_range(1_000..30_000_000)).collect();
    asked.sort_unstable();
    let mut before = 0;
    for at_ms in asked {
        let at = jiff::Timestamp::from_millisecond(at_ms).expect("a time");
        let shown = past(node, &at.to_string(), "known");
        let offset = shown["known_offset"].as_u64().expect("an offset");
        assert!(offset >= before, "{at}: offset {offset} after {before}");
        before = offset;
        let same = past(node, &format!("offset:{offset}"), "known");
        assert_eq!(of_snapshot(&shown), of_snapshot(&same), "{at}: offset {offset}");
        let tick_ms = same["server_ts"].as_i64().expect("a time");
        assert!(
            (0..=300_000).contains(&(at_ms - tick_ms)),
            "{at}: the Tick is {} ms before",
            at_ms - tick_ms
        );
        let one_less = past(node, &format!("offset:{}", offset - 1), "known")["server_ts"].as_i64();
        assert!(one_less < Some(tick_ms), "{at}: the last record there is the Tick itself");
    }
}

/// The offset after the last record applied.
fn end(node: &Node) -> u64 {
    metric(node.http, "nhip_analytics_applied_offset").expect("an offset") as u64
}

/// Before the first record, in the future, and no mode.
fn refusals(node: &Node) {
    let status = |as_of: &str| {
        let path = format!("/api/v1/views/main/snapshot?as_of={as_of}");
        get(node.http, &path).expect("an answer").0
    };
    assert_eq!(status("offset:0"), 404);
    assert_eq!(status("1990-01-01T00:00:00Z"), 404);
    assert_eq!(status("2190-01-01T00:00:00Z"), 422);
    assert_eq!(status(&format!("offset:{}", end(node) + 1_000_000)), 422);
    let live = get_json(node.http, "/api/v1/views/main/snapshot");
    assert_eq!(live["as_of"], json!(null), "the present says nothing of a past");
}
