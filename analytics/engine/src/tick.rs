//! Time passes: the barrier where watermarks move, windows close and durable rows are written.

use nhip_proto::{Offset, Row};

use crate::badge::{Glance, Group, Part};
use crate::engine::{Engine, find, find_mut};
use crate::lane::NEVER;
use crate::plan::Split;
use crate::pulse::STRETCH;
use crate::row::Moment;
use crate::settle::{Chain, Settling};
use crate::watch::IDLE;

impl Engine {
    /// A Tick record.
    pub(crate) fn pass_time(&mut self, offset: Offset, at: i64) -> Vec<Row> {
        let last = self.tick.map(|(_, last)| last);
        let at = last.map_or(at, |last| at.max(last));
        self.tick = Some((offset, at));
        let same_stretch = last.is_some_and(|last| last.div_euclid(STRETCH) == at.div_euclid(STRETCH));
        if self.watch.ready && same_stretch {
            self.look_again(at);
        } else {
            std::mem::swap(&mut self.glance, &mut self.last_glance);
            self.look_around(at);
            self.tell_all_flips();
        }
        // About as many rows as with the Tick before.
        let mut rows = Vec::with_capacity(self.watch.rows);
        self.settle(at, &mut rows);
        self.watch.rows = rows.len();
        debug_assert!(self.all_sources().all(|source| source.counts.balances()), "P4: the ledger balances");
        rows
    }

    /// Looks at every source: live, idle, its hour; sums them up by stream and area.
    fn look_around(&mut self, tick: i64) {
        self.watch.clear(&self.plan);
        self.watch.stirred.clear();
        self.glance.clear(&self.plan);
        for source in self.partitions.iter_mut().flat_map(|partition| &mut partition.sources) {
            source.part = Part::default();
            let Some(bound) = source.bound else { continue };
            let Some(groups) = self.glance.groups.get_mut(bound.stream as usize) else { continue };
            for area in self.plan.chain(bound.area) {
                if let Some(group) = groups.get_mut(*area as usize) {
                    group.list(&bound);
                }
            }
            if let Some(total) = self.watch.totals.get_mut(bound.stream as usize) {
                total.list(&bound);
            }
        }
        for number in 0..self.homes.len() as u32 {
            self.look_at(number, tick);
        }
        self.watch.flips.clear();
        self.watch.move_watermarks(&self.plan, &mut self.glance, tick);
        self.glance.sum_up(&self.plan, &self.watch.totals);
    }

    /// Looks only at sources that spoke or whose time is up. The hour of all others is the same within a stretch.
    fn look_again(&mut self, tick: i64) {
        let mut numbers = std::mem::take(&mut self.watch.stirred);
        self.watch.due(tick, &mut numbers);
        for number in numbers.drain(..) {
            self.look_at(number, tick);
        }
        self.watch.stirred = numbers;
        self.tell_flips();
        self.watch.move_watermarks(&self.plan, &mut self.glance, tick);
        self.glance.sum_up(&self.plan, &self.watch.totals);
    }

    /// Puts what one source is at this Tick in the place of what it was.
    fn look_at(&mut self, number: u32, tick: i64) {
        let Some(source) = find_mut(&self.homes, &mut self.partitions, number) else { return };
        source.stirred = false;
        let Some(bound) = source.bound else { return };
        let Some(stream) = self.plan.streams.get(bound.stream as usize) else { return };
        source.pulse.advance(tick);
        let flipped = source.judge_live(&bound, stream.staleness, tick, self.gap);
        if flipped && !source.changed {
            source.changed = true;
            self.changed_sources.push(number);
        }
        let watermark = source.greatest.map_or(i64::MIN, |time| time.saturating_sub(stream.disorder));
        let hold = if source.is_idle(&bound, tick, self.gap) { IDLE } else { watermark };
        let wake = source.wake(&bound, stream.staleness, tick, self.gap);
        self.watch.note(number, (bound.stream, bound.area), hold, wake);
        let part = Part::of(source, &bound, tick);
        let before = std::mem::replace(&mut source.part, part);
        if part == before {
            return;
        }
        let Some(groups) = self.glance.groups.get_mut(bound.stream as usize) else { return };
        for area in self.plan.chain(bound.area) {
            let Some(group) = groups.get_mut(*area as usize) else { continue };
            if part.live() != before.live() {
                self.watch.flips.push((bound.stream, *area, group.live));
            }
            group.exchange(&before, &part);
        }
        if let Some(total) = self.watch.totals.get_mut(bound.stream as usize) {
            total.exchange(&before, &part);
        }
        if flipped {
            self.tell_source_flip(number, bound.stream, bound.lane);
        }
    }

    /// Marks the figures that are of one source alone.
    fn tell_source_flip(&mut self, number: u32, stream: u32, lane: u32) {
        let definitions = self.plan.streams.get(stream as usize).map_or(&[][..], |known| &known.definitions);
        for definition in definitions {
            if self.plan.definition(*definition).is_none_or(|known| known.split != Split::Source) {
                continue;
            }
            for place in
                self.plan.chain(lane).iter().filter(|place| self.watch.owner(**place) == Some(number))
            {
                self.board.mark(*definition, *place);
            }
        }
    }

    /// Marks the figures of groups in which a source went stale or came back.
    fn tell_flips(&mut self) {
        let mut flips = std::mem::take(&mut self.watch.flips);
        flips.sort_by_key(|(stream, area, _)| (*stream, *area));
        flips.dedup_by_key(|(stream, area, _)| (*stream, *area));
        for (stream, area, before) in flips.drain(..) {
            if self.glance.group(stream, area).is_some_and(|group| group.live != before) {
                self.tell_flip(stream, area);
            }
        }
        self.watch.flips = flips;
    }

    /// The same where everything was looked at.
    fn tell_all_flips(&mut self) {
        let life = |glance: &Glance| -> Vec<(u64, u64)> {
            glance.groups.iter().flatten().map(|group| (group.live, group.due)).collect()
        };
        let areas = self.plan.areas.max(1);
        let (now, before) = (life(&self.glance), life(&self.last_glance));
        let flips = (0..now.len()).filter(|at| now.get(*at) != before.get(*at));
        for (stream, area) in flips.map(|at| (at / areas, at % areas)) {
            self.tell_flip(stream as u32, area as u32);
        }
    }

    fn tell_flip(&mut self, stream: u32, area: u32) {
        let stream = self.plan.streams.get(stream as usize);
        for definition in stream.map_or(&[][..], |stream| &stream.definitions) {
            self.board.mark(*definition, area);
            let Some(Split::State(split)) = self.plan.definition(*definition).map(|known| &known.split)
            else {
                continue;
            };
            for place in split.places_in(area) {
                if self.board.lane(*definition, place).is_some_and(|lane| !lane.cells.is_empty()) {
                    self.board.mark(*definition, place);
                }
            }
        }
    }

    fn settle(&mut self, tick: i64, rows: &mut Vec<Row>) {
        let known = self.tick_known();
        let moment = Moment {
            known_offset: known.0,
            known_at: known.1,
            origin: self.origin(),
            sources: &self.source_ids,
            ordered: self.ordered,
            strangers: &self.strangers,
        };
        let mut chain = Chain::default();
        chain.hasher.update(&self.rows_chain);
        chain.hasher.update(&known.0.0.to_be_bytes());
        for (number, lanes) in self.board.lanes.iter_mut().enumerate() {
            let Some(definition) = self.plan.definitions.get(number) else { continue };
            let Some(calendar) = self.plan.calendars.get(definition.calendar as usize) else { continue };
            let moved = self.watch.moved.get(definition.stream as usize).map_or(&[][..], |moved| moved);
            let Some(alarms) = self.board.alarms.get_mut(number) else { continue };
            let Some(stream) = self.plan.streams.get(definition.stream as usize) else { continue };
            for (place, (lane, alarm)) in (0_u32..).zip(lanes.iter_mut().zip(alarms)) {
                if *alarm == NEVER {
                    continue;
                }
                let (area, owner) = (self.plan.home(place), self.watch.owner(place));
                let moves = owner.is_some() || moved.get(area as usize).copied().unwrap_or(false);
                if *alarm > tick && !moves {
                    continue;
                }
                let mut group = self.glance.group(definition.stream, area);
                let watermark = match owner {
                    Some(number) => Some(self.watch.watermark_of(number, stream, tick)),
                    None => group.and_then(|group| group.watermark),
                };
                if !lane.wakes(watermark, tick, definition.horizon) {
                    *alarm = lane.alarm(definition.horizon);
                    continue;
                }
                let source = owner.and_then(|number| find(&self.homes, &self.partitions, number));
                let single = source.map(|source| Group::single(source, tick));
                group = single.as_ref().or(group);
                let Some(area_code) = self.plan.codes.get(place as usize) else { continue };
                let group_name = self.plan.group(place);
                let settling = Settling {
                    definition,
                    calendar,
                    area: area_code,
                    group_name,
                    group,
                    moment: &moment,
                    tick,
                };
                let closed = settling.settle(lane, rows, &mut chain);
                *alarm = lane.alarm(definition.horizon);
                if closed && !lane.changed {
                    lane.changed = true;
                    self.board.changed.push((number as u32, place));
                }
            }
        }
        if rows.is_empty() {
            return;
        }
        self.rows_chain = *chain.hasher.finalize().as_bytes();
        rows.sort_unstable_by(|left, right| {
            (left.key.window_start, &left.key, left.definition).cmp(&(
                right.key.window_start,
                &right.key,
                right.definition,
            ))
        });
    }
}
