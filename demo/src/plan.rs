//! What is to be published and when, known before anything is sent.

use bytes::Bytes;
use nhip_proto::{ArrivalTime, EventTime, SourceId};

use crate::reading::Reading;
use crate::sparkplug::Gateway;

/// One message of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When it goes out, by the Clock port; never before its event time, except where the device's clock is
    /// wrong.
    pub at: ArrivalTime,
    /// Who sends it.
    pub source: SourceId,
    /// Where to.
    pub topic: String,
    /// What.
    pub payload: Bytes,
    /// 1, or 0 for Sparkplug births and data (Sparkplug B 3.0.0 §4).
    pub qos: u8,
    /// The greatest event time in it, if it can be read at all.
    pub event: Option<EventTime>,
    /// Readings in it.
    pub readings: u32,
    /// Why it is sent.
    pub kind: PlannedKind,
}

/// Why a message is sent: the daily life of a device, or one of its faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlannedKind {
    /// The thinned past, sent once after the start.
    Backlog,
    /// A reading at its cadence.
    Regular,
    /// A Sparkplug birth.
    Birth,
    /// A Sparkplug death.
    Death,
    /// The store of a station that was silent.
    LateBurst,
    /// The same bytes again.
    Duplicate,
    /// A sensor that gives no value any more.
    DeadSensor,
    /// A device clock an hour ahead.
    ClockAhead,
    /// A device clock at 1970.
    Clock1970,
    /// Bytes that no dialect reads.
    Rubbish,
    /// The device marks its values as faulty.
    DeviceFault,
    /// A value no such quantity has.
    OutOfRange,
}

impl PlannedKind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Backlog,
        Self::Regular,
        Self::Birth,
        Self::Death,
        Self::LateBurst,
        Self::Duplicate,
        Self::DeadSensor,
        Self::ClockAhead,
        Self::Clock1970,
        Self::Rubbish,
        Self::DeviceFault,
        Self::OutOfRange,
    ];

    /// The word in metrics and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backlog => "backlog",
            Self::Regular => "regular",
            Self::Birth => "birth",
            Self::Death => "death",
            Self::LateBurst => "late_burst",
            Self::Duplicate => "duplicate",
            Self::DeadSensor => "dead_sensor",
            Self::ClockAhead => "clock_ahead",
            Self::Clock1970 => "clock_1970",
            Self::Rubbish => "rubbish",
            Self::DeviceFault => "device_fault",
            Self::OutOfRange => "out_of_range",
        }
    }
}

/// A message before its bytes are known: Sparkplug's depend on what the session sent before.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) at: ArrivalTime,
    pub(crate) source: SourceId,
    pub(crate) event: Option<EventTime>,
    pub(crate) readings: u32,
    pub(crate) kind: PlannedKind,
    pub(crate) body: Body,
}

/// What a step carries.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// Ready bytes for a topic.
    Message { topic: String, payload: Bytes },
    /// A reading of a device behind the group's gateway.
    Device { device: usize, reading: Reading, historical: bool },
    /// The group's gateway dies and comes back.
    Death,
}

/// What one connection publishes; pure: the same spans give the same steps.
pub(crate) trait Plan: Send {
    /// A name for the connection.
    fn name(&self) -> String;
    /// The past up to `now`, in event-time order per source.
    fn backlog(&mut self, now: ArrivalTime) -> Vec<Step>;
    /// What goes out at `from ≤ at < to`, in that order. `live(a, b)` and `live(b, c)` give `live(a, c)`.
    fn live(&mut self, from: ArrivalTime, to: ArrivalTime) -> Vec<Step>;
    /// The gateway whose session this connection is, if any.
    fn gateway(&self) -> Option<Gateway> {
        None
    }
}

/// Turns steps into messages in the order in which they are really sent.
pub(crate) struct Encoder {
    gateway: Option<Gateway>,
}

impl Encoder {
    pub(crate) fn new(gateway: Option<Gateway>) -> Self {
        Self { gateway }
    }

    pub(crate) fn gateway(&mut self) -> Option<&mut Gateway> {
        self.gateway.as_mut()
    }

    /// The messages of a step: one, or births where the gateway was not born yet.
    pub(crate) fn encode(&mut self, step: Step) -> Vec<Planned> {
        let message = |topic, payload, qos| Planned {
            at: step.at,
            source: step.source.clone(),
            topic,
            payload,
            qos,
            event: step.event,
            readings: step.readings,
            kind: step.kind,
        };
        match (step.body, &mut self.gateway) {
            (Body::Message { topic, payload }, _) => vec![message(topic, payload, 1)],
            (Body::Device { device, reading, historical }, Some(gateway)) => {
                gateway.data(device, &reading, historical, step.at, message)
            }
            (Body::Death, Some(gateway)) => vec![gateway.death(step.at)],
            (Body::Device { .. } | Body::Death, None) => Vec::new(),
        }
    }
}
