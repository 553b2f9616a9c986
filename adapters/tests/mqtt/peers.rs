//! The other sides of the links under contract: a script, a device in front of the endpoint, a broker behind
//! the subscriber.
#![allow(dead_code, reason = "each test file uses a part")]

use std::net::SocketAddr;

use async_trait::async_trait;
use bytes::Bytes;
use nhip_ports::Delivery;
use nhip_ports::contract::ingest_link::{Peer, TOPIC};
use nhip_ports::memory::Script;
use nhip_proto::Dedication;
use tokio::net::TcpListener;

use super::wire::{PATIENCE, Wire, packet, puback_id, publish_3, publish_5};

/// Drives the scripted link.
pub(crate) struct ScriptPeer(pub(crate) Script);

#[async_trait]
impl Peer for ScriptPeer {
    async fn connect(&mut self) {
        self.0.connect().await;
    }

    async fn send(&mut self, messages: &[(u16, String)]) {
        let delivery = |payload: &String| Delivery {
            topic: TOPIC.to_owned(),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            dedication: Dedication { qos: 1, retain: false, dup: false },
            content_type: String::new(),
            principal: "script".to_owned(),
            epoch: 0,
        };
        self.0.deliver(messages.iter().map(|(id, payload)| (*id, delivery(payload))).collect()).await;
    }

    async fn break_connection(&mut self) {
        self.0.break_connection().await;
    }

    async fn acknowledged(&mut self) -> Vec<u16> {
        self.0.acknowledged()
    }
}

/// A device that publishes to the endpoint.
pub(crate) struct DevicePeer {
    pub(crate) addr: SocketAddr,
    pub(crate) version_5: bool,
    pub(crate) wire: Option<Wire>,
    pub(crate) acknowledged: Vec<u16>,
}

#[async_trait]
impl Peer for DevicePeer {
    async fn connect(&mut self) {
        let wire = if self.version_5 {
            Wire::connected_5(self.addr, "device").await
        } else {
            Wire::connected_3(self.addr, "device").await
        };
        self.wire = Some(wire);
        self.acknowledged.clear();
    }

    async fn send(&mut self, messages: &[(u16, String)]) {
        let bytes = publications(self.version_5, messages);
        self.wire.as_mut().expect("connected").write(&bytes).await;
    }

    async fn break_connection(&mut self) {
        self.wire = None;
    }

    async fn acknowledged(&mut self) -> Vec<u16> {
        let ready = self.wire.as_mut().map(Wire::ready).unwrap_or_default();
        self.acknowledged.extend(ready.iter().filter_map(|packet| puback_id(packet)));
        self.acknowledged.clone()
    }
}

/// A broker of a few lines: it accepts one subscriber at a time and never keeps anything.
pub(crate) struct BrokerPeer {
    pub(crate) listener: TcpListener,
    pub(crate) version_5: bool,
    pub(crate) wire: Option<Wire>,
    pub(crate) acknowledged: Vec<u16>,
    /// What CONNACK says about the session at the next connection.
    pub(crate) session_present: bool,
    /// SUBSCRIBE packets seen.
    pub(crate) subscriptions: Vec<Vec<u8>>,
}

impl BrokerPeer {
    pub(crate) async fn new(version_5: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self {
            listener,
            version_5,
            wire: None,
            acknowledged: Vec::new(),
            session_present: false,
            subscriptions: Vec::new(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().expect("bound").port()
    }
}

#[async_trait]
impl Peer for BrokerPeer {
    async fn connect(&mut self) {
        let accepted = tokio::time::timeout(PATIENCE, self.listener.accept()).await;
        let (stream, _) = accepted.expect("the subscriber comes in time").expect("accepts");
        let mut wire = Wire::new(stream);
        let connect = wire.next().await.expect("CONNECT");
        assert_eq!(connect[0], 0x10, "the first packet is CONNECT");
        let present = u8::from(self.session_present);
        let answer = if self.version_5 { vec![present, 0, 0] } else { vec![present, 0] };
        wire.write(&packet(0x20, &answer)).await;
        let subscribe = wire.next().await.expect("SUBSCRIBE");
        assert_eq!(subscribe[0], 0x82, "it subscribes on every connection");
        let id = [subscribe[2], subscribe[3]];
        let answer = if self.version_5 { vec![id[0], id[1], 0, 1] } else { vec![id[0], id[1], 1] };
        wire.write(&packet(0x90, &answer)).await;
        self.subscriptions.push(subscribe);
        self.session_present = true;
        self.wire = Some(wire);
        self.acknowledged.clear();
    }

    async fn send(&mut self, messages: &[(u16, String)]) {
        let bytes = publications(self.version_5, messages);
        self.wire.as_mut().expect("connected").write(&bytes).await;
    }

    async fn break_connection(&mut self) {
        self.wire = None;
    }

    async fn acknowledged(&mut self) -> Vec<u16> {
        let ready = self.wire.as_mut().map(Wire::ready).unwrap_or_default();
        self.acknowledged.extend(ready.iter().filter_map(|packet| puback_id(packet)));
        self.acknowledged.clone()
    }
}

fn publications(version_5: bool, messages: &[(u16, String)]) -> Vec<u8> {
    let one = |(id, payload): &(u16, String)| {
        if version_5 {
            publish_5(TOPIC, Some(*id), &[], payload.as_bytes())
        } else {
            publish_3(TOPIC, Some(*id), payload.as_bytes())
        }
    };
    messages.iter().flat_map(one).collect()
}
