//! Changes travel: a window that changed moves the derived windows that look at it, and those that look at them.
//! Everything is worked out again from the windows as they stand, so the order and number of changes do not matter.

use std::collections::BTreeSet;

use super::gather::{Field, Window};
use super::{Dependent, Stage};
use crate::engine::Engine;
use crate::plan::Plan;

/// A derived window to be worked out: rank of its definition, whether it is combined, place, start. In this order
/// every window comes after all it follows from.
type Order = (u32, bool, u32, i64);

/// What is still to be worked out.
#[derive(Default)]
struct Queue {
    waiting: BTreeSet<Order>,
}

impl Engine {
    /// Works out all derived windows that follow from windows changed since the last call.
    pub(crate) fn cascade(&mut self) {
        if self.board.stirred.is_empty() {
            return;
        }
        let mut queue = Queue::default();
        let mut stirred = std::mem::take(&mut self.board.stirred);
        stirred.sort_unstable();
        stirred.dedup();
        for (definition, place, start) in stirred.drain(..) {
            queue.spread(&self.plan, definition, place, start);
        }
        self.board.stirred = stirred;
        self.work_off(queue);
    }

    /// Works out every derived window that is open, or begins with this profile: limits may read otherwise now.
    pub(crate) fn derive_open(&mut self) {
        let mut queue = Queue::default();
        for (number, lanes) in self.board.lanes.iter().enumerate() {
            if !self.plan.derived.is_read(number as u32) {
                continue;
            }
            for (place, lane) in lanes.iter().enumerate() {
                for cell in &lane.cells {
                    queue.spread(&self.plan, number as u32, place as u32, cell.start);
                }
            }
        }
        queue.waiting.retain(|(rank, _, place, start)| {
            let number = self.plan.derived.order.get(*rank as usize).copied().unwrap_or(u32::MAX);
            let lane = self.board.lane(number, *place);
            let known = lane.and_then(|lane| lane.cells.get(lane.find(*start)?));
            !known.is_some_and(|cell| cell.written.closed())
        });
        self.work_off(queue);
    }

    fn work_off(&mut self, mut queue: Queue) {
        while let Some((rank, _, place, start)) = queue.waiting.pop_first() {
            let Some(number) = self.plan.derived.order.get(rank as usize).copied() else { continue };
            if self.work_out(number, place, start) {
                queue.spread(&self.plan, number, place, start);
            }
        }
    }

    /// Works one window out; false if there is none.
    fn work_out(&mut self, number: u32, place: u32, start: i64) -> bool {
        let plan = &self.plan;
        let Some((definition, derivation)) = plan.definition(number).zip(plan.derived.of(number)) else {
            return false;
        };
        let Some(calendar) = plan.calendars.get(definition.calendar as usize) else { return false };
        let end = calendar.locate(start).1;
        // Inputs are kept longer than what follows from them: a window that is gone has its last row.
        let gone = self.tick.is_some_and(|(_, tick)| end.saturating_add(definition.keep) < tick);
        if gone && self.board.lane(number, place).is_none_or(|lane| lane.find(start).is_none()) {
            return false;
        }
        let window = Window { definition, derivation, number, place, start, end };
        let Some(worked) = (Field { plan, board: &self.board }).work(&window) else { return false };
        self.overflows = self.overflows.saturating_add(u64::from(worked.overflow));
        let changed = self.board.put(number, place, worked.cell);
        if changed && self.amending.is_some() {
            self.board.blame(number, place, start, self.amending);
        }
        changed
    }
}

impl Queue {
    /// Adds the windows that look at one.
    fn spread(&mut self, plan: &Plan, number: u32, place: u32, start: i64) {
        let derived = &plan.derived;
        if let Some(derivation) = derived.of(number)
            && derivation.rollup.is_some()
            && derived.stage(plan, derivation, place) == Stage::Direct
        {
            for around in plan.chain(place) {
                self.add(plan, number, *around, start, true);
            }
            self.add(plan, number, plan.home(place), start, true);
        }
        let Some(dependents) = derived.dependents.get(number as usize).filter(|list| !list.is_empty()) else {
            return;
        };
        let calendar = plan.definition(number).and_then(|known| plan.calendars.get(known.calendar as usize));
        let Some(calendar) = calendar else { return };
        for dependent in dependents {
            if dependent.inside {
                let (_, end) = calendar.locate(start);
                self.add_around(plan, dependent, place, end.saturating_sub(1));
            } else {
                let (mut at, mut steps) = (start, 0);
                for back in &dependent.backs {
                    while steps < *back {
                        at = calendar.next(at, calendar.locate(at).1).0;
                        steps += 1;
                    }
                    self.add(plan, dependent.definition, place, at, false);
                }
            }
        }
    }

    /// The longer windows an instant lies in.
    fn add_around(&mut self, plan: &Plan, dependent: &Dependent, place: u32, instant: i64) {
        let definition = plan.definition(dependent.definition);
        let calendar = definition.and_then(|known| plan.calendars.get(known.calendar as usize));
        let Some(calendar) = calendar else { return };
        let (mut start, mut end) = calendar.locate(instant);
        while end > instant {
            self.add(plan, dependent.definition, place, start, false);
            let before = calendar.locate(calendar.before(start));
            if before.0 >= start {
                break;
            }
            (start, end) = before;
        }
    }

    /// Adds one window, if its definition has it; `combined`: only if it is made of the places inside.
    fn add(&mut self, plan: &Plan, number: u32, place: u32, start: i64, combined: bool) {
        let known = plan.definition(number).filter(|known| known.covers(start) && !known.left_out);
        let Some((_, derivation)) = known.zip(plan.derived.of(number)) else { return };
        let stage = plan.derived.stage(plan, derivation, place);
        if stage == Stage::Nowhere || (combined && stage == Stage::Direct) {
            return;
        }
        if let Some(rank) = plan.derived.ranks.get(number as usize) {
            self.waiting.insert((*rank, stage == Stage::Combined, place, start));
        }
    }
}
