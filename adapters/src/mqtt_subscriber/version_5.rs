//! MQTT 5. rumqttc keeps the network of this version to itself: its event loop is polled by this one task,
//! and acknowledgements go through its channel. A gate keeps those of an older connection out of the channel,
//! and what was in it when the connection broke is thrown away before the next one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use metrics::counter;
use nhip_ports::LinkError;
use nhip_proto::Dedication;
use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, Packet, Publish, RetainForwardRule, SubAck, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, EventLoop};
use tokio::time::{Instant, timeout_at};

use super::Loop;
use super::fault::Fault;
use super::pipeline::{Received, Settled, Work};
use super::received::Publication;
use crate::mqtt_broker::Backoff;

/// Room in the library's channel beside acknowledgements.
const REQUESTS_SPARE: usize = 64;
/// No connection.
const CLOSED: u64 = 0;

/// Connects, serves and connects again until stopped.
pub(super) async fn run(around: Loop) -> Result<(), LinkError> {
    let config = &around.shared.config;
    let session = config.session();
    let options = config.broker.options_5(session)?;
    let capacity = usize::from(session.receive_max) + REQUESTS_SPARE;
    let (client, events) = AsyncClient::new(options, capacity);
    let gate = Arc::new(Gate::default());
    let polling = Polling {
        around: around.clone(),
        events,
        client: client.clone(),
        gate: Arc::clone(&gate),
        received: Received::default(),
        unacknowledged: 0,
    };
    tokio::select! {
        outcome = polling.run() => outcome,
        () = acknowledge_all(&around, &client, &gate) => Ok(()),
    }
}

/// Which connection may be acknowledged on; shared by the poller and the acknowledger.
#[derive(Debug, Default)]
struct Gate(Mutex<u64>);

impl Gate {
    fn lock(&self) -> MutexGuard<'_, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn acknowledge_all(around: &Loop, client: &AsyncClient, gate: &Gate) {
    let mut settled = around.settled.lock().await;
    let mut publish = Publish::new("", QoS::AtLeastOnce, Bytes::new(), None);
    while let Some(Settled { epoch, ids }) = settled.recv().await {
        // Held while queueing: the poller closes the gate before it empties the channel.
        let open = gate.lock();
        if *open != epoch {
            counter!("nhip_mqtt_stale_acknowledgements_total").increment(ids.len() as u64);
            continue;
        }
        counter!("nhip_mqtt_acknowledgements_total").increment(ids.len() as u64);
        for id in ids {
            publish.pkid = id;
            // The channel holds as many as the broker may have in flight, so there is room; if not, the
            // broker sends the message again after the next connection.
            if client.try_ack(&publish).is_err() {
                counter!("nhip_mqtt_acknowledgements_dropped_total").increment(1);
            }
        }
    }
}

struct Polling {
    around: Loop,
    events: EventLoop,
    client: AsyncClient,
    gate: Arc<Gate>,
    received: Received,
    /// QoS 1 deliveries whose acknowledgement the library has not written yet.
    unacknowledged: usize,
}

impl Polling {
    async fn run(mut self) -> Result<(), LinkError> {
        let mut backoff = Backoff::new(&self.around.shared.config.broker);
        loop {
            let mut since = None;
            let fault = loop {
                match self.step(&mut since).await {
                    Ok(true) => {}
                    Ok(false) => {
                        self.leave().await;
                        return Ok(());
                    }
                    Err(fault) => break fault,
                }
            };
            // First nothing more may be queued, then what is queued goes.
            *self.gate.lock() = CLOSED;
            self.take_events(&mut since).await.err();
            self.hand_on().await;
            self.events.clean();
            self.events.state.events.clear();
            if !self.around.rest(&fault, since, &mut backoff).await {
                return Ok(());
            }
        }
    }

    /// One poll and what it brought; false when told to stop.
    async fn step(&mut self, since: &mut Option<Instant>) -> Result<bool, Fault> {
        self.around.shared.watchdog.beat();
        let polled = tokio::select! {
            polled = self.events.poll() => polled,
            // Dropping the poll is fine: there will be no other.
            () = self.around.stop.cancelled() => return Ok(false),
        };
        let event = polled.map_err(|error| Fault::from(&error))?;
        self.take_event(event, since).await?;
        self.take_events(since).await?;
        self.hand_on().await;
        Ok(true)
    }

    /// Acknowledges what becomes durable within the drain time, then says good-bye; the session stays.
    async fn leave(&mut self) {
        if *self.gate.lock() == CLOSED {
            return;
        }
        let deadline = Instant::now() + Duration::from_millis(self.around.shared.config.drain_ms_max);
        let mut leaving = false;
        loop {
            if self.unacknowledged == 0 && !leaving {
                leaving = self.client.try_disconnect().is_ok();
            }
            let Ok(Ok(event)) = timeout_at(deadline, self.events.poll()).await else { return };
            // Publications that come now are not taken, and come again. The broker closes after it has read all;
            // if we closed first and came back at once, the new connection could overtake our last
            // acknowledgements.
            if let Event::Outgoing(Outgoing::PubAck(_)) = event {
                self.unacknowledged = self.unacknowledged.saturating_sub(1);
            }
        }
    }

    async fn take_events(&mut self, since: &mut Option<Instant>) -> Result<(), Fault> {
        while let Some(event) = self.events.state.events.pop_front() {
            self.take_event(event, since).await?;
        }
        Ok(())
    }

    async fn take_event(&mut self, event: Event, since: &mut Option<Instant>) -> Result<(), Fault> {
        match event {
            Event::Incoming(Packet::ConnAck(answer)) => {
                *since = Some(Instant::now());
                self.connected(answer.session_present).await
            }
            Event::Incoming(Packet::SubAck(answer)) => self.subscribed(&answer),
            Event::Incoming(Packet::Publish(publish)) => {
                self.take(publish);
                Ok(())
            }
            Event::Outgoing(Outgoing::PubAck(_)) => {
                self.unacknowledged = self.unacknowledged.saturating_sub(1);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn connected(&mut self, session_present: bool) -> Result<(), Fault> {
        let (epoch, gap) = self.around.shared.connected(session_present);
        if let Some(gap) = gap {
            self.around.hand_on(Work::Gap(gap)).await;
        }
        self.received = Received { epoch, ..Received::default() };
        self.unacknowledged = 0;
        *self.gate.lock() = epoch;
        let config = &self.around.shared.config;
        let qos = if config.qos == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
        let filters = config.filters.iter().map(|filter| {
            let mut filter = Filter::new(filter.clone(), qos);
            // Kept messages are states of the past: sent with a new subscription only.
            filter.retain_forward_rule = RetainForwardRule::OnNewSubscribe;
            filter
        });
        let queued = self.client.try_subscribe_many(filters);
        queued.map_err(|_| Fault::new("internal", "the subscription could not be queued"))
    }

    fn subscribed(&self, answer: &SubAck) -> Result<(), Fault> {
        let granted = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
        if !answer.return_codes.iter().all(granted) {
            return Err(Fault::new("subscription", "the broker refused a subscription"));
        }
        self.around.shared.subscribed();
        Ok(())
    }

    fn take(&mut self, publish: Publish) {
        let content_type = publish.properties.and_then(|properties| properties.content_type);
        let publication = Publication {
            // The library hands over bytes; a topic that is no UTF-8 matches no route and is logged as such.
            topic: String::from_utf8_lossy(&publish.topic).into_owned(),
            payload: publish.payload,
            dedication: Dedication { qos: publish.qos as u8, retain: publish.retain, dup: publish.dup },
            content_type: content_type.unwrap_or_default(),
            packet_id: publish.pkid,
        };
        self.unacknowledged += usize::from(publication.dedication.qos > 0);
        self.around.shared.take(publication, &mut self.received);
    }

    async fn hand_on(&mut self) {
        if !self.received.deliveries.is_empty() {
            let next = Received { epoch: self.received.epoch, ..Received::default() };
            let received = std::mem::replace(&mut self.received, next);
            self.around.hand_on(Work::Received(received)).await;
        }
    }
}
