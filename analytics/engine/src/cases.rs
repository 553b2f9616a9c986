//! Cases of a source: events kept in their order, so that what a case brings to figures can be taken back and brought
//! again, whatever order its events arrive in.

mod case_plan;
mod contribution;
mod stock;
mod timeline;

use std::collections::BTreeMap;

use crate::SnapshotError;
use crate::pack::{Input, Pack, pack_fields};
use crate::reading::Value;

pub(crate) use case_plan::CasePlan;
pub(crate) use contribution::{event_of, take_event};
pub(crate) use stock::{begun, hear, look, wake_of};

/// Cases one source may have; events of further ones are counted and change nothing.
pub(crate) const CASES_MAX: usize = 131_072;
/// Events one case may have; further ones are counted and change nothing.
pub(crate) const EVENTS_MAX: usize = 128;
/// Stretches of time in which a source was heard, kept until the windows inside have begun.
pub(crate) const HEARD_MAX: usize = 4_096;

/// The cases of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cases {
    /// By the hash of the thing that names it.
    pub(crate) cases: BTreeMap<u128, Case>,
    /// When the source was heard and fresh, apart and in order, with the record: what is not over at the last Tick.
    pub(crate) heard: Vec<(i64, i64, u64)>,
    /// Events beyond the bounds.
    pub(crate) crowded: u64,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// Sorted.
    pub(crate) events: Vec<Event>,
    /// The Tick up to which its standing is in the figures.
    pub(crate) told: i64,
    /// When a Tick must look at it; follows from the rest.
    pub(crate) wake: i64,
}

/// One reading about a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) time: i64,
    pub(crate) sequence: u64,
    pub(crate) offset: u64,
    /// The place of its first item in the message.
    pub(crate) place: u32,
    /// The area it names.
    pub(crate) area: Option<u32>,
    /// Its values by the words of their names, sorted.
    pub(crate) values: Vec<(u32, Value)>,
}

impl Event {
    /// The order of events, whatever order they arrived in.
    pub(crate) fn order(&self) -> (i64, u64, u64, u32) {
        (self.time, self.sequence, self.offset, self.place)
    }
}

impl Cases {
    /// Puts an event to its case; none: there is no room. Otherwise what the case was before.
    pub(crate) fn insert(&mut self, case: u128, event: Event) -> Option<Vec<Event>> {
        let known = self.cases.len();
        let room = self.cases.get(&case).map_or(known < CASES_MAX, |case| case.events.len() < EVENTS_MAX);
        if !room {
            self.crowded += 1;
            return None;
        }
        let new = || Case { events: Vec::new(), told: i64::MIN, wake: i64::MAX };
        let case = self.cases.entry(case).or_insert_with(new);
        let before = case.events.clone();
        let at = case.events.partition_point(|known| known.order() < event.order());
        case.events.insert(at, event);
        Some(before)
    }
}

impl Pack for Value {
    fn pack(&self, out: &mut Vec<u8>) {
        match self {
            Self::Number(number) => (0_u8, *number).pack(out),
            Self::State(word) => (1_u8, *word).pack(out),
            Self::Thing(hash) => (2_u8, *hash).pack(out),
        }
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        match u8::unpack(input)? {
            0 => Pack::unpack(input).map(Self::Number),
            1 => Pack::unpack(input).map(Self::State),
            2 => Pack::unpack(input).map(Self::Thing),
            _ => Err(SnapshotError::Damaged),
        }
    }
}

impl Pack for Case {
    fn pack(&self, out: &mut Vec<u8>) {
        self.events.pack(out);
        self.told.pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        Ok(Self { events: Pack::unpack(input)?, told: Pack::unpack(input)?, wake: i64::MAX })
    }
}

impl Pack for (i64, i64, u64) {
    fn pack(&self, out: &mut Vec<u8>) {
        ((self.0, self.1), self.2).pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let ((from, to), offset) = Pack::unpack(input)?;
        Ok((from, to, offset))
    }
}

pack_fields!(Cases { cases, heard, crowded });
pack_fields!(Event { time, sequence, offset, place, area, values });
