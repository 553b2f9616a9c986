//! The load over HTTP: many connections, one reading a request, each request waiting for its 202.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nhip_adapters::SystemClock;
use nhip_client::HttpConnection;
use nhip_proto::MILLISECOND;
use tokio::task::JoinSet;

use crate::context::Outcome;
use crate::traffic::{Ask, Sent};

/// Publishes until the time is over, or until the planned messages are acknowledged.
pub(crate) async fn run(ask: Ask) -> Outcome<Sent> {
    let began = Instant::now();
    let acknowledged = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for index in 0..ask.connections {
        let (ask, acknowledged) = (ask.clone(), Arc::clone(&acknowledged));
        tasks.spawn(async move { connection(&ask, index, began, &acknowledged).await });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(Sent { acknowledged: acknowledged.load(Ordering::Relaxed), seconds: began.elapsed().as_secs_f64() })
}

async fn connection(ask: &Ask, index: usize, began: Instant, acknowledged: &AtomicU64) -> Outcome<()> {
    let mut connection = HttpConnection::open(&ask.server.to_string()).await?;
    let path = format!("/api/v1/ingest/load?source=load-{index:04}");
    let own_rate = ask.rate.map(|rate| rate / ask.connections as f64);
    let planned = own_rate.map(|rate| (rate * ask.seconds as f64).round() as u64);
    let mut sequence = 0;
    while planned.map_or(began.elapsed() < Duration::from_secs(ask.seconds), |planned| sequence < planned) {
        if let Some(rate) = own_rate {
            let due = began + Duration::from_secs_f64(sequence as f64 / rate);
            tokio::time::sleep_until(due.into()).await;
        }
        let body = payload(ask, sequence);
        let json = [("content-type", "application/json")];
        let response = connection.request("POST", &path, &json, body.as_bytes()).await?;
        if response.status != 202 {
            return Err(format!("HTTP ingest answered {}", response.status).into());
        }
        acknowledged.fetch_add(1, Ordering::Relaxed);
        sequence += 1;
    }
    Ok(())
}

/// A reading filled up to the size of all loads by its id.
fn payload(ask: &Ask, sequence: u64) -> String {
    let now_ms = SystemClock::system().0 / MILLISECOND;
    let (boot, value) = (ask.boot, sequence % 100);
    let text = |id: &str| {
        format!(
            r#"{{"time":{now_ms},"sequence":{sequence},"boot":{boot},"id":"{id}","values":{{"value":{value}}}}}"#
        )
    };
    let missing = ask.payload_bytes.saturating_sub(text("").len());
    text(&"x".repeat(missing))
}
