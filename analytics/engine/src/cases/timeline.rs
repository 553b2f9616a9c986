//! The life of a case as a pure function of its events in their order: no arrival, Tick or batch has a part in it.

use jiff::tz::TimeZone;
use nhip_profile::{CaseInstant, CaseStep, ServiceLevel, Standing, WorkCalendar, WorkingSpan};
use nhip_proto::{EventTime, SECOND, Span};

use super::Event;
use crate::reading::Value;

/// What a case's life is read by.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) clock: Clock,
    /// The word of the name that says the step.
    pub(crate) step: u32,
    /// What its words mean, sorted by word.
    pub(crate) steps: Vec<(u32, CaseStep)>,
    pub(crate) due: Option<u32>,
    pub(crate) category: Option<u32>,
    pub(crate) severity: Option<u32>,
    pub(crate) rating: Option<u32>,
    pub(crate) reopen: Span,
    pub(crate) due_soon: Span,
    /// Category, severity, and what is promised for them.
    pub(crate) levels: Vec<(Option<u32>, Option<u32>, ServiceLevel)>,
}

/// Working time in the profile's zone; without a calendar every hour is worked.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    pub(crate) calendar: Option<WorkCalendar>,
    pub(crate) zone: TimeZone,
}

/// What a life amounts to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) received: Option<i64>,
    pub(crate) assigned: Option<i64>,
    pub(crate) responded: Option<i64>,
    pub(crate) resolved: Option<i64>,
    pub(crate) ended: Option<i64>,
    pub(crate) rated: Option<i64>,
    pub(crate) reopened: Option<i64>,
    /// The newest step that was taken.
    pub(crate) step: Option<CaseStep>,
    /// Since when it waits for the reporter.
    pub(crate) waiting_since: Option<i64>,
    /// When it waited, in order.
    pub(crate) pauses: Vec<(i64, i64)>,
    /// By when it was due at first, and by when after all extensions.
    pub(crate) due: Option<(i64, i64)>,
    /// What was promised.
    pub(crate) level: Option<ServiceLevel>,
    pub(crate) supplements: u32,
    pub(crate) returns: u32,
    pub(crate) extensions: u32,
    pub(crate) reopens: u32,
    /// Steps that may not follow the one before.
    pub(crate) irregular: u32,
}

/// A life while it is read.
struct Life {
    facts: Facts,
    /// Somebody has it in hand.
    in_hand: bool,
    /// The first and the newest due time the sender stated.
    stated: Option<(i64, i64)>,
    /// How often more time was given without saying by when.
    granted: u32,
}

/// The life of a case; `events` in their order.
pub(crate) fn timeline(events: &[Event], rules: &Rules) -> Facts {
    let mut life = Life { facts: Facts::default(), in_hand: false, stated: None, granted: 0 };
    for event in events {
        life.take(event, rules);
    }
    let Life { mut facts, stated, granted, .. } = life;
    facts.level = facts.received.and_then(|received| rules.level(events, received));
    let resolve = facts.level.as_ref().and_then(|level| level.resolve);
    facts.due = stated.or_else(|| {
        let mut first = rules.clock.after(facts.received?, resolve?)?;
        for (from, to) in facts.pauses.iter().filter(|(_, to)| *to > *facts.received.as_ref().unwrap_or(to)) {
            first = rules.clock.shifted(first, (*from, *to), resolve?);
        }
        let last = (0..granted).try_fold(first, |due, _| rules.clock.after(due, resolve?))?;
        Some((first, last))
    });
    facts
}

impl Life {
    fn take(&mut self, event: &Event, rules: &Rules) {
        let step = event.word(rules.step).and_then(|word| {
            let at = rules.steps.binary_search_by_key(&word, |(known, _)| *known).ok()?;
            rules.steps.get(at).map(|(_, step)| *step)
        });
        let stated = rules.due.and_then(|name| event.number(name));
        if let Some(due) = stated.and_then(|due| i64::try_from(due).ok()?.checked_mul(SECOND)) {
            self.state_due(due, step);
        }
        if rules.rating.is_some_and(|name| event.word(name).is_some()) {
            self.facts.rated = Some(event.time);
        }
        let Some(step) = step else { return };
        // A life that begins in the middle is known from there on.
        let begins = self.facts.step.is_none();
        let fits = self.step(step, event.time, stated.is_some()) && (!begins || step == CaseStep::Received);
        self.facts.irregular += u32::from(!fits);
    }

    fn state_due(&mut self, due: i64, step: Option<CaseStep>) {
        let Some((first, last)) = self.stated else {
            self.stated = Some((due, due));
            return;
        };
        // Later than before without a word of an extension is one all the same.
        self.facts.extensions += u32::from(due > last && step != Some(CaseStep::Extended));
        self.stated = Some((first, due));
    }

    fn is_open(&self) -> bool {
        self.facts.ended.is_none()
    }

    /// Takes a step; false if it may not follow.
    fn step(&mut self, step: CaseStep, at: i64, states_due: bool) -> bool {
        let open = self.is_open();
        let facts = &mut self.facts;
        let fits = match step {
            CaseStep::Received => {
                let first = facts.received.is_none();
                facts.received.get_or_insert(at);
                first && open && facts.step.is_none()
            }
            CaseStep::Waiting => open && facts.waiting_since.is_none(),
            CaseStep::Supplied => facts.waiting_since.is_some(),
            CaseStep::Assigned | CaseStep::InProgress => open && facts.waiting_since.is_none(),
            CaseStep::Returned => open && self.in_hand,
            CaseStep::Rejected | CaseStep::Duplicate | CaseStep::Withdrawn | CaseStep::Resolved => open,
            CaseStep::ExtensionAsked | CaseStep::Extended | CaseStep::ExtensionRefused => open,
            CaseStep::AwaitingPublication | CaseStep::Published => facts.resolved.is_some(),
            CaseStep::Rated | CaseStep::Reopened => !open,
        };
        if step == CaseStep::Rated {
            facts.rated = Some(at);
        }
        // What cannot happen to a case that ended, or not yet ended, changes nothing but the count.
        if fits
            || (open
                && !matches!(
                    step,
                    CaseStep::Received | CaseStep::Supplied | CaseStep::Rated | CaseStep::Reopened
                ))
        {
            self.apply(step, at, states_due, fits);
        }
        self.facts.step.get_or_insert(step);
        fits
    }

    fn apply(&mut self, step: CaseStep, at: i64, states_due: bool, fits: bool) {
        let facts = &mut self.facts;
        let answers = matches!(
            step,
            CaseStep::Waiting
                | CaseStep::InProgress
                | CaseStep::Resolved
                | CaseStep::Rejected
                | CaseStep::Duplicate
        );
        if answers {
            facts.responded.get_or_insert(at);
        }
        let goes_on = matches!(step, CaseStep::Supplied | CaseStep::Assigned | CaseStep::InProgress);
        let ends = matches!(
            step,
            CaseStep::Rejected | CaseStep::Duplicate | CaseStep::Withdrawn | CaseStep::Resolved
        );
        if (goes_on || ends)
            && let Some(since) = facts.waiting_since.take()
        {
            facts.pauses.push((since, at));
        }
        match step {
            CaseStep::Waiting if fits => {
                facts.waiting_since = Some(at);
                facts.supplements += 1;
            }
            CaseStep::Assigned => {
                facts.assigned.get_or_insert(at);
                self.in_hand = true;
            }
            CaseStep::InProgress => self.in_hand = true,
            CaseStep::Returned if fits => {
                facts.returns += 1;
                self.in_hand = false;
            }
            CaseStep::Extended => {
                facts.extensions += 1;
                self.granted += u32::from(!states_due);
            }
            CaseStep::Resolved => (facts.resolved, facts.ended) = (Some(at), Some(at)),
            CaseStep::Rejected | CaseStep::Duplicate | CaseStep::Withdrawn => facts.ended = Some(at),
            CaseStep::Reopened => {
                (facts.reopened, facts.resolved, facts.ended) = (Some(at), None, None);
                facts.reopens += 1;
            }
            _ => {}
        }
        facts.step = Some(step);
    }
}

impl Rules {
    /// What is promised: the level most closely meant on the day of receipt.
    fn level(&self, events: &[Event], received: i64) -> Option<ServiceLevel> {
        let newest =
            |name: Option<u32>| name.and_then(|name| events.iter().rev().find_map(|event| event.word(name)));
        let (category, severity) = (newest(self.category), newest(self.severity));
        let date = self.clock.date(received);
        let meant = |(of, how, level): &&(Option<u32>, Option<u32>, ServiceLevel)| {
            (of.is_none() || *of == category)
                && (how.is_none() || *how == severity)
                && level.valid.holds_on(date)
        };
        let closest =
            self.levels.iter().filter(meant).max_by_key(|(of, how, _)| (of.is_some(), how.is_some()));
        closest.map(|(_, _, level)| level.clone())
    }
}

impl Clock {
    fn date(&self, at: i64) -> jiff::civil::Date {
        let stamp = jiff::Timestamp::from_nanosecond(i128::from(at)).unwrap_or_default();
        self.zone.to_datetime(stamp).date()
    }

    /// When a span that begins at an instant is over.
    pub(crate) fn after(&self, start: i64, span: WorkingSpan) -> Option<i64> {
        match (&self.calendar, span) {
            (_, WorkingSpan::Clock(span)) => start.checked_add(span),
            (Some(calendar), span) => {
                calendar.add_working(EventTime(start), span, &self.zone).map(|end| end.0)
            }
            (None, _) => None,
        }
    }

    /// How much was worked.
    pub(crate) fn worked(&self, from: i64, to: i64) -> Span {
        match &self.calendar {
            Some(calendar) => calendar.working_between(EventTime(from), EventTime(to), &self.zone),
            None => to.saturating_sub(from),
        }
    }

    /// A due time after a pause: later by as much as passed on its own clock.
    fn shifted(&self, due: i64, (from, to): (i64, i64), span: WorkingSpan) -> i64 {
        match span {
            WorkingSpan::Clock(_) => due.saturating_add(to.saturating_sub(from)),
            WorkingSpan::Days(_) | WorkingSpan::Hours(_) => {
                self.after(due, WorkingSpan::Hours(self.worked(from, to))).unwrap_or(due)
            }
        }
    }
}

impl Facts {
    /// When it happened.
    pub(crate) fn instant(&self, which: CaseInstant) -> Option<i64> {
        match which {
            CaseInstant::Received => self.received,
            CaseInstant::Assigned => self.assigned,
            CaseInstant::Responded => self.responded,
            CaseInstant::Resolved => self.resolved,
            CaseInstant::Ended => self.ended,
            CaseInstant::Rated => self.rated,
            CaseInstant::Reopened => self.reopened,
        }
    }

    /// Whether it is known and not ended.
    pub(crate) fn is_open(&self) -> bool {
        self.step.is_some() && self.ended.is_none()
    }

    /// How it stands at an instant not before its events.
    pub(crate) fn stands(&self, standing: Standing, at: i64, due_soon: Span) -> bool {
        let runs = self.is_open() && self.waiting_since.is_none();
        let due = self.due.map(|(_, last)| last);
        match standing {
            Standing::Open => self.is_open(),
            Standing::Waiting => self.is_open() && self.waiting_since.is_some(),
            Standing::Overdue => runs && due.is_some_and(|due| due < at),
            Standing::DueSoon => {
                runs && due.is_some_and(|due| at <= due && due.saturating_sub(due_soon) <= at)
            }
        }
    }

    /// The instants after `at` at which it stands otherwise although nothing happens.
    pub(crate) fn turns(&self, at: i64, due_soon: Span) -> impl Iterator<Item = i64> {
        let due = self.due.filter(|_| self.is_open()).map(|(_, last)| last);
        let turns = [due.map(|due| due.saturating_sub(due_soon)), due.map(|due| due.saturating_add(1))];
        turns.into_iter().flatten().filter(move |turn| *turn > at)
    }

    /// The time it took from receipt to another instant; none where one is not known, or they contradict each other.
    pub(crate) fn since_received(&self, to: Option<i64>) -> Option<(i64, i64)> {
        self.received.zip(to).filter(|(received, to)| received <= to)
    }

    /// Handling in working time, waiting for the reporter left out.
    pub(crate) fn handled(&self, clock: &Clock) -> Option<Span> {
        let (received, resolved) = self.since_received(self.resolved)?;
        let inside = |(from, to): &(i64, i64)| (*from.max(&received), *to.min(&resolved));
        let waited = self.pauses.iter().map(inside).filter(|(from, to)| from < to);
        let waited: Span = waited.map(|(from, to)| clock.worked(from, to)).sum();
        Some(clock.worked(received, resolved).saturating_sub(waited))
    }

    /// Ended in time: as promised at first, as extended, or late.
    pub(crate) fn on_time(&self) -> Option<usize> {
        let (_, resolved) = self.since_received(self.resolved)?;
        let (first, last) = self.due?;
        Some(if resolved <= first {
            0
        } else if resolved <= last {
            1
        } else {
            2
        })
    }
}

impl Event {
    pub(crate) fn value(&self, name: u32) -> Option<Value> {
        let at = self.values.binary_search_by_key(&name, |(known, _)| *known).ok()?;
        self.values.get(at).map(|(_, value)| *value)
    }

    fn word(&self, name: u32) -> Option<u32> {
        match self.value(name) {
            Some(Value::State(word)) => Some(word),
            _ => None,
        }
    }

    fn number(&self, name: u32) -> Option<i128> {
        match self.value(name) {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
