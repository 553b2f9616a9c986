//! A figure of a statistic on its way in: it may take the place of what the source said before of the same thing.

use nhip_proto::Item;

use super::Visit;
use crate::plan::{NOWHERE, StreamPlan};
use crate::reading::{Moment, Value};
use crate::seen::{Verdict, content};
use crate::source::Bound;
use crate::statistic::{Contribution, StatisticPlan};

/// An item of a reading that was understood.
pub(super) struct Told<'a> {
    pub(super) item: &'a Item,
    pub(super) place: usize,
    pub(super) name: u32,
    pub(super) value: Value,
    /// The values of its reading.
    pub(super) values: &'a [Option<Value>],
    pub(super) moment: Moment,
}

impl Visit<'_, '_> {
    /// Judges which figure it is and whether it stands; true if it was applied. The windows were found before.
    pub(super) fn admit_statistic(
        &mut self,
        told: &Told<'_>,
        plan: &StatisticPlan,
        floor: i64,
        (bound, stream): (&Bound, &StreamPlan),
    ) -> bool {
        let (name, moment) = (told.name, &told.moment);
        let word = stream.names.get(name as usize).map_or(NOWHERE, |name| name.word);
        let print = content(told.value.digits(), moment.time, moment.period);
        let (key, version) = (plan.key(told.values, moment), plan.version(told.values));
        let values = told.values.iter().zip(&stream.names);
        let values = values.filter_map(|(value, name)| Some((name.word, (*value)?))).collect();
        let new = Contribution { version, arrival: self.arrival, area: bound.area, lane: bound.lane, values };
        let Some(standings) = self.source.standings(word) else { return false };
        let Some(verdict) = standings.judge(key, version, print, floor) else {
            self.late(told.place);
            return false;
        };
        let placed = if verdict == Verdict::New { standings.place(key, new) } else { None };
        self.source.pulse.judged(self.arrival, verdict == Verdict::Conflicting);
        if verdict != Verdict::New {
            self.source.counts.conflicting += u64::from(verdict == Verdict::Conflicting);
            self.source.counts.duplicate += 1;
            return false;
        }
        self.source.counts.applied += 1;
        // Of a period that is not over yet the source speaks now: its time goes no further.
        self.source.greatest = self.source.greatest.max(Some(moment.time.min(self.arrival)));
        if let Some(before) = placed {
            if let Some(old) = before {
                self.take_back(told, &old, (bound, stream));
            }
            let item = ranked(told.item, version.sequence());
            self.apply(&item, moment, (name, told.value), told.values, (bound, stream));
        }
        self.enter(told.place as u32, moment.instant);
        true
    }

    /// Takes out of its windows what the figure that stood before brought.
    fn take_back(&mut self, told: &Told<'_>, old: &Contribution, (bound, stream): (&Bound, &StreamPlan)) {
        let known = |word: u32| old.values.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
        let values: Vec<Option<Value>> = stream.names.iter().map(|name| known(name.word)).collect();
        let Some(Some(value)) = values.get(told.name as usize).copied() else { return };
        let bound = Bound { area: old.area, lane: old.lane, ..*bound };
        let item = ranked(told.item, old.version.sequence());
        self.takes_back = Some(old.arrival);
        self.apply(&item, &told.moment, (told.name, value), &values, (&bound, stream));
        self.takes_back = None;
    }
}

/// The item with its rank among the figures of the same thing in place of a sender's running number.
fn ranked(item: &Item, rank: u64) -> Item {
    Item { sequence: Some(rank), ..item.clone() }
}
