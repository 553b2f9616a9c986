//! The four words of sources, figures, domains, units and the whole, as of the last Tick. A class's formulas decide
//! which counts a source adds; the words are then the same quotients for all.

use nhip_profile::{BadgeRules, DuFormula, SachFormula, SongFormula};
use nhip_proto::{Badge, SECOND, Share};

use crate::cell::Cell;
use crate::plan::{Plan, StreamPlan};
use crate::pulse::HOUR;
use crate::reports::DeadlinePlan;
use crate::source::{Bound, Source};

/// Readings per 10^18 ns, so that shares stay whole numbers.
const RATE_UNIT: u128 = 1_000_000_000_000_000_000;

/// The sources of one stream in one area, at the last Tick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// Connected sources the profile lists.
    pub(crate) due: u64,
    /// Of those judged by sống, how many live …
    pub(crate) live: u64,
    /// … and how many there are.
    pub(crate) alive_due: u64,
    /// Of those whose silence lowers đủ, how many were heard in the last hour (or in their staleness) …
    pub(crate) heard: u64,
    /// … and how many there are.
    pub(crate) heard_due: u64,
    /// Readings due per 10^18 ns.
    pub(crate) rate: u64,
    /// Readings of the last hour (reports of the last 30 days), each source's no more than expected.
    pub(crate) readings: u64,
    pub(crate) expected: u64,
    pub(crate) judged: u64,
    pub(crate) unclean: u64,
    /// The least watermark of sources that are not idle.
    pub(crate) watermark: Option<i64>,
}

/// What one source adds to its groups: its last hour, with what it owed in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    live: u64,
    heard: u64,
    readings: u64,
    expected: u64,
    judged: u64,
    unclean: u64,
}

/// What every figure of a group repeats of its sources: a screen must be told when one of these changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    due: u64,
    live: u64,
    alive_due: u64,
    rate: u64,
    /// Clean and judged readings; all of them clean are all alike.
    clean: (u64, u64),
}

/// What the last Tick saw of all sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Glance {
    /// By stream and area.
    pub(crate) groups: Vec<Vec<Group>>,
    /// The whole (empty name), then each domain.
    pub(crate) badges: Vec<(String, Badge)>,
}

impl Part {
    /// A source's part at a Tick; a stranger is only judged.
    pub(crate) fn of(source: &Source, bound: &Bound, stream: &StreamPlan, tick: i64) -> Self {
        let hour = source.pulse.hour;
        let (judged, unclean) = match stream.rules.sach {
            SachFormula::Items => (u64::from(hour.judged), u64::from(hour.unclean)),
            SachFormula::None => (0, 0),
        };
        if !bound.due {
            return Self { judged, unclean, ..Self::default() };
        }
        let (readings, expected) = received_of(source, bound, stream, tick);
        let heard = match stream.rules.du {
            DuFormula::ReadingsAndSources => hour.readings > 0,
            DuFormula::Sources => source.live || hour.readings > 0,
            DuFormula::Readings | DuFormula::Reports => false,
        };
        Self {
            live: u64::from(source.live && stream.rules.song != SongFormula::None),
            heard: u64::from(heard),
            readings,
            expected,
            judged,
            unclean,
        }
    }
}

impl Group {
    /// The group of one source, at the last Tick.
    pub(crate) fn single(source: &Source, plan: &Plan, tick: i64) -> Self {
        let mut group = Self::default();
        if let Some(bound) = &source.bound
            && let Some(stream) = plan.streams.get(bound.stream as usize)
        {
            group.list(bound, &stream.rules);
            group.exchange(&Part::default(), &Part::of(source, bound, stream, tick));
        }
        group
    }

    /// Counts a source that owes, before what it did.
    pub(crate) fn list(&mut self, bound: &Bound, rules: &BadgeRules) {
        if !bound.due {
            return;
        }
        self.due += 1;
        self.alive_due += u64::from(rules.song != SongFormula::None);
        self.heard_due += u64::from(matches!(rules.du, DuFormula::ReadingsAndSources | DuFormula::Sources));
        if matches!(rules.du, DuFormula::ReadingsAndSources | DuFormula::Readings) {
            self.rate = self.rate.saturating_add(bound.rate);
        }
    }

    /// What figures say of it, whatever their windows hold.
    pub(crate) fn words(&self) -> Words {
        let clean = self.judged.saturating_sub(self.unclean);
        let clean = match self.judged {
            0 => (0, 0),
            judged if clean == judged => (1, 1),
            judged => (clean, judged),
        };
        Words { due: self.due, live: self.live, alive_due: self.alive_due, rate: self.rate, clean }
    }

    /// Puts a source's part in the place of its part before.
    pub(crate) fn exchange(&mut self, old: &Part, new: &Part) {
        self.live = self.live + new.live - old.live;
        self.heard = self.heard + new.heard - old.heard;
        self.readings = self.readings + new.readings - old.readings;
        self.expected = self.expected + new.expected - old.expected;
        self.judged = self.judged + new.judged - old.judged;
        self.unclean = self.unclean + new.unclean - old.unclean;
    }

    /// Adds a group beside this one; the watermark stays.
    fn join(&mut self, other: &Self) {
        self.rate = self.rate.saturating_add(other.rate);
        self.due += other.due;
        self.live += other.live;
        self.alive_due += other.alive_due;
        self.heard += other.heard;
        self.heard_due += other.heard_due;
        self.readings += other.readings;
        self.expected += other.expected;
        self.judged += other.judged;
        self.unclean += other.unclean;
    }

    /// The words of the group: received of expected, and sources heard of sources due.
    fn badge(&self) -> Badge {
        Badge {
            dung: None,
            du: worse(Share::of(self.readings, self.expected), Share::of(self.heard, self.heard_due)),
            sach: Share::of(self.judged.saturating_sub(self.unclean), self.judged),
            song: Share::of(self.live, self.alive_due),
        }
    }

    /// The words of a figure: completeness over its window so far, the rest from its sources at the last Tick.
    pub(crate) fn badge_of(
        &self,
        reports: Option<&DeadlinePlan>,
        cell: &Cell,
        closed: bool,
        k: u32,
        m: u32,
    ) -> Badge {
        let so_far = if closed { cell.end } else { cell.time.map_or(cell.start, |time| time.min(cell.end)) };
        let expected = match reports {
            Some(deadline) => self.due.saturating_mul(deadline.due_between(cell.start, so_far)),
            None => expected_readings(so_far.saturating_sub(cell.start), self.rate),
        };
        let received = Share::of(cell.readings, expected);
        Badge { du: worse(received, Share::of(u64::from(k), u64::from(m))), ..self.badge() }
    }
}

impl Glance {
    /// An empty glance with room for every group of a plan.
    pub(crate) fn sized(plan: &Plan) -> Self {
        let mut glance = Self::default();
        glance.clear(plan);
        glance
    }

    /// Empties every group, keeping their room.
    pub(crate) fn clear(&mut self, plan: &Plan) {
        self.groups.resize_with(plan.streams.len(), Vec::new);
        for groups in &mut self.groups {
            groups.clear();
            groups.resize(plan.areas, Group::default());
        }
    }

    pub(crate) fn group(&self, stream: u32, area: u32) -> Option<&Group> {
        self.groups.get(stream as usize)?.get(area as usize)
    }

    /// The words of the whole and of each domain, from each stream's `totals`; then of each unit.
    pub(crate) fn sum_up(&mut self, plan: &Plan, totals: &[Group], units: &[Group]) {
        let sum = |streams: &mut dyn Iterator<Item = usize>| {
            let mut sum = Group::default();
            streams.filter_map(|stream| totals.get(stream)).for_each(|group| sum.join(group));
            sum.badge()
        };
        self.badges = vec![(String::new(), sum(&mut (0..totals.len())))];
        for (domain, streams) in &plan.domains {
            let badge = sum(&mut streams.iter().map(|stream| *stream as usize));
            self.badges.push((domain.clone(), badge));
        }
        for (key, total) in plan.answerable.keys().zip(units) {
            self.badges.push((key.to_owned(), total.badge()));
        }
    }
}

/// A source's words at the last Tick.
pub(crate) fn source_badge(source: &Source, plan: &Plan, tick: Option<i64>) -> Badge {
    let (Some(bound), Some(tick)) = (&source.bound, tick) else { return Badge::default() };
    let Some(stream) = plan.streams.get(bound.stream as usize) else { return Badge::default() };
    let part = Part::of(source, bound, stream, tick);
    let received = match stream.rules.du {
        DuFormula::Sources => Share::of(part.heard, u64::from(bound.due)),
        _ if bound.due => Share::of(part.readings, part.expected),
        // Who owes nothing is still compared with its cadence.
        _ => Share::of(u64::from(source.pulse.hour.readings), expected_of(source, bound, tick)),
    };
    Badge {
        dung: None,
        du: received,
        sach: Share::of(part.judged.saturating_sub(part.unclean), part.judged),
        song: if stream.rules.song == SongFormula::None {
            None
        } else {
            Share::of(u64::from(source.live), 1)
        },
    }
}

/// What came of what was due: reports of the last 30 days, or readings of the last hour.
pub(crate) fn received_of(source: &Source, bound: &Bound, stream: &StreamPlan, tick: i64) -> (u64, u64) {
    match (&stream.deadline, stream.rules.du) {
        (Some(deadline), DuFormula::Reports) => deadline.made_of_due(&source.reports, source.since, tick),
        (_, DuFormula::ReadingsAndSources | DuFormula::Readings) => {
            let expected = expected_of(source, bound, tick);
            (u64::from(source.pulse.hour.readings).min(expected), expected)
        }
        _ => (0, 0),
    }
}

/// Readings due in the last hour, or since the source is known.
fn expected_of(source: &Source, bound: &Bound, tick: i64) -> u64 {
    let span = tick.saturating_sub(source.since).clamp(0, HOUR);
    u64::try_from(span / bound.cadence.max(1)).unwrap_or(0)
}

/// Readings due in a span at so many per 10^18 ns.
pub(crate) fn expected_readings(span: i64, rate: u64) -> u64 {
    u64::try_from(span.max(0) as u128 * u128::from(rate) / RATE_UNIT).unwrap_or(u64::MAX)
}

/// Readings due per 10^18 ns at a cadence.
pub(crate) fn rate_of(cadence: i64) -> u64 {
    u64::try_from(RATE_UNIT / (cadence.max(SECOND / 1_000) as u128)).unwrap_or(u64::MAX)
}

fn worse(left: Option<Share>, right: Option<Share>) -> Option<Share> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.worse(right)),
        (one, other) => one.or(other),
    }
}
