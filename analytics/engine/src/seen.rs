//! What a source has already said under one name: the memory behind once-only effect.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use nhip_profile::Identity;
use nhip_proto::Item;

use crate::table::{hash_bytes, mix};

/// Readings not older than the source's lateness.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Event time and content, sorted.
    pub(crate) timed: VecDeque<(i64, u64)>,
    /// Identity to event time and content.
    pub(crate) keyed: BTreeMap<u128, (i64, u64)>,
    by_time: BTreeSet<(i64, u128)>,
}

/// What makes a reading the same as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// Every reading counts.
    None,
    /// Its event time.
    Time,
    /// Its event time and content.
    TimeContent,
    /// The sender's id, or boot and running number.
    Keyed(u128),
}

/// Whether a reading was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    New,
    Same,
    Conflicting,
}

impl Key {
    /// The identity of an item; a sender that leaves out its id or number is known by the event time.
    pub(crate) fn of(identity: Identity, item: &Item) -> Self {
        match identity {
            Identity::None => Self::None,
            Identity::Time => Self::Time,
            Identity::TimeContent => Self::TimeContent,
            Identity::Id => item.identity.map_or(Self::Time, Self::Keyed),
            Identity::Sequence => item.sequence.map_or(Self::Time, |sequence| {
                Self::Keyed((u128::from(item.boot.unwrap_or(0)) << 64) | u128::from(sequence))
            }),
        }
    }
}

/// A short hash of what the reading says, its identity aside.
pub(crate) fn content(value: i128, time: i64, period: i64) -> u64 {
    let bytes = value.to_le_bytes();
    hash_bytes(mix(time as u64) ^ period as u64, &bytes)
}

impl Seen {
    /// Judges a reading and remembers it if it is new. Readings before `floor` are forgotten: they would be late.
    pub(crate) fn judge(&mut self, key: Key, time: i64, content: u64, floor: i64) -> Verdict {
        self.forget(floor);
        match key {
            Key::None => Verdict::New,
            Key::Time => self.judge_time(time, content),
            Key::TimeContent => match self.timed.binary_search(&(time, content)) {
                Ok(_) => Verdict::Same,
                Err(at) => {
                    self.timed.insert(at, (time, content));
                    Verdict::New
                }
            },
            Key::Keyed(key) => self.judge_key(key, time, content),
        }
    }

    /// Puts back what a snapshot kept.
    pub(crate) fn recall(timed: Vec<(i64, u64)>, keyed: BTreeMap<u128, (i64, u64)>) -> Self {
        let by_time = keyed.iter().map(|(key, (time, _))| (*time, *key)).collect();
        Self { timed: timed.into(), keyed, by_time }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.timed.is_empty() && self.keyed.is_empty()
    }

    fn judge_time(&mut self, time: i64, content: u64) -> Verdict {
        if self.timed.back().is_none_or(|(last, _)| *last < time) {
            self.timed.push_back((time, content));
            return Verdict::New;
        }
        let at = self.timed.partition_point(|(known, _)| *known < time);
        match self.timed.get(at) {
            Some((known, first)) if *known == time => same_or_conflicting(*first == content),
            _ => {
                self.timed.insert(at, (time, content));
                Verdict::New
            }
        }
    }

    fn judge_key(&mut self, key: u128, time: i64, content: u64) -> Verdict {
        if let Some((_, first)) = self.keyed.get(&key) {
            return same_or_conflicting(*first == content);
        }
        self.keyed.insert(key, (time, content));
        self.by_time.insert((time, key));
        Verdict::New
    }

    fn forget(&mut self, floor: i64) {
        while self.timed.front().is_some_and(|(time, _)| *time < floor) {
            self.timed.pop_front();
        }
        while let Some((time, key)) = self.by_time.first().copied() {
            if time >= floor {
                break;
            }
            self.by_time.pop_first();
            self.keyed.remove(&key);
        }
    }
}

fn same_or_conflicting(same: bool) -> Verdict {
    if same { Verdict::Same } else { Verdict::Conflicting }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_in_the_log_stands() {
        let mut seen = Seen::default();
        assert_eq!(seen.judge(Key::Time, 10, 1, 0), Verdict::New);
        assert_eq!(seen.judge(Key::Time, 10, 1, 0), Verdict::Same);
        assert_eq!(seen.judge(Key::Time, 10, 2, 0), Verdict::Conflicting);
        assert_eq!(seen.judge(Key::Time, 10, 1, 0), Verdict::Same);
        assert_eq!(seen.judge(Key::Time, 5, 2, 0), Verdict::New);
        assert_eq!(seen.judge(Key::Time, 5, 2, 0), Verdict::Same);
    }

    #[test]
    fn time_and_content_together_never_conflict() {
        let mut seen = Seen::default();
        assert_eq!(seen.judge(Key::TimeContent, 10, 1, 0), Verdict::New);
        assert_eq!(seen.judge(Key::TimeContent, 10, 2, 0), Verdict::New);
        assert_eq!(seen.judge(Key::TimeContent, 10, 1, 0), Verdict::Same);
    }

    #[test]
    fn what_would_be_late_is_forgotten() {
        let mut seen = Seen::default();
        for time in 0..100 {
            seen.judge(Key::Time, time, 1, time - 10);
            seen.judge(Key::Keyed(time as u128), time, 1, time - 10);
        }
        assert_eq!((seen.timed.len(), seen.keyed.len(), seen.by_time.len()), (11, 11, 11));
        assert_eq!(seen.judge(Key::Keyed(95), 95, 1, 89), Verdict::Same);
        assert_eq!(seen.judge(Key::Keyed(5), 5, 1, 89), Verdict::New);
    }
}
