//! The few MQTT 3.1.1 packets a probe and a null server need, and the payload of the probe.

use bytes::{BufMut as _, BytesMut};
use nhip_adapters::SystemClock;
use nhip_proto::MILLISECOND;

/// CONNECT: a clean session without keep-alive.
pub(crate) fn connect(client: &str) -> BytesMut {
    let mut packet = BytesMut::new();
    packet.put_u8(0x10);
    put_length(&mut packet, 10 + 2 + client.len());
    packet.put_slice(b"\x00\x04MQTT\x04\x02\x00\x00");
    put_text(&mut packet, client);
    packet
}

/// PUBLISH with QoS 1; the packet id follows from the number and is never 0.
pub(crate) fn publish(topic: &str, number: u64, payload: &str) -> BytesMut {
    let mut packet = BytesMut::new();
    packet.put_u8(0x32);
    put_length(&mut packet, 2 + topic.len() + 2 + payload.len());
    put_text(&mut packet, topic);
    packet.put_u16((number % 65_535) as u16 + 1);
    packet.put_slice(payload.as_bytes());
    packet
}

/// A reading whose sequence and value are this number.
pub(crate) fn reading(number: u64) -> String {
    let now_ms = SystemClock::system().0 / MILLISECOND;
    format!(r#"{{"time":{now_ms},"sequence":{number},"boot":1,"values":{{"value":{number}}}}}"#)
}

/// The size of the first packet if it is whole, and what a server answers to it is put into `answers`.
pub(crate) fn answer(bytes: &[u8], answers: &mut Vec<u8>) -> Option<usize> {
    let (low, high) = (usize::from(*bytes.get(1)?), usize::from(*bytes.get(2)?));
    let (size, header) = if low < 0x80 { (low, 2) } else { ((low & 0x7F) | high << 7, 3) };
    let body = bytes.get(header..header + size)?;
    match bytes.first()? >> 4 {
        1 => answers.extend_from_slice(&[0x20, 2, 0, 0]),
        3 => {
            let topic = usize::from(u16::from_be_bytes([*body.first()?, *body.get(1)?]));
            answers.extend_from_slice(&[0x40, 2, *body.get(2 + topic)?, *body.get(3 + topic)?]);
        }
        _ => {}
    }
    Some(header + size)
}

fn put_text(packet: &mut BytesMut, text: &str) {
    packet.put_u16(text.len() as u16);
    packet.put_slice(text.as_bytes());
}

fn put_length(packet: &mut BytesMut, length: usize) {
    let mut left = length;
    while left >= 0x80 {
        packet.put_u8((left & 0x7F) as u8 | 0x80);
        left >>= 7;
    }
    packet.put_u8(left as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_null_server_answers_connect_and_publish_and_waits_for_the_rest() {
        let mut answers = Vec::new();
        let hello = connect("x");
        assert_eq!(answer(&hello, &mut answers), Some(hello.len()));
        let long = publish("a/b", 7, &"x".repeat(200));
        assert_eq!(answer(&long, &mut answers), Some(long.len()));
        assert_eq!(answer(long.get(..100).unwrap_or_default(), &mut answers), None);
        assert_eq!(answers, [0x20, 2, 0, 0, 0x40, 2, 0, 8]);
    }
}
