//! Raw MQTT for tests: packets built byte by byte from the standards, so that no library's view is in
//! between.
#![allow(dead_code, reason = "each test file uses a part")]

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One connection to look at packet by packet.
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) async fn open(addr: SocketAddr) -> Self {
        let stream = tokio::time::timeout(PATIENCE, TcpStream::connect(addr)).await;
        Self::new(stream.expect("connects in time").expect("connects"))
    }

    /// Opens and connects with MQTT 3.1.1; the answer must accept.
    pub(crate) async fn connected_3(addr: SocketAddr, client: &str) -> Self {
        let mut wire = Self::open(addr).await;
        wire.write(&connect_3(client, 0x02, 60, &[])).await;
        assert_eq!(wire.next().await.expect("an answer"), [0x20, 2, 0, 0], "accepted, no session");
        wire
    }

    /// Opens and connects with MQTT 5; the answer must accept.
    pub(crate) async fn connected_5(addr: SocketAddr, client: &str) -> Self {
        let mut wire = Self::open(addr).await;
        wire.write(&connect_5(client, 0x02, 60, &[], &[])).await;
        let answer = wire.next().await.expect("an answer");
        assert_eq!((answer[0], answer[2], answer[3]), (0x20, 0, 0), "accepted, no session: {answer:02x?}");
        wire
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the other side takes it");
    }

    /// Writes; the other side may close in the middle.
    pub(crate) async fn try_write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// The next whole packet; none when the other side closed.
    pub(crate) async fn next(&mut self) -> Option<Vec<u8>> {
        let wait = async {
            loop {
                if let Some(packet) = self.cut() {
                    return Some(packet);
                }
                match self.stream.read_buf(&mut self.buffer).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("a packet or the end in time")
    }

    /// The packets that are there already.
    pub(crate) fn ready(&mut self) -> Vec<Vec<u8>> {
        let mut step = [0_u8; 4_096];
        while let Ok(count @ 1..) = self.stream.try_read(&mut step) {
            self.buffer.extend_from_slice(&step[..count]);
        }
        std::iter::from_fn(|| self.cut()).collect()
    }

    /// Waits for the end; packets before it are returned.
    pub(crate) async fn end(&mut self) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        while let Some(packet) = self.next().await {
            packets.push(packet);
        }
        packets
    }

    /// Waits for the end of a stream that is no MQTT.
    pub(crate) async fn end_bytes(&mut self, step: &mut [u8]) -> bool {
        let wait = async { while matches!(self.stream.read(step).await, Ok(1..)) {} };
        tokio::time::timeout(PATIENCE, wait).await.is_ok()
    }

    fn cut(&mut self) -> Option<Vec<u8>> {
        let (mut length, mut position) = (0_usize, 1);
        loop {
            let byte = *self.buffer.get(position)?;
            length |= usize::from(byte & 0x7F) << (7 * (position - 1));
            position += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
        (self.buffer.len() >= position + length).then(|| self.buffer.drain(..position + length).collect())
    }
}

/// A packet: first byte, remaining length, body.
pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut length = body.len();
    loop {
        let low = (length & 0x7F) as u8;
        length >>= 7;
        bytes.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            break;
        }
    }
    bytes.extend_from_slice(body);
    bytes
}

/// A length and the bytes.
pub(crate) fn text(text: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = text.as_ref();
    [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

/// CONNECT of MQTT 3.1.1; `rest` is what the flags announce: will topic, will payload, user, password.
pub(crate) fn connect_3(client: &str, flags: u8, keep_alive_s: u16, rest: &[Vec<u8>]) -> Vec<u8> {
    let head = [&text("MQTT")[..], &[4, flags], &keep_alive_s.to_be_bytes()].concat();
    packet(0x10, &[head, text(client), rest.concat()].concat())
}

/// CONNECT of MQTT 5.
pub(crate) fn connect_5(
    client: &str,
    flags: u8,
    keep_alive_s: u16,
    properties: &[u8],
    rest: &[Vec<u8>],
) -> Vec<u8> {
    let head = [&text("MQTT")[..], &[5, flags], &keep_alive_s.to_be_bytes()].concat();
    let properties = [&[properties.len() as u8], properties].concat();
    packet(0x10, &[head, properties, text(client), rest.concat()].concat())
}

/// PUBLISH; QoS 1 if there is a packet id.
pub(crate) fn publish_3(topic: &str, id: Option<u16>, payload: &[u8]) -> Vec<u8> {
    let first = 0x30 | if id.is_some() { 2 } else { 0 };
    let id = id.map(|id| id.to_be_bytes().to_vec()).unwrap_or_default();
    packet(first, &[text(topic), id, payload.to_vec()].concat())
}

/// PUBLISH of MQTT 5 with properties.
pub(crate) fn publish_5(topic: &str, id: Option<u16>, properties: &[u8], payload: &[u8]) -> Vec<u8> {
    let first = 0x30 | if id.is_some() { 2 } else { 0 };
    let id = id.map(|id| id.to_be_bytes().to_vec()).unwrap_or_default();
    let properties = [&[properties.len() as u8], properties].concat();
    packet(first, &[text(topic), id, properties, payload.to_vec()].concat())
}

/// SUBSCRIBE with one filter at QoS 1.
pub(crate) fn subscribe_3(id: u16, filter: &str) -> Vec<u8> {
    packet(0x82, &[&id.to_be_bytes()[..], &text(filter), &[1]].concat())
}

/// SUBSCRIBE of MQTT 5 with one filter at QoS 1.
pub(crate) fn subscribe_5(id: u16, filter: &str) -> Vec<u8> {
    packet(0x82, &[&id.to_be_bytes()[..], &[0], &text(filter), &[1]].concat())
}

/// PUBACK of success, the same in both versions.
pub(crate) fn puback(id: u16) -> Vec<u8> {
    packet(0x40, &id.to_be_bytes())
}

/// The packet id of a PUBACK of success.
pub(crate) fn puback_id(packet: &[u8]) -> Option<u16> {
    match packet {
        [0x40, 2, high, low] | [0x40, 3, high, low, 0] | [0x40, 4, high, low, 0, 0] => {
            Some(u16::from_be_bytes([*high, *low]))
        }
        _ => None,
    }
}
