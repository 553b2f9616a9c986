//! Time passes: the barrier where watermarks move, windows close and durable rows are written.

use nhip_proto::{Offset, Row};

use crate::badge::{Glance, Group, expected_of};
use crate::engine::Engine;
use crate::row::Moment;
use crate::settle::Settling;
use crate::source::idle_span;

impl Engine {
    /// A Tick record.
    pub(crate) fn pass_time(&mut self, offset: Offset, at: i64) -> Vec<Row> {
        let at = self.tick.map_or(at, |(_, last)| at.max(last));
        self.tick = Some((offset, at));
        std::mem::swap(&mut self.glance, &mut self.last_glance);
        self.look_around(at);
        self.tell_flips();
        let mut rows = Vec::new();
        self.settle(at, &mut rows);
        debug_assert!(self.all_sources().all(|source| source.counts.balances()), "P4: the ledger balances");
        rows
    }

    /// Looks at every source: live, idle, its hour; sums them up by stream and area.
    fn look_around(&mut self, tick: i64) {
        let glance = &mut self.glance;
        glance.clear(&self.plan);
        let mut totals = vec![Group::default(); self.plan.streams.len()];
        let gap = self.gap;
        for source in self.partitions.iter_mut().flat_map(|partition| &mut partition.sources) {
            let Some(bound) = source.bound else { continue };
            let Some(stream) = self.plan.streams.get(bound.stream as usize) else { continue };
            source.pulse.advance(tick);
            if source.judge_live(&bound, stream.staleness, tick, gap) && !source.changed {
                source.changed = true;
                self.changed_sources.push(source.number);
            }
            let idle = source.is_idle(&bound, tick, gap);
            let watermark = source.greatest.map_or(i64::MIN, |time| time.saturating_sub(stream.disorder));
            let expected = expected_of(source, &bound, tick);
            let groups = glance.groups.get_mut(bound.stream as usize);
            let Some(group) = groups.and_then(|groups| groups.get_mut(bound.area as usize)) else { continue };
            group.add(source, &bound, expected);
            if !idle {
                group.hold_back(watermark);
            }
        }
        for (groups, total) in glance.groups.iter_mut().zip(&mut totals) {
            let direct = groups.clone();
            for (group, chain) in direct.iter().zip(&self.plan.chains) {
                total.join(group);
                for area in chain.iter().skip(1) {
                    if let Some(around) = groups.get_mut(*area as usize) {
                        around.join(group);
                    }
                }
            }
        }
        // Where nobody speaks, time alone passes: a Tick stands in, behind by disorder and the idle span.
        for (groups, stream) in glance.groups.iter_mut().zip(&self.plan.streams) {
            let behind = stream.disorder.saturating_add(idle_span(stream.cadence));
            for group in groups {
                group.watermark = group.watermark.or(Some(tick.saturating_sub(behind)));
            }
        }
        glance.sum_up(&self.plan, &totals);
    }

    /// Marks the figures of groups in which a source went stale or came back.
    fn tell_flips(&mut self) {
        let life = |glance: &Glance| -> Vec<(u64, u64)> {
            glance.groups.iter().flatten().map(|group| (group.live, group.due)).collect()
        };
        let areas = self.plan.chains.len().max(1);
        let (now, before) = (life(&self.glance), life(&self.last_glance));
        let flips = (0..now.len()).filter(|at| now.get(*at) != before.get(*at));
        for (stream, area) in flips.map(|at| (at / areas, (at % areas) as u32)) {
            let definitions = self.plan.streams.get(stream).map_or(&[][..], |stream| &stream.definitions);
            for definition in definitions {
                self.board.mark(*definition, area);
            }
        }
    }

    fn settle(&mut self, tick: i64, rows: &mut Vec<Row>) {
        let known = self.tick_known();
        let moment = Moment {
            known_offset: known.0,
            known_at: known.1,
            origin: self.origin(),
            sources: &self.source_ids,
            strangers: &self.strangers,
        };
        let mut chain = blake3::Hasher::new();
        chain.update(&self.rows_chain);
        chain.update(&known.0.0.to_be_bytes());
        for (number, lanes) in self.board.lanes.iter_mut().enumerate() {
            let Some(definition) = self.plan.definitions.get(number) else { continue };
            let Some(calendar) = self.plan.calendars.get(definition.calendar as usize) else { continue };
            for (area, lane) in lanes.iter_mut().enumerate() {
                let group = self.glance.group(definition.stream, area as u32);
                if !lane.wakes(group.and_then(|group| group.watermark), tick, definition.horizon) {
                    continue;
                }
                let code = self.areas.text(area as u32);
                let settling = Settling { definition, calendar, area: code, group, moment: &moment, tick };
                let closed = settling.settle(lane, rows, &mut chain);
                if closed && !lane.changed {
                    lane.changed = true;
                    self.board.changed.push((number as u32, area as u32));
                }
            }
        }
        if rows.is_empty() {
            return;
        }
        self.rows_chain = *chain.finalize().as_bytes();
        rows.sort_by(|left, right| {
            (left.key.window_start, &left.key, left.definition).cmp(&(
                right.key.window_start,
                &right.key,
                right.definition,
            ))
        });
    }
}
