//! One admitted connection: one task reads, submits in order, waits for the disk and acknowledges in order.
//! Reading goes on while earlier batches are being made durable, up to the bounds of the configuration.

use std::collections::VecDeque;
use std::future::{Future, ready};
use std::pin::Pin;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use metrics::counter;
use mqtt_protocol_core::mqtt::result_code::DisconnectReasonCode as Fault;
use nhip_ports::{Appended, Delivery, Intake, Refused};
use nhip_proto::Dedication;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::MqttEndpointConfig;
use super::access::topic_valid;
use super::frame::{Frame, Publish, kind, next_frame, write_puback, write_publish};
use super::handshake::Client;
use super::packet::{Will, read_disconnect, write_disconnect};
use super::registry::{Place, Queued};

mod subscriptions;

/// How much is read at once: little for a quiet connection, more for one that fills its buffer.
const READ_BYTES_MIN: usize = 4 * 1024;
const READ_BYTES_MAX: usize = 64 * 1024;
/// Commands at QoS 1 sent and not yet acknowledged by the client.
const COMMANDS_IN_FLIGHT_MAX: usize = 16;
/// PUBACK reason: not authorised (MQTT 5 §3.4.2.1).
const NOT_AUTHORIZED: u8 = 0x87;
/// How long a will may wait for room in the intake.
const WILL_WAIT: Duration = Duration::from_secs(5);

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// The socket closed or failed.
    Lost,
    /// DISCONNECT; the will is not published.
    Bye,
    /// DISCONNECT that asks for the will (MQTT 5 §3.14.2.1).
    ByeWithWill,
    /// The client broke the protocol or a limit.
    Fault(Fault),
    /// A newer connection of the same client came.
    Taken,
    /// The endpoint stops.
    Stopped,
    /// The intake refused.
    Refused(Refused),
}

type Waiting = Pin<Box<dyn Future<Output = Result<Appended, Refused>> + Send>>;

/// Acknowledgements in order of receipt, and what they wait for.
struct Batch {
    durable: Option<Waiting>,
    acknowledgements: BytesMut,
    count: usize,
}

/// What one connection works with.
pub(super) struct Surroundings<'a> {
    pub(super) config: &'a MqttEndpointConfig,
    pub(super) intake: &'a dyn Intake,
    pub(super) stop: &'a CancellationToken,
    pub(super) place: &'a Place<'a>,
    pub(super) epoch: u64,
    pub(super) count_delivered: &'a (dyn Fn(usize) + Sync),
}

/// A connection at work.
pub(super) struct Connection<'a, S> {
    around: Surroundings<'a>,
    client: Client,
    stream: S,
    commands: mpsc::Receiver<Queued>,
    buffer: BytesMut,
    read_bytes: usize,
    out: BytesMut,
    waiting: VecDeque<Batch>,
    /// QoS 1 deliveries not yet acknowledged.
    unacknowledged: usize,
    aliases: Vec<String>,
    command_ids: Vec<u16>,
    command_id_last: u16,
    heard: Instant,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin + Send> Connection<'a, S> {
    pub(super) fn new(
        around: Surroundings<'a>,
        client: Client,
        stream: S,
        buffer: BytesMut,
        out: BytesMut,
        commands: mpsc::Receiver<Queued>,
    ) -> Self {
        let aliases = if client.version_5 { usize::from(around.config.topic_alias_max) } else { 0 };
        Self {
            around,
            client,
            stream,
            commands,
            buffer,
            read_bytes: READ_BYTES_MIN,
            out,
            waiting: VecDeque::new(),
            unacknowledged: 0,
            aliases: vec![String::new(); aliases],
            command_ids: Vec::new(),
            command_id_last: 0,
            heard: Instant::now(),
        }
    }

    /// Serves until the connection ends, then says good-bye and publishes the will if it must.
    pub(super) async fn serve(mut self) -> End {
        let end = match self.work().await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        let will = match &end {
            End::Bye | End::Stopped | End::Refused(_) => None,
            _ => self.client.will.take(),
        };
        self.say_goodbye(&end).await;
        match will {
            Some(will) => self.publish_will(will).await.err().unwrap_or(end),
            None => end,
        }
    }

    async fn work(&mut self) -> Result<std::convert::Infallible, End> {
        loop {
            self.take_frames().await?;
            self.flush().await?;
            let room = self.has_room();
            let commands_room = self.command_ids.len() < COMMANDS_IN_FLIGHT_MAX.min(self.receive_max());
            self.make_room();
            let alarm = self.client.silence_max.map(|silence_max| self.heard + silence_max);
            tokio::select! {
                biased;
                () = self.around.stop.cancelled() => return Err(End::Stopped),
                () = self.around.place.taken.cancelled() => return Err(End::Taken),
                outcome = front(&mut self.waiting), if !self.waiting.is_empty() => {
                    self.acknowledge(outcome)?;
                    self.acknowledge_ready().await?;
                    if !room {
                        // While there was no room the client could not be heard.
                        self.heard = Instant::now();
                    }
                }
                Some(queued) = self.commands.recv(), if commands_room => self.write_command(&queued),
                read = self.stream.read_buf(&mut self.buffer), if room => match read {
                    Ok(0) | Err(_) => return Err(End::Lost),
                    Ok(count) => self.heard_of(count),
                },
                () = sleep_until(alarm.unwrap_or(self.heard)), if room && alarm.is_some() => {
                    return Err(End::Fault(Fault::KeepAliveTimeout));
                }
            }
        }
    }

    fn make_room(&mut self) {
        if self.buffer.capacity() - self.buffer.len() < self.read_bytes / 2 {
            self.buffer.reserve(self.read_bytes);
        }
    }

    fn heard_of(&mut self, count: usize) {
        self.heard = Instant::now();
        if count >= self.read_bytes / 2 {
            self.read_bytes = (self.read_bytes * 2).min(READ_BYTES_MAX);
        } else if count < self.read_bytes / 8 {
            self.read_bytes = (self.read_bytes / 2).max(READ_BYTES_MIN);
        }
    }

    fn has_room(&self) -> bool {
        self.waiting.len() < self.around.config.submits_in_flight_max
    }

    fn receive_max(&self) -> usize {
        usize::from(self.client.receive_max)
    }

    /// Takes every whole frame of the buffer, submitting what they deliver in batches.
    async fn take_frames(&mut self) -> Result<(), End> {
        let packet_bytes_max = self.around.config.packet_bytes_max();
        while self.has_room() {
            let mut deliveries = Vec::new();
            let mut bytes = 0;
            let mut acknowledgements = BytesMut::new();
            let mut whole = false;
            let mut outcome = Ok(());
            while deliveries.len() < self.around.config.deliveries_per_submit_max
                && bytes < self.around.config.bytes_per_submit_max
            {
                match next_frame(&mut self.buffer, packet_bytes_max) {
                    Ok(Some(frame)) if frame.kind == kind::PUBLISH => {
                        bytes += frame.body.len();
                        outcome = self.take_publish(&frame, &mut deliveries, &mut acknowledgements);
                    }
                    Ok(Some(frame)) => outcome = self.take_other(&frame),
                    Ok(None) => whole = true,
                    Err(fault) => outcome = Err(End::Fault(fault)),
                }
                if whole || outcome.is_err() {
                    break;
                }
            }
            // What came before a fault or a DISCONNECT was received and counts.
            self.submit(deliveries, acknowledgements).await?;
            outcome?;
            if whole {
                return Ok(());
            }
        }
        Ok(())
    }

    fn take_publish(
        &mut self,
        frame: &Frame,
        deliveries: &mut Vec<Delivery>,
        acknowledgements: &mut BytesMut,
    ) -> Result<(), End> {
        let publish = Publish::read(frame, self.client.version_5).map_err(End::Fault)?;
        if publish.qos == 2 {
            return Err(End::Fault(Fault::QosNotSupported));
        }
        let Publish { qos, dup, packet_id, topic, alias, content_type, payload } = publish;
        let topic = self.resolve(topic, alias)?;
        if qos == 1 {
            self.unacknowledged += 1;
            let receive_max = usize::from(self.around.config.receive_max);
            if self.client.version_5 && self.unacknowledged > receive_max {
                return Err(End::Fault(Fault::ReceiveMaximumExceeded));
            }
        }
        if !self.client.rules.may_publish(&topic) {
            counter!("nhip_mqtt_publications_refused_total").increment(1);
            return match (qos, self.client.version_5) {
                (0, _) => Ok(()),
                (_, true) => {
                    write_puback(acknowledgements, packet_id, NOT_AUTHORIZED);
                    Ok(())
                }
                // MQTT 3.1.1 §3.3.5 leaves closing or a false acknowledgement; we never acknowledge falsely.
                (_, false) => Err(End::Fault(Fault::NotAuthorized)),
            };
        }
        if qos == 1 {
            write_puback(acknowledgements, packet_id, 0);
        }
        deliveries.push(Delivery {
            topic,
            payload,
            // RETAIN from a publisher asks the server to keep a copy; the message itself is an event.
            dedication: Dedication { qos, retain: false, dup },
            content_type,
            principal: self.client.principal.clone(),
            epoch: self.around.epoch,
        });
        Ok(())
    }

    /// The topic behind an alias, or a new alias for the topic (MQTT 5 §3.3.2.3.4).
    fn resolve(&mut self, topic: String, alias: u16) -> Result<String, End> {
        if topic.is_empty() && alias == 0 {
            return Err(End::Fault(Fault::ProtocolError));
        }
        if !topic.is_empty() && !topic_valid(&topic, self.around.config.topic_bytes_max) {
            return Err(End::Fault(Fault::TopicNameInvalid));
        }
        if alias == 0 {
            return Ok(topic);
        }
        let Some(known) = self.aliases.get_mut(usize::from(alias) - 1) else {
            return Err(End::Fault(Fault::TopicAliasInvalid));
        };
        if !topic.is_empty() {
            known.clone_from(&topic);
            return Ok(topic);
        }
        if known.is_empty() { Err(End::Fault(Fault::ProtocolError)) } else { Ok(known.clone()) }
    }

    fn take_other(&mut self, frame: &Frame) -> Result<(), End> {
        match (frame.kind, frame.flags) {
            (kind::PINGREQ, 0) if frame.body.is_empty() => self.out.put_slice(&[0xD0, 0]),
            (kind::PUBACK, 0) => self.take_puback(frame)?,
            (kind::SUBSCRIBE, _) => self.take_subscribe(frame)?,
            (kind::UNSUBSCRIBE, _) => self.take_unsubscribe(frame)?,
            (kind::DISCONNECT, _) => {
                return match read_disconnect(frame, self.client.version_5).map_err(End::Fault)? {
                    Fault::NormalDisconnection => Err(End::Bye),
                    _ => Err(End::ByeWithWill),
                };
            }
            // A second CONNECT, a packet only a server sends, QoS 2 hand-shakes, AUTH.
            _ => return Err(End::Fault(Fault::ProtocolError)),
        }
        Ok(())
    }

    fn take_puback(&mut self, frame: &Frame) -> Result<(), End> {
        let Some([high, low]) = frame.body.get(..2) else { return Err(End::Fault(Fault::MalformedPacket)) };
        let packet_id = u16::from_be_bytes([*high, *low]);
        self.command_ids.retain(|known| *known != packet_id);
        Ok(())
    }

    async fn submit(&mut self, deliveries: Vec<Delivery>, acknowledgements: BytesMut) -> Result<(), End> {
        let count = acknowledgements_in(&acknowledgements);
        if deliveries.is_empty() {
            if !acknowledgements.is_empty() {
                self.waiting.push_back(Batch { durable: None, acknowledgements, count });
            }
            return Ok(());
        }
        let delivered = deliveries.len();
        count_deliveries(&deliveries);
        let durable = tokio::select! {
            biased;
            durable = self.around.intake.submit(deliveries) => durable.map_err(End::Refused)?,
            () = self.around.stop.cancelled() => return Err(End::Stopped),
            () = self.around.place.taken.cancelled() => return Err(End::Taken),
        };
        (self.around.count_delivered)(delivered);
        self.heard = Instant::now();
        self.waiting.push_back(Batch { durable: Some(Box::pin(durable.wait())), acknowledgements, count });
        Ok(())
    }

    /// The oldest batch is durable: its acknowledgements go out.
    fn acknowledge(&mut self, outcome: Result<Appended, Refused>) -> Result<(), End> {
        let batch = self.waiting.pop_front();
        outcome.map_err(End::Refused)?;
        if let Some(batch) = batch {
            self.unacknowledged = self.unacknowledged.saturating_sub(batch.count);
            self.out.put_slice(&batch.acknowledgements);
        }
        Ok(())
    }

    /// Further batches that are durable already: all their acknowledgements go out in one write.
    async fn acknowledge_ready(&mut self) -> Result<(), End> {
        while !self.waiting.is_empty() {
            let outcome = tokio::select! {
                biased;
                outcome = front(&mut self.waiting) => outcome,
                () = ready(()) => return Ok(()),
            };
            self.acknowledge(outcome)?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), End> {
        if self.out.is_empty() {
            return Ok(());
        }
        let write_wait = Duration::from_secs(self.around.config.write_s_max);
        let write = timeout(write_wait, self.stream.write_all_buf(&mut self.out)).await;
        match write {
            Ok(Ok(())) => Ok(()),
            // A client that does not read would hold our memory.
            Ok(Err(_)) | Err(_) => Err(End::Lost),
        }
    }

    fn write_command(&mut self, queued: &Queued) {
        let packet_id = (queued.qos > 0).then(|| self.next_command_id());
        let written = write_publish(
            &mut self.out,
            &queued.command.topic,
            &queued.command.payload,
            packet_id,
            self.client.version_5,
            self.client.packet_bytes_max,
        );
        if written {
            self.command_ids.extend(packet_id);
        } else {
            counter!("nhip_mqtt_commands_dropped_total", "reason" => "too_large").increment(1);
        }
    }

    fn next_command_id(&mut self) -> u16 {
        loop {
            self.command_id_last = self.command_id_last.wrapping_add(1).max(1);
            if !self.command_ids.contains(&self.command_id_last) {
                return self.command_id_last;
            }
        }
    }

    async fn say_goodbye(&mut self, end: &End) {
        let reason = match end {
            End::Fault(fault) => *fault,
            End::Taken => Fault::SessionTakenOver,
            End::Stopped => {
                self.drain().await;
                Fault::ServerShuttingDown
            }
            End::Refused(_) => Fault::ServerShuttingDown,
            End::Lost | End::Bye | End::ByeWithWill => return,
        };
        if self.client.version_5 {
            write_disconnect(&mut self.out, reason);
        }
        if self.flush().await.is_ok() {
            // An error here changes nothing: the connection ends.
            drop(timeout(Duration::from_secs(self.around.config.write_s_max), self.stream.shutdown()).await);
        }
    }

    /// Gives what is on its way to the disk a moment, so that a stop causes no redelivery.
    async fn drain(&mut self) {
        let deadline = Instant::now() + Duration::from_millis(self.around.config.drain_ms_max);
        while !self.waiting.is_empty() {
            let Ok(outcome) = tokio::time::timeout_at(deadline, front(&mut self.waiting)).await else {
                return;
            };
            if self.acknowledge(outcome).is_err() {
                return;
            }
        }
    }

    async fn publish_will(&mut self, will: Will) -> Result<(), End> {
        let delivery = Delivery {
            topic: will.topic,
            payload: will.payload,
            dedication: Dedication { qos: will.qos, retain: false, dup: false },
            content_type: will.content_type,
            principal: self.client.principal.clone(),
            epoch: self.around.epoch,
        };
        counter!("nhip_mqtt_wills_total").increment(1);
        tokio::select! {
            biased;
            submitted = timeout(WILL_WAIT, self.around.intake.submit(vec![delivery])) => match submitted {
                Ok(Ok(_durable)) => {
                    (self.around.count_delivered)(1);
                    Ok(())
                }
                Ok(Err(refused)) => Err(End::Refused(refused)),
                Err(_) => {
                    counter!("nhip_mqtt_wills_dropped_total").increment(1);
                    Ok(())
                }
            },
            () = self.around.stop.cancelled() => Ok(()),
        }
    }
}

/// Waits for the oldest batch.
async fn front(waiting: &mut VecDeque<Batch>) -> Result<Appended, Refused> {
    match waiting.front_mut() {
        Some(Batch { durable: Some(durable), .. }) => durable.await,
        Some(Batch { durable: None, .. }) => Ok(Appended { first: nhip_proto::Offset(0), count: 0 }),
        None => std::future::pending().await,
    }
}

/// How many PUBACKs a buffer holds: each is its two bytes of header plus the length in the second.
fn acknowledgements_in(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let Some(length) = bytes.get(1) {
        count += 1;
        bytes = bytes.get(2 + usize::from(*length)..).unwrap_or_default();
    }
    count
}

fn count_deliveries(deliveries: &[Delivery]) {
    let best_effort = deliveries.iter().filter(|delivery| delivery.dedication.qos == 0).count() as u64;
    let safe = deliveries.len() as u64 - best_effort;
    counter!("nhip_mqtt_deliveries_total", "link" => "embedded", "qos" => "1").increment(safe);
    counter!("nhip_mqtt_deliveries_total", "link" => "embedded", "qos" => "0").increment(best_effort);
}
