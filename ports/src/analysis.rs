//! What the screens may ask the analytics room. Answers are taken between two batches, so each one stands at one
//! log offset.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use nhip_proto::{
    AreaCode, ArrivalTime, Badge, Duty, EventTime, Figure, FigureKey, IndicatorId, Item, ItemReason,
    LedgerRow, Offset, RejectionReason, Restatement, SourceId, StreamId, Update,
};
use thiserror::Error;

use crate::past::{PastBoard, PastError, PastMoment};

/// Which figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FigureQuery {
    /// Only this indicator.
    pub indicator: Option<IndicatorId>,
    /// Only this area.
    pub area: Option<AreaCode>,
    /// Only this group; empty: areas as a whole.
    pub group: Option<String>,
    /// Only this domain.
    pub domain: Option<String>,
}

/// One record a figure stands on; never its sealed content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleRecord {
    /// Where it is in the log.
    pub offset: Offset,
    /// When it arrived.
    pub arrival: ArrivalTime,
    /// Its source.
    pub source: SourceId,
    /// The topic it came by.
    pub topic: String,
    /// The keyed hash of its payload, hex.
    pub payload_hash: String,
    /// The id of the key its payload is sealed with; none: there is no payload.
    pub sealed_key: Option<String>,
    /// Its clear items as `name=value unit`.
    pub items: Vec<String>,
    /// Its stream.
    pub stream: StreamId,
    /// Its clear items as they were logged; none of a rejected message.
    pub readings: Vec<Item>,
}

/// Why a figure is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The figure.
    pub figure: Arc<Figure>,
    /// Sources due in its area, sorted.
    pub due: Vec<SourceId>,
    /// Of these, the ones that contributed nothing to the window.
    pub missing: Vec<SourceId>,
    /// Up to eight contributing records.
    pub samples: Vec<SampleRecord>,
    /// The definition in words of the profile (TOML of the indicator).
    pub definition: String,
}

/// One source as the screens list it.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceRow {
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
    /// Its four words.
    pub badge: Badge,
    /// Whether the profile lists it.
    pub listed: bool,
}

/// Which rejections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectionQuery {
    /// Only of this source; the empty name: messages no route matched.
    pub source: Option<SourceId>,
    /// Only of this stream.
    pub stream: Option<StreamId>,
    /// Only with this reason, of a message or of an item.
    pub reason: Option<Result<RejectionReason, ItemReason>>,
    /// Only before this place: record and item.
    pub before: Option<(Offset, u32)>,
    /// At most so many.
    pub rows_max: usize,
}

/// What may be told of a sealed payload without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSample {
    /// The keyed hash of the payload, hex.
    pub payload_hash: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// One rejected message or item, newest first, of a bounded list; counts of all are in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectionRow {
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
    /// The declared field or quantity it happened at, or empty.
    pub field: String,
    /// Its sealed payload; none: there is none, or the record left the log.
    pub sample: Option<SealedSample>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum AnalysisError {
    /// No such figure, indicator or area.
    #[error("{0}")]
    NotFound(String),
    /// The room is starting, stopping or too busy.
    #[error("analytics is not ready: {0}")]
    Unavailable(String),
}

/// The analytics room as the screens see it.
#[async_trait]
pub trait Analysis: Send + Sync {
    /// Everything, as one update that stands for the whole board, plus nothing missed before the next bus update
    /// whose offset is greater.
    async fn board(&self) -> Result<Arc<Update>, AnalysisError>;

    /// The newest figures of a query, in key order.
    async fn figures(&self, query: FigureQuery) -> Result<(Offset, Vec<Arc<Figure>>), AnalysisError>;

    /// Why a figure is what it is; `group` empty: the area as a whole, `window_start` none: its newest window.
    async fn explain(
        &self,
        indicator: IndicatorId,
        area: AreaCode,
        group: String,
        window_start: Option<EventTime>,
    ) -> Result<Explanation, AnalysisError>;

    /// The ledger, in source order, with the offset it stands at.
    async fn ledger(&self) -> Result<(Offset, Vec<LedgerRow>), AnalysisError>;

    /// The sources, in id order.
    async fn sources(&self) -> Result<Vec<SourceRow>, AnalysisError>;

    /// The newest rejections of a query first, of the bounded list that is kept.
    async fn rejections(&self, query: RejectionQuery) -> Result<Vec<RejectionRow>, AnalysisError>;

    /// What is owed at the last Tick, in the order of sources and streams; with the offset and Tick it stands at.
    async fn duties(&self) -> Result<(Offset, Option<ArrivalTime>, Vec<Duty>), AnalysisError>;

    /// The newest restatements first, at most `rows_max` of a bounded list.
    async fn restatements(&self, rows_max: usize) -> Result<Vec<Restatement>, AnalysisError>;

    /// The board as it was at a moment of the past, by a replay of its own that no screen waits for.
    /// Whoever asks waits at most `patience`, and never longer than one question may take.
    async fn past(&self, moment: PastMoment, patience: Duration) -> Result<PastBoard, PastError>;

    /// What is known now of each of these windows, in their order; none: nothing newer than what was known at `since`.
    async fn windows(
        &self,
        keys: Vec<FigureKey>,
        since: Offset,
    ) -> Result<Vec<Option<Arc<Figure>>>, AnalysisError>;
}
