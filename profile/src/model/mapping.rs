//! `json-map`: how the JSON of a foreign sender becomes quantities and states of a stream.

use std::collections::BTreeMap;

use nhip_proto::{Decimal, RejectionReason};

use crate::Path;

/// How one kind of JSON payload is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// Its id; routes name it.
    pub id: String,
    /// An array in the payload with one reading per element; none: the payload is one reading. Paths then begin at
    /// the element, or with `$.` at the payload.
    pub each: Option<Path>,
    /// Where its time stands; none: the arrival stands in.
    pub time: Option<MappedTime>,
    /// The sender's own id of a reading.
    pub id_path: Option<Path>,
    /// The sender's running number.
    pub sequence: Option<Path>,
    /// Where it is.
    pub place: Option<MappedPlace>,
    /// Quantities.
    pub values: Vec<MappedValue>,
    /// States.
    pub states: Vec<MappedState>,
    /// A reading counts only if all hold; else the message is taken without an item.
    pub when: Vec<MappedCondition>,
    /// Where it holds, the device marks its own values as faulty.
    pub fault: Option<MappedCondition>,
    /// Whether a retained message is read. Default: only if the mapping has a time, an id or a sequence, for without
    /// them a replay cannot be told from a new event.
    pub retained: bool,
    /// Its own tests.
    pub tests: Vec<MappingTest>,
}

/// Where a reading's time stands and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedTime {
    /// Where.
    pub path: Path,
    /// How.
    pub format: TimeFormat,
    /// The IANA zone of a stamp without one; none: the stream's, else the profile's.
    pub zone: Option<String>,
    /// Whether the arrival stands in where the path leads nowhere; else the message is refused.
    pub optional: bool,
}

/// The forms of a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// RFC 3339 with offset, up to nanoseconds.
    Rfc3339,
    /// Seconds since 1970, with decimals, as number or text.
    EpochSeconds,
    /// Milliseconds since 1970, as number or text.
    EpochMilliseconds,
    /// ISO 8601 without a zone: `2026-11-21T07:00:00.5`, or with a blank between date and time.
    Local,
    /// A pattern of `strptime`, `%d/%m/%Y %H:%M:%S`.
    Pattern(String),
}

/// A quantity of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct MappedValue {
    /// The quantity's name in the stream.
    pub name: String,
    /// Where it stands.
    pub path: Path,
    /// The unit it is sent in; none: the stream's.
    pub unit: Option<String>,
    /// Where the unit stands, if the sender names it.
    pub unit_path: Option<Path>,
    /// What the number is multiplied with first.
    pub factor: Option<Decimal>,
    /// What is meant where the path leads nowhere.
    pub absent: Absent,
    /// What is meant by `null` and by an empty text.
    pub null: Absent,
    /// Numbers and texts that mean: no value.
    pub sentinels: Vec<String>,
    /// Whether a comma stands for the decimal point in texts.
    pub decimal_comma: bool,
}

/// What a missing value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The sender has no value: an item without one.
    Missing,
    /// Zero, as in the JSON form of proto3, which leaves out what is 0.
    Zero,
    /// Nothing was said: no item.
    Skip,
}

/// A state of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedState {
    /// The state's name in the stream.
    pub name: String,
    /// Where it stands.
    pub path: Path,
    /// From the sender's words to the stream's; a word that is not listed is taken as it is.
    pub words: BTreeMap<String, String>,
    /// What is meant where the path leads nowhere; none: no item.
    pub absent: Option<String>,
}

/// Where a reading's place stands in the payload.
#[derive(Clone, Debug, PartialEq)]
pub struct MappedPlace {
    /// Longitude in degrees, or with a zone the easting in metres.
    pub east: Path,
    /// Latitude in degrees, or with a zone the northing in metres.
    pub north: Path,
    /// The zone of plane coordinates of VN-2000; none: WGS 84.
    pub zone: Option<Vn2000Zone>,
}

/// A zone of plane coordinates of VN-2000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vn2000Zone {
    /// The central meridian in units of 10⁻⁴ degrees east.
    pub meridian_e4: i32,
    /// 3 or 6 degrees.
    pub width_degrees: u8,
}

/// Whether a place in the payload holds (or does not hold) one of some texts, numbers or truths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedCondition {
    /// Where.
    pub path: Path,
    /// One of these, as text.
    pub words: Vec<String>,
    /// Whether it must be none of them; then an absent value will do.
    pub none_of: bool,
}

/// A test a mapping carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingTest {
    /// What it shows.
    pub name: String,
    /// The payload, as sent.
    pub payload: String,
    /// The topic it comes by: then it is routed, and split as its route says. None: it is one message.
    pub topic: Option<String>,
    /// Whether it comes as a retained message.
    pub retained: bool,
    /// What must come out.
    pub expect: Expected,
    /// `file:line` where it stands.
    pub at: String,
}

/// What a mapping's test expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// One line per item: `at TIME name=value unit`; none: the message is taken without an item.
    Items(String),
    /// A rejection for this reason.
    Rejection(RejectionReason),
}
