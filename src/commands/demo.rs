//! `nhip demo`: a node, and beside it a city that publishes to it over MQTT like any other.

use std::path::{Path, PathBuf};

use nhip_proto::Origin;
use tokio_util::sync::CancellationToken;

use crate::cli::NodeFlags;
use crate::commands::Failure;
use crate::config::{Config, Defaults};
use crate::node::Node;
use crate::{observe, supervise};

/// Runs a node with the simulated city, or with recordings played again.
pub(crate) async fn demo(
    flags: &NodeFlags,
    recordings: Option<PathBuf>,
    journal: Option<PathBuf>,
) -> Result<(), Failure> {
    let forgotten = ForgottenData::new()?;
    let profile = if recordings.is_some() { "profiles/recordings" } else { "profiles/tay-ninh" };
    let defaults = Defaults { data: forgotten.path.join("data"), profile: PathBuf::from(profile) };
    let config = Config::read(None, flags, defaults).map_err(Failure::configuration)?;
    observe::start_logs(config.json_logs);
    let origin = if recordings.is_some() { Origin::Replayed } else { Origin::Simulated };
    let stop = CancellationToken::new();
    supervise::stop_on_signals(stop.clone()).map_err(Failure::other)?;
    let mut node = Node::start(config, origin, stop.clone()).await?;
    publish(&mut node, recordings.as_deref(), journal, stop)?;
    // One write: whoever waits for the ready line may stop reading behind it.
    observe::say(&format!("{}\nwall http://{}/wall/main", node.ready_line(), node.http()));
    node.supervise().await
}

/// The city knows the node's address and nothing else of it.
fn publish(
    node: &mut Node,
    recordings: Option<&Path>,
    journal: Option<PathBuf>,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let mqtt = node.mqtt().ok_or_else(|| Failure::configuration("the demo needs the embedded endpoint"))?;
    let mut config = nhip_demo::DemoConfig::new(mqtt, node.seed());
    if let Some(directory) = recordings {
        config.input = nhip_demo::DemoInput::Recordings(directory.to_path_buf());
    }
    config.journal = journal;
    let (profile, clock) = (node.profile(), node.clock());
    node.spawn("demo", async move {
        nhip_demo::run(config, profile, clock, stop).await.map(drop).map_err(Failure::other)
    });
    Ok(())
}

/// A directory for the data of a demo that is not to be remembered.
struct ForgottenData {
    path: PathBuf,
}

impl ForgottenData {
    fn new() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("nhip-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(Failure::other)?;
        Ok(Self { path })
    }
}

impl Drop for ForgottenData {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::debug!(%error, "demo data stays behind");
        }
    }
}
