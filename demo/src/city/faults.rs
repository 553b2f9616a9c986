//! Which device has which fault when: drawn per stream and half hour, so that every kind is met soon.

use nhip_proto::{EventTime, MINUTE, Span};

use super::dice::Dice;
use crate::plan::PlannedKind;

/// The span in which each kind strikes one source of each stream.
const BLOCK: Span = 30 * MINUTE;

/// What a stream's messages can suffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Suffers {
    /// Its senders are devices; what people and their systems report is not spoilt.
    pub(crate) sensors: bool,
    /// It carries numbers (which can be faulty or out of range).
    pub(crate) numbers: bool,
    /// Its devices are behind a gateway.
    pub(crate) gateway: bool,
    /// Its devices are gateways, whose session can die.
    pub(crate) node: bool,
}

/// The faults of one stream, worked out block by block.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    dice: Dice,
    sources: u64,
    kinds: Vec<(PlannedKind, Span)>,
}

/// One source's fault: its kind and its span of event time, the end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: PlannedKind,
    pub(crate) from: EventTime,
    pub(crate) to: EventTime,
}

impl Faults {
    pub(crate) fn new(seed: u64, stream: &str, sources: usize, suffers: Suffers) -> Self {
        let dice = Dice::of(seed, &format!("faults of {stream}"));
        if !suffers.sensors {
            return Self { dice, sources: sources.max(1) as u64, kinds: Vec::new() };
        }
        let mut kinds = vec![(PlannedKind::DeadSensor, 12 * MINUTE)];
        if suffers.node {
            kinds.push((PlannedKind::Death, MINUTE));
        }
        if !suffers.gateway {
            kinds.extend([
                (PlannedKind::LateBurst, 8 * MINUTE),
                (PlannedKind::Duplicate, 2 * MINUTE),
                (PlannedKind::ClockAhead, 3 * MINUTE),
                (PlannedKind::Clock1970, 2 * MINUTE),
                (PlannedKind::Rubbish, 3 * MINUTE),
            ]);
        }
        if suffers.numbers && !suffers.gateway {
            kinds.extend([(PlannedKind::DeviceFault, 4 * MINUTE), (PlannedKind::OutOfRange, 2 * MINUTE)]);
        }
        Self { dice, sources: sources.max(1) as u64, kinds }
    }

    /// The fault of a source (by its place in the stream) at a moment. Where two meet, the first kind wins.
    pub(crate) fn at(&self, source: usize, time: EventTime) -> Option<Fault> {
        let block = time.0.div_euclid(BLOCK);
        let strikes = |(index, (kind, span)): (usize, &(PlannedKind, Span))| {
            let victim = self.dice.throw(block, index as u64, self.sources);
            if victim != source as u64 {
                return None;
            }
            let places = ((BLOCK - span) / MINUTE).unsigned_abs().max(1);
            let minute = self.dice.throw(block, 32 + index as u64, places) as i64;
            let from = EventTime(block * BLOCK + minute * MINUTE);
            let fault = Fault { kind: *kind, from, to: from.plus(*span) };
            (fault.from <= time && time < fault.to).then_some(fault)
        };
        self.kinds.iter().enumerate().find_map(strikes)
    }
}
