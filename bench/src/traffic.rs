//! The load of one measured point, on a thread of its own so that it disturbs the probe little.

use std::net::SocketAddr;
use std::sync::Arc;

use nhip_adapters::SystemClock;
use nhip_demo::load::{self, LoadConfig};
use nhip_proto::ArrivalTime;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::context::Outcome;
use crate::http_load;

/// The way messages take into the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Devices connect to the node.
    Embedded,
    /// Devices connect to a Mosquitto the node subscribes to.
    Mosquitto,
    /// `POST /api/v1/ingest`.
    Http,
}

impl Way {
    /// Its name in the results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Mosquitto => "Mosquitto",
            Self::Http => "HTTP",
        }
    }
}

/// What to send.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) way: Way,
    pub(crate) server: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) payload_bytes: usize,
    /// Messages per second in all; none: as fast as acknowledged.
    pub(crate) rate: Option<f64>,
    pub(crate) seconds: u64,
    /// Different in every run against one node: the identity of a message is source, boot and sequence.
    pub(crate) boot: u64,
}

/// What was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// Acknowledged messages. A paced load ends when all are.
    pub(crate) acknowledged: u64,
    pub(crate) seconds: f64,
}

impl Sent {
    /// Acknowledged messages per second.
    pub(crate) fn rate(&self) -> f64 {
        self.acknowledged as f64 / self.seconds
    }
}

/// Starts the load; its end comes through the receiver.
pub(crate) fn start(ask: Ask) -> Outcome<oneshot::Receiver<Outcome<Sent>>> {
    let (tell, told) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("load".to_owned()).spawn(move || {
        let result = runtime.block_on(async {
            match ask.way {
                Way::Http => http_load::run(ask).await,
                Way::Embedded | Way::Mosquitto => mqtt(ask).await,
            }
        });
        // Whoever asked may be gone after a failure of its own.
        drop(tell.send(result));
    })?;
    Ok(told)
}

/// Runs a load to its end.
pub(crate) async fn run(ask: Ask) -> Outcome<Sent> {
    start(ask)?.await?
}

async fn mqtt(ask: Ask) -> Outcome<Sent> {
    let clock = Arc::new(SystemClock::new(ArrivalTime(0)));
    let mut config = LoadConfig::new(ask.server, "proof", "load", "value", clock);
    config.connections = ask.connections;
    config.payload_bytes = ask.payload_bytes;
    config.boot = ask.boot;
    config.rate_per_s = ask.rate;
    config.messages = ask.rate.map(|rate| (rate * ask.seconds as f64) as u64);
    let stop = CancellationToken::new();
    if ask.rate.is_none() {
        let timer = stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_secs(ask.seconds)).await;
            timer.cancel();
        });
    }
    let report = load::run(config, stop).await?;
    Ok(Sent { acknowledged: report.acknowledged, seconds: report.elapsed.as_secs_f64() })
}
