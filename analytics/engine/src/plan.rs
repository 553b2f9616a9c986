//! A profile compiled for speed: streams, names and definitions by number, and which definitions a name drives.

mod compile;
mod places;

use nhip_profile::{Identity, LastRollup};
use nhip_proto::{AreaCode, IndicatorId};

use crate::calendar::Calendar;

pub(crate) use compile::{Compiler, Retired, zone_of};
pub(crate) use places::{OTHER, Split, find_group, source_place};

/// No parent, no stream.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// Everything the hot path looks up. Rebuilt from profile texts, never part of a snapshot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Streams sorted by id.
    pub(crate) streams: Vec<StreamPlan>,
    /// Active definitions in indicator order, then retired ones.
    pub(crate) definitions: Vec<Definition>,
    /// One of each kind of window.
    pub(crate) calendars: Vec<Calendar>,
    /// By place: the code of its area.
    pub(crate) codes: Vec<AreaCode>,
    /// By place: its group; empty: the area as a whole.
    pub(crate) groups: Vec<String>,
    /// By place: the area it lies in.
    pub(crate) homes: Vec<u32>,
    /// By place: what happens there counts for these; itself among them, areas before groups.
    pub(crate) chains: Vec<Vec<u32>>,
    /// Every area has a number below; places of groups mostly lie beyond.
    pub(crate) areas: usize,
    /// Domain ids and the streams their indicators read.
    pub(crate) domains: Vec<(String, Vec<u32>)>,
}

/// One stream.
#[derive(Clone, Debug)]
pub(crate) struct StreamPlan {
    pub(crate) id: String,
    pub(crate) identity: Identity,
    pub(crate) cadence: i64,
    pub(crate) disorder: i64,
    pub(crate) horizon: i64,
    pub(crate) staleness: i64,
    pub(crate) skew: i64,
    /// Quantities and states sorted by name.
    pub(crate) names: Vec<NamePlan>,
    /// Samples of states kept for time in state.
    pub(crate) series: Vec<SeriesPlan>,
    /// Definitions that read this stream.
    pub(crate) definitions: Vec<u32>,
}

/// One declared name of a stream.
#[derive(Clone, Debug)]
pub(crate) struct NamePlan {
    pub(crate) text: String,
    pub(crate) word: u32,
    pub(crate) kind: NameKind,
    /// What an item of this name moves.
    pub(crate) drives: Vec<Drive>,
    /// Series (of the stream) that sample this name.
    pub(crate) series: Vec<u32>,
}

/// A number or a state.
#[derive(Clone, Debug)]
pub(crate) enum NameKind {
    /// Kept in `unit` at `scale`; senders mean `default` where they name no unit.
    Quantity { unit: String, default: String, scale: u8, range: (i128, i128) },
    /// State texts and their word numbers; the word of `offline` if it is one of them.
    State { states: Vec<(String, u32)>, offline: Option<u32> },
}

/// One definition moved by items of one name.
#[derive(Clone, Debug)]
pub(crate) struct Drive {
    pub(crate) definition: u32,
    /// The definition's place in its stream's list.
    pub(crate) slot: u32,
    /// Added above.
    pub(crate) numerator: Option<Amount>,
    /// Added below; a driver with this part counts as one reading of the figure.
    pub(crate) denominator: Option<Amount>,
}

/// How much an item adds.
#[derive(Clone, Debug)]
pub(crate) enum Amount {
    /// Its value.
    Value,
    /// One, if the conditions hold in its reading.
    One(Vec<Condition>),
    /// Its value times the value of another name of the same reading.
    Times(u32),
}

/// A condition on another item of the same reading, by name number within the stream.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) name: u32,
    pub(crate) test: Test,
}

/// What must hold.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// One of these words.
    OneOf(Vec<u32>),
    /// At the quantity's scale, both ends included.
    Between(i128, i128),
    /// The stream has no such name any more.
    Never,
}

/// The samples one or more definitions stand on that look from one sample to the next.
#[derive(Clone, Debug)]
pub(crate) struct SeriesPlan {
    pub(crate) key: SeriesKey,
    pub(crate) filter: Vec<Condition>,
    /// Only samples of one group: the definition split by a state, and which of its words.
    pub(crate) group: Option<(u32, u32)>,
    pub(crate) members: Vec<Member>,
}

/// What a series of a source is kept under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeriesKey {
    /// The name's word.
    pub(crate) name: u32,
    /// Where a filter or a group chooses the samples, the definition hash; else zeros.
    pub(crate) hash: [u8; 16],
    /// The group's word; [`NOWHERE`]: all samples.
    pub(crate) group: u32,
}

/// A definition that stands on a series.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) definition: u32,
    pub(crate) reads: Reads,
}

/// What a definition makes of a series.
#[derive(Clone, Debug)]
pub(crate) enum Reads {
    /// The time in these words.
    Held(Vec<u32>),
}

/// One definition version of one indicator.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) indicator: IndicatorId,
    pub(crate) hash: [u8; 16],
    pub(crate) period: String,
    pub(crate) stream: u32,
    pub(crate) calendar: u32,
    /// How many windows an instant lies in, and the span from one start to the next where it is more than one.
    pub(crate) hops: (i64, i64),
    pub(crate) kind: Kind,
    pub(crate) filter: Vec<Condition>,
    /// Groups beside the whole of the area.
    pub(crate) split: Split,
    /// Only windows starting here or later.
    pub(crate) from: Option<i64>,
    /// Only windows starting before; the definition is retired.
    pub(crate) to: Option<i64>,
    /// Digits behind the point of numerator and denominator.
    pub(crate) scales: (u8, u8),
    /// 100 for percent, else 1.
    pub(crate) factor: i128,
    /// Digits behind the point shown.
    pub(crate) scale: u8,
    pub(crate) limits: Vec<Limit>,
    pub(crate) domain: String,
    /// What a window's end waits for before it is forgotten.
    pub(crate) horizon: i64,
}

/// How accumulated amounts become a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Count,
    Sum,
    Mean,
    Min,
    Max,
    Last(LastRollup),
    Ratio,
    InState,
}

/// A dated limit.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) limit: i128,
    pub(crate) below: bool,
    pub(crate) dead_band: i128,
    pub(crate) valid: nhip_profile::Validity,
}

impl Plan {
    /// The stream's number by its id.
    pub(crate) fn stream(&self, id: &str) -> Option<u32> {
        self.streams.binary_search_by(|stream| stream.id.as_str().cmp(id)).ok().map(|at| at as u32)
    }

    pub(crate) fn definition(&self, number: u32) -> Option<&Definition> {
        self.definitions.get(number as usize)
    }

    /// The places a place counts for: itself, the areas around it, and its group in them.
    pub(crate) fn chain(&self, place: u32) -> &[u32] {
        self.chains.get(place as usize).map_or(&[], |chain| chain)
    }
}

impl Definition {
    /// Whether windows with this start are this definition's.
    pub(crate) fn covers(&self, start: i64) -> bool {
        self.from.is_none_or(|from| start >= from) && self.to.is_none_or(|to| start < to)
    }

    /// The limit in force on the civil day a window starts.
    pub(crate) fn limit_on(&self, calendar: &Calendar, start: i64) -> Option<&Limit> {
        if self.limits.is_empty() {
            return None;
        }
        let date = calendar.date(start);
        self.limits.iter().find(|limit| limit.valid.holds_on(date))
    }
}
