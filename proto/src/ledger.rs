//! The ledger: per source, where every message and item went. P4: the classes always add up.

use std::fmt;

use crate::message::codes;
use crate::{EventTime, RejectionReason, SourceId, StreamId};

codes! {
    /// Why a single item was rejected at admission.
    ItemReason {
        /// The stream does not declare the name, or the alias is not bound.
        Undeclared = 1 "undeclared",
        /// The value is not of the quantity's kind, or a state the stream does not declare.
        ValueInvalid = 2 "value_invalid",
        /// The unit cannot be converted to the quantity's.
        UnitUnknown = 3 "unit_unknown",
        /// Outside the quantity's range.
        OutOfRange = 4 "out_of_range",
        /// The event time lies ahead of the arrival beyond the bound, or before 2000.
        ClockSkew = 5 "clock_skew",
        /// The sender says it has no value.
        Missing = 6 "missing",
        /// The device marks its own value as faulty.
        DeviceFault = 7 "device_fault",
        /// The stream is unknown to the profile now valid.
        UnknownStream = 8 "unknown_stream",
    }
}

/// Counts of one source up to one offset. `received = decoded + rejected`;
/// `items = applied + duplicate + late + item_rejected + superseded`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerCounts {
    /// Messages received.
    pub received: u64,
    /// Messages decoded.
    pub decoded: u64,
    /// Messages rejected as a whole.
    pub rejected: u64,
    /// Of these, by reason, in the order of [`RejectionReason::ALL`].
    pub message_reasons: [u64; RejectionReason::ALL.len()],
    /// Items decoded.
    pub items: u64,
    /// Items applied (admitted, whether or not an indicator uses them).
    pub applied: u64,
    /// Items that repeat an earlier one.
    pub duplicate: u64,
    /// Of these, with other content than the first: conflicting.
    pub conflicting: u64,
    /// Items behind the lateness or the horizon.
    pub late: u64,
    /// Items rejected.
    pub item_rejected: u64,
    /// Of these, by reason, in the order of [`ItemReason::ALL`].
    pub item_reasons: [u64; 8],
    /// Items a Redecode took the place of.
    pub superseded: u64,
    /// Messages delivered at QoS 0.
    pub best_effort: u64,
}

impl LedgerCounts {
    /// Whether the two conservation laws hold (P4).
    #[must_use]
    pub fn balances(&self) -> bool {
        let reasons: u64 = self.item_reasons.iter().sum();
        let whole: u64 = self.message_reasons.iter().sum();
        self.received == self.decoded + self.rejected
            && self.items == self.applied + self.duplicate + self.late + self.item_rejected + self.superseded
            && self.item_rejected == reasons
            && self.rejected == whole
            && self.conflicting <= self.duplicate
    }

    /// Adds another source's counts.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.decoded += other.decoded;
        self.rejected += other.rejected;
        self.items += other.items;
        self.applied += other.applied;
        self.duplicate += other.duplicate;
        self.conflicting += other.conflicting;
        self.late += other.late;
        self.item_rejected += other.item_rejected;
        self.superseded += other.superseded;
        for (mine, theirs) in self.message_reasons.iter_mut().zip(other.message_reasons) {
            *mine += theirs;
        }
        self.best_effort += other.best_effort;
        for (mine, theirs) in self.item_reasons.iter_mut().zip(other.item_reasons) {
            *mine += theirs;
        }
    }
}

/// One source's line in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// The source; empty: messages no route matched.
    pub source: SourceId,
    /// Its stream.
    pub stream: StreamId,
    /// The counts.
    pub counts: LedgerCounts,
    /// The greatest admitted event time.
    pub event_time: Option<EventTime>,
}
