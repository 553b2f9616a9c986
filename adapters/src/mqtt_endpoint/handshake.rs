//! From an accepted socket to an admitted client: one CONNECT in time, checked before anything is given away.

use std::time::Duration;

use bytes::BytesMut;
use mqtt_protocol_core::mqtt::result_code::ConnectReasonCode as Reason;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::access::{Rules, topic_valid};
use super::frame::{kind, next_frame};
use super::packet::{Connect, ConnectFault, Will, read_connect, write_refused};
use super::{ANONYMOUS, MqttEndpointConfig};

/// What may be held for a client that has not said who it is: a CONNECT with a will of 64 KiB and its names.
const CONNECT_BYTES_MAX: usize = 160 * 1024;
const READ_STEP_BYTES: usize = 1_024;
/// Client ids longer than this are refused (MQTT 5 §3.1.3.1 asks for at least 23).
const CLIENT_ID_BYTES_MAX: usize = 256;

/// A client that may stay.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) assigned: bool,
    pub(super) principal: String,
    pub(super) version_5: bool,
    /// One and a half of its keep-alive; none: it asked for none.
    pub(super) silence_max: Option<Duration>,
    pub(super) rules: Rules,
    pub(super) will: Option<Will>,
    pub(super) receive_max: u16,
    pub(super) packet_bytes_max: usize,
}

/// Why a client may not stay; the answer is sent before closing, if there is one.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) answer: BytesMut,
    pub(super) reason: &'static str,
}

/// Reads until one CONNECT is whole and decides on it.
pub(super) async fn shake<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut BytesMut,
    config: &MqttEndpointConfig,
    epoch: u64,
) -> Result<Client, Refusal> {
    let silent = |reason| Refusal { answer: BytesMut::new(), reason };
    let frame = loop {
        match next_frame(buffer, CONNECT_BYTES_MAX) {
            Ok(Some(frame)) => break frame,
            Ok(None) => {}
            Err(_) => return Err(silent("malformed")),
        }
        // Garbage is recognised by its first byte, not after 160 KiB of it.
        if buffer.first().is_some_and(|first| first >> 4 != kind::CONNECT) {
            return Err(silent("not_connect"));
        }
        buffer.reserve(READ_STEP_BYTES);
        match stream.read_buf(buffer).await {
            Ok(0) | Err(_) => return Err(silent("closed_early")),
            Ok(_) => {}
        }
    };
    if frame.kind != kind::CONNECT {
        return Err(silent("not_connect"));
    }
    let connect = read_connect(&frame).map_err(|fault| match fault {
        ConnectFault::Unreadable => silent("malformed"),
        ConnectFault::Version => refuse(false, Reason::UnsupportedProtocolVersion, "version"),
        ConnectFault::Malformed5(reason) => refuse(true, reason, "malformed"),
    })?;
    admit(connect, config, epoch)
}

fn refuse(version_5: bool, code: Reason, reason: &'static str) -> Refusal {
    let mut answer = BytesMut::new();
    write_refused(&mut answer, version_5, code);
    Refusal { answer, reason }
}

fn admit(connect: Connect, config: &MqttEndpointConfig, epoch: u64) -> Result<Client, Refusal> {
    let version_5 = connect.version_5;
    if connect.extended_authentication {
        return Err(refuse(version_5, Reason::BadAuthenticationMethod, "authentication_method"));
    }
    let assigned = connect.client.is_empty();
    if connect.client.len() > CLIENT_ID_BYTES_MAX || (assigned && !version_5 && !connect.clean) {
        return Err(refuse(version_5, Reason::ClientIdentifierNotValid, "client_id"));
    }
    let id = if assigned { format!("nhip-{epoch}") } else { connect.client };
    let (principal, access) = match &connect.user {
        _ if config.users.is_empty() => (ANONYMOUS, config.anonymous.as_ref()),
        None => (ANONYMOUS, config.anonymous.as_ref()),
        Some(name) => {
            let user = config.users.iter().find(|user| user.name == *name);
            let known = user.filter(|user| user.password.matches(&connect.password));
            let Some(user) = known else {
                return Err(refuse(version_5, Reason::BadUserNameOrPassword, "password"));
            };
            (user.name.as_str(), Some(&user.access))
        }
    };
    let Some(access) = access else {
        return Err(refuse(version_5, Reason::NotAuthorized, "anonymous"));
    };
    let user = if principal == ANONYMOUS { "" } else { principal };
    let rules = Rules::new(access, &id, user);
    let will = check_will(connect.will, &rules, config, version_5)?;
    let silence_ms = u64::from(connect.keep_alive_s) * 1_500;
    Ok(Client {
        id,
        assigned,
        principal: principal.to_owned(),
        version_5,
        silence_max: (silence_ms > 0).then(|| Duration::from_millis(silence_ms)),
        rules,
        will,
        receive_max: connect.receive_max,
        packet_bytes_max: usize::try_from(connect.packet_bytes_max).unwrap_or(usize::MAX),
    })
}

/// A will is a publication: it is checked like one, before the client is admitted.
fn check_will(
    will: Option<Will>,
    rules: &Rules,
    config: &MqttEndpointConfig,
    version_5: bool,
) -> Result<Option<Will>, Refusal> {
    let Some(will) = will else { return Ok(None) };
    if !topic_valid(&will.topic, config.topic_bytes_max) {
        return Err(refuse(version_5, Reason::TopicNameInvalid, "will_topic"));
    }
    if will.qos == 2 && version_5 {
        return Err(refuse(version_5, Reason::QosNotSupported, "will_qos"));
    }
    if !rules.may_publish(&will.topic) {
        return Err(refuse(version_5, Reason::NotAuthorized, "will_rule"));
    }
    Ok(Some(Will { qos: will.qos.min(1), ..will }))
}
