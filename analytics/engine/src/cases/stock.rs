//! Stocks: how many cases stand so at the end of a window. Ticks tell open windows how it stands now; which Ticks there
//! were changes no closed window.

use nhip_profile::OverCases;
use nhip_proto::{MINUTE, Span};

use super::contribution::{Contribution, Reading, place_of, tell};
use super::timeline::{Facts, timeline};
use super::{Case, CasePlan, Cases, Event, HEARD_MAX};
use crate::admit::Frame;
use crate::calendar::Calendar;
use crate::measure::Measured;
use crate::plan::{Definition, Plan, Split, StreamPlan};
use crate::reading::{Value, holds};
use crate::source::{Bound, Source};
use crate::touch::{Change, Touch};

/// Windows looked at in one go at most: four years of hours.
const WINDOWS_MAX: usize = 35_064;
const DAY: Span = 24 * 60 * MINUTE;

impl Reading<'_> {
    /// What it brings to windows it stands in at the end of, or at `told` if they are open then; of those that end
    /// after `since`.
    pub(crate) fn standings(&self, events: &[Event], (since, told): (i64, i64), all: &mut Vec<Contribution>) {
        let Some(first) = events.first().filter(|_| told != i64::MIN) else { return };
        let stocks = self.cases.over.iter().filter_map(|(number, over)| match over {
            OverCases::Stock(standing) => Some((*number, *standing, self.plan.definition(*number)?)),
            OverCases::At(_) => None,
        });
        let mut known: Option<(usize, Facts)> = None;
        for (number, standing, definition) in stocks {
            let Some(calendar) = self.plan.calendars.get(definition.calendar as usize) else { continue };
            for (start, end) in windows(calendar, first.time.max(since), told) {
                if !self.allows(definition, (start, end)) {
                    continue;
                }
                let at = told.min(end.saturating_sub(1));
                let count = events.partition_point(|event| event.time <= at);
                let events = events.get(..count).unwrap_or_default();
                if known.as_ref().is_none_or(|(of, _)| *of != count) {
                    known = Some((count, timeline(events, &self.cases.rules)));
                }
                let Some((_, facts)) = &known else { continue };
                if facts.stands(standing, at, self.cases.rules.due_soon)
                    && let Some(place) = self.standing_place(definition, events, facts)
                {
                    let time = events.last().map_or(start, |event| event.time);
                    let (definition, counted, change) = (number, false, Change::Stand);
                    all.push(Contribution { definition, place, start, end, time, counted, change });
                }
            }
        }
    }

    /// Where it counts by what was known then; none: the filter leaves it out.
    fn standing_place(&self, definition: &Definition, events: &[Event], facts: &Facts) -> Option<u32> {
        let whole = definition.split == Split::Whole && definition.filter.is_empty();
        let bound = self.bound_of(events);
        if whole {
            return Some(bound.area);
        }
        let values = self.cases.values(self.case, events, facts);
        let measured = Measured { item: None, name: 0, value: Value::Thing(self.case), values: &values };
        holds(&definition.filter, &values).then(|| place_of(definition, &bound, &measured))
    }
}

/// The windows from the one an instant lies in to the last that has begun at `told`.
fn windows(calendar: &Calendar, from: i64, told: i64) -> impl Iterator<Item = (i64, i64)> + '_ {
    std::iter::successors(Some(calendar.earliest(from)), |(start, end)| Some(calendar.next(*start, *end)))
        .take_while(move |(start, _)| *start <= told)
        .take(WINDOWS_MAX)
}

/// When a Tick must look at a case again: a window begins, it turns, something stamped ahead happens, it is forgotten.
pub(crate) fn wake_of(plan: &Plan, stream: &StreamPlan, case: &Case) -> i64 {
    let mut wake = i64::MAX;
    for cases in &stream.cases {
        let facts = timeline(&case.events, &cases.rules);
        if let Some(forgets) = forgets(case, &facts, cases.rules.reopen) {
            // Later, if its source's time is not so far yet.
            wake = wake.min(if forgets > case.told { forgets } else { case.told.saturating_add(DAY) });
        }
        let stocks = cases.over.iter().filter(|(_, over)| matches!(over, OverCases::Stock(_)));
        let mut any = false;
        for definition in
            stocks.filter_map(|(number, _)| plan.definition(*number)).filter(|known| !known.left_out)
        {
            any = true;
            let calendar = plan.calendars.get(definition.calendar as usize);
            if let Some(calendar) = calendar.filter(|_| facts.is_open() && case.told != i64::MIN) {
                let (start, end) = calendar.locate(case.told);
                wake = wake.min(calendar.next(start, end).0);
            }
        }
        if any {
            let ahead = case.events.iter().map(|event| event.time).find(|time| *time > case.told);
            wake = wake.min(ahead.unwrap_or(i64::MAX));
            wake = facts.turns(case.told, cases.rules.due_soon).fold(wake, i64::min);
        }
    }
    wake
}

/// From when on an ended case is opened no more.
fn forgets(case: &Case, facts: &Facts, reopen: Span) -> Option<i64> {
    let last = case.events.last().map(|event| event.time);
    facts.ended.map(|ended| last.map_or(ended, |last| last.max(ended)).saturating_add(reopen))
}

/// Looks at a case at a Tick: what it brings now, and whether it is forgotten.
pub(crate) fn look(
    source: &mut Source,
    case: u128,
    frame: Frame<'_>,
    tick: i64,
    touches: &mut Vec<Touch>,
) -> Option<i64> {
    let (bound, number) = (source.bound?, source.number);
    let stream = frame.plan.streams.get(bound.stream as usize)?;
    let cases = source.cases.as_mut()?;
    let known = cases.cases.get_mut(&case)?;
    let offset = known.events.iter().map(|event| event.offset).max().unwrap_or(0);
    for plan in &stream.cases {
        let (cases, bound, horizon) = (plan, &bound, stream.horizon);
        let reading = Reading { plan: frame.plan, cases, bound, case, horizon, tick: Some(tick) };
        let (mut old, mut new) = (Vec::new(), Vec::new());
        reading.standings(&known.events, (known.told, known.told), &mut old);
        reading.standings(&known.events, (known.told, tick), &mut new);
        tell(old, new, (number, offset), touches);
    }
    known.told = tick;
    known.wake = wake_of(frame.plan, stream, known);
    // What could still change it would be late by then.
    let past = source.greatest.map(|greatest| greatest.saturating_sub(bound.lateness));
    let gone = |plan: &CasePlan| {
        let facts = timeline(&known.events, &plan.rules);
        forgets(known, &facts, plan.rules.reopen)
            .is_some_and(|forgets| forgets <= tick && Some(forgets) <= past)
    };
    if !stream.cases.is_empty() && stream.cases.iter().all(gone) {
        cases.cases.remove(&case);
        return None;
    }
    Some(known.wake)
}

/// New definitions take up how the cases stand.
pub(crate) fn begun(
    source: &Source,
    plan: &Plan,
    begun: &[u32],
    tick: Option<i64>,
    touches: &mut Vec<Touch>,
) {
    let (Some(bound), Some(known)) = (&source.bound, &source.cases) else { return };
    let Some(stream) = plan.streams.get(bound.stream as usize) else { return };
    for (case, known) in &known.cases {
        let offset = known.events.iter().map(|event| event.offset).max().unwrap_or(0);
        for cases in &stream.cases {
            let reading = Reading { plan, cases, bound, case: *case, horizon: stream.horizon, tick };
            let mut all = Vec::new();
            reading.standings(&known.events, (i64::MIN, known.told), &mut all);
            all.retain(|one| begun.contains(&one.definition));
            tell(Vec::new(), all, (source.number, offset), touches);
        }
    }
}

/// Remembers that the source was heard, as long as windows may begin inside.
pub(crate) fn note_heard(cases: &mut Cases, (from, to, offset): (i64, i64, u64), tick: Option<i64>) {
    let heard = &mut cases.heard;
    heard.retain(|(_, until, _)| tick.is_none_or(|tick| *until > tick));
    let at = heard.partition_point(|(begin, ..)| *begin <= from);
    heard.insert(at, (from, to, offset));
    let mut merged: Vec<(i64, i64, u64)> = Vec::with_capacity(heard.len());
    for (from, to, offset) in heard.drain(..) {
        match merged.last_mut().filter(|last| from <= last.1) {
            Some(last) => (last.1, last.2) = (last.1.max(to), last.2.max(offset)),
            None => merged.push((from, to, offset)),
        }
    }
    let spare = merged.len().saturating_sub(HEARD_MAX);
    *heard = merged.split_off(spare);
}

/// In windows that have begun in which the source was heard, it speaks for every area it is asked for: a true 0.
/// `since`: only windows that begin after.
pub(crate) fn hear(
    source: &Source,
    plan: &Plan,
    (from, to, offset): (i64, i64, u64),
    (since, tick): (i64, i64),
    touches: &mut Vec<Touch>,
) {
    let Some(bound) = &source.bound else { return };
    let Some(stream) = plan.streams.get(bound.stream as usize) else { return };
    let reading = |cases| {
        let (case, horizon, tick) = (0, stream.horizon, Some(tick));
        Reading { plan, cases, bound, case, horizon, tick }
    };
    for cases in &stream.cases {
        for (number, over) in &cases.over {
            let (OverCases::Stock(_), Some(definition)) = (over, plan.definition(*number)) else { continue };
            let Some(calendar) = plan.calendars.get(definition.calendar as usize) else { continue };
            let begin = from.max(since.saturating_add(1));
            for (start, end) in windows(calendar, begin, tick.min(to.saturating_sub(1))) {
                // A stretch that began since then is news also to a window that began in silence.
                let known = start <= since && from <= since;
                if known || !reading(cases).allows(definition, (start, end)) {
                    continue;
                }
                let date = calendar.date(start);
                for area in plan.reach(bound.stream, bound.area) {
                    if !plan.stands_on(*area, date) {
                        continue;
                    }
                    for place in places(&definition.split, *area, bound) {
                        touches.push(Touch {
                            definition: *number,
                            place,
                            source: source.number,
                            start,
                            end,
                            offset,
                            time: Some(from.max(start)),
                            counted: false,
                            joins: true,
                            retracts: false,
                            held: false,
                            change: Change::Present,
                        });
                    }
                }
            }
        }
    }
}

/// The places of an area a definition has figures for.
fn places(split: &Split, area: u32, bound: &Bound) -> Vec<u32> {
    match split {
        Split::Whole => vec![area],
        Split::Source if area == bound.area => vec![bound.lane],
        Split::Source => vec![area],
        Split::State(split) => split.places_in(area).collect(),
    }
}
