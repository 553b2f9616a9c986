//! Figures: one indicator, one area, one window; as a durable row and as a screen shows it.

use std::fmt;

use crate::message::codes;
use crate::{AreaCode, ArrivalTime, Badge, Decimal, EventTime, IndicatorId, Offset, SourceId};

/// Which figure: indicator, area, group, period and window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FigureKey {
    /// The indicator.
    pub indicator: IndicatorId,
    /// The area it stands for.
    pub area: AreaCode,
    /// A further grouping, or empty.
    pub group: String,
    /// The window kind: `5m`, `1h`, `1d` …
    pub period: String,
    /// The start of the window (inclusive).
    pub window_start: EventTime,
}

codes! {
    /// How settled a window is.
    RowState {
        /// The watermark has not passed its end.
        Provisional = 1 "provisional",
        /// The watermark has passed its end.
        Final = 2 "final",
        /// A record inside the lateness changed a final window.
        Revised = 3 "revised",
    }
}

codes! {
    /// Where the data came from; a screen always says so.
    Origin {
        /// Devices and systems.
        Machine = 1 "machine",
        /// Typed by people.
        Typed = 2 "typed",
        /// Official statistics.
        Official = 3 "official",
        /// The simulator, or any Clock but the real one.
        Simulated = 4 "simulated",
        /// Recordings played again.
        Replayed = 5 "replayed",
    }
}

codes! {
    /// Where the value stands against the dated threshold of its day.
    Level {
        /// The indicator has no threshold on that day.
        None = 0 "none",
        /// Inside the limit.
        Normal = 1 "normal",
        /// Beyond the limit, or not yet back across the dead band.
        Exceeded = 2 "exceeded",
        /// Beyond a warning, inside the limit.
        Warning = 3 "warning",
    }
}

codes! {
    /// Why a row was written.
    RowCause {
        /// The window is open and changed since the last row (at most one a minute).
        Progress = 1 "progress",
        /// The watermark passed the end.
        Closed = 2 "closed",
        /// A record inside the lateness came after the close.
        OutOfOrder = 3 "out_of_order",
        /// Stored messages were read again (a Redecode record).
        Redecoded = 4 "redecoded",
        /// Figures of the past were computed again on purpose (a Restate record).
        Restated = 5 "restated",
    }
}

/// One durable row: every revision of every window, known since one Tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `live`, or the id of a what-if run.
    pub lineage: String,
    /// Which figure.
    pub key: FigureKey,
    /// Hash of inputs, filter, window, aggregation, roll-up and unit: the definition version.
    pub definition: [u8; 16],
    /// The end of the window (exclusive).
    pub window_end: EventTime,
    /// 0 for the first row of a window, then +1.
    pub revision: u32,
    /// How settled.
    pub state: RowState,
    /// The exact numerator at the quantity's scale (the sum, for means).
    pub numerator: i128,
    /// The exact denominator (the number of values, for means; 1 where there is none; 0: no value).
    pub denominator: i128,
    /// The shown value, or none: missing is never 0.
    pub value: Option<Decimal>,
    /// Sources that contributed.
    pub k: u32,
    /// Sources due.
    pub m: u32,
    /// The Tick since which the row is known.
    pub known_offset: Offset,
    /// Its time.
    pub known_at: ArrivalTime,
    /// The greatest event time in the window.
    pub event_time: Option<EventTime>,
    /// Against the threshold of the day.
    pub level: Level,
    /// Where it comes from.
    pub provenance: Provenance,
    /// The four words at that Tick.
    pub badge: Badge,
    /// Why the row was written.
    pub cause: RowCause,
    /// Machine, simulated, replayed.
    pub origin: Origin,
}

/// Which records a figure stands on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The contributing sources, sorted.
    pub sources: Vec<SourceId>,
    /// The first contributing record; none if there is none.
    pub first: Option<Offset>,
    /// The last.
    pub last: Option<Offset>,
    /// Up to eight contributing records, chosen by the figure alone (not by batch or thread).
    pub samples: Vec<Offset>,
}

/// A settled figure that another row took the place of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restatement {
    /// Which figure.
    pub key: FigureKey,
    /// The definition version of the new row.
    pub definition: [u8; 16],
    /// The revision of the new row.
    pub revision: u32,
    /// What the row before said; none: no value.
    pub old: Option<Decimal>,
    /// What the new row says; none: no value.
    pub new: Option<Decimal>,
    /// Why.
    pub cause: RowCause,
    /// The record that caused it: a late arrival inside the lateness, a Redecode, a Restate.
    pub cause_offset: Offset,
    /// The record since which the new row is known.
    pub known_offset: Offset,
    /// Its time.
    pub known_at: ArrivalTime,
}

/// A figure as a screen shows it: the newest window with data, plus how it lately went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The row as it would stand if a Tick came now; `known_*` are the last Tick's.
    pub row: Row,
    /// The log offset of the last record that changed it.
    pub changed: Offset,
    /// Closed windows, oldest first, at most 48: start, value.
    pub history: Vec<(EventTime, Option<Decimal>)>,
}

impl fmt::Display for FigureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}@{}", self.indicator, self.area, self.period, self.window_start.0)
    }
}
