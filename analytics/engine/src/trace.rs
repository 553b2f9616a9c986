//! What a sample changes between its neighbours, as touches of the windows concerned: time held in states.

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
    }
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

    /// Whether a window is the definition's and inside its horizon.
    fn takes(&self, start: i64, end: i64) -> bool {
        let beyond = self.frame.tick.is_some_and(|tick| end.saturating_add(self.definition.horizon) < tick);
        self.definition.covers(start) && !beyond
    }

    fn place(&self, sample: &Sample) -> u32 {
        self.definition.split.place(sample.area, sample.lane, self.origin.slot)
    }
}
