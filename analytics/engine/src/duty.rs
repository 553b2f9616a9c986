//! Who owes what since when: a function of the state at the last Tick. And which units answer on a day.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use nhip_profile::{Profile, SongFormula, Unit};
use nhip_proto::{ArrivalTime, Duty, DutyKind, EventTime};

use crate::badge::received_of;
use crate::engine::Engine;
use crate::plan::{NOWHERE, StreamPlan};
use crate::pulse::HOUR;
use crate::source::{Bound, Source, in_grace};

/// A source that sent less than this many of 100 readings due in the last hour owes the rest.
const COMPLETE_PERCENT: u64 = 80;

/// Who answers for sources: owners by number, and units with the chains they belong to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answerable {
    zone: Option<TimeZone>,
    /// Owners of sources and indicators as the profile names them, sorted.
    owners: Vec<String>,
    /// `unit:` and the id, sorted.
    keys: Vec<String>,
    profile_units: Vec<Unit>,
    /// By owner: the dates from which another unit answers for it, with that unit and those above it.
    spans: Vec<Vec<Span>>,
}

/// From a date on, these units answer: the unit itself, then those it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    from: Option<jiff::civil::Date>,
    units: Vec<u32>,
}

/// Which units answer on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OnDuty {
    by_owner: Vec<Vec<u32>>,
}

impl OnDuty {
    /// The units that answer for an owner's sources, the nearest first.
    pub(crate) fn of(&self, owner: u32) -> &[u32] {
        self.by_owner.get(owner as usize).map_or(&[], |units| units)
    }
}

impl Answerable {
    /// Owners and units of a profile.
    pub(crate) fn new(profile: &Profile, zone: &TimeZone) -> Self {
        let sources = profile.sources.values().map(|source| source.owner.clone());
        let indicators = profile.indicators.values().map(|indicator| indicator.owner.clone());
        let mut owners: Vec<String> = sources.chain(indicators).collect();
        owners.sort_unstable();
        owners.dedup();
        let keys = profile.units.keys().map(|id| format!("unit:{id}")).collect();
        let spans = owners.iter().map(|owner| spans(profile, owner)).collect();
        let profile_units = profile.units.values().cloned().collect();
        Self { zone: Some(zone.clone()), owners, keys, profile_units, spans }
    }

    /// An owner's number.
    pub(crate) fn number(&self, owner: &str) -> u32 {
        self.owners.binary_search_by(|known| known.as_str().cmp(owner)).map_or(NOWHERE, |at| at as u32)
    }

    /// How many units there are.
    pub(crate) fn units(&self) -> usize {
        self.keys.len()
    }

    /// The name of a unit's badge.
    pub(crate) fn key(&self, unit: u32) -> Option<&str> {
        self.keys.get(unit as usize).map(String::as_str)
    }

    /// The names of the units' badges, in unit order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str)
    }

    /// Which units answer on the civil day of an instant.
    pub(crate) fn on(&self, instant: i64) -> OnDuty {
        let stamp = Timestamp::from_nanosecond(i128::from(instant)).unwrap_or(Timestamp::UNIX_EPOCH);
        let date = self.zone.as_ref().map(|zone| zone.to_datetime(stamp).date());
        let on_day = |spans: &Vec<Span>| {
            let begun = |span: &&Span| span.from.is_none_or(|from| date.is_some_and(|date| from <= date));
            spans.iter().rev().find(begun).map_or_else(Vec::new, |span| span.units.clone())
        };
        OnDuty { by_owner: self.spans.iter().map(on_day).collect() }
    }

    /// The id of the unit that answers for an owner on the day; the owner's own text where there are no units.
    fn unit_of(&self, owner: u32, on_duty: &OnDuty) -> &str {
        let unit = on_duty.of(owner).first().and_then(|unit| self.profile_units.get(*unit as usize));
        let text = self.owners.get(owner as usize).map_or("", String::as_str);
        unit.map_or(text, |unit| unit.id.as_str())
    }
}

/// The owner's chain of successors with the date each one takes over.
fn spans(profile: &Profile, owner: &str) -> Vec<Span> {
    let number = |unit: &Unit| profile.units.keys().position(|id| id == &unit.id).map(|at| at as u32);
    let mut spans: Vec<Span> = Vec::new();
    let mut from = None;
    let mut next = profile.units.get(owner);
    // A checked profile has no circle; the bound ends one in a profile made by hand.
    while let Some(unit) = next.filter(|_| spans.len() <= profile.units.len()) {
        let units = profile.unit_chain(unit).into_iter().filter_map(number).collect();
        spans.push(Span { from, units });
        from = unit.valid.to;
        next = unit.successor.as_ref().filter(|_| from.is_some()).and_then(|id| profile.units.get(id));
    }
    spans
}

impl Engine {
    /// What is owed at the last Tick, by source and stream.
    #[must_use]
    pub fn duties(&self) -> Vec<Duty> {
        let Some((_, tick)) = self.tick else { return Vec::new() };
        let on_duty = self.plan.answerable.on(tick);
        let mut duties: Vec<Duty> = Vec::new();
        for source in self.all_sources() {
            let Some(bound) = source.bound.filter(|bound| bound.due) else { continue };
            let Some(stream) = self.plan.streams.get(bound.stream as usize) else { continue };
            let Some(mut duty) = owed(source, &bound, stream, (tick, self.gap)) else { continue };
            duty.unit = self.plan.answerable.unit_of(bound.owner, &on_duty).to_owned();
            duties.push(duty);
        }
        duties.sort_by(|left, right| (&left.source, &left.stream).cmp(&(&right.source, &right.stream)));
        duties
    }
}

/// The one thing a source owes: the report of a passed deadline, else any sign of life, else the rest of its hour.
fn owed(source: &Source, bound: &Bound, stream: &StreamPlan, now: (i64, Option<i64>)) -> Option<Duty> {
    let (tick, gap) = now;
    if let Some(deadline) = &stream.deadline {
        let owed = deadline.owed(&source.reports, source.since, tick)?;
        let counts = deadline.made_of_due(&source.reports, source.since, tick);
        let deadline = Some(owed.deadline);
        return Some(duty(source, DutyKind::LateReport, owed.deadline, deadline, counts));
    }
    if !source.live && stream.rules.song != SongFormula::None {
        // Who was never heard is given the limit from the moment the profile named it.
        let since = source.greatest.unwrap_or(source.since).saturating_add(stream.staleness);
        let judged = since <= tick && !in_grace(bound.cadence, tick, gap);
        return judged.then(|| duty(source, DutyKind::Silent, since, None, (0, 0)));
    }
    // What our own downtime cost is not owed by the sender.
    if gap.is_some_and(|gap| tick.saturating_sub(gap) <= HOUR) {
        return None;
    }
    let counts = received_of(source, bound, stream, tick);
    let short = counts.0.saturating_mul(100) < counts.1.saturating_mul(COMPLETE_PERCENT);
    let since = source.pulse.short_since(bound.cadence, tick, COMPLETE_PERCENT).max(source.since);
    short.then(|| duty(source, DutyKind::Incomplete, since, None, counts))
}

fn duty(
    source: &Source,
    kind: DutyKind,
    since: i64,
    deadline: Option<i64>,
    (received, expected): (u64, u64),
) -> Duty {
    Duty {
        source: source.id.clone(),
        stream: source.stream.clone(),
        unit: String::new(),
        kind,
        since: ArrivalTime(since),
        deadline: deadline.map(ArrivalTime),
        received,
        expected,
        last_heard: source.arrival.map(ArrivalTime),
        event_time: source.greatest.map(EventTime),
    }
}
