//! A scripted HTTP server of a few lines: it shares no code with the client under test.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What a client asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// What the server does.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    bytes: Vec<u8>,
    then: Then,
}

#[derive(Clone, Copy, Debug)]
enum Then {
    Close,
    Hang,
    Endless,
    Slow,
}

impl Answer {
    pub(crate) fn json(body: &str) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        Self { bytes: head.into_bytes(), then: Then::Close }
    }

    pub(crate) fn status(status: u16) -> Self {
        let length = if status == 304 { "" } else { "content-length: 0\r\n" };
        Self { bytes: format!("HTTP/1.1 {status} X\r\n{length}\r\n").into_bytes(), then: Then::Close }
    }

    pub(crate) fn raw(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), then: Then::Close }
    }

    /// Not a word.
    pub(crate) fn hang() -> Self {
        Self { bytes: Vec::new(), then: Then::Hang }
    }

    /// A body without an end, as fast as it is taken.
    pub(crate) fn endless() -> Self {
        Self { bytes: b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), then: Then::Endless }
    }

    /// A body that comes byte by byte and never ends.
    pub(crate) fn slow() -> Self {
        Self { bytes: b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), then: Then::Slow }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        let text = String::from_utf8(self.bytes).expect("a head of ours");
        self.bytes = text.replacen("\r\n", &format!("\r\n{name}: {value}\r\n"), 1).into_bytes();
        self
    }
}

type Script = dyn Fn(&Request) -> Answer + Send + Sync;

/// A server; it ends with its test.
pub(crate) struct Server {
    addr: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    changed: watch::Sender<u64>,
    door: watch::Sender<bool>,
}

impl Server {
    pub(crate) async fn start(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let server = Self::start_closed(script).await;
        server.open();
        server
    }

    /// Answers nobody until it is opened.
    pub(crate) async fn start_closed(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let server = Self {
            addr,
            requests: Arc::default(),
            changed: watch::Sender::new(0),
            door: watch::Sender::new(false),
        };
        let (requests, changed, door) =
            (server.requests.clone(), server.changed.clone(), server.door.clone());
        let script: Arc<Script> = Arc::new(script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (requests, changed, script) = (requests.clone(), changed.clone(), script.clone());
                let mut door = door.subscribe();
                tokio::spawn(async move {
                    if door.wait_for(|open| *open).await.is_ok() {
                        serve(stream, &requests, &changed, &*script).await;
                    }
                });
            }
        });
        server
    }

    pub(crate) fn open(&self) {
        self.door.send_replace(true);
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.addr)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&[Request]) -> bool) {
        let mut changed = self.changed.subscribe();
        let wait = async {
            while !condition(&self.requests()) {
                // The condition may act; it is asked again now and then even if nobody asked the server.
                drop(tokio::time::timeout(Duration::from_millis(20), changed.changed()).await);
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("{what}"));
    }

    /// Watches for requests that must not come. Longer finds more, never fails falsely.
    pub(crate) async fn quiet(&self) {
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
}

async fn serve(
    mut stream: TcpStream,
    requests: &Mutex<Vec<Request>>,
    changed: &watch::Sender<u64>,
    script: &Script,
) {
    let Some(request) = read(&mut stream).await else { return };
    let answer = script(&request);
    requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    changed.send_modify(|count| *count += 1);
    if stream.write_all(&answer.bytes).await.is_err() {
        return;
    }
    match answer.then {
        Then::Close => drop(stream.shutdown().await),
        Then::Hang => std::future::pending().await,
        Then::Endless => while stream.write_all(&[b'x'; 4_096]).await.is_ok() {},
        Then::Slow => {
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break String::from_utf8_lossy(&bytes[..end]).into_owned();
        }
        let mut chunk = [0; 4_096];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
    };
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    let headers: Vec<_> = lines.filter_map(header).collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = bytes.split_off(head.len() + 4);
    while body.len() < length.unwrap_or(0) {
        let mut chunk = [0; 4_096];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        body.extend_from_slice(&chunk[..count]);
    }
    Some(Request { method, target, headers, body: String::from_utf8_lossy(&body).into_owned() })
}
