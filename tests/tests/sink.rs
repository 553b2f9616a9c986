//! The sink on the real program and a real server of the InfluxDB 2 write call: what the server holds is what the rows
//! say, whoever is stopped or killed in between.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nhip_adapters::SystemClock;
use nhip_proto::{ArrivalTime, SECOND};
use nhip_tests::{
    MqttWire, NodeOptions, Relay, Series, SeriesServer, SteppedNode, binary, metric, skipped, until,
    with_sink,
};
use serde_json::Value;

/// The server takes what is at most two days ahead of its clock, so the story plays some days ago.
const DAYS_AGO: i64 = 5;
/// Seconds of data between two steps of the clock.
const STRETCH_S: i64 = 120;
const TOLD_MAX: Duration = Duration::from_secs(120);

#[test]
fn the_server_holds_what_the_rows_say_through_stops_and_kills() {
    let test = "the_server_holds_what_the_rows_say_through_stops_and_kills";
    let Some(program) = with_sink() else { return skipped(test, "nhip-influx is not built") };
    let directory = tempfile::tempdir().expect("a directory");
    let Some(mut server) = SeriesServer::victoria_metrics(directory.path()) else {
        return skipped(test, "victoria-metrics is not installed");
    };
    let relay = Relay::to(server.address);
    let data = directory.path().join("data");
    let mut options = NodeOptions::run(&data)
        .set("--profile", "profiles/proof")
        .set("--config", &configuration(directory.path(), &relay));
    options.program = Some(program);
    let now = SystemClock::system();
    let start = ArrivalTime((now.0 - DAYS_AGO * 86_400 * SECOND) / (60 * SECOND) * 60 * SECOND);
    let mut story = Story { stepped: SteppedNode::start(options, start).expect("a node"), sequence: 0 };

    story.stretch(0);
    story.stretch(0);
    until_told(&story);
    server.down();
    story.stretch(0);
    until("the sink notices", TOLD_MAX, || failures(&story) > 0.0);
    // Behind what is final already: revisions of what the server holds.
    story.stretch(2 * STRETCH_S);
    story.stepped.kill_and_start();
    story.stretch(0);
    let http = story.stepped.node.http;
    until("the lag is seen", TOLD_MAX, || {
        metric(http, "nhip_sink_lag_records").is_some_and(|lag| lag > 900.0)
    });
    server.up();
    story.stretch(STRETCH_S);
    story.stepped.kill_and_start();
    story.stretch(0);
    // A stop leaves every row on the disk; what comes after it is told from the position on.
    story.stepped.restart();
    until_told(&story);
    assert!(story.stepped.node.stop().success(), "{}", story.stepped.node.said());

    let rows = rows(&data);
    compare(&rows, &server.export());
    let asked: BTreeSet<String> = relay.request_lines().into_iter().collect();
    let want = "POST /api/v2/write?bucket=figures&org=tinh&precision=ns HTTP/1.1".to_owned();
    assert_eq!(asked, BTreeSet::from([want]), "one call, one bucket");
}

#[test]
fn a_program_built_without_it_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("nhip.toml");
    let text = "[sink.influx]\nurl = \"http://127.0.0.1:1\"\norg = \"o\"\nbucket = \"b\"\n";
    std::fs::write(&config, text).expect("a configuration");
    let output = Command::new(binary())
        .args(["run", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--config"])
        .arg(&config)
        .arg("--data")
        .arg(directory.path().join("data"))
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--features influx"), "it says how to get it: {said}");
}

struct Story {
    stepped: SteppedNode,
    sequence: u64,
}

impl Story {
    /// The clock moves on, then four sources send a message for each second it moved, so many seconds late, and one
    /// of them for the present.
    fn stretch(&mut self, late_s: i64) {
        let end = self.stepped.now().plus(STRETCH_S * SECOND);
        self.stepped.step_to(end);
        let mut messages = Vec::new();
        for second in 1..=STRETCH_S {
            for source in 0..4 {
                self.sequence += 1;
                let at = (end.0 / SECOND - second - late_s) * 1_000;
                let topic = format!("nhip/v1/proof/load/load-000{source}");
                let payload = format!(
                    r#"{{"time":{at},"sequence":{},"boot":1,"values":{{"value":{}}}}}"#,
                    self.sequence,
                    self.sequence % 97
                );
                messages.push((topic, payload));
            }
        }
        let address = self.stepped.node.mqtt.expect("an endpoint");
        let mut wire = MqttWire::connect(address, "story").expect("a connection");
        let sent = messages.iter().map(|(topic, payload)| (topic.as_str(), payload.as_bytes()));
        wire.publish_all(sent).expect("acknowledged");
        self.stepped.settle();
        self.stepped.step_to(end.plus(60 * SECOND));
    }
}

fn configuration(directory: &Path, relay: &Relay) -> String {
    let (file, token) = (directory.join("nhip.toml"), directory.join("token"));
    std::fs::write(&token, "secret\n").expect("a token");
    let text = format!(
        "[sink.influx]\nurl = \"http://{}\"\norg = \"tinh\"\nbucket = \"figures\"\ntoken_file = \"{}\"\n\
         interval_s = 1\nbatch_rows = 40\n",
        relay.address,
        token.display()
    );
    std::fs::write(&file, text).expect("a configuration");
    file.to_string_lossy().into_owned()
}

fn failures(story: &Story) -> f64 {
    metric(story.stepped.node.http, "nhip_sink_failures_total{reason=\"connection\"}").unwrap_or(0.0)
}

fn until_told(story: &Story) {
    let http = story.stepped.node.http;
    until("everything is told", TOLD_MAX, || metric(http, "nhip_sink_lag_records") == Some(0.0));
}

/// Every revision of every row, from the stopped node.
fn rows(data: &Path) -> Vec<Value> {
    let output = Command::new(binary())
        .args(["log", "rows", "--all", "--data"])
        .arg(data)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8_lossy(&output.stdout);
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect()
}

/// Indicator, area, period, origin and time in milliseconds.
type Figure = (String, String, String, String, i64);
/// What is known under a field's name for a figure.
type Held = BTreeMap<(Figure, String), BTreeSet<String>>;

/// The server keeps every write of a moment beside the others: among them must be the newest revision, whole, and
/// nothing that no row says.
fn compare(rows: &[Value], series: &[Series]) {
    let held = held(series);
    let (mut newest, mut said): (BTreeMap<Figure, &Value>, Held) = Default::default();
    for row in rows {
        newest.insert(figure_of_row(row), row);
        for (field, value) in fields(row) {
            said.entry((figure_of_row(row), field)).or_default().insert(value);
        }
    }
    let revised = newest.values().filter(|row| row["revision"].as_u64() > Some(0)).count();
    assert!(newest.len() > 500 && revised > 50, "{} figures, {revised} revised", newest.len());
    for (place, values) in &held {
        let known = said.get(place).unwrap_or_else(|| panic!("{place:?} is in no row"));
        assert!(values.is_subset(known), "{place:?}: the server holds {values:?}, the rows say {known:?}");
    }
    for (figure, row) in newest {
        for (field, value) in fields(row) {
            let values = held.get(&(figure.clone(), field.clone()));
            assert!(
                values.is_some_and(|values| values.contains(&value)),
                "{figure:?} {field}: {value} is missing"
            );
        }
        let revisions = &held[&(figure.clone(), "revision".to_owned())];
        let greatest = revisions.iter().filter_map(|revision| revision.parse::<u64>().ok()).max();
        assert_eq!(greatest, row["revision"].as_u64(), "{figure:?}: the newest revision stands");
    }
}

fn held(series: &[Series]) -> Held {
    let mut held = Held::new();
    for one in series {
        let field = one.name.strip_prefix("figure_").unwrap_or_else(|| panic!("{}", one.name));
        // Words are fields too; this server keeps numbers only.
        if ["state", "level", "cause", "definition"].contains(&field) {
            continue;
        }
        let label = |name: &str| one.labels[name].as_str().unwrap_or_default().to_owned();
        for (at_ms, value) in &one.samples {
            let figure = (label("indicator"), label("area"), label("period"), label("origin"), *at_ms);
            held.entry((figure, field.to_owned())).or_default().insert(value.to_string());
        }
    }
    held
}

fn figure_of_row(row: &Value) -> Figure {
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let at_ms = row["window_start_ns"].as_i64().expect("a time") / 1_000_000;
    (text("indicator"), text("area"), text("period"), text("origin"), at_ms)
}

/// What must stand for a row, as numbers of a database.
fn fields(row: &Value) -> Vec<(String, String)> {
    let number = |value: &Value| match value {
        Value::String(text) => text.parse::<f64>().expect("a number"),
        other => other.as_f64().expect("a number"),
    };
    let mut fields: Vec<(String, f64)> = ["numerator", "denominator", "k", "m", "revision", "known_offset"]
        .iter()
        .map(|name| ((*name).to_owned(), number(&row[*name])))
        .collect();
    let has_value = !row["value"].is_null();
    fields.push(("has_value".to_owned(), f64::from(u8::from(has_value))));
    if has_value {
        fields.push(("value".to_owned(), number(&row["value"])));
    }
    for (field, source) in [("window_end_ms", "window_end_ns"), ("known_at_ms", "known_at_ns")] {
        let nanoseconds = row[source].as_i64().expect("a time");
        fields.push((field.to_owned(), (nanoseconds / 1_000_000) as f64));
    }
    fields.into_iter().map(|(field, value)| (field, value.to_string())).collect()
}
