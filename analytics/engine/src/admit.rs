//! The first stage: each item is judged, counted once in the ledger, and turned into touches of figures.

mod offline;
mod output;
mod statistic;

use std::collections::BTreeSet;

use nhip_proto::{Entry, Item, ItemReason, Message, MessageBody, Rejection};

use crate::amend::Late;
use crate::cases;
use crate::measure::Measured;
use crate::plan::{Drive, Kind, Member, Plan, Reads, Split, StreamPlan};
use crate::reading::{self, Moment, Value, holds};
use crate::seen::{Key, Verdict, content};
use crate::series::Sample;
use crate::session::{Meaning, UNBOUND};
use crate::source::{Bound, Source};
use crate::touch::Touch;
use crate::trace::{self, Origin};
use offline::go_offline;
pub(crate) use output::{Output, REFUSED_MAX, Refused};
use statistic::Told;

/// 2000-01-01T00:00Z: a clock before it was never set.
const CLOCK_MIN: i64 = 946_684_800_000_000_000;

/// What all partitions see alike between two barriers.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) plan: &'a Plan,
    /// The last Tick.
    pub(crate) tick: Option<i64>,
    /// Late items a Restate may let in; only in its re-run.
    pub(crate) entering: Option<&'a Entering>,
}

/// Late items that enter if they move a window of a range.
#[derive(Clone, Debug)]
pub(crate) struct Entering {
    pub(crate) late: BTreeSet<(u64, u32)>,
    pub(crate) definition: u32,
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// One thing to do for one source.
pub(crate) enum Task<'a> {
    /// A message; what the births of its session say of each item, where any needs it.
    Message(&'a Message, Option<Vec<Meaning>>),
    /// Figures a person typed.
    Entry(&'a Entry),
    /// Its edge node or device died.
    Offline(i64),
}

/// Does one task; tasks of one source come in offset order.
pub(crate) fn perform(source: &mut Source, offset: u64, task: Task<'_>, frame: Frame<'_>, out: &mut Output) {
    if !source.changed {
        source.changed = true;
        out.changed.push(source.number);
    }
    if !source.stirred {
        source.stirred = true;
        out.stirred.push(source.number);
    }
    match task {
        Task::Message(message, births) => {
            let body = match &message.body {
                MessageBody::Items(items) => Ok(items.as_slice()),
                MessageBody::Rejected(rejection) => Err(rejection),
            };
            source.counts.best_effort += u64::from(message.dedication.qos == 0);
            source.typed = false;
            receive(source, offset, (message.arrival.0, body), births.as_deref(), frame, out);
        }
        Task::Entry(entry) => {
            source.typed = true;
            receive(source, offset, (entry.at.0, Ok(&entry.items)), None, frame, out);
        }
        Task::Offline(at) => go_offline(source, offset, at, frame, out),
    }
}

fn receive(
    source: &mut Source,
    offset: u64,
    (arrival, body): (i64, Result<&[Item], &Rejection>),
    births: Option<&[Meaning]>,
    frame: Frame<'_>,
    out: &mut Output,
) {
    source.counts.received += 1;
    source.arrival = source.arrival.max(Some(arrival));
    let items = match body {
        Ok(items) => items,
        Err(rejection) => {
            source.counts.rejected += 1;
            if let Some(count) = source.counts.message_reasons.get_mut(rejection.reason.code() as usize - 1) {
                *count += 1;
            }
            source.pulse.judged(arrival, true);
            let (reason, field) = (Ok(rejection.reason), rejection.field.clone());
            out.refuse(Refused { offset, place: 0, arrival, source: source.number, reason, field });
            return;
        }
    };
    source.counts.decoded += 1;
    source.counts.items += items.len() as u64;
    let stream = source.bound.and_then(|bound| Some((bound, frame.plan.streams.get(bound.stream as usize)?)));
    let mut visit = Visit { source, offset, arrival, takes_back: None, frame, out };
    let Some((bound, stream)) = stream else {
        for place in 0..items.len() {
            visit.reject(place, ItemReason::UnknownStream, String::new());
        }
        return;
    };
    let mut first = 0;
    while let Some(rest) = items.get(first..).filter(|rest| !rest.is_empty()) {
        let births = births.and_then(|births| births.get(first..));
        first += visit.take(rest, first, births, &bound, stream).max(1);
    }
}

/// One message on its way through one source.
struct Visit<'a, 'b> {
    source: &'a mut Source,
    offset: u64,
    arrival: i64,
    /// While an older figure is taken back: when that had arrived.
    takes_back: Option<i64>,
    frame: Frame<'b>,
    out: &'a mut Output,
}

impl Visit<'_, '_> {
    /// Takes the items of the first reading in `items`: all values before any is applied, because filters look
    /// across them. Returns how many items it had.
    fn take(
        &mut self,
        items: &[Item],
        first: usize,
        births: Option<&[Meaning]>,
        bound: &Bound,
        stream: &StreamPlan,
    ) -> usize {
        self.read(items, births, stream);
        let judged = std::mem::take(&mut self.out.judged);
        let values = std::mem::take(&mut self.out.values);
        let named = stream.place.as_ref().and_then(|place| place.area(&values));
        let own = bound;
        let bound = &named.map_or(*own, |area| own.at(area));
        let (mut applied, mut tells) = (false, false);
        let case = stream.cases.first().and_then(|cases| cases.case);
        for (at, (item, result)) in items.iter().zip(&judged).enumerate() {
            match *result {
                Ok((name, value)) => {
                    let admitted = self.admit(item, first + at, (name, value), &values, (bound, stream));
                    applied |= admitted;
                    tells |= admitted && case == Some(name);
                }
                Err(reason) => self.reject(first + at, reason, reading::field(item, stream)),
            }
        }
        if let Some(item) = items.first().filter(|_| tells) {
            let (moment, at) = (Moment::of(item, self.arrival), (self.offset, first as u32));
            if let Some(told) = cases::event_of(stream, item, &moment, &values, (at, named)) {
                cases::take_event(self.source, told, self.frame, (own, stream), self.out);
            }
        }
        if applied {
            self.source.pulse.reading(self.arrival);
            if let (Some(deadline), Some(item)) = (&stream.deadline, items.first()) {
                deadline.note(&mut self.source.reports, Moment::of(item, self.arrival).instant, self.arrival);
            }
            self.source.admitted = self.source.admitted.max(Some(self.arrival));
        }
        let length = judged.len();
        self.out.judged = judged;
        self.out.values = values;
        length
    }

    /// Judges items up to the end of the reading: where stamp or identity changes, or a name comes again.
    fn read(&mut self, items: &[Item], births: Option<&[Meaning]>, stream: &StreamPlan) {
        let Output { judged, values, brought, .. } = &mut *self.out;
        judged.clear();
        values.clear();
        values.resize(stream.names.len(), None);
        brought.clear();
        brought.resize(stream.names.len(), false);
        let mut hint = 0;
        for (at, item) in items.iter().enumerate() {
            if items.first().is_none_or(|head| !reading::same(head, item)) {
                break;
            }
            let birth = births.and_then(|births| births.get(at)).copied().unwrap_or(UNBOUND);
            let name = reading::name_number(item, birth.word, stream, hint);
            if let Some(brought) = name.and_then(|name| brought.get_mut(name))
                && std::mem::replace(brought, true)
            {
                break;
            }
            hint = name.map_or(hint, |name| name + 1);
            let result = reading::judge(item, name, birth.width, stream);
            if let Ok((name, value)) = &result
                && let Some(slot) = values.get_mut(*name as usize)
            {
                *slot = Some(*value);
            }
            judged.push(result);
        }
    }

    fn reject(&mut self, place: usize, reason: ItemReason, field: String) {
        let counts = &mut self.source.counts;
        counts.item_rejected += 1;
        if let Some(count) = counts.item_reasons.get_mut(reason.code() as usize - 1) {
            *count += 1;
        }
        if reason != ItemReason::Missing {
            self.source.pulse.judged(self.arrival, true);
        }
        let (offset, arrival, source, place) = (self.offset, self.arrival, self.source.number, place as u32);
        self.out.refuse(Refused { offset, place, arrival, source, reason: Err(reason), field });
    }

    /// Judges time and identity; true if the item was applied.
    fn admit(
        &mut self,
        item: &Item,
        place: usize,
        (name, value): (u32, Value),
        values: &[Option<Value>],
        (bound, stream): (&Bound, &StreamPlan),
    ) -> bool {
        let moment = Moment::of(item, self.arrival);
        let ahead = self.arrival.saturating_add(stream.skew);
        let beyond = ahead.saturating_add(stream.period_ahead(moment.period));
        let stamp_max = if stream.statistic.is_some() { beyond } else { ahead };
        if moment.stamp > stamp_max || moment.time > beyond || moment.time.min(moment.stamp) < CLOCK_MIN {
            self.reject(place, ItemReason::ClockSkew, reading::field(item, stream));
            return false;
        }
        let floor = self.source.greatest.map_or(i64::MIN, |greatest| greatest.saturating_sub(bound.lateness));
        if moment.time < floor || !self.locate(name, &moment, stream) {
            self.late(place);
            return false;
        }
        if let Some(plan) = &stream.statistic {
            let told = Told { item, place, name, value, values, moment };
            return self.admit_statistic(&told, plan, floor, (bound, stream));
        }
        let print = content(value.digits(), moment.time, moment.period);
        let key = Key::of(stream.identity, item);
        let seen = self.source.seen.get_mut(name as usize);
        let verdict = seen.map_or(Verdict::New, |(_, seen)| seen.judge(key, moment.time, print, floor));
        self.source.pulse.judged(self.arrival, verdict == Verdict::Conflicting);
        match verdict {
            Verdict::New => {
                self.source.counts.applied += 1;
                self.source.greatest = self.source.greatest.max(Some(moment.time));
                self.apply(item, &moment, (name, value), values, (bound, stream));
                self.enter(place as u32, moment.instant);
                return true;
            }
            Verdict::Same => {}
            Verdict::Conflicting => self.source.counts.conflicting += 1,
        }
        self.source.counts.duplicate += 1;
        false
    }

    fn late(&mut self, place: usize) {
        self.source.counts.late += 1;
        self.source.pulse.judged(self.arrival, false);
        let (offset, source) = (self.offset, self.source.number);
        self.out.late.push(Late { offset, place: place as u32, source, entered: false });
    }

    /// Tells of a late item that a Restate lets in.
    fn enter(&mut self, place: u32, instant: i64) {
        let Some(entering) = self.frame.entering else { return };
        let (start, _) = self.window(entering.definition, instant);
        if (entering.from..entering.to).contains(&start) && entering.late.contains(&(self.offset, place)) {
            self.out.entered.push((self.offset, place));
        }
    }

    /// Finds the window of each driven definition; false if there are some and all are beyond the horizon. Where it
    /// lies in no window of any (between dated periods), it is as an item no indicator reads.
    fn locate(&mut self, name: u32, moment: &Moment, stream: &StreamPlan) -> bool {
        self.out.windows.clear();
        let Some(name) = stream.names.get(name as usize) else { return true };
        let (mut alive, mut outside) = (false, true);
        for drive in &name.drives {
            let window = self.window(drive.definition, moment.instant);
            let inside = self.has_window(drive.definition, window.0);
            outside &= !inside;
            alive |= inside && !self.is_beyond(window.1, stream.horizon);
            self.out.windows.push(window);
        }
        // A held state reaches as far as its staleness limit.
        let reach = moment.time.saturating_add(stream.staleness - 1);
        for at in &name.series {
            let members = stream.series.get(*at as usize).map_or(&[][..], |series| &series.members);
            for member in members {
                let instant = match member.reads {
                    Reads::Held(_) => reach,
                    Reads::Onsets(_) | Reads::Steps(_) => moment.instant,
                };
                let (start, end) = self.window(member.definition, instant);
                let inside = self.has_window(member.definition, start);
                outside &= !inside;
                alive |= inside && !self.is_beyond(end, stream.horizon);
            }
        }
        alive || outside
    }

    fn has_window(&self, definition: u32, start: i64) -> bool {
        self.frame.plan.definition(definition).is_none_or(|definition| definition.has_window(start))
    }

    fn window(&mut self, definition: u32, instant: i64) -> (i64, i64) {
        let Some(definition) = self.frame.plan.definition(definition) else { return (0, 0) };
        let at = definition.calendar as usize;
        match (self.frame.plan.calendars.get(at), self.out.memos.get_mut(at)) {
            (Some(calendar), Some(memo)) => calendar.locate_near(instant, memo),
            _ => (0, 0),
        }
    }

    fn is_beyond(&self, end: i64, horizon: i64) -> bool {
        self.frame.tick.is_some_and(|tick| end.saturating_add(horizon) < tick)
    }

    fn apply(
        &mut self,
        item: &Item,
        moment: &Moment,
        (number, value): (u32, Value),
        values: &[Option<Value>],
        (bound, stream): (&Bound, &StreamPlan),
    ) {
        let Some(name) = stream.names.get(number as usize) else { return };
        let measured = Measured { item: Some(item), name: number, value, values };
        let windows = std::mem::take(&mut self.out.windows);
        for (drive, window) in name.drives.iter().zip(&windows) {
            if !self.is_beyond(window.1, stream.horizon) {
                self.drive(&measured, moment, (drive, *window), (bound, stream));
            }
        }
        self.out.windows = windows;
        for at in &name.series {
            let Some(plan) = stream.series.get(*at as usize) else { continue };
            let works = |member: &Member| self.frame.plan.works(member.definition);
            if !plan.members.iter().any(works) {
                continue;
            }
            if !holds(&plan.filter, values) || plan.group.is_some_and(|group| !self.is_in(group, &measured)) {
                continue;
            }
            // A counter stands until it is read again; a state only while it is fresh.
            let until = match value {
                Value::Number(_) => i64::MAX,
                Value::State(_) | Value::Thing(_) => moment.time.saturating_add(stream.staleness),
            };
            let sample = Sample {
                time: moment.time,
                sequence: item.sequence.unwrap_or(0),
                value: value.digits(),
                until,
                instant: moment.instant,
                area: bound.area,
                lane: bound.lane,
            };
            self.sample(*at, sample, (bound, stream), true);
        }
    }

    fn drive(
        &mut self,
        measured: &Measured<'_>,
        moment: &Moment,
        (drive, (start, end)): (&Drive, (i64, i64)),
        (bound, stream): (&Bound, &StreamPlan),
    ) {
        let Some(definition) = self.frame.plan.definition(drive.definition) else { return };
        let (hops, hop) = definition.hops;
        if definition.left_out || (hops == 1 && !definition.covers(start)) {
            return;
        }
        // A definition that began after what is taken back never had it.
        if self.takes_back.is_some_and(|arrival| definition.from.is_some_and(|from| from > arrival)) {
            return;
        }
        let Some((change, counted)) = measured.change(definition, drive) else { return };
        let place = match &definition.split {
            Split::Whole => bound.area,
            split => split.place(bound.area, bound.lane, measured.slot(split)),
        };
        let joined = self.source.joined.get_mut(drive.slot as usize);
        let joined = joined.is_some_and(|joined| std::mem::replace(joined, start) == start);
        // What was joined last tells nothing of the other groups of a state, nor of other areas.
        let joins = !joined || matches!(definition.split, Split::State(_)) || stream.place.is_some();
        let joins = joins || stream.statistic.is_some();
        // What may be taken back is counted by source; a source's last is replaced at once instead.
        let held = stream.statistic.is_some() && !matches!(definition.kind, Kind::Last(_) | Kind::First(_));
        let touch = Touch {
            definition: drive.definition,
            place,
            source: self.source.number,
            start,
            end,
            offset: self.offset,
            time: Some(moment.time),
            counted,
            joins,
            retracts: self.takes_back.is_some(),
            held,
            change,
        };
        if hops == 1 {
            self.out.touches.push(touch);
            return;
        }
        for back in (0..hops).map(|back| back.saturating_mul(hop)) {
            let (start, end) = (start.saturating_sub(back), end.saturating_sub(back));
            if definition.covers(start) && !self.is_beyond(end, stream.horizon) {
                self.out.touches.push(Touch { start, end, ..touch });
            }
        }
    }

    /// Whether the reading is in one group of a definition split by a state.
    fn is_in(&self, (definition, slot): (u32, u32), measured: &Measured<'_>) -> bool {
        let definition = self.frame.plan.definition(definition);
        definition.is_some_and(|definition| measured.slot(&definition.split) == slot)
    }

    /// Takes a sample into a series and hands on what changed through it.
    fn sample(&mut self, at: u32, sample: Sample, (bound, stream): (&Bound, &StreamPlan), counted: bool) {
        let greatest = self.source.greatest;
        let Some((_, series)) = self.source.series.get_mut(at as usize) else { return };
        let between = series.insert(sample);
        if let Some(greatest) = greatest {
            series.forget(greatest.saturating_sub(bound.lateness));
        }
        let Some(plan) = stream.series.get(at as usize) else { return };
        let slot = plan.group.map_or(0, |(_, slot)| slot);
        let origin = Origin { offset: self.offset, source: self.source.number, slot, counted };
        for member in plan.members.iter().filter(|member| self.frame.plan.works(member.definition)) {
            trace::taken(self.frame, member, &between, &origin, &mut self.out.touches);
        }
    }
}
