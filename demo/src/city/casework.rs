//! The simulated desks: field reports, opinions and dossiers live through their steps, each by the dice of its number.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use nhip_profile::{Profile, Stream};
use nhip_proto::{ArrivalTime, Decimal, EventTime, SECOND, SourceId, Span};

use super::dice::Dice;
use super::lives::{Life, Throws, dossier, opinion, report};
use crate::plan::{Body, Plan, PlannedKind, Step};
use crate::reading::{Measure, MeasureValue, Reading};
use crate::wire::{self, TimeForm};

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
/// No simulated life is longer.
const LIFE_MAX_S: i64 = 40 * DAY_S;
/// Readings in one message of the past.
const PAST_MAX: usize = 50;
/// How many of a hundred cases that could begin in an hour do.
const RHYTHM: [u64; 24] =
    [6, 4, 3, 3, 5, 14, 35, 75, 96, 98, 92, 70, 52, 78, 94, 96, 88, 66, 48, 40, 34, 26, 18, 10];

/// How the cases of a stream live, and how many seconds lie between two that could begin.
type Manner = (fn(&Throws<'_>) -> Life, i64);

/// One system that tells of the cases of the whole province.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    source: SourceId,
    stream: Stream,
    topic: String,
    zone: TimeZone,
    dice: Dice,
    gap_s: i64,
    live: fn(&Throws<'_>) -> Life,
    /// Communes with the sum of inhabitants up to each.
    communes: Vec<(u64, String)>,
    units: Vec<String>,
    backlog: Span,
    ahead: Ahead,
}

/// Steps of cases that have begun, in their order, from an instant on.
#[derive(Clone, Debug, Default)]
struct Ahead {
    from: Option<i64>,
    steps: BTreeMap<(i64, i64, usize), Vec<Measure>>,
}

impl Desk {
    /// The desk of a source; none if its stream tells of no cases this city knows.
    pub(super) fn new(profile: &Profile, stream: &Stream, source: &SourceId, seed: u64) -> Option<Self> {
        let (live, gap_s) = manner(stream)?;
        let mut sum = 0;
        let inside = profile.areas.values().filter(|area| area.parent.is_some() && area.valid.to.is_none());
        let communes = inside.map(|area| {
            sum += area.population.unwrap_or(10_000).max(1);
            (sum, area.code.as_str().to_owned())
        });
        Some(Self {
            communes: communes.collect(),
            units: profile.units.keys().cloned().collect(),
            topic: wire::native_topic(&profile.id, stream.id.as_str(), source.as_str(), false),
            zone: TimeZone::get(&profile.zone).unwrap_or(TimeZone::UTC),
            dice: Dice::of(seed, source.as_str()),
            source: source.clone(),
            stream: stream.clone(),
            gap_s,
            live,
            backlog: 0,
            ahead: Ahead::default(),
        })
    }

    /// The same desk with a past.
    pub(super) fn with_past(&self, backlog: Span) -> Self {
        Self { backlog, ..self.clone() }
    }

    /// The steps of the cases that begin at `from_s ≤ begin < to_s`.
    fn begin(&self, from_s: i64, to_s: i64, steps: &mut BTreeMap<(i64, i64, usize), Vec<Measure>>) {
        for number in (from_s - 1).div_euclid(self.gap_s)..=(to_s - 1).div_euclid(self.gap_s) {
            let begin = number * self.gap_s + self.dice.throw(number, 0, self.gap_s.unsigned_abs()) as i64;
            if !(from_s..to_s).contains(&begin) || !self.happens(number, begin) {
                continue;
            }
            for (at, (after_s, measures)) in self.life(number, begin).into_iter().enumerate() {
                steps.insert((begin + after_s, number, at), measures);
            }
        }
    }

    fn happens(&self, number: i64, begin_s: i64) -> bool {
        let hour = usize::try_from(self.civil(begin_s).hour()).unwrap_or(0);
        self.dice.throw(number, 1, 100) < RHYTHM.get(hour).copied().unwrap_or(0)
    }

    fn civil(&self, second: i64) -> jiff::civil::DateTime {
        self.zone.to_datetime(jiff::Timestamp::from_second(second).unwrap_or_default())
    }

    /// The readings of a case: seconds after its beginning, what is said.
    fn life(&self, number: i64, begin_s: i64) -> Vec<(i64, Vec<Measure>)> {
        let throws = Throws { dice: &self.dice, number };
        let civil = self.civil(begin_s);
        let name =
            format!("{}-{}-{:06}", self.stream.id, civil.strftime("%y%m%d"), number.rem_euclid(1_000_000));
        let life = (self.live)(&throws);
        let mut told: Vec<(i64, Vec<Measure>)> = Vec::new();
        for (at, (after_s, words)) in life.steps.into_iter().enumerate() {
            let mut measures = vec![Measure::state("case", &name)];
            measures.extend(words.iter().map(|(name, word)| Measure::state(name, word)));
            if at == 0 {
                measures.extend(self.first_words(&throws, &words));
                measures.extend(life.due_days.map(|days| self.due(civil, days)));
            }
            told.push((after_s, measures));
        }
        told
    }

    /// Where it is, who has it, and what kind of case it is where the life does not say.
    fn first_words(&self, throws: &Throws<'_>, told: &[(&'static str, &'static str)]) -> Vec<Measure> {
        let all = self.communes.last().map_or(1, |(sum, _)| *sum);
        let drawn = throws.dice.throw(throws.number, 2, all);
        let place = self.communes.partition_point(|(sum, _)| *sum <= drawn);
        let mut measures = Vec::new();
        for (at, (name, words)) in (0_u64..).zip(&self.stream.states) {
            let open = !told.iter().any(|(known, _)| known == name);
            match name.as_str() {
                "commune" => {
                    measures.extend(self.communes.get(place).map(|(_, code)| Measure::state(name, code)));
                }
                "unit" | "receiving" | "competent" => {
                    let unit = throws.dice.throw(throws.number, 8 + at, self.units.len().max(1) as u64);
                    measures.extend(self.units.get(unit as usize).map(|unit| Measure::state(name, unit)));
                }
                "service_code" | "severity" | "channel" | "kind" | "procedure" | "service" if open => {
                    let word = throws.dice.throw(throws.number, 8 + at, words.len().max(1) as u64);
                    measures.extend(words.get(word as usize).map(|word| Measure::state(name, word)));
                }
                _ => {}
            }
        }
        measures
    }

    /// The end of office hours so many days later.
    fn due(&self, civil: jiff::civil::DateTime, days: i64) -> Measure {
        let date = civil.date().checked_add(jiff::Span::new().days(days)).unwrap_or(civil.date());
        let due = self.zone.to_ambiguous_timestamp(date.at(17, 0, 0, 0)).compatible().unwrap_or_default();
        Measure::number("due", Decimal::new(i128::from(due.as_second()), 0))
    }

    fn reading(&self, (second, number, at): (i64, i64, usize), measures: Vec<Measure>) -> Reading {
        let id = measures.iter().find_map(|measure| match &measure.value {
            MeasureValue::State(name) if measure.name == "case" => Some(format!("{name}-{at}")),
            _ => None,
        });
        let id = id.or_else(|| Some(format!("{number}-{at}")));
        Reading { id, ..Reading::at(EventTime(second.saturating_mul(SECOND)), measures) }
    }

    fn message(&self, at: ArrivalTime, kind: PlannedKind, readings: &[Reading]) -> Step {
        Step {
            at,
            source: self.source.clone(),
            event: readings.iter().map(|reading| reading.time).max(),
            readings: u32::try_from(readings.len()).unwrap_or(u32::MAX),
            kind,
            body: Body::Message { topic: self.topic.clone(), payload: wire::json(readings, TimeForm::Hanoi) },
        }
    }
}

/// By the name of the thing and the states of a stream: which kind of life it tells of.
fn manner(stream: &Stream) -> Option<Manner> {
    let tells = |name: &str| stream.states.contains_key(name);
    if !stream.things.contains("case") || !tells("step") {
        return None;
    }
    Some(match (tells("service_code"), tells("procedure")) {
        (true, _) => (report, 110),
        (_, true) => (dossier, 110),
        _ => (opinion, 5_400),
    })
}

fn whole_s(at: ArrivalTime) -> i64 {
    at.0.saturating_add(SECOND - 1).div_euclid(SECOND)
}

impl Plan for Desk {
    fn name(&self) -> String {
        format!("{}-{}", self.stream.id, self.source)
    }

    fn backlog(&mut self, now: ArrivalTime) -> Vec<Step> {
        let (from, to) = (whole_s(now.plus(-self.backlog)), whole_s(now.plus(1)));
        let mut steps = BTreeMap::new();
        self.begin(from - LIFE_MAX_S, to, &mut steps);
        let past = steps.range((from, i64::MIN, 0)..(to, i64::MIN, 0));
        let readings: Vec<Reading> = past.map(|(key, said)| self.reading(*key, said.clone())).collect();
        readings.chunks(PAST_MAX).map(|part| self.message(now, PlannedKind::Backlog, part)).collect()
    }

    fn live(&mut self, from: ArrivalTime, to: ArrivalTime) -> Vec<Step> {
        let (from, to) = (whole_s(from), whole_s(to));
        let mut ahead = std::mem::take(&mut self.ahead);
        if ahead.from != Some(from) {
            ahead.steps.clear();
            self.begin(from - LIFE_MAX_S, from, &mut ahead.steps);
            ahead.steps = ahead.steps.split_off(&(from, i64::MIN, 0));
        }
        self.begin(from, to, &mut ahead.steps);
        let later = ahead.steps.split_off(&(to, i64::MIN, 0));
        let due = std::mem::replace(&mut ahead.steps, later);
        self.ahead = Ahead { from: Some(to), ..ahead };
        let told = due.into_iter().map(|(key, said)| {
            let at = ArrivalTime(key.0.saturating_mul(SECOND));
            self.message(at, PlannedKind::Regular, &[self.reading(key, said)])
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests;
