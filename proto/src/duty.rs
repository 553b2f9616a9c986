//! Duties: what a source owes, since when; and so what its unit owes.

use std::fmt;

use crate::message::codes;
use crate::{ArrivalTime, EventTime, SourceId, StreamId};

codes! {
    /// What is owed.
    DutyKind {
        /// A connected source said nothing for longer than its staleness limit.
        Silent = 1 "silent",
        /// A report whose deadline has passed is not there.
        LateReport = 2 "late_report",
        /// It speaks, but of what its cadence promises for the last hour too much is missing.
        Incomplete = 3 "incomplete",
    }
}

/// One thing owed, as of the last Tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    /// By which source.
    pub source: SourceId,
    /// On which stream.
    pub stream: StreamId,
    /// Who answers on that day: the id of a unit, or the owner's text where the profile declares no units.
    pub unit: String,
    /// What is owed.
    pub kind: DutyKind,
    /// Since when, by the node's Clock.
    pub since: ArrivalTime,
    /// The deadline of the oldest report owed.
    pub deadline: Option<ArrivalTime>,
    /// Reports or readings that came, of the last 30 days or the last hour; 0 of 0 for silence.
    pub received: u64,
    /// How many were due.
    pub expected: u64,
    /// The last arrival of any message.
    pub last_heard: Option<ArrivalTime>,
    /// The greatest admitted event time.
    pub event_time: Option<EventTime>,
}
