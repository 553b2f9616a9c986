//! The few MQTT 3.1.1 packets a publisher needs, as bytes (OASIS MQTT 3.1.1 §2, §3). No I/O.

use thiserror::Error;

/// The largest packet the publisher accepts from a server (commands are small).
pub(crate) const INCOMING_BYTES_MAX: usize = 64 * 1024;

/// What the server sent is not MQTT 3.1.1 as this publisher asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum PacketError {
    /// Bytes that no packet has.
    #[error("the server sent bytes that are no MQTT packet")]
    Malformed,
    /// Beyond [`INCOMING_BYTES_MAX`].
    #[error("the server sent a packet beyond {INCOMING_BYTES_MAX} bytes")]
    TooLarge,
}

/// What the server publishes if this connection dies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Will {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) qos: u8,
}

/// How a connection introduces itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) client: String,
    pub(crate) login: Option<(String, String)>,
    pub(crate) will: Option<Will>,
    pub(crate) keep_alive_s: u16,
    /// A topic filter to subscribe to at QoS 1, if any.
    pub(crate) subscribe: Option<String>,
}

/// A packet from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    ConnAck { accepted: bool },
    PubAck(u16),
    Publish { topic: String, payload: Vec<u8>, packet: Option<u16> },
    Other,
}

/// Appends CONNECT with a clean session.
pub(crate) fn connect(hello: &Hello, out: &mut Vec<u8>) {
    let mut body = Vec::with_capacity(64);
    text("MQTT", &mut body);
    let mut flags = 0b10;
    if let Some(will) = &hello.will {
        flags |= 0b100 | (will.qos << 3);
    }
    if hello.login.is_some() {
        flags |= 0b1100_0000;
    }
    body.extend_from_slice(&[4, flags]);
    body.extend_from_slice(&hello.keep_alive_s.to_be_bytes());
    text(&hello.client, &mut body);
    if let Some(will) = &hello.will {
        text(&will.topic, &mut body);
        binary(&will.payload, &mut body);
    }
    if let Some((user, password)) = &hello.login {
        text(user, &mut body);
        text(password, &mut body);
    }
    packet(0x10, &body, out);
}

/// Appends PUBLISH; `packet_id` none means QoS 0.
pub(crate) fn publish(topic: &str, payload: &[u8], packet_id: Option<u16>, out: &mut Vec<u8>) {
    let variable = 2 + topic.len() + if packet_id.is_some() { 2 } else { 0 };
    out.push(if packet_id.is_some() { 0x32 } else { 0x30 });
    length(variable + payload.len(), out);
    text(topic, out);
    if let Some(id) = packet_id {
        out.extend_from_slice(&id.to_be_bytes());
    }
    out.extend_from_slice(payload);
}

/// Marks an encoded PUBLISH as a redelivery (DUP, §3.3.1.1).
pub(crate) fn mark_redelivery(publish: &mut [u8]) {
    if let Some(first) = publish.first_mut() {
        *first |= 0x08;
    }
}

/// Appends SUBSCRIBE of one filter at QoS 1.
pub(crate) fn subscribe(filter: &str, out: &mut Vec<u8>) {
    let mut body = vec![0xFF, 0xFF];
    text(filter, &mut body);
    body.push(1);
    packet(0x82, &body, out);
}

/// Appends PUBACK.
pub(crate) fn acknowledge(packet_id: u16, out: &mut Vec<u8>) {
    packet(0x40, &packet_id.to_be_bytes(), out);
}

/// Appends PINGREQ.
pub(crate) fn ping(out: &mut Vec<u8>) {
    packet(0xC0, &[], out);
}

/// Appends DISCONNECT.
pub(crate) fn disconnect(out: &mut Vec<u8>) {
    packet(0xE0, &[], out);
}

/// The first packet of `bytes` and its length; none if it is not whole yet.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Received, usize)>, PacketError> {
    let Some((remaining, header)) = remaining_length(bytes)? else { return Ok(None) };
    let end = header + remaining;
    if end > INCOMING_BYTES_MAX {
        return Err(PacketError::TooLarge);
    }
    let Some(body) = bytes.get(header..end) else { return Ok(None) };
    let first = bytes.first().copied().unwrap_or(0);
    let received = match first >> 4 {
        2 => Received::ConnAck { accepted: body.get(1) == Some(&0) },
        4 => Received::PubAck(number(body.get(..2))?),
        3 => incoming(first, body)?,
        9 | 13 => Received::Other,
        _ => return Err(PacketError::Malformed),
    };
    Ok(Some((received, end)))
}

fn incoming(first: u8, body: &[u8]) -> Result<Received, PacketError> {
    let size = usize::from(number(body.get(..2))?);
    let topic = body.get(2..2 + size).ok_or(PacketError::Malformed)?;
    let topic = std::str::from_utf8(topic).map_err(|_| PacketError::Malformed)?.to_owned();
    let rest = body.get(2 + size..).ok_or(PacketError::Malformed)?;
    let (packet, payload) = if first & 0b110 == 0 {
        (None, rest)
    } else {
        (Some(number(rest.get(..2))?), rest.get(2..).ok_or(PacketError::Malformed)?)
    };
    Ok(Received::Publish { topic, payload: payload.to_vec(), packet })
}

/// The remaining length and how many bytes the fixed header takes.
fn remaining_length(bytes: &[u8]) -> Result<Option<(usize, usize)>, PacketError> {
    let mut value = 0;
    for at in 0..4 {
        let Some(byte) = bytes.get(1 + at) else { return Ok(None) };
        value |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((value, at + 2)));
        }
    }
    Err(PacketError::Malformed)
}

fn number(bytes: Option<&[u8]>) -> Result<u16, PacketError> {
    match bytes {
        Some([high, low]) => Ok(u16::from_be_bytes([*high, *low])),
        _ => Err(PacketError::Malformed),
    }
}

fn packet(first: u8, body: &[u8], out: &mut Vec<u8>) {
    out.push(first);
    length(body.len(), out);
    out.extend_from_slice(body);
}

fn length(mut value: usize, out: &mut Vec<u8>) {
    while value > 0x7F {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn text(text: &str, out: &mut Vec<u8>) {
    binary(text.as_bytes(), out);
}

/// Bytes with their length in two bytes; ids, topics and wills of this crate are far below 64 KiB.
fn binary(bytes: &[u8], out: &mut Vec<u8>) {
    let size = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&size.to_be_bytes());
    out.extend_from_slice(bytes.get(..usize::from(size)).unwrap_or(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publish_of_qos_1_has_the_bytes_of_the_standard() {
        let mut out = Vec::new();
        publish("a/b", b"hi", Some(10), &mut out);
        assert_eq!(out, [0x32, 9, 0, 3, b'a', b'/', b'b', 0, 10, b'h', b'i']);
        mark_redelivery(&mut out);
        assert_eq!(out.first(), Some(&0x3A));
    }

    #[test]
    fn lengths_above_127_take_more_bytes() {
        let mut out = Vec::new();
        publish("t", &[7; 318], None, &mut out);
        assert_eq!(out.get(..3), Some(&[0x30, 0xC1, 0x02][..]), "321 = 65 + 2 × 128");
    }

    #[test]
    fn packets_are_read_one_by_one_and_only_when_whole() {
        let bytes = [0x20, 2, 0, 0, 0x40, 2, 1, 2, 0x30, 4, 0, 1, b'x'];
        assert_eq!(parse(&bytes), Ok(Some((Received::ConnAck { accepted: true }, 4))));
        assert_eq!(parse(&bytes[4..]), Ok(Some((Received::PubAck(258), 4))));
        assert_eq!(parse(&bytes[8..]), Ok(None));
        let whole = [0x30, 4, 0, 1, b'x', b'y'];
        let publish = Received::Publish { topic: "x".into(), payload: b"y".to_vec(), packet: None };
        assert_eq!(parse(&whole), Ok(Some((publish, 6))));
    }

    #[test]
    fn foreign_bytes_are_refused() {
        assert_eq!(parse(&[0x20, 0xFF, 0xFF, 0xFF, 0xFF]), Err(PacketError::Malformed));
        assert_eq!(parse(&[0x00, 0]), Err(PacketError::Malformed));
        assert_eq!(parse(&[0x30, 0xFF, 0xFF, 0x7F]), Err(PacketError::TooLarge));
        assert_eq!(parse(&[0x30, 3, 0, 9, b'x']), Err(PacketError::Malformed));
    }

    #[test]
    fn a_will_and_a_login_set_their_flags() {
        let will = Will { topic: "w".into(), payload: vec![1], qos: 1 };
        let hello = Hello {
            client: "c".into(),
            login: Some(("u".into(), "p".into())),
            will: Some(will),
            keep_alive_s: 30,
            subscribe: None,
        };
        let mut out = Vec::new();
        connect(&hello, &mut out);
        let want: &[u8] = &[
            0x10,
            25,
            0,
            4,
            b'M',
            b'Q',
            b'T',
            b'T',
            4,
            0b1100_1110,
            0,
            30,
            0,
            1,
            b'c',
            0,
            1,
            b'w',
            0,
            1,
            1,
            0,
            1,
            b'u',
            0,
            1,
            b'p',
        ];
        assert_eq!(out, want);
    }
}
