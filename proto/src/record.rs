//! The record: everything that can change a figure is one of these, in one total order.

use crate::message::codes;
use crate::{ArrivalTime, EventTime, IndicatorId, Item, Message, Rejection, Sealed, SourceId, StreamId};
use std::fmt;

/// The place of a record in the node's log, counted from 0 without gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub u64);

impl Offset {
    /// The offset after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// One record with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its offset.
    pub offset: Offset,
    /// The record.
    pub record: Record,
}

/// One record of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A message from a device or system.
    Message(Box<Message>),
    /// Time passed: the only way it passes for the engine.
    Tick(Tick),
    /// The profile valid from here on.
    Profile(Box<ProfileText>),
    /// An act of an operator.
    Command(Box<Command>),
    /// Nhịp knows that it may have missed messages.
    Gap(Gap),
    /// A stored message read again under another profile.
    Redecode(Box<Redecode>),
    /// Figures of the past computed again on purpose.
    Restate(Box<Restate>),
    /// A statistic or case act written by a person.
    Entry(Box<Entry>),
}

/// One per second of the Clock port, never decreasing; a barrier for all partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The Clock's time.
    pub at: ArrivalTime,
}

/// The whole profile as text, so that a replay uses the rules of its day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileText {
    /// When it was appended.
    pub at: ArrivalTime,
    /// The first 16 bytes of BLAKE3 over files and zones.
    pub hash: [u8; 16],
    /// The engine semantics version it was written for.
    pub semantics: u32,
    /// Path and text of every file, sorted by path.
    pub files: Vec<(String, String)>,
    /// The rules of the zones used, sorted by name.
    pub zones: Vec<ZoneRules>,
}

/// The rules of one time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneRules {
    /// The IANA name.
    pub name: String,
    /// TZif bytes (RFC 8536).
    pub tzif: Vec<u8>,
}

/// An act of an operator; comes with alarms and cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// When it was accepted.
    pub at: ArrivalTime,
    /// The caller's id: the same id twice acts once.
    pub id: String,
    /// Who acted.
    pub author: String,
    /// What to do.
    pub verb: String,
    /// On what.
    pub subject: String,
    /// Free text, sealed.
    pub sealed: Option<Sealed>,
}

codes! {
    /// Why messages may be missing.
    GapCause {
        /// Nhịp itself was down.
        Downtime = 1 "downtime",
        /// The broker had forgotten our session.
        SessionLost = 2 "session_lost",
        /// A queue dropped messages.
        QueueDropped = 3 "queue_dropped",
    }
}

/// Nhịp knows that it may have missed messages between two arrivals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// When it was noticed.
    pub at: ArrivalTime,
    /// Why.
    pub cause: GapCause,
    /// From when.
    pub from: ArrivalTime,
    /// To when.
    pub to: ArrivalTime,
    /// Whose messages; empty: everybody's.
    pub principal: String,
    /// How many were counted as lost, 0 if unknown.
    pub lost: u64,
}

/// A stored message read again; its items take the place of the original's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redecode {
    /// When.
    pub at: ArrivalTime,
    /// The Message record.
    pub original: Offset,
    /// The profile it was read under.
    pub profile_hash: [u8; 16],
    /// `name@version`.
    pub dialect: String,
    /// What was read now.
    pub body: Result<Vec<Item>, Rejection>,
    /// The source it was read as, where the original found none or another; empty: the original's.
    pub source: SourceId,
    /// The stream of that source; empty: the original's.
    pub stream: StreamId,
}

/// Figures of a past range computed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restate {
    /// When.
    pub at: ArrivalTime,
    /// Which indicator.
    pub indicator: IndicatorId,
    /// From this window start.
    pub from: EventTime,
    /// Up to this window start, exclusive.
    pub to: EventTime,
    /// Why.
    pub reason: String,
    /// By whom.
    pub author: String,
    /// Records up to here took part.
    pub computed_to: Offset,
    /// BLAKE3 of the new rows.
    pub rows_digest: [u8; 32],
}

/// A statistic or case act written by a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was accepted.
    pub at: ArrivalTime,
    /// Who wrote it.
    pub author: String,
    /// Its stream.
    pub stream: String,
    /// What it is about.
    pub subject: String,
    /// Its clear fields.
    pub items: Vec<Item>,
    /// The rest.
    pub sealed: Option<Sealed>,
}

impl Record {
    /// Whether a source says something in it: a message, or what a person typed.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        matches!(self, Self::Message(_) | Self::Entry(_))
    }

    /// The word for this kind in logs and metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Tick(_) => "tick",
            Self::Profile(_) => "profile",
            Self::Command(_) => "command",
            Self::Gap(_) => "gap",
            Self::Redecode(_) => "redecode",
            Self::Restate(_) => "restate",
            Self::Entry(_) => "entry",
        }
    }

    /// When the record was made, by the node's Clock.
    #[must_use]
    pub fn at(&self) -> ArrivalTime {
        match self {
            Self::Message(message) => message.arrival,
            Self::Tick(tick) => tick.at,
            Self::Profile(profile) => profile.at,
            Self::Command(command) => command.at,
            Self::Gap(gap) => gap.at,
            Self::Redecode(redecode) => redecode.at,
            Self::Restate(restate) => restate.at,
            Self::Entry(entry) => entry.at,
        }
    }
}
