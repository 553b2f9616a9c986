//! One lane at a Tick: close windows, carry levels, write what changed, forget what is beyond the horizon.

use nhip_proto::{Level, MINUTE, Row, RowState};

use crate::badge::Group;
use crate::calendar::Calendar;
use crate::lane::Lane;
use crate::plan::Definition;
use crate::row::{Draft, Moment, level};

/// The least Tick time between two provisional rows of one window.
const PROVISIONAL_SPAN: i64 = MINUTE;

/// One lane with what it needs.
pub(crate) struct Settling<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) calendar: &'a Calendar,
    pub(crate) area: &'a str,
    pub(crate) group: Option<&'a Group>,
    pub(crate) moment: &'a Moment<'a>,
    /// The Tick's time.
    pub(crate) tick: i64,
}

impl Settling<'_> {
    /// Settles a lane; true if a screen must learn of it.
    pub(crate) fn settle(&self, lane: &mut Lane, rows: &mut Vec<Row>) -> bool {
        if let Some(watermark) = self.group.and_then(|group| group.watermark) {
            lane.watermark = lane.watermark.max(watermark);
        }
        let expires = |end: i64| end.saturating_add(self.definition.horizon) < self.tick;
        let closes = lane.open_end <= lane.watermark;
        let forgets = lane.cells.front().is_some_and(|cell| expires(cell.end));
        if lane.dirty_from == i64::MAX && !closes && !forgets {
            return false;
        }
        let mut first = lane.cells.partition_point(|cell| cell.start < lane.dirty_from);
        if closes {
            first = first.min(lane.cells.partition_point(|cell| cell.end < lane.open_end));
        }
        if forgets {
            first = 0;
        }
        let mut before = match first.checked_sub(1).and_then(|before| lane.cells.get(before)) {
            Some(cell) => cell.written.level,
            None => lane.carried,
        };
        for at in first..lane.cells.len() {
            let closed =
                lane.cells.get(at).is_some_and(|cell| cell.end <= lane.watermark || expires(cell.end));
            before = self.settle_cell(lane, at, closed, before, rows);
        }
        while lane.cells.front().is_some_and(|cell| expires(cell.end)) {
            if let Some(cell) = lane.cells.pop_front() {
                lane.carried = cell.written.level;
            }
        }
        lane.index();
        closes || forgets
    }

    /// Works out a window's level and, if due, its row. Returns the level for the next window.
    fn settle_cell(
        &self,
        lane: &mut Lane,
        at: usize,
        closed: bool,
        before: Level,
        rows: &mut Vec<Row>,
    ) -> Level {
        let Some(cell) = lane.cells.get_mut(at) else { return before };
        let amounts = cell.amounts(self.definition, closed);
        let level = level(self.definition.limit_on(self.calendar, cell.start), amounts.value, before);
        if level != cell.written.level {
            cell.written.level = level;
            cell.written.dirty |= cell.written.revision > 0;
        }
        if !cell.has_data(closed) {
            cell.written.dirty = false;
            return level;
        }
        let state = match (closed, cell.written.closed()) {
            (true, false) => RowState::Final,
            (true, true) => RowState::Revised,
            (false, _) => RowState::Provisional,
        };
        let waits = self.tick.saturating_sub(cell.written.at) < PROVISIONAL_SPAN;
        let due = match state {
            RowState::Final => true,
            RowState::Revised => cell.written.dirty,
            RowState::Provisional => cell.written.dirty && !waits,
        };
        if !due {
            return level;
        }
        let (definition, area, group) = (self.definition, self.area, self.group);
        let revision = cell.written.revision;
        let draft = Draft { definition, area, cell, group, amounts, level, closed, state, revision };
        let essence = draft.essence(self.moment);
        let changed = essence != cell.written.essence || revision == 0 || state == RowState::Final;
        let row = changed.then(|| draft.row(self.moment, true));
        cell.written.dirty = false;
        if let Some(row) = row {
            rows.push(row);
            cell.written.essence = essence;
            cell.written.revision += 1;
            cell.written.at = self.tick;
            cell.written.state = Some(state);
        }
        level
    }
}
