//! The screen lane: every figure as its row would stand if a Tick came now. It reads the state and never changes it.

use std::sync::Arc;

use nhip_proto::{
    ArrivalTime, Decimal, EventTime, Figure, FigureKey, FigureUpdate, Level, Offset, Row, RowState,
    SourceUpdate, Update,
};

use crate::badge::Group;
use crate::cell::{Amounts, Cell};
use crate::derive::{Scene, Standing};
use crate::engine::Engine;
use crate::lane::Lane;
use crate::plan::{Definition, Split};
use crate::row::{Draft, Moment};

/// Closed windows a figure carries with it.
const HISTORY_MAX: usize = 48;

impl Engine {
    /// What screens must learn since the last call. Rows of this lane do not name their sources; `explain` does.
    pub fn update(&mut self) -> Update {
        let profile_changed = std::mem::take(&mut self.profile_changed);
        let mut lanes = std::mem::take(&mut self.board.changed);
        if profile_changed {
            lanes = self.all_lanes();
            self.board.lanes.iter_mut().flatten().for_each(|lane| lane.changed = false);
        }
        let checked = |(number, place): &(u32, u32)| {
            let checked = self.plan.derived.checked.get(*number as usize);
            checked.into_iter().flatten().map(|other| (*other, *place)).collect::<Vec<_>>()
        };
        lanes.extend(lanes.iter().flat_map(checked).collect::<Vec<_>>());
        lanes.sort_unstable();
        lanes.dedup();
        for (definition, place) in &lanes {
            let lane = self.board.lanes.get_mut(*definition as usize);
            if let Some(lane) = lane.and_then(|lanes| lanes.get_mut(*place as usize)) {
                lane.changed = false;
            }
        }
        let mut numbers = std::mem::take(&mut self.changed_sources);
        numbers.sort_unstable();
        numbers.dedup();
        for number in &numbers {
            let home = self.homes.get(*number as usize).copied();
            let partition = home.and_then(|(partition, _)| self.partitions.get_mut(usize::from(partition)));
            let source =
                partition.zip(home).and_then(|(partition, (_, at))| partition.sources.get_mut(at as usize));
            if let Some(source) = source {
                source.changed = false;
            }
        }
        self.show(profile_changed, &lanes, numbers.into_iter())
    }

    /// Everything, for a new screen.
    #[must_use]
    pub fn board(&self) -> Update {
        self.show(false, &self.all_lanes(), 0..self.homes.len() as u32)
    }

    fn show(
        &self,
        profile_changed: bool,
        lanes: &[(u32, u32)],
        sources: impl Iterator<Item = u32>,
    ) -> Update {
        let moment = self.moment();
        let figure = |lane: &(u32, u32)| self.figure(lane.0, lane.1, &moment, false).map(Arc::new);
        let mut figures: Vec<FigureUpdate> = lanes.iter().filter_map(figure).collect();
        figures.sort_by(|left, right| left.row.key.cmp(&right.row.key));
        let complete_before = figures.iter().filter_map(|figure| self.complete_before(figure)).collect();
        let mut sources: Vec<SourceUpdate> =
            sources.filter_map(|number| self.source_update(number)).collect();
        sources.sort_by(|left, right| left.source.cmp(&right.source));
        Update {
            offset: self.applied,
            tick: self.tick.map(|(_, at)| ArrivalTime(at)),
            profile_changed,
            figures,
            complete_before,
            sources,
            badges: self.glance.badges.clone(),
        }
    }

    /// What screens go on showing while the newest window of a figure has too few sources.
    fn complete_before(&self, newest: &Figure) -> Option<FigureUpdate> {
        let key = &newest.row.key;
        let least = self.profile()?.indicators.get(&key.indicator)?.completeness_min;
        let complete = |row: &Row| row.m == 0 || f64::from(row.k) >= f64::from(row.m) * least;
        if complete(&newest.row) || !key.group.is_empty() {
            return None;
        }
        let with_value = newest.history.iter().rev().filter(|(_, value)| value.is_some());
        let windows = with_value
            .filter_map(|(start, _)| self.window(&FigureKey { window_start: *start, ..key.clone() }));
        windows.into_iter().find(|figure| complete(&figure.row)).map(Arc::new)
    }

    /// Active definitions and the places where sources are due or something was heard, in order.
    pub(crate) fn all_lanes(&self) -> Vec<(u32, u32)> {
        let mut all = Vec::new();
        for (number, definition) in self.plan.definitions.iter().enumerate() {
            let (overlap, derived) = (definition.hops.0 > 1, self.plan.derived.of(number as u32).is_some());
            let lanes = self.board.lanes.get(number).map_or(&[][..], |lanes| lanes);
            let shown = |(place, lane): (u32, &Lane)| {
                let due = self.is_due(definition, place) && self.plan.has_figure(number as u32, place);
                (due || lane.newest(overlap, derived).is_some()).then_some((number as u32, place))
            };
            if definition.to.is_none() {
                all.extend((0..).zip(lanes).filter_map(shown));
            }
        }
        all
    }

    /// Whether a figure stands on screens before anything was heard.
    fn is_due(&self, definition: &Definition, place: u32) -> bool {
        if self.plan.home(place) == place {
            return self.glance.group(definition.stream, place).is_some_and(|group| group.due > 0);
        }
        let owner = self.watch.owner(place).and_then(|number| self.source(number)?.bound);
        definition.split == Split::Source && owner.is_some_and(|bound| bound.stream == definition.stream)
    }

    /// The sources behind a place, at the last Tick.
    pub(crate) fn group_at(&self, stream: u32, place: u32) -> Option<Group> {
        match self.watch.owner(place).and_then(|number| self.source(number)) {
            Some(source) => {
                Some(Group::single(source, &self.plan, self.tick.map_or(source.since, |(_, tick)| tick)))
            }
            None => self.glance.group(stream, self.plan.home(place)).cloned(),
        }
    }

    pub(crate) fn moment(&self) -> Moment<'_> {
        let (known_offset, known_at) = self.tick_known();
        let (sources, strangers) = (&self.source_ids, &self.strangers);
        let (origin, ordered) = (self.origin(), self.ordered);
        let previous = known_offset;
        let typed = self.typed.iter().copied().collect();
        Moment { known_offset, known_at, previous, origin, sources, ordered, strangers, typed }
    }

    /// The newest window of a lane; where nothing was heard yet, an empty one.
    pub(crate) fn figure(&self, number: u32, place: u32, moment: &Moment<'_>, names: bool) -> Option<Figure> {
        let definition = self.plan.definition(number).filter(|definition| definition.to.is_none())?;
        let lane = self.board.lane(number, place)?;
        match lane.newest(definition.hops.0 > 1, self.plan.derived.of(number).is_some()) {
            Some(at) => self.window_figure((number, place), at, moment, names),
            None if self.plan.home(place) == place || self.is_due(definition, place) => {
                self.unheard(definition, place, moment)
            }
            None => None,
        }
    }

    /// One window of a lane as a figure.
    pub(crate) fn window_figure(
        &self,
        (number, place): (u32, u32),
        at: usize,
        moment: &Moment<'_>,
        names: bool,
    ) -> Option<Figure> {
        let definition = self.plan.definition(number)?;
        let lane = self.board.lane(number, place)?;
        let cell = lane.cells.get(at)?;
        let closed = lane.has_closed(cell);
        let group = self.group_at(definition.stream, place);
        let standing = self.standing_now((number, place), lane, cell, moment);
        let amounts = definition.amounts(cell, place, closed);
        let draft = Draft {
            definition,
            area: self.plan.codes.get(place as usize)?,
            group_name: self.plan.group(place),
            cell,
            group: group.as_ref(),
            amounts: Amounts { k: standing.map_or(amounts.k, |standing| standing.k), ..amounts },
            level: self.level_now(definition, place, lane, at),
            closed,
            state: state_now(cell, closed),
            revision: cell.written.revision.saturating_sub(u32::from(!cell.written.dirty)),
            standing,
        };
        let changed = Offset(cell.changed);
        let row = draft.row(moment, draft.due(moment), names);
        Some(Figure { row, changed, history: self.history(definition, place, lane, at) })
    }

    /// What is not to be found in a window itself, where it is derived or checked against another figure.
    fn standing_now(
        &self,
        (number, area): (u32, u32),
        lane: &Lane,
        cell: &Cell,
        moment: &Moment<'_>,
    ) -> Option<Standing> {
        let checked = self.plan.definition(number).is_some_and(|definition| definition.agreement.is_some());
        let scene = Scene { engine: self, board: &self.board, moment };
        (checked || self.plan.derived.of(number).is_some()).then(|| scene.standing(number, area, lane, cell))
    }

    /// The level if a Tick came now: from the last settled window over the ones changed since.
    fn level_now(&self, definition: &Definition, area: u32, lane: &Lane, at: usize) -> Level {
        let calendar = self.plan.calendars.get(definition.calendar as usize);
        let Some((calendar, code)) = calendar.zip(self.plan.codes.get(area as usize)) else {
            return Level::None;
        };
        let place = (code, self.plan.group(area));
        if definition.limits.is_empty() {
            return Level::None;
        }
        let first = lane.cells.partition_point(|cell| cell.start < lane.dirty_from).min(at);
        let before = first.checked_sub(1).and_then(|before| lane.cells.get(before));
        let before = before.map_or(lane.carried, |cell| cell.written.level);
        lane.cells.range(first..=at).fold(before, |before, cell| {
            let value = definition.amounts(cell, area, lane.has_closed(cell)).value;
            definition.bounds_on(calendar, cell.start, place).level(value, before)
        })
    }

    /// Up to 48 windows before one, oldest first; windows nothing was heard of are none.
    fn history(
        &self,
        definition: &Definition,
        area: u32,
        lane: &Lane,
        at: usize,
    ) -> Vec<(EventTime, Option<Decimal>)> {
        let calendar = self.plan.calendars.get(definition.calendar as usize);
        let (Some(calendar), Some(newest)) = (calendar, lane.cells.get(at)) else { return Vec::new() };
        let mut history = Vec::with_capacity(HISTORY_MAX.min(at));
        let mut next = newest.start;
        for cell in lane.cells.range(..at).rev() {
            while next > cell.start && history.len() < HISTORY_MAX {
                next = calendar.before(next);
                if next > cell.start {
                    history.push((EventTime(next), None));
                }
            }
            if history.len() >= HISTORY_MAX {
                break;
            }
            let value = definition.amounts(cell, area, true).value;
            history.push((EventTime(cell.start), value.map(|value| Decimal::new(value, definition.scale))));
            next = cell.start;
        }
        history.truncate(HISTORY_MAX);
        history.reverse();
        history
    }

    /// A figure of sources that are due and were never heard: missing, not 0.
    fn unheard(&self, definition: &Definition, place: u32, moment: &Moment<'_>) -> Option<Figure> {
        let since = self.editions.last().map_or(0, |edition| edition.text.at.0);
        let calendar = self.plan.calendars.get(definition.calendar as usize);
        let (start, end) = calendar.map_or((0, 0), |calendar| calendar.current(since));
        let group = self.group_at(definition.stream, place);
        let draft = Draft {
            definition,
            area: self.plan.codes.get(place as usize)?,
            group_name: self.plan.group(place),
            cell: &Cell::new(start, end),
            group: group.as_ref(),
            amounts: Amounts { above: 0, below: 0, value: None, k: 0 },
            level: Level::None,
            closed: false,
            state: RowState::Provisional,
            revision: 0,
            standing: None,
        };
        let row = draft.row(moment, draft.due(moment), false);
        Some(Figure { row, changed: self.profile_offset, history: Vec::new() })
    }

    fn source_update(&self, number: u32) -> Option<SourceUpdate> {
        let source = self.source(number)?;
        if source.id.as_str().is_empty() {
            return None;
        }
        Some(SourceUpdate {
            source: source.id.clone(),
            event_time: source.greatest.map(EventTime),
            arrival: source.arrival.map(ArrivalTime),
            badge: self.badge_of_source(source, self.tick.map(|(_, at)| at)),
        })
    }
}

fn state_now(cell: &Cell, closed: bool) -> RowState {
    match cell.written.state {
        _ if !closed => RowState::Provisional,
        Some(RowState::Revised) => RowState::Revised,
        Some(RowState::Final) if cell.written.dirty => RowState::Revised,
        _ => RowState::Final,
    }
}
