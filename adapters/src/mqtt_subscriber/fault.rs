//! Errors of the client library in our own words: no byte of a packet is echoed.

use rumqttc::{mqttbytes, v5};

/// Why a connection was lost or did not come about.
#[derive(Debug)]
pub(super) struct Fault {
    /// One of a few words, for metrics.
    pub(super) reason: &'static str,
    /// For people.
    pub(super) text: String,
}

impl Fault {
    pub(super) fn new(reason: &'static str, text: &str) -> Self {
        Self { reason, text: text.to_owned() }
    }

    fn io(error: &std::io::Error) -> Self {
        Self { reason: "io", text: format!("connection: {}", error.kind()) }
    }

    fn oversize() -> Self {
        Self::new(
            "oversize",
            "a packet of the broker is larger than oversize_bytes_max and blocks the queue: limit the size \
             at the broker (message_size_limit) or raise oversize_bytes_max",
        )
    }
}

impl From<&rumqttc::ConnectionError> for Fault {
    fn from(error: &rumqttc::ConnectionError) -> Self {
        use rumqttc::ConnectionError as E;
        match error {
            E::Io(error) => Self::io(error),
            E::MqttState(error) => Self::from(error),
            E::ConnectionRefused(code) => Self { reason: "refused", text: format!("refused: {code:?}") },
            E::NetworkTimeout | E::FlushTimeout => Self::new("timeout", "no answer in time"),
            E::Tls(error) => Self { reason: "tls", text: format!("TLS: {error}") },
            E::NotConnAck(_) => Self::new("protocol", "the broker did not answer CONNECT"),
            E::RequestsDone => Self::new("internal", "the event loop ended"),
        }
    }
}

impl From<&rumqttc::StateError> for Fault {
    fn from(error: &rumqttc::StateError) -> Self {
        use rumqttc::StateError as E;
        match error {
            E::Io(error) => Self::io(error),
            E::Deserialization(mqttbytes::Error::PayloadSizeLimitExceeded(_)) => Self::oversize(),
            E::Deserialization(mqttbytes::Error::Io(_)) | E::ConnectionAborted => {
                Self::new("closed", "the broker closed the connection")
            }
            E::Deserialization(_) => Self::new("protocol", "a packet of the broker cannot be read"),
            E::AwaitPingResp => Self::new("silent", "the broker is silent"),
            _ => Self::new("protocol", "the broker broke the protocol"),
        }
    }
}

impl From<&v5::ConnectionError> for Fault {
    fn from(error: &v5::ConnectionError) -> Self {
        use v5::ConnectionError as E;
        match error {
            E::Io(error) => Self::io(error),
            E::MqttState(error) => Self::from(error),
            E::ConnectionRefused(code) => Self { reason: "refused", text: format!("refused: {code:?}") },
            E::Timeout(_) => Self::new("timeout", "no answer in time"),
            E::Tls(error) => Self { reason: "tls", text: format!("TLS: {error}") },
            E::NotConnAck(_) => Self::new("protocol", "the broker did not answer CONNECT"),
            E::RequestsDone => Self::new("internal", "the event loop ended"),
        }
    }
}

impl From<&v5::StateError> for Fault {
    fn from(error: &v5::StateError) -> Self {
        use v5::StateError as E;
        use v5::mqttbytes::Error as Bytes;
        match error {
            E::Io(error) => Self::io(error),
            E::Deserialization(Bytes::PayloadSizeLimitExceeded { .. }) => Self::oversize(),
            E::Deserialization(_) => Self::new("protocol", "a packet of the broker cannot be read"),
            E::ConnectionAborted => Self::new("closed", "the broker closed the connection"),
            E::AwaitPingResp => Self::new("silent", "the broker is silent"),
            E::ServerDisconnect { reason_code, .. } => {
                Self { reason: "sent_away", text: format!("sent away: {reason_code:?}") }
            }
            E::ConnFail { reason } => Self { reason: "refused", text: format!("refused: {reason:?}") },
            _ => Self::new("protocol", "the broker broke the protocol"),
        }
    }
}
