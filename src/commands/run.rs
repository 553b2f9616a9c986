//! `nhip run`: a node until it is told to stop.

use std::path::{Path, PathBuf};

use nhip_proto::Origin;
use tokio_util::sync::CancellationToken;

use crate::cli::NodeFlags;
use crate::clock;
use crate::commands::Failure;
use crate::config::{Config, Defaults};
use crate::node::Node;
use crate::{observe, supervise};

/// Runs a node with a configuration file and flags.
pub(crate) async fn run(file: Option<&Path>, flags: &NodeFlags) -> Result<(), Failure> {
    let defaults = Defaults { data: PathBuf::from("data"), profile: PathBuf::from("profiles/tay-ninh") };
    let config = Config::read(file, flags, defaults).map_err(Failure::configuration)?;
    observe::start_logs(config.json_logs);
    let origin = if clock::simulated(&config) { Origin::Simulated } else { Origin::Machine };
    let stop = CancellationToken::new();
    supervise::stop_on_signals(stop.clone()).map_err(Failure::other)?;
    let node = Node::start(config, origin, stop).await?;
    observe::say(&node.ready_line());
    node.supervise().await
}
