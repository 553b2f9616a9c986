//! A Profile record: what stays, what starts anew, what runs out.

use std::sync::Arc;

use nhip_profile::{Indicator, Profile, SourceState};
use nhip_proto::{IndicatorId, Offset, ProfileText};

use crate::admit::Frame;
use crate::badge::{Glance, Part, rate_of};
use crate::cases;
use crate::engine::Engine;
use crate::lane::Lane;
use crate::plan::{Compiler, Member, NOWHERE, OTHER, Retired, source_place, zone_of};
use crate::source::{Bound, Source};
use crate::touch::Touch;
use crate::trace::{self, Origin};

/// A profile with the text it came from.
#[derive(Clone, Debug)]
pub(crate) struct Edition {
    pub(crate) text: Arc<ProfileText>,
    pub(crate) profile: Arc<Profile>,
}

/// A definition that finishes the windows begun before another took its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RetiredDefinition {
    /// Into the editions.
    pub(crate) edition: u32,
    pub(crate) indicator: IndicatorId,
    pub(crate) from: Option<i64>,
    pub(crate) to: i64,
}

impl Engine {
    /// Takes a Profile record. One that does not load changes nothing but a count.
    pub(crate) fn adopt(&mut self, offset: Offset, text: &ProfileText) {
        let Some(profile) = (self.loader)(text) else {
            self.others.profiles_refused += 1;
            return;
        };
        self.adopt_loaded(offset, text, profile);
    }

    /// Takes a profile that was read.
    pub(crate) fn adopt_loaded(&mut self, offset: Offset, text: &ProfileText, profile: Profile) {
        let at = text.at.0;
        let old: Option<Arc<Profile>> = self.profile().cloned();
        let (mut active, mut finished) = self.take_lanes();
        let mut from = Vec::new();
        let mut lanes = Vec::new();
        let mut begun = Vec::new();
        for indicator in profile.indicators.values() {
            let kept = active.iter().position(|(known, ..)| same_definition(known, indicator));
            match kept.map(|kept| active.remove(kept)) {
                Some((_, since, kept)) => {
                    from.push(since);
                    lanes.push(kept);
                }
                None => {
                    from.push(old.is_some().then_some(at));
                    begun.push(lanes.len() as u32);
                    lanes.push(Vec::new());
                }
            }
        }
        let edition = self.editions.len().saturating_sub(1) as u32;
        for (indicator, since, mut kept) in active {
            kept.iter_mut().for_each(|lane| lane.cells.retain(|cell| cell.start < at));
            let retired = RetiredDefinition { edition, indicator: indicator.id.clone(), from: since, to: at };
            finished.push((retired, kept));
        }
        let tick = self.tick.map_or(i64::MIN, |(_, tick)| tick);
        finished
            .retain(|(retired, kept)| retired.to > tick || kept.iter().any(|lane| !lane.cells.is_empty()));
        let (retired, kept): (Vec<_>, Vec<_>) = finished.into_iter().unzip();
        lanes.extend(kept);
        self.retired = retired;
        self.from = from;
        self.editions.push(Edition { text: Arc::new(text.clone()), profile: Arc::new(profile) });
        self.drop_editions();
        self.board.lanes = lanes;
        self.compile();
        self.profile_offset = offset;
        self.know_sources(at);
        self.find_owners();
        self.begin(&begun, offset);
        self.cascade();
        self.derive_open();
        self.judge_due();
        self.profile_changed = true;
    }

    /// Builds the plan from the editions, binds all sources, works out what follows from the cells.
    pub(crate) fn compile(&mut self) {
        let Some(edition) = self.editions.last() else { return };
        let mut retired = Vec::new();
        for old in &self.retired {
            let Some(edition) = self.editions.get(old.edition as usize) else { continue };
            let Some(indicator) = edition.profile.indicators.get(&old.indicator) else { continue };
            let zone = zone_of(&edition.profile, &edition.text);
            retired.push(Retired { profile: &edition.profile, zone, indicator, from: old.from, to: old.to });
        }
        let since = |indicator: &Indicator| {
            let at = edition.profile.indicators.keys().position(|id| id == &indicator.id);
            at.and_then(|at| self.from.get(at).copied()).flatten()
        };
        let compiler = Compiler::new(&edition.profile, &edition.text, &mut self.words);
        self.plan = compiler.compile(&mut self.areas, since, &retired);
        self.plan.pin(&self.amends.pins);
        if let Some(sub_plan) = &self.sub_plan {
            self.plan.prune(sub_plan);
        }
        self.board.resize(&self.plan);
        self.board.index();
        self.watch.ready = false;
        self.outputs.iter_mut().for_each(|output| output.prepare(&self.plan));
        self.strangers.clear();
        let mut partitions = std::mem::take(&mut self.partitions);
        for source in partitions.iter_mut().flat_map(|partition| &mut partition.sources) {
            self.bind_source(source);
            if source.bound.is_none_or(|bound| !bound.listed) {
                self.strangers.push(source.number);
            }
        }
        self.strangers.sort_unstable();
        self.partitions = partitions;
        self.queue_cases();
    }

    /// Gives a source its place in the plan.
    pub(crate) fn bind_source(&self, source: &mut Source) {
        let number = self.plan.stream(source.stream.as_str());
        let stream = number.and_then(|number| self.plan.streams.get(number as usize));
        let bound = self.profile().and_then(|profile| self.place_of(profile, source, number?));
        source.bind(bound, stream, stream.map_or(0, |stream| stream.definitions.len()));
    }

    fn place_of(&self, profile: &Profile, source: &Source, number: u32) -> Option<Bound> {
        let stream = profile.streams.get(&source.stream)?;
        let listed = profile.sources.get(&source.id).filter(|listed| listed.stream == source.stream);
        let code = match listed {
            Some(listed) => listed.area.as_str(),
            None if stream.open => "unassigned",
            None => return None,
        };
        let cadence = listed.and_then(|listed| listed.cadence).unwrap_or(stream.cadence).max(1);
        let lateness = listed.and_then(|listed| listed.lateness).unwrap_or(stream.lateness).max(0);
        Some(Bound {
            stream: number,
            area: self.areas.get(code)?,
            lane: source_place(&self.areas, code, source.id.as_str())?,
            listed: listed.is_some(),
            due: listed.is_some_and(|listed| listed.state == SourceState::Connected),
            owner: listed.map_or(NOWHERE, |listed| self.plan.answerable.number(&listed.owner)),
            cadence,
            rate: rate_of(cadence),
            lateness,
        })
    }

    /// Every listed source is known from here on, so that one never heard is missing and not absent.
    fn know_sources(&mut self, at: i64) {
        let Some(profile) = self.profile().cloned() else { return };
        for source in profile.sources.values() {
            self.source_number(&source.id, &source.stream, at);
        }
    }

    /// Which places are of one source alone.
    pub(crate) fn find_owners(&mut self) {
        let mut owners = vec![NOWHERE; self.plan.chains.len()];
        for source in self.all_sources() {
            let lane = source.bound.map_or(NOWHERE, |bound| bound.lane);
            let group = self.plan.group(lane);
            if group != source.id.as_str() || group == OTHER {
                continue;
            }
            for place in self.plan.chain(lane).iter().filter(|place| self.plan.home(**place) != **place) {
                if let Some(owner) = owners.get_mut(*place as usize) {
                    *owner = source.number;
                }
            }
        }
        self.watch.owners = owners;
    }

    /// New definitions of time in a state take up what the newest samples still hold.
    fn begin(&mut self, begun: &[u32], offset: Offset) {
        let frame = Frame { plan: &self.plan, tick: self.tick.map(|(_, at)| at), entering: None };
        let mut touches: Vec<Touch> = Vec::new();
        for source in self.partitions.iter().flat_map(|partition| &partition.sources) {
            let Some(stream) = source.bound.and_then(|bound| self.plan.streams.get(bound.stream as usize))
            else {
                continue;
            };
            for (plan, (_, series)) in stream.series.iter().zip(&source.series) {
                let slot = plan.group.map_or(0, |(_, slot)| slot);
                let origin = Origin { offset: offset.0, source: source.number, slot, counted: false };
                let works = |member: &&Member| {
                    begun.contains(&member.definition) && self.plan.works(member.definition)
                };
                for member in plan.members.iter().filter(works) {
                    for between in series.all() {
                        trace::begun(frame, member, &between, &origin, &mut touches);
                    }
                }
            }
        }
        for source in self.partitions.iter().flat_map(|partition| &partition.sources) {
            cases::begun(source, &self.plan, begun, frame.tick, &mut touches);
        }
        for touch in &touches {
            self.board.take(&self.plan, touch);
        }
    }

    /// How many sources are due where, before the first Tick tells the rest.
    fn judge_due(&mut self) {
        let mut glance = Glance::sized(&self.plan);
        for source in self.partitions.iter().flat_map(|partition| &partition.sources) {
            let Some(bound) = &source.bound else { continue };
            let Some(stream) = self.plan.streams.get(bound.stream as usize) else { continue };
            for area in self.plan.reach(bound.stream, bound.area) {
                let groups = glance.groups.get_mut(bound.stream as usize);
                if let Some(group) = groups.and_then(|groups| groups.get_mut(*area as usize)) {
                    let tick = self.tick.map_or(source.since, |(_, tick)| tick);
                    group.list(bound, &stream.rules);
                    group.exchange(&Part::default(), &Part::of(source, bound, stream, tick));
                }
            }
        }
        glance.badges = std::mem::take(&mut self.glance.badges);
        self.glance = glance;
    }

    /// The lanes of the active definitions with their indicators, and of the retired ones.
    #[expect(clippy::type_complexity, reason = "used once, taken apart at once")]
    fn take_lanes(
        &mut self,
    ) -> (Vec<(Indicator, Option<i64>, Vec<Lane>)>, Vec<(RetiredDefinition, Vec<Lane>)>) {
        let mut lanes = std::mem::take(&mut self.board.lanes).into_iter();
        let indicators: Vec<Indicator> =
            self.profile().map_or_else(Vec::new, |profile| profile.indicators.values().cloned().collect());
        let active = indicators
            .into_iter()
            .zip(std::mem::take(&mut self.from))
            .map(|(indicator, from)| (indicator, from, lanes.next().unwrap_or_default()))
            .collect();
        let retired = std::mem::take(&mut self.retired)
            .into_iter()
            .map(|retired| (retired, lanes.next().unwrap_or_default()))
            .collect();
        (active, retired)
    }

    /// Forgets editions nothing refers to any more.
    fn drop_editions(&mut self) {
        let last = self.editions.len().saturating_sub(1) as u32;
        let used: Vec<u32> = (0..=last)
            .filter(|edition| *edition == last || self.retired.iter().any(|old| old.edition == *edition))
            .collect();
        for old in &mut self.retired {
            old.edition = used.iter().position(|edition| *edition == old.edition).unwrap_or(0) as u32;
        }
        let editions = std::mem::take(&mut self.editions);
        let keep = |(at, edition): (usize, Edition)| used.contains(&(at as u32)).then_some(edition);
        self.editions = editions.into_iter().enumerate().filter_map(keep).collect();
    }
}

/// The same definition version: its state stays. Units, scales and windows are part of the hash.
fn same_definition(left: &Indicator, right: &Indicator) -> bool {
    left.id == right.id && left.definition == right.definition
}
