//! A wire between a client and a server that passes everything on and remembers the request lines it saw.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Request lines kept; a test looks at their kinds, not at each.
const LINES_MAX: usize = 10_000;

/// The wire; its threads end with the test.
#[derive(Debug)]
pub struct Relay {
    /// Where the client connects.
    pub address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Relay {
    /// A wire to a server that may come and go.
    #[must_use]
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&lines);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(server) else { continue };
                let (Ok(back), Ok(answers)) = (client.try_clone(), server.try_clone()) else { continue };
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || pass(client, server, |bytes| remember(bytes, &seen)));
                std::thread::spawn(move || pass(answers, back, |_| {}));
            }
        });
        Self { address, lines }
    }

    /// Every different request line so far.
    #[must_use]
    pub fn request_lines(&self) -> Vec<String> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone();
        lines.sort();
        lines.dedup();
        lines
    }
}

/// Until either end closes; then both are closed.
fn pass(mut from: TcpStream, mut to: TcpStream, look: impl Fn(&[u8])) {
    let mut buffer = [0; 16_384];
    while let Ok(count) = from.read(&mut buffer) {
        let bytes = buffer.get(..count).unwrap_or_default();
        look(bytes);
        if bytes.is_empty() || to.write_all(bytes).is_err() {
            break;
        }
    }
    drop(from.shutdown(std::net::Shutdown::Both));
    drop(to.shutdown(std::net::Shutdown::Both));
}

/// A request begins a read of its own: the client waits for each answer.
fn remember(bytes: &[u8], lines: &Mutex<Vec<String>>) {
    let first = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    if first.ends_with(b" HTTP/1.1") && lines.len() < LINES_MAX {
        lines.push(String::from_utf8_lossy(first).into_owned());
    }
}
