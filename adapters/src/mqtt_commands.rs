//! Commands to devices behind a broker: a client of its own, so that a stuck command never holds up ingest.

use std::sync::Arc;

use async_trait::async_trait;
use metrics::counter;
use nhip_ports::{CommandLink, LinkError, OutgoingCommand};
use rumqttc::{AsyncClient, Event, EventLoop, Packet, QoS};
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::mqtt_broker::{Backoff, MqttBroker, Session};

/// Requests inside the client library; the bounded queue in front is ours.
const REQUESTS_MAX: usize = 4;

/// How commands are sent.
#[derive(Clone, Debug)]
pub struct MqttCommandsConfig {
    /// The broker, under another client id than ingest. The protocol is always MQTT 3.1.1.
    pub broker: MqttBroker,
    /// Commands that wait for the connection; further ones are dropped and counted.
    pub commands_queued_max: usize,
    /// The largest packet sent, bytes.
    pub packet_bytes_max: u32,
}

impl Default for MqttCommandsConfig {
    fn default() -> Self {
        Self {
            broker: MqttBroker { client_id: "nhip-commands".to_owned(), ..MqttBroker::default() },
            commands_queued_max: 256,
            packet_bytes_max: 64 * 1024,
        }
    }
}

/// Sends commands at QoS 0, as Sparkplug B asks for (tck-id-payloads-ncmd-qos): best effort.
pub struct MqttCommands {
    config: MqttCommandsConfig,
    queue: mpsc::Sender<OutgoingCommand>,
    queued: Arc<Mutex<mpsc::Receiver<OutgoingCommand>>>,
}

impl MqttCommands {
    /// A command client; it connects when it runs.
    ///
    /// # Errors
    /// [`LinkError::Configuration`]: something that can never work, or a certificate that cannot be read.
    pub fn new(config: MqttCommandsConfig) -> Result<Self, LinkError> {
        config.broker.check()?;
        config.broker.options_3(session(&config))?;
        let (queue, queued) = mpsc::channel(config.commands_queued_max.max(1));
        Ok(Self { config, queue, queued: Arc::new(Mutex::new(queued)) })
    }

    /// Runs until stopped; transport errors are met with back-off.
    ///
    /// # Errors
    /// [`LinkError::Configuration`]: a certificate cannot be read any more.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), LinkError> {
        let (options, network) = self.config.broker.options_3(session(&self.config))?;
        let (client, mut events) = AsyncClient::new(options, REQUESTS_MAX);
        events.set_network_options(network);
        let (up, is_up) = watch::channel(false);
        tokio::select! {
            () = stop.cancelled() => {}
            () = poll(&mut events, Backoff::new(&self.config.broker), &up) => {}
            () = self.forward(&client, is_up) => {}
        }
        Ok(())
    }

    async fn forward(&self, client: &AsyncClient, mut is_up: watch::Receiver<bool>) {
        let mut queued = self.queued.lock().await;
        while is_up.wait_for(|up| *up).await.is_ok() {
            let Some(command) = queued.recv().await else { return };
            let sent = client.publish(command.topic, QoS::AtMostOnce, false, command.payload.to_vec()).await;
            match sent {
                Ok(()) => counter!("nhip_mqtt_commands_total").increment(1),
                Err(_) => count_dropped("refused"),
            }
        }
    }
}

#[async_trait]
impl CommandLink for MqttCommands {
    async fn send(&self, command: OutgoingCommand) {
        let bytes_max = usize::try_from(self.config.packet_bytes_max).unwrap_or(usize::MAX);
        // A packet above the limit would break the connection of all others.
        if command.topic.len() + command.payload.len() + 16 > bytes_max {
            count_dropped("too_large");
        } else if self.queue.try_send(command).is_err() {
            count_dropped("queue_full");
        }
    }
}

async fn poll(events: &mut EventLoop, mut backoff: Backoff, up: &watch::Sender<bool>) {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                backoff.reset();
                up.send_replace(true);
            }
            Ok(_) => {}
            Err(_) => {
                up.send_replace(false);
                counter!("nhip_mqtt_disconnections_total", "link" => "commands", "reason" => "any")
                    .increment(1);
                tokio::time::sleep(backoff.pause()).await;
            }
        }
    }
}

fn session(config: &MqttCommandsConfig) -> Session {
    Session {
        expiry_s: 0,
        incoming_bytes_max: config.packet_bytes_max,
        outgoing_bytes_max: config.packet_bytes_max,
        receive_max: 1,
    }
}

fn count_dropped(reason: &'static str) {
    counter!("nhip_mqtt_commands_dropped_total", "reason" => reason).increment(1);
}
