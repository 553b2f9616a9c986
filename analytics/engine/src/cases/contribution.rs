//! What a case brings to figures: worked out before and after each event, and only the difference is told.

use nhip_profile::OverCases;
use nhip_proto::Item;

use super::stock::{self, wake_of};
use super::timeline::{Facts, timeline};
use super::{CasePlan, Event};
use crate::admit::{Frame, Output};
use crate::calendar::Memo;
use crate::measure::Measured;
use crate::plan::{Definition, Plan, Split, StreamPlan};
use crate::reading::{Moment, Value};
use crate::source::{Bound, Source};
use crate::touch::{Change, Touch};

/// What one case brings to one window of one definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Contribution {
    pub(crate) definition: u32,
    pub(crate) place: u32,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) time: i64,
    pub(crate) counted: bool,
    pub(crate) change: Change,
}

/// One case of a source by one edition of its rules.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) cases: &'a CasePlan,
    pub(crate) bound: &'a Bound,
    pub(crate) case: u128,
    pub(crate) horizon: i64,
    /// The Tick windows must not be beyond.
    pub(crate) tick: Option<i64>,
}

impl Reading<'_> {
    /// Whether a case may still change a window.
    pub(crate) fn allows(&self, definition: &Definition, (start, end): (i64, i64)) -> bool {
        let beyond = self.tick.is_some_and(|tick| end.saturating_add(self.horizon) < tick);
        !definition.left_out && definition.covers(start) && !definition.is_restated(start) && !beyond
    }

    /// Where the case counts: the area its newest event names, else the source's.
    pub(crate) fn bound_of(&self, events: &[Event]) -> Bound {
        let named = events.iter().rev().find_map(|event| event.area);
        named.map_or(*self.bound, |area| self.bound.at(area))
    }

    /// What it brings by an instant of its life.
    fn by_instant(&self, events: &[Event], memos: &mut [Memo], all: &mut Vec<Contribution>) {
        if events.is_empty() || self.cases.over.iter().all(|(_, over)| matches!(over, OverCases::Stock(_))) {
            return;
        }
        let facts = timeline(events, &self.cases.rules);
        let values = self.cases.values(self.case, events, &facts);
        let bound = self.bound_of(events);
        for (at, (name, value)) in self.cases.names.iter().zip(&values).enumerate() {
            let Some(value) = value else { continue };
            for drive in &name.drives {
                let Some(definition) = self.plan.definition(drive.definition) else { continue };
                let Some(instant) = self.instant(drive.definition, &facts) else { continue };
                let measured = Measured { item: None, name: at as u32, value: *value, values: &values };
                let Some((change, counted)) = measured.change(definition, drive) else { continue };
                let place = place_of(definition, &bound, &measured);
                let (start, end) = locate(self.plan, definition, instant, memos);
                let (hops, hop) = definition.hops;
                for back in (0..hops).map(|back| back.saturating_mul(hop)) {
                    let (start, end) = (start.saturating_sub(back), end.saturating_sub(back));
                    if self.allows(definition, (start, end)) {
                        let (definition, time) = (drive.definition, instant);
                        all.push(Contribution { definition, place, start, end, time, counted, change });
                    }
                }
            }
        }
    }

    fn instant(&self, definition: u32, facts: &Facts) -> Option<i64> {
        match self.cases.over(definition)? {
            OverCases::At(which) => facts.instant(which),
            OverCases::Stock(_) => None,
        }
    }
}

/// The place a case counts for.
pub(crate) fn place_of(definition: &Definition, bound: &Bound, measured: &Measured<'_>) -> u32 {
    match &definition.split {
        Split::Whole => bound.area,
        split => split.place(bound.area, bound.lane, measured.slot(split)),
    }
}

fn locate(plan: &Plan, definition: &Definition, instant: i64, memos: &mut [Memo]) -> (i64, i64) {
    let at = definition.calendar as usize;
    match (plan.calendars.get(at), memos.get_mut(at)) {
        (Some(calendar), Some(memo)) => calendar.locate_near(instant, memo),
        _ => (0, 0),
    }
}

/// Takes a reading about a case: all the case brought is compared with what it brings now.
pub(crate) fn take_event(
    source: &mut Source,
    (case, event): (u128, Event),
    frame: Frame<'_>,
    (bound, stream): (&Bound, &StreamPlan),
    out: &mut Output,
) {
    let (time, offset, number) = (event.time, event.offset, source.number);
    let works = |cases: &CasePlan| cases.over.iter().any(|(number, _)| frame.plan.works(*number));
    if !stream.cases.iter().any(works) {
        return;
    }
    hear_now(source, (time, time.saturating_add(stream.staleness), offset), frame, out);
    let known = source.cases.get_or_insert_default();
    let Some(before) = known.insert(case, event) else { return };
    let Some(known) = known.cases.get_mut(&case) else { return };
    for cases in &stream.cases {
        let reading =
            Reading { plan: frame.plan, cases, bound, case, horizon: stream.horizon, tick: frame.tick };
        let (mut old, mut new) = (Vec::new(), Vec::new());
        reading.by_instant(&before, out.memos(), &mut old);
        reading.by_instant(&known.events, out.memos(), &mut new);
        reading.standings(&before, (time, known.told), &mut old);
        reading.standings(&known.events, (time, known.told), &mut new);
        tell(old, new, (number, offset), &mut out.touches);
    }
    known.wake = wake_of(frame.plan, stream, known);
    out.woken.push((known.wake, number, case));
}

/// The source speaks: in windows that have begun it is present.
fn hear_now(source: &mut Source, span: (i64, i64, u64), frame: Frame<'_>, out: &mut Output) {
    let cases = source.cases.get_or_insert_default();
    // Where it was heard before, the windows know it already.
    let covers = |known: &&(i64, i64, u64)| known.0 <= span.0 && span.0 < known.1;
    let from = cases.heard.iter().find(covers).map_or(span.0, |known| known.1);
    stock::note_heard(cases, span, frame.tick);
    if let Some(tick) = frame.tick {
        stock::hear(source, frame.plan, (from, span.1, span.2), (i64::MIN, tick), &mut out.touches);
    }
}

/// Takes back what is brought no more, and brings what is new.
pub(crate) fn tell(
    mut old: Vec<Contribution>,
    mut new: Vec<Contribution>,
    (source, offset): (u32, u64),
    touches: &mut Vec<Touch>,
) {
    old.sort_unstable();
    new.sort_unstable();
    let mut push = |what: &Contribution, retracts: bool| {
        let Contribution { definition, place, start, end, time, counted, change } = *what;
        let time = Some(time);
        let (joins, held) = (true, true);
        touches.push(Touch {
            definition,
            place,
            source,
            start,
            end,
            offset,
            time,
            counted,
            joins,
            retracts,
            held,
            change,
        });
    };
    let (mut left, mut right) = (old.iter().peekable(), new.iter().peekable());
    loop {
        match (left.peek(), right.peek()) {
            (Some(gone), Some(come)) if gone == come => {
                left.next();
                right.next();
            }
            (Some(gone), come) if come.is_none_or(|come| gone < come) => {
                push(gone, true);
                left.next();
            }
            (_, Some(come)) => {
                push(come, false);
                right.next();
            }
            _ => return,
        }
    }
}

/// What a reading tells of a case: which, and the event.
pub(crate) fn event_of(
    stream: &StreamPlan,
    item: &Item,
    moment: &Moment,
    values: &[Option<Value>],
    ((offset, place), area): ((u64, u32), Option<u32>),
) -> Option<(u128, Event)> {
    let case = stream.cases.first()?.case?;
    let Some(Some(Value::Thing(case))) = values.get(case as usize) else { return None };
    let named = stream.names.iter().zip(values);
    let mut known: Vec<(u32, Value)> =
        named.filter_map(|(name, value)| Some((name.word, (*value)?))).collect();
    known.retain(|(_, value)| !matches!(value, Value::Thing(_)));
    known.sort_unstable_by_key(|(name, _)| *name);
    let sequence = item.sequence.unwrap_or(0);
    Some((*case, Event { time: moment.time, sequence, offset, place, area, values: known }))
}
