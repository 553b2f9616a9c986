//! What was read or computed wrongly is mended from the log: the real program, a profile edited while it runs,
//! stored messages read again, figures computed again; kill -9 in between; `nhip replay` agrees byte for byte.

use std::path::Path;
use std::time::Duration;

use nhip_proto::{ArrivalTime, MINUTE, SECOND};
use nhip_tests::{AIR_START, AirNode, air_reading, air_time, air_topic, get_json, nhip, until};
use serde_json::{Value, json};

const HOUR: i64 = 60 * MINUTE;

/// A node on a profile of its own, with one indicator and one foreign route.
struct Mended(AirNode);

impl Mended {
    fn start(directory: &Path, change: impl Fn(&str) -> String) -> Self {
        Self(AirNode::start(directory, change, &[]))
    }

    fn edit(&self, change: impl Fn(&str) -> String) {
        self.0.edit(change);
    }

    /// The vendor's messages every ten minutes of some hours, through its own topic.
    fn publish(&mut self, hours: std::ops::Range<i64>, payload: impl Fn(ArrivalTime, i64) -> String) {
        for hour in hours {
            let mut client = self.0.connect();
            for step in 0..6 {
                let at = AIR_START.plus(hour * HOUR + step * 10 * MINUTE);
                self.0.stepped.step_to(at.plus(SECOND));
                let payload = payload(at, 10 * (hour + 1) + step);
                client.publish_all([(air_topic("a").as_str(), payload.as_bytes())]).expect("acknowledged");
                self.0.stepped.settle();
            }
        }
    }

    #[track_caller]
    fn done(&self, path: &str, body: &Value) -> Value {
        self.0.done(path, body)
    }

    fn pass(&mut self, span: i64) {
        let now = self.0.stepped.now();
        self.0.stepped.step_to(ArrivalTime((now.0 + span).div_euclid(SECOND) * SECOND));
    }

    /// The last revision of every hour of the commune: start in hours, value, revision, state.
    fn hours(&mut self) -> Vec<(i64, Option<String>, u64, String)> {
        assert!(self.0.stepped.node.stop().success(), "{}", self.0.stepped.node.said());
        let rows = nhip(&["log", "rows", "--data", &self.0.data.to_string_lossy()]);
        let mut hours: Vec<(i64, Option<String>, u64, String)> = rows
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
            .filter(|row| row["area"] == "A")
            .map(|row| {
                let start = row["window_start_ns"].as_i64().expect("a time");
                let value = row["value"].as_str().map(str::to_owned);
                let revision = row["revision"].as_u64().expect("a number");
                (
                    (start - AIR_START.0) / HOUR,
                    value,
                    revision,
                    row["state"].as_str().unwrap_or("").to_owned(),
                )
            })
            .collect();
        hours.sort();
        hours
    }

    /// The node's own rows and snapshots against the log, in several batchings, threads and restarts.
    fn replays(&self) {
        let data = self.0.data.to_string_lossy();
        let plain = nhip(&["replay", "--data", &data]);
        for (seed, threads) in [("1", "1"), ("2", "2"), ("3", "4")] {
            let again = nhip(&["replay", "--data", &data, "--seed", seed, "--threads", threads]);
            assert_eq!(again.lines().last(), plain.lines().last(), "seed {seed}, {threads} threads");
        }
    }
}

fn overnight(at: ArrivalTime, value: i64) -> String {
    json!({ "at": air_time(at), "measure": [{ "k": "pm25", "v": value }] }).to_string()
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
    mended.publish(0..4, air_reading);
    mended.pass(3 * HOUR);
    assert_eq!(counts(&mended)["applied"], 0, "nothing could be read");
    mended.edit(str::to_owned);
    let applied = mended.done("/api/v1/profile", &Value::Null);
    assert!(applied["offset"].is_u64(), "{applied}");
    let order = json!({ "source": "air-a", "reason": "wrong path", "author": "test" });
    let report = mended.done("/api/v1/redecode", &order);
    assert_eq!(report["redecoded"], 24, "{report}");
    // Killed between the Redecode records and the next snapshot.
    mended.0.stepped.kill_and_start();
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
    mended.publish(0..4, air_reading);
    mended.pass(2 * HOUR);
    mended.edit(str::to_owned);
    mended.done("/api/v1/profile", &Value::Null);
    mended.publish(6..7, air_reading);
    let order = json!({
        "indicator": "env.pm25_1h", "from": hour_text(0), "to": hour_text(4), "reason": "µg, not mg", "author": "test",
    });
    let dry = mended.done("/api/v1/restatements?dry_run=true", &order);
    assert_eq!((&dry["changed"], &dry["offset"]), (&json!(8), &Value::Null), "{dry}");
    let report = mended.done("/api/v1/restatements", &order);
    assert_eq!(report["rows_digest"], dry["rows_digest"], "what was shown is what was written");
    let offset = report["offset"].as_u64().expect("an offset");
    mended.0.stepped.kill_and_start();
    mended.pass(3 * HOUR);
    let list = get_json(mended.0.stepped.node.http, "/api/v1/restatements");
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
    mended.publish(0..2, air_reading);
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
    let (status, answer) = mended.0.order("/api/v1/profile", &Value::Null);
    assert_eq!(status, 422, "{answer}");
    assert!(answer["mistakes"].as_array().is_some_and(|all| all.len() >= 2), "{answer}");
    mended.edit(|text| text.replace("Hourly fine dust", "Fine dust by the hour"));
    mended.0.stepped.node.signal(rustix::process::Signal::HUP);
    until("SIGHUP makes the profile valid", Duration::from_secs(30), || {
        get_json(mended.0.stepped.node.http, "/api/v1/indicators")
            .to_string()
            .contains("Fine dust by the hour")
    });
}

fn hour_text(hour: i64) -> String {
    air_time(AIR_START.plus(hour * HOUR))
}

fn counts(mended: &Mended) -> Value {
    let ledger = get_json(mended.0.stepped.node.http, "/api/v1/ledger");
    let rows = ledger["items"].as_array().expect("rows");
    rows.iter().find(|row| row["source"] == "air-a").cloned().unwrap_or(Value::Null)
}
