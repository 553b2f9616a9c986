//! One reading as a device would send it, before any wire format.

use nhip_proto::{Decimal, EventTime, Span};

/// What a device measured at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// By the device's clock.
    pub time: EventTime,
    /// The device's own id of the reading.
    pub id: Option<String>,
    /// Its running number.
    pub sequence: Option<u64>,
    /// The run the number belongs to.
    pub boot: Option<u64>,
    /// How long the values cover, ending (or starting, by the stream) at the time.
    pub period: Option<Span>,
    /// What it says.
    pub measures: Vec<Measure>,
}

/// One value with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The quantity or state.
    pub name: String,
    /// Its value.
    pub value: MeasureValue,
    /// The unit; empty: the stream's.
    pub unit: String,
    /// The device marks it as faulty.
    pub fault: bool,
}

/// A value, or the plain word that there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MeasureValue {
    /// A number with its digits.
    Number(Decimal),
    /// A state.
    State(String),
    /// No value: null in JSON, absent in protobuf, never 0.
    Missing,
}

impl Reading {
    /// A reading with nothing but a time and values.
    #[must_use]
    pub fn at(time: EventTime, measures: Vec<Measure>) -> Self {
        Self { time, id: None, sequence: None, boot: None, period: None, measures }
    }
}

impl Measure {
    /// A number in the stream's unit.
    #[must_use]
    pub fn number(name: &str, number: Decimal) -> Self {
        Self::of(name, MeasureValue::Number(number))
    }

    /// A state.
    #[must_use]
    pub fn state(name: &str, state: &str) -> Self {
        Self::of(name, MeasureValue::State(state.to_owned()))
    }

    /// A name without value.
    #[must_use]
    pub fn missing(name: &str) -> Self {
        Self::of(name, MeasureValue::Missing)
    }

    fn of(name: &str, value: MeasureValue) -> Self {
        Self { name: name.to_owned(), value, unit: String::new(), fault: false }
    }
}
