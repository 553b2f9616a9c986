//! Subscriptions to foreign brokers, from the configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nhip_adapters::{
    MqttBroker, MqttClientTls, MqttCommands, MqttCommandsConfig, MqttProtocol, MqttSubscriber,
    MqttSubscriberConfig,
};

use crate::commands::Failure;
use crate::config::{Config, SubscriberConfig};

/// One foreign broker: the link in, and another client for commands.
pub(crate) struct Subscriber {
    pub(crate) link: Arc<MqttSubscriber>,
    pub(crate) commands: Arc<MqttCommands>,
}

/// All of them. `log_has_records`: a session lost since then is a gap.
pub(crate) fn subscribers(config: &Config, log_has_records: bool) -> Result<Vec<Subscriber>, Failure> {
    config.subscribers.iter().map(|one| subscriber(one, log_has_records)).collect()
}

fn subscriber(config: &SubscriberConfig, log_has_records: bool) -> Result<Subscriber, Failure> {
    let broker = broker(config)?;
    let mut commands_broker = broker.clone();
    commands_broker.client_id.push_str("-commands");
    let commands = MqttCommandsConfig { broker: commands_broker, ..MqttCommandsConfig::default() };
    let shared = |filter: &String| match &config.share {
        Some(group) => format!("$share/{group}/{filter}"),
        None => filter.clone(),
    };
    let link = MqttSubscriberConfig {
        name: config.name.clone(),
        broker,
        filters: config.filters.iter().map(shared).collect(),
        session_expected: log_has_records,
        epoch_first: crate::compose::epoch_first(),
        ..MqttSubscriberConfig::default()
    };
    Ok(Subscriber {
        link: Arc::new(MqttSubscriber::new(link).map_err(Failure::configuration)?),
        commands: Arc::new(MqttCommands::new(commands).map_err(Failure::configuration)?),
    })
}

fn broker(config: &SubscriberConfig) -> Result<MqttBroker, Failure> {
    let protocol = match config.version {
        4 => MqttProtocol::V3,
        5 => MqttProtocol::V5,
        other => {
            let what =
                format!("subscriber {}: version {other}: allowed are 4 (MQTT 3.1.1) and 5", config.name);
            return Err(Failure::configuration(what));
        }
    };
    let login = match (&config.username, &config.password_file) {
        (Some(user), Some(file)) => Some((user.clone(), secret(file)?)),
        (Some(user), None) => Some((user.clone(), String::new())),
        (None, _) => None,
    };
    Ok(MqttBroker {
        host: config.host.clone(),
        port: config.port,
        protocol,
        client_id: config.client_id.clone(),
        login,
        tls: tls(config)?,
        ..MqttBroker::default()
    })
}

fn tls(config: &SubscriberConfig) -> Result<Option<MqttClientTls>, Failure> {
    let identity: Option<(PathBuf, PathBuf)> = config.certificate_file.clone().zip(config.key_file.clone());
    match &config.ca_file {
        Some(authorities) => Ok(Some(MqttClientTls { authorities: authorities.clone(), identity })),
        None if identity.is_some() => Err(Failure::configuration(format!(
            "subscriber {}: a client certificate needs ca_file too",
            config.name
        ))),
        None => Ok(None),
    }
}

/// A password or hash from a file of its own, without the line end.
pub(crate) fn secret(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::configuration(format!("{}: {error}", path.display())))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
