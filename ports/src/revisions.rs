//! Changes of what counts: another profile, stored messages read again, figures of the past computed again; and that
//! stored payloads are opened. Each is asked for from outside and becomes records of the log.

use async_trait::async_trait;
use nhip_proto::{ArrivalTime, EventTime, IndicatorId, Offset, SourceId, StreamId};
use thiserror::Error;

use crate::DestroyedKey;

/// Offsets listed by name in one answer at most; counts are of all.
pub const REPORT_OFFSETS_MAX: usize = 1_000;
/// Records one Command may name that are about to be unsealed.
pub const UNSEAL_OFFSETS_MAX: usize = 8;

/// A profile that is now valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileApplied {
    /// The Profile record; none: the text was the same and nothing was logged.
    pub offset: Option<Offset>,
    /// The profile's hash in hex.
    pub hash: String,
    /// What changed, one line each.
    pub changes: Vec<String>,
    /// Filters of routes that no link of this node is told to subscribe to, as far as that can be seen.
    pub unsubscribed: Vec<String>,
}

/// Which stored messages are to be read again, by the profile now valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedecodeOrder {
    /// Only of this source.
    pub source: Option<SourceId>,
    /// Only of this stream.
    pub stream: Option<StreamId>,
    /// From this record on.
    pub from: Offset,
    /// From this arrival on.
    pub from_arrival: Option<ArrivalTime>,
    /// Up to this arrival, exclusive.
    pub to_arrival: Option<ArrivalTime>,
    /// Up to this record, exclusive.
    pub to: Option<Offset>,
    /// Why.
    pub reason: String,
    /// By whom.
    pub author: String,
}

impl RedecodeOrder {
    /// Whether a message is one of those.
    #[must_use]
    pub fn names(&self, message: &nhip_proto::Message) -> bool {
        // What no route led anywhere has neither source nor stream: it may be anybody's.
        let source = |wanted: &SourceId| message.source == *wanted || message.source.as_str().is_empty();
        let stream = |wanted: &StreamId| message.stream == *wanted || message.stream.as_str().is_empty();
        self.source.as_ref().is_none_or(source)
            && self.stream.as_ref().is_none_or(stream)
            && self.from_arrival.is_none_or(|from| message.arrival >= from)
            && self.to_arrival.is_none_or(|to| message.arrival < to)
    }

    /// Whether source and stream, as they are read now, are those asked for.
    #[must_use]
    pub fn wants(&self, source: &SourceId, stream: &StreamId) -> bool {
        self.source.as_ref().is_none_or(|wanted| wanted == source)
            && self.stream.as_ref().is_none_or(|wanted| wanted == stream)
    }
}

/// What came of it. Every message looked at is in exactly one of the four.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedecodeReport {
    /// Messages looked at.
    pub messages: u64,
    /// Messages that say something else now; each has a Redecode record.
    pub redecoded: u64,
    /// Messages that say what they said.
    pub unchanged: u64,
    /// Messages whose key was destroyed; they keep what was read first.
    pub key_gone: u64,
    /// Messages that were rejected and still are.
    pub still_rejected: u64,
    /// The first of these, by offset.
    pub key_gone_offsets: Vec<Offset>,
    /// The first of these, by offset.
    pub still_rejected_offsets: Vec<Offset>,
    /// The last record that was written; none: nothing changed.
    pub last: Option<Offset>,
    /// The destroyed keys that shut these, each with when and under what, sorted by id.
    pub keys_destroyed: Vec<DestroyedKey>,
    /// Where to go on, if the bound of one order was reached.
    pub next: Option<Offset>,
}

/// Which stored payloads somebody is about to open on the machine itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsealOrder {
    /// The records, at most [`UNSEAL_OFFSETS_MAX`].
    pub offsets: Vec<Offset>,
    /// Why.
    pub reason: String,
    /// By whom.
    pub author: String,
}

/// Which figures are to be computed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestateOrder {
    /// The indicator.
    pub indicator: IndicatorId,
    /// Windows that start here or later …
    pub from: EventTime,
    /// … and before.
    pub to: EventTime,
    /// Why.
    pub reason: String,
    /// By whom.
    pub author: String,
}

/// One figure a restatement changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestatedFigure {
    /// Which: area, group and window.
    pub key: nhip_proto::FigureKey,
    /// The value now; none: no value.
    pub old: Option<nhip_proto::Decimal>,
    /// The value then.
    pub new: Option<nhip_proto::Decimal>,
}

/// What a restatement changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestateReport {
    /// Records up to here took part.
    pub computed_to: Offset,
    /// BLAKE3 of the figures of the range.
    pub rows_digest: [u8; 32],
    /// Windows of the range with something in them.
    pub windows: u64,
    /// Of these, how many change.
    pub changed: u64,
    /// The first of these.
    pub figures: Vec<RestatedFigure>,
    /// The Restate record; none: nothing was written.
    pub offset: Option<Offset>,
}

/// Why nothing was done.
#[derive(Debug, Error)]
pub enum RevisionError {
    /// The profile has mistakes; all of them.
    #[error("the profile has {} mistakes", .0.len())]
    Profile(Vec<String>),
    /// What was asked for does not exist or is out of bounds; the text is ours.
    #[error("{0}")]
    Refused(String),
    /// Another one is under way, or the node is stopping.
    #[error("not available now: {0}")]
    Unavailable(String),
}

/// Who may change what counts. Promise: one order at a time; what an answer names is durable when it is given.
#[async_trait]
pub trait Revisions: Send + Sync {
    /// Reads the node's profile directory again and makes it valid.
    async fn apply_profile(&self) -> Result<ProfileApplied, RevisionError>;

    /// The keys that were destroyed, each with when and under what, sorted by id.
    async fn destroyed_keys(&self) -> Result<Vec<DestroyedKey>, RevisionError>;

    /// Reads stored messages again.
    async fn redecode(&self, order: RedecodeOrder) -> Result<RedecodeReport, RevisionError>;

    /// Logs that payloads are about to be opened, and opens none: whoever holds keys and log does that. Returns the
    /// Command record.
    async fn unseal(&self, order: UnsealOrder) -> Result<Offset, RevisionError>;

    /// Computes figures of the past again; `dry_run`: only tells what would change.
    async fn restate(&self, order: RestateOrder, dry_run: bool) -> Result<RestateReport, RevisionError>;
}
