//! A device gateway over real MQTT: births bind aliases, data under them counts, a lost message leads to a rebirth
//! request on the gateway's command topic, and the will of an older connection kills nobody.

#[path = "sparkplug/payload.rs"]
mod payload;

use std::collections::VecDeque;
use std::time::Duration;

use nhip_proto::{ArrivalTime, SECOND};
use nhip_tests::{NodeOptions, SteppedNode, get_json, metric, until};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, Publish, QoS};
use serde_json::Value;

use payload::{Metric, payload};

/// 2026-11-20T07:00:00+07:00.
const SEVEN: ArrivalTime = ArrivalTime(1_795_132_800 * SECOND);
const STATUS: u64 = 7;
const BATTERY: u64 = 8;
const DEVICE: &str = "tn-dev-01";
const GATEWAY: &str = "tn-gw-01";
const COMMANDS: &str = "spBv1.0/tay-ninh/NCMD/tn-gw-01";
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_gateway_is_heard_and_asked_for_its_births() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = NodeOptions::run(&directory.path().join("data")).set("--profile", "profiles/tay-ninh");
    let stepped = SteppedNode::start(options, SEVEN).expect("a node");
    let mut city = Gateway::connect(stepped);
    city.births(1);
    city.step_to_second(60);
    city.data(2, &[Metric::alias_text(STATUS, "online")]);
    assert_eq!(city.counts(DEVICE, "applied"), 3, "a birth's two metrics and one under its alias");
    // Sequence 3 is lost.
    city.step_to_second(120);
    assert_eq!(city.asked(), 0.0, "nothing was missing so far");
    city.data(4, &[Metric::alias_text(STATUS, "offline")]);
    let command = city.command();
    assert!(
        command.windows(20).any(|bytes| bytes == b"Node Control/Rebirth"),
        "the command says what: {command:02x?}"
    );
    assert_eq!(city.asked(), 1.0, "asked once");
    city.step_to_second(130);
    city.births(2);
    // The will of the connection before: its bdSeq is not the last birth's.
    city.death(1);
    city.step_to_second(180);
    city.data(2, &[Metric::alias_text(STATUS, "online"), Metric::alias_number(BATTERY, 80.5)]);
    assert_eq!(city.counts(DEVICE, "item_rejected"), 0, "every alias was bound");
    assert_eq!(city.asked(), 1.0, "a stale death kills nobody, so nobody is asked again");
    city.death(2);
    city.step_to_second(300);
    city.data(3, &[Metric::alias_text(STATUS, "online")]);
    until("data after its true death is asked about", PATIENCE, || city.asked() > 1.0);
    city.step_to_second(1_200);
    let asked = "indicator=device.online_share&area=80&window=2026-11-20T00:00:00Z";
    let figure = get_json(city.stepped.node.http, &format!("/api/v1/explain?{asked}"));
    // Born online at 0 s, online at 60 s, offline at 120 s, born again online at 130 s, online at 180 s, dead after it.
    assert_eq!(figure["k"], 1, "{figure}");
    assert!(figure["figure"]["value"].as_f64().is_some_and(|share| share > 50.0), "{figure}");
    let samples = figure["samples"].as_array().cloned().unwrap_or_default();
    assert!(
        samples.iter().any(|sample| sample["topic"].as_str().is_some_and(|topic| topic.contains("DDATA")))
    );
    let missing = figure["missing"].as_array().map_or(0, Vec::len);
    assert_eq!(missing, 7, "seven of eight cabinets are named as missing");
}

/// A gateway with one cabinet behind it.
struct Gateway {
    stepped: SteppedNode,
    runtime: tokio::runtime::Runtime,
    client: AsyncClient,
    events: EventLoop,
    /// Received while something else was waited for.
    commands: VecDeque<Publish>,
}

impl Gateway {
    fn connect(stepped: SteppedNode) -> Self {
        let mqtt = stepped.node.mqtt.expect("an endpoint");
        let mut options = MqttOptions::new(GATEWAY, mqtt.ip().to_string(), mqtt.port());
        options.set_keep_alive(Duration::from_secs(60));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (client, events) = AsyncClient::new(options, 16);
        let mut gateway = Self { stepped, runtime, client, events, commands: VecDeque::new() };
        let subscription = gateway.client.subscribe(COMMANDS, QoS::AtMostOnce);
        gateway.runtime.block_on(subscription).expect("queued");
        gateway.until_packet("the subscription", |packet| matches!(packet, Packet::SubAck(_)));
        gateway
    }

    /// NBIRTH and DBIRTH with sequences 0 and 1.
    fn births(&mut self, number: u64) {
        let at = self.stepped.now();
        let birth = Metric::named_whole("bdSeq", number);
        self.publish(&format!("NBIRTH/{GATEWAY}"), payload(Some(at), Some(0), &[birth]));
        let metrics = [
            Metric::named_text("Cabinet/status", "online").bound_to(STATUS),
            Metric::named_number("Cabinet/battery", 81.0).bound_to(BATTERY),
        ];
        self.publish(&format!("DBIRTH/{GATEWAY}/{DEVICE}"), payload(Some(at), Some(1), &metrics));
    }

    fn data(&mut self, sequence: u64, metrics: &[Metric]) {
        let at = self.stepped.now();
        self.publish(&format!("DDATA/{GATEWAY}/{DEVICE}"), payload(Some(at), Some(sequence), metrics));
    }

    fn death(&mut self, number: u64) {
        self.publish(
            &format!("NDEATH/{GATEWAY}"),
            payload(None, None, &[Metric::named_whole("bdSeq", number)]),
        );
    }

    fn publish(&mut self, topic: &str, payload: Vec<u8>) {
        let queued =
            self.client.publish(format!("spBv1.0/tay-ninh/{topic}"), QoS::AtLeastOnce, false, payload);
        self.runtime.block_on(queued).expect("queued");
        self.until_packet("the acknowledgement", |packet| matches!(packet, Packet::PubAck(_)));
        self.stepped.settle();
    }

    fn command(&mut self) -> Vec<u8> {
        if self.commands.is_empty() {
            self.until_packet("a command", |packet| matches!(packet, Packet::Publish(_)));
        }
        let command = self.commands.pop_front().expect("it was just received");
        assert_eq!(command.topic, COMMANDS);
        command.payload.to_vec()
    }

    fn until_packet(&mut self, what: &str, wanted: impl Fn(&Packet) -> bool) {
        let (events, commands) = (&mut self.events, &mut self.commands);
        let found = self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, async {
                loop {
                    let Event::Incoming(packet) = events.poll().await.expect("the connection stands") else {
                        continue;
                    };
                    let found = wanted(&packet);
                    if let Packet::Publish(command) = packet {
                        commands.push_back(command);
                    }
                    if found {
                        break;
                    }
                }
            })
            .await
        });
        found.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"));
    }

    fn step_to_second(&mut self, second: i64) {
        self.stepped.step_to(SEVEN.plus(second * SECOND));
    }

    fn asked(&self) -> f64 {
        metric(self.stepped.node.http, "nhip_node_rebirths_total").unwrap_or(0.0)
    }

    fn counts(&self, source: &str, class: &str) -> u64 {
        let ledger = get_json(self.stepped.node.http, "/api/v1/ledger?limit=5000");
        let lines = ledger["items"].as_array().cloned().unwrap_or_default();
        let line: Option<Value> = lines.into_iter().find(|line| line["source"] == source);
        line.and_then(|line| line[class].as_u64()).unwrap_or(0)
    }
}
