//! Which cases a Tick must look at. Follows from the state and is never part of it.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use crate::admit::Frame;
use crate::cases::{hear, look, wake_of};
use crate::engine::{Engine, find_mut};
use crate::touch::Touch;

/// Cases by the Tick time at which they must be looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct CaseWatch {
    /// Time, source, case; entries a case does not confirm are void. Each case has at most one that counts.
    queue: BinaryHeap<Reverse<(i64, u32, u128)>>,
    /// Sources with cases.
    sources: BTreeSet<u32>,
}

impl CaseWatch {
    /// Takes in what a worker found.
    pub(crate) fn take(&mut self, woken: &mut Vec<(i64, u32, u128)>) {
        for (wake, source, case) in woken.drain(..) {
            self.sources.insert(source);
            if wake != i64::MAX {
                self.queue.push(Reverse((wake, source, case)));
            }
        }
    }

    fn due(&mut self, tick: i64) -> Option<(i64, u32, u128)> {
        let Reverse(first) = *self.queue.peek()?;
        if first.0 > tick {
            return None;
        }
        self.queue.pop();
        Some(first)
    }
}

impl Engine {
    /// Queues all cases anew, for another plan or after a restart.
    pub(crate) fn queue_cases(&mut self) {
        let mut woken = Vec::new();
        for source in self.partitions.iter_mut().flat_map(|partition| &mut partition.sources) {
            let (Some(bound), Some(cases)) = (source.bound, source.cases.as_mut()) else { continue };
            let Some(stream) = self.plan.streams.get(bound.stream as usize) else { continue };
            woken.push((i64::MAX, source.number, 0));
            for (case, known) in &mut cases.cases {
                known.wake = wake_of(&self.plan, stream, known);
                woken.push((known.wake, source.number, *case));
            }
        }
        self.case_watch = CaseWatch::default();
        self.case_watch.take(&mut woken);
    }

    /// A Tick for cases: windows begin, due times pass, ended cases are forgotten. `since`: the Tick before.
    pub(crate) fn pass_time_of_cases(&mut self, since: Option<i64>, tick: i64) {
        let mut touches: Vec<Touch> = Vec::new();
        let frame = Frame { plan: &self.plan, tick: Some(tick), entering: None };
        let mut again = Vec::new();
        while let Some((wake, number, case)) = self.case_watch.due(tick) {
            let Some(source) = find_mut(&self.homes, &mut self.partitions, number) else { continue };
            let cases = source.cases.as_ref();
            if cases.and_then(|cases| cases.cases.get(&case)).is_none_or(|known| known.wake != wake) {
                continue;
            }
            let next = look(source, case, frame, tick, &mut touches);
            again.extend(next.map(|wake| (wake, number, case)));
        }
        self.case_watch.take(&mut again);
        for number in &self.case_watch.sources {
            let Some(source) = find_mut(&self.homes, &mut self.partitions, *number) else { continue };
            let heard = source.cases.as_ref().map(|cases| cases.heard.clone()).unwrap_or_default();
            for span in heard {
                hear(source, &self.plan, span, (since.unwrap_or(i64::MIN), tick), &mut touches);
            }
            if let Some(cases) = source.cases.as_mut() {
                cases.heard.retain(|(_, until, _)| *until > tick);
            }
        }
        for touch in &touches {
            self.board.take(&self.plan, touch);
        }
    }
}
