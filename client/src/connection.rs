//! One WebSocket session of the reference client.

use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::http::http_get;
use crate::table::{Applied, Refused, Table};

/// Small buffers, for thousands of clients in one process.
const BUFFER_BYTES: usize = 4 * 1024;
/// The protocol's bound of a frame.
const FRAME_BYTES_MAX: usize = 64 * 1024;

/// Why a client cannot go on.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The network.
    #[error("network: {0}")]
    Io(#[from] std::io::Error),
    /// The WebSocket.
    #[error("websocket: {0}")]
    WebSocket(Box<WsError>),
    /// The upgrade was refused with this status.
    #[error("the upgrade was refused with status {0}")]
    Status(u16),
    /// An answer that is none.
    #[error("answer: {0}")]
    Answer(&'static str),
    /// The server sent what is no frame.
    #[error(transparent)]
    Frame(#[from] Refused),
    /// The connection ended.
    #[error("the connection ended")]
    Ended,
}

/// Whom to connect to, as whom.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// `host:port`.
    pub address: String,
    /// The view.
    pub view: String,
    /// The area it is limited to; none: everything the view shows.
    pub area: Option<String>,
    /// The client's name.
    pub id: String,
    /// `wall`, `bench` …
    pub kind: String,
    /// Shortest time between two deltas.
    pub rate_ms: u64,
    /// An Origin header, as a browser would send.
    pub origin: Option<String>,
}

impl ClientOptions {
    /// A wall of view `main` at the protocol's default rate.
    #[must_use]
    pub fn wall(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            view: "main".to_owned(),
            area: None,
            id: "reference".to_owned(),
            kind: "wall".to_owned(),
            rate_ms: 50,
            origin: None,
        }
    }
}

/// A frame and what it did.
#[derive(Clone, Debug)]
pub struct Received {
    /// What it did.
    pub applied: Applied,
    /// When it came.
    pub at: Instant,
    /// As it came.
    pub text: Utf8Bytes,
}

/// A session. Its table outlives it: [`Client::into_table`], then connect again with it to resume.
pub struct Client {
    socket: WebSocketStream<TcpStream>,
    options: ClientOptions,
    table: Table,
    pings: u64,
}

impl Client {
    /// Connects and says hello: resuming where the table stands, else asking for a snapshot over the socket.
    ///
    /// # Errors
    /// [`ClientError`]; the table is lost with it, so clone it first where that matters.
    pub async fn connect(options: ClientOptions, table: Table) -> Result<Self, ClientError> {
        let stream = TcpStream::connect(&options.address).await?;
        stream.set_nodelay(true)?;
        Self::over(stream, options, table).await
    }

    /// The same over a connected stream (with its own buffer sizes, for instance).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn over(stream: TcpStream, options: ClientOptions, table: Table) -> Result<Self, ClientError> {
        let mut request = format!("ws://{}/ws/v1", options.address).into_client_request().map_err(failed)?;
        let headers = request.headers_mut();
        let protocol = HeaderName::from_static("sec-websocket-protocol");
        headers.insert(protocol, HeaderValue::from_static("nhip.v1"));
        if let Some(origin) = &options.origin {
            let origin = HeaderValue::from_str(origin).map_err(|_| ClientError::Answer("no such origin"))?;
            headers.insert(HeaderName::from_static("origin"), origin);
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(FRAME_BYTES_MAX * 2)
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        let (socket, _) = client_async_with_config(request, stream, Some(config)).await.map_err(failed)?;
        let mut client = Self { socket, options, table, pings: 0 };
        client.hello().await?;
        Ok(client)
    }

    /// Reads the snapshot over HTTP into a table, as the page does before it connects.
    ///
    /// # Errors
    /// [`ClientError`], with the status if it is not 200.
    pub async fn load(options: &ClientOptions, table: &mut Table) -> Result<(), ClientError> {
        let limit = options.area.as_ref().map_or_else(String::new, |area| format!("?area={area}"));
        let path = format!("/api/v1/views/{}/snapshot{limit}", options.view);
        let response = http_get(&options.address, &path).await?;
        if response.status != 200 {
            return Err(ClientError::Status(response.status));
        }
        let body = std::str::from_utf8(&response.body).map_err(|_| Refused)?;
        Ok(table.apply_snapshot(body)?)
    }

    /// The next frame, applied. After [`Applied::Void`] it has read the snapshot and said hello again.
    ///
    /// # Errors
    /// [`ClientError::Ended`] when the server closed; others if the session cannot go on.
    pub async fn next(&mut self) -> Result<Received, ClientError> {
        loop {
            let message = self.socket.next().await.ok_or(ClientError::Ended)?;
            match message {
                Ok(Message::Text(text)) => {
                    let at = Instant::now();
                    let applied = self.table.apply(&text)?;
                    if applied == Applied::Void {
                        Self::load(&self.options, &mut self.table).await?;
                        self.hello().await?;
                    }
                    return Ok(Received { applied, at, text });
                }
                Ok(Message::Close(_)) => return Err(ClientError::Ended),
                Ok(_) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Sends a `ping`; its `pong` comes by [`Client::next`].
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn ping(&mut self, c0: u64) -> Result<(), ClientError> {
        self.pings += 1;
        self.send(&json!({"t": "ping", "n": self.pings, "c0": c0}).to_string()).await
    }

    /// Sends any text, for tests of what a server must bear.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn send(&mut self, text: &str) -> Result<(), ClientError> {
        self.socket.send(Message::text(text)).await.map_err(failed)
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Cuts the connection without a goodbye and keeps the table.
    #[must_use]
    pub fn into_table(self) -> Table {
        self.table
    }

    /// Closes in good order and keeps the table.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn close(mut self) -> Result<Table, ClientError> {
        self.socket.close(None).await.map_err(failed)?;
        Ok(self.table)
    }

    async fn hello(&mut self) -> Result<(), ClientError> {
        let mut hello = json!({
            "t": "hello",
            "v": 1,
            "client": {"id": self.options.id, "kind": self.options.kind, "build": env!("CARGO_PKG_VERSION")},
            "view": self.options.view,
            "rate_ms": self.options.rate_ms,
        });
        if let (Some(area), Some(hello)) = (&self.options.area, hello.as_object_mut()) {
            hello.insert("area".to_owned(), Value::from(area.as_str()));
        }
        if let (Some(resume), Some(hello)) = (self.table.resume(), hello.as_object_mut()) {
            let mut from = json!({"e": resume.epoch, "o": resume.offset});
            if let (Some(event), Some(from)) = (resume.event, from.as_object_mut()) {
                from.insert("n".to_owned(), Value::from(event));
            }
            hello.insert("resume".to_owned(), from);
        }
        self.table.greet();
        self.send(&hello.to_string()).await
    }
}

fn failed(error: WsError) -> ClientError {
    match error {
        WsError::Http(response) => ClientError::Status(response.status().as_u16()),
        WsError::ConnectionClosed | WsError::AlreadyClosed => ClientError::Ended,
        WsError::Io(error) => ClientError::Io(error),
        other => ClientError::WebSocket(Box::new(other)),
    }
}
