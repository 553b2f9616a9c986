//! What the engine takes and gives, beside records and rows: settings, effects, errors, answers.

use std::sync::Arc;

use nhip_proto::{
    AreaCode, ArrivalTime, Badge, EventTime, Figure, ItemReason, Offset, Origin, RejectionReason, Row,
    SourceId, StreamId,
};
use thiserror::Error;

/// How an engine runs. Nothing here changes a durable byte but the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// Scoped worker threads over the partitions, 1…64.
    pub threads: usize,
    /// The origin in the log's header; `Simulated` and `Replayed` win over the profile's.
    pub origin: Origin,
}

/// What the caller must do with the records applied, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    /// Durable rows by Tick, in (window start, key) order.
    pub rows: Vec<(Offset, Vec<Row>)>,
    /// Edge nodes that must be asked to send their births again.
    pub rebirths: Vec<RebirthRequest>,
}

/// An edge node lost a message or uses an alias nobody bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebirthRequest {
    /// The node, `group/node`.
    pub node: String,
}

/// Why a batch was not applied; nothing of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EngineError {
    /// The batch does not continue where the engine stands.
    #[error("the engine stands at offset {}, the record has offset {}", .expected.0, .found.0)]
    Offset {
        /// Where the engine stands.
        expected: Offset,
        /// What was offered.
        found: Offset,
    },
}

/// Why a snapshot cannot be taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// Not a snapshot, or cut short.
    #[error("not a whole snapshot")]
    Damaged,
    /// The checksum at the end differs.
    #[error("the checksum differs")]
    Checksum,
    /// Of another format or engine semantics.
    #[error("snapshot of format {0}")]
    Version(u32),
    /// The profile inside cannot be loaded by this version.
    #[error("the profile inside is not valid any more")]
    Profile,
}

/// Why a figure is what it is; the caller fetches the sample records from the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The figure with its provenance.
    pub figure: Arc<Figure>,
    /// Sources due in its area, sorted.
    pub due: Vec<SourceId>,
    /// Of these, the ones that contributed nothing to the window.
    pub missing: Vec<SourceId>,
    /// The TOML of the indicator.
    pub definition: String,
    /// What decided the value of a calculator (`pm25`: the pollutant that leads); none for other figures.
    pub code: Option<&'static str>,
}

/// What became of Restate records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revisions {
    /// Those that named no known indicator, an empty range, or came in a crowd.
    pub refused: u64,
    /// Those whose digest was not found again: the rows stand all the same.
    pub unverified: u64,
}

/// One source as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceLine {
    /// Which.
    pub source: SourceId,
    /// Its stream.
    pub stream: StreamId,
    /// Its area.
    pub area: AreaCode,
    /// The greatest admitted event time.
    pub event_time: Option<EventTime>,
    /// Its last arrival.
    pub arrival: Option<ArrivalTime>,
    /// Its four words at the last Tick.
    pub badge: Badge,
    /// Whether the profile lists it.
    pub listed: bool,
}

/// One rejected message or item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectionLine {
    /// Where it is in the log.
    pub offset: Offset,
    /// Which item of the record, from 0; 0 for a whole message.
    pub place: u32,
    /// When it arrived.
    pub arrival: ArrivalTime,
    /// Its source; empty: no route.
    pub source: SourceId,
    /// Its stream.
    pub stream: StreamId,
    /// Why, for a whole message or for one item.
    pub reason: Result<RejectionReason, ItemReason>,
    /// The declared quantity, state or dialect field it happened at, or empty.
    pub field: String,
}
