//! What one connection of the city publishes: the past of its devices, then their life with its faults.

use nhip_proto::{ArrivalTime, EventTime, MINUTE, Span};

use super::device::Device;
use super::dice::Dice;
use super::faults::Fault;
use super::thinning::Steps;
use crate::plan::{Body, Plan, PlannedKind, Step};
use crate::reading::{Measure, MeasureValue, Reading};
use crate::sparkplug::Gateway;

/// How often a duplicate storm repeats each message.
const REPEATS: usize = 20;
/// Readings in one message of a store.
const STORE_MAX: usize = 100;
/// How far a wrong clock is ahead.
const AHEAD: Span = 60 * MINUTE;
/// A clock that lost its battery starts at 1970.
const DAY: Span = 24 * 60 * MINUTE;

/// Devices of one stream, or a gateway and the devices behind it, on one connection.
pub(super) struct Shard {
    name: String,
    members: Vec<(Device, Steps)>,
    rubbish: Dice,
    backlog: Span,
}

impl Shard {
    pub(super) fn new(seed: u64, name: String, members: Vec<(Device, Steps)>, backlog: Span) -> Self {
        Self { rubbish: Dice::of(seed, &format!("rubbish of {name}")), name, members, backlog }
    }

    fn message(&self, device: usize, kind: PlannedKind, at: EventTime, readings: &[Reading]) -> Option<Step> {
        let (sender, _) = self.members.get(device)?;
        let body = match (sender.node(), readings) {
            (Some(_), [reading, ..]) => {
                let historical = kind == PlannedKind::Backlog;
                Body::Device { device, reading: reading.clone(), historical }
            }
            _ => Body::Message { topic: sender.topic().to_owned(), payload: sender.write(readings) },
        };
        Some(Step {
            // The Clock port of the node and a device's clock tell the same time.
            at: ArrivalTime(at.0),
            source: sender.source.clone(),
            event: readings.iter().map(|reading| reading.time).max(),
            readings: u32::try_from(readings.len()).unwrap_or(u32::MAX),
            kind,
            body,
        })
    }

    /// The life of one device at one slot.
    fn slot(&self, index: usize, device: &Device, slot: i64, out: &mut Vec<Step>) {
        let time = device.slot_time(slot);
        let before = device.slot_time(slot - 1);
        let fault = device.faults.at(device.place.0, time);
        let ended = device.faults.at(device.place.0, before).filter(|old| old.to <= time);
        if let Some(burst) = ended.filter(|old| old.kind == PlannedKind::LateBurst) {
            self.store(index, device, burst, time, out);
        }
        match fault {
            None => out.extend(self.message(index, PlannedKind::Regular, time, &[device.reading(slot, 1)])),
            Some(fault) => out.extend(self.faulty(index, device, fault, slot)),
        }
    }

    /// What one device sends at one slot while it has a fault.
    fn faulty(&self, index: usize, device: &Device, fault: Fault, slot: i64) -> Vec<Step> {
        let time = device.slot_time(slot);
        let reading = device.reading(slot, 1);
        let send = |kind, reading| self.message(index, kind, time, &[reading]);
        let regular = |reading| send(PlannedKind::Regular, reading);
        let first = device.slot_time(slot - 1) < fault.from;
        match fault.kind {
            PlannedKind::LateBurst => Vec::new(),
            PlannedKind::Duplicate => {
                let Some(step) = regular(reading) else { return Vec::new() };
                let again = Step { kind: PlannedKind::Duplicate, ..step.clone() };
                std::iter::once(step).chain(std::iter::repeat_n(again, REPEATS)).collect()
            }
            PlannedKind::Rubbish => {
                regular(reading).into_iter().chain(self.rubbish(index, device, slot)).collect()
            }
            PlannedKind::Death if first => {
                send(fault.kind, reading).into_iter().map(|step| Step { body: Body::Death, ..step }).collect()
            }
            kind => match spoil(kind, reading) {
                Spoilt::Reading(spoilt) => send(kind, spoilt).into_iter().collect(),
                Spoilt::Silent => Vec::new(),
                Spoilt::Untouched(reading) => regular(reading).into_iter().collect(),
            },
        }
    }

    /// Everything of the silent span at once: JSON in arrays, protobuf one by one.
    fn store(&self, index: usize, device: &Device, burst: Fault, at: EventTime, out: &mut Vec<Step>) {
        let first = device.slot_at(burst.from.plus(-1)) + 1;
        let last = device.slot_at(burst.to.plus(-1));
        let silent = (first..=last).filter(|slot| {
            let fault = device.faults.at(device.place.0, device.slot_time(*slot));
            fault.is_some_and(|fault| fault.kind == PlannedKind::LateBurst)
        });
        let readings: Vec<Reading> = silent.map(|slot| device.reading(slot, 1)).collect();
        let size = if matches!(device.format, super::device::Format::Json(_)) { STORE_MAX } else { 1 };
        for part in readings.chunks(size) {
            out.extend(self.message(index, PlannedKind::LateBurst, at, part));
        }
    }

    /// Bytes that are not what the topic promises.
    fn rubbish(&self, index: usize, device: &Device, slot: i64) -> Option<Step> {
        let time = device.slot_time(slot);
        let good = device.write(&[device.reading(slot, 1)]);
        let payload = match self.rubbish.throw(slot, 1, 6) {
            // Half a protobuf message may be a message; half a JSON text never is.
            0 if device.format == super::device::Format::Protobuf => good.slice(..1),
            0 => good.slice(..good.len() / 2),
            1 => bytes::Bytes::from_static(b""),
            2 => bytes::Bytes::from_static(b"\xFF\xFE\xFD\x00\x07"),
            3 => bytes::Bytes::from_static(b"{\"time\":\"yesterday\",\"values\":{}}"),
            4 => bytes::Bytes::from_static(b"<Reading>12</Reading>"),
            _ => bytes::Bytes::from_static(b"[[[[[[[[[[[[[[[["),
        };
        let mut step = self.message(index, PlannedKind::Rubbish, time, &[])?;
        step.event = None;
        step.body = Body::Message { topic: device.topic().to_owned(), payload };
        Some(step)
    }

    fn past(&self, index: usize, device: &Device, steps: Steps, now: ArrivalTime, out: &mut Vec<Step>) {
        let last = device.slot_at(EventTime(now.0));
        let begin = device.slot_at(EventTime(now.0).plus(-self.backlog)) + 1;
        // A statistic is told of the last closed periods, however long they are.
        let first = device.period.map_or(begin, |period| begin.min(last + 1 - period.told()));
        let recent = device.slot_at(EventTime(now.0).plus(-steps.recent));
        let mut before = first - 1;
        for slot in first..=last {
            let usual = if slot <= recent { steps.sparse } else { steps.dense };
            let step = if device.period.is_some() { 1 } else { usual };
            // Counters keep in step, so that each window hears of all; the others take turns.
            let turn = if device.counts() { 0 } else { i64::try_from(device.place.0).unwrap_or(0) };
            if (slot + turn).rem_euclid(step) != 0 && slot != last {
                continue;
            }
            let reading = device.reading(slot, slot - before);
            let (from, time) = (device.slot_time(before), device.slot_time(slot));
            before = slot;
            let dead = device.faults.at(device.place.0, time);
            if dead.is_none_or(|fault| fault.kind != PlannedKind::DeadSensor) && from < time {
                let step = self.message(index, PlannedKind::Backlog, time, &[reading]);
                out.extend(step.map(|step| Step { at: now, ..step }));
            }
        }
    }
}

impl Plan for Shard {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn backlog(&mut self, now: ArrivalTime) -> Vec<Step> {
        let mut out = Vec::new();
        if self.backlog > 0 {
            for (index, (device, steps)) in self.members.iter().enumerate() {
                self.past(index, device, *steps, now, &mut out);
            }
        }
        out.sort_by_key(|step| step.event);
        out
    }

    fn live(&mut self, from: ArrivalTime, to: ArrivalTime) -> Vec<Step> {
        let mut out = Vec::new();
        for (index, (device, _)) in self.members.iter().enumerate() {
            let first = device.slot_at(EventTime(from.0).plus(-1)) + 1;
            let last = device.slot_at(EventTime(to.0).plus(-1));
            for slot in first..=last {
                self.slot(index, device, slot, &mut out);
            }
        }
        out.sort_by_key(|step| step.at);
        out
    }

    fn gateway(&self) -> Option<Gateway> {
        let (first, _) = self.members.first()?;
        let node = first.node()?;
        let devices = self
            .members
            .iter()
            .filter_map(|(device, _)| Some((device.node()?.device.clone(), device.source.clone())));
        Some(Gateway::new(&node.group, &node.node, devices.collect()))
    }
}

/// What a fault leaves of a reading.
enum Spoilt {
    /// This much.
    Reading(Reading),
    /// Nothing to say.
    Silent,
    /// The fault does not touch it.
    Untouched(Reading),
}

fn spoil(kind: PlannedKind, mut reading: Reading) -> Spoilt {
    match kind {
        PlannedKind::DeadSensor => {
            reading.measures.retain(|measure| !matches!(measure.value, MeasureValue::State(_)));
            match reading.measures.first_mut() {
                Some(measure) => measure.value = MeasureValue::Missing,
                None => return Spoilt::Silent,
            }
        }
        PlannedKind::ClockAhead => reading.time = reading.time.plus(AHEAD),
        PlannedKind::Clock1970 => reading.time = EventTime(reading.time.0.rem_euclid(DAY)),
        PlannedKind::DeviceFault => mark_faulty(&mut reading),
        PlannedKind::OutOfRange => exceed(&mut reading),
        _ => return Spoilt::Untouched(reading),
    }
    Spoilt::Reading(reading)
}

/// A broken sensor repeats one value and says that it is broken.
fn mark_faulty(reading: &mut Reading) {
    for measure in &mut reading.measures {
        if let MeasureValue::Number(number) = &mut measure.value {
            number.mantissa = 0;
            measure.fault = true;
        }
    }
}

fn exceed(reading: &mut Reading) {
    if let Some(Measure { value: MeasureValue::Number(number), .. }) = reading.measures.first_mut() {
        *number = nhip_proto::Decimal::new(987_654_321, 0);
    }
}
