//! What a re-run found takes its place in the running engine; what the rows already say stays.

use std::collections::{BTreeMap, BTreeSet};

use nhip_proto::{Decimal, FigureKey, IndicatorId, Offset, RowCause, SourceId, StreamId};

use crate::amend::{Cause, Order, Pin};
use crate::beyond::{Said, unwritten};
use crate::cell::{Cell, Written};
use crate::engine::{Engine, find_mut};
use crate::lane::Lane;
use crate::plan::find_group;
use crate::rerun::{Job, Rerun};
use crate::row::key;

/// What a Restate would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// Records up to here took part.
    pub computed_to: Offset,
    /// BLAKE3 of the figures of the range.
    pub rows_digest: [u8; 32],
    /// Windows of the range with something in them.
    pub windows: u64,
    /// Figures that change, in key order: now and then.
    pub changes: Vec<(FigureKey, Option<Decimal>, Option<Decimal>)>,
}

/// Which lane of which edition: indicator, definition version, first start behind it if retired.
type LaneKey = (IndicatorId, [u8; 16], Option<i64>);

impl Engine {
    /// Takes in what a re-run of this engine found.
    pub fn take(&mut self, mut rerun: Rerun) {
        let said = rerun.recall.take().map(|recall| recall.said).unwrap_or_default();
        self.take_knowing(rerun, &said);
    }

    /// The same, where it is known what rows of forgotten windows said.
    pub(crate) fn take_knowing(&mut self, rerun: Rerun, said: &Said) {
        match rerun.job.clone() {
            Job::Redecode(last) => self.take_over(rerun.engine, last),
            Job::Restate(order) => self.take_in(rerun, &order, said),
        }
    }

    /// What taking a preview in would change.
    #[must_use]
    pub fn foresee(&self, rerun: &Rerun) -> Foreseen {
        let rows_digest = rerun.digest.unwrap_or_default();
        let (computed_to, changes) = (self.applied, Vec::new());
        let mut foreseen = Foreseen { computed_to, rows_digest, windows: 0, changes };
        let Job::Restate(order) = &rerun.job else { return foreseen };
        let fresh = &rerun.engine;
        let Some(number) = fresh.active(&order.indicator) else { return foreseen };
        let Some(definition) = fresh.plan.definition(number) else { return foreseen };
        let said = rerun.recall.as_ref().map(|recall| &recall.said);
        let mut told = BTreeSet::new();
        for (place, lane) in fresh.lanes_of(number) {
            let Some(code) = fresh.plan.codes.get(place as usize) else { continue };
            let name = fresh.areas.text(place);
            for cell in lane.cells.iter().filter(|cell| order.has(cell.start) && cell.has_data(true)) {
                foreseen.windows += 1;
                told.insert((name, cell.start));
                let key = key(definition, code, fresh.plan.group(place), cell.start);
                let recalled = said.and_then(|said| said.get(&key)).and_then(|row| row.value);
                let now = self.value_now(&order.indicator, name, cell.start).unwrap_or(recalled);
                let then = definition.amounts(cell, place, true).value;
                let then = then.map(|value| Decimal::new(value, definition.scale));
                if now != then {
                    foreseen.changes.push((key, now, then));
                }
            }
        }
        self.foresee_losses(order, &told, &mut foreseen);
        for (key, row) in said.into_iter().flatten().filter(|(_, row)| row.value.is_some()) {
            let place = find_group(&fresh.areas, &definition.split, key.area.as_str(), &key.group);
            let name = place.map_or("", |place| fresh.areas.text(place));
            let gone = self.is_forgotten(order, row.window_end.0);
            if gone && !told.contains(&(name, key.window_start.0)) {
                foreseen.changes.push((key.clone(), row.value, None));
            }
        }
        foreseen.changes.sort_by(|left, right| left.0.cmp(&right.0));
        foreseen
    }

    /// Windows that have a value now and would have none.
    fn foresee_losses(&self, order: &Order, told: &BTreeSet<(&str, i64)>, foreseen: &mut Foreseen) {
        for number in self.definitions_of(&order.indicator) {
            let Some(definition) = self.plan.definitions.get(number) else { continue };
            for (place, lane) in self.lanes_of(number as u32) {
                let name = self.areas.text(place);
                let Some(code) = self.plan.codes.get(place as usize) else { continue };
                for cell in lane.cells.iter().filter(|cell| order.has(cell.start)) {
                    let now = definition.amounts(cell, place, lane.has_closed(cell)).value;
                    if let Some(now) = now.filter(|_| !told.contains(&(name, cell.start))) {
                        let key = key(definition, code, self.plan.group(place), cell.start);
                        foreseen.changes.push((key, Some(Decimal::new(now, definition.scale)), None));
                    }
                }
            }
        }
    }

    /// Of a re-run's messages: items that new ones took the place of.
    pub(crate) fn supersede(&mut self, source: &SourceId, stream: &StreamId, items: u64) {
        let number = self.source_number(source, stream, 0);
        if let Some(source) = find_mut(&self.homes, &mut self.partitions, number) {
            source.counts.items += items;
            source.counts.superseded += items;
        }
    }

    /// BLAKE3 of the figures of a range as they stand.
    pub(crate) fn print(&self, order: &Order) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        let definition = self.active(&order.indicator).and_then(|at| Some((at, self.plan.definition(at)?)));
        let Some((number, definition)) = definition else { return [0; 32] };
        hasher.update(&definition.hash);
        for (place, lane) in self.lanes_of(number) {
            let code = self.areas.text(place);
            for cell in lane.cells.iter().filter(|cell| order.has(cell.start) && cell.has_data(true)) {
                let amounts = definition.amounts(cell, place, true);
                hasher.update(&(code.len() as u64).to_be_bytes());
                hasher.update(code.as_bytes());
                hasher.update(&cell.start.to_be_bytes());
                for number in [amounts.above, amounts.below, i128::from(amounts.k)] {
                    hasher.update(&number.to_be_bytes());
                }
            }
        }
        *hasher.finalize().as_bytes()
    }

    /// The lanes of a definition with their places.
    pub(crate) fn lanes_of(&self, definition: u32) -> impl Iterator<Item = (u32, &Lane)> {
        (0..).zip(self.board.lanes.get(definition as usize).into_iter().flatten())
    }

    /// The definitions of an indicator, the active one first.
    pub(crate) fn definitions_of(&self, indicator: &IndicatorId) -> Vec<usize> {
        let same = |number: &usize| {
            self.plan.definitions.get(*number).is_some_and(|known| &known.indicator == indicator)
        };
        (0..self.plan.definitions.len()).filter(same).collect()
    }

    /// The value of a window as its row would stand now; none: there is no such window.
    fn value_now(&self, indicator: &IndicatorId, place: &str, start: i64) -> Option<Option<Decimal>> {
        let place = self.areas.get(place)?;
        self.definitions_of(indicator).into_iter().find_map(|number| {
            let lane = self.board.lane(number as u32, place)?;
            let cell = lane.cells.get(lane.find(start)?)?;
            let definition = self.plan.definitions.get(number)?;
            let value = definition.amounts(cell, place, lane.has_closed(cell)).value;
            Some(value.map(|value| Decimal::new(value, definition.scale)))
        })
    }

    /// Everything as it would be had the messages been read so at once.
    fn take_over(&mut self, mut fresh: Self, last: u64) {
        let cause = Cause { why: RowCause::Redecoded, offset: last, at: 0 };
        let keys = |engine: &Self| -> Vec<LaneKey> {
            let key = |known: &crate::plan::Definition| (known.indicator.clone(), known.hash, known.to);
            engine.plan.definitions.iter().map(key).collect()
        };
        let known = keys(self).into_iter().zip(std::mem::take(&mut self.board.lanes));
        let mut known: BTreeMap<LaneKey, Vec<Lane>> = known.collect();
        for (lane_key, lanes) in keys(&fresh).into_iter().zip(&mut fresh.board.lanes) {
            let pinned = |start: i64| self.amends.is_pinned(&lane_key.0, start);
            let mut before = known.remove(&lane_key).unwrap_or_default();
            let places = lanes.len().max(before.len());
            lanes.resize_with(places, Lane::default);
            before.resize_with(places, Lane::default);
            for (lane, before) in lanes.iter_mut().zip(before) {
                merge(before, lane, pinned, cause);
            }
        }
        let late = std::mem::take(&mut fresh.amends.late);
        fresh.amends = std::mem::take(&mut self.amends);
        let entered: Vec<_> = fresh.amends.late.iter().filter(|late| late.entered).copied().collect();
        (fresh.amends.late, fresh.amends.redecoded) = (late, None);
        for late in entered {
            fresh.let_in(late.offset, late.place);
        }
        (fresh.rows_chain, fresh.others) = (self.rows_chain, self.others);
        fresh.applied = self.applied;
        (fresh.profile_changed, fresh.replays) = (self.profile_changed, false);
        *self = fresh;
        self.compile();
        self.find_owners();
        self.follow(cause);
        self.tell_everybody();
    }

    /// Only the windows of one range.
    fn take_in(&mut self, rerun: Rerun, order: &Order, said: &Said) {
        self.amends.restates.retain(|known| known.offset != order.offset);
        if rerun.digest != Some(order.digest) {
            self.amends.unverified += 1;
        }
        let fresh = rerun.engine;
        let Some(wanted) = fresh.active(&order.indicator) else { return };
        for (offset, place) in fresh.outputs.iter().flat_map(|output| &output.entered) {
            self.let_in(*offset, *place);
        }
        let cause = Cause { why: RowCause::Restated, offset: order.offset, at: order.at };
        let beyond = self.rows_beyond(&fresh, (order, cause), said);
        self.beyond.extend(beyond);
        let definitions = self.definitions_of(&order.indicator);
        let active = definitions.first().and_then(|active| self.board.lanes.get(*active));
        for place in 0..active.map_or(0, Vec::len) {
            let same = fresh.areas.get(self.areas.text(place as u32));
            let found = same.and_then(|same| fresh.board.lane(wanted, same));
            let mut cells: BTreeMap<i64, Cell> = BTreeMap::new();
            for cell in found.into_iter().flat_map(|lane| &lane.cells).filter(|cell| order.has(cell.start)) {
                if !self.is_forgotten(order, cell.end) {
                    cells.insert(cell.start, unwritten(cell));
                }
            }
            self.exchange(&definitions, place, cells, (order, cause), said);
        }
        let Order { indicator, from, to, .. } = order.clone();
        self.amends.pin(Pin { indicator, from, to });
        self.compile();
        self.find_owners();
        self.follow(cause);
        self.tell_everybody();
    }

    /// Puts the cells of one place in the place of those of the range; what the rows say of each window stays.
    fn exchange(
        &mut self,
        definitions: &[usize],
        place: usize,
        mut cells: BTreeMap<i64, Cell>,
        (order, cause): (&Order, Cause),
        said: &Said,
    ) {
        let active = self.active(&order.indicator).and_then(|active| self.plan.definition(active));
        let keep = active.map_or(0, |definition| definition.keep);
        let tick = self.tick.map_or(i64::MIN, |(_, tick)| tick);
        let within = |cell: &Cell| order.has(cell.start) && cell.end.saturating_add(keep) >= tick;
        for number in definitions {
            let lanes = self.board.lanes.get_mut(*number);
            let Some(lane) = lanes.and_then(|lanes| lanes.get_mut(place)) else { continue };
            let (inside, outside) = std::mem::take(&mut lane.cells).into_iter().partition(within);
            lane.cells = outside;
            let inside: std::collections::VecDeque<Cell> = inside;
            for before in inside {
                let cell = cells.entry(before.start).or_insert_with(|| Cell::new(before.start, before.end));
                inherit(cell, before, cause);
            }
        }
        for (start, cell) in &mut cells {
            if cell.written == Written::default() {
                let written = self.recalled(said, place as u32, *start, order).unwrap_or_default();
                let nothing = Cell { written, ..Cell::new(*start, cell.end) };
                inherit(cell, nothing, cause);
            }
        }
        let lanes = definitions.first().and_then(|active| self.board.lanes.get_mut(*active));
        let Some(lane) = lanes.and_then(|lanes| lanes.get_mut(place)) else { return };
        for (start, cell) in cells {
            let at = lane.cells.partition_point(|known| known.start < start);
            lane.cells.insert(at, cell);
        }
    }

    /// A late item counts as applied from now on.
    fn let_in(&mut self, offset: u64, place: u32) {
        let Some(at) = self.amends.find_late(offset, place) else { return };
        let Some(late) = self.amends.late.get_mut(at).filter(|late| !late.entered) else { return };
        late.entered = true;
        if let Some(source) = find_mut(&self.homes, &mut self.partitions, late.source) {
            source.counts.late -= 1;
            source.counts.applied += 1;
        }
    }

    /// Works out what follows from windows a revision changed.
    fn follow(&mut self, cause: Cause) {
        let mut stirred = Vec::new();
        for number in 0..self.plan.definitions.len() as u32 {
            if self.plan.derived.is_read(number) {
                for (place, lane) in self.lanes_of(number) {
                    let changed = |cell: &&Cell| cell.written.dirty && cell.written.cause == Some(cause);
                    stirred.extend(lane.cells.iter().filter(changed).map(|cell| (number, place, cell.start)));
                }
            }
        }
        self.board.stirred = stirred;
        self.amending = Some(cause);
        self.cascade();
        self.amending = None;
    }

    fn tell_everybody(&mut self) {
        for (definition, area) in self.all_lanes() {
            self.board.mark(definition, area);
        }
        self.changed_sources = (0..self.homes.len() as u32).collect();
    }
}

/// Puts what the rows say of `before`'s windows to `fresh`'s content; pinned windows stay as they are.
fn merge(before: Lane, fresh: &mut Lane, pinned: impl Fn(i64) -> bool, cause: Cause) {
    let found = std::mem::take(&mut fresh.cells).into_iter().filter(|cell| !pinned(cell.start));
    let mut cells: BTreeMap<i64, Cell> =
        found.map(|cell| (cell.start, Cell { written: Written::default(), ..cell })).collect();
    let mut known = BTreeSet::new();
    for cell in before.cells {
        known.insert(cell.start);
        if pinned(cell.start) {
            cells.insert(cell.start, cell);
            continue;
        }
        let new = cells.entry(cell.start).or_insert_with(|| Cell::new(cell.start, cell.end));
        inherit(new, cell, cause);
    }
    for cell in cells.values_mut().filter(|cell| !known.contains(&cell.start)) {
        let nothing = Cell::new(cell.start, cell.end);
        inherit(cell, nothing, cause);
    }
    fresh.cells = cells.into_values().collect();
    fresh.watermark = fresh.watermark.max(before.watermark);
    fresh.carried = before.carried;
}

/// Takes over what the rows say of a window; it is due for a row if its content differs.
fn inherit(cell: &mut Cell, before: Cell, cause: Cause) {
    let written = before.written.clone();
    let changed = cell.changed;
    let probe = Cell { written: Written::default(), changed: 0, ..before };
    cell.changed = 0;
    cell.written = Written::default();
    let same = *cell == probe;
    cell.changed = changed;
    cell.written = written;
    if !same {
        cell.changed = cell.changed.max(cause.offset);
        cell.written.dirty = true;
        cell.written.cause = Some(cause);
    }
}

impl Order {
    /// Whether a window of this start is in the range.
    pub(crate) fn has(&self, start: i64) -> bool {
        (self.from..self.to).contains(&start)
    }
}
