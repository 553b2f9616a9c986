//! Definitions over cases: they read the names and facts of cases where others read those of the stream.

use jiff::tz::TimeZone;
use nhip_profile::{Indicator, Profile, Stream};

use super::Compiler;
use crate::cases::CasePlan;
use crate::plan::{NameKind, NamePlan};

impl Compiler<'_> {
    /// While a definition over cases is compiled, the names of its stream are those of the cases. Returns which cases.
    pub(super) fn enter_cases(
        &mut self,
        (profile, zone): (&Profile, &TimeZone),
        indicator: &Indicator,
        stream: u32,
    ) -> Option<usize> {
        let over = indicator.cases?;
        let rules = profile.cases.get(&indicator.stream)?;
        let calendar = rules.calendar.as_ref().and_then(|id| profile.calendars.get(id)).cloned();
        let made_of = (rules.clone(), calendar, zone.clone());
        let number = self.plan.definitions.len() as u32;
        let known = self.plan.streams.get(stream as usize)?;
        let at = match known.cases.iter().position(|cases| cases.made_of == made_of) {
            Some(at) => at,
            None => {
                let at = known.cases.len();
                let case = known.names.iter().position(|name| name.text == rules.case).map(|at| at as u32);
                let names = self.names(&rules.facts);
                let cases = CasePlan::new(made_of, names, case, self.words);
                self.plan.streams.get_mut(stream as usize)?.cases.push(cases);
                at
            }
        };
        self.swap_names(stream, at);
        let cases = self.plan.streams.get_mut(stream as usize)?.cases.get_mut(at)?;
        cases.over.push((number, over));
        Some(at)
    }

    /// The names of the stream are its own again.
    pub(super) fn leave_cases(&mut self, stream: u32, cases: Option<usize>) {
        if let Some(at) = cases {
            self.swap_names(stream, at);
        }
    }

    fn swap_names(&mut self, stream: u32, at: usize) {
        if let Some(stream) = self.plan.streams.get_mut(stream as usize)
            && let Some(cases) = stream.cases.get_mut(at)
        {
            std::mem::swap(&mut stream.names, &mut cases.names);
        }
    }

    /// The names of a stream, sorted.
    pub(super) fn names(&mut self, stream: &Stream) -> Vec<NamePlan> {
        let mut names = Vec::new();
        for (name, default) in &stream.quantities {
            let Some(quantity) = self.profile.quantities.get(name) else { continue };
            let kind = NameKind::Quantity {
                unit: quantity.unit.clone(),
                default: default.clone(),
                scale: quantity.scale,
                range: quantity.range,
            };
            names.push(self.name(name, kind));
        }
        for (name, states) in &stream.states {
            let states: Vec<(String, u32)> =
                states.iter().map(|state| (state.clone(), self.words.intern(state))).collect();
            let offline = states.iter().find(|(text, _)| text == "offline").map(|(_, word)| *word);
            names.push(self.name(name, NameKind::State { states, offline }));
        }
        for name in &stream.things {
            names.push(self.name(name, NameKind::Thing));
        }
        names.sort_by(|left, right| left.text.cmp(&right.text));
        names
    }
}
