//! Connections that break all the time, bytes that mean nothing, and TLS at the endpoint.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nhip_adapters::{
    MqttBroker, MqttClientTls, MqttEndpoint, MqttEndpointConfig, MqttProtocol, MqttServerTls, MqttSubscriber,
    MqttSubscriberConfig,
};
use nhip_ports::contract::ingest_link::Peer;
use nhip_ports::memory::RecordingIntake;
use nhip_ports::{IngestLink, LinkError};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

#[path = "mqtt/certificates.rs"]
mod certificates;
#[path = "mqtt/peers.rs"]
mod peers;
#[path = "mqtt/wire.rs"]
mod wire;

use certificates::certificates;
use peers::BrokerPeer;
use wire::{PATIENCE, Wire, connect_3, connect_5, puback_id, publish_3, publish_5, subscribe_5};

/// Connections the broker breaks one after the other.
const BREAKS: u16 = 40;
/// Messages per connection.
const MESSAGES: u16 = 50;

fn run(
    link: Arc<dyn IngestLink>,
    intake: Arc<RecordingIntake>,
) -> (CancellationToken, JoinHandle<Result<(), LinkError>>) {
    let stop = CancellationToken::new();
    let task = tokio::spawn({
        let stop = stop.clone();
        async move { link.run(intake, stop).await }
    });
    (stop, task)
}

async fn end(stop: CancellationToken, task: JoinHandle<Result<(), LinkError>>) {
    stop.cancel();
    let ended = tokio::time::timeout(PATIENCE, task).await.expect("stops in time");
    ended.expect("does not panic").expect("stopping is no error");
}

/// Packet ids of one connection are never used on another, so that any stale acknowledgement shows.
async fn no_acknowledgement_crosses_connections(protocol: MqttProtocol) {
    let mut peer = BrokerPeer::new(protocol == MqttProtocol::V5).await;
    let broker = MqttBroker {
        port: peer.port(),
        protocol,
        backoff_ms_min: 1,
        backoff_ms_max: 2,
        ..MqttBroker::default()
    };
    let config = MqttSubscriberConfig { broker, ..MqttSubscriberConfig::default() };
    let link = Arc::new(MqttSubscriber::new(config).expect("a good configuration"));
    let intake = RecordingIntake::holding();
    let (stop, task) = run(link, Arc::clone(&intake));
    let (settler_stop, settling) = (CancellationToken::new(), Arc::clone(&intake));
    // Settles all the time, so that acknowledgements of one connection come due while it breaks.
    let settler = tokio::spawn({
        let stop = settler_stop.clone();
        async move {
            while !stop.is_cancelled() {
                settling.settle_oldest();
                tokio::task::yield_now().await;
            }
        }
    });
    let mut total = 0;
    for round in 0..BREAKS {
        peer.connect().await;
        let ids = round * MESSAGES + 1..=(round + 1) * MESSAGES;
        let messages: Vec<(u16, String)> = ids.clone().map(|id| (id, format!("{round}"))).collect();
        for few in messages.chunks(7) {
            peer.send(few).await;
            tokio::task::yield_now().await;
        }
        total += messages.len();
        intake.until("the messages of this connection", |seen| seen.deliveries.len() >= total).await;
        let seen = peer.acknowledged().await;
        let in_order: Vec<u16> = ids.take(seen.len()).collect();
        assert_eq!(
            seen, in_order,
            "{protocol:?}, connection {round}: only its own, in order, from its first"
        );
        peer.break_connection().await;
    }
    peer.connect().await;
    assert_eq!(peer.subscriptions.len(), usize::from(BREAKS) + 1, "subscribed on every connection");
    settler_stop.cancel();
    settler.await.expect("does not panic");
    intake.settle_all();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(peer.acknowledged().await, Vec::<u16>::new(), "{protocol:?}: nothing stale on the last one");
    peer.break_connection().await;
    end(stop, task).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledgement_crosses_connections_on_mqtt_3() {
    no_acknowledgement_crosses_connections(MqttProtocol::V3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledgement_crosses_connections_on_mqtt_5() {
    no_acknowledgement_crosses_connections(MqttProtocol::V5).await;
}

/// A generator whose seed is printed; set NHIP_TEST_SEED to run it again.
#[expect(clippy::disallowed_methods, reason = "the seed of a test is no configuration of the product")]
#[expect(clippy::print_stdout, reason = "the seed is printed")]
fn seeded(test: &str) -> TestRunner {
    let asked = std::env::var("NHIP_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = asked.unwrap_or_else(|| getrandom::u64().expect("randomness"));
    println!("{test}: NHIP_TEST_SEED={seed}");
    let bytes: Vec<u8> = seed.to_le_bytes().into_iter().cycle().take(32).collect();
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_bytes_bring_the_endpoint_down() {
    let mut runner = seeded("no_bytes_bring_the_endpoint_down");
    let config = MqttEndpointConfig { listen: ([127, 0, 0, 1], 0).into(), ..MqttEndpointConfig::default() };
    let endpoint = Arc::new(MqttEndpoint::bind(config).await.expect("binds"));
    let intake = RecordingIntake::settling();
    let addr = endpoint.addr();
    let (stop, task) = run(Arc::clone(&endpoint) as Arc<dyn IngestLink>, Arc::clone(&intake));
    let good = [
        connect_3("a", 2, 60, &[]),
        connect_5("b", 2, 60, &[0x21, 0, 9], &[]),
        publish_3("a/b", Some(1), b"{}"),
        publish_5("a/b", Some(2), &[0x23, 0, 1, 3, 0, 1, b'x'], b"{}"),
        subscribe_5(3, "nhip/v1/t/air/a/command"),
        vec![0xC0, 0],
    ];
    let strategy = (
        proptest::bool::ANY,
        proptest::collection::vec((0..good.len(), 0..64_usize, proptest::num::u8::ANY), 1..12),
        proptest::collection::vec(proptest::num::u8::ANY, 0..64),
    );
    for _ in 0..600 {
        let (version_5, parts, noise) = strategy.new_tree(&mut runner).expect("a value").current();
        let mut wire = Wire::open(addr).await;
        let connect = &good[usize::from(version_5)];
        let mut bytes = connect.clone();
        for (which, place, value) in parts {
            let mut part = good[which].clone();
            // One byte in three packets is wrong.
            if place < part.len() && value % 3 == 0 {
                part[place] = value;
            }
            bytes.extend(part);
        }
        bytes.extend(noise);
        wire.try_write(&bytes).await;
        wire.ready();
    }
    // It is still there, and no connection task had a defect.
    let mut wire = Wire::connected_3(addr, "after").await;
    wire.write(&publish_3("after", Some(9), b"alive")).await;
    assert_eq!(puback_id(&wire.next().await.expect("PUBACK")), Some(9));
    assert_eq!(endpoint.state().error, "", "no defect was noted");
    end(stop, task).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_endpoint_serves_tls_with_client_certificates() {
    let name = "the_endpoint_serves_tls_with_client_certificates";
    let directory = tempfile::tempdir().expect("a directory");
    if !certificates(directory.path()) {
        println!("SKIPPED {name}: openssl not installed");
        return;
    }
    let file = |name: &str| -> PathBuf { directory.path().join(name) };
    let tls = MqttServerTls {
        certificates: file("server.pem"),
        key: file("server.key"),
        client_authorities: Some(file("ca.pem")),
    };
    let config = MqttEndpointConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        tls: Some(tls.clone()),
        ..MqttEndpointConfig::default()
    };
    let endpoint = Arc::new(MqttEndpoint::bind(config.clone()).await.expect("binds"));
    let addr = endpoint.addr();
    let (stop, task) = run(endpoint, RecordingIntake::settling());
    for certified in [true, false] {
        let identity = certified.then(|| (file("client.pem"), file("client.key")));
        let tls = MqttClientTls { authorities: file("ca.pem"), identity };
        assert!(comes_up(addr.port(), tls, certified).await, "with a certificate: {certified}");
    }
    // Plain bytes at the TLS port end the connection.
    let mut plain = Wire::open(addr).await;
    plain.write(&connect_3("a", 2, 60, &[])).await;
    let mut rest = [0_u8; 1];
    assert!(plain.end_bytes(&mut rest).await, "closed, perhaps after a TLS alert");
    end(stop, task).await;
    let broken = MqttServerTls { key: file("no-such.key"), ..tls };
    let refused = MqttEndpoint::bind(MqttEndpointConfig { tls: Some(broken), ..config }).await;
    assert!(matches!(refused, Err(LinkError::Configuration(_))));
}

/// Our own subscriber as a TLS client: whether it gets where it should (up, or refused with a reason).
async fn comes_up(port: u16, tls: MqttClientTls, expected: bool) -> bool {
    let broker = MqttBroker {
        host: "localhost".to_owned(),
        port,
        tls: Some(tls),
        backoff_ms_min: 10,
        backoff_ms_max: 20,
        ..MqttBroker::default()
    };
    // The endpoint grants command topics only.
    let filters = vec!["spBv1.0/+/NCMD/+/#".to_owned()];
    let config = MqttSubscriberConfig { broker, filters, ..MqttSubscriberConfig::default() };
    let link = Arc::new(MqttSubscriber::new(config).expect("a good configuration"));
    let (stop, task) = run(Arc::clone(&link) as Arc<dyn IngestLink>, RecordingIntake::settling());
    let settled = async {
        loop {
            let state = link.state();
            if state.up == expected && (expected || !state.error.is_empty()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let settled = tokio::time::timeout(PATIENCE, settled).await.is_ok();
    end(stop, task).await;
    settled
}
