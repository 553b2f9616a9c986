//! The windows of one definition and place, and the board of all of them.

use std::collections::VecDeque;

use nhip_proto::Level;

use crate::amend::Cause;
use crate::cell::{Cell, Written};
use crate::plan::Plan;
use crate::table::mix;
use crate::touch::{Change, Touch};

/// No Tick has anything to do.
pub(crate) const NEVER: i64 = i64::MAX;

/// The windows of one figure, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) cells: VecDeque<Cell>,
    /// Never decreases.
    pub(crate) watermark: i64,
    /// The level of the last window forgotten.
    pub(crate) carried: Level,
    /// The least start of a changed window, if any; follows from the cells.
    pub(crate) dirty_from: i64,
    /// The least end of a window without a final row; follows from the cells.
    pub(crate) open_end: i64,
    /// The least Tick time at which a changed window is due for a row; follows from the cells.
    pub(crate) due: i64,
    /// The end of the oldest window; follows from the cells.
    pub(crate) oldest_end: i64,
    /// Whether a screen must learn of it; not part of the state.
    pub(crate) changed: bool,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            cells: VecDeque::new(),
            watermark: i64::MIN,
            carried: Level::Normal,
            dirty_from: i64::MAX,
            open_end: i64::MAX,
            due: i64::MAX,
            oldest_end: i64::MAX,
            changed: false,
        }
    }
}

/// All lanes by definition and place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board {
    pub(crate) lanes: Vec<Vec<Lane>>,
    /// Of each lane the Tick time at which it must be looked at, its watermark aside; [`NEVER`]: it is empty. Follows
    /// from the lanes.
    pub(crate) alarms: Vec<Vec<i64>>,
    /// Lanes a screen must learn of; not part of the state.
    pub(crate) changed: Vec<(u32, u32)>,
    /// Windows others follow from that changed since these were worked out: definition, place, start. Empty between
    /// two calls of the engine, so not part of the state.
    pub(crate) stirred: Vec<(u32, u32, i64)>,
}

impl Lane {
    /// The window, made if it is not there.
    fn cell(&mut self, start: i64, end: i64) -> Option<&mut Cell> {
        let at = match self.cells.back() {
            Some(last) if last.start == start => self.cells.len() - 1,
            Some(last) if last.start > start => self.cells.partition_point(|cell| cell.start < start),
            _ => self.cells.len(),
        };
        if self.cells.get(at).is_none_or(|cell| cell.start != start) {
            self.cells.insert(at, Cell::new(start, end));
            self.open_end = self.open_end.min(end);
            self.oldest_end = self.oldest_end.min(end);
        }
        self.cells.get_mut(at)
    }

    /// Whether the window knows already that the source was heard.
    fn hears(&self, touch: &Touch) -> bool {
        let cell = self.find(touch.start).and_then(|at| self.cells.get(at));
        cell.is_some_and(|cell| cell.sources.binary_search(&touch.source).is_ok())
    }

    /// Whether it differs from a lane nobody touched.
    pub(crate) fn is_used(&self) -> bool {
        !self.cells.is_empty() || self.watermark != i64::MIN || self.carried != Level::Normal
    }

    /// The place of a window by its start.
    pub(crate) fn find(&self, start: i64) -> Option<usize> {
        self.cells.binary_search_by(|cell| cell.start.cmp(&start)).ok()
    }

    /// The place of the window a screen shows: the newest with something to show. Where windows overlap, the newest
    /// have hardly begun: the one that closes next stands for now.
    pub(crate) fn newest(&self, overlap: bool, derived: bool) -> Option<usize> {
        let shows = |at: &usize| {
            let Some(cell) = self.cells.get(*at) else { return false };
            let closed = self.has_closed(cell);
            // Of a derived window without value there is no row before it closes, unless there was one with a value.
            cell.has_data(closed) && (!derived || closed || cell.below != 0 || cell.written.revision > 0)
        };
        if overlap {
            let open = self.cells.partition_point(|cell| cell.end <= self.watermark);
            if let Some(at) = (open..self.cells.len()).find(shows) {
                return Some(at);
            }
        }
        (0..self.cells.len()).rev().find(shows)
    }

    /// Whether a window of this lane is closed.
    pub(crate) fn has_closed(&self, cell: &Cell) -> bool {
        cell.end <= self.watermark || cell.written.closed()
    }

    /// Whether a Tick has anything to do here. Moves the watermark.
    pub(crate) fn wakes(&mut self, watermark: Option<i64>, tick: i64, (horizon, keep): (i64, i64)) -> bool {
        if self.cells.is_empty() {
            return false;
        }
        self.watermark = watermark.map_or(self.watermark, |watermark| watermark.max(self.watermark));
        self.due <= tick
            || self.open_end <= self.watermark
            || self.open_end.saturating_add(horizon) < tick
            || self.oldest_end.saturating_add(keep) < tick
    }

    /// The Tick time at which it must be looked at, its watermark aside.
    pub(crate) fn alarm(&self, (horizon, keep): (i64, i64)) -> i64 {
        if self.cells.is_empty() {
            return NEVER;
        }
        let after = |end: i64, span: i64| end.saturating_add(span).saturating_add(1);
        self.due.min(after(self.open_end, horizon)).min(after(self.oldest_end, keep)).min(NEVER - 1)
    }

    /// Works out again what follows from the cells; those before `first` are clean and their part is known.
    pub(crate) fn index(&mut self, first: usize) {
        let before = first.checked_sub(1).and_then(|at| self.cells.get(at)).map_or(i64::MIN, |cell| cell.end);
        let mut open_end = if self.open_end <= before { self.open_end } else { i64::MAX };
        (self.dirty_from, self.due) = (i64::MAX, i64::MAX);
        for cell in self.cells.range(first.min(self.cells.len())..) {
            if cell.written.dirty {
                self.dirty_from = self.dirty_from.min(cell.start);
                self.due = self.due.min(cell.written.due());
            }
            if !cell.written.closed() && cell.is_known() {
                open_end = open_end.min(cell.end);
            }
        }
        self.open_end = open_end;
        self.oldest_end = self.cells.front().map_or(i64::MAX, |cell| cell.end);
    }
}

impl Board {
    /// A lane for each place of each definition of a plan; windows of places a profile has no more stay.
    pub(crate) fn resize(&mut self, plan: &Plan) {
        self.lanes.resize_with(plan.definitions.len(), Vec::new);
        for (lanes, definition) in self.lanes.iter_mut().zip(&plan.definitions) {
            let used = lanes.iter().rposition(Lane::is_used).map_or(0, |last| last + 1);
            lanes.resize_with(used.max(plan.lanes_of(&definition.split)), Lane::default);
        }
    }

    /// Works out again what follows from the cells; the next Tick looks at every lane.
    pub(crate) fn index(&mut self) {
        self.lanes.iter_mut().flatten().for_each(|lane| lane.index(0));
        let alarm = |lane: &Lane| if lane.cells.is_empty() { NEVER } else { i64::MIN };
        self.alarms = self.lanes.iter().map(|lanes| lanes.iter().map(alarm).collect()).collect();
    }

    pub(crate) fn lane(&self, definition: u32, place: u32) -> Option<&Lane> {
        self.lanes.get(definition as usize)?.get(place as usize)
    }

    /// Takes a touch in, for all its place counts for.
    pub(crate) fn take(&mut self, plan: &Plan, touch: &Touch) {
        let mixed = mix(touch.offset);
        let at = touch.definition as usize;
        let (Some(lanes), Some(alarms)) = (self.lanes.get_mut(at), self.alarms.get_mut(at)) else { return };
        let is_read = plan.derived.is_read(touch.definition);
        let own = [touch.place];
        let is_own = plan.definition(touch.definition).is_some_and(|known| known.own_area);
        for place in if is_own { &own[..] } else { plan.chain(touch.place) } {
            if plan.ends.get(*place as usize).is_some_and(|end| touch.start >= *end) {
                continue;
            }
            let Some(lane) = lanes.get_mut(*place as usize) else { continue };
            if touch.change == Change::Present && lane.hears(touch) {
                continue;
            }
            if !lane.changed {
                lane.changed = true;
                self.changed.push((touch.definition, *place));
            }
            if let Some(cell) = lane.cell(touch.start, touch.end) {
                cell.take(touch, mixed);
                let due = cell.written.due();
                lane.due = lane.due.min(due);
                if let Some(alarm) = alarms.get_mut(*place as usize) {
                    *alarm = due.min(*alarm);
                }
                lane.dirty_from = lane.dirty_from.min(touch.start);
                if is_read {
                    self.stirred.push((touch.definition, *place, touch.start));
                }
            }
        }
    }

    /// Puts a derived window in the place of what the lane kept of it; false if there is no such lane.
    pub(crate) fn put(&mut self, definition: u32, place: u32, worked: Cell) -> bool {
        let at = definition as usize;
        let (Some(lanes), Some(alarms)) = (self.lanes.get_mut(at), self.alarms.get_mut(at)) else {
            return false;
        };
        let Some(lane) = lanes.get_mut(place as usize) else { return false };
        let start = worked.start;
        let Some(cell) = lane.cell(start, worked.end) else { return false };
        let written = Written { dirty: true, ..cell.written.clone() };
        let due = written.due();
        *cell = Cell { written, ..worked };
        lane.due = lane.due.min(due);
        lane.dirty_from = lane.dirty_from.min(start);
        if let Some(alarm) = alarms.get_mut(place as usize) {
            *alarm = due.min(*alarm);
        }
        self.mark(definition, place);
        true
    }

    /// When a lane must be looked at.
    pub(crate) fn alarm(&self, definition: u32, place: u32) -> i64 {
        let alarms = self.alarms.get(definition as usize);
        alarms.and_then(|alarms| alarms.get(place as usize)).copied().unwrap_or(NEVER)
    }

    /// Takes a lane out; an empty one stands in until it comes back.
    pub(crate) fn take_out(&mut self, definition: u32, place: u32) -> Option<Lane> {
        self.lanes.get_mut(definition as usize)?.get_mut(place as usize).map(std::mem::take)
    }

    pub(crate) fn put_back(&mut self, definition: u32, place: u32, lane: Lane, alarm: i64) {
        let lanes = self.lanes.get_mut(definition as usize);
        if let Some(slot) = lanes.and_then(|lanes| lanes.get_mut(place as usize)) {
            *slot = lane;
        }
        let alarms = self.alarms.get_mut(definition as usize);
        if let Some(slot) = alarms.and_then(|alarms| alarms.get_mut(place as usize)) {
            *slot = alarm;
        }
    }

    /// Says why a window changed.
    pub(crate) fn blame(&mut self, definition: u32, place: u32, start: i64, cause: Option<Cause>) {
        let lane = self.lanes.get_mut(definition as usize).and_then(|lanes| lanes.get_mut(place as usize));
        let cell = lane.and_then(|lane| lane.find(start).and_then(|at| lane.cells.get_mut(at)));
        if let Some(cell) = cell {
            cell.written.cause = cause;
        }
    }

    /// Marks a lane for the screens.
    pub(crate) fn mark(&mut self, definition: u32, place: u32) {
        let lane = self.lanes.get_mut(definition as usize).and_then(|lanes| lanes.get_mut(place as usize));
        if let Some(lane) = lane.filter(|lane| !lane.changed) {
            lane.changed = true;
            self.changed.push((definition, place));
        }
    }
}
