//! A real Mosquitto that stops, freezes and carries too much: nothing it acknowledged and kept is lost on our side.

#![expect(clippy::print_stdout, reason = "a fault test tells what it met")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nhip_adapters::SystemClock;
use nhip_demo::load::{LoadConfig, LoadReport};
use nhip_proto::ArrivalTime;
use nhip_tests::{Mosquitto, Node, NodeOptions, binary, get_json, metric, skipped, until};
use rustix::process::Signal;
use tokio_util::sync::CancellationToken;

#[test]
fn a_broker_that_stops_and_one_that_freezes_lose_nothing() {
    let test = "a_broker_that_stops_and_one_that_freezes_lose_nothing";
    let directory = tempfile::tempdir().expect("a directory");
    let Some(mut broker) = Mosquitto::start(directory.path()) else {
        return skipped(test, "mosquitto is not installed");
    };
    let mut node = Node::start(&options(directory.path(), &broker)).expect("a node");
    until("the node is subscribed", Duration::from_secs(20), || link_is_up(&node));
    let journal = directory.path().join("acknowledged.jsonl");
    let load = Load::start(&broker, &journal);
    load.until_more(2_000);
    broker.down();
    until("the node notices that the broker is gone", Duration::from_secs(40), || !link_is_up(&node));
    broker.up();
    load.until_more(2_000);
    until("the node is subscribed again", Duration::from_secs(60), || link_is_up(&node));
    broker.signal(Signal::STOP);
    load.runtime.block_on(async { tokio::time::sleep(Duration::from_secs(30)).await });
    broker.signal(Signal::CONT);
    load.until_more(2_000);
    let report = load.finish();
    println!("sent {} acknowledged {} resent {}", report.sent, report.acknowledged, report.resent);
    until("everything acknowledged is in the log", Duration::from_secs(60), || {
        metric(node.http, "nhip_ingest_messages_total")
            .is_some_and(|count| count >= report.acknowledged as f64)
    });
    assert!(node.stop().success(), "{}", node.said());
    assert_accounted(directory.path(), &journal);
}

#[test]
fn large_payloads_block_nobody() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(broker) = Mosquitto::start(directory.path()) else {
        return skipped("large_payloads_block_nobody", "mosquitto is not installed");
    };
    let node = Node::start(&options(directory.path(), &broker)).expect("a node");
    until("the node is subscribed", Duration::from_secs(20), || link_is_up(&node));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut settings = rumqttc::MqttOptions::new("large", "127.0.0.1", broker.address.port());
        settings.set_max_packet_size(8 << 20, 8 << 20);
        let (client, mut events) = rumqttc::AsyncClient::new(settings, 16);
        let polling = tokio::spawn(async move { while events.poll().await.is_ok() {} });
        for (sequence, size) in [(1, 20 << 10), (2, 2 << 20), (3, 200)] {
            let payload = padded(sequence, size);
            let topic = "nhip/v1/proof/load/load-0000";
            client.publish(topic, rumqttc::QoS::AtLeastOnce, false, payload).await.expect("queued");
        }
        let http = node.http;
        tokio::task::spawn_blocking(move || {
            until("all three are in the log", Duration::from_secs(60), || {
                metric(http, "nhip_ingest_messages_total").is_some_and(|count| count >= 3.0)
            });
        })
        .await
        .expect("the wait ends");
        polling.abort();
    });
    until(
        "the small and the middle one count, the large one is a rejection",
        Duration::from_secs(10),
        || {
            let ledger = get_json(node.http, "/api/v1/ledger?limit=1000");
            let lines = ledger["items"].as_array().cloned().unwrap_or_default();
            let line = lines.iter().find(|line| line["source"] == "load-0000").cloned().unwrap_or_default();
            line["applied"] == 2 && line["rejected"] == 1 && line["received"] == 3
        },
    );
}

fn padded(sequence: u64, size: usize) -> String {
    let head = format!(r#"{{"boot":1,"sequence":{sequence},"values":{{"value":{sequence}}},"note":""#);
    let fill = size.saturating_sub(head.len() + 2);
    format!("{head}{}\"}}", "x".repeat(fill))
}

fn options(directory: &Path, broker: &Mosquitto) -> NodeOptions {
    let config = directory.join("nhip.toml");
    let text = format!(
        "snapshot_seconds = 1\n[[subscriber]]\nname = \"broker\"\nhost = \"127.0.0.1\"\nport = {}\n\
         client_id = \"nhip-test\"\nfilters = [\"nhip/v1/#\"]\n",
        broker.address.port()
    );
    std::fs::write(&config, text).expect("a configuration");
    NodeOptions::run(&directory.join("data"))
        .set("--config", &config.to_string_lossy())
        .set("--profile", "profiles/proof")
}

fn link_is_up(node: &Node) -> bool {
    let Ok((200, body)) = nhip_tests::get(node.http, "/readyz") else { return false };
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    let links = answer["links"].as_array().cloned().unwrap_or_default();
    links.iter().any(|link| link["name"] == "broker" && link["up"] == true)
}

/// Publishers to the broker, in the background.
struct Load {
    runtime: tokio::runtime::Runtime,
    task: tokio::task::JoinHandle<Result<LoadReport, nhip_demo::DemoError>>,
    progress: Arc<nhip_demo::load::LoadProgress>,
    stop: CancellationToken,
}

impl Load {
    fn start(broker: &Mosquitto, journal: &Path) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let clock = Arc::new(SystemClock::new(ArrivalTime(0)));
        let mut load = LoadConfig::new(broker.address, "proof", "load", "value", clock);
        load.connections = 100;
        load.rate_per_s = Some(500.0);
        load.journal = Some(journal.to_path_buf());
        let (progress, stop) = (load.progress.clone(), CancellationToken::new());
        let task = runtime.spawn(nhip_demo::load::run(load, stop.clone()));
        Self { runtime, task, progress, stop }
    }

    fn until_more(&self, count: u64) {
        let acknowledged = || self.progress.acknowledged.load(Ordering::Relaxed);
        let wanted = acknowledged() + count;
        until("the broker acknowledges", Duration::from_secs(90), || acknowledged() > wanted);
    }

    fn finish(self) -> LoadReport {
        self.stop.cancel();
        self.runtime.block_on(self.task).expect("the publishers end").expect("and write their journal")
    }
}

fn assert_accounted(directory: &Path, journal: &Path) {
    let output = std::process::Command::new(binary())
        .args(["log", "account", "--data"])
        .arg(directory.join("data"))
        .arg("--acknowledged")
        .arg(journal)
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
