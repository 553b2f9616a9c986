//! Sealed parts go by key when their retention is over: the real program, its clock stepped over it; what could be read
//! before cannot be read after, not even with an older copy of the keys; figures and replays do not change.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nhip_proto::{ArrivalTime, MINUTE, SECOND};
use nhip_tests::{
    AIR_PROFILE, AIR_START, MqttWire, NodeOptions, SteppedNode, binary, get_json, metric, post, until,
    write_air_profile,
};
use serde_json::{Value, json};

/// The end of the UTC day of the start, 17:00 in it.
const DAY_END: ArrivalTime = ArrivalTime(AIR_START.0 + 7 * 60 * MINUTE);
const DAY: i64 = 24 * 60 * MINUTE;
const KEY: &str = "air/2030-03-17";
const UNDER: &str = "stream air: sealed_days = 30; QĐ 7";
/// How long the keeper may take to see a Tick (a loaded test machine).
const SEEN_MAX: Duration = Duration::from_secs(60);

/// Of the profile of `tests/profiles/air`.
const RETENTION: &str = "
[[retention]]
stream = \"air\"
sealed_days = 30
document = \"QĐ 7\"
";

struct Kept {
    stepped: SteppedNode,
    data: PathBuf,
    keys: PathBuf,
}

impl Kept {
    fn start(directory: &Path) -> Self {
        let (data, keys) = (directory.join("data"), directory.join("data-keys"));
        let profile = write_air_profile(directory, &format!("{AIR_PROFILE}{RETENTION}"), &[]);
        let options = NodeOptions::run(&data).set("--profile", &profile.to_string_lossy());
        Self { stepped: SteppedNode::start(options, AIR_START).expect("a node"), data, keys }
    }

    /// A reading of these minutes after the start.
    fn publish(&mut self, minute: i64) {
        let mqtt = self.stepped.node.mqtt.expect("an endpoint");
        let mut client = MqttWire::connect(mqtt, "station").expect("connects");
        let time = jiff::Timestamp::from_second(AIR_START.plus(minute * MINUTE).0 / SECOND).expect("a time");
        let payload = json!({ "time": time.to_string(), "values": { "pm25": 10 + minute } }).to_string();
        client.publish_all([("nhip/v1/dust/air/air-a", payload.as_bytes())]).expect("acknowledged");
        self.stepped.settle();
    }

    /// What reading the stream's messages again comes to; it opens their sealed parts.
    fn redecode(&self) -> Value {
        let body = json!({ "stream": "air", "reason": "can it be opened", "author": "test" }).to_string();
        let http = self.stepped.node.http;
        let (status, answer) =
            post(http, "/api/v1/redecode", "application/json", body.as_bytes()).expect("an answer");
        assert_eq!(status, 200, "{answer}");
        self.stepped.settle();
        serde_json::from_str(&answer).expect("JSON")
    }

    fn destroyed(&self) -> f64 {
        metric(self.stepped.node.http, "nhip_keys_destroyed_total").unwrap_or(0.0)
    }
}

#[test]
fn what_is_past_its_retention_can_never_be_read_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = |name: &str| directory.path().join(name);
    let mut kept = Kept::start(directory.path());
    for minute in [0, 10, 20] {
        kept.publish(minute);
    }
    kept.stepped.step_to(AIR_START.plus(120 * MINUTE));
    let source = &get_json(kept.stepped.node.http, "/api/v1/sources")["items"][0];
    assert_eq!(source["retention"]["sealed_days"], 30, "{source}");
    assert_eq!(source["retention"]["basis"], "QĐ 7", "{source}");
    backup(&["backup", "keys", "--data"], &kept.data, &place("copy"));
    let secrets = key_bytes(&place("copy"));
    assert_eq!(secrets.len(), 1, "one class, one day");
    assert_eq!(places_of(&secrets, directory.path()).len(), 2, "in the keys and in their copy");

    kept.stepped.step_to(DAY_END.plus(30 * DAY - SECOND));
    let before = kept.redecode();
    assert_eq!(
        (&before["unchanged"], &before["key_gone"]),
        (&json!(3), &json!(0)),
        "readable to the last second"
    );
    assert_eq!(kept.destroyed(), 0.0);
    backup(&["backup", "--data"], &kept.data, &place("backups"));
    kept.stepped.step_to(DAY_END.plus(30 * DAY));
    until("the key is destroyed", SEEN_MAX, || kept.destroyed() >= 1.0);
    let command = "the destruction is in the log and applied";
    until(command, SEEN_MAX, || kept.redecode()["keys_destroyed"][0]["offset"].is_u64());
    let after = kept.redecode();
    assert_eq!((&after["unchanged"], &after["key_gone"]), (&json!(0), &json!(3)), "{after}");
    let told = &after["keys_destroyed"][0];
    assert_eq!((&told["key"], &told["under"]), (&json!(KEY), &json!(UNDER)), "{after}");
    assert_eq!(told["at"], "2030-04-17T07:00:00+07:00");
    assert_eq!(places_of(&secrets, &kept.data), Vec::<PathBuf>::new());
    assert_eq!(places_of(&secrets, &kept.keys), Vec::<PathBuf>::new());

    an_older_copy_brings_nothing_back(&mut kept, &place("copy"), &secrets);
    figures_do_not_change(&kept, &place("backups"), &place("restored"));
    backup(&["backup", "keys", "--data"], &kept.data, &place("copy"));
    assert_eq!(places_of(&secrets, directory.path()), Vec::<PathBuf>::new(), "the copy follows");
}

/// The keys are lost and their copy, made before, is put in their place.
fn an_older_copy_brings_nothing_back(kept: &mut Kept, copy: &Path, secrets: &[Vec<u8>]) {
    assert!(kept.stepped.node.stop().success(), "{}", kept.stepped.node.said());
    std::fs::remove_dir_all(&kept.keys).expect("removed");
    let copied = Command::new("cp").arg("-a").args([copy, &kept.keys]).status().expect("cp runs");
    assert!(copied.success());
    assert_eq!(places_of(secrets, &kept.keys).len(), 1, "the older copy has the key");
    kept.stepped.kill_and_start();
    assert_eq!(places_of(secrets, &kept.keys), Vec::<PathBuf>::new(), "gone before the node was ready");
    let again = kept.redecode();
    assert_eq!((&again["unchanged"], &again["key_gone"]), (&json!(0), &json!(3)), "{again}");
    assert!(kept.stepped.node.stop().success(), "{}", kept.stepped.node.said());
}

/// The log is whole, says which key went, and gives the bytes it gave before.
fn figures_do_not_change(kept: &Kept, backups: &Path, restored: &Path) {
    let data = kept.data.to_string_lossy().into_owned();
    let verified = nhip(&["log", "verify", "--data", &data]);
    assert!(
        verified
            .contains(&format!("keys destroyed under \"{UNDER}\": 1, last {KEY} on 2030-04-17T00:00:00Z"))
    );
    let records = nhip(&["log", "records", "--count", "100000", "--data", &data]);
    let commands: Vec<Value> = records
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|record: &Value| record["verb"] == "destroy_keys")
        .collect();
    assert_eq!(commands.len(), 1, "{commands:?}");
    assert_eq!(commands[0]["author"], "retention");
    assert!(commands[0]["subject"].as_str().is_some_and(|subject| subject.contains(KEY)), "{commands:?}");

    nhip(&["restore", "--from", &backups.to_string_lossy(), "--to", &restored.to_string_lossy()]);
    let before = nhip(&["replay", "--data", &restored.to_string_lossy()]);
    let end =
        before.split("records ").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("an end");
    let after = nhip(&["replay", "--data", &data, "--until", end]);
    assert_eq!(digests(&before), digests(&after), "{before}\n{after}");
    assert_eq!(digests(&before).len(), 2, "{before}");
    nhip(&["replay", "--data", &data]);
}

/// The words of a replay that are digests.
fn digests(said: &str) -> Vec<&str> {
    let is_digest = |word: &&str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    said.split_whitespace().filter(is_digest).collect()
}

fn backup(words: &[&str], data: &Path, to: &Path) {
    let (data, to) = (data.to_string_lossy(), to.to_string_lossy());
    nhip(&[words, &[&*data, "--to", &*to]].concat());
}

fn nhip(words: &[&str]) -> String {
    let output = Command::new(binary()).args(words).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{words:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// The keys of a directory: 32 bytes behind the first 16 of each file (docs/log-format.md).
fn key_bytes(keys: &Path) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(keys).expect("a directory").map(|entry| entry.expect("an entry").path());
    let files = files.filter(|path| path.extension().is_some_and(|suffix| suffix == "key"));
    files.map(|path| std::fs::read(path).expect("a key")[16..48].to_vec()).collect()
}

/// The files below a directory in which one of these stands.
fn places_of(secrets: &[Vec<u8>], directory: &Path) -> Vec<PathBuf> {
    let mut places = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            places.extend(places_of(secrets, &path));
        } else if let Ok(bytes) = std::fs::read(&path)
            && secrets.iter().any(|secret| bytes.windows(secret.len()).any(|window| window == secret))
        {
            places.push(path);
        }
    }
    places
}
