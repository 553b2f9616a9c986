//! The rarer packets of the endpoint, read and written with the packet types of mqtt-protocol-core.

use bytes::{BufMut, Bytes, BytesMut};
use mqtt_protocol_core::mqtt::packet::{
    AssignedClientIdentifier, MaximumPacketSize, MaximumQos, Properties, Property, Qos, ReceiveMaximum,
    SessionExpiryInterval, SharedSubscriptionAvailable, SubEntry, SubscriptionIdentifierAvailable,
    TopicAliasMaximum, v3_1_1, v5_0,
};
use mqtt_protocol_core::mqtt::result_code::{
    ConnectReasonCode, ConnectReturnCode, DisconnectReasonCode as Fault, MqttError,
};

use super::frame::Frame;

/// Wire size of a client that named no maximum (MQTT 5 §3.1.2.11.4).
const PACKET_BYTES_UNLIMITED: u32 = 268_435_455;
/// SUBSCRIBE, UNSUBSCRIBE carry these flags (MQTT 5 §2.1.3).
const FLAGS_SUBSCRIBE: u8 = 0b0010;
const CONNECT_RESERVED: u8 = 0b0000_0001;
const CONNECT_WILL: u8 = 0b0000_0100;
const CONNECT_WILL_PARTS: u8 = 0b0011_1000;
const SUBSCRIBE_V3_RESERVED: u8 = 0b1111_1100;

/// What a client asks for when it connects.
#[derive(Clone, Debug)]
pub(super) struct Connect {
    pub(super) version_5: bool,
    pub(super) clean: bool,
    pub(super) keep_alive_s: u16,
    pub(super) client: String,
    pub(super) user: Option<String>,
    pub(super) password: Vec<u8>,
    pub(super) will: Option<Will>,
    pub(super) receive_max: u16,
    pub(super) packet_bytes_max: u32,
    pub(super) extended_authentication: bool,
}

/// What to deliver when the connection dies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Will {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    pub(super) qos: u8,
    pub(super) content_type: String,
}

/// Why a CONNECT cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectFault {
    /// Not MQTT, or a malformed MQTT 3.1.1 packet: close without a word.
    Unreadable,
    /// Another protocol level.
    Version,
    /// Malformed, but surely MQTT 5.
    Malformed5(ConnectReasonCode),
}

/// What the endpoint promises an MQTT 5 client.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) receive_max: u16,
    pub(super) packet_bytes_max: u32,
    pub(super) topic_alias_max: u16,
    pub(super) assigned: Option<String>,
}

pub(super) fn read_connect(frame: &Frame) -> Result<Connect, ConnectFault> {
    let level = match frame.body.get(..7) {
        Some([0, 4, b'M', b'Q', b'T', b'T', level]) if frame.flags == 0 => *level,
        Some([0, 6, b'M', b'Q', b'I', b's', b'd']) => return Err(ConnectFault::Version),
        _ => return Err(ConnectFault::Unreadable),
    };
    let flags = frame.body.get(7).copied().unwrap_or(CONNECT_RESERVED);
    let will_flags = (flags & CONNECT_WILL_PARTS) >> 3;
    let flags_valid = flags & CONNECT_RESERVED == 0
        && (flags & CONNECT_WILL != 0 || will_flags == 0)
        && will_flags & 0b011 != 0b011;
    match level {
        4 if !flags_valid => Err(ConnectFault::Unreadable),
        5 if !flags_valid => Err(ConnectFault::Malformed5(ConnectReasonCode::MalformedPacket)),
        4 => read_connect_3(&frame.body),
        5 => read_connect_5(&frame.body).map_err(|error| ConnectFault::Malformed5(connect_reason(error))),
        _ => Err(ConnectFault::Version),
    }
}

fn read_connect_3(body: &[u8]) -> Result<Connect, ConnectFault> {
    let (connect, consumed) = v3_1_1::Connect::parse(body).map_err(|_| ConnectFault::Unreadable)?;
    if consumed != body.len() || has_nul([connect.client_id(), connect.user_name().unwrap_or_default()]) {
        return Err(ConnectFault::Unreadable);
    }
    let will = connect.will_topic().filter(|_| connect.will_flag()).map(|topic| Will {
        topic: topic.to_owned(),
        payload: Bytes::copy_from_slice(connect.will_payload().unwrap_or_default()),
        qos: qos_number(connect.will_qos()),
        content_type: String::new(),
    });
    Ok(Connect {
        version_5: false,
        clean: connect.clean_session(),
        keep_alive_s: connect.keep_alive(),
        client: connect.client_id().to_owned(),
        user: connect.user_name().map(str::to_owned),
        password: connect.password().unwrap_or_default().to_vec(),
        will,
        receive_max: u16::MAX,
        packet_bytes_max: PACKET_BYTES_UNLIMITED,
        extended_authentication: false,
    })
}

fn read_connect_5(body: &[u8]) -> Result<Connect, MqttError> {
    let (connect, consumed) = v5_0::Connect::parse(body)?;
    if consumed != body.len() || has_nul([connect.client_id(), connect.user_name().unwrap_or_default()]) {
        return Err(MqttError::MalformedPacket);
    }
    let will = connect.will_topic().filter(|_| connect.will_flag()).map(|topic| Will {
        topic: topic.to_owned(),
        payload: Bytes::copy_from_slice(connect.will_payload().unwrap_or_default()),
        qos: qos_number(connect.will_qos()),
        content_type: connect
            .will_props()
            .iter()
            .find_map(|property| match property {
                Property::ContentType(content_type) => Some(content_type.val().to_owned()),
                _ => None,
            })
            .unwrap_or_default(),
    });
    let mut read = Connect {
        version_5: true,
        clean: connect.clean_start(),
        keep_alive_s: connect.keep_alive(),
        client: connect.client_id().to_owned(),
        user: connect.user_name().map(str::to_owned),
        password: connect.password().unwrap_or_default().to_vec(),
        will,
        receive_max: u16::MAX,
        packet_bytes_max: PACKET_BYTES_UNLIMITED,
        extended_authentication: false,
    };
    for property in connect.props() {
        match property {
            Property::ReceiveMaximum(most) => read.receive_max = most.val(),
            Property::MaximumPacketSize(most) => read.packet_bytes_max = most.val(),
            Property::AuthenticationMethod(_) => read.extended_authentication = true,
            _ => {}
        }
    }
    Ok(read)
}

fn has_nul(texts: [&str; 2]) -> bool {
    texts.iter().any(|text| text.contains('\0'))
}

fn connect_reason(error: MqttError) -> ConnectReasonCode {
    u8::try_from(error as u16 & 0xFF)
        .ok()
        .filter(|_| (error as u16) < 0x100)
        .and_then(|code| ConnectReasonCode::try_from(code).ok())
        .unwrap_or(ConnectReasonCode::MalformedPacket)
}

fn qos_number(qos: Qos) -> u8 {
    match qos {
        Qos::AtMostOnce => 0,
        Qos::AtLeastOnce => 1,
        Qos::ExactlyOnce => 2,
    }
}

/// One line of a SUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) filter: String,
    pub(super) qos: u8,
}

pub(super) fn read_subscribe(frame: &Frame, version_5: bool) -> Result<(u16, Vec<Wanted>), Fault> {
    if frame.flags != FLAGS_SUBSCRIBE {
        return Err(Fault::MalformedPacket);
    }
    let wanted = |entries: &[SubEntry]| -> Vec<Wanted> {
        let one = |entry: &SubEntry| Wanted {
            filter: entry.topic_filter().to_owned(),
            qos: qos_number(entry.sub_opts().qos()),
        };
        entries.iter().map(one).collect()
    };
    let (packet_id, entries) = if version_5 {
        let packet = whole(&frame.body, v5_0::Subscribe::parse)?;
        (packet.packet_id(), wanted(packet.entries()))
    } else {
        let packet = whole(&frame.body, v3_1_1::Subscribe::parse)?;
        let reserved = |entry: &SubEntry| entry.sub_opts().to_buffer()[0] & SUBSCRIBE_V3_RESERVED != 0;
        if packet.entries().iter().any(reserved) {
            return Err(Fault::MalformedPacket);
        }
        (packet.packet_id(), wanted(packet.entries()))
    };
    if packet_id == 0 { Err(Fault::ProtocolError) } else { Ok((packet_id, entries)) }
}

pub(super) fn read_unsubscribe(frame: &Frame, version_5: bool) -> Result<(u16, Vec<String>), Fault> {
    if frame.flags != FLAGS_SUBSCRIBE {
        return Err(Fault::MalformedPacket);
    }
    let (packet_id, filters) = if version_5 {
        let packet = whole(&frame.body, v5_0::Unsubscribe::parse)?;
        let filters: Vec<String> = packet.entries().iter().map(|filter| filter.as_str().to_owned()).collect();
        (packet.packet_id(), filters)
    } else {
        let packet = whole(&frame.body, v3_1_1::Unsubscribe::parse)?;
        let filters: Vec<String> = packet.entries().iter().map(|filter| filter.as_str().to_owned()).collect();
        (packet.packet_id(), filters)
    };
    if packet_id == 0 { Err(Fault::ProtocolError) } else { Ok((packet_id, filters)) }
}

/// The reason of a DISCONNECT; MQTT 3.1.1 has only the normal one.
pub(super) fn read_disconnect(frame: &Frame, version_5: bool) -> Result<Fault, Fault> {
    if frame.flags != 0 {
        return Err(Fault::MalformedPacket);
    }
    if version_5 {
        let packet = whole(&frame.body, v5_0::Disconnect::parse)?;
        Ok(packet.reason_code().unwrap_or(Fault::NormalDisconnection))
    } else if frame.body.is_empty() {
        Ok(Fault::NormalDisconnection)
    } else {
        Err(Fault::MalformedPacket)
    }
}

fn whole<T>(body: &[u8], parse: impl FnOnce(&[u8]) -> Result<(T, usize), MqttError>) -> Result<T, Fault> {
    match parse(body) {
        Ok((packet, consumed)) if consumed == body.len() => Ok(packet),
        Ok(_) => Err(Fault::MalformedPacket),
        Err(MqttError::ProtocolError) => Err(Fault::ProtocolError),
        Err(_) => Err(Fault::MalformedPacket),
    }
}

/// A CONNACK that accepts.
pub(super) fn write_accepted(out: &mut BytesMut, version_5: bool, offer: &Offer) -> Result<(), MqttError> {
    if !version_5 {
        let accepted = v3_1_1::Connack::builder()
            .session_present(false)
            .return_code(ConnectReturnCode::Accepted)
            .build()?;
        out.put_slice(&accepted.to_continuous_buffer());
        return Ok(());
    }
    let mut properties: Properties = vec![
        SessionExpiryInterval::new(0)?.into(),
        ReceiveMaximum::new(offer.receive_max)?.into(),
        MaximumQos::new(1)?.into(),
        MaximumPacketSize::new(offer.packet_bytes_max)?.into(),
        TopicAliasMaximum::new(offer.topic_alias_max)?.into(),
        SubscriptionIdentifierAvailable::new(0)?.into(),
        SharedSubscriptionAvailable::new(0)?.into(),
    ];
    if let Some(assigned) = &offer.assigned {
        properties.push(AssignedClientIdentifier::new(assigned.as_str())?.into());
    }
    let accepted = v5_0::Connack::builder()
        .session_present(false)
        .reason_code(ConnectReasonCode::Success)
        .props(properties)
        .build()?;
    out.put_slice(&accepted.to_continuous_buffer());
    Ok(())
}

/// A CONNACK that refuses.
pub(super) fn write_refused(out: &mut BytesMut, version_5: bool, reason: ConnectReasonCode) {
    if version_5 {
        out.put_slice(&[0x20, 3, 0, reason as u8, 0]);
        return;
    }
    let code = match reason {
        ConnectReasonCode::UnsupportedProtocolVersion => ConnectReturnCode::UnacceptableProtocolVersion,
        ConnectReasonCode::ClientIdentifierNotValid => ConnectReturnCode::IdentifierRejected,
        ConnectReasonCode::BadUserNameOrPassword => ConnectReturnCode::BadUserNameOrPassword,
        ConnectReasonCode::NotAuthorized | ConnectReasonCode::Banned => ConnectReturnCode::NotAuthorized,
        _ => ConnectReturnCode::ServerUnavailable,
    };
    out.put_slice(&[0x20, 2, 0, code as u8]);
}

/// A DISCONNECT from the server; only MQTT 5 has one.
pub(super) fn write_disconnect(out: &mut BytesMut, reason: Fault) {
    out.put_slice(&[0xE0, 2, reason as u8, 0]);
}
