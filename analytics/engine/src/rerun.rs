//! A re-run: a second engine reads the log again, with stored messages as they are read now, or with one indicator as
//! the profile now valid defines it. Whoever runs the engine carries the records; see docs/adr/0008.

use std::collections::BTreeMap;

use nhip_profile::Profile;
use nhip_proto::{
    EventTime, IndicatorId, Item, Logged, Message, MessageBody, Offset, Record, Rejection, SourceId, Span,
    StreamId, partition_of,
};

use crate::admit::Entering;
use crate::amend::Order;
use crate::beyond::Recall;
use crate::engine::Engine;
use crate::source::Source;
use crate::sub_plan::SubPlan;
use crate::{Effects, EngineError};

/// A hundred years: nothing is late, no window is forgotten.
const FOR_EVER: Span = 3_155_760_000_000_000_000;

/// A second engine on its way through the log.
pub struct Rerun {
    pub(crate) job: Job,
    pub(crate) engine: Engine,
    /// Messages as they are read now, by the offset of the original.
    reread: BTreeMap<u64, Reread>,
    /// Whether the Redecode records are still being gathered.
    gathering: bool,
    next: Offset,
    end: Offset,
    /// What the job needs; none: everything.
    sub_plan: Option<SubPlan>,
    /// The last Tick passed over.
    tick: Option<i64>,
    /// Profiles of the log, where what rows said must be recalled …
    profiles: Option<Vec<Profile>>,
    /// … by this one, once they are all known.
    pub(crate) recall: Option<Box<Recall>>,
    /// Figures of the range when `computed_to` was reached.
    pub(crate) digest: Option<[u8; 32]>,
}

/// What a re-run is for.
#[derive(Clone, Debug)]
pub(crate) enum Job {
    /// The last Redecode record.
    Redecode(u64),
    /// One Restate record.
    Restate(Order),
}

/// One stored message as it is read now.
#[derive(Clone, Debug)]
struct Reread {
    body: Result<Vec<Item>, Rejection>,
    source: SourceId,
    stream: StreamId,
    /// Items of Redecode records before the last one.
    earlier: u64,
}

impl Engine {
    /// As [`Self::apply`], with every re-run the records ask for; `read` gives records from an offset on.
    ///
    /// # Errors
    /// As [`Self::apply`], and what `read` fails with.
    pub fn apply_with<E: From<EngineError>>(
        &mut self,
        mut batch: &[Logged],
        effects: &mut Effects,
        mut read: impl FnMut(Offset) -> Result<Vec<Logged>, E>,
    ) -> Result<(), E> {
        loop {
            self.apply(batch, effects)?;
            let left = batch.iter().position(|logged| logged.offset >= self.applied);
            let Some(rest) = left.and_then(|left| batch.get(left..)) else { return Ok(()) };
            batch = rest;
            while let Some(mut rerun) = self.rerun() {
                while let Some(from) = rerun.wants() {
                    rerun.feed(&read(from)?);
                }
                self.take(rerun);
            }
        }
    }

    /// The re-run that must come before the next Tick, if one must: the records since the last Tick ask for it. Feed it
    /// what it [wants](Rerun::wants), [take](Engine::take) it, ask again, then go on where the engine stands.
    #[must_use]
    pub fn rerun(&self) -> Option<Rerun> {
        if self.amends.redecoded.is_none() && self.amends.restates.is_empty() {
            return None;
        }
        match (self.amends.redecoded, self.amends.restates.first()) {
            (Some(last), _) => Some(self.begin_rerun(Job::Redecode(last))),
            (None, Some(order)) => Some(self.begin_restate(order.clone())),
            (None, None) => None,
        }
    }

    /// A re-run that tells what a Restate up to here would change; it is [foreseen](Engine::foresee), not taken.
    #[must_use]
    pub fn preview(&self, indicator: &IndicatorId, (from, to): (EventTime, EventTime)) -> Option<Rerun> {
        let known = self.profile().is_some_and(|profile| profile.indicators.contains_key(indicator));
        let order = Order {
            offset: self.applied.0,
            at: 0,
            indicator: indicator.clone(),
            from: from.0,
            to: to.0,
            computed_to: self.applied.0,
            digest: [0; 32],
        };
        (known && from < to).then(|| self.begin_restate(order))
    }

    fn begin_rerun(&self, job: Job) -> Rerun {
        let mut engine = Self::with(self.settings.clone(), self.loader.clone());
        engine.replays = true;
        engine.sub_plan.clone_from(&self.sub_plan);
        // Numbers of sources stay what they are, for windows that stay as they are.
        for source in self.all_sources() {
            let (id, stream) = (source.id.clone(), source.stream.clone());
            let same = Source::new(source.number, id, stream, source.since);
            engine.put_source(partition_of(&source.id), same);
        }
        let reread_first = self.amends.redecode_first.map(Offset);
        Rerun {
            job,
            engine,
            reread: BTreeMap::new(),
            gathering: reread_first.is_some(),
            next: reread_first.unwrap_or_default(),
            end: self.applied,
            sub_plan: None,
            tick: None,
            profiles: None,
            recall: None,
            digest: None,
        }
    }

    fn begin_restate(&self, order: Order) -> Rerun {
        let mut rerun = self.begin_rerun(Job::Restate(order.clone()));
        let Some(edition) = self.editions.last() else { return rerun };
        let mut profile = Profile::clone(&edition.profile);
        rerun.sub_plan = Some(only(&mut profile, &order.indicator));
        rerun.profiles = self.must_recall(&order).then(Vec::new);
        rerun.engine.adopt_loaded(self.profile_offset, &edition.text, profile);
        let late = self.amends.late.iter().filter(|late| !late.entered);
        rerun.engine.entering = rerun.engine.active(&order.indicator).map(|definition| Entering {
            late: late.map(|late| (late.offset, late.place)).collect(),
            definition,
            from: order.from,
            to: order.to,
        });
        rerun
    }

    /// The active definition of an indicator.
    pub(crate) fn active(&self, indicator: &IndicatorId) -> Option<u32> {
        let active = |number: &usize| {
            let definition = self.plan.definitions.get(*number);
            definition.is_some_and(|known| &known.indicator == indicator && known.to.is_none())
        };
        (0..self.plan.definitions.len()).find(active).map(|number| number as u32)
    }
}

impl Rerun {
    /// The offset of the next record it needs; none: it is at its end.
    #[must_use]
    pub fn wants(&self) -> Option<Offset> {
        if self.gathering || self.next < self.end {
            return Some(self.next);
        }
        self.recall.as_ref().and_then(|recall| recall.wants(self.end))
    }

    /// The offset it stops before.
    #[must_use]
    pub fn end(&self) -> Offset {
        self.end
    }

    /// Takes records that begin where it [wants](Self::wants) them; those at its end and behind are left.
    pub fn feed(&mut self, batch: &[Logged]) {
        if let Some(recall) = &mut self.recall {
            return recall.feed(batch, self.end);
        }
        let within = batch.iter().take_while(|logged| logged.offset < self.end).count();
        let batch = batch.get(..within).unwrap_or_default();
        let last = batch.last().map(|logged| logged.offset.next());
        if self.gathering {
            batch.iter().for_each(|logged| self.gather(logged));
            self.next = last.unwrap_or(self.end);
            if self.next >= self.end {
                self.gathering = false;
                self.next = Offset(0);
            }
            return;
        }
        match &self.job {
            Job::Redecode(_) => self.run_all(batch),
            Job::Restate(order) => {
                let cut = Offset(order.computed_to).min(self.end);
                let before = batch.iter().take_while(|logged| logged.offset < cut).count();
                let (before, after) = batch.split_at(before);
                self.run_some(before);
                if last.is_some_and(|last| last >= cut) {
                    self.print();
                }
                self.run_some(after);
            }
        }
        self.next = last.unwrap_or(self.end);
        if self.next >= self.end
            && let Job::Restate(order) = &self.job
        {
            let order = order.clone();
            self.pass_time();
            self.recall =
                self.profiles.take().map(|profiles| Box::new(Recall::new(&self.engine, &order, &profiles)));
        }
    }

    fn gather(&mut self, logged: &Logged) {
        let Record::Redecode(redecode) = &logged.record else { return };
        if redecode.original >= logged.offset {
            return;
        }
        let before = self.reread.get(&redecode.original.0);
        let earlier =
            before.map_or(0, |before| before.earlier + before.body.as_ref().map_or(0, Vec::len) as u64);
        let (source, stream) = (redecode.source.clone(), redecode.stream.clone());
        let reread = Reread { body: redecode.body.clone(), source, stream, earlier };
        self.reread.insert(redecode.original.0, reread);
    }

    /// Everything, with the new items in the place of the old.
    fn run_all(&mut self, batch: &[Logged]) {
        let mut superseded = Vec::new();
        let read = self.read_again(batch, &mut superseded);
        let batch = read.as_deref().unwrap_or(batch);
        // Nothing is refused: the batch continues where the engine stands.
        self.engine.apply(batch, &mut Effects::default()).unwrap_or_default();
        for (source, stream, items) in superseded {
            self.engine.supersede(&source, &stream, items);
        }
    }

    /// Only messages of the streams needed: profile and time stand still.
    fn run_some(&mut self, batch: &[Logged]) {
        let read = self.read_again(batch, &mut Vec::new());
        let batch = read.as_deref().unwrap_or(batch);
        let mut effects = Effects::default();
        let sub_plan = self.sub_plan.as_ref();
        for run in batch.chunk_by(|left, right| needs(sub_plan, left) == needs(sub_plan, right)) {
            if run.first().is_some_and(|logged| needs(sub_plan, logged)) {
                self.engine.take_messages(run, &mut effects);
            }
        }
        let ticks = batch.iter().filter_map(|logged| match &logged.record {
            Record::Tick(tick) => Some(tick.at.0),
            _ => None,
        });
        self.tick = self.tick.max(ticks.max());
        if let Some(profiles) = &mut self.profiles {
            let loader = self.engine.loader.clone();
            profiles.extend(batch.iter().filter_map(|logged| match &logged.record {
                Record::Profile(text) => loader(text),
                _ => None,
            }));
        }
    }

    fn read_again(
        &self,
        batch: &[Logged],
        superseded: &mut Vec<(SourceId, StreamId, u64)>,
    ) -> Option<Vec<Logged>> {
        let (first, last) = (batch.first()?.offset.0, batch.last()?.offset.0);
        self.reread.range(first..=last).next()?;
        let mut read = batch.to_vec();
        for logged in &mut read {
            let (Some(reread), Record::Message(message)) =
                (self.reread.get(&logged.offset.0), &mut logged.record)
            else {
                continue;
            };
            let before = match &message.body {
                MessageBody::Items(items) => items.len() as u64,
                MessageBody::Rejected(_) => 0,
            };
            exchange(message, reread);
            superseded.push((message.source.clone(), message.stream.clone(), before + reread.earlier));
        }
        Some(read)
    }

    /// Works out what only a Tick works out, at the last Tick's time.
    fn pass_time(&mut self) {
        if let Some(tick) = self.tick {
            drop(self.engine.pass_time(self.next, tick));
        }
    }

    fn print(&mut self) {
        if self.digest.is_none()
            && let Job::Restate(order) = &self.job
        {
            let order = order.clone();
            self.pass_time();
            self.digest = Some(self.engine.print(&order));
        }
    }
}

/// Births speak for sources of other streams, too.
fn needs(sub_plan: Option<&SubPlan>, logged: &Logged) -> bool {
    if let Record::Entry(entry) = &logged.record {
        return sub_plan.is_none_or(|sub_plan| sub_plan.needs(&StreamId::new(&entry.stream)));
    }
    let Record::Message(message) = &logged.record else { return false };
    message.session.is_some() || sub_plan.is_none_or(|sub_plan| sub_plan.needs(&message.stream))
}

/// The new items in the place of the old, and under another source where one was found now.
fn exchange(message: &mut Message, reread: &Reread) {
    message.body = match &reread.body {
        Ok(items) => MessageBody::Items(items.clone()),
        Err(rejection) => MessageBody::Rejected(rejection.clone()),
    };
    if !reread.stream.as_str().is_empty() {
        message.stream = reread.stream.clone();
        message.source = reread.source.clone();
        message.partition = partition_of(&message.source);
    }
}

/// Leaves of a profile what one indicator needs, and nothing of it is ever late.
fn only(profile: &mut Profile, indicator: &IndicatorId) -> SubPlan {
    let sub_plan = SubPlan::new([indicator.clone()], [&*profile]);
    profile.indicators.retain(|id, _| sub_plan.has(id));
    for stream in profile.streams.values_mut() {
        (stream.lateness, stream.horizon) = (FOR_EVER, FOR_EVER);
    }
    for source in profile.sources.values_mut() {
        source.lateness = Some(FOR_EVER);
    }
    sub_plan
}
