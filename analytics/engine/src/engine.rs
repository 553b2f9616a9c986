//! The engine: records in, rows and screen updates out. Its state is a pure function of the log up to one offset.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use nhip_profile::Profile;
use nhip_proto::{
    ArrivalTime, GapCause, Logged, Offset, Origin, PARTITIONS, ProfileText, Record, Row, SourceId, StreamId,
    partition_of,
};

use crate::admit::{Entering, Output, Refused};
use crate::adopt::Edition;
use crate::amend::Amends;
use crate::badge::Glance;
use crate::beyond::Beyond;
use crate::case_watch::CaseWatch;
use crate::lane::Board;
use crate::plan::Plan;
use crate::session::Nodes;
use crate::source::Source;
use crate::sub_plan::SubPlan;
use crate::table::{Table, Words, hash_bytes};
use crate::watch::Watch;
use crate::{Effects, EngineError, EngineSettings};

/// Sources remembered beside those the profile lists; messages of more count for the nameless one and are rejected.
pub(crate) const STRANGERS_MAX: usize = 65_536;

/// Reads a profile out of its record.
pub type Loader = Arc<dyn Fn(&ProfileText) -> Option<Profile> + Send + Sync>;

/// One installation's figures up to one log offset.
pub struct Engine {
    pub(crate) settings: EngineSettings,
    pub(crate) loader: Loader,
    /// The offset after the last applied record.
    pub(crate) applied: Offset,
    /// Offset and time of the last Tick.
    pub(crate) tick: Option<(Offset, i64)>,
    /// When the last Downtime or SessionLost gap was noticed.
    pub(crate) gap: Option<i64>,
    pub(crate) others: OtherRecords,
    /// Profiles in use; the last is the valid one, others serve retired definitions.
    pub(crate) editions: Vec<Edition>,
    /// Since which window start each active definition holds, in indicator order.
    pub(crate) from: Vec<Option<i64>>,
    pub(crate) retired: Vec<crate::adopt::RetiredDefinition>,
    pub(crate) plan: Plan,
    pub(crate) words: Words,
    pub(crate) areas: Words,
    pub(crate) partitions: Vec<Partition>,
    /// Where each source number lives: partition and place in it.
    pub(crate) homes: Vec<(u8, u32)>,
    pub(crate) source_ids: Vec<SourceId>,
    /// Sources below this number come in the order of their ids.
    pub(crate) ordered: u32,
    pub(crate) source_table: Table,
    /// Sources the profile does not list, sorted by number.
    pub(crate) strangers: Vec<u32>,
    /// Sources whose newest figures a person typed; follows from them.
    pub(crate) typed: BTreeSet<u32>,
    pub(crate) nodes: Nodes,
    pub(crate) board: Board,
    pub(crate) glance: Glance,
    /// What a Tick must look at; follows from the state.
    pub(crate) watch: Watch,
    /// Cases a Tick must look at; follows from the state.
    pub(crate) case_watch: CaseWatch,
    pub(crate) refused: VecDeque<Refused>,
    pub(crate) amends: Amends,
    /// Whether this is the second engine of a re-run; not part of the state.
    pub(crate) replays: bool,
    /// Late items a Restate may let in; only in its re-run.
    pub(crate) entering: Option<Entering>,
    /// What it is pruned to; none: everything. Not part of the state.
    pub(crate) sub_plan: Option<Arc<SubPlan>>,
    /// The Tick before the last one; not part of the state.
    pub(crate) previous_tick: Offset,
    /// Whether it only recalls what rows said, and recalls nothing itself; not part of the state.
    pub(crate) recalls: bool,
    /// Rows of forgotten windows a Restate computed; written with the Tick that comes next, so not part of the state.
    pub(crate) beyond: Vec<Beyond>,
    /// Why derived windows change, while a revision is taken in; not part of the state.
    pub(crate) amending: Option<crate::amend::Cause>,
    /// BLAKE3 chain over all durable rows so far.
    pub(crate) rows_chain: [u8; 32],
    /// The Profile record now valid.
    pub(crate) profile_offset: Offset,
    pub(crate) changed_sources: Vec<u32>,
    pub(crate) profile_changed: bool,
    pub(crate) outputs: Vec<Output>,
    /// Derived windows without value because a number grew too large; not part of the state.
    pub(crate) overflows: u64,
}

/// Sources whose messages one worker may judge alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Partition {
    pub(crate) sources: Vec<Source>,
}

/// Records that change no figure in this version: counted, acted on by rooms to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OtherRecords {
    /// Operator commands.
    pub commands: u64,
    /// Messages read again.
    pub redecodes: u64,
    /// Restatements.
    pub restates: u64,
    /// Statistics and case acts.
    pub entries: u64,
    /// Gaps; they delay the judgement of silence.
    pub gaps: u64,
    /// Profile records this version could not load; the profile before stayed valid.
    pub profiles_refused: u64,
}

impl Engine {
    /// An engine before the first record.
    #[must_use]
    pub fn new(settings: EngineSettings) -> Self {
        Self::with(settings, Arc::new(load_profile))
    }

    /// As [`Self::new`], for some indicators only: rows of theirs are those of a full engine over the same records,
    /// byte for byte; their inputs have rows, too. Ledger, badges of sources and duties tell only of what was read. It
    /// is for one run: a snapshot of it is none of the log.
    #[must_use]
    pub fn pruned(settings: EngineSettings, sub_plan: SubPlan) -> Self {
        Self { sub_plan: Some(Arc::new(sub_plan)), ..Self::new(settings) }
    }

    /// As [`Self::new`], reading profiles in another way: for tests and what-if runs.
    #[must_use]
    pub fn with_loader(
        settings: EngineSettings,
        loader: impl Fn(&ProfileText) -> Option<Profile> + Send + Sync + 'static,
    ) -> Self {
        Self::with(settings, Arc::new(loader))
    }

    pub(crate) fn with(settings: EngineSettings, loader: Loader) -> Self {
        Self {
            settings,
            loader,
            applied: Offset(0),
            tick: None,
            gap: None,
            others: OtherRecords::default(),
            editions: Vec::new(),
            from: Vec::new(),
            retired: Vec::new(),
            plan: Plan::default(),
            words: Words::default(),
            areas: Words::default(),
            partitions: vec![Partition::default(); usize::from(PARTITIONS)],
            homes: Vec::new(),
            source_ids: Vec::new(),
            ordered: 0,
            source_table: Table::default(),
            strangers: Vec::new(),
            typed: BTreeSet::new(),
            nodes: Nodes::default(),
            board: Board::default(),
            glance: Glance::default(),
            watch: Watch::default(),
            case_watch: CaseWatch::default(),
            refused: VecDeque::new(),
            amends: Amends::default(),
            replays: false,
            entering: None,
            sub_plan: None,
            previous_tick: Offset(0),
            recalls: false,
            beyond: Vec::new(),
            amending: None,
            rows_chain: [0; 32],
            profile_offset: Offset(0),
            changed_sources: Vec::new(),
            profile_changed: false,
            outputs: Vec::new(),
            overflows: 0,
        }
    }

    /// The offset after the last applied record.
    #[must_use]
    pub fn applied(&self) -> Offset {
        self.applied
    }

    /// The time of the last Tick.
    #[must_use]
    pub fn last_tick(&self) -> Option<ArrivalTime> {
        self.tick.map(|(_, at)| ArrivalTime(at))
    }

    /// Whether the last record applied is a Tick.
    #[must_use]
    pub fn is_at_tick(&self) -> bool {
        self.tick.is_some_and(|(offset, _)| offset.next() == self.applied)
    }

    /// The hash of the profile now valid.
    #[must_use]
    pub fn profile_hash(&self) -> Option<[u8; 16]> {
        self.editions.last().map(|edition| edition.text.hash)
    }

    /// The profile now valid.
    #[must_use]
    pub fn profile(&self) -> Option<&Arc<Profile>> {
        self.editions.last().map(|edition| &edition.profile)
    }

    /// The record of the profile now valid.
    #[must_use]
    pub fn profile_text(&self) -> Option<&Arc<ProfileText>> {
        self.editions.last().map(|edition| &edition.text)
    }

    /// BLAKE3 chain over all durable rows so far, in order: equal logs have equal chains.
    #[must_use]
    pub fn rows_chain(&self) -> [u8; 32] {
        self.rows_chain
    }

    /// How many records of the kinds that change no figure there were.
    #[must_use]
    pub fn other_records(&self) -> OtherRecords {
        self.others
    }

    /// How often, since this engine started, a derived window had no value because a number grew too large.
    #[must_use]
    pub fn overflows(&self) -> u64 {
        self.overflows
    }

    /// Applies records that continue the log; appends what follows from them to `effects`. Where a
    /// [re-run](Self::rerun)
    /// must come first it stops before the Tick: [`Self::applied`] tells where.
    ///
    /// # Errors
    /// [`EngineError::Offset`] if the batch does not continue; then nothing was applied. An engine before its
    /// first record starts anywhere.
    pub fn apply(&mut self, batch: &[Logged], effects: &mut Effects) -> Result<(), EngineError> {
        self.check(batch)?;
        let mut rest = batch;
        while let Some(head) = rest.first() {
            let run = rest.iter().take_while(|logged| logged.record.is_heard()).count();
            if run > 0 {
                let (messages, others) = rest.split_at(run);
                self.take_messages(messages, effects);
                rest = others;
            } else if matches!(head.record, Record::Tick(_)) && self.amends.wait() {
                // What was stirred so far follows from its own records, not from the revision.
                self.cascade();
                self.applied = head.offset;
                return Ok(());
            } else {
                self.take_barrier(head, effects);
                rest = rest.get(1..).unwrap_or_default();
            }
        }
        self.cascade();
        if let Some(last) = batch.last() {
            self.applied = last.offset.next();
        }
        Ok(())
    }

    fn check(&self, batch: &[Logged]) -> Result<(), EngineError> {
        let mut expected = self.applied;
        for (at, logged) in batch.iter().enumerate() {
            let starts = at == 0 && self.applied == Offset(0);
            if logged.offset != expected && !starts {
                return Err(EngineError::Offset { expected, found: logged.offset });
            }
            expected = logged.offset.next();
        }
        Ok(())
    }

    fn take_barrier(&mut self, logged: &Logged, effects: &mut Effects) {
        self.cascade();
        match &logged.record {
            Record::Tick(tick) => {
                let rows = self.pass_time(logged.offset, tick.at.0);
                by_known_offset(rows, &mut effects.rows);
            }
            Record::Profile(text) => self.adopt(logged.offset, text),
            Record::Gap(gap) => {
                self.others.gaps += 1;
                if matches!(gap.cause, GapCause::Downtime | GapCause::SessionLost) {
                    self.gap = self.gap.max(Some(gap.at.0));
                    self.watch.ready = false;
                }
            }
            Record::Command(_) => self.others.commands += 1,
            Record::Redecode(_) | Record::Restate(_) if self.replays => {}
            Record::Redecode(_) | Record::Restate(_) => self.take_revision(logged.offset, &logged.record),
            Record::Entry(_) | Record::Message(_) => {}
        }
    }

    /// The number of a source in a stream, given now if it has none.
    pub(crate) fn source_number(&mut self, source: &SourceId, stream: &StreamId, since: i64) -> u32 {
        let hash = source_hash(source, stream);
        let (homes, partitions) = (&self.homes, &self.partitions);
        let same = |number: u32| {
            find(homes, partitions, number)
                .is_some_and(|known| &known.id == source && &known.stream == stream)
        };
        if let Some(number) = self.source_table.find(hash, same) {
            return number;
        }
        let crowded = self.strangers.len() >= STRANGERS_MAX && !source.as_str().is_empty();
        if crowded && !self.profile().is_some_and(|profile| profile.sources.contains_key(source)) {
            return self.source_number(&SourceId::new(""), &StreamId::new(""), since);
        }
        let partition = partition_of(source);
        let number = self.homes.len() as u32;
        let mut new = Source::new(number, source.clone(), stream.clone(), since);
        self.bind_source(&mut new);
        if new.bound.is_none_or(|bound| !bound.listed) {
            self.strangers.push(number);
        }
        self.put_source(partition, new);
        self.changed_sources.push(number);
        number
    }

    /// Puts a source with the next number into its partition.
    pub(crate) fn put_source(&mut self, partition: u8, source: Source) {
        let hash = source_hash(&source.id, &source.stream);
        let number = source.number;
        if self.ordered == number && self.source_ids.last().is_none_or(|last| last <= &source.id) {
            self.ordered += 1;
        }
        self.source_ids.push(source.id.clone());
        if let Some(home) = self.partitions.get_mut(usize::from(partition)) {
            self.homes.push((partition, home.sources.len() as u32));
            home.sources.push(source);
        }
        let (homes, partitions) = (&self.homes, &self.partitions);
        let hash_of = |number: u32| {
            find(homes, partitions, number).map_or(0, |known| source_hash(&known.id, &known.stream))
        };
        self.source_table.insert(hash, number, hash_of);
    }

    /// All sources in the order of their numbers.
    pub(crate) fn all_sources(&self) -> impl Iterator<Item = &Source> {
        (0..self.homes.len() as u32).filter_map(|number| find(&self.homes, &self.partitions, number))
    }

    pub(crate) fn source(&self, number: u32) -> Option<&Source> {
        find(&self.homes, &self.partitions, number)
    }

    /// The last Tick as rows name it.
    pub(crate) fn tick_known(&self) -> (Offset, ArrivalTime) {
        self.tick.map_or((Offset(0), ArrivalTime(0)), |(offset, at)| (offset, ArrivalTime(at)))
    }

    /// The log's origin, where it says simulated or replayed; else the profile's.
    pub(crate) fn origin(&self) -> Origin {
        match (self.settings.origin, self.profile()) {
            (Origin::Machine, Some(profile)) => profile.origin,
            (origin, _) => origin,
        }
    }
}

/// Rows of a Restate are known at its record, all others at the Tick.
fn by_known_offset(rows: Vec<Row>, groups: &mut Vec<(Offset, Vec<Row>)>) {
    if let Some(first) = rows.first().map(|row| row.known_offset)
        && rows.iter().all(|row| row.known_offset == first)
    {
        return groups.push((first, rows));
    }
    let mut sorted: BTreeMap<Offset, Vec<Row>> = BTreeMap::new();
    for row in rows {
        sorted.entry(row.known_offset).or_default().push(row);
    }
    groups.extend(sorted);
}

pub(crate) fn find_mut<'a>(
    homes: &[(u8, u32)],
    partitions: &'a mut [Partition],
    number: u32,
) -> Option<&'a mut Source> {
    let (partition, place) = homes.get(number as usize)?;
    partitions.get_mut(usize::from(*partition))?.sources.get_mut(*place as usize)
}

pub(crate) fn find<'a>(homes: &[(u8, u32)], partitions: &'a [Partition], number: u32) -> Option<&'a Source> {
    let (partition, place) = homes.get(number as usize)?;
    partitions.get(usize::from(*partition))?.sources.get(*place as usize)
}

fn source_hash(source: &SourceId, stream: &StreamId) -> u64 {
    hash_bytes(hash_bytes(0, stream.as_str().as_bytes()), source.as_str().as_bytes())
}

fn load_profile(text: &ProfileText) -> Option<Profile> {
    nhip_profile::load(&text.files).ok()
}
