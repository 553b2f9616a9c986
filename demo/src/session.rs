//! One publisher connection that outlives its server: QoS 1 with a bounded window, every unacknowledged
//! message sent again in order after a reconnect. Not rumqttc: that drops its pending messages when the
//! server lost the session, and does not say which message an acknowledgement belongs to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::mqtt::{self, Hello, PacketError, Received};

/// Bytes gathered before one write.
const WRITE_BYTES_MAX: usize = 64 * 1024;
/// The first and the longest pause between two attempts to connect.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// How long the server may take to answer CONNECT.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A message to publish; the tag comes back with its acknowledgement.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) topic: Arc<str>,
    pub(crate) payload: Bytes,
    pub(crate) qos: u8,
    pub(crate) tag: u64,
}

/// What a session carries: gives messages, learns what became of them.
#[async_trait]
pub(crate) trait Traffic: Send {
    /// How to introduce the next connection.
    fn hello(&mut self) -> Hello;
    /// The server accepted the connection; `again` if it is not the first.
    fn connected(&mut self, again: bool);
    /// Waits until [`Self::take`] may give something; false: never again. Must be safe to cancel.
    async fn ready(&mut self) -> bool;
    /// The next message, if there is one now.
    fn take(&mut self) -> Option<Outgoing>;
    /// The server acknowledged the message of this tag (QoS 1 only).
    fn acknowledged(&mut self, tag: u64);
    /// The server sent a message of the subscription.
    fn command(&mut self, topic: &str, payload: &[u8]);
    /// Whether the connection shall be given up and made anew (a device that dies on purpose).
    fn renew(&mut self) -> bool {
        false
    }
}

/// What became of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Connections beyond the first.
    pub(crate) reconnects: u64,
    /// Messages sent a second time or more.
    pub(crate) resent: u64,
    /// QoS 1 messages still unacknowledged at the end.
    pub(crate) unacknowledged: u64,
}

struct Pending {
    packet_id: u16,
    tag: u64,
    frame: Vec<u8>,
}

/// A session before, between and inside its connections.
pub(crate) struct Session<'a, T> {
    server: SocketAddr,
    inflight_max: usize,
    traffic: &'a mut T,
    stop: &'a CancellationToken,
    window: VecDeque<Pending>,
    packet_id: u16,
    finished: bool,
    tally: Tally,
}

enum Ended {
    Done,
    Renew,
    Lost,
}

/// Publishes all traffic; returns when it ended and everything is acknowledged, or when stopped.
pub(crate) async fn drive<T: Traffic>(
    server: SocketAddr,
    inflight_max: u16,
    traffic: &mut T,
    stop: &CancellationToken,
) -> Tally {
    let inflight_max = usize::from(inflight_max.clamp(1, u16::MAX / 2));
    let window = VecDeque::with_capacity(inflight_max);
    let mut session = Session {
        server,
        inflight_max,
        traffic,
        stop,
        window,
        packet_id: 0,
        finished: false,
        tally: Tally::default(),
    };
    session.run().await;
    session.tally.unacknowledged = session.window.len() as u64;
    session.tally
}

impl<T: Traffic> Session<'_, T> {
    async fn run(&mut self) {
        let mut pause = PAUSE_FIRST;
        let mut connected_before = false;
        while !self.stop.is_cancelled() {
            let hello = self.traffic.hello();
            let stream = tokio::select! {
                () = self.stop.cancelled() => return,
                stream = open(self.server, &hello) => stream,
            };
            if let Some((stream, rest)) = stream {
                pause = PAUSE_FIRST;
                self.tally.reconnects += u64::from(connected_before);
                self.traffic.connected(connected_before);
                connected_before = true;
                match self.connection(stream, rest, &hello).await {
                    Ended::Done => return,
                    Ended::Renew => {}
                    Ended::Lost => tokio::time::sleep(PAUSE_FIRST).await,
                }
            } else {
                tokio::select! {
                    () = self.stop.cancelled() => return,
                    () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
                }
            }
        }
    }

    async fn connection(&mut self, mut stream: TcpStream, mut incoming: BytesMut, hello: &Hello) -> Ended {
        let mut outgoing = Vec::with_capacity(WRITE_BYTES_MAX);
        if let Some(filter) = &hello.subscribe {
            mqtt::subscribe(filter, &mut outgoing);
        }
        for pending in &mut self.window {
            mqtt::mark_redelivery(&mut pending.frame);
            outgoing.extend_from_slice(&pending.frame);
            self.tally.resent += 1;
        }
        let alive = Duration::from_secs(u64::from(hello.keep_alive_s.max(2)));
        let mut heard = Instant::now();
        let mut ping = tokio::time::interval(alive / 2);
        loop {
            self.fill(&mut outgoing);
            let done = self.finished && self.window.is_empty();
            let renew = !done && self.traffic.renew();
            if done {
                mqtt::disconnect(&mut outgoing);
            }
            if self.write(&mut stream, &mut outgoing).await.is_none() {
                return if self.stop.is_cancelled() { Ended::Done } else { Ended::Lost };
            }
            if done || renew {
                return if done { Ended::Done } else { Ended::Renew };
            }
            let room = !self.finished && self.window.len() < self.inflight_max;
            tokio::select! {
                read = stream.read_buf(&mut incoming) => {
                    heard = Instant::now();
                    let open = matches!(read, Ok(count) if count > 0);
                    if !open || self.receive(&mut incoming, &mut outgoing).is_err() {
                        return Ended::Lost;
                    }
                }
                more = self.traffic.ready(), if room => self.finished = !more,
                _ = ping.tick() => {
                    if heard.elapsed() > alive * 3 {
                        return Ended::Lost;
                    }
                    mqtt::ping(&mut outgoing);
                }
                () = self.stop.cancelled() => return Ended::Done,
            }
        }
    }

    /// Takes messages while window and write buffer have room.
    fn fill(&mut self, outgoing: &mut Vec<u8>) {
        while self.window.len() < self.inflight_max && outgoing.len() < WRITE_BYTES_MAX {
            let Some(message) = self.traffic.take() else { return };
            if message.qos == 0 {
                mqtt::publish(&message.topic, &message.payload, None, outgoing);
                continue;
            }
            let packet_id = self.next_packet_id();
            let mut frame = Vec::with_capacity(message.payload.len() + message.topic.len() + 9);
            mqtt::publish(&message.topic, &message.payload, Some(packet_id), &mut frame);
            outgoing.extend_from_slice(&frame);
            self.window.push_back(Pending { packet_id, tag: message.tag, frame });
        }
    }

    /// Packet ids count up and wrap long before the window (at most half of them) could meet itself, unless
    /// one message stays unacknowledged while all others pass it: then its id is skipped.
    fn next_packet_id(&mut self) -> u16 {
        loop {
            self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
            let oldest = self.window.front().map(|pending| pending.packet_id);
            if oldest != Some(self.packet_id) {
                return self.packet_id;
            }
        }
    }

    async fn write(&mut self, stream: &mut TcpStream, outgoing: &mut Vec<u8>) -> Option<()> {
        if !outgoing.is_empty() {
            tokio::select! {
                written = stream.write_all(outgoing) => written.ok()?,
                () = self.stop.cancelled() => return None,
            }
            outgoing.clear();
        }
        Some(())
    }

    fn receive(&mut self, incoming: &mut BytesMut, outgoing: &mut Vec<u8>) -> Result<(), PacketError> {
        while let Some((received, size)) = mqtt::parse(incoming)? {
            incoming.advance(size);
            match received {
                Received::PubAck(packet_id) => self.settle(packet_id),
                Received::Publish { topic, payload, packet } => {
                    self.traffic.command(&topic, &payload);
                    if let Some(packet_id) = packet {
                        mqtt::acknowledge(packet_id, outgoing);
                    }
                }
                Received::ConnAck { .. } | Received::Other => {}
            }
        }
        Ok(())
    }

    fn settle(&mut self, packet_id: u16) {
        if let Some(at) = self.window.iter().position(|pending| pending.packet_id == packet_id)
            && let Some(pending) = self.window.remove(at)
        {
            self.traffic.acknowledged(pending.tag);
        }
    }
}

/// Connects and waits for CONNACK; none if the server is not there, refuses or does not answer in time.
async fn open(server: SocketAddr, hello: &Hello) -> Option<(TcpStream, BytesMut)> {
    let greeting = async {
        let mut stream = TcpStream::connect(server).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let mut bytes = Vec::new();
        mqtt::connect(hello, &mut bytes);
        stream.write_all(&bytes).await.ok()?;
        let mut incoming = BytesMut::with_capacity(8 * 1024);
        loop {
            if let Some((received, size)) = mqtt::parse(&incoming).ok()? {
                incoming.advance(size);
                return (received == Received::ConnAck { accepted: true }).then_some((stream, incoming));
            }
            if stream.read_buf(&mut incoming).await.ok()? == 0 {
                return None;
            }
        }
    };
    tokio::time::timeout(CONNECT_TIMEOUT, greeting).await.ok().flatten()
}
