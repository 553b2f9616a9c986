//! A Sparkplug B edge node with its devices (Eclipse Sparkplug 3.0.0 §4–§6): births with aliases, data by
//! alias, one sequence over all, deaths paired by bdSeq, rebirth on request.

use bytes::Bytes;
use nhip_proto::wire::sparkplug::{self as spb, metric};
use nhip_proto::{ArrivalTime, EventTime, MILLISECOND, SourceId};
use prost::Message as _;

use crate::plan::{Planned, PlannedKind};
use crate::reading::{MeasureValue, Reading};

/// Datatypes of §6.4.16.
const INT32: u32 = 3;
const UINT64: u32 = 8;
const DOUBLE: u32 = 10;
const BOOLEAN: u32 = 11;
const TEXT: u32 = 12;
/// The command that asks for births; never aliased.
const REBIRTH: &str = "Node Control/Rebirth";

/// One device behind the node.
#[derive(Clone, Debug)]
pub(crate) struct GatewayDevice {
    /// Empty: the node itself.
    pub(crate) name: String,
    pub(crate) source: SourceId,
    /// What it sent last, with its event time: a birth says it again.
    last: Option<Reading>,
}

/// An edge node and its session.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    group: String,
    node: String,
    devices: Vec<GatewayDevice>,
    sequence: u8,
    birth: u64,
    born: bool,
    announced: Vec<bool>,
}

/// Metric aliases of a device start at its number times this.
const ALIASES_PER_DEVICE: u64 = 100;

impl Gateway {
    pub(crate) fn new(group: &str, node: &str, devices: Vec<(String, SourceId)>) -> Self {
        let device = |(name, source)| GatewayDevice { name, source, last: None };
        let devices: Vec<_> = devices.into_iter().map(device).collect();
        let announced = vec![false; devices.len()];
        let (group, node) = (group.to_owned(), node.to_owned());
        Self { group, node, devices, sequence: 0, birth: 0, born: false, announced }
    }

    /// The topic of commands to this node.
    pub(crate) fn command_topic(&self) -> String {
        self.topic("NCMD", "")
    }

    /// Topic and payload of the will: the death that pairs with the birth of the coming connection.
    pub(crate) fn will(&self) -> (String, Bytes) {
        let metric = named("bdSeq", UINT64, metric::Value::LongValue(self.birth), None);
        (self.topic("NDEATH", ""), payload(None, None, vec![metric]))
    }

    /// The death as the server tells it, and a new session after it.
    pub(crate) fn death(&mut self, at: ArrivalTime) -> Planned {
        let (topic, payload) = self.will();
        let death = self.message(at, PlannedKind::Death, None, topic, payload);
        self.reconnected();
        death
    }

    /// The connection is new: its birth comes with the next data.
    pub(crate) fn reconnected(&mut self) {
        self.birth = (self.birth + 1) % 256;
        self.born = false;
    }

    /// Whether a command asks for births.
    pub(crate) fn asks_rebirth(&self, topic: &str, bytes: &[u8]) -> bool {
        let asked = |metric: &spb::Metric| {
            metric.name.as_deref() == Some(REBIRTH) && metric.value == Some(metric::Value::BooleanValue(true))
        };
        topic == self.command_topic()
            && spb::Payload::decode(bytes).is_ok_and(|payload| payload.metrics.iter().any(asked))
    }

    /// NBIRTH (with the node's own metrics) and the DBIRTH of every device that has said something. The
    /// sequence starts again at 0.
    pub(crate) fn births(&mut self, at: ArrivalTime) -> Vec<Planned> {
        self.born = true;
        self.sequence = 0;
        self.announced.fill(false);
        let stamp = Some(EventTime(at.0));
        let mut metrics = vec![
            named("bdSeq", UINT64, metric::Value::LongValue(self.birth), stamp),
            named(REBIRTH, BOOLEAN, metric::Value::BooleanValue(false), stamp),
        ];
        let own = self.devices.iter().position(|device| device.name.is_empty());
        let said = own.and_then(|own| Some((own, self.devices.get(own)?.last.clone()?)));
        if let Some((own, reading)) = &said {
            metrics.extend(self.metrics(*own, reading, true, false));
            self.announce(*own);
        }
        let bytes = payload(Some(at), Some(self.next_sequence()), metrics);
        let topic = self.topic("NBIRTH", "");
        let said = said.as_ref().map(|(own, reading)| (*own, reading));
        let mut births = vec![self.message(at, PlannedKind::Birth, said, topic, bytes)];
        for device in (0..self.devices.len()).filter(|device| Some(*device) != own) {
            births.extend(self.device_birth(device, at));
        }
        births
    }

    /// A reading as NDATA or DDATA, after the births it needs; what was never said before is a birth itself.
    pub(crate) fn data(
        &mut self,
        device: usize,
        reading: &Reading,
        historical: bool,
        at: ArrivalTime,
        message: impl FnOnce(String, Bytes, u8) -> Planned,
    ) -> Vec<Planned> {
        let known = self.announced.get(device).copied().unwrap_or(false);
        let Some(sender) = self.devices.get_mut(device) else { return Vec::new() };
        sender.last = Some(reading.clone());
        let name = sender.name.clone();
        if !self.born || (!known && name.is_empty()) {
            return self.births(at);
        }
        if !known {
            return self.device_birth(device, at).into_iter().collect();
        }
        let metrics = self.metrics(device, reading, false, historical);
        let bytes = payload(Some(at), Some(self.next_sequence()), metrics);
        let kind = if name.is_empty() { "NDATA" } else { "DDATA" };
        vec![message(self.topic(kind, &name), bytes, 0)]
    }

    fn device_birth(&mut self, device: usize, at: ArrivalTime) -> Option<Planned> {
        let sender = self.devices.get(device)?;
        let (name, reading) = (sender.name.clone(), sender.last.clone()?);
        let metrics = self.metrics(device, &reading, true, false);
        let bytes = payload(Some(at), Some(self.next_sequence()), metrics);
        self.announce(device);
        let topic = self.topic("DBIRTH", &name);
        Some(self.message(at, PlannedKind::Birth, Some((device, &reading)), topic, bytes))
    }

    fn announce(&mut self, device: usize) {
        if let Some(announced) = self.announced.get_mut(device) {
            *announced = true;
        }
    }

    fn metrics(&self, device: usize, reading: &Reading, birth: bool, historical: bool) -> Vec<spb::Metric> {
        let first = device as u64 * ALIASES_PER_DEVICE;
        let metric = |(index, measure): (usize, &crate::Measure)| {
            let (datatype, value) = value_of(&measure.value);
            spb::Metric {
                name: birth.then(|| measure.name.clone()),
                alias: Some(first + index as u64),
                timestamp: u64::try_from(reading.time.0 / MILLISECOND).ok(),
                datatype: birth.then_some(datatype),
                is_historical: historical.then_some(true),
                is_transient: None,
                is_null: value.is_none().then_some(true),
                value,
            }
        };
        reading.measures.iter().enumerate().map(metric).collect()
    }

    fn message(
        &self,
        at: ArrivalTime,
        kind: PlannedKind,
        device: Option<(usize, &Reading)>,
        topic: String,
        payload: Bytes,
    ) -> Planned {
        // §4: a death is a will of QoS 1, everything else goes out at QoS 0.
        let qos = u8::from(kind == PlannedKind::Death);
        let own = || self.devices.iter().find(|device| device.name.is_empty());
        let sender = device.and_then(|(index, _)| self.devices.get(index)).or_else(own);
        let source = sender.map_or_else(|| SourceId::new(&self.node), |device| device.source.clone());
        let event = device.map(|(_, reading)| reading.time);
        Planned { at, source, topic, payload, qos, event, readings: u32::from(device.is_some()), kind }
    }

    fn next_sequence(&mut self) -> u64 {
        let sequence = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
        u64::from(sequence)
    }

    fn topic(&self, kind: &str, device: &str) -> String {
        let separator = if device.is_empty() { "" } else { "/" };
        format!("spBv1.0/{}/{kind}/{}{separator}{device}", self.group, self.node)
    }
}

fn value_of(value: &MeasureValue) -> (u32, Option<metric::Value>) {
    match value {
        MeasureValue::Number(number) if number.scale == 0 => {
            let integer = i32::try_from(number.mantissa).ok();
            (INT32, integer.map(|integer| metric::Value::IntValue(integer as u32)))
        }
        // The nearest double reads back as the same shortest decimal.
        MeasureValue::Number(number) => {
            (DOUBLE, number.to_string().parse().ok().map(metric::Value::DoubleValue))
        }
        MeasureValue::State(state) => (TEXT, Some(metric::Value::StringValue(state.clone()))),
        MeasureValue::Missing => (DOUBLE, None),
    }
}

fn named(name: &str, datatype: u32, value: metric::Value, at: Option<EventTime>) -> spb::Metric {
    spb::Metric {
        name: Some(name.to_owned()),
        alias: None,
        timestamp: at.and_then(|at| u64::try_from(at.0 / MILLISECOND).ok()),
        datatype: Some(datatype),
        is_historical: None,
        is_transient: None,
        is_null: None,
        value: Some(value),
    }
}

fn payload(at: Option<ArrivalTime>, sequence: Option<u64>, metrics: Vec<spb::Metric>) -> Bytes {
    let timestamp = at.and_then(|at| u64::try_from(at.0 / MILLISECOND).ok());
    Bytes::from(spb::Payload { timestamp, metrics, seq: sequence, uuid: None, body: None }.encode_to_vec())
}
