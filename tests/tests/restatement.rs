//! What was read or computed wrongly is mended from the log: the real program, a profile edited while it runs,
//! stored messages read again, figures computed again; kill -9 in between; `nhip replay` agrees byte for byte.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nhip_proto::{ArrivalTime, MINUTE, SECOND};
use nhip_tests::{MqttWire, NodeOptions, SteppedNode, binary, get_json, post, until};
use serde_json::{Value, json};

/// 2030-03-18T00:00:00+07:00.
const START: ArrivalTime = ArrivalTime(1_899_997_200 * SECOND);
const HOUR: i64 = 60 * MINUTE;

const PROFILE: &str = r#"
[profile]
id = "mended"
name = { vi = "Sửa", en = "Mended" }
zone = "Asia/Ho_Chi_Minh"

[[quantity]]
name = "pm25"
label = { vi = "Bụi mịn", en = "Fine dust" }
unit = "ug/m3"
scale = 1
min = 0
max = 100000

[[stream]]
id = "air"
name = { vi = "Không khí", en = "Air" }
identity = "time"
cadence = "10m"
lateness = "1h"
staleness = "30m"

[stream.quantities]
pm25 = "ug/m3"

[[route]]
filter = "vendor/+/measures"
stream = "air"
dialect = "json-map"
mapping = "vendor"
source = "air-{1}"

[[mapping]]
id = "vendor"
time = { path = "at" }
values = [{ name = "pm25", path = "values.pm25" }]

[[domain]]
id = "env"
name = { vi = "Môi trường", en = "Environment" }

[[indicator]]
id = "env.pm25_1h"
name = { vi = "Bụi mịn theo giờ", en = "Hourly fine dust" }
domain = "env"
unit = "ug/m3"
scale = 1
owner = "Nhịp"
basis = "test"
stream = "air"
mean = "pm25"
window = "1h"
direction = "worse"
completeness_min = 0.0

[[indicator.test]]
name = "a mean"
story = '''
on 2030-03-18
at 07:00 air air-a pm25=10
at 07:10 air air-a pm25=20
tick 09:10
expect env.pm25_1h P 07:00 = 15 final
'''

[[view]]
id = "main"
title = { vi = "Không khí", en = "Air" }
map = "env.pm25_1h"
tiles = ["env.pm25_1h"]
"#;

const AREAS: &str = "code,name,name_en,kind,parent,column,row,population,valid_from,valid_to\n\
    P,Tỉnh,Province,province,,,,,2020-01-01,\nA,Một,One,xa,P,0,0,,2020-01-01,\n";
const SOURCES: &str = "id,stream,area,name,name_en,owner\nair-a,air,A,Trạm A,Station A,Nhịp\n";

/// A node on a profile of its own, with one indicator and one foreign route.
struct Mended {
    stepped: SteppedNode,
    profile: PathBuf,
    data: PathBuf,
}

impl Mended {
    fn start(directory: &Path, change: impl Fn(&str) -> String) -> Self {
        let (profile, data) = (directory.join("profile"), directory.join("data"));
        std::fs::create_dir_all(&profile).expect("a directory");
        std::fs::write(profile.join("areas.csv"), AREAS).expect("written");
        std::fs::write(profile.join("sources.csv"), SOURCES).expect("written");
        std::fs::write(profile.join("profile.toml"), change(PROFILE)).expect("written");
        let options = NodeOptions::run(&data).set("--profile", &profile.to_string_lossy());
        Self { stepped: SteppedNode::start(options, START).expect("a node"), profile, data }
    }

    fn edit(&self, change: impl Fn(&str) -> String) {
        std::fs::write(self.profile.join("profile.toml"), change(PROFILE)).expect("written");
    }

    /// The vendor's messages every ten minutes of some hours, through its own topic.
    fn publish(&mut self, hours: std::ops::Range<i64>, payload: impl Fn(&str, i64) -> String) {
        let mqtt = self.stepped.node.mqtt.expect("an endpoint");
        for hour in hours {
            let mut client = MqttWire::connect(mqtt, "vendor").expect("connects");
            for step in 0..6 {
                let at = START.plus(hour * HOUR + step * 10 * MINUTE);
                self.stepped.step_to(at.plus(SECOND));
                let time = jiff::Timestamp::from_second(at.0 / SECOND).expect("a time").to_string();
                let payload = payload(&time, 10 * (hour + 1) + step);
                client.publish_all([("vendor/a/measures", payload.as_bytes())]).expect("acknowledged");
                self.stepped.settle();
            }
        }
    }

    fn order(&self, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, text) =
            post(self.stepped.node.http, path, "application/json", body.as_bytes()).expect("an answer");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    #[track_caller]
    fn done(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.order(path, body);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    fn pass(&mut self, span: i64) {
        let now = self.stepped.now();
        self.stepped.step_to(ArrivalTime((now.0 + span).div_euclid(SECOND) * SECOND));
    }

    /// The last revision of every hour of the commune: start in hours, value, revision, state.
    fn hours(&mut self) -> Vec<(i64, Option<String>, u64, String)> {
        assert!(self.stepped.node.stop().success(), "{}", self.stepped.node.said());
        let rows = nhip(&["log", "rows", "--data"], &self.data);
        let mut hours: Vec<(i64, Option<String>, u64, String)> = rows
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
            .filter(|row| row["area"] == "A")
            .map(|row| {
                let start = row["window_start_ns"].as_i64().expect("a time");
                let value = row["value"].as_str().map(str::to_owned);
                let revision = row["revision"].as_u64().expect("a number");
                ((start - START.0) / HOUR, value, revision, row["state"].as_str().unwrap_or("").to_owned())
            })
            .collect();
        hours.sort();
        hours
    }

    /// The node's own rows and snapshots against the log, in several batchings, threads and restarts.
    fn replays(&self) {
        let plain = nhip(&["replay", "--data"], &self.data);
        for (seed, threads) in [("1", "1"), ("2", "2"), ("3", "4")] {
            let again = nhip_with(&["replay", "--data"], &self.data, &["--seed", seed, "--threads", threads]);
            assert_eq!(again.lines().last(), plain.lines().last(), "seed {seed}, {threads} threads");
        }
    }
}

fn nhip(words: &[&str], data: &Path) -> String {
    nhip_with(words, data, &[])
}

fn nhip_with(words: &[&str], data: &Path, further: &[&str]) -> String {
    let output = Command::new(binary()).args(words).arg(data).args(further).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn good(time: &str, value: i64) -> String {
    json!({ "at": time, "values": { "pm25": value } }).to_string()
}

fn overnight(time: &str, value: i64) -> String {
    json!({ "at": time, "measure": [{ "k": "pm25", "v": value }] }).to_string()
}

/// What hour `hour` must be: the mean of 10(h+1) … 10(h+1)+5.
fn mean(hour: i64) -> Option<String> {
    Some(format!("{}.5", 10 * (hour + 1) + 2))
}

#[test]
fn a_mapping_wrong_for_some_hours_is_mended_by_redecode_even_through_kill_9() {
    let directory = tempfile::tempdir().expect("a directory");
    let wrong = |text: &str| text.replace("values.pm25", "values.pm10");
    let mut mended = Mended::start(directory.path(), wrong);
    mended.publish(0..4, good);
    mended.pass(3 * HOUR);
    assert_eq!(counts(&mended)["applied"], 0, "nothing could be read");
    mended.edit(str::to_owned);
    let applied = mended.done("/api/v1/profile", &Value::Null);
    assert!(applied["offset"].is_u64(), "{applied}");
    let order = json!({ "source": "air-a", "reason": "wrong path", "author": "test" });
    let report = mended.done("/api/v1/redecode", &order);
    assert_eq!(report["redecoded"], 24, "{report}");
    // Killed between the Redecode records and the next snapshot.
    mended.stepped.kill_and_start();
    mended.pass(MINUTE);
    let counts = counts(&mended);
    assert_eq!(counts["applied"], 24, "{counts}");
    assert_eq!(counts["balances"], true, "{counts}");
    let again = mended.done("/api/v1/redecode", &order);
    assert_eq!((&again["redecoded"], &again["unchanged"]), (&json!(0), &json!(24)), "{again}");
    let hours = mended.hours();
    for hour in 0..4 {
        let found = hours.iter().find(|(start, ..)| *start == hour).expect("the hour has a row");
        assert_eq!(found.1, mean(hour), "{hours:?}");
    }
    mended.replays();
}

#[test]
fn a_unit_wrong_for_some_hours_is_mended_by_an_edited_profile_and_a_restate() {
    let directory = tempfile::tempdir().expect("a directory");
    let wrong = |text: &str| text.replace("pm25 = \"ug/m3\"", "pm25 = \"mg/m3\"");
    let mut mended = Mended::start(directory.path(), wrong);
    mended.publish(0..4, good);
    mended.pass(2 * HOUR);
    mended.edit(str::to_owned);
    mended.done("/api/v1/profile", &Value::Null);
    mended.publish(6..7, good);
    let order = json!({
        "indicator": "env.pm25_1h", "from": hour_text(0), "to": hour_text(4), "reason": "µg, not mg", "author": "test",
    });
    let dry = mended.done("/api/v1/restatements?dry_run=true", &order);
    assert_eq!((&dry["changed"], &dry["offset"]), (&json!(8), &Value::Null), "{dry}");
    let report = mended.done("/api/v1/restatements", &order);
    assert_eq!(report["rows_digest"], dry["rows_digest"], "what was shown is what was written");
    let offset = report["offset"].as_u64().expect("an offset");
    mended.stepped.kill_and_start();
    mended.pass(3 * HOUR);
    let list = get_json(mended.stepped.node.http, "/api/v1/restatements");
    let told: Vec<&Value> = list["items"].as_array().expect("a list").iter().collect();
    assert_eq!(told.len(), 8, "{list}");
    for entry in told {
        assert_eq!(
            (&entry["cause"], &entry["cause_offset"]),
            (&json!("restated"), &json!(offset)),
            "{entry}"
        );
        assert_eq!(entry["known_offset"], offset, "known at its own record");
    }
    let hours = mended.hours();
    for hour in 0..4 {
        let found = hours.iter().find(|(start, ..)| *start == hour).expect("the hour has a row");
        assert_eq!((&found.1, found.3.as_str()), (&mean(hour), "revised"), "{hours:?}");
    }
    mended.replays();
}

#[test]
fn a_source_that_changes_its_payload_overnight_comes_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut mended = Mended::start(directory.path(), str::to_owned);
    mended.publish(0..2, good);
    mended.publish(2..4, overnight);
    assert_eq!(counts(&mended)["applied"], 12, "the new payload says nothing to the old mapping");
    mended.edit(|text| text.replace("values.pm25", "measure[k=pm25].v"));
    mended.done("/api/v1/profile", &Value::Null);
    let order = json!({ "source": "air-a", "from": hour_text(2), "reason": "new payload", "author": "test" });
    let report = mended.done("/api/v1/redecode", &order);
    assert_eq!(report["redecoded"], 12, "{report}");
    mended.publish(4..5, overnight);
    mended.pass(3 * HOUR);
    let hours = mended.hours();
    for hour in 0..5 {
        let found = hours.iter().find(|(start, ..)| *start == hour).expect("the hour has a row");
        assert_eq!(found.1, mean(hour), "{hours:?}");
    }
    mended.replays();
}

#[test]
fn a_profile_with_mistakes_changes_nothing_and_lists_them() {
    let directory = tempfile::tempdir().expect("a directory");
    let mended = Mended::start(directory.path(), str::to_owned);
    mended.edit(|text| {
        text.replace("unit = \"ug/m3\"", "unit = \"parsec\"").replace("window = \"1h\"", "window = \"1x\"")
    });
    let (status, answer) = mended.order("/api/v1/profile", &Value::Null);
    assert_eq!(status, 422, "{answer}");
    assert!(answer["mistakes"].as_array().is_some_and(|all| all.len() >= 2), "{answer}");
    mended.edit(|text| text.replace("Hourly fine dust", "Fine dust by the hour"));
    mended.stepped.node.signal(rustix::process::Signal::HUP);
    until("SIGHUP makes the profile valid", Duration::from_secs(30), || {
        get_json(mended.stepped.node.http, "/api/v1/indicators").to_string().contains("Fine dust by the hour")
    });
}

fn hour_text(hour: i64) -> String {
    jiff::Timestamp::from_second(START.plus(hour * HOUR).0 / SECOND).expect("a time").to_string()
}

fn counts(mended: &Mended) -> Value {
    let ledger = get_json(mended.stepped.node.http, "/api/v1/ledger");
    let rows = ledger["items"].as_array().expect("rows");
    rows.iter().find(|row| row["source"] == "air-a").cloned().unwrap_or(Value::Null)
}
