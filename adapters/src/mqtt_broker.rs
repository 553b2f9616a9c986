//! How to reach a broker: the part that the subscriber and the command client share.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use nhip_ports::LinkError;
use rumqttc::{MqttOptions, NetworkOptions, TlsConfiguration, Transport, v5};

use crate::mqtt_tls::client_config;

/// The version of the protocol spoken with a broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MqttProtocol {
    /// MQTT 3.1.1: acknowledgements are written in batches. The default.
    #[default]
    V3,
    /// MQTT 5: content types arrive and the broker knows our limits; acknowledged one by one.
    V5,
}

/// The files of a TLS connection to a broker, PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttClientTls {
    /// The authorities that may have signed the broker's certificate; the system's are not used.
    pub authorities: PathBuf,
    /// Our certificate chain and key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// A broker and how we present ourselves.
#[derive(Clone)]
pub struct MqttBroker {
    /// Host name or address; with TLS it must be the name in the broker's certificate.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The protocol version.
    pub protocol: MqttProtocol,
    /// Our client id; fixed, because the broker keeps our session under it.
    pub client_id: String,
    /// User name and password.
    pub login: Option<(String, String)>,
    /// TLS.
    pub tls: Option<MqttClientTls>,
    /// Keep-alive, at least 5 s.
    pub keep_alive_s: u16,
    /// Seconds until a connection must stand.
    pub connect_s_max: u64,
    /// The shortest pause after an error, doubled with each further one.
    pub backoff_ms_min: u64,
    /// The longest pause after an error.
    pub backoff_ms_max: u64,
}

impl Default for MqttBroker {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 1883,
            protocol: MqttProtocol::default(),
            client_id: "nhip".to_owned(),
            login: None,
            tls: None,
            keep_alive_s: 20,
            connect_s_max: 5,
            backoff_ms_min: 250,
            backoff_ms_max: 30_000,
        }
    }
}

impl fmt::Debug for MqttBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MqttBroker")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("protocol", &self.protocol)
            .field("client_id", &self.client_id)
            .field("login", &self.login.is_some())
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// Sizes and session of one client at the broker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    /// Seconds the broker keeps it; 0: no session.
    pub(crate) expiry_s: u32,
    /// The largest packet taken, bytes.
    pub(crate) incoming_bytes_max: u32,
    /// The largest packet sent, bytes.
    pub(crate) outgoing_bytes_max: u32,
    /// QoS 1 deliveries the broker may have unacknowledged (MQTT 5).
    pub(crate) receive_max: u16,
}

impl MqttBroker {
    /// What would make the client library panic or never work.
    pub(crate) fn check(&self) -> Result<(), LinkError> {
        let fault = if self.client_id.is_empty() {
            "needs a client id"
        } else if self.keep_alive_s < 5 {
            "needs a keep-alive of at least 5 s"
        } else if self.host.is_empty() {
            "needs a host"
        } else if self.backoff_ms_min == 0 || self.backoff_ms_max < self.backoff_ms_min {
            "needs back-off bounds above 0, the greater one last"
        } else {
            return Ok(());
        };
        Err(LinkError::Configuration(format!("MQTT broker {}:{} {fault}", self.host, self.port)))
    }

    /// The longest time in which a working connection shows no sign of life.
    pub(crate) fn quiet_max(&self) -> Duration {
        Duration::from_secs(2 * u64::from(self.keep_alive_s) + self.connect_s_max)
            .max(Duration::from_millis(2 * self.backoff_ms_max))
    }

    fn transport(&self) -> Result<Transport, LinkError> {
        let Some(tls) = &self.tls else { return Ok(Transport::Tcp) };
        let identity = tls.identity.as_ref().map(|(certificate, key)| (certificate.as_path(), key.as_path()));
        let config = client_config(&tls.authorities, identity)?;
        Ok(Transport::tls_with_config(TlsConfiguration::Rustls(config)))
    }

    fn network(&self) -> NetworkOptions {
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        network.set_connection_timeout(self.connect_s_max);
        network
    }

    pub(crate) fn options_3(&self, session: Session) -> Result<(MqttOptions, NetworkOptions), LinkError> {
        let mut options = MqttOptions::new(&self.client_id, &self.host, self.port);
        options
            .set_keep_alive(Duration::from_secs(u64::from(self.keep_alive_s)))
            .set_clean_session(session.expiry_s == 0)
            .set_max_packet_size(size(session.incoming_bytes_max), size(session.outgoing_bytes_max))
            .set_manual_acks(true)
            .set_transport(self.transport()?);
        if let Some((user, password)) = &self.login {
            options.set_credentials(user, password);
        }
        Ok((options, self.network()))
    }

    pub(crate) fn options_5(&self, session: Session) -> Result<v5::MqttOptions, LinkError> {
        let mut options = v5::MqttOptions::new(&self.client_id, &self.host, self.port);
        options
            .set_keep_alive(Duration::from_secs(u64::from(self.keep_alive_s)))
            .set_clean_start(session.expiry_s == 0)
            .set_session_expiry_interval(Some(session.expiry_s))
            .set_receive_maximum(Some(session.receive_max))
            .set_max_packet_size(Some(session.incoming_bytes_max))
            .set_connection_timeout(self.connect_s_max)
            .set_manual_acks(true)
            // Nothing is published at QoS 1 on these clients; the default keeps 65,536 places for it.
            .set_outgoing_inflight_upper_limit(8)
            .set_network_options(self.network())
            .set_transport(self.transport()?);
        if let Some((user, password)) = &self.login {
            options.set_credentials(user, password);
        }
        Ok(options)
    }
}

fn size(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Pauses between attempts: doubled with each failure, half of it random so that a thousand clients do not
/// come back at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    min_ms: u64,
    max_ms: u64,
    next_ms: u64,
}

impl Backoff {
    pub(crate) fn new(broker: &MqttBroker) -> Self {
        Self { min_ms: broker.backoff_ms_min, max_ms: broker.backoff_ms_max, next_ms: broker.backoff_ms_min }
    }

    /// The next pause.
    pub(crate) fn pause(&mut self) -> Duration {
        let most = self.next_ms;
        self.next_ms = self.next_ms.saturating_mul(2).min(self.max_ms);
        let random = getrandom::u32().unwrap_or(u32::MAX);
        let half = most / 2;
        Duration::from_millis(most - half * u64::from(random) / u64::from(u32::MAX))
    }

    /// After a connection that lasted: start from the shortest pause again.
    pub(crate) fn reset(&mut self) {
        self.next_ms = self.min_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, MqttBroker};

    #[test]
    fn pauses_grow_to_their_bound_and_never_vanish() {
        let broker = MqttBroker { backoff_ms_min: 100, backoff_ms_max: 1_000, ..MqttBroker::default() };
        let mut backoff = Backoff::new(&broker);
        for most in [100, 200, 400, 800, 1_000, 1_000] {
            let pause = backoff.pause().as_millis();
            assert!((most / 2..=most).contains(&pause), "{pause} ms is within {} … {most} ms", most / 2);
        }
        backoff.reset();
        assert!(backoff.pause().as_millis() <= 100);
    }

    #[test]
    fn what_cannot_work_is_said_at_start() {
        let good = MqttBroker::default();
        assert!(good.check().is_ok());
        for broken in [
            MqttBroker { client_id: String::new(), ..good.clone() },
            MqttBroker { keep_alive_s: 0, ..good.clone() },
            MqttBroker { host: String::new(), ..good.clone() },
            MqttBroker { backoff_ms_min: 0, ..good.clone() },
            MqttBroker { backoff_ms_max: 1, ..good.clone() },
        ] {
            assert!(broken.check().is_err(), "{broken:?}");
        }
        let secret = MqttBroker { login: Some(("u".into(), "hush".into())), ..good };
        assert!(!format!("{secret:?}").contains("hush"));
    }
}
