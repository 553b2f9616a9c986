//! What a sample changes between its neighbours, as touches of the windows concerned: time held in states,
//! steps of counters, onsets.

use crate::admit::Frame;
use crate::plan::{Definition, Member, Reads};
use crate::series::{Between, Sample};
use crate::touch::{Change, Touch};

/// Where touches come from.
pub(crate) struct Origin {
    pub(crate) offset: u64,
    pub(crate) source: u32,
    /// The group of the series, where its definition is split by a state.
    pub(crate) slot: u32,
    /// Whether the sample is a reading received.
    pub(crate) counted: bool,
}

/// A stretch of held time that begins or ends to count.
#[derive(Clone, Copy)]
struct Hold {
    sample: Sample,
    to: i64,
    /// +1 begins, −1 ends.
    sign: i128,
    /// Whether it is the hold of the newest sample.
    ahead: bool,
    /// Whether it is the hold of the sample just taken in.
    own: bool,
}

/// Which sample of a reading's neighbourhood a change belongs to.
#[derive(Clone, Copy)]
enum Part {
    /// The sample just taken in.
    Own { joins: bool },
    /// One that was there.
    Next { joins: bool },
}

/// One definition that stands on a series, while touches are made for it.
struct Tracer<'a, 'b> {
    frame: Frame<'a>,
    definition: &'a Definition,
    number: u32,
    origin: &'b Origin,
    touches: &'b mut Vec<Touch>,
}

/// The touches of a sample just taken in on one of its series' definitions.
pub(crate) fn taken(
    frame: Frame<'_>,
    member: &Member,
    between: &Between,
    origin: &Origin,
    touches: &mut Vec<Touch>,
) {
    let Some(mut tracer) = Tracer::of(frame, member, origin, touches) else { return };
    match &member.reads {
        Reads::Held(words) => {
            if let Some(before) = between.before {
                let old = hold(before, between.after);
                let new = hold(before, Some(between.sample));
                if (old.to, old.ahead) != (new.to, new.ahead) {
                    tracer.hold(words, &Hold { sign: -1, ..old });
                    tracer.hold(words, &new);
                }
            }
            tracer.hold(words, &Hold { own: true, ..hold(between.sample, between.after) });
        }
        Reads::Onsets(words) => {
            let began = onset(words, between.before.as_ref(), &between.sample);
            tracer.at(&between.sample, (began, 0), Part::Own { joins: true });
            if let Some(after) = &between.after {
                let (old, new) = (
                    onset(words, between.before.as_ref(), after),
                    onset(words, Some(&between.sample), after),
                );
                if old != new {
                    tracer.at(after, (new - old, 0), Part::Next { joins: false });
                }
            }
        }
        Reads::Steps(step_max) => {
            let step_to = |from: Option<Sample>, to: &Sample| from.map(|from| step(&from, to, *step_max));
            let own = step_to(between.before, &between.sample);
            tracer.at(&between.sample, own.unwrap_or((0, 0)), Part::Own { joins: own.is_some() });
            if let Some(after) = &between.after {
                let old = step_to(between.before, after);
                let (above, below) = step(&between.sample, after, *step_max);
                let known = old.unwrap_or((0, 0));
                if old != Some((above, below)) {
                    let joins = old.is_none();
                    tracer.at(after, (above - known.0, below - known.1), Part::Next { joins });
                }
            }
        }
    }
}

/// The touches of a sample on a definition that begins to read its series.
pub(crate) fn begun(
    frame: Frame<'_>,
    member: &Member,
    between: &Between,
    origin: &Origin,
    touches: &mut Vec<Touch>,
) {
    let Some(mut tracer) = Tracer::of(frame, member, origin, touches) else { return };
    match &member.reads {
        Reads::Held(words) => tracer.hold(words, &hold(between.sample, between.after)),
        Reads::Onsets(words) => {
            let began = onset(words, between.before.as_ref(), &between.sample);
            tracer.at(&between.sample, (began, 0), Part::Next { joins: true });
        }
        Reads::Steps(step_max) => {
            if let Some(before) = &between.before {
                let amounts = step(before, &between.sample, *step_max);
                tracer.at(&between.sample, amounts, Part::Next { joins: true });
            }
        }
    }
}

/// 1 where a state begins: the sample before was in none of the words, or held no longer.
fn onset(words: &[u32], before: Option<&Sample>, sample: &Sample) -> i128 {
    let counts = |sample: &Sample| words.iter().any(|word| i128::from(*word) == sample.value);
    let goes_on = before.is_some_and(|before| counts(before) && sample.time <= before.until);
    i128::from(counts(sample) && !goes_on)
}

/// By how much a counter grew and in what time. A value below the one before started from 0.
fn step(from: &Sample, to: &Sample, step_max: Option<i128>) -> (i128, i128) {
    let grown = if to.value >= from.value { to.value.saturating_sub(from.value) } else { to.value.max(0) };
    if step_max.is_some_and(|most| grown > most) {
        return (0, 0);
    }
    (grown, i128::from(to.time) - i128::from(from.time))
}

fn hold(sample: Sample, next: Option<Sample>) -> Hold {
    let to = next.map_or(sample.until, |next| sample.until.min(next.time));
    Hold { sample, to, sign: 1, ahead: next.is_none(), own: false }
}

impl<'a, 'b> Tracer<'a, 'b> {
    fn of(
        frame: Frame<'a>,
        member: &Member,
        origin: &'b Origin,
        touches: &'b mut Vec<Touch>,
    ) -> Option<Self> {
        let definition = frame.plan.definition(member.definition)?;
        Some(Self { frame, definition, number: member.definition, origin, touches })
    }

    /// Spreads a hold over the windows it overlaps.
    fn hold(&mut self, words: &[u32], hold: &Hold) {
        let Some(calendar) = self.frame.plan.calendars.get(self.definition.calendar as usize) else { return };
        let counts = words.iter().any(|word| i128::from(*word) == hold.sample.value);
        let from = hold.sample.time;
        let (mut start, mut end) = calendar.earliest(from);
        while start < hold.to && from < hold.to {
            if self.takes(start, end) {
                let length = i128::from(end.min(hold.to)) - i128::from(start.max(from));
                let above = if counts { length } else { 0 };
                let change = if hold.ahead {
                    Change::Ahead(above * hold.sign, length * hold.sign, hold.sign > 0)
                } else {
                    Change::Held(above * hold.sign, length * hold.sign)
                };
                self.touches.push(Touch {
                    definition: self.number,
                    place: self.place(&hold.sample),
                    source: self.origin.source,
                    start,
                    end,
                    offset: self.origin.offset,
                    time: hold.own.then_some(from),
                    counted: self.origin.counted && hold.own && start <= from,
                    joins: true,
                    retracts: false,
                    held: false,
                    change,
                });
            }
            let next = calendar.next(start, end);
            if next.0 <= start {
                break;
            }
            (start, end) = next;
        }
    }

    /// Adds to the windows a sample lies in.
    fn at(&mut self, sample: &Sample, (above, below): (i128, i128), part: Part) {
        let Some(calendar) = self.frame.plan.calendars.get(self.definition.calendar as usize) else { return };
        let (own, joins) = match part {
            Part::Own { joins } => (true, joins),
            Part::Next { joins } => (false, joins),
        };
        let (mut start, mut end) = calendar.earliest(sample.instant);
        while start <= sample.instant {
            if self.takes(start, end) {
                self.touches.push(Touch {
                    definition: self.number,
                    place: self.place(sample),
                    source: self.origin.source,
                    start,
                    end,
                    offset: self.origin.offset,
                    // A sample nothing came before is received, but no part of a figure yet.
                    time: joins.then_some(sample.time),
                    counted: own && self.origin.counted,
                    joins,
                    retracts: false,
                    held: false,
                    change: Change::Add(above, below),
                });
            }
            let next = calendar.next(start, end);
            if next.0 <= start {
                break;
            }
            (start, end) = next;
        }
    }

    /// Whether a window is the definition's, inside its horizon, and not as a Restate left it: what it knows of the
    /// samples around may differ from the series.
    fn takes(&self, start: i64, end: i64) -> bool {
        let beyond = self.frame.tick.is_some_and(|tick| end.saturating_add(self.definition.horizon) < tick);
        self.definition.covers(start) && !beyond && !self.definition.is_restated(start)
    }

    fn place(&self, sample: &Sample) -> u32 {
        self.definition.split.place(sample.area, sample.lane, self.origin.slot)
    }
}
