//! MQTT 3.1.1. rumqttc's event loop only connects; then its network and state are driven here, because that
//! is the one way to write acknowledgements in batches and to read while acknowledgements go out. Every
//! branch below is safe to drop: with manual acknowledgements and QoS ≤ 1, `readb` has no other await than
//! its first read.

use std::future::ready;
use std::sync::atomic::Ordering;
use std::time::Duration;

use metrics::counter;
use nhip_ports::LinkError;
use nhip_proto::Dedication;
use rumqttc::{
    Event, EventLoop, Packet, PubAck, Publish, QoS, Request, Subscribe, SubscribeFilter, SubscribeReasonCode,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::Loop;
use super::fault::Fault;
use super::pipeline::{Received, Settled, Work};
use super::received::Publication;
use crate::mqtt_broker::Backoff;

/// Requests never go through the library's channel here.
const REQUESTS_MAX: usize = 1;

/// Connects, serves and connects again until stopped.
pub(super) async fn run(around: Loop) -> Result<(), LinkError> {
    let config = &around.shared.config;
    let (options, network) = config.broker.options_3(config.session())?;
    let mut events = EventLoop::new(options, REQUESTS_MAX);
    events.set_network_options(network);
    let mut backoff = Backoff::new(&config.broker);
    let settled = std::sync::Arc::clone(&around.settled);
    let mut settled = settled.lock().await;
    loop {
        let mut since = None;
        let fault = match connect(&around, &mut events).await {
            Ok(None) => return Ok(()),
            Ok(Some(session_present)) => {
                since = Some(Instant::now());
                let (epoch, gap) = around.shared.connected(session_present);
                if let Some(gap) = gap {
                    around.hand_on(Work::Gap(gap)).await;
                }
                let mut connection = Connection::new(&around, &mut events, epoch);
                let ended = connection.serve(&mut settled).await;
                connection.hand_on_rest().await;
                match ended {
                    Ok(()) => return Ok(()),
                    Err(fault) => fault,
                }
            }
            Err(fault) => fault,
        };
        // Events of this connection must not be taken for events of the next.
        events.clean();
        events.state.events.clear();
        if !around.rest(&fault, since, &mut backoff).await {
            return Ok(());
        }
    }
}

/// A connection, and whether the broker kept our session; none when told to stop.
async fn connect(around: &Loop, events: &mut EventLoop) -> Result<Option<bool>, Fault> {
    let polled = tokio::select! {
        polled = events.poll() => polled,
        // Dropping a half-made connection is fine: there will be no other.
        () = around.stop.cancelled() => return Ok(None),
    };
    match polled {
        Ok(Event::Incoming(Packet::ConnAck(answer))) => Ok(Some(answer.session_present)),
        Ok(_) => Err(Fault::new("internal", "an event before the connection")),
        Err(error) => Err(Fault::from(&error)),
    }
}

struct Connection<'a> {
    around: &'a Loop,
    events: &'a mut EventLoop,
    epoch: u64,
    received: Received,
    /// QoS 1 deliveries not yet acknowledged.
    unacknowledged: usize,
    ping_at: Instant,
    answer_by: Option<Instant>,
}

impl<'a> Connection<'a> {
    fn new(around: &'a Loop, events: &'a mut EventLoop, epoch: u64) -> Self {
        let received = Received { epoch, ..Received::default() };
        let ping_at = Instant::now() + keep_alive(around);
        Self { around, events, epoch, received, unacknowledged: 0, ping_at, answer_by: None }
    }

    /// Serves until the connection is lost (an error) or the link is told to stop.
    async fn serve(&mut self, settled: &mut mpsc::Receiver<Settled>) -> Result<(), Fault> {
        self.subscribe().await?;
        let work = self.around.work.clone();
        loop {
            self.around.shared.watchdog.beat();
            let held = !self.received.deliveries.is_empty();
            let room = self.unacknowledged < usize::from(self.around.shared.config.in_flight_max);
            let reading = room && !held;
            let ping_at = self.ping_at;
            let answer_by = self.answer_by.filter(|_| reading).unwrap_or(ping_at);
            let network = self.events.network.as_mut().ok_or_else(lost)?;
            tokio::select! {
                biased;
                () = self.around.stop.cancelled() => return self.leave(settled).await,
                Some(first) = settled.recv() => self.acknowledge(first, settled).await?,
                permit = work.reserve(), if held => {
                    let next = Received { epoch: self.epoch, ..Received::default() };
                    if let Ok(permit) = permit {
                        permit.send(Work::Received(std::mem::replace(&mut self.received, next)));
                    }
                }
                read = network.readb(&mut self.events.state), if reading => {
                    let read = read.map_err(|error| Fault::from(&error));
                    self.take_events()?;
                    read?;
                    self.read_ready().await?;
                }
                () = sleep_until(answer_by.min(ping_at)) => self.ping(reading).await?,
            }
        }
    }

    async fn subscribe(&mut self) -> Result<(), Fault> {
        let config = &self.around.shared.config;
        let qos = if config.qos == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
        let filters = config.filters.iter().map(|filter| SubscribeFilter::new(filter.clone(), qos));
        self.request(Request::Subscribe(Subscribe::new_many(filters))).await
    }

    /// Takes what is already there, up to one batch, without waiting.
    async fn read_ready(&mut self) -> Result<(), Fault> {
        let config = &self.around.shared.config;
        let (count_max, bytes_max) = (config.deliveries_per_submit_max, config.bytes_per_submit_max);
        while self.received.deliveries.len() < count_max && self.received.bytes < bytes_max {
            let network = self.events.network.as_mut().ok_or_else(lost)?;
            let read = tokio::select! {
                biased;
                read = network.readb(&mut self.events.state) => read,
                () = ready(()) => return Ok(()),
            };
            self.take_events()?;
            read.map_err(|error| Fault::from(&error))?;
        }
        Ok(())
    }

    fn take_events(&mut self) -> Result<(), Fault> {
        self.answer_by = None;
        let events: Vec<Event> = self.events.state.events.drain(..).collect();
        for event in events {
            match event {
                Event::Incoming(Packet::Publish(publish)) => self.take(publish),
                Event::Incoming(Packet::SubAck(answer)) => {
                    if answer.return_codes.contains(&SubscribeReasonCode::Failure) {
                        return Err(Fault::new("subscription", "the broker refused a subscription"));
                    }
                    self.around.shared.subscribed();
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn take(&mut self, publish: Publish) {
        let qos = publish.qos as u8;
        self.unacknowledged += usize::from(qos > 0);
        let publication = Publication {
            topic: publish.topic,
            payload: publish.payload,
            dedication: Dedication { qos, retain: publish.retain, dup: publish.dup },
            content_type: String::new(),
            packet_id: publish.pkid,
        };
        self.around.shared.take(publication, &mut self.received);
    }

    /// Writes every acknowledgement that is due and flushes once.
    async fn acknowledge(&mut self, first: Settled, more: &mut mpsc::Receiver<Settled>) -> Result<(), Fault> {
        let mut next = Some(first);
        let mut written = 0_u64;
        let network = self.events.network.as_mut().ok_or_else(lost)?;
        while let Some(batch) = next {
            if batch.epoch == self.epoch {
                self.unacknowledged = self.unacknowledged.saturating_sub(batch.ids.len());
                written += batch.ids.len() as u64;
                for id in batch.ids {
                    let packet = Packet::PubAck(PubAck::new(id));
                    network.write(packet).await.map_err(|error| Fault::from(&error))?;
                }
            } else {
                // The broker sends these again on this connection, perhaps under other ids.
                counter!("nhip_mqtt_stale_acknowledgements_total").increment(batch.ids.len() as u64);
            }
            next = more.try_recv().ok();
        }
        counter!("nhip_mqtt_acknowledgements_total").increment(written);
        self.flush().await
    }

    /// Keeps the connection alive, and finds out that it is not: no byte within half a keep-alive after a
    /// ping.
    async fn ping(&mut self, reading: bool) -> Result<(), Fault> {
        let now = Instant::now();
        if reading && self.answer_by.is_some_and(|answer_by| now >= answer_by) {
            return Err(Fault::new("silent", "the broker is silent"));
        }
        if now < self.ping_at {
            return Ok(());
        }
        let keep_alive = keep_alive(self.around);
        self.ping_at = now + keep_alive;
        self.answer_by.get_or_insert(now + keep_alive / 2);
        // Not through the library's state: it would count an answer we have not read yet as missing.
        let network = self.events.network.as_mut().ok_or_else(lost)?;
        network.write(Packet::PingReq).await.map_err(|error| Fault::from(&error))?;
        self.flush().await
    }

    /// Acknowledges what becomes durable within the drain time, then says good-bye; the session stays.
    async fn leave(&mut self, settled: &mut mpsc::Receiver<Settled>) -> Result<(), Fault> {
        let deadline = Instant::now() + Duration::from_millis(self.around.shared.config.drain_ms_max);
        let rest = std::mem::take(&mut self.received);
        self.unacknowledged = self.unacknowledged.saturating_sub(rest.ids.len());
        while self.unacknowledged > 0 {
            let Ok(Some(first)) = timeout_at(deadline, settled.recv()).await else { break };
            if self.acknowledge(first, settled).await.is_err() {
                return Ok(());
            }
        }
        let Some(network) = self.events.network.as_mut() else { return Ok(()) };
        // If it cannot be said, the broker notices by itself.
        drop(network.write(Packet::Disconnect).await);
        drop(self.flush().await);
        // The broker closes after it has read everything. If we closed first and came back at once, the new
        // connection could overtake our last acknowledgements.
        if let Some(network) = self.events.network.as_mut() {
            while let Ok(Ok(())) = timeout_at(deadline, network.readb(&mut self.events.state)).await {
                self.events.state.events.clear();
            }
        }
        Ok(())
    }

    /// What was received before the connection was lost counts; it is not acknowledged here.
    async fn hand_on_rest(&mut self) {
        if !self.received.deliveries.is_empty() && !self.around.stop.is_cancelled() {
            let rest = std::mem::take(&mut self.received);
            self.around.hand_on(Work::Received(rest)).await;
        }
        self.around.shared.up.store(false, Ordering::Relaxed);
    }

    async fn request(&mut self, request: Request) -> Result<(), Fault> {
        let packet =
            self.events.state.handle_outgoing_packet(request).map_err(|error| Fault::from(&error))?;
        let network = self.events.network.as_mut().ok_or_else(lost)?;
        if let Some(packet) = packet {
            network.write(packet).await.map_err(|error| Fault::from(&error))?;
        }
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        let wait = Duration::from_secs(self.around.shared.config.write_s_max);
        let network = self.events.network.as_mut().ok_or_else(lost)?;
        match timeout(wait, network.flush()).await {
            Ok(flushed) => flushed.map_err(|error| Fault::from(&error)),
            Err(_) => Err(Fault::new("timeout", "the broker does not read")),
        }
    }
}

fn keep_alive(around: &Loop) -> Duration {
    Duration::from_secs(u64::from(around.shared.config.broker.keep_alive_s))
}

fn lost() -> Fault {
    Fault::new("internal", "there is no connection")
}
