//! The newest revision of every figure as points of an InfluxDB 2 bucket (docs/sinks.md). Only the write call of the
//! client crate is used: its queries panic on a broken connection.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use influxdb2::{Client, ClientBuilder, RequestError};
use nhip_ports::{SeriesSink, SinkError};
use nhip_proto::Row;
use reqwest::{Certificate, StatusCode, Url};
use thiserror::Error;

mod line;

/// Seconds until a connection stands.
const CONNECT_S_MAX: u64 = 5;
/// Characters of a server's complaint kept for the log.
const COMPLAINT_CHARACTERS_MAX: usize = 300;
/// A login, a bucket or an address that is wrong waits for an operator.
const OPERATOR_PAUSE: Duration = Duration::from_secs(30);
/// The client crate hides `Retry-After`, so a server that asks for time gets at least this much.
const BUSY_PAUSE: Duration = Duration::from_secs(5);

/// Where to write.
#[derive(Clone, Debug)]
pub struct InfluxSettings {
    /// `http` or `https`, host and port; no path.
    pub url: String,
    /// The organisation.
    pub org: String,
    /// The bucket.
    pub bucket: String,
    /// The file with the token; none: no login. Read again when the server refuses it.
    pub token_file: Option<PathBuf>,
    /// The authorities `https` trusts beside the public ones, PEM.
    pub ca_file: Option<PathBuf>,
    /// Seconds of one request, from connection to answer.
    pub request_s_max: u64,
}

/// Why there is no sink of these settings.
#[derive(Debug, Error)]
pub enum InfluxError {
    /// Not an address of a server.
    #[error("url \"{0}\": needed is http://HOST:PORT or https://HOST:PORT without a path")]
    Address(String),
    /// A file that cannot be used.
    #[error("{path}: {reason}")]
    File {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// The client cannot be made.
    #[error("no HTTP client: {0}")]
    Client(String),
}

/// Writes to one bucket.
pub struct InfluxSink {
    settings: InfluxSettings,
    /// None: the token is read again first.
    client: Mutex<Option<Client>>,
}

impl InfluxSink {
    /// A sink; nothing is sent yet, the server may be down.
    ///
    /// # Errors
    /// [`InfluxError`] if the settings are wrong.
    pub fn new(settings: InfluxSettings) -> Result<Self, InfluxError> {
        // The client crate panics on a malformed address and silently drops a path.
        let address = Url::parse(&settings.url).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https") && url.has_host() && matches!(url.path(), "" | "/")
        });
        address.ok_or_else(|| InfluxError::Address(settings.url.clone()))?;
        let client = connect(&settings)?;
        Ok(Self { settings, client: Mutex::new(Some(client)) })
    }

    fn client(&self) -> Result<Client, SinkError> {
        if let Some(client) = self.slot().as_ref() {
            return Ok(client.clone());
        }
        let client = connect(&self.settings)
            .map_err(|error| unavailable("denied", error.to_string(), OPERATOR_PAUSE))?;
        *self.slot() = Some(client.clone());
        Ok(client)
    }

    fn slot(&self) -> MutexGuard<'_, Option<Client>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: &RequestError) -> SinkError {
        let (status, text) = match error {
            RequestError::Http { status, text } => (*status, text.chars().take(COMPLAINT_CHARACTERS_MAX)),
            RequestError::ReqwestProcessing { source } => {
                let reason = if source.is_timeout() { "slow" } else { "connection" };
                return unavailable(reason, error.to_string(), Duration::ZERO);
            }
            other => return unavailable("status", other.to_string(), OPERATOR_PAUSE),
        };
        let said = format!("{status}: {}", text.collect::<String>());
        match status {
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                SinkError::Refused(said)
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                *self.slot() = None;
                unavailable("denied", said, OPERATOR_PAUSE)
            }
            StatusCode::NOT_FOUND => unavailable("not_found", said, OPERATOR_PAUSE),
            StatusCode::TOO_MANY_REQUESTS => unavailable("too_many_requests", said, BUSY_PAUSE),
            StatusCode::SERVICE_UNAVAILABLE => unavailable("server_error", said, BUSY_PAUSE),
            status if status.is_server_error() => unavailable("server_error", said, Duration::ZERO),
            _ => unavailable("status", said, OPERATOR_PAUSE),
        }
    }
}

#[async_trait]
impl SeriesSink for InfluxSink {
    async fn write(&self, rows: &[Row]) -> Result<(), SinkError> {
        if rows.is_empty() {
            return Ok(());
        }
        let client = self.client()?;
        let (org, bucket) = (&self.settings.org, &self.settings.bucket);
        let written = client.write_line_protocol(org, bucket, line::batch(rows)).await;
        written.map_err(|error| self.failed(&error))
    }
}

fn connect(settings: &InfluxSettings) -> Result<Client, InfluxError> {
    let token = match &settings.token_file {
        Some(path) => read(path)?.trim_end_matches(['\r', '\n']).to_owned(),
        None => String::new(),
    };
    // No redirects: the token goes to this server only.
    let mut http = reqwest::Client::builder()
        .timeout(Duration::from_secs(settings.request_s_max.max(1)))
        .connect_timeout(Duration::from_secs(CONNECT_S_MAX))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy();
    if let Some(path) = &settings.ca_file {
        let authority = Certificate::from_pem(read(path)?.as_bytes());
        let unusable = |error: reqwest::Error| InfluxError::File {
            path: path.display().to_string(),
            reason: error.to_string(),
        };
        http = http.add_root_certificate(authority.map_err(unusable)?);
    }
    ClientBuilder::with_builder(http, settings.url.as_str(), settings.org.as_str(), token)
        .build()
        .map_err(|error| InfluxError::Client(error.to_string()))
}

fn read(path: &PathBuf) -> Result<String, InfluxError> {
    std::fs::read_to_string(path)
        .map_err(|error| InfluxError::File { path: path.display().to_string(), reason: error.to_string() })
}

fn unavailable(reason: &'static str, detail: String, after: Duration) -> SinkError {
    SinkError::Unavailable { reason, detail, after: (!after.is_zero()).then_some(after) }
}
