//! `nhip prove loss`: publishes without pause, kills the node again and again, and counts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nhip_adapters::SystemClock;
use nhip_demo::load::{LoadConfig, LoadReport, SourceTally};
use nhip_proto::ArrivalTime;
use tokio_util::sync::CancellationToken;

use super::child::ChildNode;
use super::scratch::{Budget, Scratch, seed};
use crate::chance::Chance;
use crate::cli::ProveFlags;
use crate::commands::Failure;
use crate::commands::account::{Acknowledged, count};
use crate::observe::say;

/// The node lives this long between two kills.
const LIFE_MS: (u64, u64) = (50, 1_500);
/// Messages per second, far below what the node can take, so that time is spent on many moments.
const RATE_PER_S: f64 = 2_000.0;
/// As many as profiles/proof lists: a source never heard would hold every window open for a minute.
const CONNECTIONS: usize = 100;
/// The run of the publishers, part of their identity.
const BOOT: u64 = 1;
/// How long the publishers may take to see the last acknowledgements.
const DRAIN_SECONDS_MAX: u64 = 30;

/// Kills, restarts, counts; fails if anything acknowledged is lost or counted twice.
pub(crate) async fn loss(flags: &ProveFlags) -> Result<(), Failure> {
    let seed = seed(flags);
    say(&format!("prove loss: seed {seed}"));
    let scratch = Scratch::new(flags)?;
    let plan = Plan::write(flags, scratch.path())?;
    let mut chance = Chance::new(seed);
    let mut node = plan.start("127.0.0.1:0").await?;
    let mqtt = node.mqtt;
    let stop = CancellationToken::new();
    let publishers = tokio::spawn(nhip_demo::load::run(plan.load(mqtt), stop.clone()));
    let (mut budget, mut kills) = (Budget::new(flags), 0_u32);
    while budget.another(kills) {
        let life = chance.between(LIFE_MS.0, LIFE_MS.1);
        tokio::time::sleep(Duration::from_millis(life)).await;
        node.kill()?;
        kills += 1;
        node = plan.start(&mqtt.to_string()).await?;
    }
    let report = drain(publishers, stop).await?;
    node.stop().await?;
    say(&format!(
        "kills {kills} sent {} acknowledged {} resent {}",
        report.sent, report.acknowledged, report.resent
    ));
    let wrong = count(&plan.directory.join("data"), &acknowledged(&report)).await?;
    if wrong.is_empty() {
        scratch.forget();
        return Ok(());
    }
    Err(Failure::other(format!("{} promises broken", wrong.len())))
}

fn acknowledged(report: &LoadReport) -> Acknowledged {
    let of = |tally: &SourceTally| tally.acknowledged.iter().map(|sequence| (BOOT, sequence)).collect();
    report.sources.iter().map(|tally| (tally.source.clone(), of(tally))).collect()
}

/// Files and flags of the node under proof.
struct Plan {
    directory: PathBuf,
    words: Vec<String>,
}

impl Plan {
    fn write(flags: &ProveFlags, directory: &Path) -> Result<Self, Failure> {
        let profile = flags.profile.clone().unwrap_or_else(|| PathBuf::from("profiles/proof"));
        let file = directory.join("nhip.toml");
        // Snapshots far more often than in operation: each one is a chance to be wrong.
        std::fs::write(&file, "snapshot_seconds = 1\n").map_err(Failure::other)?;
        let text = |path: &Path| path.display().to_string();
        let mut words = vec!["run".to_owned(), "--config".to_owned(), text(&file)];
        words.extend(["--data".to_owned(), text(&directory.join("data"))]);
        words.extend(["--profile".to_owned(), text(&profile), "--http".to_owned(), "127.0.0.1:0".to_owned()]);
        words.extend(flags.fault_words());
        Ok(Self { directory: directory.to_path_buf(), words })
    }

    async fn start(&self, mqtt: &str) -> Result<ChildNode, Failure> {
        let mut words = self.words.clone();
        words.extend(["--mqtt".to_owned(), mqtt.to_owned()]);
        ChildNode::start(&words, &self.directory.join("node.log")).await
    }

    fn load(&self, mqtt: SocketAddr) -> LoadConfig {
        let clock = Arc::new(SystemClock::new(ArrivalTime(0)));
        let mut load = LoadConfig::new(mqtt, "proof", "load", "value", clock);
        load.connections = CONNECTIONS;
        load.boot = BOOT;
        load.rate_per_s = Some(RATE_PER_S);
        load
    }
}

/// The publishers stop sending and wait for what is still out.
async fn drain(
    publishers: tokio::task::JoinHandle<Result<LoadReport, nhip_demo::DemoError>>,
    stop: CancellationToken,
) -> Result<LoadReport, Failure> {
    stop.cancel();
    let waited = tokio::time::timeout(Duration::from_secs(DRAIN_SECONDS_MAX), publishers).await;
    let joined = waited.map_err(|_| Failure::other("the publishers did not end"))?;
    joined.map_err(Failure::other)?.map_err(Failure::other)
}
