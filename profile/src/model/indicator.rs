//! Indicators: what is computed, over which windows, split by what, and the tests they carry.

use nhip_proto::{Decimal, IndicatorId, Span, StreamId};

use super::{CaseInstant, Dated, Derived, Label, Standing};

/// The most windows of a hopping indicator an instant may lie in.
pub const HOPS_MAX: i64 = 96;

/// The last day of a month a period may close on: the day after it is one in every month.
pub const CLOSING_DAY_MAX: u8 = 27;

/// One indicator: what is computed, over which windows, for which areas.
#[derive(Clone, Debug, PartialEq)]
pub struct Indicator {
    /// Its id.
    pub id: IndicatorId,
    /// On screens.
    pub name: Label,
    /// Its domain.
    pub domain: String,
    /// The unit shown.
    pub unit: String,
    /// Digits behind the point shown.
    pub scale: u8,
    /// Who answers for it.
    pub owner: String,
    /// The document or method it rests on.
    pub basis: String,
    /// The stream it reads; a derived one: the stream of its first measured input, transitively.
    pub stream: StreamId,
    /// What it computes.
    pub aggregate: Aggregate,
    /// Which items take part, beside the names the aggregate reads.
    pub filter: Vec<Filter>,
    /// Its windows.
    pub window: Window,
    /// Whether more is `worse`, `better` or `neutral`.
    pub direction: Direction,
    /// Least share of sources due (k of m) for a total or rank.
    pub completeness_min: f64,
    /// After this age the figure is stale on screens; default the stream's staleness.
    pub staleness: Span,
    /// The usual span between two values on screens; default the stream's cadence.
    pub cadence: Span,
    /// The definition version: BLAKE3 of inputs, filter, window, aggregation, roll-up and unit.
    pub definition: [u8; 16],
    /// The TOML text of the definition, for `explain`.
    pub text: String,
    /// Its own tests.
    pub tests: Vec<IndicatorTest>,
    /// Figures per group beside the one of the whole area; none: only the whole.
    pub group: Option<GroupBy>,
    /// The least share of its expected readings a closed window needs to have a value, in ten-thousandths.
    /// Expected: over the sources due, the window's length ÷ their cadence.
    pub readings_min: Option<u32>,
    /// `rollup = "none"`: it exists only at the place its readings speak of, never in the areas around.
    pub own_area: bool,
    /// The figure it is checked against, for the word *đúng* of its badge.
    pub reconcile: Option<Reconcile>,
    /// Over the cases of its stream, not over readings; none: over readings.
    pub cases: Option<OverCases>,
}

/// When a case counts for an indicator over cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverCases {
    /// In the window this instant of it lies in.
    At(CaseInstant),
    /// In every window at whose end it stands so.
    Stock(Standing),
}

/// What an indicator computes over the items of a window, or from other figures. All but `First` and `Last` roll
/// up by adding what stands above and below (or taking the least or greatest); a ratio is never averaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// How many items carry this name.
    Count(Operand),
    /// The sum.
    Sum(Operand),
    /// Sum and number of values; shown as their quotient.
    Mean(Operand),
    /// The least.
    Min(Operand),
    /// The greatest.
    Max(Operand),
    /// Each source's last value by (event time, sequence, value); areas combine them by the roll-up.
    Last(Operand, LastRollup),
    /// Each source's first value by (event time, sequence, value); areas combine them by the roll-up.
    First(Operand, LastRollup),
    /// The growth of a counter. A value below the one before is a start from 0; an increment belongs to the
    /// window of the later sample.
    Delta {
        /// The counter.
        counter: String,
        /// An increment above it, at the quantity's scale, adds nothing.
        step_max: Option<i128>,
    },
    /// `Σ increments ÷ Σ time between samples × per`.
    Rate {
        /// The counter.
        counter: String,
        /// A second, a minute, an hour or a day.
        per: Span,
        /// As of `Delta`.
        step_max: Option<i128>,
    },
    /// The value below which `percent` of the values lie, to 1 % of itself.
    Percentile {
        /// Of which quantity.
        quantity: String,
        /// More than 0, less than 100, at most three digits behind the point.
        percent: Decimal,
    },
    /// How many different ones: exact up to 1,024, then estimated.
    Distinct(DistinctOf),
    /// The energy mean of levels: `10 × log10(mean(10^(L ÷ 10)))`.
    Leq(String),
    /// The harmonic mean, of speeds over a section: `Σ weight ÷ Σ (weight ÷ value)`.
    HarmonicMean {
        /// Of which quantity; values of 0 and below take no part.
        quantity: String,
        /// A quantity of the same reading; none: 1.
        weight: Option<String>,
    },
    /// How often a state was entered: samples in `states` whose source's sample before was not.
    Onsets {
        /// The state name.
        state: String,
        /// The states that count as one.
        states: Vec<String>,
    },
    /// `Σ numerator ÷ Σ denominator × factor`.
    Ratio {
        /// What is added above.
        numerator: Term,
        /// What is added below.
        denominator: Term,
        /// 100 for percent, else 1.
        factor: u32,
    },
    /// Share of known time in one of `states`; a value holds until the staleness limit, then the time is
    /// unknown.
    TimeInState {
        /// The state name.
        state: String,
        /// The states that count.
        states: Vec<String>,
        /// 100 for percent, else 1.
        factor: u32,
    },
    /// How many cases stand so at the end of the window, now if it is open.
    Stock(Standing),
    /// From the figures of other indicators.
    Derived(Derived),
}

/// What is told apart by `Distinct`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DistinctOf {
    /// The senders' ids of the readings.
    Id,
    /// Sources.
    Source,
    /// The words of a state.
    State(String),
    /// The values of a quantity.
    Quantity(String),
}

/// What a figure is split by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// By source id.
    Source,
    /// By the word of a state of the same reading.
    State(String),
}

/// A figure that should say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconcile {
    /// The other indicator: same window, same unit.
    pub with: IndicatorId,
    /// How far the two may differ.
    pub tolerance: Tolerance,
}

/// How far two figures that should agree may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// By this much, at the scale of the indicator that is checked.
    Absolute(i128),
    /// By this share of the other figure, in percent.
    Percent(Decimal),
}

/// A quantity or state of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A quantity by name.
    Quantity(String),
    /// A state by name (only `Count` reads states).
    State(String),
}

/// What one side of a ratio adds up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// The values of a quantity.
    Sum(String),
    /// The product of two quantities of one message (speed × count), at the sum of their scales.
    SumOfProducts(String, String),
    /// The number of items with this name whose state or value passes the filters of the term.
    Count(Operand, Vec<Filter>),
}

/// How the last values of several sources become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastRollup {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The one that came last by (event time, sequence, value): of the place itself, never of those around.
    None,
}

/// A typed condition on an item of the same message (`where.class = "truck"`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// The state has one of these values.
    StateIn(String, Vec<String>),
    /// The quantity lies in this range, at its scale, both ends included.
    Between(String, i128, i128),
}

/// The windows of an indicator. An instant belongs to the window with start ≤ instant < end; a period to the
/// window containing its last instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Window {
    /// Of fixed length, aligned to 1970-01-01T00:00Z.
    Tumbling(Span),
    /// Of fixed length, one starting at every multiple of `hop` since 1970-01-01T00:00Z; an instant lies in
    /// `length ÷ hop` of them.
    Hopping {
        /// A multiple of `hop`, at most [`HOPS_MAX`] of it.
        length: Span,
        /// From one start to the next.
        hop: Span,
    },
    /// Civil hour, day, week, month, quarter, half year or year in the profile's zone.
    Calendar(CalendarUnit),
    /// Civil months, quarters, half years or years that close on this day of their last month, 1 to
    /// [`CLOSING_DAY_MAX`]: reporting periods (NĐ 09/2019/NĐ-CP, Điều 12: the 14th).
    Closing(CalendarUnit, u8),
    /// Dated periods with a name; an instant between them lies in no window.
    Dated(Dated),
}

/// A civil period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarUnit {
    /// A civil hour.
    Hour,
    /// A civil day (23, 24 or 25 hours).
    Day,
    /// A civil week, from Monday on (ISO 8601).
    Week,
    /// A civil month.
    Month,
    /// Three civil months, from January, April, July, October on.
    Quarter,
    /// Six civil months, from January and July on.
    HalfYear,
    /// A civil year.
    Year,
}

/// Which way is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More is worse.
    Worse,
    /// More is better.
    Better,
    /// Neither.
    Neutral,
}

/// A test an indicator carries: given messages, this figure.
#[derive(Clone, Debug, PartialEq)]
pub struct IndicatorTest {
    /// What it shows.
    pub name: String,
    /// The lines of the story, in the scenario language (tests/scenarios/README.md).
    pub story: String,
    /// `file:line` where it stands.
    pub at: String,
}
