//! Answers to questions: figures, explain, ledger, sources, rejections. Nothing here changes the state.

use std::sync::Arc;

use nhip_profile::Profile;
use nhip_proto::{
    AreaCode, ArrivalTime, EventTime, Figure, FigureKey, IndicatorId, LedgerRow, Offset, Restatement,
    SourceId, StreamId,
};

use crate::derive::{Field, Window};
use crate::engine::Engine;
use crate::plan::find_group;
use crate::{Explained, RejectionLine, Revisions, SourceLine};

impl Engine {
    /// The newest figures of an indicator, area, group (empty: areas as a whole) or domain, in key order.
    #[must_use]
    pub fn figures(
        &self,
        indicator: Option<&IndicatorId>,
        area: Option<&AreaCode>,
        group: Option<&str>,
        domain: Option<&str>,
    ) -> Vec<Arc<Figure>> {
        let moment = self.moment();
        let wanted = |lane: &&(u32, u32)| {
            let Some(definition) = self.plan.definition(lane.0) else { return false };
            indicator.is_none_or(|indicator| indicator == &definition.indicator)
                && area.is_none_or(|area| Some(area) == self.plan.codes.get(lane.1 as usize))
                && group.is_none_or(|group| group == self.plan.group(lane.1))
                && domain.is_none_or(|domain| domain == definition.domain)
        };
        let lanes = self.all_lanes();
        let figure = |lane: &(u32, u32)| self.figure(lane.0, lane.1, &moment, true).map(Arc::new);
        let mut figures: Vec<Arc<Figure>> = lanes.iter().filter(wanted).filter_map(figure).collect();
        figures.sort_by(|left, right| left.row.key.cmp(&right.row.key));
        figures
    }

    /// What is known of one window; none: nothing is, or it was forgotten.
    #[must_use]
    pub fn window(&self, key: &FigureKey) -> Option<Figure> {
        let moment = self.moment();
        self.definitions_of(&key.indicator).into_iter().find_map(|number| {
            let definition = self.plan.definitions.get(number).filter(|known| known.period == key.period)?;
            let place = find_group(&self.areas, &definition.split, key.area.as_str(), &key.group)?;
            let at = self.board.lane(number as u32, place)?.find(key.window_start.0)?;
            self.window_figure((number as u32, place), at, &moment, false)
        })
    }

    /// Why a figure is what it is; `group` empty: the area as a whole, `window` none: its newest window. None if
    /// there is no such figure.
    #[must_use]
    pub fn explain(
        &self,
        indicator: &IndicatorId,
        area: &AreaCode,
        group: &str,
        window: Option<EventTime>,
    ) -> Option<Explained> {
        let active = |number: &usize| {
            let definition = self.plan.definitions.get(*number);
            definition.is_some_and(|known| &known.indicator == indicator && known.to.is_none())
        };
        let number = (0..self.plan.definitions.len()).find(active)? as u32;
        let place = find_group(&self.areas, &self.plan.definition(number)?.split, area.as_str(), group)?;
        let moment = self.moment();
        let figure = match window {
            None => self.figure(number, place, &moment, true)?,
            Some(start) => {
                let at = self.board.lane(number, place)?.find(start.0)?;
                self.window_figure((number, place), at, &moment, true)?
            }
        };
        let profile = self.profile()?;
        let definition = profile.indicators.get(indicator)?;
        let due: Vec<SourceId> = match self.watch.owner(place).and_then(|number| self.source(number)) {
            Some(source) => vec![source.id.clone()],
            None => self.due_of(number, profile, &definition.stream, area),
        };
        let heard = &figure.row.provenance.sources;
        let missing = due.iter().filter(|source| heard.binary_search(source).is_err()).cloned().collect();
        let code = self.code(number, place, figure.row.key.window_start.0);
        let definition = definition.text.clone();
        Some(Explained { figure: Arc::new(figure), due, missing, definition, code })
    }

    /// The sources due in an area for all streams a figure stands on, sorted.
    fn due_of(&self, number: u32, profile: &Profile, stream: &StreamId, area: &AreaCode) -> Vec<SourceId> {
        let streams = self.plan.derived.of(number).map_or(&[][..], |derivation| &derivation.streams);
        let mut due: Vec<SourceId> = match streams {
            [] => profile.due(stream, area).into_iter().cloned().collect(),
            _ => {
                let ids = streams.iter().filter_map(|stream| self.plan.streams.get(*stream as usize));
                let ids = ids.map(|stream| StreamId::new(&stream.id));
                ids.flat_map(|stream| profile.due(&stream, area).into_iter().cloned()).collect()
            }
        };
        due.sort_unstable();
        due.dedup();
        due
    }

    /// What decided the value of a calculator in a window.
    fn code(&self, number: u32, place: u32, start: i64) -> Option<&'static str> {
        let (definition, derivation) = self.plan.definition(number).zip(self.plan.derived.of(number))?;
        let end = self.plan.calendars.get(definition.calendar as usize)?.locate(start).1;
        let window = Window { definition, derivation, number, place, start, end };
        Field { plan: &self.plan, board: &self.board }.code(&window)
    }

    /// The ledger, in source order; messages no route matched stand under the empty name.
    #[must_use]
    pub fn ledger(&self) -> Vec<LedgerRow> {
        let mut rows: Vec<LedgerRow> = self
            .all_sources()
            .map(|source| LedgerRow {
                source: source.id.clone(),
                stream: source.stream.clone(),
                counts: source.counts.clone(),
                event_time: source.greatest.map(EventTime),
            })
            .collect();
        rows.sort_by(|left, right| (&left.source, &left.stream).cmp(&(&right.source, &right.stream)));
        rows
    }

    /// The sources, in id order.
    #[must_use]
    pub fn sources(&self) -> Vec<SourceLine> {
        let tick = self.tick.map(|(_, at)| at);
        let mut lines: Vec<SourceLine> = self
            .all_sources()
            .filter(|source| !source.id.as_str().is_empty())
            .map(|source| {
                let area = source.bound.map_or("unassigned", |bound| self.areas.text(bound.area));
                SourceLine {
                    source: source.id.clone(),
                    stream: source.stream.clone(),
                    area: AreaCode::new(area),
                    event_time: source.greatest.map(EventTime),
                    arrival: source.arrival.map(ArrivalTime),
                    badge: self.badge_of_source(source, tick),
                    listed: source.bound.is_some_and(|bound| bound.listed),
                }
            })
            .collect();
        lines.sort_by(|left, right| (&left.source, &left.stream).cmp(&(&right.source, &right.stream)));
        lines
    }

    /// The newest restatements first, of at most a thousand kept.
    #[must_use]
    pub fn restatements(&self, rows_max: usize) -> Vec<Restatement> {
        self.amends.restatements.iter().rev().take(rows_max).cloned().collect()
    }

    /// What became of the Restate records so far.
    #[must_use]
    pub fn revisions(&self) -> Revisions {
        Revisions { refused: self.amends.refused, unverified: self.amends.unverified }
    }

    /// The newest rejections first, of at most a thousand kept.
    #[must_use]
    pub fn rejections(&self, rows_max: usize) -> Vec<RejectionLine> {
        let line = |refused: &crate::admit::Refused| {
            let source = self.source(refused.source)?;
            Some(RejectionLine {
                offset: Offset(refused.offset),
                place: refused.place,
                arrival: ArrivalTime(refused.arrival),
                source: source.id.clone(),
                stream: source.stream.clone(),
                reason: refused.reason,
                field: refused.field.clone(),
            })
        };
        self.refused.iter().rev().filter_map(line).take(rows_max).collect()
    }
}
