//! One HTTP/1.1 request on a connection of its own, with bounds on time and bytes. Redirects are not followed: a
//! token must not travel to a server nobody configured.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address::Address;
use super::{HttpPullConfig, Validators};
use crate::mqtt_tls::client_config;

/// Bytes of an answer's head at most.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Headers of an answer at most.
const HEADERS_MAX: usize = 128;

/// Why a request brought nothing.
#[derive(Debug, Error)]
pub(super) enum Fault {
    /// The server cannot be reached, or broke off.
    #[error("{0}")]
    Connection(String),
    /// It took longer than its bound.
    #[error("no whole answer in {0} s")]
    Slow(u64),
    /// It said no.
    #[error("status {status}")]
    Status {
        /// The status.
        status: u16,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// No token was given out.
    #[error("token: {0}")]
    Token(String),
}

impl Fault {
    /// The word in metrics.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Connection(_) => "connection",
            Self::Slow(_) => "slow",
            Self::Status { status: 401 | 403, .. } => "not_allowed",
            Self::Status { status: 429, .. } => "too_many_requests",
            Self::Status { status: 500.., .. } => "server_error",
            Self::Status { .. } => "status",
            Self::Token(_) => "token",
        }
    }

    /// How long the server wants to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        if let Self::Status { retry_after, .. } = self { *retry_after } else { None }
    }
}

/// What a server said.
pub(super) struct Answer {
    pub(super) status: u16,
    headers: HeaderMap,
    /// At most one byte more than the bound.
    pub(super) body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    }

    pub(super) fn validators(&self) -> Validators {
        Validators { tag: self.header("etag"), modified: self.header("last-modified") }
    }

    /// `Retry-After` in seconds; its form as a date is left to the back-off.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }
}

/// Makes requests.
pub(super) struct Client {
    tls: Option<TlsConnector>,
    body_bytes_max: usize,
    request_s_max: u64,
}

impl Client {
    /// Reads the authorities if any address needs them.
    pub(super) fn new(config: &HttpPullConfig) -> Result<Self, String> {
        let token = match &config.login {
            super::PullLogin::ClientCredentials { token_url, .. } => token_url.as_str(),
            _ => "",
        };
        let secure = config.url.starts_with("https://") || token.starts_with("https://");
        let tls = secure.then(|| client_config(&config.ca_file, None)).transpose();
        let tls = tls.map_err(|error| error.to_string())?.map(TlsConnector::from);
        for (name, value) in &config.headers {
            let good = hyper::header::HeaderName::try_from(name.as_str()).is_ok()
                && hyper::header::HeaderValue::try_from(value.as_str()).is_ok();
            if !good {
                return Err(format!("header {name}: cannot be sent"));
            }
        }
        Ok(Self { tls, body_bytes_max: config.body_bytes_max, request_s_max: config.request_s_max })
    }

    pub(super) async fn get(&self, address: &Address, headers: &[(String, String)]) -> Result<Answer, Fault> {
        self.send("GET", address, headers, Bytes::new()).await
    }

    pub(super) async fn send(
        &self,
        method: &str,
        address: &Address,
        headers: &[(String, String)],
        body: Bytes,
    ) -> Result<Answer, Fault> {
        let mut request = Request::builder()
            .method(method)
            .uri(&address.target)
            .header("host", address.authority())
            .header("user-agent", concat!("nhip/", env!("CARGO_PKG_VERSION")))
            .header("accept", "application/json, */*;q=0.5")
            .header("connection", "close");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body)).map_err(|_| broken("the request cannot be sent"))?;
        let limit = Duration::from_secs(self.request_s_max.max(1));
        let exchange = self.exchange(address, request);
        tokio::time::timeout(limit, exchange).await.map_err(|_| Fault::Slow(self.request_s_max))?
    }

    async fn exchange(&self, address: &Address, request: Request<Full<Bytes>>) -> Result<Answer, Fault> {
        let host = address.host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, address.port)).await.map_err(|error| broken(error.kind()))?;
        if !address.secure {
            return self.talk(stream, request).await;
        }
        let tls = self.tls.as_ref().ok_or_else(|| broken("no authorities for https"))?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| broken("no name for TLS"))?;
        let stream = tls.connect(name, stream).await.map_err(|error| broken(error.kind()))?;
        self.talk(stream, request).await
    }

    async fn talk<S>(&self, stream: S, request: Request<Full<Bytes>>) -> Result<Answer, Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| broken("no HTTP"))?;
        let exchange = async {
            let answer = sender.send_request(request).await.map_err(|_| broken("no HTTP answer"))?;
            let (head, mut body) = answer.into_parts();
            let mut bytes = BytesMut::new();
            while bytes.len() <= self.body_bytes_max
                && let Some(frame) = body.frame().await
            {
                let frame = frame.map_err(|_| broken("broke off inside the body"))?;
                if let Some(data) = frame.data_ref() {
                    let room = (self.body_bytes_max + 1).saturating_sub(bytes.len());
                    bytes.extend_from_slice(data.get(..room).unwrap_or(data));
                }
            }
            Ok(Answer { status: head.status.as_u16(), headers: head.headers, body: bytes.freeze() })
        };
        let mut exchange = std::pin::pin!(exchange);
        // The connection is driven by hand, so that dropping the request closes it.
        tokio::select! {
            answer = &mut exchange => answer,
            _ = connection => exchange.await,
        }
    }
}

/// What went wrong on the way, without a word of the server's.
fn broken(what: impl std::fmt::Display) -> Fault {
    Fault::Connection(what.to_string())
}
