//! Windows a Restate computes although the engine forgot them: what their rows said is read from the log once more by a
//! pruned engine, and their new rows are written without the windows becoming state again.

use std::collections::{BTreeMap, BTreeSet};

use nhip_profile::Profile;
use nhip_proto::{
    ArrivalTime, Badge, FigureKey, Level, Logged, Offset, Provenance, Restatement, Row, RowCause, RowState,
};

use crate::Effects;
use crate::amend::{Cause, Order};
use crate::cell::{Cell, Written};
use crate::derive::Scene;
use crate::engine::Engine;
use crate::rerun::Rerun;
use crate::row::{Draft, key};
use crate::sub_plan::SubPlan;

/// The rows of one indicator and range as they were written: the last of each window.
pub(crate) type Said = BTreeMap<FigureKey, Row>;

/// A pruned engine on its way through the log, for what rows of long ago said.
pub(crate) struct Recall {
    engine: Engine,
    order: Order,
    /// A re-run it must take in before it goes on.
    nested: Option<Box<Rerun>>,
    pub(crate) said: Said,
}

/// One row of a forgotten window, to be written with the next Tick.
pub(crate) struct Beyond {
    pub(crate) row: Row,
    pub(crate) essence: u64,
    pub(crate) restatement: Option<Restatement>,
}

impl Recall {
    /// Before the first record; `profiles` are all of the log.
    pub(crate) fn new(asking: &Engine, order: &Order, profiles: &[Profile]) -> Self {
        let mut engine = Engine::with(asking.settings.clone(), asking.loader.clone());
        engine.sub_plan = Some(SubPlan::new([order.indicator.clone()], profiles).into());
        engine.recalls = true;
        Self { engine, order: order.clone(), nested: None, said: Said::new() }
    }

    /// The offset of the next record it needs; none: it is at its end.
    pub(crate) fn wants(&self, end: Offset) -> Option<Offset> {
        match &self.nested {
            Some(nested) => nested.wants(),
            None => (self.engine.applied < end).then_some(self.engine.applied),
        }
    }

    /// Takes records that begin where it wants them and lie before `end`.
    pub(crate) fn feed(&mut self, batch: &[Logged], end: Offset) {
        if let Some(mut nested) = self.nested.take() {
            nested.feed(batch);
            if nested.wants().is_some() {
                self.nested = Some(nested);
            } else {
                // What the rows said when that Restate was read is what this engine has seen until here.
                self.engine.take_knowing(*nested, &self.said);
                self.nested = self.engine.rerun().map(Box::new);
            }
            return;
        }
        let within = batch.iter().take_while(|logged| logged.offset < end).count();
        let batch = batch.get(..within).unwrap_or_default();
        let mut effects = Effects::default();
        // Nothing is refused: the batch continues where the engine stands.
        self.engine.apply(batch, &mut effects).unwrap_or_default();
        for row in effects.rows.into_iter().flat_map(|(_, rows)| rows) {
            if row.key.indicator == self.order.indicator && self.order.has(row.key.window_start.0) {
                self.said.insert(row.key.clone(), row);
            }
        }
        if batch.last().is_some_and(|last| last.offset >= self.engine.applied) {
            self.nested = self.engine.rerun().map(Box::new);
        }
    }
}

impl Engine {
    /// Whether a window is gone from the state: nothing looks back at it any more.
    pub(crate) fn is_forgotten(&self, order: &Order, end: i64) -> bool {
        let active = self.active(&order.indicator).and_then(|number| self.plan.definition(number));
        let keep = active.map_or(0, |definition| definition.keep);
        self.tick.is_some_and(|(_, tick)| end.saturating_add(keep) < tick)
    }

    /// Whether windows of a range may be gone, so that only the log can tell what their rows said.
    pub(crate) fn must_recall(&self, order: &Order) -> bool {
        let active = self.active(&order.indicator).and_then(|number| self.plan.definition(number));
        let horizon = active.map_or(0, |definition| definition.horizon);
        !self.recalls && self.tick.is_some_and(|(_, tick)| order.from.saturating_add(horizon) < tick)
    }

    /// The rows of forgotten windows that say something else now, in key order.
    pub(crate) fn rows_beyond(
        &self,
        fresh: &Self,
        (order, cause): (&Order, Cause),
        said: &Said,
    ) -> Vec<Beyond> {
        let mut told = BTreeSet::new();
        let mut found = Vec::new();
        for (mut row, essence) in fresh.rows_of_range(order) {
            if !self.is_forgotten(order, row.window_end.0) {
                continue;
            }
            told.insert(row.key.clone());
            let before = self.said_last(said, &row.key);
            if before.is_some_and(|before| says_the_same(before, &row)) {
                continue;
            }
            follow(&mut row, before, cause);
            let restatement = before.and_then(|before| restatement(before, &row, cause));
            found.push(Beyond { row, essence, restatement });
        }
        let own = |key: &FigureKey| key.indicator == order.indicator && order.has(key.window_start.0);
        for (key, before) in said.iter().filter(|(key, _)| own(key)) {
            let lost = before.k > 0 && !told.contains(key) && self.is_forgotten(order, before.window_end.0);
            let Some(before) = self.said_last(said, key).filter(|_| lost) else { continue };
            let mut row = nothing_left(before);
            follow(&mut row, Some(before), cause);
            let restatement = restatement(before, &row, cause);
            found.push(Beyond { row, essence: 0, restatement });
        }
        found
    }

    /// The last row of a window: of a Restate since the last Tick, else what was said before.
    fn said_last<'a>(&'a self, said: &'a Said, key: &FigureKey) -> Option<&'a Row> {
        let waiting = self.beyond.iter().rev().map(|beyond| &beyond.row).find(|row| &row.key == key);
        waiting.or_else(|| said.get(key))
    }

    /// The windows of a range as rows, each with its essence: what a re-run came to.
    fn rows_of_range(&self, order: &Order) -> Vec<(Row, u64)> {
        let Some(number) = self.active(&order.indicator) else { return Vec::new() };
        let Some(definition) = self.plan.definition(number) else { return Vec::new() };
        let moment = self.moment();
        let scene = Scene { engine: self, board: &self.board, moment: &moment };
        let stands = self.plan.derived.of(number).is_some() || definition.agreement.is_some();
        let scene = stands.then_some(scene);
        let mut rows = Vec::new();
        for (place, lane) in self.lanes_of(number) {
            let Some(area) = self.plan.codes.get(place as usize) else { continue };
            let group = self.group_at(definition.stream, place);
            for cell in lane.cells.iter().filter(|cell| order.has(cell.start) && cell.has_data(true)) {
                let standing = scene.map(|scene| scene.standing(number, place, lane, cell));
                let mut amounts = definition.amounts(cell, place, true);
                amounts.k = standing.map_or(amounts.k, |standing| standing.k);
                let draft = Draft {
                    definition,
                    area,
                    group_name: self.plan.group(place),
                    cell,
                    group: group.as_ref(),
                    amounts,
                    level: cell.written.level,
                    closed: true,
                    state: RowState::Final,
                    revision: 0,
                    standing,
                };
                let m = draft.due(&moment);
                rows.push((draft.row(&moment, m, true), draft.essence(m)));
            }
        }
        rows
    }

    /// What the rows said of a window that is no part of the state, for the one that takes its place.
    pub(crate) fn recalled(&self, said: &Said, place: u32, start: i64, order: &Order) -> Option<Written> {
        let definition = self.active(&order.indicator).and_then(|number| self.plan.definition(number))?;
        let code = self.plan.codes.get(place as usize)?;
        let row = said.get(&key(definition, code, self.plan.group(place), start))?;
        Some(Written {
            revision: row.revision + 1,
            state: Some(row.state),
            level: row.level,
            value: row.value.map(|value| value.mantissa),
            ..Written::default()
        })
    }
}

/// Makes a row the next revision of the one before, known at the Restate.
fn follow(row: &mut Row, before: Option<&Row>, cause: Cause) {
    row.revision = before.map_or(0, |before| before.revision + 1);
    row.state = match before.map(|before| before.state) {
        None | Some(RowState::Provisional) => RowState::Final,
        Some(RowState::Final | RowState::Revised) => RowState::Revised,
    };
    row.cause = RowCause::Restated;
    (row.known_offset, row.known_at) = (Offset(cause.offset), ArrivalTime(cause.at));
}

/// Whether nothing of a window changed that a Restate is about.
fn says_the_same(before: &Row, now: &Row) -> bool {
    let told = |row: &Row| {
        let Provenance { first, last, samples, .. } = row.provenance.clone();
        let value = row.value.map(|value| (value.mantissa, value.scale));
        (row.numerator, row.denominator, value, row.k, row.level, row.event_time, first, last, samples)
    };
    before.state != RowState::Provisional && told(before) == told(now)
}

/// The row of a window nothing belongs to any more.
fn nothing_left(before: &Row) -> Row {
    let (provenance, badge, level) = (Provenance::default(), Badge::default(), Level::None);
    let none = (0, 0, None, 0, None);
    let (numerator, denominator, value, k, event_time) = none;
    Row { numerator, denominator, value, k, event_time, provenance, badge, level, ..before.clone() }
}

fn restatement(before: &Row, row: &Row, cause: Cause) -> Option<Restatement> {
    (row.state == RowState::Revised).then(|| Restatement {
        key: row.key.clone(),
        definition: row.definition,
        revision: row.revision,
        old: before.value,
        new: row.value,
        cause: row.cause,
        cause_offset: Offset(cause.offset),
        known_offset: row.known_offset,
        known_at: row.known_at,
    })
}

/// A cell that is not part of the state yet.
pub(crate) fn unwritten(cell: &Cell) -> Cell {
    Cell { written: Written::default(), ..cell.clone() }
}
