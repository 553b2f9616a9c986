//! One measured point of the corridor: a load, a probe, a wall, and the ledger before and after.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::broker::Mosquitto;
use crate::context::{Context, Outcome};
use crate::node::{Archive, Node};
use crate::probe::{self, Plan};
use crate::process;
use crate::traffic::{self, Ask, Way};

pub(crate) const CONNECTIONS: usize = 100;
pub(crate) const PAYLOAD_BYTES: usize = 200;
/// The longest time a backlog may take to be applied after the load ended.
const DRAIN_MAX: Duration = Duration::from_secs(90);

/// A node with what stands before it.
pub(crate) struct Bed {
    pub(crate) way: Way,
    /// How rows name it.
    pub(crate) name: String,
    pub(crate) node: Node,
    pub(crate) broker: Option<Mosquitto>,
    seconds: u64,
    runs: u64,
}

/// What came out.
pub(crate) struct Point {
    /// Messages applied per second while the load ran.
    pub(crate) applied_per_s: f64,
    /// Acknowledged messages missing in the ledger after the drain.
    pub(crate) lost: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Our CPU seconds per 1,000 messages.
    pub(crate) cpu_per_1000: f64,
    /// The broker's.
    pub(crate) broker_cpu_per_1000: f64,
    /// From the end of the load to the last message applied.
    pub(crate) drain_s: f64,
}

/// How hard and how the wall listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    /// Messages per second of the load; none: as fast as acknowledged.
    pub(crate) rate: Option<f64>,
    pub(crate) probes_per_s: f64,
    pub(crate) rate_ms: u64,
}

impl Bed {
    /// A new node on an empty directory; none if the broker is not installed.
    pub(crate) async fn make(context: &Context, way: Way, archive: Archive) -> Outcome<Option<Self>> {
        let directory = context.directory(way.name())?;
        let profile = context.profile()?.0.display().to_string();
        let broker = if way == Way::Mosquitto { Mosquitto::start(&directory).await? } else { None };
        if way == Way::Mosquitto && broker.is_none() {
            return Ok(None);
        }
        let config = directory.join("nhip.toml");
        let links = broker.as_ref().map(Mosquitto::subscriber).unwrap_or_default();
        std::fs::write(&config, format!("{links}\n{}", archive.config()))?;
        let config = config.display().to_string();
        let flags = ["--profile", &profile, "--config", &config];
        let node = Node::start(context, "run", &directory.join("data"), &flags)?;
        let name = format!("{}{}", way.name(), archive.words());
        Ok(Some(Self { way, name, node, broker, seconds: context.seconds, runs: 0 }))
    }

    /// Seconds of a point.
    pub(crate) fn seconds(&self) -> u64 {
        self.seconds
    }

    fn server(&self) -> Outcome<SocketAddr> {
        Ok(match (self.way, &self.broker) {
            (Way::Http, _) => self.node.http.parse()?,
            (_, Some(broker)) => broker.address,
            (_, None) => self.node.mqtt,
        })
    }

    /// Runs one point to the end of its drain.
    pub(crate) async fn point(&mut self, demand: Demand) -> Outcome<Point> {
        self.runs += 1;
        let server = self.server()?;
        let ask = Ask {
            way: self.way,
            server,
            connections: CONNECTIONS,
            payload_bytes: PAYLOAD_BYTES,
            rate: demand.rate,
            seconds: self.seconds + 1,
            boot: self.runs,
        };
        let plan = Plan {
            way: self.way,
            server,
            first: self.runs * 1_000_000,
            per_s: demand.probes_per_s,
            count: (demand.probes_per_s * self.seconds as f64) as u64,
            warm: demand.probes_per_s as u64,
        };
        let wall = probe::wall(&self.node.http, demand.rate_ms).await?;
        let before = self.node.ledger("applied").await?;
        let (cpu, broker_cpu, began) = (self.cpu(), self.broker_cpu(), Instant::now());
        let load = traffic::start(ask)?;
        let probing = tokio::spawn(probe::run(plan, wall));
        let sent = load.await??;
        let applied = self.node.ledger("applied").await?.saturating_sub(before);
        let seconds = began.elapsed().as_secs_f64();
        let (ended, wanted) = (Instant::now(), before + sent.acknowledged + plan.count);
        let latencies = probing.await??;
        let after = self.drain(wanted).await?;
        let drain_s = ended.elapsed().as_secs_f64();
        let thousands = after.saturating_sub(before) as f64 / 1_000.0;
        Ok(Point {
            applied_per_s: applied as f64 / seconds,
            lost: wanted.saturating_sub(after),
            p50_ms: latencies.value_at_quantile(0.5) as f64 / 1_000.0,
            p99_ms: latencies.value_at_quantile(0.99) as f64 / 1_000.0,
            cpu_per_1000: (self.cpu() - cpu) / thousands,
            broker_cpu_per_1000: (self.broker_cpu() - broker_cpu) / thousands,
            drain_s,
        })
    }

    /// Waits until so much is applied; returns what is.
    async fn drain(&self, wanted: u64) -> Outcome<u64> {
        let began = Instant::now();
        loop {
            let applied = self.node.ledger("applied").await?;
            if applied >= wanted || began.elapsed() > DRAIN_MAX {
                return Ok(applied);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn cpu(&self) -> f64 {
        process::cpu_seconds(self.node.pid())
    }

    fn broker_cpu(&self) -> f64 {
        self.broker.as_ref().map_or(0.0, |broker| process::cpu_seconds(broker.pid()))
    }
}
