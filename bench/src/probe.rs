//! The probe: numbered messages at planned instants on a connection of their own, and the wall that sees them as a
//! figure. Open loop: a late sender counts as latency, not as a pause.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use nhip_client::{Applied, Client, ClientOptions, HttpConnection, Keep, Table};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::context::Outcome;
use crate::traffic::Way;
use crate::wire;

const INDICATOR: &str = "probe.number";
const AREA: &str = "proof";
/// A number not seen this long after its instant counts as this late.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which numbers, when, on which way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) way: Way,
    /// Where the probe sends: MQTT server or HTTP server.
    pub(crate) server: SocketAddr,
    /// The first number; above every earlier one.
    pub(crate) first: u64,
    pub(crate) per_s: f64,
    pub(crate) count: u64,
    /// Numbers at the beginning that are sent but not counted.
    pub(crate) warm: u64,
}

impl Plan {
    /// When a number is due, after the beginning.
    fn due(&self, number: u64) -> Duration {
        Duration::from_secs_f64(number.saturating_sub(self.first) as f64 / self.per_s)
    }
}

/// A wall that keeps all rows and has its first table. A node that is just up may send it away for a moment.
pub(crate) async fn wall(http: &str, rate_ms: u64) -> Outcome<Client> {
    let began = Instant::now();
    loop {
        let options = ClientOptions { rate_ms, ..ClientOptions::wall(http) };
        let mut wall = Client::connect(options, Table::new(Keep::Rows)).await?;
        let pause = loop {
            match wall.next().await?.applied {
                Applied::Snap { done: true } => return Ok(wall),
                Applied::Bye { retry_ms, .. } => break retry_ms,
                _ => {}
            }
        };
        if began.elapsed() > PATIENCE {
            return Err("the node takes no walls".into());
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

/// Publishes the plan and returns the microseconds from each planned instant to the frame that shows it.
pub(crate) async fn run(plan: Plan, mut wall: Client) -> Outcome<Histogram<u64>> {
    let began = Instant::now();
    let sender = tokio::spawn(send(plan, began));
    let mut latencies = Histogram::new(3)?;
    let (mut next, last) = (plan.first, plan.first + plan.count - 1);
    let mut note = |number: u64, late: Duration| -> Outcome<()> {
        if number >= plan.first + plan.warm {
            latencies.record(late.as_micros() as u64)?;
        }
        Ok(())
    };
    let deadline = tokio::time::Instant::from_std(began + plan.due(last) + PATIENCE);
    while next <= last {
        let Ok(received) = tokio::time::timeout_at(deadline, wall.next()).await else { break };
        let received = received?;
        if let Applied::Bye { code, retry_ms } = received.applied {
            return Err(format!("the node said bye {code}, retry in {retry_ms} ms").into());
        }
        let at = received.at;
        let shown = wall.table().row(INDICATOR, AREA).and_then(|row| row.v.as_ref()?.as_u64());
        while shown.is_some_and(|shown| next <= shown.min(last)) {
            note(next, at.saturating_duration_since(began + plan.due(next)))?;
            next += 1;
        }
    }
    for number in next..=last {
        note(number, PATIENCE)?;
    }
    sender.abort();
    Ok(latencies)
}

/// Sends the numbers of a plan, each at its instant.
pub(crate) async fn send(plan: Plan, began: Instant) -> Outcome<()> {
    match plan.way {
        Way::Http => send_http(plan, began).await,
        Way::Embedded | Way::Mosquitto => send_mqtt(plan, began).await,
    }
}

async fn send_mqtt(plan: Plan, began: Instant) -> Outcome<()> {
    let mut stream = TcpStream::connect(plan.server).await?;
    stream.set_nodelay(true)?;
    stream.write_all(&wire::connect(&format!("nhip-probe-{}", plan.first))).await?;
    let mut accepted = [0; 4];
    stream.read_exact(&mut accepted).await?;
    let (mut read, mut write) = stream.into_split();
    tokio::spawn(async move {
        let mut acknowledgements = [0; 4_096];
        while read.read(&mut acknowledgements).await.is_ok_and(|size| size > 0) {}
    });
    for number in plan.first..plan.first + plan.count {
        tokio::time::sleep_until((began + plan.due(number)).into()).await;
        let packet = wire::publish("nhip/v1/proof/probe/probe-0000", number, &wire::reading(number));
        write.write_all(&packet).await?;
    }
    // The connection stays until the wall has seen the last number.
    tokio::time::sleep(PATIENCE).await;
    Ok(())
}

async fn send_http(plan: Plan, began: Instant) -> Outcome<()> {
    let mut connection = HttpConnection::open(&plan.server.to_string()).await?;
    let json = [("content-type", "application/json")];
    for number in plan.first..plan.first + plan.count {
        tokio::time::sleep_until((began + plan.due(number)).into()).await;
        let body = wire::reading(number);
        let path = "/api/v1/ingest/probe?source=probe-0000";
        let response = connection.request("POST", path, &json, body.as_bytes()).await?;
        if response.status != 202 {
            return Err(format!("HTTP ingest answered {}", response.status).into());
        }
    }
    Ok(())
}
