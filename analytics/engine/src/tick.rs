//! Time passes: the barrier where watermarks move, windows close and durable rows are written.

use nhip_proto::{Offset, Row, encode_row};

use crate::badge::{Glance, Group};
use crate::engine::Engine;
use crate::row::Moment;
use crate::settle::Settling;
use crate::source::idle_span;

impl Engine {
    /// A Tick record.
    pub(crate) fn pass_time(&mut self, offset: Offset, at: i64) -> Vec<Row> {
        let at = self.tick.map_or(at, |(_, last)| at.max(last));
        self.tick = Some((offset, at));
        let before = self.look_around(at);
        let rows = self.settle(at, &before);
        if !rows.is_empty() {
            self.chain_rows(offset, &rows);
        }
        debug_assert!(self.all_sources().all(|source| source.counts.balances()), "P4: the ledger balances");
        rows
    }

    /// Looks at every source: live, idle, its hour; sums them up by stream and area. Returns the last look.
    fn look_around(&mut self, tick: i64) -> Glance {
        let mut glance = Glance::sized(&self.plan);
        let mut totals = vec![Group::default(); self.plan.streams.len()];
        let mut holding = vec![vec![false; self.plan.chains.len()]; self.plan.streams.len()];
        let gap = self.gap;
        for source in self.partitions.iter_mut().flat_map(|partition| &mut partition.sources) {
            let Some(bound) = source.bound else { continue };
            let Some(stream) = self.plan.streams.get(bound.stream as usize) else { continue };
            let was_changed = source.changed;
            source.pulse.advance(tick);
            source.judge_live(&bound, stream.staleness, tick, gap);
            if source.changed && !was_changed {
                self.changed_sources.push(source.number);
            }
            let idle = source.is_idle(&bound, tick, gap);
            let watermark = source.greatest.map_or(i64::MIN, |time| time.saturating_sub(stream.disorder));
            for area in self.plan.chain(bound.area) {
                let groups = glance.groups.get_mut(bound.stream as usize);
                let Some(group) = groups.and_then(|groups| groups.get_mut(*area as usize)) else { continue };
                group.add(source, &bound, tick);
                if !idle {
                    group.hold_back(watermark);
                    mark(&mut holding, bound.stream, *area);
                }
            }
            if let Some(total) = totals.get_mut(bound.stream as usize) {
                total.add(source, &bound, tick);
            }
        }
        // Where nobody speaks, time alone passes: a Tick stands in, behind by disorder and the idle span.
        for ((groups, holding), stream) in glance.groups.iter_mut().zip(&holding).zip(&self.plan.streams) {
            let behind = stream.disorder.saturating_add(idle_span(stream.cadence));
            for (group, holding) in groups.iter_mut().zip(holding) {
                if !holding {
                    group.watermark = Some(tick.saturating_sub(behind));
                }
            }
        }
        glance.sum_up(&self.plan, &totals);
        std::mem::replace(&mut self.glance, glance)
    }

    fn settle(&mut self, tick: i64, before: &Glance) -> Vec<Row> {
        let mut rows = Vec::new();
        let known = self.tick_known();
        let moment = Moment {
            known_offset: known.0,
            known_at: known.1,
            origin: self.origin(),
            sources: &self.source_ids,
            strangers: &self.strangers,
        };
        for (number, lanes) in self.board.lanes.iter_mut().enumerate() {
            let Some(definition) = self.plan.definitions.get(number) else { continue };
            let Some(calendar) = self.plan.calendars.get(definition.calendar as usize) else { continue };
            for (area, lane) in lanes.iter_mut().enumerate() {
                if lane.cells.is_empty() {
                    continue;
                }
                let group = self.glance.group(definition.stream, area as u32);
                let before = before.group(definition.stream, area as u32);
                let code = self.areas.text(area as u32);
                let settling = Settling { definition, calendar, area: code, group, moment: &moment, tick };
                let closed = settling.settle(lane, &mut rows);
                let live = group.map(|group| (group.live, group.due));
                let shown = closed || live != before.map(|group| (group.live, group.due));
                if shown && !lane.changed {
                    lane.changed = true;
                    self.board.changed.push((number as u32, area as u32));
                }
            }
        }
        rows.sort_by(|left, right| {
            (left.key.window_start, &left.key, left.definition).cmp(&(
                right.key.window_start,
                &right.key,
                right.definition,
            ))
        });
        rows
    }

    fn chain_rows(&mut self, offset: Offset, rows: &[Row]) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.rows_chain);
        hasher.update(&offset.0.to_be_bytes());
        let mut bytes = Vec::new();
        for row in rows {
            bytes.clear();
            encode_row(row, &mut bytes);
            hasher.update(&(bytes.len() as u64).to_be_bytes());
            hasher.update(&bytes);
        }
        self.rows_chain = *hasher.finalize().as_bytes();
    }
}

fn mark(holding: &mut [Vec<bool>], stream: u32, area: u32) {
    if let Some(slot) = holding.get_mut(stream as usize).and_then(|areas| areas.get_mut(area as usize)) {
        *slot = true;
    }
}
