//! What this machine can do without us. Every other row is a share of something like these.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::context::{Context, Outcome};
use crate::report::{Figure, Report};
use crate::{disk, sink};

const MESSAGE_BYTES: usize = 200;
const MEMORY_BYTES: usize = 64 << 20;

/// The row `limits`.
pub(crate) async fn measure(context: &Context) -> Outcome<()> {
    let mut report = Report::begin(context, "limits")?;
    loopback(&mut report, context.seconds)?;
    let directory = context.directory("limits")?;
    for (name, bytes, count) in [("4 KiB", 4 << 10, 300), ("256 KiB", 256 << 10, 100)] {
        let syncs = disk::syncs(&directory, bytes, count)?;
        let tail = format!(
            "p99 {:.1} ms, max {:.1} ms, {count} times",
            disk::ms(&syncs, 0.99),
            syncs.max() as f64 / 1e3
        );
        let figure = Figure::cost(&format!("fdatasync after {name}, p50"), disk::ms(&syncs, 0.5), "ms");
        report.add(&figure.note(&tail))?;
    }
    report.add(&Figure::rate("sequential write, one sync", disk::write_rate(&directory, 256)?, "MiB/s"))?;
    report.add(&Figure::rate("memcpy of 64 MiB", memcpy(), "MiB/s"))?;
    for clients in [1_000, 5_000] {
        let receipts = sink::fan_out(clients).await?;
        let p99 = quantile_ms(&receipts, 0.99);
        let note = format!("p50 {:.1} ms, one thread, 300 bytes", quantile_ms(&receipts, 0.5));
        report.add(
            &Figure::cost(&format!("the same bytes to {clients} sockets, p99"), p99, "ms").note(&note),
        )?;
    }
    Ok(())
}

/// Of sorted microseconds.
pub(crate) fn quantile_ms(sorted: &[u64], quantile: f64) -> f64 {
    let at = ((sorted.len() as f64 * quantile) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or(f64::NAN, |micros| *micros as f64 / 1_000.0)
}

fn loopback(report: &mut Report, seconds: u64) -> Outcome<()> {
    let length = Duration::from_secs(seconds.min(3));
    let (mut near, mut far) = pair()?;
    let echo = std::thread::spawn(move || {
        let mut byte = [0; 1];
        while far.read_exact(&mut byte).is_ok() && far.write_all(&byte).is_ok() {}
    });
    let (mut latencies, mut byte, began) = (Histogram::<u64>::new(3)?, [0; 1], Instant::now());
    while began.elapsed() < length {
        let sent = Instant::now();
        near.write_all(&byte)?;
        near.read_exact(&mut byte)?;
        latencies.record(sent.elapsed().as_nanos() as u64)?;
    }
    drop(near);
    echo.join().map_err(|_| "the echo broke")?;
    let micros = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e3;
    let figure = Figure::cost("loopback, 1 byte there and back, p50", micros(0.5), "µs");
    report.add(&figure.note(&format!("p99 {:.0} µs", micros(0.99))))?;
    let (mut near, mut far) = pair()?;
    let counter = std::thread::spawn(move || {
        let (mut block, mut bytes) = ([0; 64 << 10], 0);
        while let Ok(read) = far.read(&mut block) {
            if read == 0 {
                break;
            }
            bytes += read;
        }
        bytes
    });
    let (message, began) = ([7; MESSAGE_BYTES], Instant::now());
    while began.elapsed() < length {
        near.write_all(&message)?;
    }
    let seconds = began.elapsed().as_secs_f64();
    drop(near);
    let bytes = counter.join().map_err(|_| "the counter broke")?;
    let rate = (bytes / MESSAGE_BYTES) as f64 / seconds;
    report.add(&Figure::rate("loopback, 200 bytes a write, one way", rate, "writes/s"))
}

fn pair() -> Outcome<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    Ok((near, far))
}

/// MiB/s, of the fastest of a few.
fn memcpy() -> f64 {
    let (from, mut to) = (vec![7_u8; MEMORY_BYTES], vec![0_u8; MEMORY_BYTES]);
    let mut best = f64::INFINITY;
    for _ in 0..8 {
        let began = Instant::now();
        to.copy_from_slice(std::hint::black_box(&from));
        std::hint::black_box(&to);
        best = best.min(began.elapsed().as_secs_f64());
    }
    (MEMORY_BYTES >> 20) as f64 / best
}
