//! `nhip explain --unseal`: only here, only with a reason, and only after the node logged it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;

use nhip_adapters::KeyFiles;
use nhip_ports::{Destruction, KeyStore as _};
use nhip_proto::{ArrivalTime, SECOND};
use nhip_tests::{MqttWire, get, get_json};
use serde_json::Value;

use crate::stage::{self, Past, START, reading, run, succeeds};

/// Stands in no clear part; the marks in front and behind would turn and clear a terminal's line.
const PLATE: &str = "51A-887.60";
const MARKS: [char; 2] = ['\u{202e}', '\u{9b}'];

#[test]
fn a_payload_is_shown_on_the_machine_alone_and_only_after_it_was_logged() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut past = Past::start(directory.path(), "keep_log_segments = 1\npause_seconds = 1\n");
    past.stepped.step_to(START.plus(SECOND));
    let remark = format!("{}2Kxe {PLATE} {}", MARKS[1], MARKS[0]);
    let payload = reading(START, 70, &remark);
    let mqtt = past.stepped.node.mqtt.expect("an endpoint");
    let mut client = MqttWire::connect(mqtt, "station").expect("connects");
    client.publish_all([("nhip/v1/dust/air/air-a", payload.as_bytes())]).expect("acknowledged");
    past.pass(30 * 60 * SECOND);
    past.fill();
    past.trimmed(1.0);

    let http = past.stepped.node.http;
    let explained = get_json(http, "/api/v1/explain?indicator=env.pm25_1h&area=A");
    let sample = &explained["samples"][0];
    let offset = sample["offset"].as_u64().expect("a sample, although its record was trimmed");
    assert!(offset < past.first_in_segments().0, "the record is in the archive alone");
    assert_eq!(sample["items"][0], "pm25=70", "{explained}");
    assert_eq!(sample["topic"], "nhip/v1/dust/air/air-a");
    assert_eq!(sample["payload_hash"].as_str().map(str::len), Some(32));

    refuses_without_reason(http, &past.data);
    let elsewhere = directory.path().join("elsewhere");
    std::fs::create_dir_all(elsewhere.join("log")).expect("a directory");
    let other = unseal(http, &elsewhere, &["--keys", &keys(&past.data), "--reason", "r", "--author", "a"]);
    assert_eq!((other.status.success(), other.stdout.len()), (false, 0), "{other:?}");

    let because = ["--reason", "complaint 17", "--author", "Lan"];
    let shown = unseal(http, &past.data, &because);
    let said = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.status.success(), "{said}{}", String::from_utf8_lossy(&shown.stderr));
    assert!(said.contains(PLATE) && said.contains("topic nhip/v1/dust/air/air-a"), "{said}");
    assert!(said.contains("\\u{202e}") && said.contains("\\u{9b}2Kxe"), "marks stand as escapes: {said}");
    assert!(!said.contains(MARKS) && !said.contains('\u{1b}'), "nothing drives the terminal: {said}");

    let id = destroy_first_key(&past.data);
    let gone = unseal(http, &past.data, &because);
    let told = String::from_utf8_lossy(&gone.stdout).into_owned();
    assert!(
        told.contains(&format!("its key {id} was destroyed under \"a judgement\"")) && !told.contains(PLATE),
        "{told}"
    );

    never_over_http(http);
    assert!(past.stepped.node.stop().success(), "{}", past.stepped.node.said());
    let stopped = unseal(http, &past.data, &because);
    assert_eq!((stopped.status.code(), stopped.stdout.len()), (Some(1), 0), "{stopped:?}");
    let commands = commands(&past.data);
    let wanted = (3, format!("{offset}: complaint 17"), "Lan");
    assert_eq!(commands.len(), wanted.0, "one for each try that reached the node: {commands:?}");
    for command in &commands[1..] {
        assert_eq!((command["verb"].as_str(), command["author"].as_str()), (Some("unseal"), Some(wanted.2)));
        assert_eq!(command["subject"], wanted.1);
    }
    let logged = format!("logged as record {}", commands[1]["offset"]);
    assert!(said.contains(&logged), "{logged} in {said}");
}

/// Destroys the key all payloads here were sealed with, and puts its file back.
fn destroy_first_key(data: &Path) -> String {
    let owner = std::fs::read_to_string(data.join("installation")).expect("an installation");
    let owner = u128::from_str_radix(owner.trim(), 16).expect("32 hexadecimal digits").to_be_bytes();
    let list = data.join("destroyed-keys");
    let keys = KeyFiles::open(Path::new(&keys(data)), &list, owner).expect("keys");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let id = runtime.block_on(keys.ids()).expect("ids").remove(0);
    let older = key_files(data);
    let destruction =
        Destruction { at: ArrivalTime(0), under: "a judgement".to_owned(), author: "Lan".to_owned() };
    let destroyed = runtime.block_on(keys.destroy(std::slice::from_ref(&id), &destruction));
    assert_eq!(destroyed.expect("destroyed"), std::slice::from_ref(&id));
    assert_ne!(key_files(data), older, "the key is gone from its file");
    // As an older copy of the keys brings it back.
    older.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).expect("written"));
    id
}

fn key_files(data: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = std::fs::read_dir(keys(data)).expect("keys").map(|entry| entry.expect("an entry").path());
    let keys = files.filter(|path| path.extension().is_some_and(|ending| ending == "key"));
    keys.map(|path| (path.clone(), std::fs::read(path).expect("bytes"))).collect()
}

fn refuses_without_reason(http: SocketAddr, data: &Path) {
    for further in [&["--author", "a"][..], &["--reason", " ", "--author", "a"], &["--reason", "r"]] {
        let refused = unseal(http, data, further);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{further:?}: {said}");
        assert!(said.contains("--reason") || said.contains("--author"), "{said}");
    }
}

fn unseal(http: SocketAddr, data: &Path, further: &[&str]) -> Output {
    let http = http.to_string();
    let words = ["explain", "env.pm25_1h", "A", "--http", &http, "--unseal", "--data"];
    run(&words, data, further)
}

fn keys(data: &Path) -> String {
    format!("{}-keys", data.display())
}

fn never_over_http(http: SocketAddr) {
    let day = stage::hour_text(0);
    for path in [
        "/api/v1/explain?indicator=env.pm25_1h&area=A".to_owned(),
        "/api/v1/rejections".to_owned(),
        "/api/v1/figures?indicator=env.pm25_1h".to_owned(),
        "/api/v1/ledger".to_owned(),
        "/api/v1/unsealings".to_owned(),
        format!("/api/v1/export?indicator=env.pm25_1h&from={day}"),
    ] {
        let (_, body) = get(http, &path).expect("an answer");
        assert!(!body.contains(PLATE), "{path}");
    }
    assert_eq!(get(http, "/api/v1/unsealings").expect("an answer").0, 405, "there is nothing to read");
}

fn commands(data: &Path) -> Vec<Value> {
    let said = succeeds(&["log", "records", "--count", "1000000", "--data"], data);
    let kind = |line: &&str| line.contains("\"kind\":\"command\"");
    said.lines().filter(kind).map(|line| serde_json::from_str(line).expect("JSON")).collect()
}
