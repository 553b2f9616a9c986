//! One lane at a Tick: close windows, carry levels, write what changed, forget what nothing needs any more.

use nhip_proto::{AreaCode, ArrivalTime, Decimal, Level, Offset, Restatement, Row, RowCause, RowState};

use crate::amend::Cause;
use crate::badge::Group;
use crate::calendar::Calendar;
use crate::cell::{Amounts, Cell, Written};
use crate::derive::Scene;
use crate::lane::Lane;
use crate::plan::Definition;
use crate::row::{Draft, Moment};

/// The chain over all rows, and room to write one row down.
#[derive(Default)]
pub(crate) struct Chain {
    pub(crate) hasher: blake3::Hasher,
    bytes: Vec<u8>,
}

/// What a Tick brings about.
#[derive(Default)]
pub(crate) struct Settled {
    pub(crate) rows: Vec<Row>,
    pub(crate) chain: Chain,
    /// Windows that closed and that others follow from: definition, place, start.
    pub(crate) stirred: Vec<(u32, u32, i64)>,
    /// Settled figures that were replaced.
    pub(crate) restatements: Vec<Restatement>,
}

/// One lane with what it needs.
pub(crate) struct Settling<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) number: u32,
    pub(crate) calendar: &'a Calendar,
    pub(crate) area: &'a AreaCode,
    pub(crate) place: u32,
    /// Empty: the area as a whole.
    pub(crate) group_name: &'a str,
    pub(crate) group: Option<&'a Group>,
    pub(crate) moment: &'a Moment<'a>,
    /// The Tick's time.
    pub(crate) tick: i64,
    /// Where others stand, for a figure that follows from them or is checked against one.
    pub(crate) scene: Option<Scene<'a>>,
    pub(crate) derived: bool,
    /// Whether others follow from it.
    pub(crate) is_read: bool,
}

impl Settling<'_> {
    /// Settles a lane that woke; true if a window closed, left, or counts as another revision or state now.
    pub(crate) fn settle(&self, lane: &mut Lane, settled: &mut Settled) -> bool {
        let past = |end: i64, span: i64| end.saturating_add(span) < self.tick;
        let expires = |end: i64| past(end, self.definition.horizon);
        let closes = lane.open_end <= lane.watermark || expires(lane.open_end);
        let forgets = past(lane.oldest_end, self.definition.keep);
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
        let mut told = closes || forgets;
        for at in first..lane.cells.len() {
            let dirty = |lane: &Lane| lane.cells.get(at).is_some_and(|cell| cell.written.dirty);
            let was = dirty(lane);
            before = self.settle_cell(lane, at, before, settled);
            told |= dirty(lane) != was;
        }
        // What closed just now is still to be read by figures that follow from it: it is forgotten at the next Tick.
        let read_now = closes && self.is_read;
        while !read_now && lane.cells.front().is_some_and(|cell| past(cell.end, self.definition.keep)) {
            if let Some(cell) = lane.cells.pop_front() {
                lane.carried = cell.written.level;
                first = 0;
            }
        }
        lane.index(first);
        told
    }

    /// Works out a window's level and, if due, its row. Returns the level for the next window.
    fn settle_cell(&self, lane: &mut Lane, at: usize, before: Level, settled: &mut Settled) -> Level {
        let Some(cell) = lane.cells.get(at) else { return before };
        let expired = cell.end.saturating_add(self.definition.horizon) < self.tick;
        let closed = lane.has_closed(cell) || expired;
        let mut written = cell.written.clone();
        let due = |written: &Written| {
            let closes = closed && !written.closed() && cell.is_known();
            closes || (written.dirty && written.due() <= self.tick)
        };
        // Levels are carried: with limits, every window from the first changed one on is looked at.
        if self.definition.limits.is_empty() && !due(&written) {
            return Level::None;
        }
        let amounts = self.definition.amounts(cell, self.place, closed);
        let bounds = self.definition.bounds_on(self.calendar, cell.start, (self.area, self.group_name));
        let level = bounds.level(amounts.value, before);
        if level != written.level {
            written.level = level;
            written.dirty |= written.revision > 0;
        }
        if due(&written) {
            self.write(lane, cell, &mut written, (amounts, level, closed), settled);
        }
        if let Some(cell) = lane.cells.get_mut(at) {
            cell.written = written;
        }
        level
    }

    /// Writes the row of a window that is due, if it says anything new.
    fn write(
        &self,
        lane: &Lane,
        cell: &Cell,
        written: &mut Written,
        (amounts, level, closed): (Amounts, Level, bool),
        settled: &mut Settled,
    ) {
        written.dirty = false;
        // Of a derived figure that never had a value there is nothing to say before its window closes.
        let silent = self.derived && !closed && amounts.value.is_none() && written.revision == 0;
        if (!cell.has_data(closed) && written.revision == 0) || silent {
            return;
        }
        let state = match (closed, written.closed()) {
            (true, false) => RowState::Final,
            (true, true) => RowState::Revised,
            (false, _) => RowState::Provisional,
        };
        let (definition, area, group) = (self.definition, self.area, self.group);
        let standing = self.scene.map(|scene| scene.standing(self.number, self.place, lane, cell));
        let amounts = Amounts { k: standing.map_or(amounts.k, |standing| standing.k), ..amounts };
        let (group_name, revision) = (self.group_name, written.revision);
        let draft = Draft {
            definition,
            area,
            group_name,
            cell,
            group,
            amounts,
            level,
            closed,
            state,
            revision,
            standing,
        };
        let m = draft.due(self.moment);
        let essence = draft.essence(m);
        if essence == written.essence && revision > 0 && state != RowState::Final {
            return;
        }
        let mut row = draft.row(self.moment, m, true);
        let cause = written.cause.take_if(|_| closed);
        if let Some(cause) = cause {
            cause.tell(&mut row, self.moment.previous);
        }
        if state == RowState::Revised {
            settled.restatements.push(restatement(&row, cell, cause, definition.scale));
        }
        link(&row, essence, &mut settled.chain);
        settled.rows.push(row);
        written.essence = essence;
        written.revision += 1;
        written.at = self.tick;
        written.state = Some(state);
        written.value = amounts.value;
        if self.is_read && state == RowState::Final {
            settled.stirred.push((self.number, self.place, cell.start));
        }
    }
}

impl Cause {
    /// The row says why. A Restate since the Tick before is when it was known.
    fn tell(self, row: &mut Row, previous: Offset) {
        row.cause = self.why;
        if self.why == RowCause::Restated && Offset(self.offset) > previous {
            row.known_offset = Offset(self.offset);
            row.known_at = ArrivalTime(self.at);
        }
    }
}

/// What a revised row replaces.
fn restatement(row: &Row, cell: &Cell, cause: Option<Cause>, scale: u8) -> Restatement {
    Restatement {
        key: row.key.clone(),
        definition: row.definition,
        revision: row.revision,
        old: cell.written.value.map(|value| Decimal::new(value, scale)),
        new: row.value,
        cause: row.cause,
        cause_offset: Offset(cause.map_or(cell.changed, |cause| cause.offset)),
        known_offset: row.known_offset,
        known_at: row.known_at,
    }
}

/// Adds a row to the chain over all rows: its key, definition, revision and essence.
pub(crate) fn link(row: &Row, essence: u64, Chain { hasher, bytes }: &mut Chain) {
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
