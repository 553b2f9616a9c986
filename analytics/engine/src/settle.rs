//! One lane at a Tick: close windows, carry levels, write what changed, forget what is beyond the horizon.

use nhip_proto::{AreaCode, Level, Row, RowState};

use crate::badge::Group;
use crate::calendar::Calendar;
use crate::cell::Cell;
use crate::lane::Lane;
use crate::plan::Definition;
use crate::row::{Draft, Moment, level};

/// The chain over all rows, and room to write one row down.
#[derive(Default)]
pub(crate) struct Chain {
    pub(crate) hasher: blake3::Hasher,
    bytes: Vec<u8>,
}

/// One lane with what it needs.
pub(crate) struct Settling<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) calendar: &'a Calendar,
    pub(crate) area: &'a AreaCode,
    /// Empty: the area as a whole.
    pub(crate) group_name: &'a str,
    pub(crate) group: Option<&'a Group>,
    pub(crate) moment: &'a Moment<'a>,
    /// The Tick's time.
    pub(crate) tick: i64,
}

impl Settling<'_> {
    /// Settles a lane that woke; true if a window closed or left.
    pub(crate) fn settle(&self, lane: &mut Lane, rows: &mut Vec<Row>, chain: &mut Chain) -> bool {
        let expires = |end: i64| end.saturating_add(self.definition.horizon) < self.tick;
        let (closes, forgets) = (lane.open_end <= lane.watermark, expires(lane.oldest_end));
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
        for cell in lane.cells.range_mut(first..) {
            let closed = cell.end <= lane.watermark || expires(cell.end);
            before = self.settle_cell(cell, closed, before, rows, chain);
        }
        while lane.cells.front().is_some_and(|cell| expires(cell.end)) {
            if let Some(cell) = lane.cells.pop_front() {
                lane.carried = cell.written.level;
                first = 0;
            }
        }
        lane.index(first);
        closes || forgets
    }

    /// Works out a window's level and, if due, its row. Returns the level for the next window.
    fn settle_cell(
        &self,
        cell: &mut Cell,
        closed: bool,
        before: Level,
        rows: &mut Vec<Row>,
        chain: &mut Chain,
    ) -> Level {
        let due = |cell: &Cell| {
            let closes = closed && !cell.written.closed() && cell.has_data(true);
            closes || (cell.written.dirty && cell.written.due() <= self.tick)
        };
        // Levels are carried: with limits, every window from the first changed one on is looked at.
        if self.definition.limits.is_empty() && !due(cell) {
            return Level::None;
        }
        let amounts = cell.amounts(self.definition, closed);
        let level = level(self.definition.limit_on(self.calendar, cell.start), amounts.value, before);
        if level != cell.written.level {
            cell.written.level = level;
            cell.written.dirty |= cell.written.revision > 0;
        }
        if !due(cell) {
            return level;
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
        let (definition, area, group) = (self.definition, self.area, self.group);
        let (group_name, revision) = (self.group_name, cell.written.revision);
        let draft =
            Draft { definition, area, group_name, cell, group, amounts, level, closed, state, revision };
        let m = draft.due(self.moment);
        let essence = draft.essence(m);
        let changed = essence != cell.written.essence || revision == 0 || state == RowState::Final;
        let row = changed.then(|| draft.row(self.moment, m, true));
        cell.written.dirty = false;
        if let Some(row) = row {
            link(&row, essence, chain);
            rows.push(row);
            cell.written.essence = essence;
            cell.written.revision += 1;
            cell.written.at = self.tick;
            cell.written.state = Some(state);
        }
        level
    }
}

/// Adds a row to the chain over all rows: its key, definition, revision and essence.
fn link(row: &Row, essence: u64, Chain { hasher, bytes }: &mut Chain) {
    bytes.clear();
    for text in [row.key.indicator.as_str(), row.key.area.as_str(), &row.key.group, &row.key.period] {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes.extend_from_slice(&row.definition);
    for number in [row.key.window_start.0 as u64, u64::from(row.revision), essence] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    hasher.update(bytes);
}
