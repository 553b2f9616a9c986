//! A profile compiled for speed: streams, names and definitions by number, and which definitions a name drives.

mod compile;
mod places;

use std::sync::Arc;

use nhip_profile::{BadgeRules, Identity, LastRollup, Severity, Validity};
use nhip_proto::{AreaCode, IndicatorId};

use crate::amend::Pin;
use crate::badge::expected_readings;
use crate::calculator::{Exact, leq};
use crate::calendar::Calendar;
use crate::cases::CasePlan;
use crate::cell::{Amounts, Cell};
use crate::derive::{Agreement, Derivations, Overflow, Stage};
use crate::duty::Answerable;
use crate::level::{Bounds, Limit, in_force};
use crate::reading::Value;
use crate::reports::DeadlinePlan;
use crate::statistic::StatisticPlan;
use crate::sub_plan::SubPlan;
use crate::table::Words;

pub(crate) use compile::{Compiler, Retired, zone_of};
pub(crate) use places::{OTHER, Split, find_group, source_place};

/// No parent, no stream.
pub(crate) const NOWHERE: u32 = u32::MAX;
/// Digits behind the point of a level other figures read.
const LEVEL_SCALE: u8 = 6;

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
    /// By area: it, those around it and those inside it.
    pub(crate) reaches: Vec<Vec<u32>>,
    /// By area: on which days it is one.
    pub(crate) valid: Vec<Validity>,
    /// By place: windows that start here or later are of an area that had ended, and are not kept.
    pub(crate) ends: Vec<i64>,
    /// By place: when an area began that others went over to whole; else the beginning of time.
    pub(crate) begins: Vec<i64>,
    /// Every area has a number below; places of groups mostly lie beyond.
    pub(crate) areas: usize,
    /// Domain ids and the streams their indicators read.
    pub(crate) domains: Vec<(String, Vec<u32>)>,
    /// What follows from what.
    pub(crate) derived: Derivations,
    /// Who answers for sources.
    pub(crate) answerable: Answerable,
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
    /// The formulas of its badge, as far as they can be told for it.
    pub(crate) rules: BadgeRules,
    /// By when its sources owe a report.
    pub(crate) deadline: Option<DeadlinePlan>,
    pub(crate) skew: i64,
    /// Quantities, states and things sorted by name.
    pub(crate) names: Vec<NamePlan>,
    /// What says in which area a reading counts; none: its source does.
    pub(crate) place: Option<PlaceBy>,
    /// What its readings tell of cases, by edition of the rules.
    pub(crate) cases: Vec<CasePlan>,
    /// Its readings are figures of which the latest revision stands.
    pub(crate) statistic: Option<StatisticPlan>,
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
    /// The id of a thing.
    Thing,
}

/// The state that says in which area a reading counts.
#[derive(Clone, Debug)]
pub(crate) struct PlaceBy {
    /// Its place among the names of the stream.
    name: u32,
    /// Its words and the areas they are codes of, sorted by word.
    areas: Vec<(u32, u32)>,
}

impl PlaceBy {
    /// By the name of the state.
    fn new(name: &str, names: &[NamePlan], codes: &Words) -> Option<Self> {
        let at = names.iter().position(|known| known.text == name)?;
        let NameKind::State { states, .. } = &names.get(at)?.kind else { return None };
        let found = states.iter().filter_map(|(code, word)| Some((*word, codes.get(code)?)));
        let mut areas: Vec<(u32, u32)> = found.collect();
        areas.sort_unstable();
        Some(Self { name: at as u32, areas })
    }

    /// The area a reading names; none: it names none.
    pub(crate) fn area(&self, values: &[Option<Value>]) -> Option<u32> {
        let Some(Some(Value::State(word))) = values.get(self.name as usize) else { return None };
        let at = self.areas.binary_search_by(|(known, _)| known.cmp(word)).ok()?;
        self.areas.get(at).map(|(_, area)| *area)
    }
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
    /// Its value; of a state the number of its word.
    Value,
    /// One, if the conditions hold in its reading.
    One(Vec<Condition>),
    /// Its value times the value of another name of the same reading.
    Times(u32),
    /// The value of another name of the same reading.
    Beside(u32),
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
    /// How often one of these words begins.
    Onsets(Vec<u32>),
    /// By how much a counter grew, and in what time; a step above the most is none.
    Steps(Option<i128>),
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
    /// Where its windows are dated periods: their starts and ends. What lies between is nobody's.
    pub(crate) dated: Option<Arc<[(i64, i64)]>>,
    /// Only windows starting here or later.
    pub(crate) from: Option<i64>,
    /// Only windows starting before; the definition is retired.
    pub(crate) to: Option<i64>,
    /// Window starts a Restate gave to the active definition.
    pub(crate) restated: Vec<(i64, i64)>,
    /// Digits behind the point of numerator and denominator.
    pub(crate) scales: (u8, u8),
    /// 100 for percent, else 1.
    pub(crate) factor: i128,
    /// Digits behind the point shown.
    pub(crate) scale: u8,
    pub(crate) limits: Vec<Limit>,
    pub(crate) domain: String,
    /// By when the sources of its stream owe reports, if its đủ counts them.
    pub(crate) reports: Option<DeadlinePlan>,
    /// How long after its end a window may change.
    pub(crate) horizon: i64,
    /// How long after its end it is forgotten: the horizon, or longer for those that look back at it.
    pub(crate) keep: i64,
    /// Of what a closed window needs to have a value.
    pub(crate) readings_min: Option<Completeness>,
    /// The figure it is checked against.
    pub(crate) agreement: Option<Agreement>,
    /// Whether it has figures only at the places its readings speak of.
    pub(crate) own_area: bool,
    /// Whether a pruned run leaves it out: it decides what is late as ever, and has no windows.
    pub(crate) left_out: bool,
}

/// How many readings a closed window needs to have a value.
#[derive(Clone, Debug)]
pub(crate) struct Completeness {
    /// In ten-thousandths of those expected.
    pub(crate) share: u32,
    /// By place: readings expected per 10^18 ns.
    pub(crate) rates: Vec<u64>,
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
    First(LastRollup),
    Ratio,
    InState,
    /// How many cases stand so.
    Stock,
    Derived,
    /// The growth of a counter.
    Delta,
    /// The same over the time it took.
    Rate,
    Onsets,
    /// The share of values below, as a fraction.
    Percentile(u64, u64),
    /// Different values.
    Distinct,
    /// Different ids of senders.
    Ids,
    /// Different sources.
    Sources,
    /// The level of the mean energy.
    Leq,
    /// `Σ weight ÷ Σ (weight ÷ value)`.
    Harmonic,
}

impl Plan {
    /// The stream's number by its id.
    pub(crate) fn stream(&self, id: &str) -> Option<u32> {
        self.streams.binary_search_by(|stream| stream.id.as_str().cmp(id)).ok().map(|at| at as u32)
    }

    /// Gives restated windows to the definitions now active.
    pub(crate) fn pin(&mut self, pins: &[Pin]) {
        for definition in &mut self.definitions {
            let own = pins.iter().filter(|pin| pin.indicator == definition.indicator);
            definition.restated = own.map(|pin| (pin.from, pin.to)).collect();
        }
    }

    /// Leaves out the definitions a sub-plan does not need.
    pub(crate) fn prune(&mut self, sub_plan: &SubPlan) {
        for definition in &mut self.definitions {
            definition.left_out = !sub_plan.has(&definition.indicator);
        }
    }

    /// Whether a definition is worked out in this run.
    pub(crate) fn works(&self, number: u32) -> bool {
        self.definition(number).is_some_and(|definition| !definition.left_out)
    }

    /// Whether a definition has figures at a place at all.
    pub(crate) fn has_figure(&self, number: u32, place: u32) -> bool {
        let derivation = self.derived.of(number);
        derivation.is_none_or(|known| self.derived.stage(self, known, place) != Stage::Nowhere)
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
        if !self.has_window(start) {
            return false;
        }
        if !self.restated.is_empty() && self.is_restated(start) {
            return self.to.is_none();
        }
        self.from.is_none_or(|from| start >= from) && self.to.is_none_or(|to| start < to)
    }

    /// Whether a window starts there at all: always, but between dated periods.
    pub(crate) fn has_window(&self, start: i64) -> bool {
        let starts = |spans: &Arc<[(i64, i64)]>| spans.binary_search_by(|span| span.0.cmp(&start)).is_ok();
        self.dated.as_ref().is_none_or(starts)
    }

    /// Whether a Restate computed the window: what is held over time changes it no more.
    pub(crate) fn is_restated(&self, start: i64) -> bool {
        self.restated.iter().any(|(from, to)| (*from..*to).contains(&start))
    }

    /// The warning and the limit in force at a place on the civil day a window starts.
    pub(crate) fn bounds_on(&self, calendar: &Calendar, start: i64, place: (&AreaCode, &str)) -> Bounds<'_> {
        if self.limits.is_empty() {
            return Bounds::default();
        }
        let date = calendar.date(start);
        let find = |severity| in_force(&self.limits, severity, date, place);
        Bounds { warning: find(Severity::Warning), critical: find(Severity::Critical) }
    }

    /// What a window amounts to; a closed one with too few readings has no value.
    pub(crate) fn amounts(&self, cell: &Cell, place: u32, closed: bool) -> Amounts {
        let mut amounts = cell.amounts(self, closed);
        if closed && self.readings_min.as_ref().is_some_and(|least| !least.is_met(cell, place)) {
            amounts.value = None;
        }
        amounts
    }

    /// The value of a window, exactly (of a level: with six digits); none: missing.
    ///
    /// # Errors
    /// [`Overflow`] if a number is too large.
    pub(crate) fn exact(&self, amounts: &Amounts) -> Result<Option<Exact>, Overflow> {
        if amounts.value.is_none() {
            return Ok(None);
        }
        if self.kind == Kind::Leq {
            return Ok(level_of(amounts.above, amounts.below));
        }
        let (above, below) = self.parts(amounts.above, amounts.below).ok_or(Overflow)?;
        above.over(below)
    }

    /// What stands above, times the factor, and below, each in its own unit; none if a number is too large.
    pub(crate) fn parts(&self, above: i128, below: i128) -> Option<(Exact, Exact)> {
        let ten = |scale: u8| 10_i128.checked_pow(u32::from(scale));
        let up = Exact::reduced(above.checked_mul(self.factor)?, ten(self.scales.0)?)?;
        Some((up, Exact::reduced(below, ten(self.scales.1)?)?))
    }
}

/// The level of a mean energy, with more digits than are shown.
pub(crate) fn level_of(above: i128, below: i128) -> Option<Exact> {
    leq::level(above, below, LEVEL_SCALE).and_then(|level| Exact::of(level, LEVEL_SCALE))
}

impl Kind {
    /// Whether what stands above and below is added up, so that longer windows add it too.
    pub(crate) fn adds_up(self) -> bool {
        match self {
            Self::Count | Self::Sum | Self::Mean | Self::Ratio | Self::InState => true,
            Self::Delta | Self::Rate | Self::Onsets | Self::Leq | Self::Harmonic => true,
            Self::Min | Self::Max | Self::First(_) | Self::Last(_) | Self::Derived => false,
            Self::Percentile(..) | Self::Distinct | Self::Ids | Self::Sources | Self::Stock => false,
        }
    }
}

impl Completeness {
    fn is_met(&self, cell: &Cell, place: u32) -> bool {
        let rate = self.rates.get(place as usize).copied().unwrap_or(0);
        let expected = expected_readings(cell.end.saturating_sub(cell.start), rate);
        u128::from(cell.readings) * 10_000 >= u128::from(expected) * u128::from(self.share)
    }
}
