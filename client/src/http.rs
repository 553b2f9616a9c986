//! A small HTTP/1.1 client: one request at a time over one connection that may be kept.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::connection::ClientError;

/// Bytes of one answer at most.
const RESPONSE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of its head at most.
const HEAD_BYTES_MAX: usize = 64 * 1024;
const READ_BYTES: usize = 8 * 1024;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Header names in lower case, and their values.
    pub headers: Vec<(String, String)>,
    /// The body, unchunked but not decompressed.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The first value of a header (name in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`ClientError::Answer`] if it is none.
    pub fn json(&self) -> Result<Value, ClientError> {
        serde_json::from_slice(&self.body).map_err(|_| ClientError::Answer("the body is no JSON"))
    }
}

/// `GET path` at `host:port`.
///
/// # Errors
/// [`ClientError`] if there is no HTTP answer.
pub async fn http_get(address: &str, path: &str) -> Result<HttpResponse, ClientError> {
    HttpConnection::open(address).await?.request("GET", path, &[], b"").await
}

/// `GET path`, status and JSON body.
///
/// # Errors
/// [`ClientError`] if there is no HTTP answer with a JSON body.
pub async fn http_get_json(address: &str, path: &str) -> Result<(u16, Value), ClientError> {
    let response = http_get(address, path).await?;
    Ok((response.status, response.json()?))
}

/// `POST path`.
///
/// # Errors
/// [`ClientError`] if there is no HTTP answer.
pub async fn http_post(
    address: &str,
    path: &str,
    content_type: &str,
    body: &[u8],
) -> Result<HttpResponse, ClientError> {
    HttpConnection::open(address).await?.request("POST", path, &[("content-type", content_type)], body).await
}

/// A connection kept between requests.
#[derive(Debug)]
pub struct HttpConnection {
    stream: TcpStream,
    host: String,
    buffer: Vec<u8>,
}

struct ResponseHead {
    status: u16,
    headers: Vec<(String, String)>,
    length: usize,
}

impl HttpConnection {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// [`ClientError::Io`].
    pub async fn open(address: &str) -> Result<Self, ClientError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, host: address.to_owned(), buffer: Vec::new() })
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// [`ClientError`] if there is no HTTP answer; the connection is then of no more use.
    pub async fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<HttpResponse, ClientError> {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.push_str(&format!("host: {}\r\n", self.host));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() || method == "POST" {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let request = [head.as_bytes(), body].concat();
        // A server may answer and close before it read a body it refuses; its answer counts.
        let sent = self.stream.write_all(&request).await;
        match (self.response(method).await, sent) {
            (Err(_), Err(error)) => Err(error.into()),
            (response, _) => response,
        }
    }

    async fn response(&mut self, method: &str) -> Result<HttpResponse, ClientError> {
        let head = loop {
            if let Some(at) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let rest = self.buffer.split_off(at + 4);
                let text = std::mem::replace(&mut self.buffer, rest);
                let text = String::from_utf8(text).map_err(|_| ClientError::Answer("the head is no text"))?;
                break ResponseHead::parse(&text)?;
            }
            self.more(HEAD_BYTES_MAX).await?;
        };
        let bodiless = method == "HEAD" || head.status == 204 || head.status == 304;
        let chunked =
            head.headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        let body = match (bodiless, chunked) {
            (true, _) => Vec::new(),
            (false, true) => self.chunks().await?,
            (false, false) => self.exactly(head.length).await?,
        };
        Ok(HttpResponse { status: head.status, headers: head.headers, body })
    }

    async fn chunks(&mut self) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        loop {
            let line = self.line().await?;
            let size = line.split(';').next().unwrap_or("").trim();
            let wrong = |_| ClientError::Answer("a chunk has no size");
            let size = usize::from_str_radix(size, 16).map_err(wrong)?;
            if size + body.len() > RESPONSE_BYTES_MAX {
                return Err(ClientError::Answer("the answer is too long"));
            }
            body.extend(self.exactly(size).await?);
            self.line().await?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    async fn line(&mut self) -> Result<String, ClientError> {
        loop {
            if let Some(at) = self.buffer.windows(2).position(|bytes| bytes == b"\r\n") {
                let rest = self.buffer.split_off(at + 2);
                let line = std::mem::replace(&mut self.buffer, rest);
                let line = String::from_utf8(line).map_err(|_| ClientError::Answer("a line is no text"))?;
                return Ok(line.trim_end().to_owned());
            }
            self.more(RESPONSE_BYTES_MAX).await?;
        }
    }

    async fn exactly(&mut self, length: usize) -> Result<Vec<u8>, ClientError> {
        if length > RESPONSE_BYTES_MAX {
            return Err(ClientError::Answer("the answer is too long"));
        }
        while self.buffer.len() < length {
            self.more(RESPONSE_BYTES_MAX).await?;
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    async fn more(&mut self, bytes_max: usize) -> Result<(), ClientError> {
        if self.buffer.len() >= bytes_max + READ_BYTES {
            return Err(ClientError::Answer("the answer is too long"));
        }
        let mut read = [0_u8; READ_BYTES];
        let count = self.stream.read(&mut read).await?;
        if count == 0 {
            return Err(ClientError::Answer("the connection ended"));
        }
        self.buffer.extend_from_slice(read.get(..count).unwrap_or(&[]));
        Ok(())
    }
}

impl ResponseHead {
    fn parse(text: &str) -> Result<Self, ClientError> {
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let status = status.ok_or(ClientError::Answer("no status line"))?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
        Ok(Self { status, headers, length })
    }
}
