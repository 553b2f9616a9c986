//! The endpoint, packet by packet: what the standards ask of a server that takes publications.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use nhip_adapters::{MqttAccess, MqttEndpoint, MqttEndpointConfig, MqttPassword, MqttUser, hash_password};
use nhip_ports::memory::RecordingIntake;
use nhip_ports::{CommandLink, IngestLink, LinkError, OutgoingCommand};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

#[path = "mqtt/wire.rs"]
mod wire;

use wire::{
    PATIENCE, Wire, connect_3, connect_5, packet, puback, puback_id, publish_3, publish_5, subscribe_3,
    subscribe_5, text,
};

struct Served {
    endpoint: Arc<MqttEndpoint>,
    addr: SocketAddr,
    intake: Arc<RecordingIntake>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), LinkError>>,
}

fn config() -> MqttEndpointConfig {
    MqttEndpointConfig { listen: ([127, 0, 0, 1], 0).into(), ..MqttEndpointConfig::default() }
}

async fn serve(config: MqttEndpointConfig) -> Served {
    let endpoint = Arc::new(MqttEndpoint::bind(config).await.expect("binds"));
    let (intake, stop) = (RecordingIntake::settling(), CancellationToken::new());
    let task = tokio::spawn({
        let (endpoint, intake, stop) = (Arc::clone(&endpoint), Arc::clone(&intake), stop.clone());
        async move { endpoint.run(intake, stop).await }
    });
    Served { addr: endpoint.addr(), endpoint, intake, stop, task }
}

impl Served {
    async fn end(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.task).await.expect("stops in time");
        ended.expect("does not panic").expect("stopping is no error");
    }
}

/// Connects raw and returns the answer; none: closed without one.
async fn answer(addr: SocketAddr, connect: &[u8]) -> Option<Vec<u8>> {
    let mut wire = Wire::open(addr).await;
    wire.write(connect).await;
    wire.next().await
}

#[tokio::test]
async fn connect_is_answered_as_the_standards_say() {
    let served = serve(config()).await;
    let addr = served.addr;
    // Clean or not, the session is never present: the endpoint keeps none.
    assert_eq!(answer(addr, &connect_3("a", 0x02, 60, &[])).await.expect("3.1.1"), [0x20, 2, 0, 0]);
    assert_eq!(answer(addr, &connect_3("a", 0x00, 60, &[])).await.expect("3.1.1"), [0x20, 2, 0, 0]);
    let five = answer(addr, &connect_5("a", 0x00, 60, &[0x11, 0, 0, 1, 0], &[])).await.expect("5");
    assert_eq!(five[2..4], [0, 0], "accepted, no session present");
    assert!(five.windows(5).any(|bytes| bytes == [0x11, 0, 0, 0, 0]), "session expiry 0: {five:02x?}");
    assert!(five.windows(2).any(|bytes| bytes == [0x24, 1]), "maximum QoS 1: {five:02x?}");
    // An empty client id: assigned under MQTT 5 and for clean sessions, else refused (3.1.1 §3.1.3.1).
    assert_eq!(answer(addr, &connect_3("", 0x02, 60, &[])).await.expect("assigned"), [0x20, 2, 0, 0]);
    assert_eq!(answer(addr, &connect_3("", 0x00, 60, &[])).await.expect("refused"), [0x20, 2, 0, 2]);
    let assigned = answer(addr, &connect_5("", 0x02, 60, &[], &[])).await.expect("assigned");
    assert!(assigned.windows(5).any(|bytes| bytes == b"nhip-"), "the assigned id is told: {assigned:02x?}");
    // Other protocol levels, and the name of MQTT 3.1.
    let mut level_6 = connect_3("a", 0x02, 60, &[]);
    level_6[8] = 6;
    assert_eq!(answer(addr, &level_6).await.expect("answered"), [0x20, 2, 0, 1]);
    let old = packet(0x10, &[&text("MQIsdp")[..], &[3, 2, 0, 60], &text("a")].concat());
    assert_eq!(answer(addr, &old).await.expect("answered"), [0x20, 2, 0, 1]);
    // Malformed: another name, reserved flag, will QoS 3, password without user, bytes left over, NUL.
    let name = packet(0x10, &[&text("MQTX")[..], &[4, 2, 0, 60], &text("a")].concat());
    assert_eq!(answer(addr, &name).await, None);
    for flags in [0x03, 0x1E, 0x08, 0x42] {
        assert_eq!(answer(addr, &connect_3("a", flags, 60, &[])).await, None, "flags {flags:#x}");
    }
    assert_eq!(answer(addr, &connect_3("a", 0x02, 60, &[vec![1]])).await, None);
    assert_eq!(answer(addr, &connect_3("a\0b", 0x02, 60, &[])).await, None);
    let malformed = answer(addr, &connect_5("a", 0x03, 60, &[], &[])).await.expect("told why");
    assert_eq!(malformed[..4], [0x20, 3, 0, 0x81]);
    // Extended authentication is not offered.
    let method = [&[0x15][..], &text("SCRAM")].concat();
    let refused = answer(addr, &connect_5("a", 0x02, 60, &method, &[])).await.expect("told why");
    assert_eq!(refused[..4], [0x20, 3, 0, 0x8C]);
    served.end().await;
}

#[tokio::test]
async fn nothing_is_taken_before_connect_and_no_second_connect() {
    let served = serve(config()).await;
    for first in
        [publish_3("a/b", None, b"x"), vec![0xC0, 0], subscribe_3(1, "#"), vec![0, 0], vec![0xFF; 64]]
    {
        assert_eq!(answer(served.addr, &first).await, None, "{first:02x?}");
    }
    let mut wire = Wire::connected_3(served.addr, "a").await;
    wire.write(&connect_3("a", 0x02, 60, &[])).await;
    assert_eq!(wire.end().await, Vec::<Vec<u8>>::new());
    let mut wire = Wire::connected_5(served.addr, "a").await;
    wire.write(&connect_5("a", 0x02, 60, &[], &[])).await;
    assert_eq!(wire.end().await, [vec![0xE0, 2, 0x82, 0]], "protocol error");
    assert!(served.intake.recorded().deliveries.is_empty());
    served.end().await;
}

#[tokio::test]
async fn a_client_that_says_nothing_is_let_go() {
    let served = serve(MqttEndpointConfig { connect_s_max: 1, ..config() }).await;
    let started = Instant::now();
    let mut silent = Wire::open(served.addr).await;
    let mut half = Wire::open(served.addr).await;
    half.write(&connect_3("a", 2, 60, &[])[..7]).await;
    assert_eq!(silent.next().await, None);
    assert_eq!(half.next().await, None);
    assert!(started.elapsed() >= Duration::from_millis(900), "but not before its time");
    served.end().await;
}

#[tokio::test]
async fn users_and_passwords_decide() {
    let access = MqttAccess {
        publish: vec!["nhip/v1/t/air/{client}".to_owned(), "u/{user}/#".to_owned()],
        subscribe: vec!["nhip/v1/t/air/{client}/command".to_owned()],
    };
    let user = |name: &str, password| MqttUser { name: name.to_owned(), password, access: access.clone() };
    let users = vec![
        user("plain", MqttPassword::Plain("pw1".to_owned())),
        user("hashed", MqttPassword::Hash(hash_password("pw2").expect("randomness"))),
    ];
    let served = serve(MqttEndpointConfig { users, anonymous: None, ..config() }).await;
    let login =
        |client: &str, user: &str, password: &str| connect_3(client, 0xC2, 60, &[text(user), text(password)]);
    let login_5 = |client: &str, user: &str, password: &str| {
        connect_5(client, 0xC2, 60, &[], &[text(user), text(password)])
    };
    let addr = served.addr;
    assert_eq!(answer(addr, &login("a", "plain", "pw1")).await.expect("plain"), [0x20, 2, 0, 0]);
    assert_eq!(answer(addr, &login("a", "hashed", "pw2")).await.expect("hashed"), [0x20, 2, 0, 0]);
    assert_eq!(answer(addr, &login("a", "plain", "pw2")).await.expect("wrong"), [0x20, 2, 0, 4]);
    assert_eq!(answer(addr, &login("a", "nobody", "pw1")).await.expect("unknown"), [0x20, 2, 0, 4]);
    assert_eq!(answer(addr, &login_5("a", "hashed", "x")).await.expect("wrong")[..4], [0x20, 3, 0, 0x86]);
    assert_eq!(answer(addr, &connect_3("a", 2, 60, &[])).await.expect("anonymous"), [0x20, 2, 0, 5]);
    assert_eq!(answer(addr, &connect_5("a", 2, 60, &[], &[])).await.expect("anonymous")[3], 0x87);

    // A publication outside the rules: refused by reason under MQTT 5, closed under 3.1.1 (never
    // acknowledged).
    let mut wire = Wire::open(addr).await;
    wire.write(&login_5("st1", "plain", "pw1")).await;
    wire.next().await.expect("accepted");
    wire.write(&publish_5("nhip/v1/t/air/st2", Some(1), &[], b"no")).await;
    wire.write(&publish_5("nhip/v1/t/air/st1", Some(2), &[], b"yes")).await;
    wire.write(&publish_5("$SYS/broker", Some(3), &[], b"no")).await;
    wire.write(&publish_5("u/plain/a", Some(4), &[], b"yes")).await;
    let answers = [wire.next().await, wire.next().await, wire.next().await, wire.next().await];
    let answers: Vec<Vec<u8>> = answers.into_iter().map(|answer| answer.expect("PUBACK")).collect();
    assert_eq!(answers, [vec![0x40, 3, 0, 1, 0x87], puback(2), vec![0x40, 3, 0, 3, 0x87], puback(4)]);
    let mut wire = Wire::open(addr).await;
    wire.write(&login("st1", "hashed", "pw2")).await;
    wire.next().await.expect("accepted");
    wire.write(&publish_3("nhip/v1/t/air/st2", None, b"dropped")).await;
    wire.write(&publish_3("nhip/v1/t/air/st1", Some(1), b"yes")).await;
    assert_eq!(wire.next().await, Some(puback(1)));
    wire.write(&publish_3("nhip/v1/t/air/st2", Some(2), b"no")).await;
    assert_eq!(wire.next().await, None);
    let seen = served.intake.recorded();
    assert_eq!(seen.payloads(), ["yes", "yes", "yes"]);
    let principals: Vec<&str> = seen.deliveries.iter().map(|delivery| delivery.principal.as_str()).collect();
    assert_eq!(principals, ["plain", "plain", "hashed"]);
    // A will is a publication: refused at CONNECT already.
    let will =
        connect_3("st1", 0xC6, 60, &[text("nhip/v1/t/air/st2"), text("w"), text("plain"), text("pw1")]);
    assert_eq!(answer(addr, &will).await.expect("refused"), [0x20, 2, 0, 5]);
    served.end().await;
}

#[tokio::test]
async fn anonymous_clients_stay_on_loopback() {
    let open = MqttEndpointConfig { listen: ([0, 0, 0, 0], 0).into(), ..config() };
    let refused = MqttEndpoint::bind(open.clone()).await;
    assert!(matches!(refused, Err(LinkError::Configuration(_))));
    assert!(MqttEndpoint::bind(MqttEndpointConfig { anonymous_open: true, ..open.clone() }).await.is_ok());
    assert!(MqttEndpoint::bind(MqttEndpointConfig { anonymous: None, ..open }).await.is_ok());
    let taken = MqttEndpoint::bind(config()).await.expect("binds");
    let again = MqttEndpoint::bind(MqttEndpointConfig { listen: taken.addr(), ..config() }).await;
    assert!(matches!(again, Err(LinkError::Configuration(_))), "the address is taken");
}

#[tokio::test]
async fn publications_arrive_as_sent() {
    let served = serve(config()).await;
    let mut wire = Wire::connected_3(served.addr, "a").await;
    let big = vec![b'x'; 1024 * 1024];
    let mut burst = publish_3("nhip/v1/t/air/một", Some(7), b"1");
    burst.extend(publish_3("q0", None, b"2"));
    burst.extend(packet(0x3B, &[text("dup/retained"), vec![0, 8], b"3".to_vec()].concat()));
    burst.extend(publish_3("empty", Some(9), b""));
    burst.extend(publish_3("big", Some(10), &big));
    wire.write(&burst).await;
    for id in [7, 8, 9, 10] {
        assert_eq!(puback_id(&wire.next().await.expect("PUBACK")), Some(id));
    }
    wire.write(&[0xC0, 0]).await;
    assert_eq!(wire.next().await, Some(vec![0xD0, 0]), "PINGRESP");
    let seen = served.intake.recorded().deliveries;
    let topics: Vec<&str> = seen.iter().map(|delivery| delivery.topic.as_str()).collect();
    assert_eq!(topics, ["nhip/v1/t/air/một", "q0", "dup/retained", "empty", "big"]);
    assert_eq!(seen[1].dedication.qos, 0);
    assert!(seen[2].dedication.dup, "DUP is kept");
    assert!(!seen[2].dedication.retain, "RETAIN from a publisher is a wish, the message is an event");
    assert_eq!(seen[4].payload, big);
    assert_eq!(seen[0].principal, "anonymous");

    let mut wire = Wire::connected_5(served.addr, "b").await;
    let alias =
        [&[0x23, 0, 3, 0x03][..], &text("application/json"), &[0x26], &text("k"), &text("v")].concat();
    wire.write(&publish_5("long/topic", Some(1), &alias, b"a")).await;
    wire.write(&publish_5("", Some(2), &[0x23, 0, 3], b"b")).await;
    assert_eq!(puback_id(&wire.next().await.expect("PUBACK")), Some(1));
    assert_eq!(puback_id(&wire.next().await.expect("PUBACK")), Some(2));
    let seen = served.intake.recorded().deliveries;
    assert_eq!((seen[5].topic.as_str(), seen[5].content_type.as_str()), ("long/topic", "application/json"));
    assert_eq!((seen[6].topic.as_str(), seen[6].content_type.as_str()), ("long/topic", ""));
    assert!(seen[6].epoch > seen[4].epoch, "each connection has its epoch");
    assert_eq!(served.endpoint.state().delivered, 7);
    served.end().await;
}

#[tokio::test]
async fn publications_that_break_the_standards_end_the_connection() {
    let served =
        serve(MqttEndpointConfig { payload_bytes_max: 4_096, topic_bytes_max: 64, ..config() }).await;
    let long = "x".repeat(65);
    let five: Vec<(&str, Vec<u8>, u8)> = vec![
        ("QoS 2", packet(0x34, &[text("a"), vec![0, 1, 0]].concat()), 0x9B),
        ("QoS 3", packet(0x36, &[text("a"), vec![0, 1, 0]].concat()), 0x81),
        ("DUP at QoS 0", packet(0x38, &[text("a"), vec![0]].concat()), 0x81),
        ("packet id 0", publish_5("a", Some(0), &[], b""), 0x82),
        ("empty topic", publish_5("", Some(1), &[], b""), 0x82),
        ("unknown alias", publish_5("", Some(1), &[0x23, 0, 5], b""), 0x82),
        ("alias 0", publish_5("a", Some(1), &[0x23, 0, 0], b""), 0x94),
        ("alias beyond", publish_5("a", Some(1), &[0x23, 0, 17], b""), 0x94),
        ("wildcard +", publish_5("a/+/b", Some(1), &[], b""), 0x90),
        ("wildcard #", publish_5("#", Some(1), &[], b""), 0x90),
        ("NUL", publish_5("a\0b", Some(1), &[], b""), 0x81),
        ("long topic", publish_5(&long, Some(1), &[], b""), 0x90),
        ("no UTF-8", packet(0x32, &[text([0xFF, 0xFE]), vec![0, 1, 0]].concat()), 0x81),
        ("property twice", publish_5("a", Some(1), &[1, 0, 1, 0], b""), 0x82),
        ("unknown property", publish_5("a", Some(1), &[0x7E, 0], b""), 0x81),
        ("subscription id", publish_5("a", Some(1), &[0x0B, 1], b""), 0x82),
        ("cut short", packet(0x32, &[0, 5, b'a']), 0x81),
        ("too large", publish_5("a", Some(1), &[], &vec![0; 8_192]), 0x95),
        ("length never ends", vec![0x32, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], 0x81),
        ("packet of a server", vec![0x20, 3, 0, 0, 0], 0x82),
        ("reserved type 0", vec![0, 0], 0x82),
        ("AUTH", vec![0xF0, 2, 0x18, 0], 0x82),
        ("PINGREQ with a body", vec![0xC0, 1, 0], 0x82),
        ("SUBSCRIBE flags", packet(0x80, &[&[0, 1, 0][..], &text("a"), &[1]].concat()), 0x81),
        ("SUBSCRIBE of nothing", packet(0x82, &[0, 1, 0]), 0x82),
    ];
    for (what, bytes, reason) in &five {
        let mut wire = Wire::connected_5(served.addr, "five").await;
        wire.try_write(bytes).await;
        assert_eq!(wire.end().await, [vec![0xE0, 2, *reason, 0]], "{what}");
    }
    let three = [
        ("QoS 2", packet(0x34, &[text("a"), vec![0, 1]].concat())),
        ("empty topic", publish_3("", Some(1), b"")),
        ("wildcard", publish_3("a/#", Some(1), b"")),
        ("too large", publish_3("a", Some(1), &vec![0; 8_192])),
        ("QoS 1 to $SYS", publish_3("$SYS/x", Some(1), b"")),
        ("reserved option", packet(0x82, &[&[0, 1][..], &text("a"), &[5]].concat())),
        ("DISCONNECT with a body", vec![0xE0, 1, 0]),
    ];
    for (what, bytes) in &three {
        let mut wire = Wire::connected_3(served.addr, "three").await;
        wire.try_write(bytes).await;
        assert_eq!(wire.end().await, Vec::<Vec<u8>>::new(), "{what}");
    }
    assert!(served.intake.recorded().deliveries.is_empty());
    // What came whole before the fault counts, and the endpoint lives on.
    let mut wire = Wire::connected_5(served.addr, "five").await;
    wire.write(&[publish_5("good", Some(1), &[], b"1"), vec![0xF0, 0]].concat()).await;
    wire.end().await;
    served.intake.until("the good one", |seen| seen.payloads() == ["1"]).await;
    served.end().await;
}

#[tokio::test]
async fn the_receive_maximum_holds() {
    let served = serve(MqttEndpointConfig { receive_max: 4, ..config() }).await;
    served.intake.hold(true);
    let mut wire = Wire::connected_5(served.addr, "a").await;
    let burst: Vec<u8> = (1..=5).flat_map(|id| publish_5("a", Some(id), &[], b"x")).collect();
    wire.write(&burst).await;
    assert_eq!(wire.end().await, [vec![0xE0, 2, 0x93, 0]], "the fifth exceeds it");
    served.intake.until("the four before", |seen| seen.deliveries.len() >= 4).await;
    served.intake.settle_all();
    served.end().await;
}

#[tokio::test]
async fn wills_are_delivered_when_a_connection_dies() {
    let served = serve(config()).await;
    let will = |client: &str| connect_3(client, 0x0E, 60, &[text(format!("will/{client}")), text("gone")]);
    let connected = async |client: &str| {
        let mut wire = Wire::open(served.addr).await;
        wire.write(&will(client)).await;
        assert_eq!(wire.next().await.expect("accepted"), [0x20, 2, 0, 0]);
        wire
    };
    let topics = |count: usize| {
        let intake = Arc::clone(&served.intake);
        async move {
            intake.until("wills", |seen| seen.deliveries.len() == count).await;
            intake.recorded().deliveries.into_iter().map(|delivery| delivery.topic).collect::<Vec<_>>()
        }
    };
    // DISCONNECT takes the will away.
    let mut wire = connected("bye").await;
    wire.write(&[0xE0, 0]).await;
    assert_eq!(wire.next().await, None);
    // A lost connection, a broken protocol.
    drop(connected("lost").await);
    assert_eq!(topics(1).await, ["will/lost"]);
    let mut wire = connected("fault").await;
    wire.write(&[0xF0, 0]).await;
    assert_eq!(topics(2).await[1..], ["will/fault"]);
    // A takeover: the older one's will comes before what the newer one sends.
    let mut older = connected("twice").await;
    let mut newer = connected("twice").await;
    assert_eq!(older.next().await, None, "the older one is closed");
    newer.write(&publish_3("new", Some(1), b"")).await;
    assert_eq!(topics(4).await[2..], ["will/twice", "new"]);
    // MQTT 5: DISCONNECT with reason 4 asks for it, reason 0 does not; the older one hears why.
    let will_5 = connect_5("five", 0x06, 60, &[], &[vec![0], text("will/five"), text("w")]);
    for (reason, count) in [(0_u8, 4), (4, 5)] {
        let mut wire = Wire::open(served.addr).await;
        wire.write(&will_5).await;
        wire.next().await.expect("accepted");
        wire.write(&[0xE0, 2, reason, 0]).await;
        assert_eq!(wire.next().await, None);
        topics(count).await;
    }
    let mut older = Wire::connected_5(served.addr, "seven").await;
    let _newer = Wire::connected_5(served.addr, "seven").await;
    assert_eq!(older.end().await, [vec![0xE0, 2, 0x8E, 0]], "session taken over");
    assert!(served.intake.recorded().deliveries.iter().all(|delivery| delivery.dedication.qos <= 1));
    served.end().await;
}

#[tokio::test]
async fn keep_alive_is_enforced_at_one_and_a_half() {
    let served = serve(config()).await;
    let mut never = Wire::open(served.addr).await;
    never.write(&connect_3("never", 0x02, 0, &[])).await;
    never.next().await.expect("accepted");
    let mut wire = Wire::open(served.addr).await;
    let started = Instant::now();
    wire.write(&connect_5("one", 0x02, 1, &[], &[])).await;
    wire.next().await.expect("accepted");
    assert_eq!(wire.end().await, [vec![0xE0, 2, 0x8D, 0]], "keep-alive timeout");
    let waited = started.elapsed();
    assert!(waited >= Duration::from_millis(1_450), "not before one and a half: {waited:?}");
    assert!(waited < Duration::from_secs(10), "soon after: {waited:?}");
    never.write(&[0xC0, 0]).await;
    assert_eq!(never.next().await, Some(vec![0xD0, 0]), "keep-alive 0 has no end");
    served.end().await;
}

#[tokio::test]
async fn clients_hear_their_own_commands_only() {
    let served = serve(config()).await;
    let mut three = Wire::connected_3(served.addr, "three").await;
    for (filter, code) in [("#", 0x80), ("nhip/v1/t/air/st1", 0x80), ("nhip/v1/t/air/st1/command", 1)] {
        three.write(&subscribe_3(5, filter)).await;
        assert_eq!(three.next().await.expect("SUBACK"), [0x90, 3, 0, 5, code], "{filter}");
    }
    let mut five = Wire::connected_5(served.addr, "five").await;
    let wanted = [
        ("#", 0x87),
        ("$SYS/#", 0x87),
        ("a/#/b", 0x8F),
        ("$share/g/spBv1.0/a/NCMD/b", 0x9E),
        ("spBv1.0/g/NCMD/n/#", 1),
        ("spBv1.0/g/DCMD/n/#", 1),
    ];
    for (filter, code) in wanted {
        five.write(&subscribe_5(5, filter)).await;
        assert_eq!(five.next().await.expect("SUBACK"), [0x90, 4, 0, 5, 0, code], "{filter}");
    }
    let command = |topic: &str, payload: &'static [u8]| OutgoingCommand {
        topic: topic.to_owned(),
        payload: Bytes::from_static(payload),
    };
    served.endpoint.send(command("nhip/v1/t/air/st1/command", b"one")).await;
    let got = three.next().await.expect("a command");
    let expected = publish_3("nhip/v1/t/air/st1/command", Some(1), b"one");
    assert_eq!(got, expected);
    three.write(&puback(1)).await;
    served.endpoint.send(command("spBv1.0/g/NCMD/n", b"two")).await;
    assert_eq!(five.next().await, Some(publish_5("spBv1.0/g/NCMD/n", Some(1), &[], b"two")));
    served.endpoint.send(command("nobody/hears/this", b"three")).await;
    // A command never comes back as a delivery, and ends with the subscription.
    three.write(&packet(0xA2, &[&[0, 6][..], &text("nhip/v1/t/air/st1/command")].concat())).await;
    assert_eq!(three.next().await, Some(vec![0xB0, 2, 0, 6]));
    served.endpoint.send(command("nhip/v1/t/air/st1/command", b"four")).await;
    three.write(&[0xC0, 0]).await;
    assert_eq!(three.next().await, Some(vec![0xD0, 0]), "nothing but PINGRESP");
    assert!(served.intake.recorded().deliveries.is_empty());
    served.end().await;
}

#[tokio::test]
async fn the_number_of_connections_is_bounded() {
    let served = serve(MqttEndpointConfig { connections_max: 2, ..config() }).await;
    let first = Wire::connected_3(served.addr, "a").await;
    let mut second = Wire::connected_3(served.addr, "b").await;
    let mut third = Wire::open(served.addr).await;
    assert_eq!(third.next().await, None, "closed at once");
    drop(first);
    // The place is free as soon as the endpoint has seen the end.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut again = Wire::open(served.addr).await;
        again.try_write(&connect_3("c", 2, 60, &[])).await;
        if again.next().await.is_some() {
            break;
        }
        assert!(Instant::now() < deadline, "the place is not freed");
    }
    second.write(&[0xC0, 0]).await;
    assert_eq!(second.next().await, Some(vec![0xD0, 0]), "the others are not disturbed");
    served.end().await;
}

#[tokio::test]
async fn a_stop_acknowledges_what_is_durable_and_says_why() {
    let served = serve(config()).await;
    served.intake.hold(true);
    let mut wire = Wire::connected_5(served.addr, "a").await;
    wire.write(&publish_5("a", Some(1), &[], b"x")).await;
    served.intake.until("the delivery", |seen| seen.deliveries.len() == 1).await;
    served.stop.cancel();
    served.intake.settle_all();
    assert_eq!(
        wire.end().await,
        [puback(1), vec![0xE0, 2, 0x8B, 0]],
        "acknowledged, then server shutting down"
    );
    served.end().await;
}

#[tokio::test]
async fn back_pressure_stops_reading_and_loses_nothing() {
    let limits = MqttEndpointConfig { submits_in_flight_max: 2, deliveries_per_submit_max: 8, ..config() };
    let served = serve(limits).await;
    served.intake.hold(true);
    let mut wire = Wire::connected_3(served.addr, "a").await;
    let burst: Vec<u8> =
        (1..=100).flat_map(|id| publish_3("a", Some(id), id.to_string().as_bytes())).collect();
    wire.write(&burst).await;
    served.intake.until("two submits", |seen| seen.submits.len() == 2).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let held = served.intake.recorded();
    assert_eq!(held.submits.len(), 2, "no third submit while two wait");
    assert!(held.submits.iter().all(|count| *count <= 8), "batches are bounded: {:?}", held.submits);
    served.intake.hold(false);
    served.intake.settle_all();
    for id in 1..=100 {
        assert_eq!(puback_id(&wire.next().await.expect("PUBACK")), Some(id), "in order");
    }
    let expected: Vec<String> = (1..=100).map(|id| id.to_string()).collect();
    assert_eq!(served.intake.recorded().payloads(), expected);
    served.end().await;
}
