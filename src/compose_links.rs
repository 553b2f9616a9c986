//! Subscriptions to foreign brokers, from the configuration.

use std::path::Path;
use std::sync::Arc;

use nhip_adapters::{MqttCommands, MqttSubscriber, MqttSubscriberConfig};

use crate::commands::Failure;
use crate::config::{Config, SubscriberConfig};

/// One foreign broker: the link in, and another client for commands.
pub(crate) struct Subscriber {
    pub(crate) link: Arc<MqttSubscriber>,
    pub(crate) commands: Arc<MqttCommands>,
}

/// All of them.
pub(crate) fn subscribers(config: &Config) -> Result<Vec<Subscriber>, Failure> {
    config.subscribers.iter().map(subscriber).collect()
}

fn subscriber(_config: &SubscriberConfig) -> Result<Subscriber, Failure> {
    Err(Failure::configuration("subscriber"))
}

/// A password or hash from a file of its own, without the line end.
pub(crate) fn secret(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::configuration(format!("{}: {error}", path.display())))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
