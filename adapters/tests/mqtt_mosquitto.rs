//! The subscriber and the command client against a real Mosquitto.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use nhip_adapters::{
    MqttBroker, MqttClientTls, MqttCommands, MqttCommandsConfig, MqttProtocol, MqttSubscriber,
    MqttSubscriberConfig,
};
use nhip_ports::memory::{Recorded, RecordingIntake};
use nhip_ports::{CommandLink, IngestLink, LinkError, OutgoingCommand};
use nhip_proto::GapCause;
use rustix::process::Signal;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

#[path = "mqtt/certificates.rs"]
mod certificates;
#[path = "mqtt/mosquitto.rs"]
mod mosquitto;
#[path = "mqtt/wire.rs"]
mod wire;

use certificates::certificates;
use mosquitto::Mosquitto;
use wire::{PATIENCE, Wire, puback_id, publish_3, subscribe_3};

const VERSIONS: [MqttProtocol; 2] = [MqttProtocol::V3, MqttProtocol::V5];
const PERSISTENT: &str = "persistence true\npersistence_location {dir}/\nautosave_interval 1\n";

struct Linked {
    link: Arc<MqttSubscriber>,
    intake: Arc<RecordingIntake>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), LinkError>>,
}

fn config(port: u16, protocol: MqttProtocol) -> MqttSubscriberConfig {
    MqttSubscriberConfig {
        broker: MqttBroker {
            port,
            protocol,
            keep_alive_s: 5,
            backoff_ms_min: 50,
            backoff_ms_max: 400,
            ..MqttBroker::default()
        },
        ..MqttSubscriberConfig::default()
    }
}

fn link(config: MqttSubscriberConfig, intake: Arc<RecordingIntake>) -> Linked {
    let link = Arc::new(MqttSubscriber::new(config).expect("a good configuration"));
    let stop = CancellationToken::new();
    let task = tokio::spawn({
        let (link, intake, stop) = (Arc::clone(&link), Arc::clone(&intake), stop.clone());
        async move { link.run(intake, stop).await }
    });
    Linked { link, intake, stop, task }
}

impl Linked {
    /// Starts a link and waits until it is subscribed.
    async fn up(config: MqttSubscriberConfig, intake: Arc<RecordingIntake>) -> Self {
        let linked = link(config, intake);
        linked.state("subscribed", |state| state.up).await;
        linked
    }

    async fn state(&self, what: &str, condition: impl Fn(&nhip_proto::LinkState) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(&self.link.state()) {
            assert!(Instant::now() < deadline, "not {what} in time: {:?}", self.link.state());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn end(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.task).await.expect("stops in time");
        ended.expect("does not panic").expect("stopping is no error");
    }

    /// Ends it as a crash would: nothing is acknowledged, nothing is said.
    async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.expect_err("aborted").is_cancelled());
    }
}

/// Publishes at QoS 1 and waits until the broker has taken everything.
async fn publish(addr: SocketAddr, messages: &[(String, Vec<u8>)]) {
    let mut wire = Wire::connected_3(addr, "publisher").await;
    for (chunk, messages) in messages.chunks(500).enumerate() {
        let first = u16::try_from(chunk * 500 + 1).expect("few enough");
        let burst: Vec<u8> = messages
            .iter()
            .zip(first..)
            .flat_map(|((topic, payload), id)| publish_3(topic, Some(id), payload))
            .collect();
        wire.write(&burst).await;
        for _ in messages {
            puback_id(&wire.next().await.expect("the broker lives")).expect("PUBACK");
        }
    }
    wire.write(&[0xE0, 0]).await;
}

fn numbered(range: std::ops::Range<usize>) -> Vec<(String, Vec<u8>)> {
    range.map(|n| ("nhip/v1/t/air/st1".to_owned(), n.to_string().into_bytes())).collect()
}

fn set(seen: &Recorded) -> BTreeSet<usize> {
    seen.payloads().iter().filter_map(|payload| payload.parse().ok()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_arrive_in_order_and_are_acknowledged() {
    let name = "messages_arrive_in_order_and_are_acknowledged";
    let Some(broker) = Mosquitto::start(name, "") else { return };
    for protocol in VERSIONS {
        let linked = Linked::up(config(broker.port, protocol), RecordingIntake::settling()).await;
        publish(broker.addr(), &numbered(0..3_000)).await;
        linked.intake.until("3,000 messages", |seen| seen.deliveries.len() == 3_000).await;
        let seen = linked.intake.recorded();
        let expected: Vec<String> = (0..3_000).map(|n| n.to_string()).collect();
        assert_eq!(seen.payloads(), expected, "{protocol:?}: in order, once each");
        assert!(seen.submits.len() < 3_000, "batched: {} submits", seen.submits.len());
        linked.end().await;
        // Everything was acknowledged: nothing comes again to the same session.
        let again = Linked::up(config(broker.port, protocol), RecordingIntake::settling()).await;
        publish(broker.addr(), &numbered(3_000..3_001)).await;
        again.intake.until(&format!("the new one {protocol:?}"), |seen| seen.deliveries.len() == 1).await;
        assert_eq!(again.intake.recorded().payloads(), ["3000"], "{protocol:?}");
        again.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_durable_comes_again_after_a_crash() {
    let name = "what_was_not_durable_comes_again_after_a_crash";
    let Some(broker) = Mosquitto::start(name, "") else { return };
    for protocol in VERSIONS {
        let linked = Linked::up(config(broker.port, protocol), RecordingIntake::settling()).await;
        publish(broker.addr(), &numbered(0..10)).await;
        linked.intake.until("ten", |seen| seen.deliveries.len() == 10).await;
        linked.intake.hold(true);
        publish(broker.addr(), &numbered(10..60)).await;
        // How many of them depends on how they fall into the bounded number of submits.
        linked.intake.until("some of them", |seen| seen.deliveries.len() > 10).await;
        linked.kill().await;
        publish(broker.addr(), &numbered(60..80)).await;
        let again = Linked::up(config(broker.port, protocol), RecordingIntake::settling()).await;
        // The first ten may come again too: the crash can overtake their acknowledgements.
        again.intake.until("all that was not durable", |seen| set(seen).range(10..80).count() == 70).await;
        let seen = again.intake.recorded();
        assert!(seen.gaps.is_empty(), "{protocol:?}: the session was there");
        assert!(
            seen.deliveries.iter().any(|delivery| delivery.dedication.dup),
            "{protocol:?}: the broker says that it sends again"
        );
        again.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_broker_is_subscribed_again_without_a_gap() {
    let name = "a_restarted_broker_is_subscribed_again_without_a_gap";
    for protocol in VERSIONS {
        let Some(mut broker) = Mosquitto::start(name, PERSISTENT) else { return };
        let linked = Linked::up(config(broker.port, protocol), RecordingIntake::settling()).await;
        publish(broker.addr(), &numbered(0..100)).await;
        linked.intake.until("a hundred", |seen| seen.deliveries.len() == 100).await;
        broker.terminate();
        linked.state("down", |state| !state.up).await;
        assert!(!linked.link.state().error.is_empty(), "it says why");
        broker.launch();
        linked.state("up again", |state| state.up).await;
        publish(broker.addr(), &numbered(100..200)).await;
        linked.intake.until("a hundred more", |seen| set(seen) == (0..200).collect()).await;
        assert!(linked.intake.recorded().gaps.is_empty(), "{protocol:?}: the broker kept the session");
        assert!(linked.link.state().epoch >= 2);
        assert!(linked.link.state().error.is_empty(), "the error is over");
        linked.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_session_is_a_gap() {
    let name = "a_lost_session_is_a_gap";
    for protocol in VERSIONS {
        let Some(mut broker) = Mosquitto::start(name, "persistence false\n") else { return };
        let linked = Linked::up(config(broker.port, protocol), RecordingIntake::settling()).await;
        assert!(linked.intake.recorded().gaps.is_empty(), "the first connection is no gap");
        broker.terminate();
        broker.launch();
        linked.intake.until("a gap", |seen| !seen.gaps.is_empty()).await;
        linked.state("up again", |state| state.up).await;
        publish(broker.addr(), &numbered(0..5)).await;
        linked.intake.until("messages after it", |seen| seen.deliveries.len() == 5).await;
        let gaps = linked.intake.recorded().gaps;
        assert_eq!(gaps.len(), 1, "{protocol:?}");
        assert_eq!((gaps[0].cause, gaps[0].principal.as_str()), (GapCause::SessionLost, "broker"));
        linked.end().await;
        // A node that knows it had a session before it started finds the loss at its first connection.
        let expecting = MqttSubscriberConfig {
            session_expected: true,
            broker: MqttBroker { client_id: "other".to_owned(), ..config(broker.port, protocol).broker },
            ..config(broker.port, protocol)
        };
        let linked = Linked::up(expecting, RecordingIntake::settling()).await;
        linked.intake.until("a gap at once", |seen| seen.gaps.len() == 1).await;
        linked.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_messages_never_block_the_queue() {
    let name = "large_messages_never_block_the_queue";
    let Some(broker) = Mosquitto::start(name, "") else { return };
    for protocol in VERSIONS {
        let linked = Linked::up(config(broker.port, protocol), RecordingIntake::settling()).await;
        let bounds = config(broker.port, protocol);
        let topic = "nhip/v1/t/air/st1".to_owned();
        let messages: Vec<(String, Vec<u8>)> = [20 * 1024, 1024 * 1024, 2 * 1024 * 1024, 1]
            .into_iter()
            .map(|size| (topic.clone(), vec![b'x'; size]))
            .collect();
        publish(broker.addr(), &messages).await;
        linked.intake.until("all four", |seen| seen.deliveries.len() == 4).await;
        let sizes: Vec<usize> =
            linked.intake.recorded().deliveries.iter().map(|delivery| delivery.payload.len()).collect();
        let cut = usize::try_from(bounds.packet_bytes_max).expect("fits") + 1;
        assert_eq!(sizes, [20 * 1024, 1024 * 1024, cut, 1], "{protocol:?}: 2 MiB is cut to just too large");
        assert_eq!(linked.link.state().epoch, 1, "{protocol:?}: on one connection");
        linked.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_larger_than_everything_is_told_and_not_hammered() {
    let name = "what_is_larger_than_everything_is_told_and_not_hammered";
    let Some(broker) = Mosquitto::start(name, "") else { return };
    let small = |protocol| MqttSubscriberConfig {
        packet_bytes_max: 8 * 1024,
        oversize_bytes_max: 16 * 1024,
        ..config(broker.port, protocol)
    };
    let topic = "nhip/v1/t/air/st1".to_owned();
    let messages = [(topic.clone(), vec![b'x'; 64 * 1024]), (topic, b"behind".to_vec())];
    // MQTT 5 tells the broker, which leaves such a message out.
    let linked = Linked::up(small(MqttProtocol::V5), RecordingIntake::settling()).await;
    publish(broker.addr(), &messages).await;
    linked.intake.until("the one behind", |seen| seen.payloads() == ["behind"]).await;
    linked.end().await;
    // MQTT 3.1.1 cannot: it is told, and tried again with growing pauses until the operator helps.
    let linked = Linked::up(
        MqttSubscriberConfig {
            broker: MqttBroker { client_id: "three".to_owned(), ..small(MqttProtocol::V3).broker },
            ..small(MqttProtocol::V3)
        },
        RecordingIntake::settling(),
    )
    .await;
    let started = Instant::now();
    publish(broker.addr(), &messages).await;
    linked.state("tried five times", |state| state.epoch >= 5 && !state.up).await;
    // Pauses of at least 25, 50, 100 and 200 ms lie between five connections.
    assert!(started.elapsed() >= Duration::from_millis(375), "after {:?}", started.elapsed());
    linked.state("told", |state| state.error.contains("oversize_bytes_max")).await;
    linked.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_broker_is_noticed_and_met_again() {
    let name = "a_frozen_broker_is_noticed_and_met_again";
    for protocol in VERSIONS {
        let Some(broker) = Mosquitto::start(name, "") else { return };
        let linked = Linked::up(config(broker.port, protocol), RecordingIntake::settling()).await;
        publish(broker.addr(), &numbered(0..10)).await;
        linked.intake.until("ten", |seen| seen.deliveries.len() == 10).await;
        let frozen = Instant::now();
        broker.signal(Signal::STOP);
        linked.state("down", |state| !state.up).await;
        // Keep-alive is 5 s: one and a half with MQTT 3.1.1, two with the library's own loop.
        let noticed = frozen.elapsed();
        assert!(noticed < Duration::from_secs(15), "{protocol:?}: noticed after {noticed:?}");
        broker.signal(Signal::CONT);
        linked.state("up again", |state| state.up).await;
        publish(broker.addr(), &numbered(10..20)).await;
        linked.intake.until("ten more", |seen| set(seen) == (0..20).collect()).await;
        assert!(linked.intake.recorded().gaps.is_empty(), "{protocol:?}: nothing was lost");
        linked.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_subscription_splits_the_load() {
    let name = "a_shared_subscription_splits_the_load";
    let Some(broker) = Mosquitto::start(name, "") else { return };
    for protocol in VERSIONS {
        let member = |client: &str| MqttSubscriberConfig {
            filters: vec!["$share/nodes/nhip/v1/#".to_owned()],
            broker: MqttBroker { client_id: client.to_owned(), ..config(broker.port, protocol).broker },
            ..config(broker.port, protocol)
        };
        let one = Linked::up(member("one"), RecordingIntake::settling()).await;
        let two = Linked::up(member("two"), RecordingIntake::settling()).await;
        publish(broker.addr(), &numbered(0..400)).await;
        let deadline = Instant::now() + PATIENCE;
        let count = |linked: &Linked| linked.intake.recorded().deliveries.len();
        while count(&one) + count(&two) < 400 {
            assert!(Instant::now() < deadline, "{} and {} of 400", count(&one), count(&two));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let (first, second) = (set(&one.intake.recorded()), set(&two.intake.recorded()));
        assert!(first.is_disjoint(&second), "{protocol:?}: none to both");
        assert!(first.len() > 50 && second.len() > 50, "{protocol:?}: {} and {}", first.len(), second.len());
        one.end().await;
        two.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_opens_and_a_wrong_one_is_told() {
    let name = "a_password_opens_and_a_wrong_one_is_told";
    let passwords = tempfile::tempdir().expect("a directory");
    let file = passwords.path().join("passwords");
    let made =
        Command::new("mosquitto_passwd").arg("-b").arg("-c").arg(&file).args(["nhip", "right"]).status();
    if !made.is_ok_and(|status| status.success()) {
        println!("SKIPPED {name}: mosquitto_passwd not installed");
        return;
    }
    let settings = format!("allow_anonymous false\npassword_file {}\n", file.display());
    let Some(broker) = Mosquitto::start(name, &settings) else { return };
    for protocol in VERSIONS {
        let with = |password: &str| MqttSubscriberConfig {
            broker: MqttBroker {
                login: Some(("nhip".to_owned(), password.to_owned())),
                ..config(broker.port, protocol).broker
            },
            ..config(broker.port, protocol)
        };
        Linked::up(with("right"), RecordingIntake::settling()).await.end().await;
        let wrong = link(with("wrong"), RecordingIntake::settling());
        wrong.state("refused", |state| state.error.contains("refused")).await;
        assert!(!wrong.link.state().up);
        wrong.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_with_a_client_certificate() {
    let name = "tls_with_a_client_certificate";
    let directory = tempfile::tempdir().expect("a directory");
    if !certificates(directory.path()) {
        println!("SKIPPED {name}: openssl not installed");
        return;
    }
    let file = |name: &str| -> PathBuf { directory.path().join(name) };
    let settings = format!(
        "cafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\n",
        file("ca.pem").display(),
        file("server.pem").display(),
        file("server.key").display()
    );
    let Some(broker) = Mosquitto::start(name, &settings) else { return };
    for protocol in VERSIONS {
        let with = |identity| MqttSubscriberConfig {
            broker: MqttBroker {
                host: "localhost".to_owned(),
                tls: Some(MqttClientTls { authorities: file("ca.pem"), identity }),
                ..config(broker.port, protocol).broker
            },
            ..config(broker.port, protocol)
        };
        let ours = Some((file("client.pem"), file("client.key")));
        Linked::up(with(ours), RecordingIntake::settling()).await.end().await;
        let nameless = link(with(None), RecordingIntake::settling());
        nameless.state("refused", |state| !state.error.is_empty()).await;
        assert!(!nameless.link.state().up, "{protocol:?}: without a certificate there is no connection");
        nameless.end().await;
    }
    let missing = MqttSubscriberConfig {
        broker: MqttBroker {
            tls: Some(MqttClientTls { authorities: file("no-such.pem"), identity: None }),
            ..MqttBroker::default()
        },
        ..MqttSubscriberConfig::default()
    };
    assert!(matches!(MqttSubscriber::new(missing), Err(LinkError::Configuration(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_reach_devices_behind_the_broker() {
    let name = "commands_reach_devices_behind_the_broker";
    let Some(broker) = Mosquitto::start(name, "") else { return };
    let mut device = Wire::connected_3(broker.addr(), "device").await;
    device.write(&subscribe_3(1, "spBv1.0/g/NCMD/n")).await;
    assert_eq!(device.next().await.expect("SUBACK"), [0x90, 3, 0, 1, 1]);
    let ours =
        MqttBroker { client_id: "commands".to_owned(), ..config(broker.port, MqttProtocol::V3).broker };
    let bounds = MqttCommandsConfig { broker: ours, commands_queued_max: 3, ..MqttCommandsConfig::default() };
    let commands = Arc::new(MqttCommands::new(bounds).expect("a good configuration"));
    // Before it is connected three wait, further ones are dropped; none of them blocks.
    for n in 0..5_u8 {
        let command = OutgoingCommand { topic: "spBv1.0/g/NCMD/n".to_owned(), payload: Bytes::from(vec![n]) };
        tokio::time::timeout(PATIENCE, commands.send(command)).await.expect("never waits");
    }
    let stop = CancellationToken::new();
    let task = tokio::spawn({
        let (commands, stop) = (Arc::clone(&commands), stop.clone());
        async move { commands.run(stop).await }
    });
    for n in 0..3_u8 {
        assert_eq!(device.next().await, Some(publish_3("spBv1.0/g/NCMD/n", None, &[n])));
    }
    stop.cancel();
    task.await.expect("does not panic").expect("stopping is no error");
}
