//! Time passes: the barrier where watermarks move, windows close and durable rows are written.

use nhip_proto::{Offset, Row};

use crate::badge::{Group, Part};
use crate::beyond::Beyond;
use crate::derive::Scene;
use crate::engine::{Engine, find_mut};
use crate::lane::{Board, Lane, NEVER};
use crate::plan::Split;
use crate::pulse::STRETCH;
use crate::row::Moment;
use crate::settle::{Settled, Settling, link};
use crate::watch::IDLE;

impl Engine {
    /// A Tick record.
    pub(crate) fn pass_time(&mut self, offset: Offset, at: i64) -> Vec<Row> {
        self.previous_tick = self.tick.map_or(Offset(0), |(offset, _)| offset);
        let last = self.tick.map(|(_, last)| last);
        let at = last.map_or(at, |last| at.max(last));
        self.tick = Some((offset, at));
        let same_stretch = last.is_some_and(|last| last.div_euclid(STRETCH) == at.div_euclid(STRETCH));
        self.watch.words.clear();
        self.watch.words.extend(self.glance.groups.iter().flatten().map(Group::words));
        if self.watch.ready && same_stretch {
            self.look_again(at);
        } else {
            self.look_around(at);
        }
        self.pass_time_of_cases(last, at);
        self.tell_words();
        let rows = self.settle(at);
        self.judge_accuracy();
        self.watch.rows = rows.len();
        debug_assert!(self.all_sources().all(|source| source.counts.balances()), "P4: the ledger balances");
        rows
    }

    /// Looks at every source: live, idle, its hour; sums them up by stream and area.
    fn look_around(&mut self, tick: i64) {
        self.watch.clear(&self.plan);
        self.watch.units = self.plan.answerable.on(tick);
        self.watch.stirred.clear();
        self.glance.clear(&self.plan);
        for source in self.partitions.iter_mut().flat_map(|partition| &mut partition.sources) {
            source.part = Part::default();
            let Some(bound) = source.bound else { continue };
            let Some(groups) = self.glance.groups.get_mut(bound.stream as usize) else { continue };
            let Some(stream) = self.plan.streams.get(bound.stream as usize) else { continue };
            for area in self.plan.reach(bound.stream, bound.area) {
                if let Some(group) = groups.get_mut(*area as usize) {
                    group.list(&bound, &stream.rules);
                }
            }
            if let Some(total) = self.watch.totals.get_mut(bound.stream as usize) {
                total.list(&bound, &stream.rules);
            }
            for unit in self.watch.units.of(bound.owner) {
                if let Some(total) = self.watch.unit_totals.get_mut(*unit as usize) {
                    total.list(&bound, &stream.rules);
                }
            }
        }
        for number in 0..self.homes.len() as u32 {
            self.look_at(number, tick);
        }
        self.watch.move_watermarks(&self.plan, &mut self.glance, tick);
        self.glance.sum_up(&self.plan, &self.watch.totals, &self.watch.unit_totals);
    }

    /// Looks only at sources that spoke or whose time is up. The hour of all others is the same within a stretch.
    fn look_again(&mut self, tick: i64) {
        let mut numbers = std::mem::take(&mut self.watch.stirred);
        self.watch.due(tick, &mut numbers);
        for number in numbers.drain(..) {
            self.look_at(number, tick);
        }
        self.watch.stirred = numbers;
        self.watch.move_watermarks(&self.plan, &mut self.glance, tick);
        self.glance.sum_up(&self.plan, &self.watch.totals, &self.watch.unit_totals);
    }

    /// Puts what one source is at this Tick in the place of what it was.
    fn look_at(&mut self, number: u32, tick: i64) {
        let Some(source) = find_mut(&self.homes, &mut self.partitions, number) else { return };
        source.stirred = false;
        let Some(bound) = source.bound else { return };
        let Some(stream) = self.plan.streams.get(bound.stream as usize) else { return };
        source.pulse.advance(tick);
        let flipped = source.judge_live(&bound, stream, tick, self.gap);
        if flipped && !source.changed {
            source.changed = true;
            self.changed_sources.push(number);
        }
        let watermark = source.greatest.map_or(i64::MIN, |time| time.saturating_sub(stream.disorder));
        // A source that owes nothing and was never heard is not waited for.
        let absent = source.greatest.is_none() && bound.listed && !bound.due;
        let idle = absent || source.is_idle(&bound, tick, self.gap);
        let hold = if idle { IDLE } else { watermark };
        let wake = source.wake(&bound, stream, tick, self.gap);
        self.watch.note(number, (bound.stream, bound.area), hold, wake);
        let part = Part::of(source, &bound, stream, tick);
        let before = std::mem::replace(&mut source.part, part);
        if part == before {
            return;
        }
        let Some(groups) = self.glance.groups.get_mut(bound.stream as usize) else { return };
        for area in self.plan.reach(bound.stream, bound.area) {
            let Some(group) = groups.get_mut(*area as usize) else { continue };
            group.exchange(&before, &part);
        }
        if let Some(total) = self.watch.totals.get_mut(bound.stream as usize) {
            total.exchange(&before, &part);
        }
        for unit in self.watch.units.of(bound.owner) {
            if let Some(total) = self.watch.unit_totals.get_mut(*unit as usize) {
                total.exchange(&before, &part);
            }
        }
        if flipped {
            self.tell_source_flip(number, bound.stream, bound.lane);
        }
    }

    /// Marks the figures that are of one source alone.
    fn tell_source_flip(&mut self, number: u32, stream: u32, lane: u32) {
        let measured = self.plan.streams.get(stream as usize).map_or(&[][..], |known| &known.definitions);
        let derived = self.plan.derived.by_stream.get(stream as usize).map_or(&[][..], |derived| derived);
        for definition in measured.iter().chain(derived) {
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

    /// Marks the figures of groups that say something else of their sources than before this Tick.
    fn tell_words(&mut self) {
        let before = std::mem::take(&mut self.watch.words);
        let now = self.glance.groups.iter().flatten().map(Group::words);
        let areas = self.plan.areas.max(1);
        let others = now.enumerate().filter(|(at, words)| before.get(*at) != Some(words));
        let others: Vec<usize> = others.map(|(at, _)| at).collect();
        for at in others {
            self.tell_flip((at / areas) as u32, (at % areas) as u32);
        }
        self.watch.words = before;
    }

    fn tell_flip(&mut self, stream: u32, area: u32) {
        let measured = self.plan.streams.get(stream as usize).map_or(&[][..], |stream| &stream.definitions);
        let derived = self.plan.derived.by_stream.get(stream as usize).map_or(&[][..], |derived| derived);
        for definition in measured.iter().chain(derived) {
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

    fn settle(&mut self, tick: i64) -> Vec<Row> {
        // About as many rows as with the Tick before.
        let mut settled = Settled { rows: Vec::with_capacity(self.watch.rows), ..Settled::default() };
        settled.chain.hasher.update(&self.rows_chain);
        settled.chain.hasher.update(&self.tick_known().0.0.to_be_bytes());
        // What was measured first: derived figures follow from it, in their order.
        let mut board = std::mem::take(&mut self.board);
        for number in 0..self.plan.definitions.len() as u32 {
            if self.plan.derived.of(number).is_none() {
                self.settle_lanes(&mut board, number, tick, &mut settled);
            }
        }
        board.stirred.append(&mut settled.stirred);
        self.board = board;
        self.cascade();
        let mut board = std::mem::take(&mut self.board);
        for number in &self.plan.derived.order {
            self.settle_lanes(&mut board, *number, tick, &mut settled);
        }
        self.board = board;
        for Beyond { row, essence, restatement } in std::mem::take(&mut self.beyond) {
            link(&row, essence, &mut settled.chain);
            settled.rows.push(row);
            settled.restatements.extend(restatement);
        }
        let Settled { mut rows, chain, restatements, .. } = settled;
        if rows.is_empty() {
            return rows;
        }
        self.amends.remember_restatements(restatements);
        self.rows_chain = *chain.hasher.finalize().as_bytes();
        rows.sort_unstable_by(|left, right| {
            (left.key.window_start, &left.key, left.definition).cmp(&(
                right.key.window_start,
                &right.key,
                right.definition,
            ))
        });
        rows
    }

    /// Settles the lanes of one definition that must be looked at.
    fn settle_lanes(&self, board: &mut Board, number: u32, tick: i64, settled: &mut Settled) {
        let Some(definition) = self.plan.definition(number) else { return };
        let spans = (definition.horizon, definition.keep);
        let count = board.alarms.get(number as usize).map_or(0, Vec::len);
        for place in 0..count as u32 {
            let alarm = board.alarm(number, place);
            if alarm == NEVER || (alarm > tick && !self.has_moved(number, definition.stream, place)) {
                continue;
            }
            let watermark = self.watermark(number, definition.stream, place, tick);
            // The lane is taken out, for others may be looked at while it is settled.
            let Some(mut lane) = board.take_out(number, place) else { continue };
            let told = lane.wakes(watermark, tick, spans)
                && self.settle_lane(board, (number, place), &mut lane, tick, settled);
            let alarm = lane.alarm(spans);
            board.put_back(number, place, lane, alarm);
            if told {
                self.tell(board, number, place);
            }
        }
    }

    /// Marks a figure, and those that show something of it.
    fn tell(&self, board: &mut Board, number: u32, place: u32) {
        board.mark(number, place);
        for follower in self.plan.derived.followers.get(number as usize).into_iter().flatten() {
            for around in self.plan.chain(place) {
                board.mark(*follower, *around);
            }
        }
    }

    fn settle_lane(
        &self,
        board: &Board,
        (number, place): (u32, u32),
        lane: &mut Lane,
        tick: i64,
        settled: &mut Settled,
    ) -> bool {
        let Some((definition, area)) = self.plan.definition(number).zip(self.plan.codes.get(place as usize))
        else {
            return false;
        };
        let Some(calendar) = self.plan.calendars.get(definition.calendar as usize) else { return false };
        let moment = Moment { previous: self.previous_tick, ..self.moment() };
        let group = self.group_at(definition.stream, place);
        let derived = self.plan.derived.of(number).is_some();
        let scene = Scene { engine: self, board, moment: &moment };
        let settling = Settling {
            definition,
            number,
            calendar,
            area,
            place,
            group_name: self.plan.group(place),
            group: group.as_ref(),
            moment: &moment,
            tick,
            scene: (derived || definition.agreement.is_some()).then_some(scene),
            derived,
            is_read: self.plan.derived.is_read(number),
        };
        settling.settle(lane, settled)
    }

    /// The watermark of a figure: of its one source, or the least of the streams it stands on.
    fn watermark(&self, number: u32, stream: u32, place: u32, tick: i64) -> Option<i64> {
        if let Some(source) = self.watch.owner(place) {
            let bound = self.source(source).and_then(|source| source.bound);
            let stream = self.plan.streams.get(bound.map_or(stream, |bound| bound.stream) as usize);
            return stream.map(|stream| self.watch.watermark_of(source, stream, tick));
        }
        let area = self.plan.home(place);
        let of = |stream: u32| self.glance.group(stream, area).and_then(|group| group.watermark);
        match self.plan.derived.of(number) {
            None => of(stream),
            Some(derivation) => {
                let watermarks = derivation.streams.iter().map(|stream| of(*stream));
                watermarks
                    .reduce(|left, right| left.zip(right).map(|(left, right)| left.min(right)))
                    .flatten()
            }
        }
    }

    /// Whether the watermark of a figure may have moved with this Tick.
    fn has_moved(&self, number: u32, stream: u32, place: u32) -> bool {
        let area = self.plan.home(place) as usize;
        let of = |stream: u32| {
            let moved = self.watch.moved.get(stream as usize);
            moved.and_then(|moved| moved.get(area)).copied().unwrap_or(false)
        };
        self.watch.owner(place).is_some()
            || match self.plan.derived.of(number) {
                None => of(stream),
                Some(derivation) => derivation.streams.iter().any(|stream| of(*stream)),
            }
    }
}
