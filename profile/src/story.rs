//! The story language: messages, Ticks and what is expected of the figures, as lines of plain text.
//!
//! The pure engine runs stories in tests; the same lines can be played against a running node. The lines are
//! described in `tests/scenarios/README.md`.

mod expect;
mod parse;
mod tell;
mod words;

use nhip_proto::{
    AreaCode, ArrivalTime, Decimal, EventTime, GapCause, IndicatorId, Level, Origin, RowState, SourceId,
    Span, StreamId,
};

pub use parse::{parse_story, story_profile};
pub use tell::{tell_message, tell_time};

/// A parsed story.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Story {
    /// In the order they happen.
    pub steps: Vec<Step>,
}

/// One line that does something.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The file it stands in.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
    /// What it does.
    pub act: Act,
}

/// What a line does.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// A message arrives, `times` times.
    Message(Box<StoryMessage>),
    /// A message arrives that cannot be read.
    Rejected {
        /// Its stream.
        stream: StreamId,
        /// Its source.
        source: SourceId,
        /// When it arrives.
        arrival: ArrivalTime,
    },
    /// Time passes.
    Tick(ArrivalTime),
    /// Time passes in steps, both ends included.
    Ticks {
        /// The first Tick.
        from: ArrivalTime,
        /// The last.
        to: ArrivalTime,
        /// Between two.
        every: Span,
    },
    /// Nhịp may have missed messages.
    Gap {
        /// From when.
        from: ArrivalTime,
        /// To when; the record is written then.
        to: ArrivalTime,
        /// Why.
        cause: GapCause,
    },
    /// Everything in memory is lost but the snapshot.
    Restart,
    /// Something must hold now.
    Expect(Expectation),
}

/// One reading as the story tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoryMessage {
    /// Its stream.
    pub stream: StreamId,
    /// Its source.
    pub source: SourceId,
    /// By the sender's clock; none: the sender gives no time.
    pub time: Option<EventTime>,
    /// When it arrives; as long as the story does not say, its event time.
    pub arrival: ArrivalTime,
    /// Names and values in order.
    pub values: Vec<(String, StoryValue)>,
    /// The sender's id.
    pub id: Option<String>,
    /// The sender's running number.
    pub sequence: Option<u64>,
    /// The run it belongs to.
    pub boot: Option<u64>,
    /// How long the values cover.
    pub period: Option<Span>,
    /// Whether the device marks all its values as faulty.
    pub fault: bool,
    /// Whether a person typed it.
    pub typed: bool,
    /// 0 is best effort.
    pub qos: u8,
    /// How often it is delivered.
    pub times: u32,
}

/// A value of a reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoryValue {
    /// A number with the unit behind it, if any.
    Number(Decimal, String),
    /// A state.
    State(String),
    /// `null`: the sender says it has no value.
    Missing,
}

/// What must hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// Of one figure.
    Figure(Box<FigureExpectation>),
    /// Of a source's ledger: counts by name.
    Ledger {
        /// The source.
        source: SourceId,
        /// `received`, `decoded`, `rejected`, `items`, `applied`, `duplicate`, `conflicting`, `late`,
        /// `item_rejected`, `superseded`, `best_effort`.
        counts: Vec<(String, u64)>,
    },
    /// Of a source's badge.
    Badge {
        /// The source.
        source: SourceId,
        /// `dung`, `du`, `sach`, `song`.
        word: String,
        /// Its share as counts; none: not judged.
        share: Option<(u64, u64)>,
    },
}

/// What must hold of one figure. Absent fields may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureExpectation {
    /// The indicator.
    pub indicator: IndicatorId,
    /// The area.
    pub area: AreaCode,
    /// The group in it; empty: the area as a whole.
    pub group: String,
    /// The start of the window.
    pub window_start: EventTime,
    /// The value; none: missing.
    pub value: Option<Decimal>,
    /// The unit, in its one spelling.
    pub unit: Option<String>,
    /// How settled.
    pub state: Option<RowState>,
    /// The revision.
    pub revision: Option<u32>,
    /// Sources that contributed.
    pub k: Option<u32>,
    /// Sources due.
    pub m: Option<u32>,
    /// Against the threshold.
    pub level: Option<Level>,
    /// Where it comes from.
    pub origin: Option<Origin>,
}
