//! Servers that do nothing: what the publishers, the kernel and the sockets can do without us.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio::task::JoinSet;

use crate::context::Outcome;

const READ_BYTES: usize = 64 * 1024;
/// About what a frame of the load's profile weighs.
const FRAME_BYTES: usize = 300;
const FRAME_ROUNDS: usize = 10;

/// What an answering server reads and writes.
type Answer = fn(&[u8], &mut Vec<u8>) -> Option<usize>;

/// An MQTT server that acknowledges and forgets.
pub(crate) fn mqtt() -> Outcome<SocketAddr> {
    answering(crate::wire::answer)
}

/// An HTTP server that says 202 to every request with a body.
pub(crate) fn http() -> Outcome<SocketAddr> {
    answering(answer_http)
}

/// A thread per connection, as long as the process lives.
fn answering(answer: Answer) -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream, answer));
        }
    });
    Ok(address)
}

fn serve(mut stream: TcpStream, answer: Answer) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let (mut buffer, mut filled) = (vec![0; READ_BYTES], 0);
    let mut answers = Vec::new();
    loop {
        filled += stream.read(buffer.get_mut(filled..)?).ok().filter(|read| *read > 0)?;
        let mut at = 0;
        while let Some(size) = answer(buffer.get(at..filled)?, &mut answers) {
            at += size;
        }
        buffer.copy_within(at..filled, 0);
        filled -= at;
        stream.write_all(&answers).ok()?;
        answers.clear();
    }
}

/// Requests of the bench end their head with the length of the body.
fn answer_http(bytes: &[u8], answers: &mut Vec<u8>) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(bytes.get(..head)?).ok()?;
    let length: usize = text.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    bytes.get(..head + length)?;
    answers.extend_from_slice(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n");
    Some(head + length)
}

/// The same bytes to many sockets from one thread, again and again: the microseconds from the beginning of a round
/// to each receipt, sorted.
pub(crate) async fn fan_out(clients: usize) -> Outcome<Vec<u64>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let base = Instant::now();
    let started = Arc::new(std::sync::Mutex::new(Vec::new()));
    let rounds = Arc::clone(&started);
    let server = std::thread::spawn(move || send_rounds(&listener, clients, base, &rounds));
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        tasks.spawn(async move {
            let (mut frame, mut receipts) = ([0; FRAME_BYTES], Vec::with_capacity(FRAME_ROUNDS));
            while stream.read_exact(&mut frame).await.is_ok() {
                receipts.push(base.elapsed());
            }
            receipts
        });
    }
    let receipts = tasks.join_all().await;
    server.join().map_err(|_| "the null server broke")??;
    let started: Vec<Duration> = started.lock().map_err(|_| "the null server broke")?.clone();
    let pairs = receipts.iter().flat_map(|own| own.iter().zip(&started));
    let mut micros: Vec<u64> =
        pairs.map(|(at, began)| at.saturating_sub(*began).as_micros() as u64).collect();
    micros.sort_unstable();
    Ok(micros)
}

fn send_rounds(
    listener: &TcpListener,
    clients: usize,
    base: Instant,
    started: &std::sync::Mutex<Vec<Duration>>,
) -> Outcome<()> {
    let mut sockets = Vec::with_capacity(clients);
    for _ in 0..clients {
        sockets.push(listener.accept()?.0);
    }
    for _ in 0..FRAME_ROUNDS {
        std::thread::park_timeout(Duration::from_millis(500));
        if let Ok(mut started) = started.lock() {
            started.push(base.elapsed());
        }
        for socket in &mut sockets {
            socket.write_all(&[b'x'; FRAME_BYTES])?;
        }
    }
    Ok(())
}
