//! A node on a small profile of its own, with segments of 64 KiB that go into the archive as they fill.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use nhip_adapters::LogFiles;
use nhip_proto::{ArrivalTime, MINUTE, Offset, SECOND};
use nhip_tests::{AIR_PROFILE, MqttWire, NodeOptions, SteppedNode, binary, metric, post, write_air_profile};
use serde_json::Value;

pub(crate) use nhip_tests::AIR_START as START;
pub(crate) const HOUR: i64 = 60 * MINUTE;
/// How long sealing and trimming may take on a loaded test machine.
const TRIMMED_MAX: Duration = Duration::from_secs(120);

const AREAS: &str = "code,name,name_en,kind,parent,column,row,population,valid_from,valid_to\n\
    P,Tỉnh,Province,province,,,,,2020-01-01,\nA,Một,One,xa,P,0,0,,2020-01-01,\n\
    B,Hai,Two,xa,P,1,0,,2020-01-01,\n";
const SOURCES: &str = "id,stream,area,name,name_en,owner\nair-a,air,A,Trạm A,Station A,Nhịp\n\
    air-b,air,B,Trạm B,Station B,Nhịp\n";

/// The profile of `tests/profiles/air`, sooner late and sooner forgotten.
fn profile() -> String {
    AIR_PROFILE.replace("lateness = \"3h\"", "lateness = \"1h\"\nhorizon = \"3h\"")
}

/// The node.
pub(crate) struct Past {
    pub(crate) stepped: SteppedNode,
    pub(crate) profile: PathBuf,
    pub(crate) data: PathBuf,
}

impl Past {
    /// `archive`: the lines of its table in the configuration.
    pub(crate) fn start(directory: &Path, archive: &str) -> Self {
        let data = directory.join("data");
        let more = [("areas.csv", AREAS), ("sources.csv", SOURCES)];
        let profile = write_air_profile(directory, &profile(), &more);
        let config = directory.join("nhip.toml");
        let text = format!("snapshot_seconds = 1\n[log]\nsegment_kib = 64\n[archive]\n{archive}");
        std::fs::write(&config, text).expect("written");
        let options = NodeOptions::run(&data)
            .set("--config", &config.to_string_lossy())
            .set("--profile", &profile.to_string_lossy());
        Self { stepped: SteppedNode::start(options, START).expect("a node"), profile, data }
    }

    pub(crate) fn edit(&self, change: impl Fn(&str) -> String) {
        std::fs::write(self.profile.join("profile.toml"), change(&profile())).expect("written");
    }

    /// Both stations every ten minutes of some hours; every seventh message twice, and of every fourth hour station A
    /// says one that belongs to the hour before, seventy-one minutes old: late.
    pub(crate) fn publish(&mut self, hours: std::ops::Range<i64>) {
        let mqtt = self.stepped.node.mqtt.expect("an endpoint");
        for hour in hours {
            let mut client = MqttWire::connect(mqtt, "stations").expect("connects");
            for step in 0..6 {
                let at = START.plus(hour * HOUR + step * 10 * MINUTE);
                self.stepped.step_to(at.plus(SECOND));
                let mut messages = Vec::new();
                for (station, more) in [("a", 0), ("b", 500)] {
                    let late = station == "a" && step == 3 && hour % 4 == 1;
                    let time = if late { at.plus(-71 * MINUTE) } else { at };
                    let message = (topic(station), reading(time, value(hour, step) + more, &"x".repeat(900)));
                    if (hour * 6 + step) % 7 == 0 {
                        messages.push(message.clone());
                    }
                    messages.push(message);
                }
                let all = messages.iter().map(|(topic, payload)| (topic.as_str(), payload.as_bytes()));
                client.publish_all(all).expect("acknowledged");
                self.stepped.settle();
            }
        }
    }

    /// Four hundred times the same message of station B, so that the segments before it fill.
    pub(crate) fn fill(&self) {
        let mqtt = self.stepped.node.mqtt.expect("an endpoint");
        let padded = reading(self.stepped.now(), 1, &"y".repeat(1_000));
        let topic = topic("b");
        let all = std::iter::repeat_n((topic.as_str(), padded.as_bytes()), 400);
        MqttWire::connect(mqtt, "noise")
            .and_then(|mut client| client.publish_all(all))
            .expect("acknowledged");
    }

    /// Lets time pass until so many segments are in the archive alone: each goes behind two snapshots, and a snapshot
    /// is saved only where something was applied.
    pub(crate) fn trimmed(&mut self, segments: f64) {
        let began = Instant::now();
        let trimmed = |http| metric(http, "nhip_log_segments_trimmed_total").unwrap_or(0.0);
        while trimmed(self.stepped.node.http) < segments {
            assert!(began.elapsed() < TRIMMED_MAX, "segments are sealed and trimmed");
            self.pass(SECOND);
        }
    }

    /// The first record that is not in the archive alone.
    pub(crate) fn first_in_segments(&self) -> Offset {
        LogFiles::open_durable(&self.data.join("log")).expect("a log").first()
    }

    pub(crate) fn order(&self, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, text) =
            post(self.stepped.node.http, path, "application/json", body.as_bytes()).expect("an answer");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    #[track_caller]
    pub(crate) fn done(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.order(path, body);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    pub(crate) fn pass(&mut self, span: i64) {
        let now = self.stepped.now();
        self.stepped.step_to(ArrivalTime((now.0 + span).div_euclid(SECOND) * SECOND));
    }

    /// Every row the stopped node wrote, as `nhip log rows --all` tells them.
    pub(crate) fn rows(&mut self) -> Vec<Value> {
        assert!(self.stepped.node.stop().success(), "{}", self.stepped.node.said());
        let said = succeeds(&["log", "rows", "--all", "--data"], &self.data);
        said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

/// What a station says at a step of an hour.
pub(crate) fn value(hour: i64, step: i64) -> i64 {
    10 * (hour + 1) + step
}

fn topic(station: &str) -> String {
    format!("nhip/v1/dust/air/air-{station}")
}

pub(crate) fn reading(at: ArrivalTime, value: i64, remark: &str) -> String {
    let milliseconds = at.0 / 1_000_000;
    format!(r#"{{"time":{milliseconds},"values":{{"pm25":{value}}},"remark":"{remark}"}}"#)
}

pub(crate) fn run(words: &[&str], data: &Path, further: &[&str]) -> Output {
    Command::new(binary()).args(words).arg(data).args(further).output().expect("the program runs")
}

#[track_caller]
pub(crate) fn succeeds(words: &[&str], data: &Path) -> String {
    let output = run(words, data, &[]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{words:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

pub(crate) fn hour_text(hour: i64) -> String {
    jiff::Timestamp::from_second(START.plus(hour * HOUR).0 / SECOND).expect("a time").to_string()
}
