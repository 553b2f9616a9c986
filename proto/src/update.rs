//! What the analytics room tells the screens at the end of each batch.

use std::sync::Arc;

use crate::{ArrivalTime, Badge, EventTime, Figure, Offset, SourceId};

/// Everything that changed up to one log offset. A screen is a function of the log up to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The log offset the screens now stand at.
    pub offset: Offset,
    /// The last Tick.
    pub tick: Option<ArrivalTime>,
    /// Whether the profile changed: views start over.
    pub profile_changed: bool,
    /// The changed figures, in key order.
    pub figures: Vec<FigureUpdate>,
    /// Of those whose newest window has too few sources: the last one that had enough, as it stands now.
    pub complete_before: Vec<FigureUpdate>,
    /// The changed sources, in id order.
    pub sources: Vec<SourceUpdate>,
    /// The four words over all sources, per domain; the empty name is the whole installation.
    pub badges: Vec<(String, Badge)>,
}

/// One changed figure.
pub type FigureUpdate = Arc<Figure>;

/// One changed source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceUpdate {
    /// Which.
    pub source: SourceId,
    /// The greatest admitted event time, none: never heard.
    pub event_time: Option<EventTime>,
    /// The last arrival.
    pub arrival: Option<ArrivalTime>,
    /// Its four words.
    pub badge: Badge,
}

/// The state of an ingest link, for health and the footer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// The link's name in the configuration.
    pub name: String,
    /// Whether it is connected or listening.
    pub up: bool,
    /// How often it connected.
    pub epoch: u64,
    /// Deliveries handed over since start.
    pub delivered: u64,
    /// The last error, or empty.
    pub error: String,
}
