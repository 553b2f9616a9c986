//! Streams, the routes that lead to them, and the sources that send.

use std::collections::{BTreeMap, BTreeSet};

use nhip_proto::{AreaCode, Place, SourceId, Span, StreamId};

use super::{Class, Deadline, Label, SourceState};
use crate::Path;

/// How items of one kind behave in time.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// Its id.
    pub id: StreamId,
    /// On screens.
    pub label: Label,
    /// Which formulas its badge has.
    pub class: Class,
    /// By when its sources owe a report each due day; none: they send by their cadence.
    pub deadline: Option<Deadline>,
    /// The key class of its sealed part.
    pub key_class: String,
    /// The IANA zone of stamps that name none; none: the profile's.
    pub zone: Option<String>,
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
    /// Names of ids of things it carries (the number of a case), in the clear but not enumerated.
    pub things: BTreeSet<String>,
    /// The state that says in which area a reading counts, its words being codes of areas; none: the source's area.
    pub place: Option<String>,
    /// Its readings are figures of periods, which later ones take the place of; none: each reading counts.
    pub statistic: Option<Statistic>,
}

/// What tells the figures of a statistic apart, and which of several of the same thing stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistic {
    /// States that tell figures of one period and place apart: sector, span, price basis.
    pub dimensions: Vec<String>,
    /// The state that says how far the figure has come (ước, sơ bộ, chính thức): a later word stands before an earlier.
    pub phase: Option<String>,
    /// The quantity that numbers the revisions of a phase; the greater stands.
    pub revision: Option<String>,
    /// The state that says whether the figure is out (`yes`) or internal (`no`): kept, and in no figure.
    pub released: Option<String>,
}

/// Bytes of an id of a thing at most.
pub const THING_BYTES_MAX: usize = 64;

impl Stream {
    /// Whether a name carries words: a state, or the id of a thing.
    #[must_use]
    pub fn has_words(&self, name: &str) -> bool {
        self.states.contains_key(name) || self.things.contains(name)
    }

    /// Whether a word may stand in the clear under a name.
    #[must_use]
    pub fn lists(&self, name: &str, word: &str) -> bool {
        match self.states.get(name) {
            Some(words) => words.iter().any(|one| one == word),
            None => self.things.contains(name) && is_thing(word),
        }
    }
}

/// Whether a text may be the id of a thing: 1 to [`THING_BYTES_MAX`] letters of ASCII, digits and `- _ . / :`, so that
/// no sentence of a person gets into the clear under its name.
fn is_thing(word: &str) -> bool {
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte);
    (1..=THING_BYTES_MAX).contains(&word.len()) && word.bytes().all(sign)
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
    /// The source id, with `{0}`, `{1}` … for topic levels (0 is the first) and `{payload:/pointer}` for a text
    /// or number of the payload (of the element, where `each` splits it).
    pub source: String,
    /// The array in the payload of which every element is a message of its own.
    pub each: Option<Path>,
    /// The mapping of the dialect `json-map`.
    pub mapping: Option<String>,
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
    /// Whether it really sends; only a connected source is due.
    pub state: SourceState,
    /// A free grouping of its own, or empty.
    pub group: String,
    /// Where it stands.
    pub position: Option<Place>,
}
