//! P2 end to end: real recordings through a real broker; every final figure equals the oracle's, whatever the order,
//! the redeliveries and the rubbish on the way, and for every number of engine threads.

#![expect(clippy::print_stdout, reason = "a fault test tells what it met")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nhip_demo::{Disturbance, Planned, PublishConfig, Recordings, disorder_max, disturb, publish};
use nhip_ports::Clock;
use nhip_ports::memory::SteppedClock;
use nhip_proto::{ArrivalTime, MINUTE, Span};
use nhip_tests::{
    Mosquitto, Node, NodeOptions, Oracle, binary, metric, post, seed, shared_data, skipped, until,
};
use tokio_util::sync::CancellationToken;

const HOUR: Span = 60 * MINUTE;
/// How much of the recordings' end is played.
const PLAYED: Span = 6 * 24 * HOUR;
/// The clock moves in steps of this length; each waits until the step's messages are in the log.
const STEP: Span = 6 * HOUR;
/// The recordings end here: a Sunday midnight in the profile's zone, long after any of them was made.
const END: &str = "2026-11-22T00:00:00+07:00";

const VARIANTS: &[(&str, Disturbance)] = &[
    ("in order", Disturbance { shuffle: 0, duplicates_permille: 0, rubbish_permille: 0 }),
    (
        "shuffled within lateness",
        Disturbance { shuffle: 40 * MINUTE, duplicates_permille: 0, rubbish_permille: 0 },
    ),
    (
        "a tenth twice, a hundredth rubbish",
        Disturbance { shuffle: 20 * MINUTE, duplicates_permille: 100, rubbish_permille: 10 },
    ),
];

#[test]
fn final_figures_equal_the_oracle() {
    let test = "final_figures_equal_the_oracle";
    let Some(data) = shared_data() else { return skipped(test, "../shared is absent") };
    let Some(oracle) = Oracle::find() else { return skipped(test, "no oracle: run cargo xtask test") };
    let plan = plan(&data);
    println!("{} messages", plan.len());
    for (number, (name, disturbance)) in VARIANTS.iter().enumerate() {
        let directory = tempfile::tempdir().expect("a directory");
        let Some(broker) = Mosquitto::start(directory.path()) else {
            return skipped(test, "mosquitto is not installed");
        };
        let disturbed = disturb(plan.clone(), seed(name), *disturbance);
        assert!(disorder_max(&disturbed) < HOUR, "{name}: the disturbance makes nothing late");
        play(directory.path(), broker.address, disturbed);
        compare(&oracle, directory.path(), name);
        let threads = ["1", "2", "4"][number % 3];
        replay(&directory.path().join("data"), threads);
    }
}

fn profile_files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles/recordings");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the profile")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (name(&path), std::fs::read_to_string(&path).expect("text")))
        .collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn plan(data: &Path) -> Vec<Planned> {
    let profile = nhip_profile::load(&profile_files()).expect("the profile has no mistakes");
    let recordings = Recordings::read(data, &Arc::new(profile)).expect("the recordings can be read");
    let since = end().plus(-PLAYED);
    let plan = recordings.plan_since(end(), Some(since));
    assert!(plan.len() > 10_000, "the recordings hold messages");
    plan
}

fn end() -> ArrivalTime {
    let time: jiff::Timestamp = END.parse().expect("a time");
    ArrivalTime(i64::try_from(time.as_nanosecond()).expect("in range"))
}

/// Publishes to the broker while clock and node step together, then lets every window close and stops the node.
fn play(directory: &Path, broker: SocketAddr, plan: Vec<Planned>) {
    let start = end().plus(-PLAYED - HOUR);
    let mut node = Node::start(&options(directory, broker, start)).expect("a node");
    until("the node is subscribed", Duration::from_secs(20), || {
        metric(node.http, "nhip_ingest_ticks_total").is_some_and(|ticks| ticks > 0.0) && subscribed(node.http)
    });
    let clock = Arc::new(SteppedClock::new(start));
    let times: Vec<ArrivalTime> = plan.iter().map(|message| message.at).collect();
    let config = PublishConfig {
        server: broker,
        login: None,
        client: "recordings".to_owned(),
        inflight_max: 200,
        journal: Some(directory.join("journal.jsonl")),
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let publisher = runtime.spawn(publish(config, plan, clock.clone(), CancellationToken::new()));
    while clock.now() < end().plus(HOUR) {
        step(node.http, STEP);
        clock.step(STEP).expect("a step forward");
        let due = times.iter().filter(|at| **at <= clock.now()).count() as f64;
        until("the step's messages are in the log", Duration::from_secs(120), || {
            metric(node.http, "nhip_ingest_messages_total").unwrap_or(0.0) >= due
        });
    }
    let counts = runtime.block_on(publisher).expect("the publisher ends").expect("and wrote its journal");
    println!("{counts:?}");
    for _ in 0..4 {
        step(node.http, 12 * HOUR);
        wait_for_tick(node.http);
    }
    assert!(node.stop().success(), "{}", node.said());
}

fn subscribed(http: SocketAddr) -> bool {
    nhip_tests::get(http, "/readyz").is_ok_and(|(_, body)| {
        let answer: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        let links = answer["links"].as_array().cloned().unwrap_or_default();
        links.iter().any(|link| link["name"] == "broker" && link["up"] == true)
    })
}

fn options(directory: &Path, broker: SocketAddr, start: ArrivalTime) -> NodeOptions {
    let config = directory.join("nhip.toml");
    let text = format!(
        "[[subscriber]]\nname = \"broker\"\nhost = \"127.0.0.1\"\nport = {}\nclient_id = \"nhip-test\"\n\
         filters = [\"nhip/v1/#\"]\n",
        broker.port()
    );
    std::fs::write(&config, text).expect("a configuration");
    let start = jiff::Timestamp::from_nanosecond(i128::from(start.0)).expect("in range").to_string();
    NodeOptions::run(&directory.join("data"))
        .set("--config", &config.to_string_lossy())
        .set("--profile", "profiles/recordings")
        .set("--speed", "0")
        .set("--clock", &start)
}

fn step(http: SocketAddr, span: Span) {
    let body = format!("{{\"step_ms\":{}}}", span / nhip_proto::MILLISECOND);
    let (status, answer) = post(http, "/clock", "application/json", body.as_bytes()).expect("an answer");
    assert_eq!(status, 200, "{answer}");
}

/// A stepped clock ticks after each step; the next step must not come before it.
fn wait_for_tick(http: SocketAddr) {
    let ticks = |http| metric(http, "nhip_ingest_ticks_total").unwrap_or(0.0);
    let before = ticks(http);
    until("the clock's step becomes a Tick", Duration::from_secs(10), || ticks(http) > before);
}

fn compare(oracle: &Oracle, directory: &Path, name: &str) {
    let rows = Command::new(binary())
        .args(["log", "rows", "--data"])
        .arg(directory.join("data"))
        .output()
        .expect("the program runs");
    assert!(rows.status.success(), "{}", String::from_utf8_lossy(&rows.stderr));
    let (actual, expected) = (directory.join("actual.jsonl"), directory.join("expected.jsonl"));
    std::fs::write(&actual, &rows.stdout).expect("rows");
    let profile: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles/recordings");
    oracle
        .run(
            "oracle.py",
            &[
                Path::new("--profile"),
                &profile,
                Path::new("--journal"),
                &directory.join("journal.jsonl"),
                Path::new("--out"),
                &expected,
            ],
        )
        .unwrap_or_else(|said| panic!("{name}: {said}"));
    let said =
        oracle.run("compare.py", &[&expected, &actual]).unwrap_or_else(|said| panic!("{name}: {said}"));
    println!("{name}: {said}");
}

/// The same log with other threads gives the rows the node wrote.
fn replay(data: &Path, threads: &str) {
    let output = Command::new(binary())
        .args(["replay", "--threads", threads, "--data"])
        .arg(data)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{threads} threads: {}", String::from_utf8_lossy(&output.stderr));
}
