//! The past of figures: every revision of every window, read as it is known now or as it was known then.

use async_trait::async_trait;
use nhip_proto::{
    AreaCode, ArrivalTime, Badge, EventTime, FigureKey, IndicatorId, Offset, Provenance, Restatement, Row,
    RowCause, RowState,
};
use thiserror::Error;

/// Which moment's knowledge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AsOf {
    /// All there is.
    #[default]
    Now,
    /// What was known at this time: `known_at ≤ t`.
    At(ArrivalTime),
    /// What was known at this record: `known_offset ≤ o`.
    Offset(Offset),
}

impl AsOf {
    /// Whether something known since then counts.
    #[must_use]
    pub fn knows(self, known_offset: Offset, known_at: ArrivalTime) -> bool {
        match self {
            Self::Now => true,
            Self::At(time) => known_at <= time,
            Self::Offset(offset) => known_offset <= offset,
        }
    }
}

/// One line through time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey {
    /// The indicator.
    pub indicator: IndicatorId,
    /// The area.
    pub area: AreaCode,
    /// The group; empty: the area as a whole.
    pub group: String,
    /// The window kind.
    pub period: String,
}

impl SeriesKey {
    /// The series a figure belongs to.
    #[must_use]
    pub fn of(key: &FigureKey) -> Self {
        let FigureKey { indicator, area, group, period, .. } = key.clone();
        Self { indicator, area, group, period }
    }

    /// Whether a figure belongs to it.
    #[must_use]
    pub fn holds(&self, key: &FigureKey) -> bool {
        self.indicator == key.indicator
            && self.area == key.area
            && self.group == key.group
            && self.period == key.period
    }
}

/// A stretch of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesQuery {
    /// Which.
    pub series: SeriesKey,
    /// Windows that start here or later …
    pub from: EventTime,
    /// … and before.
    pub to: EventTime,
    /// Whose knowledge.
    pub as_of: AsOf,
    /// At most so many windows; the next question begins behind the last.
    pub windows_max: usize,
}

/// Which restatements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestatementQuery {
    /// The indicator.
    pub indicator: IndicatorId,
    /// Only of this area.
    pub area: Option<AreaCode>,
    /// Only of this group.
    pub group: Option<String>,
    /// Of windows that start here or later …
    pub from: EventTime,
    /// … and before.
    pub to: EventTime,
    /// Whose knowledge.
    pub as_of: AsOf,
    /// More than so many are refused.
    pub rows_max: usize,
}

/// A settled figure and the one that took its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// What stood.
    pub old: Row,
    /// What stands since.
    pub new: Row,
}

impl Replaced {
    /// Whether it is the one a restatement of the engine tells of.
    #[must_use]
    pub fn is_told_by(&self, told: &Restatement) -> bool {
        told.key == self.new.key
            && told.revision == self.new.revision
            && told.definition == self.new.definition
    }

    /// The settled rows that another settled one took the place of, of one window's revisions in the order they were
    /// known.
    #[must_use]
    pub fn among(revisions: &[Row]) -> Vec<Self> {
        let settled = || revisions.iter().filter(|row| row.state != RowState::Provisional);
        settled()
            .zip(settled().skip(1))
            .map(|(old, new)| Self { old: old.clone(), new: new.clone() })
            .collect()
    }
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// Beyond a bound; the text says which.
    #[error("{0}")]
    Refused(String),
    /// A file is not what was written; nothing of it is served.
    #[error("the series store is damaged: {0}")]
    Damaged(String),
    /// The disk refused, or the node is stopping.
    #[error("history: {0}")]
    Failed(String),
}

/// Promise: per window the version known last at the moment asked for, in the order of windows; the same rows written
/// again change no answer; nothing is served from a damaged file; memory is bounded by what is asked for at once.
#[async_trait]
pub trait History: Send + Sync {
    /// A stretch of a series, one row per window that has any, at most `windows_max`.
    async fn series(&self, query: SeriesQuery) -> Result<Vec<Row>, HistoryError>;

    /// The same rows as [`figure_of`] leaves them, for readers who do not ask where figures come from: a store with
    /// columns need not read the others.
    async fn figures(&self, query: SeriesQuery) -> Result<Vec<Row>, HistoryError> {
        Ok(self.series(query).await?.into_iter().map(figure_of).collect())
    }

    /// Every revision of a window known at a moment, of every definition, in the order they were known.
    async fn revisions(&self, key: FigureKey, as_of: AsOf) -> Result<Vec<Row>, HistoryError>;

    /// Settled figures another row took the place of, newest known first.
    async fn replaced(&self, query: RestatementQuery) -> Result<Vec<Replaced>, HistoryError>;

    /// The series of an indicator that have any row, in key order.
    async fn series_of(&self, indicator: IndicatorId) -> Result<Vec<SeriesKey>, HistoryError>;
}

/// A row without what explains it: no provenance, badge or event time, and the cause of a row in progress.
#[must_use]
pub fn figure_of(row: Row) -> Row {
    Row {
        event_time: None,
        provenance: Provenance::default(),
        badge: Badge::default(),
        cause: RowCause::Progress,
        ..row
    }
}

/// The order rows become known in; of two of one moment the later revision, then definition, counts.
#[must_use]
pub fn known_order(row: &Row) -> (Offset, u32, [u8; 16]) {
    (row.known_offset, row.revision, row.definition)
}
