//! What a source told of the same figure again and again: of each the greatest (phase, revision) stands.

use std::collections::BTreeMap;

use nhip_profile::{Statistic, Stream};
use nhip_proto::Span;

use crate::pack::pack_fields;
use crate::plan::{NOWHERE, NameKind, NamePlan, StreamPlan};
use crate::reading::{Moment, Value};
use crate::seen::Verdict;
use crate::table::hash_bytes;

/// Figures of one source and name remembered; the oldest periods are forgotten first, and no longer corrected.
pub(crate) const STATISTICS_MAX: usize = 65_536;
/// Versions of one figure remembered; the lowest are forgotten first.
pub(crate) const VERSIONS_MAX: usize = 64;
/// How far the period of an ordinary reading may reach beyond its stamp's allowance, so that one wrong length cannot
/// carry a source away.
const PERIOD_AHEAD_MAX: Span = 86_400_000_000_000;
/// The same of a statistic: an estimate of a year is told before the year is over.
const STATISTIC_AHEAD_MAX: Span = 367 * 86_400_000_000_000;
/// Bits of a rank that hold the revision.
const REVISION_BITS: u32 = 48;

/// By number among the names of a stream: what tells figures apart, and which stands.
#[derive(Clone, Debug)]
pub(crate) struct StatisticPlan {
    /// The dimensions, and the state that names the area.
    dimensions: Vec<u32>,
    /// The name and its words, the earliest first.
    phase: Option<(u32, Vec<u32>)>,
    revision: Option<u32>,
    /// The name and the word for *internal*.
    released: Option<(u32, u32)>,
}

/// Event time and period, then a hash of area and dimensions.
pub(crate) type FigureId = ((i64, i64), u128);

/// Which of several figures of the same thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    /// 0: none said.
    pub(crate) phase: u32,
    pub(crate) revision: i128,
    pub(crate) released: bool,
}

/// All a source told under one name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standings {
    /// Of periods that ended before nothing is remembered any more.
    floor: i64,
    figures: BTreeMap<FigureId, Standing>,
}

/// One figure of one period, area and combination of dimensions.
#[derive(Clone, Debug, Default)]
struct Standing {
    /// Every version told, with its content.
    versions: BTreeMap<Version, u64>,
    /// What is in the windows now.
    stands: Option<Contribution>,
}

/// What a figure brought into the windows.
#[derive(Clone, Debug)]
pub(crate) struct Contribution {
    pub(crate) version: Version,
    pub(crate) arrival: i64,
    pub(crate) area: u32,
    pub(crate) lane: u32,
    /// The values of its reading, by word of their names.
    pub(crate) values: Vec<(u32, Value)>,
}

impl StatisticPlan {
    pub(crate) fn new(statistic: &Statistic, stream: &Stream, names: &[NamePlan]) -> Self {
        let number = |name: &String| names.iter().position(|known| &known.text == name).map(|at| at as u32);
        let words = |at: u32| match names.get(at as usize).map(|name| &name.kind) {
            Some(NameKind::State { states, .. }) => states.clone(),
            _ => Vec::new(),
        };
        let phase = statistic.phase.as_ref().and_then(number);
        let released = statistic.released.as_ref().and_then(number);
        let internal = |at: u32| words(at).iter().find(|(text, _)| text == "no").map(|(_, word)| (at, *word));
        Self {
            dimensions: statistic.dimensions.iter().chain(&stream.place).filter_map(number).collect(),
            phase: phase.map(|at| (at, words(at).iter().map(|(_, word)| *word).collect())),
            revision: statistic.revision.as_ref().and_then(number),
            released: released.and_then(internal),
        }
    }

    /// Which figure a reading tells.
    pub(crate) fn key(&self, values: &[Option<Value>], moment: &Moment) -> FigureId {
        let mut bytes = Vec::with_capacity(self.dimensions.len() * 4);
        for name in &self.dimensions {
            let word = state_of(values, *name).unwrap_or(NOWHERE);
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        let half = |seed| u128::from(hash_bytes(seed, &bytes));
        ((moment.time, moment.period), (half(1) << 64) | half(2))
    }

    pub(crate) fn version(&self, values: &[Option<Value>]) -> Version {
        let phase = self.phase.as_ref().and_then(|(name, words)| {
            let word = state_of(values, *name)?;
            words.iter().position(|known| *known == word)
        });
        let revision = self.revision.and_then(|name| match values.get(name as usize) {
            Some(Some(Value::Number(number))) => Some(*number),
            _ => None,
        });
        let internal = self.released.is_some_and(|(name, no)| state_of(values, name) == Some(no));
        Version {
            phase: phase.map_or(0, |at| at as u32 + 1),
            revision: revision.unwrap_or(0),
            released: !internal,
        }
    }
}

fn state_of(values: &[Option<Value>], name: u32) -> Option<u32> {
    match values.get(name as usize) {
        Some(Some(Value::State(word))) => Some(*word),
        _ => None,
    }
}

impl StreamPlan {
    /// How far the end of a period may lie ahead of its stamp's allowance.
    pub(crate) fn period_ahead(&self, period: i64) -> i64 {
        let most = if self.statistic.is_some() { STATISTIC_AHEAD_MAX } else { PERIOD_AHEAD_MAX };
        period.clamp(0, most)
    }
}

impl Version {
    /// Its rank as a running number: the greater stands.
    pub(crate) fn sequence(self) -> u64 {
        let most = (1 << REVISION_BITS) - 1;
        let revision = u64::try_from(self.revision.clamp(0, most)).unwrap_or(0);
        (u64::from(self.phase) << REVISION_BITS) | revision
    }

    fn rank(self) -> (u32, i128) {
        (self.phase, self.revision)
    }
}

impl Standings {
    /// Judges a version of a figure and remembers it if it is new; none: the period is too old to know.
    pub(crate) fn judge(
        &mut self,
        key: FigureId,
        version: Version,
        content: u64,
        floor: i64,
    ) -> Option<Verdict> {
        self.floor = self.floor.max(floor);
        while let Some(first) = self.figures.first_entry().filter(|first| first.key().0.0 < self.floor) {
            first.remove();
        }
        if key.0.0 < self.floor {
            return None;
        }
        if self.figures.len() >= STATISTICS_MAX && !self.figures.contains_key(&key) {
            let (oldest, _) = self.figures.pop_first()?;
            self.floor = oldest.0.0.saturating_add(1);
            if key.0.0 < self.floor {
                return None;
            }
        }
        let standing = self.figures.entry(key).or_default();
        if let Some(known) = standing.versions.get(&version) {
            return Some(if *known == content { Verdict::Same } else { Verdict::Conflicting });
        }
        if standing.versions.len() >= VERSIONS_MAX {
            standing.versions.pop_first();
        }
        standing.versions.insert(version, content);
        Some(Verdict::New)
    }

    /// Puts a new version in the place of what stands, if it goes before it; none: it does not, or is internal.
    pub(crate) fn place(&mut self, key: FigureId, new: Contribution) -> Option<Option<Contribution>> {
        let standing = self.figures.get_mut(&key)?;
        let after = standing.stands.as_ref().is_some_and(|old| old.version.rank() >= new.version.rank());
        if after || !new.version.released {
            return None;
        }
        Some(standing.stands.replace(new))
    }
}

pack_fields!(Version { phase, revision, released });
pack_fields!(Contribution { version, arrival, area, lane, values });
pack_fields!(Standing { versions, stands });
pack_fields!(Standings { floor, figures });

#[cfg(test)]
mod tests;
