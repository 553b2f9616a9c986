//! How fast the load publisher is by itself: against a server that does nothing but acknowledge, or against
//! the address given. `cargo run --release -p nhip-demo --example load_timing [ADDR TENANT STREAM QUANTITY
//! SECONDS]`

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use nhip_demo::load::{self, LoadConfig};
use nhip_ports::memory::SteppedClock;
use nhip_proto::ArrivalTime;
use tokio_util::sync::CancellationToken;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a timing, told on the terminal")]
async fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let text = |at: usize, usual: &str| given.get(at).cloned().unwrap_or_else(|| usual.to_owned());
    let server: SocketAddr = match given.first() {
        Some(address) => address.parse()?,
        None => sink()?,
    };
    let seconds: u64 = text(4, "5").parse()?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let clock = Arc::new(SteppedClock::new(ArrivalTime(i64::try_from(now.as_nanos())?)));
    let mut config = LoadConfig::new(server, &text(1, "t"), &text(2, "load"), &text(3, "count"), clock);
    config.boot = now.as_secs();
    let stop = CancellationToken::new();
    let timer = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        timer.cancel();
    });
    let report = load::run(config, stop).await?;
    let rate = report.acknowledged as f64 / report.elapsed.as_secs_f64();
    println!(
        "{rate:.0} messages/s acknowledged, p50 {:?}, p99 {:?}",
        report.latencies.quantile(0.5),
        report.latencies.quantile(0.99)
    );
    Ok(())
}

/// Acknowledges every QoS 1 PUBLISH and nothing else, a thread per connection.
fn sink() -> Result<SocketAddr, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    Ok(address)
}

fn serve(mut stream: TcpStream) -> Option<()> {
    let (mut buffer, mut filled) = (vec![0; 256 * 1024], 0);
    let mut answers = Vec::new();
    loop {
        let read = stream.read(buffer.get_mut(filled..)?).ok().filter(|read| *read > 0)?;
        filled += read;
        let mut at = 0;
        while let Some(size) = packet(buffer.get(at..filled)?, &mut answers) {
            at += size;
        }
        buffer.copy_within(at..filled, 0);
        filled -= at;
        stream.write_all(&answers).ok()?;
        answers.clear();
    }
}

/// The size of the first packet if it is whole; its answer goes to `answers`.
fn packet(bytes: &[u8], answers: &mut Vec<u8>) -> Option<usize> {
    let (low, high) = (usize::from(*bytes.get(1)?), usize::from(*bytes.get(2)?));
    let (size, header) = if low < 0x80 { (low, 2) } else { ((low & 0x7F) | high << 7, 3) };
    let body = bytes.get(header..header + size)?;
    match bytes.first()? >> 4 {
        1 => answers.extend_from_slice(&[0x20, 2, 0, 0]),
        3 => {
            let topic = usize::from(u16::from_be_bytes([*body.first()?, *body.get(1)?]));
            answers.extend_from_slice(&[0x40, 2, *body.get(2 + topic)?, *body.get(3 + topic)?]);
        }
        _ => {}
    }
    Some(header + size)
}
