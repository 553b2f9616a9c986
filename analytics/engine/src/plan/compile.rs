//! From a checked profile to a plan.

mod over_cases;

use jiff::tz::TimeZone;
use nhip_profile::{Aggregate, DistinctOf, Filter, GroupBy, Indicator, Operand, Profile, Stream, Term};
use nhip_proto::ProfileText;

use super::{
    Amount, Completeness, Condition, Definition, Drive, Kind, Member, NOWHERE, NameKind, NamePlan, PlaceBy,
    Plan, Reads, SeriesKey, SeriesPlan, Split, StreamPlan, Test, places,
};
use crate::badge::rate_of;
use crate::calendar::Calendar;
use crate::derive::derive;
use crate::duty::Answerable;
use crate::level::Limit;
use crate::reports::{self, DeadlinePlan};
use crate::statistic::StatisticPlan;
use crate::table::Words;

/// A definition of an earlier profile whose windows are not forgotten yet.
#[derive(Clone, Debug)]
pub(crate) struct Retired<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) zone: TimeZone,
    pub(crate) indicator: &'a Indicator,
    pub(crate) from: Option<i64>,
    pub(crate) to: i64,
}

/// Compiles one profile; words and areas get numbers that stay.
pub(crate) struct Compiler<'a> {
    profile: &'a Profile,
    zone: TimeZone,
    words: &'a mut Words,
    plan: Plan,
}

/// The rules of the profile's zone out of its record; UTC if the record lacks them.
pub(crate) fn zone_of(profile: &Profile, text: &ProfileText) -> TimeZone {
    let rules = text.zones.iter().find(|zone| zone.name == profile.zone);
    rules.and_then(|zone| TimeZone::tzif(&zone.name, &zone.tzif).ok()).unwrap_or(TimeZone::UTC)
}

impl<'a> Compiler<'a> {
    pub(crate) fn new(profile: &'a Profile, text: &ProfileText, words: &'a mut Words) -> Self {
        Self { profile, zone: zone_of(profile, text), words, plan: Plan::default() }
    }

    /// The plan; `from` tells for each indicator since which window start its definition holds.
    pub(crate) fn compile(
        mut self,
        areas: &mut Words,
        from: impl Fn(&Indicator) -> Option<i64>,
        retired: &[Retired<'_>],
    ) -> Plan {
        self.places(areas, retired);
        for stream in self.profile.streams.values() {
            let plan = self.stream(stream, areas);
            self.plan.streams.push(plan);
        }
        let mut origins = Vec::new();
        for indicator in self.profile.indicators.values() {
            let zone = self.zone.clone();
            self.definition(self.profile, &zone, indicator, areas, (from(indicator), None));
            origins.push((self.profile, indicator));
        }
        for old in retired {
            self.definition(old.profile, &old.zone, old.indicator, areas, (old.from, Some(old.to)));
            origins.push((old.profile, old.indicator));
        }
        derive(&mut self.plan, &origins);
        self.domains();
        self.plan.answerable = Answerable::new(self.profile, &self.zone);
        self.plan
    }

    fn places(&mut self, areas: &mut Words, retired: &[Retired<'_>]) {
        places::name_areas(self.profile, areas);
        for indicator in self.profile.indicators.values() {
            places::name_groups(self.profile, indicator, areas);
        }
        for old in retired {
            places::name_groups(old.profile, old.indicator, areas);
        }
        self.plan.read_places(self.profile, &self.zone, areas);
        self.plan.read_reaches(self.profile);
    }

    fn stream(&mut self, stream: &Stream, areas: &Words) -> StreamPlan {
        let names = self.names(stream);
        StreamPlan {
            place: stream.place.as_ref().and_then(|name| PlaceBy::new(name, &names, areas)),
            statistic: stream.statistic.as_ref().map(|own| StatisticPlan::new(own, stream, &names)),
            id: stream.id.as_str().to_owned(),
            identity: stream.identity,
            cadence: stream.cadence.max(1),
            disorder: stream.disorder.max(0),
            horizon: stream.horizon.max(0),
            staleness: stream.staleness.max(1),
            rules: reports::rules_of(self.profile, stream),
            deadline: DeadlinePlan::of(self.profile, stream, &self.zone),
            skew: stream.skew.max(0),
            names,
            cases: Vec::new(),
            series: Vec::new(),
            definitions: Vec::new(),
        }
    }

    fn name(&mut self, text: &str, kind: NameKind) -> NamePlan {
        NamePlan {
            text: text.to_owned(),
            word: self.words.intern(text),
            kind,
            drives: Vec::new(),
            series: Vec::new(),
        }
    }

    fn definition(
        &mut self,
        profile: &Profile,
        zone: &TimeZone,
        indicator: &Indicator,
        areas: &Words,
        cut: (Option<i64>, Option<i64>),
    ) {
        let calendar = self.calendar(zone, indicator);
        let stream = self.plan.stream(indicator.stream.as_str()).unwrap_or(NOWHERE);
        let cases = self.enter_cases((profile, zone), indicator, stream);
        let limits = profile.thresholds.iter().filter(|threshold| threshold.indicator == indicator.id);
        let (kind, factor) = kind_of(&indicator.aggregate);
        let horizon = profile.streams.get(&indicator.stream).map_or(0, |stream| stream.horizon.max(0));
        let definition = Definition {
            indicator: indicator.id.clone(),
            hash: indicator.definition,
            period: indicator.window.period(),
            stream,
            calendar,
            hops: self.plan.calendars.get(calendar as usize).map_or((1, 0), Calendar::hops),
            kind,
            filter: self.conditions(stream, &indicator.filter),
            split: self.split(profile, stream, indicator, areas),
            dated: self.plan.calendars.get(calendar as usize).and_then(Calendar::dated),
            from: cut.0,
            to: cut.1,
            restated: Vec::new(),
            scales: indicator.aggregate.scales(profile),
            factor,
            scale: indicator.scale,
            limits: limits.map(Limit::from).collect(),
            domain: indicator.domain.clone(),
            horizon,
            keep: horizon,
            readings_min: self.completeness(profile, indicator, areas),
            agreement: None,
            own_area: indicator.own_area,
            left_out: false,
            reports: self.reports(stream),
        };
        // A quantity whose digits changed under a retired definition cannot be added to it any more.
        let same_digits = definition.scales == indicator.aggregate.scales(self.profile);
        self.plan.definitions.push(definition);
        let number = self.plan.definitions.len() as u32 - 1;
        if same_digits && stream != NOWHERE {
            self.drive(number, stream, indicator);
        }
        self.leave_cases(stream, cases);
    }

    fn split(&mut self, profile: &Profile, stream: u32, indicator: &Indicator, areas: &Words) -> Split {
        match &indicator.group {
            None => Split::Whole,
            Some(GroupBy::Source) => Split::Source,
            Some(GroupBy::State(state)) => {
                let name = (state.as_str(), self.name_number(stream, state));
                let stream = profile.names_of(indicator);
                places::state_split(&self.plan, areas, self.words, stream, name)
            }
        }
    }

    /// How many readings a closed window needs, from the sources the profile lists.
    fn completeness(&self, profile: &Profile, indicator: &Indicator, areas: &Words) -> Option<Completeness> {
        let share = indicator.readings_min?;
        let stream = profile.streams.get(&indicator.stream)?;
        let mut rates = vec![0_u64; self.plan.chains.len()];
        let due = |source: &&nhip_profile::Source| {
            source.stream == stream.id && source.state == nhip_profile::SourceState::Connected
        };
        for source in profile.sources.values().filter(due) {
            let area = source.area.as_str();
            let place = match indicator.group {
                Some(GroupBy::Source) => places::source_place(areas, area, source.id.as_str()),
                _ => areas.get(area),
            };
            let cadence = profile.cadence_of(&source.id, stream);
            for around in place.map_or(&[][..], |place| self.plan.chain(place)) {
                if let Some(rate) = rates.get_mut(*around as usize) {
                    *rate = rate.saturating_add(rate_of(cadence));
                }
            }
        }
        Some(Completeness { share, rates })
    }

    /// The deadline of a stream whose đủ counts reports.
    fn reports(&self, stream: u32) -> Option<DeadlinePlan> {
        let stream = self.plan.streams.get(stream as usize)?;
        stream.deadline.clone().filter(|_| stream.rules.du == nhip_profile::DuFormula::Reports)
    }

    fn calendar(&mut self, zone: &TimeZone, indicator: &Indicator) -> u32 {
        let known = self.plan.calendars.iter().position(|known| known.is(&indicator.window, zone));
        let at = known.unwrap_or_else(|| {
            self.plan.calendars.push(Calendar::new(indicator.window.clone(), zone.clone()));
            self.plan.calendars.len() - 1
        });
        at as u32
    }

    fn drive(&mut self, number: u32, stream: u32, indicator: &Indicator) {
        match &indicator.aggregate {
            Aggregate::Count(operand) => self.driver(stream, operand_name(operand), number, one(), one()),
            Aggregate::Sum(operand)
            | Aggregate::Mean(operand)
            | Aggregate::Min(operand)
            | Aggregate::Max(operand)
            | Aggregate::First(operand, _)
            | Aggregate::Last(operand, _) => self.value(stream, operand_name(operand), number),
            Aggregate::Percentile { quantity: name, .. }
            | Aggregate::Leq(name)
            | Aggregate::Distinct(DistinctOf::State(name) | DistinctOf::Quantity(name)) => {
                self.value(stream, name, number);
            }
            Aggregate::HarmonicMean { quantity, weight } => {
                let below = match weight {
                    None => one(),
                    Some(weight) => self.name_number(stream, weight).map(Amount::Beside),
                };
                self.driver(stream, quantity, number, Some(Amount::Value), below);
            }
            Aggregate::Distinct(DistinctOf::Id | DistinctOf::Source) => {
                let names = self.plan.streams.get(stream as usize).map_or(&[][..], |plan| &plan.names);
                let names: Vec<String> = names.iter().map(|name| name.text.clone()).collect();
                names.iter().for_each(|name| self.driver(stream, name, number, one(), one()));
            }
            Aggregate::Ratio { numerator, denominator, .. } => {
                let (above, below) = (self.amount(stream, numerator), self.amount(stream, denominator));
                if term_name(numerator) == term_name(denominator) {
                    self.driver(stream, term_name(numerator), number, above, below);
                } else {
                    self.driver(stream, term_name(numerator), number, above, None);
                    self.driver(stream, term_name(denominator), number, None, below);
                }
            }
            Aggregate::TimeInState { state, states, .. } => {
                let reads = Reads::Held(self.words_of(states));
                self.series(stream, state, &reads, number, indicator);
            }
            Aggregate::Onsets { state, states } => {
                let reads = Reads::Onsets(self.words_of(states));
                self.series(stream, state, &reads, number, indicator);
            }
            Aggregate::Delta { counter, step_max } | Aggregate::Rate { counter, step_max, .. } => {
                self.series(stream, counter, &Reads::Steps(*step_max), number, indicator);
            }
            // Cases stand as they do; no name moves them.
            Aggregate::Stock(_) => self.driver(stream, "", number, None, None),
            Aggregate::Derived(_) => {}
        }
    }

    fn words_of(&mut self, states: &[String]) -> Vec<u32> {
        states.iter().map(|state| self.words.intern(state)).collect()
    }

    fn value(&mut self, stream: u32, name: &str, definition: u32) {
        self.driver(stream, name, definition, Some(Amount::Value), one());
    }

    fn driver(
        &mut self,
        stream: u32,
        name: &str,
        definition: u32,
        numerator: Option<Amount>,
        denominator: Option<Amount>,
    ) {
        let Some(plan) = self.plan.streams.get_mut(stream as usize) else { return };
        let slot = plan.definitions.iter().position(|known| *known == definition).unwrap_or_else(|| {
            plan.definitions.push(definition);
            plan.definitions.len() - 1
        });
        if let Some(name) = plan.names.iter_mut().find(|known| known.text == name) {
            name.drives.push(Drive { definition, slot: slot as u32, numerator, denominator });
        }
    }

    fn amount(&mut self, stream: u32, term: &Term) -> Option<Amount> {
        Some(match term {
            Term::Sum(_) => Amount::Value,
            Term::SumOfProducts(_, other) => Amount::Times(self.name_number(stream, other)?),
            Term::Count(_, filter) => Amount::One(self.conditions(stream, filter)),
        })
    }

    /// A definition's series of one name: one, or one of each group where it is split by a state.
    fn series(&mut self, stream: u32, name: &str, reads: &Reads, definition: u32, indicator: &Indicator) {
        let filter = self.conditions(stream, &indicator.filter);
        let split = self.plan.definition(definition).map(|known| known.split.clone()).unwrap_or_default();
        let chosen = !filter.is_empty() || matches!(split, Split::State(_));
        let hash = if chosen { indicator.definition } else { [0; 16] };
        let name_word = self.words.intern(name);
        let groups: Vec<(u32, Option<(u32, u32)>)> = match &split {
            Split::State(split) => {
                (0..).zip(&split.words).map(|(slot, word)| (*word, Some((definition, slot)))).collect()
            }
            Split::Whole | Split::Source => vec![(NOWHERE, None)],
        };
        let Some(plan) = self.plan.streams.get_mut(stream as usize) else { return };
        plan.definitions.push(definition);
        for (word, group) in groups {
            let key = SeriesKey { name: name_word, hash, group: word };
            let at = plan.series.iter().position(|series| series.key == key).unwrap_or_else(|| {
                plan.series.push(SeriesPlan { key, filter: filter.clone(), group, members: Vec::new() });
                plan.series.len() - 1
            });
            if let Some(series) = plan.series.get_mut(at) {
                series.members.push(Member { definition, reads: reads.clone() });
            }
            if let Some(name) = plan.names.iter_mut().find(|known| known.text == name)
                && !name.series.contains(&(at as u32))
            {
                name.series.push(at as u32);
            }
        }
    }

    fn conditions(&mut self, stream: u32, filters: &[Filter]) -> Vec<Condition> {
        filters.iter().map(|filter| self.condition(stream, filter)).collect()
    }

    fn condition(&mut self, stream: u32, filter: &Filter) -> Condition {
        let (name, test) = match filter {
            Filter::StateIn(name, states) => {
                (name, Test::OneOf(states.iter().map(|state| self.words.intern(state)).collect()))
            }
            Filter::Between(name, low, high) => (name, Test::Between(*low, *high)),
        };
        match self.name_number(stream, name) {
            Some(name) => Condition { name, test },
            None => Condition { name: 0, test: Test::Never },
        }
    }

    fn name_number(&self, stream: u32, name: &str) -> Option<u32> {
        let stream = self.plan.streams.get(stream as usize)?;
        stream.names.iter().position(|known| known.text == name).map(|at| at as u32)
    }

    fn domains(&mut self) {
        for domain in &self.profile.domains {
            let mut streams: Vec<u32> = self
                .plan
                .definitions
                .iter()
                .filter(|definition| definition.to.is_none() && definition.domain == domain.id)
                .map(|definition| definition.stream)
                .collect();
            streams.sort_unstable();
            streams.dedup();
            self.plan.domains.push((domain.id.clone(), streams));
        }
    }
}

fn one() -> Option<Amount> {
    Some(Amount::One(Vec::new()))
}

fn kind_of(aggregate: &Aggregate) -> (Kind, i128) {
    match aggregate {
        Aggregate::Count(_) => (Kind::Count, 1),
        Aggregate::Sum(_) => (Kind::Sum, 1),
        Aggregate::Mean(_) => (Kind::Mean, 1),
        Aggregate::Min(_) => (Kind::Min, 1),
        Aggregate::Max(_) => (Kind::Max, 1),
        Aggregate::Last(_, rollup) => (Kind::Last(*rollup), 1),
        Aggregate::Ratio { factor, .. } => (Kind::Ratio, i128::from(*factor)),
        Aggregate::TimeInState { factor, .. } => (Kind::InState, i128::from(*factor)),
        Aggregate::First(_, rollup) => (Kind::First(*rollup), 1),
        Aggregate::Delta { .. } => (Kind::Delta, 1),
        Aggregate::Rate { per, .. } => (Kind::Rate, i128::from(*per)),
        Aggregate::Percentile { percent, .. } => {
            let below = 100 * 10_u64.pow(u32::from(percent.scale.min(9)));
            (Kind::Percentile(u64::try_from(percent.mantissa).unwrap_or(0).min(below), below), 1)
        }
        Aggregate::Distinct(DistinctOf::Id) => (Kind::Ids, 1),
        Aggregate::Distinct(DistinctOf::Source) => (Kind::Sources, 1),
        Aggregate::Distinct(_) => (Kind::Distinct, 1),
        Aggregate::Leq(_) => (Kind::Leq, 1),
        Aggregate::HarmonicMean { .. } => (Kind::Harmonic, 1),
        Aggregate::Onsets { .. } => (Kind::Onsets, 1),
        Aggregate::Stock(_) => (Kind::Stock, 1),
        Aggregate::Derived(_) => (Kind::Derived, 1),
    }
}

fn operand_name(operand: &Operand) -> &str {
    match operand {
        Operand::Quantity(name) | Operand::State(name) => name,
    }
}

fn term_name(term: &Term) -> &str {
    match term {
        Term::Sum(name) | Term::SumOfProducts(name, _) => name,
        Term::Count(operand, _) => operand_name(operand),
    }
}
