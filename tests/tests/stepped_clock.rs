//! The clock flags and the ways a start is refused: what an operator meets before anything runs.

use std::path::Path;
use std::process::{Command, Output};

use nhip_proto::{ArrivalTime, MILLISECOND, SECOND};
use nhip_tests::{Node, NodeOptions, SteppedNode, binary, metric, post, until};
use serde_json::Value;

/// Any time: these tests never look at the real one.
const START: ArrivalTime = ArrivalTime(1_900_000_000 * SECOND);
const START_TEXT: &str = "2030-03-17T17:46:40Z";
/// Clock seconds in one real second.
const SPEED: f64 = 500.0;

#[test]
fn only_a_stepped_clock_moves_when_told_and_never_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut stepped = SteppedNode::start(proof(&directory.path().join("stepped")), START).expect("a node");
    assert_eq!(now_ms(&stepped.node), START.0 / MILLISECOND);
    stepped.step_to(START.plus(90 * SECOND));
    assert_eq!(now_ms(&stepped.node), START.plus(90 * SECOND).0 / MILLISECOND);
    let (status, body) = step(&stepped.node, r#"{"step_ms":-1}"#);
    assert_eq!(status, 422, "a step back is refused: {body}");
    for malformed in
        ["", "{}", r#"{"step_ms":"1"}"#, r#"{"step_ms":1,"more":2}"#, r#"{"step_ms":9223372036854775807}"#]
    {
        assert_eq!(step(&stepped.node, malformed).0, 400, "{malformed}");
    }
    assert_eq!(now_ms(&stepped.node), START.plus(90 * SECOND).0 / MILLISECOND, "nothing refused moved it");
    let system = Node::start(&proof(&directory.path().join("system"))).expect("a node");
    assert_eq!(step(&system, r#"{"step_ms":1000}"#).0, 404, "the system's clock runs by itself");
    let scaled = proof(&directory.path().join("scaled")).set("--speed", "2");
    let scaled = Node::start(&scaled).expect("a node");
    assert_eq!(step(&scaled, r#"{"step_ms":1000}"#).0, 404, "so does a scaled one");
    let ports = [stepped.node.http.port(), system.http.port(), scaled.http.port()];
    assert!(ports.iter().all(|port| *port != 0), "port 0 became a real one: {ports:?}");
    assert!(ports[0] != ports[1] && ports[1] != ports[2] && ports[0] != ports[2], "each its own: {ports:?}");
}

#[test]
fn a_simulated_log_is_refused_without_its_flags() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let mut stepped = SteppedNode::start(proof(&data), START).expect("a node");
    assert!(stepped.node.stop().success());
    let said = refused(&proof(&data));
    assert!(said.contains("simulated") && said.contains("--speed"), "it says what to do: {said}");
    let real = directory.path().join("real");
    let mut node = Node::start(&proof(&real)).expect("a node");
    assert!(node.stop().success());
    let said = refused(&proof(&real).set("--speed", "0"));
    assert!(said.contains("simulated"), "nor does a real log become simulated: {said}");
}

#[test]
fn a_stepped_clock_resumes_where_the_log_ends() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut stepped = SteppedNode::start(proof(&directory.path().join("data")), START).expect("a node");
    let end = START.plus(3_600 * SECOND);
    stepped.step_to(end);
    stepped.restart();
    assert_eq!(now_ms(&stepped.node), end.0 / MILLISECOND, "not at --clock again");
}

#[test]
fn a_scaled_clock_resumes_at_the_last_logged_arrival() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let options = proof(&data).set("--speed", &SPEED.to_string()).set("--clock", START_TEXT);
    for _ in 0..2 {
        let mut node = Node::start(&options).expect("a node");
        until("some Ticks", std::time::Duration::from_secs(30), || {
            metric(node.http, "nhip_ingest_ticks_total").is_some_and(|ticks| ticks > 5.0)
        });
        assert!(node.stop().success(), "{}", node.said());
    }
    let records = records(&data);
    let at = |record: &Value| record["at_ns"].as_i64().expect("a time");
    assert!(records.windows(2).all(|pair| at(&pair[0]) <= at(&pair[1])), "time never goes back in the log");
    let gap = records.iter().position(|record| record["kind"] == "gap").expect("the downtime is in the log");
    let (last, resumed) = (at(&records[gap - 1]), at(&records[gap]));
    assert!(last > START.0 + SECOND, "the first run moved on");
    // Between reading the log's end and writing the Gap the clock already runs; a downtime at this speed would not fit.
    let allowed = (SPEED * SECOND as f64) as i64;
    assert!((0..allowed).contains(&(resumed - last)), "resumed {} s later", (resumed - last) / SECOND);
}

#[test]
fn serving_other_machines_must_be_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let said = refused(&proof(&directory.path().join("data")).set("--http", "0.0.0.0:0"));
    assert!(said.contains("--open"), "it says how to allow it: {said}");
    let opened = proof(&directory.path().join("data")).set("--http", "0.0.0.0:0").flag("--open");
    let node = Node::start(&opened).expect("allowed when asked for");
    assert_ne!(node.http.port(), 0);
}

#[test]
fn a_mistaken_configuration_is_exit_code_2_with_its_place() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("nhip.toml");
    let cases = [
        ("node = \"n\"\ntreads = 2\n", "treads"),
        ("node = \"n\"\nthreads = \"two\"\n", "line 2"),
        ("node = \"n\"\n[[subscriber]]\nname = \"b\"\nhots = \"x\"\n", "line"),
        ("node = \"n\"\nthreads = \n", "line 2"),
    ];
    for (text, expected) in cases {
        std::fs::write(&config, text).expect("a configuration");
        let options = proof(&directory.path().join("data")).set("--config", &config.to_string_lossy());
        let said = refused(&options);
        assert!(
            said.contains("nhip.toml") && said.contains("line") && said.contains(expected),
            "{text}: {said}"
        );
    }
    let inside = directory.path().join("data/keys");
    let options = proof(&directory.path().join("data")).set("--keys", &inside.to_string_lossy());
    assert!(refused(&options).contains("keys"), "keys are kept apart from the log");
    for (flag, value) in
        [("--speed", "-1"), ("--speed", "NaN"), ("--clock", "tomorrow"), ("--http", "nowhere")]
    {
        refused(&proof(&directory.path().join("data")).set(flag, value));
    }
}

#[test]
fn profile_mistakes_are_told_all_at_once_and_stop_a_node() {
    let directory = tempfile::tempdir().expect("a directory");
    let profile = directory.path().join("profile");
    std::fs::create_dir(&profile).expect("a directory");
    let proof_profile = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles/proof");
    for entry in std::fs::read_dir(proof_profile).expect("the profile") {
        let path = entry.expect("an entry").path();
        std::fs::copy(&path, profile.join(path.file_name().expect("a name"))).expect("copied");
    }
    let spoil = |file: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(profile.join(file)).expect("text");
        assert!(text.contains(from), "{file} has {from}");
        std::fs::write(profile.join(file), text.replacen(from, to, 1)).expect("spoiled");
    };
    spoil("streams.toml", "cadence = \"1s\"", "cadence = \"soon\"");
    spoil("streams.toml", "staleness", "stalenes");
    spoil("profile.toml", "zone = \"", "zone = \"Mars/");
    let output = Command::new(binary()).arg("check").arg(&profile).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = text(&output);
    let line = |file: &str, key: &str| {
        let at = said.lines().find(|line| line.contains(&format!("{file}:")) && line.contains(key));
        let line = at.unwrap_or_else(|| panic!("{file} {key}: {said}"));
        let place = line.split(&format!("{file}:")).nth(1).and_then(|rest| rest.split(':').next());
        assert!(place.is_some_and(|number| number.trim().parse::<u32>().is_ok()), "file:line in {line}");
    };
    line("streams.toml", "cadence");
    line("streams.toml", "stalenes");
    line("profile.toml", "zone");
    let options =
        NodeOptions::run(&directory.path().join("data")).set("--profile", &profile.to_string_lossy());
    let refusal = refused(&options);
    assert!(
        refusal.contains("streams.toml:") && refusal.contains("profile.toml:"),
        "a node says the same: {refusal}"
    );
    let output =
        Command::new(binary()).args(["check", "profiles/none-such"]).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(2), "an absent profile is a wrong argument");
}

fn proof(data: &Path) -> NodeOptions {
    NodeOptions::run(data).set("--profile", "profiles/proof")
}

fn step(node: &Node, body: &str) -> (u16, String) {
    post(node.http, "/clock", "application/json", body.as_bytes()).expect("an answer")
}

fn now_ms(node: &Node) -> i64 {
    let (status, body) = step(node, r#"{"step_ms":0}"#);
    assert_eq!(status, 200, "{body}");
    let answer: Value = serde_json::from_str(&body).expect("JSON");
    answer["now_ms"].as_i64().expect("a time")
}

/// What a start that must end with exit code 2 said.
#[track_caller]
fn refused(options: &NodeOptions) -> String {
    let said = Node::start(options).expect_err("this start must be refused");
    assert!(said.contains("exit status: 2"), "{said}");
    said
}

fn records(data: &Path) -> Vec<Value> {
    let output = Command::new(binary())
        .args(["log", "records", "--count", "100000", "--data"])
        .arg(data)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", text(&output));
    let lines = String::from_utf8_lossy(&output.stdout);
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect()
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}
