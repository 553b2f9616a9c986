//! The Mosquitto configuration we ship, started as it stands but for its places, with certificate, names and rights:
//! nothing a device saw acknowledged is lost over restarts of node and broker.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nhip_tests::{
    Mosquitto, Node, NodeOptions, free_address, get, get_json, is_root, metric, skipped, until,
};

const DEVICE: &str = "load-0000";
const MESSAGES: u64 = 200;
/// How long what the broker holds may take to reach the node (a loaded test machine).
const DELIVERED_MAX: Duration = Duration::from_secs(60);

#[test]
fn the_shipped_broker_loses_nothing_over_restarts() {
    let test = "the_shipped_broker_loses_nothing_over_restarts";
    let directory = tempfile::tempdir().expect("a directory");
    let (place, plain) = (directory.path(), free_address());
    if !secrets(place) {
        return skipped(test, "openssl or mosquitto_passwd is not installed");
    }
    let Some(mut broker) = Mosquitto::start_with(place, plain, &configuration(place, plain.port())) else {
        return skipped(test, "mosquitto is not installed");
    };
    let options = options(place, plain.port());
    let mut node = Node::start(&options).expect("a node");
    until("the node is subscribed", DELIVERED_MAX, || link_is_up(&node));
    publish(place, plain.port(), 1..=MESSAGES);
    until("all of it is in the log", DELIVERED_MAX, || received(&node) >= MESSAGES as f64);
    assert!(node.stop().success(), "{}", node.said());
    // The broker holds these for the session of a node that is away, and over its own restart.
    publish(place, plain.port(), MESSAGES + 1..=2 * MESSAGES);
    broker.down();
    broker.up();
    let node = Node::start(&options).expect("the node again");
    until("what the broker kept is in the log", DELIVERED_MAX, || received(&node) >= MESSAGES as f64);
    let line = || {
        let ledger = get_json(node.http, "/api/v1/ledger");
        let mut lines = ledger["items"].as_array().cloned().unwrap_or_default().into_iter();
        lines.find(|line| line["source"] == DEVICE).unwrap_or_default()
    };
    until("all of it is applied, each once", DELIVERED_MAX, || line()["applied"] == 2 * MESSAGES);
    assert_eq!(line()["rejected"], 0, "{}", line());
    nobody_else_gets_in(place, plain.port());
}

/// No name, a wrong password, and a topic of another device.
fn nobody_else_gets_in(place: &Path, port: u16) {
    let port = port.to_string();
    let nobody = ["-p", &port, "-t", "nhip/v1/proof/load/load-0000", "-m", "{}", "-q", "1"];
    let publish = |more: &[&str]| {
        let output = Command::new("mosquitto_pub").args(nobody).args(more).output().expect("it runs");
        output.status.success()
    };
    assert!(!publish(&[]), "nobody without a name");
    assert!(!publish(&["-u", DEVICE, "-P", "wrong"]), "nor with another's password");
    // Mosquitto acknowledges what it refuses to MQTT 3.1.1; to version 5 it says so.
    let other = ["-u", DEVICE, "-P", "device", "-t", "nhip/v1/proof/load/load-0001", "-V", "5"];
    let output = Command::new("mosquitto_pub").args(nobody).args(other).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.to_lowercase().contains("not authori"), "rights end at the device's own topic: {said}");
    let path = place.join("mosquitto.log");
    let log = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(!log.contains("boot"), "no payload stands in the broker's log");
}

fn publish(place: &Path, port: u16, sequences: std::ops::RangeInclusive<u64>) {
    let mut lines = String::new();
    for sequence in sequences {
        writeln!(lines, r#"{{"boot":1,"sequence":{sequence},"values":{{"value":1}}}}"#).expect("written");
    }
    let mut child = Command::new("mosquitto_pub")
        .args(["-p", &port.to_string(), "-u", DEVICE, "-P", "device", "-q", "1", "-l"])
        .args(["-t", &format!("nhip/v1/proof/load/{DEVICE}")])
        .current_dir(place)
        .stdin(Stdio::piped())
        .spawn()
        .expect("mosquitto_pub starts");
    child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("written");
    assert!(child.wait().expect("it ends").success(), "every message was acknowledged");
}

/// The shipped text with its places in a directory of the test and ports of the test.
fn configuration(place: &Path, port: u16) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/mosquitto/nhip.conf");
    let shipped = std::fs::read_to_string(shipped).expect("the shipped configuration");
    let at = |name: &str| format!("{}/{name}", place.display());
    let tls = free_address().port();
    let mut text = shipped.clone();
    for (from, to) in [
        ("/var/lib/mosquitto/", at("sessions/")),
        ("/etc/mosquitto/", at("")),
        ("listener 8883\n", format!("listener {tls} 127.0.0.1\n")),
        ("listener 1883 127.0.0.1\n", format!("listener {port} 127.0.0.1\n")),
    ] {
        assert!(text.contains(from), "the shipped configuration has {from:?}");
        text = text.replace(from, &to);
    }
    writeln!(text, "log_dest file {}", at("mosquitto.log")).expect("a text grows");
    if is_root() {
        text.push_str("user root\n");
    }
    let rights: Vec<&str> = shipped
        .lines()
        .skip_while(|line| !line.contains("Minimum:"))
        .skip(1)
        .map_while(|line| line.strip_prefix("#   "))
        .collect();
    assert!(rights.len() >= 4, "the rights the configuration recommends: {rights:?}");
    std::fs::write(place.join("nhip.acl"), rights.join("\n") + "\n").expect("written");
    text
}

/// An authority, the broker's certificate, two names with passwords, a directory for sessions.
fn secrets(place: &Path) -> bool {
    std::fs::create_dir(place.join("sessions")).expect("made");
    std::fs::write(place.join("broker.password"), "node").expect("written");
    let run = |program: &str, words: &str| {
        let made = Command::new(program).args(words.split_whitespace()).current_dir(place).output();
        made.is_ok_and(|output| output.status.success())
    };
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    run("openssl", &format!("req -x509 {new} -keyout ca.key -out ca.pem -subj /CN=authority -days 2"))
        && run("openssl", &format!("req {new} -keyout broker.key -out broker.csr -subj /CN=localhost"))
        && run(
            "openssl",
            "x509 -req -in broker.csr -out broker.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2",
        )
        && run("mosquitto_passwd", "-b -c nhip.passwords nhip node")
        && run("mosquitto_passwd", &format!("-b nhip.passwords {DEVICE} device"))
}

fn options(place: &Path, port: u16) -> NodeOptions {
    let config = place.join("nhip.toml");
    let text = format!(
        "snapshot_seconds = 1\n[[subscriber]]\nname = \"broker\"\nhost = \"127.0.0.1\"\nport = {port}\n\
         client_id = \"nhip-test\"\nusername = \"nhip\"\npassword_file = \"{}/broker.password\"\n\
         filters = [\"nhip/v1/#\"]\n",
        place.display()
    );
    std::fs::write(&config, text).expect("a configuration");
    NodeOptions::run(&place.join("data"))
        .set("--config", &config.to_string_lossy())
        .set("--profile", "profiles/proof")
}

fn received(node: &Node) -> f64 {
    metric(node.http, "nhip_ingest_messages_total").unwrap_or(0.0)
}

fn link_is_up(node: &Node) -> bool {
    let Ok((200, body)) = get(node.http, "/readyz") else { return false };
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    let links = answer["links"].as_array().cloned().unwrap_or_default();
    links.iter().any(|link| link["name"] == "broker" && link["up"] == true)
}
