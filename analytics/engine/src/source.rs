//! One source: what it said, how far its time is, and where its messages went.

use nhip_profile::SongFormula;
use nhip_proto::{LedgerCounts, MINUTE, SourceId, Span, StreamId};

use crate::badge::Part;
use crate::cases::Cases;
use crate::plan::{SeriesKey, StreamPlan};
use crate::pulse::{HOUR, Pulse};
use crate::reports::Reports;
use crate::seen::Seen;
use crate::series::Series;
use crate::statistic::Standings;

/// The state of one (source, stream).
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) number: u32,
    pub(crate) id: SourceId,
    pub(crate) stream: StreamId,
    pub(crate) counts: LedgerCounts,
    /// The greatest admitted event time.
    pub(crate) greatest: Option<i64>,
    /// The last arrival of any message.
    pub(crate) arrival: Option<i64>,
    /// The last arrival with something admitted.
    pub(crate) admitted: Option<i64>,
    /// When the engine first knew it: the Profile record or its first message.
    pub(crate) since: i64,
    /// By word; aligned to the stream's names by [`Source::bind`].
    pub(crate) seen: Vec<(u32, Seen)>,
    /// By series key; aligned to the stream's series by [`Source::bind`].
    pub(crate) series: Vec<(SeriesKey, Series)>,
    /// Cases it told of; none: it never did.
    pub(crate) cases: Option<Box<Cases>>,
    /// Figures it told, by word of their name; only of statistics.
    pub(crate) statistics: Vec<(u32, Standings)>,
    /// Whether a person typed what it said last.
    pub(crate) typed: bool,
    pub(crate) pulse: Pulse,
    /// Which due days have a report; only where the stream has a deadline.
    pub(crate) reports: Reports,
    /// Inside its staleness at the last Tick.
    pub(crate) live: bool,
    /// What the profile now valid says of it; not part of the state.
    pub(crate) bound: Option<Bound>,
    /// By definition of the stream: the window start the source joined last; not part of the state.
    pub(crate) joined: Vec<i64>,
    /// Whether a screen must learn of it; not part of the state.
    pub(crate) changed: bool,
    /// What it adds to its groups since the last Tick; not part of the state.
    pub(crate) part: Part,
    /// Whether it did something since the last Tick; not part of the state.
    pub(crate) stirred: bool,
}

/// A source's place in the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) stream: u32,
    pub(crate) area: u32,
    /// Its own place in its area, for definitions split by source; else that of the other sources, else the area.
    pub(crate) lane: u32,
    pub(crate) listed: bool,
    /// Listed and connected: it owes what its stream promises.
    pub(crate) due: bool,
    /// Into the plan's owners; [`crate::plan::NOWHERE`]: a stranger.
    pub(crate) owner: u32,
    pub(crate) cadence: i64,
    /// Readings due per 10^18 ns.
    pub(crate) rate: u64,
    pub(crate) lateness: i64,
}

impl Bound {
    /// The same source, speaking of another area than its own.
    pub(crate) fn at(self, area: u32) -> Self {
        Self { area, lane: area, ..self }
    }
}

impl Source {
    pub(crate) fn new(number: u32, id: SourceId, stream: StreamId, since: i64) -> Self {
        Self {
            number,
            id,
            stream,
            counts: LedgerCounts::default(),
            greatest: None,
            arrival: None,
            admitted: None,
            since,
            seen: Vec::new(),
            series: Vec::new(),
            cases: None,
            statistics: Vec::new(),
            typed: false,
            pulse: Pulse::default(),
            reports: Reports::default(),
            live: false,
            bound: None,
            joined: Vec::new(),
            changed: true,
            part: Part::default(),
            stirred: false,
        }
    }

    /// Takes its place in a plan; what it said under names the stream still has is kept.
    pub(crate) fn bind(&mut self, bound: Option<Bound>, plan: Option<&StreamPlan>, definitions: usize) {
        self.bound = bound;
        self.joined = vec![i64::MIN; definitions];
        let Some(plan) = plan else { return };
        let mut seen = std::mem::take(&mut self.seen);
        for name in &plan.names {
            self.seen.push((name.word, take(&mut seen, &name.word).unwrap_or_default()));
        }
        let mut series = std::mem::take(&mut self.series);
        for known in &plan.series {
            self.series.push((known.key, take(&mut series, &known.key).unwrap_or_default()));
        }
        self.seen.append(&mut seen);
        self.series.append(&mut series);
    }

    /// What it told under a name.
    pub(crate) fn standings(&mut self, word: u32) -> Option<&mut Standings> {
        let known = self.statistics.binary_search_by(|(known, _)| known.cmp(&word));
        let at = known.unwrap_or_else(|at| {
            self.statistics.insert(at, (word, Standings::default()));
            at
        });
        self.statistics.get_mut(at).map(|(_, standings)| standings)
    }

    /// Nothing admitted for longer than the source may be silent; a Gap gives it time to come back.
    pub(crate) fn is_idle(&self, bound: &Bound, tick: i64, gap: Option<i64>) -> bool {
        let silent = tick.saturating_sub(self.admitted.unwrap_or(self.since)) > idle_span(bound.cadence);
        silent && !in_grace(bound.cadence, tick, gap)
    }

    /// Judges whether it lives: its newest value is younger than the staleness limit, or, where the class says so, it
    /// owes no report of the last due day; after a Gap not for a while. True if that changed.
    pub(crate) fn judge_live(
        &mut self,
        bound: &Bound,
        stream: &StreamPlan,
        tick: i64,
        gap: Option<i64>,
    ) -> bool {
        let fresh = match (stream.rules.song, &stream.deadline) {
            (SongFormula::Deadline, Some(deadline)) => {
                deadline.owed(&self.reports, self.since, tick).is_none()
            }
            _ => self.greatest.is_some_and(|time| tick.saturating_sub(time) <= stream.staleness),
        };
        let live = fresh || (self.live && in_grace(bound.cadence, tick, gap));
        std::mem::replace(&mut self.live, live) != live
    }

    /// The first Tick time after `tick` at which it may count differently although it said nothing: it goes stale,
    /// becomes idle, its grace after a Gap ends, a deadline passes, or another reading is due in its first hour.
    pub(crate) fn wake(&self, bound: &Bound, stream: &StreamPlan, tick: i64, gap: Option<i64>) -> i64 {
        let after = |time: i64, span: i64| time.saturating_add(span).saturating_add(1);
        let known = tick.saturating_sub(self.since).max(0);
        let readings = known / bound.cadence.max(1) + 1;
        let next = self.since.saturating_add(readings.saturating_mul(bound.cadence.max(1)));
        let times = [
            self.greatest.map(|time| after(time, stream.staleness)),
            stream.deadline.as_ref().and_then(|deadline| deadline.next(tick)),
            Some(after(self.admitted.unwrap_or(self.since), idle_span(bound.cadence))),
            gap.map(|gap| after(gap, grace_span(bound.cadence))),
            (known < HOUR).then_some(next),
        ];
        times.into_iter().flatten().filter(|time| *time > tick).min().unwrap_or(i64::MAX)
    }
}

/// How long a source may be silent before figures stop waiting for it.
pub(crate) fn idle_span(cadence: Span) -> Span {
    cadence.saturating_mul(3).max(MINUTE)
}

pub(crate) fn in_grace(cadence: Span, tick: i64, gap: Option<i64>) -> bool {
    gap.is_some_and(|gap| tick.saturating_sub(gap) <= grace_span(cadence))
}

fn grace_span(cadence: Span) -> Span {
    cadence.saturating_mul(2).max(MINUTE)
}

fn take<K: PartialEq, V>(list: &mut Vec<(K, V)>, key: &K) -> Option<V> {
    let at = list.iter().position(|(known, _)| known == key)?;
    Some(list.remove(at).1)
}
