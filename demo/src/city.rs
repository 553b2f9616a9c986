//! The simulated city: every source of a profile as a device with its own character, rhythm, cadence and
//! faults.

mod casework;
mod device;
mod dice;
mod faults;
mod foreign;
mod lives;
mod model;
mod period;
mod routes;
mod shard;
mod society;
mod systems;
mod thinning;
mod water;

use std::collections::BTreeMap;

use nhip_profile::Profile;
use nhip_proto::{ArrivalTime, EventTime, SourceId, Span};

use crate::plan::{Encoder, Plan, Planned, PlannedKind};
use crate::reading::Reading;

use casework::Desk;
use device::Device;
use routes::NodeName;
use shard::Shard;
use thinning::Steps;

pub(crate) use dice::Dice;
pub use thinning::MESSAGES_MAX;

/// The node reports of itself; nobody simulates it.
const NODE_STREAM: &str = "ioc";
/// Most sources on one connection.
const SOURCES_PER_CONNECTION: usize = 64;

/// All devices of a profile under one seed.
#[derive(Clone, Debug)]
pub struct City {
    seed: u64,
    devices: Vec<Device>,
    desks: Vec<Desk>,
}

impl City {
    /// The devices of the profile's sources, in stream and id order.
    #[must_use]
    pub fn new(profile: &Profile, seed: u64) -> Self {
        let (mut devices, mut desks) = (Vec::new(), Vec::new());
        for stream in profile.streams.values().filter(|stream| stream.id.as_str() != NODE_STREAM) {
            let own = profile.sources.values().filter(|source| source.stream == stream.id);
            let ids: Vec<&SourceId> = own.map(|source| &source.id).collect();
            // What lives through steps is no device that measures.
            if !stream.things.is_empty() {
                desks.extend(ids.iter().filter_map(|id| Desk::new(profile, stream, id, seed)));
                continue;
            }
            let place =
                |(place, id): (usize, &&SourceId)| Device::new(profile, stream, id, (place, ids.len()), seed);
            devices.extend(ids.iter().enumerate().map(place));
        }
        Self { seed, devices, desks }
    }

    /// What a source measures at the last moment of its cadence up to `time`, without faults; none if the
    /// profile does not list it.
    #[must_use]
    pub fn reading(&self, source: &SourceId, time: EventTime) -> Option<Reading> {
        let device = self.devices.iter().find(|device| &device.source == source)?;
        Some(device.reading(device.slot_at(time), 1))
    }

    /// One plan per connection: at most 64 sources of one stream, or a gateway with its devices.
    pub(crate) fn plans(&self, backlog: Span, messages_max: usize) -> Vec<Box<dyn Plan>> {
        let mut groups: BTreeMap<String, Vec<(Device, Steps)>> = BTreeMap::new();
        for (device, steps) in self.devices.iter().zip(thinning::fit(&self.devices, backlog, messages_max)) {
            let name = device.node().map_or_else(|| device.stream.to_string(), NodeName::node_path);
            groups.entry(name).or_default().push((device.clone(), steps));
        }
        let desk = |desk: &Desk| Box::new(desk.with_past(backlog)) as Box<dyn Plan>;
        let mut plans: Vec<Box<dyn Plan>> = self.desks.iter().map(desk).collect();
        for (name, members) in groups {
            for (part, members) in members.chunks(SOURCES_PER_CONNECTION).enumerate() {
                let name = format!("{name}-{part}");
                plans.push(Box::new(Shard::new(self.seed, name, members.to_vec(), backlog)));
            }
        }
        plans
    }
}

/// All messages at `from ≤ at < to`, at full cadence, in the order they go out (by time, then by connection).
/// The same seed and span give the same bytes.
#[must_use]
pub fn schedule(profile: &Profile, seed: u64, from: ArrivalTime, to: ArrivalTime) -> Vec<Planned> {
    let plans = City::new(profile, seed).plans(0, MESSAGES_MAX);
    in_order(plans, |plan| plan.live(from, to))
}

/// The thinned past of `span` up to `now`, at most `messages_max` messages, by event time.
#[must_use]
pub fn backlog(
    profile: &Profile,
    seed: u64,
    now: ArrivalTime,
    span: Span,
    messages_max: usize,
) -> Vec<Planned> {
    let plans = City::new(profile, seed).plans(span, messages_max);
    in_order(plans, |plan| plan.backlog(now))
}

/// The messages of several connections by send time, then event time; each connection keeps its own order.
pub(crate) fn in_order(
    plans: Vec<Box<dyn Plan>>,
    steps: impl Fn(&mut Box<dyn Plan>) -> Vec<crate::plan::Step>,
) -> Vec<Planned> {
    let mut all = Vec::new();
    for mut plan in plans {
        let mut encoder = Encoder::new(plan.gateway());
        let mut latest = (ArrivalTime(i64::MIN), EventTime(i64::MIN));
        for message in steps(&mut plan).into_iter().flat_map(|step| encoder.encode(step)) {
            // Life is in the order of sending; only the past, which goes out at once, is told by event time.
            let told = message.event.filter(|_| message.kind == PlannedKind::Backlog);
            let event = told.map_or(latest.1, |event| event.max(latest.1));
            latest = (message.at.max(latest.0), event);
            all.push((latest, message));
        }
    }
    all.sort_by_key(|(key, _)| *key);
    all.into_iter().map(|(_, message)| message).collect()
}
