//! The hot path of the endpoint's wire: cutting frames, reading PUBLISH, writing PUBACK. Everything rarer
//! goes through the packet types of mqtt-protocol-core (see `packet`). MQTT 3.1.1 §2, §3.3; MQTT 5 §2, §3.3.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use mqtt_protocol_core::mqtt::result_code::DisconnectReasonCode as Fault;

/// The greatest remaining length the protocol can write (MQTT 5 §1.5.5).
const REMAINING_LENGTH_BYTES: usize = 4;

/// Control packet types (MQTT 5 §2.1.2).
pub(super) mod kind {
    pub(in super::super) const CONNECT: u8 = 1;
    pub(in super::super) const PUBLISH: u8 = 3;
    pub(in super::super) const PUBACK: u8 = 4;
    pub(in super::super) const SUBSCRIBE: u8 = 8;
    pub(in super::super) const UNSUBSCRIBE: u8 = 10;
    pub(in super::super) const PINGREQ: u8 = 12;
    pub(in super::super) const DISCONNECT: u8 = 14;
}

/// One control packet, cut from the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// The packet type, 1…15.
    pub(super) kind: u8,
    /// The low half of the first byte.
    pub(super) flags: u8,
    /// All after the fixed header; shares the read buffer.
    pub(super) body: Bytes,
}

/// Cuts the next frame off the buffer; none if it is not whole yet.
pub(super) fn next_frame(buffer: &mut BytesMut, bytes_max: usize) -> Result<Option<Frame>, Fault> {
    let Some((&first, rest)) = buffer.split_first() else { return Ok(None) };
    let Some((length, length_bytes)) = variable_integer(rest)? else { return Ok(None) };
    let head = 1 + length_bytes;
    let whole = head + length;
    if whole > bytes_max {
        return Err(Fault::PacketTooLarge);
    }
    if buffer.len() < whole {
        return Ok(None);
    }
    let mut body = buffer.split_to(whole).freeze();
    body.advance(head);
    Ok(Some(Frame { kind: first >> 4, flags: first & 0x0F, body }))
}

/// Reads a variable byte integer: its value and how many bytes it took; none if more bytes are needed.
fn variable_integer(bytes: &[u8]) -> Result<Option<(usize, usize)>, Fault> {
    let mut value = 0_usize;
    for (position, byte) in bytes.iter().take(REMAINING_LENGTH_BYTES).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * position);
        if byte & 0x80 == 0 {
            return Ok(Some((value, position + 1)));
        }
    }
    if bytes.len() >= REMAINING_LENGTH_BYTES { Err(Fault::MalformedPacket) } else { Ok(None) }
}

/// A PUBLISH as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Publish {
    pub(super) qos: u8,
    pub(super) dup: bool,
    /// 0 at QoS 0.
    pub(super) packet_id: u16,
    /// Empty if only the alias names it.
    pub(super) topic: String,
    /// 0: none.
    pub(super) alias: u16,
    pub(super) content_type: String,
    pub(super) payload: Bytes,
}

impl Publish {
    /// Reads the body of a PUBLISH frame.
    pub(super) fn read(frame: &Frame, version_5: bool) -> Result<Self, Fault> {
        let qos = (frame.flags >> 1) & 0b11;
        let dup = frame.flags & 0b1000 != 0;
        if qos == 3 || (qos == 0 && dup) {
            return Err(Fault::MalformedPacket);
        }
        let mut body = frame.body.clone();
        let topic = text(&take_binary(&mut body)?)?;
        let packet_id = if qos == 0 { 0 } else { take_u16(&mut body)? };
        if qos > 0 && packet_id == 0 {
            return Err(Fault::ProtocolError);
        }
        let mut publish =
            Self { qos, dup, packet_id, topic, alias: 0, content_type: String::new(), payload: Bytes::new() };
        if version_5 {
            publish.read_properties(&mut body)?;
        }
        publish.payload = body;
        Ok(publish)
    }

    /// MQTT 5 §3.3.2.3: each at most once, but for user properties.
    fn read_properties(&mut self, body: &mut Bytes) -> Result<(), Fault> {
        let (length, length_bytes) = variable_integer(body)?.ok_or(Fault::MalformedPacket)?;
        body.advance(length_bytes);
        if length > body.len() {
            return Err(Fault::MalformedPacket);
        }
        let mut properties = body.split_to(length);
        let mut seen = 0_u64;
        while properties.has_remaining() {
            let id = properties.get_u8();
            let bit = 1_u64.checked_shl(u32::from(id)).ok_or(Fault::MalformedPacket)?;
            if id != property::USER && seen & bit != 0 {
                return Err(Fault::ProtocolError);
            }
            seen |= bit;
            self.read_property(id, &mut properties)?;
        }
        Ok(())
    }

    fn read_property(&mut self, id: u8, properties: &mut Bytes) -> Result<(), Fault> {
        match id {
            property::PAYLOAD_FORMAT => {
                let format = take(properties, 1)?;
                if format.first().is_none_or(|format| *format > 1) {
                    return Err(Fault::ProtocolError);
                }
            }
            property::MESSAGE_EXPIRY => drop(take(properties, 4)?),
            property::TOPIC_ALIAS => {
                self.alias = take_u16(properties)?;
                if self.alias == 0 {
                    return Err(Fault::TopicAliasInvalid);
                }
            }
            property::RESPONSE_TOPIC => {
                let topic = text(&take_binary(properties)?)?;
                if topic.contains(['+', '#']) {
                    return Err(Fault::ProtocolError);
                }
            }
            property::CORRELATION_DATA => drop(take_binary(properties)?),
            property::CONTENT_TYPE => self.content_type = text(&take_binary(properties)?)?,
            property::USER => {
                text(&take_binary(properties)?)?;
                text(&take_binary(properties)?)?;
            }
            // A Subscription Identifier must not come from a client (MQTT 5 §3.3.4).
            property::SUBSCRIPTION_ID => return Err(Fault::ProtocolError),
            _ => return Err(Fault::MalformedPacket),
        }
        Ok(())
    }
}

/// Property identifiers of PUBLISH (MQTT 5 §2.2.2.2).
mod property {
    pub(super) const PAYLOAD_FORMAT: u8 = 1;
    pub(super) const MESSAGE_EXPIRY: u8 = 2;
    pub(super) const CONTENT_TYPE: u8 = 3;
    pub(super) const RESPONSE_TOPIC: u8 = 8;
    pub(super) const CORRELATION_DATA: u8 = 9;
    pub(super) const SUBSCRIPTION_ID: u8 = 11;
    pub(super) const TOPIC_ALIAS: u8 = 35;
    pub(super) const USER: u8 = 38;
}

/// Writes a PUBACK; a reason other than 0 only under MQTT 5.
pub(super) fn write_puback(out: &mut BytesMut, packet_id: u16, reason: u8) {
    if reason == 0 {
        out.put_slice(&[kind::PUBACK << 4, 2]);
        out.put_u16(packet_id);
    } else {
        out.put_slice(&[kind::PUBACK << 4, 3]);
        out.put_u16(packet_id);
        out.put_u8(reason);
    }
}

/// Writes a PUBLISH of at most the given size; false if it would be larger (then nothing is written).
pub(super) fn write_publish(
    out: &mut BytesMut,
    topic: &str,
    payload: &[u8],
    packet_id: Option<u16>,
    version_5: bool,
    bytes_max: usize,
) -> bool {
    let Ok(topic_length) = u16::try_from(topic.len()) else { return false };
    let length = 2 + topic.len() + packet_id.map_or(0, |_| 2) + usize::from(version_5) + payload.len();
    if length >= 1 << (7 * REMAINING_LENGTH_BYTES) || 1 + REMAINING_LENGTH_BYTES + length > bytes_max {
        return false;
    }
    out.put_u8(kind::PUBLISH << 4 | if packet_id.is_some() { 0b0010 } else { 0 });
    write_variable_integer(out, length);
    out.put_u16(topic_length);
    out.put_slice(topic.as_bytes());
    if let Some(packet_id) = packet_id {
        out.put_u16(packet_id);
    }
    if version_5 {
        out.put_u8(0);
    }
    out.put_slice(payload);
    true
}

/// Writes SUBACK or UNSUBACK: a packet id, no properties, one byte per topic filter.
pub(super) fn write_codes(out: &mut BytesMut, kind: u8, packet_id: u16, codes: &[u8], version_5: bool) {
    out.put_u8(kind << 4);
    write_variable_integer(out, 2 + usize::from(version_5) + codes.len());
    out.put_u16(packet_id);
    if version_5 {
        out.put_u8(0);
    }
    out.put_slice(codes);
}

fn write_variable_integer(out: &mut BytesMut, mut value: usize) {
    loop {
        let low = u8::try_from(value & 0x7F).unwrap_or(0x7F);
        value >>= 7;
        if value == 0 {
            out.put_u8(low);
            return;
        }
        out.put_u8(low | 0x80);
    }
}

fn take(body: &mut Bytes, length: usize) -> Result<Bytes, Fault> {
    if body.len() < length { Err(Fault::MalformedPacket) } else { Ok(body.split_to(length)) }
}

fn take_u16(body: &mut Bytes) -> Result<u16, Fault> {
    Ok(take(body, 2)?.get_u16())
}

fn take_binary(body: &mut Bytes) -> Result<Bytes, Fault> {
    let length = usize::from(take_u16(body)?);
    take(body, length)
}

/// UTF-8 without NUL (MQTT 5 §1.5.4).
fn text(bytes: &[u8]) -> Result<String, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::MalformedPacket)?;
    if text.contains('\0') { Err(Fault::MalformedPacket) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests;
