//! The embedded endpoint: devices connect to Nhịp itself, MQTT 3.1.1 and 5 on one port. It takes publications
//! (QoS 0 and 1) and gives commands; it is no broker between clients. A PUBACK follows the disk.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::BytesMut;
use metrics::{counter, gauge};
use nhip_ports::{CommandLink, IngestLink, Intake, LinkError, OutgoingCommand, Refused};
use nhip_proto::LinkState;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

mod access;
mod connection;
mod frame;
mod handshake;
mod packet;
mod registry;
mod tls;

pub use access::{MqttAccess, MqttPassword, MqttUser, hash_password};
pub use tls::MqttServerTls;

use connection::{Connection, End, Surroundings};
use handshake::{Client, Refusal, shake};
use packet::{Offer, write_accepted};
use registry::{Queued, Registry};

/// The principal of clients without a user.
const ANONYMOUS: &str = "anonymous";
/// Room of a packet beside its payload.
const PACKET_OVERHEAD_BYTES: usize = 1_024;
/// After an error of the listener (no more file descriptors) it rests this long.
const ACCEPT_REST: Duration = Duration::from_millis(100);
/// How long a new connection waits for the older one of the same client to end.
const TAKEOVER_WAIT: Duration = Duration::from_secs(2);

/// How the endpoint listens and what it bears.
#[derive(Clone, Debug)]
pub struct MqttEndpointConfig {
    /// The link's name in state and metrics.
    pub name: String,
    /// Where to listen; port 0 takes a free one ([`MqttEndpoint::addr`] tells which).
    pub listen: SocketAddr,
    /// Serve TLS on it.
    pub tls: Option<MqttServerTls>,
    /// Who may connect. Empty: everybody is anonymous, whatever name they give.
    pub users: Vec<MqttUser>,
    /// What a client without a user name may do; none: it is refused.
    pub anonymous: Option<MqttAccess>,
    /// Allows anonymous clients on an address that is not loopback.
    pub anonymous_open: bool,
    /// Connections at once; further ones are closed at once.
    pub connections_max: usize,
    /// The largest payload, bytes.
    pub payload_bytes_max: usize,
    /// The longest topic, bytes.
    pub topic_bytes_max: usize,
    /// QoS 1 publications an MQTT 5 client may have unacknowledged.
    pub receive_max: u16,
    /// Topic aliases an MQTT 5 client may use.
    pub topic_alias_max: u16,
    /// Subscriptions per connection.
    pub subscriptions_max: usize,
    /// Deliveries handed over at once.
    pub deliveries_per_submit_max: usize,
    /// Bytes after which a batch is handed over.
    pub bytes_per_submit_max: usize,
    /// Batches per connection on their way to the disk; then the connection is not read.
    pub submits_in_flight_max: usize,
    /// Commands waiting per connection.
    pub commands_queued_max: usize,
    /// Seconds until CONNECT must be there (and the TLS handshake done).
    pub connect_s_max: u64,
    /// Seconds a write may take.
    pub write_s_max: u64,
    /// Milliseconds a stopping connection waits for what is on its way to the disk.
    pub drain_ms_max: u64,
    /// The connections are counted up from here; take a number greater than any used before.
    pub epoch_first: u64,
}

impl Default for MqttEndpointConfig {
    /// Loopback, port 1883, anonymous.
    fn default() -> Self {
        Self {
            name: "embedded".to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 1883)),
            tls: None,
            users: Vec::new(),
            anonymous: Some(MqttAccess::default()),
            anonymous_open: false,
            connections_max: 2_000,
            payload_bytes_max: 1024 * 1024,
            topic_bytes_max: 512,
            receive_max: 1_024,
            topic_alias_max: 16,
            subscriptions_max: 16,
            deliveries_per_submit_max: 512,
            bytes_per_submit_max: 1024 * 1024,
            submits_in_flight_max: 8,
            commands_queued_max: 16,
            connect_s_max: 5,
            write_s_max: 10,
            drain_ms_max: 2_000,
            epoch_first: 1,
        }
    }
}

impl MqttEndpointConfig {
    fn packet_bytes_max(&self) -> usize {
        self.payload_bytes_max.saturating_add(PACKET_OVERHEAD_BYTES)
    }
}

/// The listener and everything its connections share.
pub struct MqttEndpoint {
    config: MqttEndpointConfig,
    listener: TcpListener,
    addr: SocketAddr,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    registry: Registry,
    /// The epoch of the last connection.
    epoch: AtomicU64,
    connected: AtomicU64,
    delivered: AtomicU64,
    open: AtomicUsize,
    running: AtomicUsize,
    error: Mutex<String>,
}

impl MqttEndpoint {
    /// Binds the address; devices can connect from now on and are served once [`IngestLink::run`] runs.
    ///
    /// # Errors
    /// [`LinkError::Configuration`]: the address is taken, a certificate or a password cannot be read, or
    /// anonymous clients would be served beyond loopback.
    pub async fn bind(config: MqttEndpointConfig) -> Result<Self, LinkError> {
        let serves_anybody = config.anonymous.is_some();
        if serves_anybody && !config.listen.ip().is_loopback() && !config.anonymous_open {
            return Err(LinkError::Configuration(format!(
                "MQTT endpoint {}: anonymous clients are allowed on loopback only",
                config.listen
            )));
        }
        for user in &config.users {
            user.password.check()?;
        }
        let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
        let bound = |error: std::io::Error| {
            LinkError::Configuration(format!("MQTT endpoint {}: {error}", config.listen))
        };
        let listener = TcpListener::bind(config.listen).await.map_err(bound)?;
        let addr = listener.local_addr().map_err(bound)?;
        let shared = Arc::new(Shared::default());
        shared.epoch.store(config.epoch_first.saturating_sub(1), Ordering::Relaxed);
        Ok(Self { config, listener, addr, tls, shared })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    async fn accept(&self, intake: Arc<dyn Intake>, stop: &CancellationToken) -> Result<(), Refused> {
        let mut connections: JoinSet<Option<Refused>> = JoinSet::new();
        let config = Arc::new(self.config.clone());
        let outcome = loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break Ok(()),
                Some(ended) = connections.join_next() => {
                    if let Err(refused) = self.shared.ended(ended) {
                        break Err(refused);
                    }
                }
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) if connections.len() < config.connections_max => {
                        let guest = Guest {
                            config: Arc::clone(&config),
                            shared: Arc::clone(&self.shared),
                            intake: Arc::clone(&intake),
                            stop: stop.child_token(),
                            epoch: self.shared.epoch.fetch_add(1, Ordering::Relaxed) + 1,
                        };
                        connections.spawn(guest.welcome(stream, self.tls.clone()));
                    }
                    Ok(_) => count_refusal("connections_max"),
                    Err(error) => {
                        self.shared.note(error.to_string());
                        tokio::time::sleep(ACCEPT_REST).await;
                    }
                },
            }
        };
        // The children of `stop` drain and end by themselves; after a refusal they are simply dropped.
        if outcome.is_ok() {
            while let Some(ended) = connections.join_next().await {
                self.shared.ended(ended)?;
            }
        }
        outcome
    }
}

#[async_trait]
impl IngestLink for MqttEndpoint {
    async fn run(&self, intake: Arc<dyn Intake>, stop: CancellationToken) -> Result<(), LinkError> {
        self.shared.running.store(1, Ordering::Relaxed);
        let outcome = self.accept(intake, &stop).await;
        self.shared.running.store(0, Ordering::Relaxed);
        match outcome {
            // Refusals while stopping are part of stopping.
            Err(Refused::Stopping) if stop.is_cancelled() => Ok(()),
            other => Ok(other?),
        }
    }

    fn state(&self) -> LinkState {
        LinkState {
            name: self.config.name.clone(),
            up: self.shared.running.load(Ordering::Relaxed) > 0,
            epoch: self.shared.connected.load(Ordering::Relaxed),
            delivered: self.shared.delivered.load(Ordering::Relaxed),
            error: self.shared.error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

#[async_trait]
impl CommandLink for MqttEndpoint {
    async fn send(&self, command: OutgoingCommand) {
        let (taken, full) = self.shared.registry.send(&command);
        counter!("nhip_mqtt_commands_total").increment(taken as u64);
        if full > 0 {
            counter!("nhip_mqtt_commands_dropped_total", "reason" => "queue_full").increment(full as u64);
        }
        if taken + full == 0 {
            counter!("nhip_mqtt_commands_dropped_total", "reason" => "nobody").increment(1);
        }
    }
}

impl Shared {
    fn ended(&self, ended: Result<Option<Refused>, JoinError>) -> Result<(), Refused> {
        match ended {
            Ok(Some(refused)) => Err(refused),
            Ok(None) => Ok(()),
            Err(error) => {
                // A defect of ours costs its one connection and is told, with no text of the client in it.
                counter!("nhip_mqtt_connection_defects_total").increment(1);
                let what =
                    if error.is_panic() { "a connection task failed" } else { "a connection task ended" };
                self.note(what.to_owned());
                Ok(())
            }
        }
    }

    fn note(&self, error: String) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }
}

fn count_refusal(reason: &'static str) {
    counter!("nhip_mqtt_connections_refused_total", "reason" => reason).increment(1);
}

/// One accepted socket and what it may become.
struct Guest {
    config: Arc<MqttEndpointConfig>,
    shared: Arc<Shared>,
    intake: Arc<dyn Intake>,
    stop: CancellationToken,
    epoch: u64,
}

impl Guest {
    /// Serves the socket to its end; a refusal of the intake is handed up.
    async fn welcome(self, stream: TcpStream, tls: Option<TlsAcceptor>) -> Option<Refused> {
        // Latency matters more than the count of packets; an error only costs latency.
        drop(stream.set_nodelay(true));
        let Some(tls) = tls else { return self.host(stream).await };
        let connect_wait = Duration::from_secs(self.config.connect_s_max);
        match timeout(connect_wait, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.host(stream).await,
            Ok(Err(_)) | Err(_) => {
                count_refusal("tls");
                None
            }
        }
    }

    async fn host<S: AsyncRead + AsyncWrite + Unpin + Send>(self, mut stream: S) -> Option<Refused> {
        let connect_wait = Duration::from_secs(self.config.connect_s_max);
        let mut buffer = BytesMut::new();
        let shaken = tokio::select! {
            shaken = timeout(connect_wait, shake(&mut stream, &mut buffer, &self.config, self.epoch)) => shaken,
            () = self.stop.cancelled() => return None,
        };
        let client = match shaken {
            Ok(Ok(client)) => client,
            Ok(Err(Refusal { mut answer, reason })) => {
                count_refusal(reason);
                // Whether the refusal arrives changes nothing here.
                drop(timeout(connect_wait, stream.write_all_buf(&mut answer)).await);
                drop(timeout(connect_wait, stream.shutdown()).await);
                return None;
            }
            Err(_) => {
                count_refusal("connect_timeout");
                return None;
            }
        };
        self.serve(stream, buffer, client).await
    }

    async fn serve<S>(self, stream: S, buffer: BytesMut, client: Client) -> Option<Refused>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let (sender, commands) = mpsc::channel::<Queued>(self.config.commands_queued_max);
        let key = (client.principal.clone(), client.id.clone());
        let (place, older) = self.shared.registry.enter(key, self.epoch, sender);
        if let Some(older) = older {
            counter!("nhip_mqtt_takeovers_total").increment(1);
            // The older one's will comes before anything of the newer one.
            drop(timeout(TAKEOVER_WAIT, older.cancelled()).await);
        }
        let mut out = BytesMut::new();
        if write_accepted(&mut out, client.version_5, &self.offer(&client)).is_err() {
            count_refusal("answer");
            return None;
        }
        let _open = Open::new(&self.shared);
        self.shared.connected.fetch_add(1, Ordering::Relaxed);
        let count_delivered = |count: usize| {
            self.shared.delivered.fetch_add(count as u64, Ordering::Relaxed);
        };
        let around = Surroundings {
            config: &self.config,
            intake: &*self.intake,
            stop: &self.stop,
            place: &place,
            epoch: self.epoch,
            count_delivered: &count_delivered,
        };
        let end = Connection::new(around, client, stream, buffer, out, commands).serve().await;
        let (reason, refused) = match end {
            End::Lost => ("lost".to_owned(), None),
            End::Bye => ("bye".to_owned(), None),
            End::ByeWithWill => ("bye_with_will".to_owned(), None),
            End::Taken => ("taken_over".to_owned(), None),
            End::Stopped => ("stopped".to_owned(), None),
            End::Fault(fault) => (fault.to_string(), None),
            End::Refused(refused) => ("refused".to_owned(), Some(refused)),
        };
        counter!("nhip_mqtt_connections_ended_total", "reason" => reason).increment(1);
        refused
    }

    fn offer(&self, client: &Client) -> Offer {
        Offer {
            receive_max: self.config.receive_max,
            packet_bytes_max: u32::try_from(self.config.packet_bytes_max()).unwrap_or(u32::MAX),
            topic_alias_max: self.config.topic_alias_max,
            assigned: client.assigned.then(|| client.id.clone()),
        }
    }
}

/// Counts an open connection while it lives.
struct Open<'a>(&'a Shared);

impl<'a> Open<'a> {
    fn new(shared: &'a Shared) -> Self {
        let open = shared.open.fetch_add(1, Ordering::Relaxed) + 1;
        gauge!("nhip_mqtt_connections").set(open as f64);
        Self(shared)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let open = self.0.open.fetch_sub(1, Ordering::Relaxed) - 1;
        gauge!("nhip_mqtt_connections").set(open as f64);
    }
}
