//! The analysts' worker beside the real node: a question over HTTP, a worker killed in the middle of one, and an intake
//! that notices nothing of it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nhip_proto::{MINUTE, SECOND};
use nhip_tests::{
    AIR_PROFILE, AIR_START, MqttWire, NodeOptions, SteppedNode, binary, get_json, metric, post, until,
    until_some, write_air_profile,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const WAIT_MAX: Duration = Duration::from_secs(120);
/// Seconds of work, also for few rows; its process is held once it is seen, so that it is under way for certain.
const LONG: &str = "SELECT COUNT(*) AS n FROM revisions a CROSS JOIN revisions b CROSS JOIN revisions c \
    CROSS JOIN revisions d CROSS JOIN revisions e CROSS JOIN revisions f WHERE a.k + b.k + c.k + d.k + e.k + f.k > 0";
const MESSAGES_WHILE_KILLED: i64 = 40;

/// The worker as its operator runs it; killed when dropped.
struct Worker(Child);

impl Worker {
    fn start(data: &Path, socket: &Path) -> Self {
        let program = binary().with_file_name("nhip-analyst");
        assert!(
            program.exists(),
            "{} is not built: `cargo xtask test --only analyst` builds it, tests it and puts it there",
            program.display()
        );
        let log = std::fs::File::create(socket.with_extension("stderr")).expect("a log");
        let mut child = Command::new(program)
            .args(["serve", "--seconds", "600", "--data"])
            .arg(data)
            .arg("--socket")
            .arg(socket)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("it runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        assert!(line.starts_with("ready socket="), "{line}");
        Self(child)
    }

    /// Waits for the process of a question and holds it where it is.
    fn hold_its_question(&self) {
        let id = self.0.id();
        let children = PathBuf::from(format!("/proc/{id}/task/{id}/children"));
        let child = until_some("a process for the question", WAIT_MAX, || {
            let text = std::fs::read_to_string(&children).unwrap_or_default();
            let number = text.split_whitespace().next()?;
            // Before it has bounded itself it may still be the worker's own copy, with the worker's sockets.
            let limits = std::fs::read_to_string(format!("/proc/{number}/limits")).unwrap_or_default();
            let bounded =
                limits.lines().any(|line| line.split_whitespace().take(4).eq(["Max", "file", "size", "0"]));
            Pid::from_raw(number.parse().ok()?).filter(|_| bounded)
        });
        kill_process(child, Signal::STOP).expect("held");
    }

    fn kill(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("ended");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

struct Station {
    stepped: SteppedNode,
    sent: i64,
}

impl Station {
    fn start(directory: &Path, socket: &Path) -> Self {
        let profile = write_air_profile(directory, AIR_PROFILE, &[]);
        let options = NodeOptions::run(&directory.join("data"))
            .set("--profile", &profile.to_string_lossy())
            .set("--analyst", &socket.to_string_lossy());
        Self { stepped: SteppedNode::start(options, AIR_START).expect("a node"), sent: 0 }
    }

    fn http(&self) -> SocketAddr {
        self.stepped.node.http
    }

    /// A reading of a minute after the start, acknowledged and applied when this returns.
    fn publish(&mut self, minute: i64, value: i64) {
        let mqtt = self.stepped.node.mqtt.expect("an endpoint");
        let mut client = MqttWire::connect(mqtt, "vendor").expect("connects");
        let time = jiff::Timestamp::from_second(AIR_START.plus(minute * MINUTE).0 / SECOND)
            .expect("a time")
            .to_string();
        let payload = json!({ "at": time, "values": { "pm25": value } }).to_string();
        client.publish_all([("vendor/a/measures", payload.as_bytes())]).expect("acknowledged");
        self.stepped.settle();
        self.sent += 1;
    }

    fn received(&self) -> i64 {
        let ledger = get_json(self.http(), "/api/v1/ledger");
        let rows = ledger["items"].as_array().expect("rows");
        rows.iter().filter(|row| row["source"] == "air-a").filter_map(|row| row["received"].as_i64()).sum()
    }
}

fn ask(http: SocketAddr, question: &Value) -> (u16, Value) {
    let body = question.to_string();
    let asked = post(http, "/api/v1/analyst/query", "application/json", body.as_bytes());
    let (status, text) = asked.unwrap_or_else(|error| panic!("{question}: {error}"));
    let answer = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{question}: {error}: {text}"));
    (status, answer)
}

#[test]
fn a_worker_killed_in_the_middle_of_a_question_takes_nothing_with_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let (data, socket) = (directory.path().join("data"), directory.path().join("analyst"));
    let mut station = Station::start(directory.path(), &socket);
    for hour in 0..3 {
        for ten in 0..6 {
            let minute = hour * 60 + ten * 10;
            station.publish(minute, 10 * (hour + 1) + ten);
            station.stepped.step_to(AIR_START.plus((minute + 5) * MINUTE));
        }
    }
    // Out of order, inside the lateness: hour 0 was final and is revised.
    station.publish(55, 100);
    station.stepped.step_to(AIR_START.plus(200 * MINUTE));
    station.stepped.kill_and_start();
    let sealed = || metric(station.http(), "nhip_rows_sealed_total").is_some_and(|rows| rows > 0.0);
    until("the rows are sealed", WAIT_MAX, sealed);

    let figures = json!({ "sql": "SELECT value, state FROM figures WHERE area = 'A' AND window_start < \
        '2030-03-17T19:00:00' ORDER BY window_start" });
    let (status, problem) = ask(station.http(), &figures);
    assert_eq!((status, &problem["type"]), (503, &json!("urn:nhip:problem:unavailable")), "{problem}");
    assert!(problem["detail"].to_string().contains("start it with `nhip-analyst serve"), "{problem}");

    let mut worker = Worker::start(&data, &socket);
    // (10 + 11 + … + 15 + 100) ÷ 7, and (20 + 21 + … + 25) ÷ 6.
    let (status, answer) = ask(station.http(), &figures);
    assert_eq!((status, &answer["origin"]), (200, &json!("simulated")), "{answer}");
    assert_eq!(answer["rows"], json!([[25, "revised", "simulated"], [22.5, "final", "simulated"]]));
    let (status, problem) = ask(station.http(), &json!({ "sql": "SELECT * FROM read_csv('/etc/passwd')" }));
    assert_eq!((status, &problem["type"]), (422, &json!("urn:nhip:problem:statement")), "{problem}");

    let http = station.http();
    let asking = std::thread::spawn(move || ask(http, &json!({ "sql": LONG })));
    worker.hold_its_question();
    let before = station.sent;
    for message in 0..MESSAGES_WHILE_KILLED {
        if message == MESSAGES_WHILE_KILLED / 2 {
            worker.kill();
        }
        // Of hour 2 and 3, so that the figures asked for stay.
        station.publish(190 - message, 30);
    }
    let (status, problem) = asking.join().expect("an answer");
    assert_eq!((status, &problem["type"]), (503, &json!("urn:nhip:problem:unavailable")), "{problem}");
    assert!(problem["detail"].to_string().contains("ended before its answer"), "{problem}");
    assert_eq!(station.sent - before, MESSAGES_WHILE_KILLED, "every message was acknowledged");
    assert_eq!(station.received(), station.sent, "and every one is in the ledger");
    assert!(station.stepped.node.is_running(), "{}", station.stepped.node.said());

    let _worker = Worker::start(&data, &socket);
    let (status, again) = ask(station.http(), &figures);
    assert_eq!((status, &again["rows"]), (200, &answer["rows"]));
}
