//! Every MQTT link keeps the promises of the ingest link.

use std::sync::Arc;

use nhip_adapters::{
    MqttBroker, MqttEndpoint, MqttEndpointConfig, MqttProtocol, MqttSubscriber, MqttSubscriberConfig,
};
use nhip_ports::contract::ingest_link::{self, Bench};
use nhip_ports::memory::ScriptedLink;

#[path = "mqtt/peers.rs"]
mod peers;
#[path = "mqtt/wire.rs"]
mod wire;

use peers::{BrokerPeer, DevicePeer, ScriptPeer};

#[tokio::test]
async fn the_scripted_link_keeps_its_promises() {
    ingest_link::all(async || {
        let (link, script) = ScriptedLink::new("script");
        Bench { link, peer: Box::new(ScriptPeer(script)) }
    })
    .await;
}

async fn endpoint(version_5: bool) -> Bench {
    let config = MqttEndpointConfig { listen: ([127, 0, 0, 1], 0).into(), ..MqttEndpointConfig::default() };
    let link = Arc::new(MqttEndpoint::bind(config).await.expect("binds"));
    let peer = DevicePeer { addr: link.addr(), version_5, wire: None, acknowledged: Vec::new() };
    Bench { link, peer: Box::new(peer) }
}

#[tokio::test]
async fn the_endpoint_keeps_its_promises_on_mqtt_3() {
    ingest_link::all(async || endpoint(false).await).await;
}

#[tokio::test]
async fn the_endpoint_keeps_its_promises_on_mqtt_5() {
    ingest_link::all(async || endpoint(true).await).await;
}

async fn subscriber(version_5: bool) -> Bench {
    let peer = BrokerPeer::new(version_5).await;
    let broker = MqttBroker {
        port: peer.port(),
        protocol: if version_5 { MqttProtocol::V5 } else { MqttProtocol::V3 },
        backoff_ms_min: 10,
        backoff_ms_max: 50,
        ..MqttBroker::default()
    };
    let config = MqttSubscriberConfig { broker, ..MqttSubscriberConfig::default() };
    let link = Arc::new(MqttSubscriber::new(config).expect("a good configuration"));
    Bench { link, peer: Box::new(peer) }
}

#[tokio::test]
async fn the_subscriber_keeps_its_promises_on_mqtt_3() {
    ingest_link::all(async || subscriber(false).await).await;
}

#[tokio::test]
async fn the_subscriber_keeps_its_promises_on_mqtt_5() {
    ingest_link::all(async || subscriber(true).await).await;
}
