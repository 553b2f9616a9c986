//! A checked profile: what one installation measures, from whom, and what it makes of it.

use std::collections::BTreeMap;

use nhip_proto::{AreaCode, IndicatorId, SourceId, Span, StreamId};

/// The whole profile, after `check` found no mistake.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The tenant in topics, `tay-ninh`.
    pub id: String,
    /// Its name on screens.
    pub name: Label,
    /// The IANA zone of civil windows.
    pub zone: String,
    /// The first 16 bytes of BLAKE3 over all files and zone rules.
    pub hash: [u8; 16],
    /// A line that every screen of this profile carries, or empty ("dữ liệu phát lại …").
    pub banner: Label,
    /// Where its data comes from, if not from devices: `machine`, `replayed`.
    pub origin: nhip_proto::Origin,
    /// Areas by code; the province is the one without a parent.
    pub areas: BTreeMap<AreaCode, Area>,
    /// Quantities by name.
    pub quantities: BTreeMap<String, Quantity>,
    /// Streams by id.
    pub streams: BTreeMap<StreamId, Stream>,
    /// Routes of foreign dialects; native topics need none.
    pub routes: Vec<Route>,
    /// Sources by id.
    pub sources: BTreeMap<SourceId, Source>,
    /// Domains in the order of the files.
    pub domains: Vec<Domain>,
    /// Indicators by id.
    pub indicators: BTreeMap<IndicatorId, Indicator>,
    /// Dated thresholds.
    pub thresholds: Vec<Threshold>,
    /// Views by name (`main`).
    pub views: BTreeMap<String, View>,
}

/// A text in Vietnamese and English.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Label {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

/// A commune, ward or province.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    /// The official code.
    pub code: AreaCode,
    /// Its name.
    pub name: Label,
    /// `province`, `xa`, `phuong`.
    pub kind: String,
    /// The province of a commune; none for the province.
    pub parent: Option<AreaCode>,
    /// Column and row of its cell in the cartogram.
    pub cell: Option<(u16, u16)>,
    /// Inhabitants, for rates per head; none: unknown.
    pub population: Option<u64>,
    /// Civil dates of validity, `2025-07-01`; the end is exclusive.
    pub valid: Validity,
}

/// Civil dates; none is open-ended. The end is exclusive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Validity {
    /// From this date on.
    pub from: Option<jiff::civil::Date>,
    /// Up to this date.
    pub to: Option<jiff::civil::Date>,
}

/// What is measured: unit, decimals, plausible range.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// Its name in payloads and profile.
    pub name: String,
    /// On screens.
    pub label: Label,
    /// The unit values are kept in.
    pub unit: String,
    /// Digits behind the point values are kept with.
    pub scale: u8,
    /// Least and greatest plausible value, at `scale`.
    pub range: (i128, i128),
}

/// How items of one kind behave in time.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// Its id.
    pub id: StreamId,
    /// On screens.
    pub label: Label,
    /// The formulas of the badge: `machine` (others come with their rooms).
    pub class: String,
    /// The key class of its sealed part.
    pub key_class: String,
    /// What makes two readings the same.
    pub identity: Identity,
    /// The usual span between two readings of a source.
    pub cadence: Span,
    /// How far the watermark stays behind the greatest event time (default: one cadence, at most 5 min).
    pub disorder: Span,
    /// How far behind its source's greatest event time a record may lie (default 1 h).
    pub lateness: Span,
    /// How long after its end a window may change (default 72 h).
    pub horizon: Span,
    /// After this age a value is stale and no longer held (default 3 × cadence).
    pub staleness: Span,
    /// How far ahead of its arrival an event time may lie (default 5 min).
    pub skew: Span,
    /// Whether sources the profile does not list are taken.
    pub open: bool,
    /// Whether `time` in a payload of this stream is the start of its period (else the end).
    pub stamp_is_start: bool,
    /// Quantity names it carries, with the unit senders use where they name none.
    pub quantities: BTreeMap<String, String>,
    /// State names it carries and the states each may have, in order.
    pub states: BTreeMap<String, Vec<String>>,
}

/// What makes two readings of one source and name the same reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The sender's id.
    Id,
    /// The sender's boot and running number.
    Sequence,
    /// The event time.
    Time,
    /// Event time and value.
    TimeContent,
    /// Nothing: every reading counts (the badge says so).
    None,
}

/// From topics of a foreign dialect to stream and source.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// An MQTT topic filter.
    pub filter: String,
    /// `native-json`, `native-protobuf`, `sparkplug-b`.
    pub dialect: String,
    /// The stream.
    pub stream: StreamId,
    /// The source id, with `{0}`, `{1}` … for topic levels (0 is the first).
    pub source: String,
}

/// One sender.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Its id in topics.
    pub id: SourceId,
    /// Its stream.
    pub stream: StreamId,
    /// Its area.
    pub area: AreaCode,
    /// On screens.
    pub name: Label,
    /// Who answers for it.
    pub owner: String,
    /// Its own cadence, if not the stream's.
    pub cadence: Option<Span>,
    /// Its own lateness, if not the stream's.
    pub lateness: Option<Span>,
}

/// A field of the IOC: environment, traffic …
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// `env`, `traffic` …
    pub id: String,
    /// On screens.
    pub name: Label,
}

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
    /// The stream it reads.
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
}

/// What an indicator computes over the items of a window. All but `Last` roll up by adding numerators and
/// denominators (or taking the least or greatest); a ratio is never averaged.
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
    /// Civil hour, day, month or year in the profile's zone.
    Calendar(CalendarUnit),
}

/// A civil period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarUnit {
    /// A civil hour.
    Hour,
    /// A civil day (23, 24 or 25 hours).
    Day,
    /// A civil month.
    Month,
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

/// A dated limit of an indicator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Of which indicator.
    pub indicator: IndicatorId,
    /// Exceeded above (or below) this value, at the indicator's scale.
    pub limit: i128,
    /// Whether beyond means below.
    pub below: bool,
    /// How far the value must come back before it is normal again, at the indicator's scale.
    pub dead_band: i128,
    /// Civil dates of validity; the end is exclusive.
    pub valid: Validity,
    /// The issuing document.
    pub document: String,
}

/// One screen.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Its name.
    pub id: String,
    /// On screens.
    pub title: Label,
    /// The indicators of the tiles, in order, each for the province.
    pub tiles: Vec<IndicatorId>,
    /// The indicator the map shows per commune.
    pub map: IndicatorId,
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
