//! Cases compiled: which names indicators over cases read, and by which rules they come about.

use jiff::tz::TimeZone;
use nhip_profile::{CaseRules, FACT_QUANTITIES, FACT_STATES, OverCases, WorkCalendar};
use nhip_proto::{SECOND, divide_half_even};

use super::Event;
use super::timeline::{Clock, Facts, Rules};
use crate::plan::{NameKind, NamePlan};
use crate::reading::Value;
use crate::table::Words;

/// An hour in nanoseconds.
const HOUR: i128 = 3_600 * SECOND as i128;

/// The cases of one stream by one edition of its rules.
#[derive(Clone, Debug)]
pub(crate) struct CasePlan {
    /// What it was made of: another edition is another plan.
    pub(crate) made_of: (CaseRules, Option<WorkCalendar>, TimeZone),
    /// The place of the thing that names a case among the names of the stream.
    pub(crate) case: Option<u32>,
    pub(crate) rules: Rules,
    /// What indicators over cases read, sorted by name, and which of them each moves.
    pub(crate) names: Vec<NamePlan>,
    /// When a case counts, by definition.
    pub(crate) over: Vec<(u32, OverCases)>,
    /// The place of the case itself among the names.
    own: Option<usize>,
    /// The places of the facts among the names, in their order.
    numbers: Vec<Option<usize>>,
    words: Vec<(Option<usize>, Vec<u32>)>,
}

impl CasePlan {
    pub(crate) fn new(
        made_of: (CaseRules, Option<WorkCalendar>, TimeZone),
        names: Vec<NamePlan>,
        case: Option<u32>,
        words: &mut Words,
    ) -> Self {
        let at = |name: &str| names.iter().position(|known| known.text == name);
        let numbers = FACT_QUANTITIES.iter().map(|(name, ..)| at(name)).collect();
        let own = at(&made_of.0.case);
        let states = FACT_STATES
            .iter()
            .map(|(name, known)| (at(name), known.iter().map(|word| words.intern(word)).collect()));
        let states = states.collect();
        let rules = rules_of(&made_of, words);
        Self { made_of, case, rules, names, over: Vec::new(), own, numbers, words: states }
    }

    /// When cases count for a definition.
    pub(crate) fn over(&self, definition: u32) -> Option<OverCases> {
        self.over.iter().find(|(known, _)| *known == definition).map(|(_, over)| *over)
    }

    /// What indicators read of a case, by the places of the names: the newest words and values, and the facts.
    pub(crate) fn values(&self, case: u128, events: &[Event], facts: &Facts) -> Vec<Option<Value>> {
        let newest = |name: &NamePlan| match name.kind {
            NameKind::Thing => None,
            NameKind::Quantity { .. } | NameKind::State { .. } => {
                events.iter().rev().find_map(|event| event.value(name.word))
            }
        };
        let mut values: Vec<Option<Value>> = self.names.iter().map(newest).collect();
        let mut put = |at: Option<usize>, value: Option<Value>| {
            if let Some(slot) = at.and_then(|at| values.get_mut(at)) {
                *slot = value;
            }
        };
        put(self.own, Some(Value::Thing(case)));
        let elapsed = |to: Option<i64>| facts.since_received(to).map(|(from, to)| to.saturating_sub(from));
        let waited = facts.pauses.iter().map(|(from, to)| to.saturating_sub(*from)).sum();
        let hours =
            |span: Option<i64>| span.and_then(|span| divide_half_even(i128::from(span) * 1_000, HOUR));
        let count = |count: u32| Some(i128::from(count));
        let numbers = [
            hours(facts.handled(&self.rules.clock)),
            hours(elapsed(facts.resolved)),
            hours(elapsed(facts.assigned)),
            hours(elapsed(facts.responded)),
            hours(Some(waited)),
            count(facts.supplements),
            count(facts.returns),
            count(facts.extensions),
            count(facts.reopens),
            count(facts.irregular),
        ];
        for (at, number) in self.numbers.iter().zip(numbers) {
            put(*at, number.map(Value::Number));
        }
        let promised = |span: fn(&nhip_profile::ServiceLevel) -> Option<nhip_profile::WorkingSpan>,
                        to: Option<i64>| {
            let (received, to) = facts.since_received(to)?;
            let due = self.rules.clock.after(received, facts.level.as_ref().and_then(span)?)?;
            Some(usize::from(to > due))
        };
        let states = [
            facts.on_time(),
            promised(|level| level.assign, facts.assigned),
            promised(|level| level.respond, facts.responded),
        ];
        for ((at, words), state) in self.words.iter().zip(states) {
            put(*at, state.and_then(|state| words.get(state)).map(|word| Value::State(*word)));
        }
        values
    }
}

fn rules_of(
    (rules, calendar, zone): &(CaseRules, Option<WorkCalendar>, TimeZone),
    words: &mut Words,
) -> Rules {
    let mut steps: Vec<_> = rules.steps.iter().map(|(word, step)| (words.intern(word), *step)).collect();
    steps.sort_unstable();
    let mut name = |name: &Option<String>| name.as_ref().map(|name| words.intern(name));
    let levels = rules.levels.iter();
    Rules {
        clock: Clock { calendar: calendar.clone(), zone: zone.clone() },
        steps,
        due: name(&rules.due),
        category: name(&rules.category),
        severity: name(&rules.severity),
        rating: name(&rules.rating),
        levels: levels.map(|level| (name(&level.category), name(&level.severity), level.clone())).collect(),
        step: words.intern(&rules.step),
        reopen: rules.reopen,
        due_soon: rules.due_soon,
    }
}
