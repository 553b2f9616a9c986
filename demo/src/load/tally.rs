//! What the load publisher knows of its messages: which were acknowledged, and how long that took.

use std::time::Duration;

/// What became of one source's messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceTally {
    /// The source.
    pub source: String,
    /// Messages handed to the connection: the first sequence and the ones after it.
    pub sent: u64,
    /// The acknowledged sequences.
    pub acknowledged: SequenceSet,
}

impl SourceTally {
    pub(crate) fn new(source: String) -> Self {
        Self { source, sent: 0, acknowledged: SequenceSet::default() }
    }
}

/// Sequences as ranges: they come nearly in order, so there are few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SequenceSet {
    /// First and last (inclusive) of each range, ascending, none touching the next.
    ranges: Vec<(u64, u64)>,
}

impl SequenceSet {
    /// Adds one.
    pub fn insert(&mut self, sequence: u64) {
        let at = self.ranges.partition_point(|(first, _)| *first <= sequence);
        let before = at.checked_sub(1).and_then(|index| self.ranges.get(index)).copied();
        if before.is_some_and(|(_, last)| sequence <= last) {
            return;
        }
        let joins_before = before.is_some_and(|(_, last)| last + 1 == sequence);
        let joins_after = self.ranges.get(at).is_some_and(|(first, _)| *first == sequence + 1);
        match (joins_before, joins_after) {
            (true, true) => {
                let (_, last) = self.ranges.remove(at);
                self.extend(at - 1, last);
            }
            (true, false) => self.extend(at - 1, sequence),
            (false, true) => {
                if let Some(range) = self.ranges.get_mut(at) {
                    range.0 = sequence;
                }
            }
            (false, false) => self.ranges.insert(at, (sequence, sequence)),
        }
    }

    /// Whether it is there.
    #[must_use]
    pub fn contains(&self, sequence: u64) -> bool {
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&sequence))
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// All, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.ranges.iter().flat_map(|(first, last)| *first..=*last)
    }

    fn extend(&mut self, index: usize, last: u64) {
        if let Some(range) = self.ranges.get_mut(index) {
            range.1 = last;
        }
    }
}

/// Durations in buckets of at most 1/16 of their size: 16 for each power of two of microseconds.
#[derive(Clone, Debug)]
pub struct Latencies {
    buckets: Vec<u64>,
    count: u64,
    max: Duration,
}

const STEPS: u64 = 16;
const BUCKETS: usize = 640;

impl Default for Latencies {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0, max: Duration::ZERO }
    }
}

impl Latencies {
    /// Adds one duration.
    pub fn record(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get_mut(bucket_of(micros)) {
            *bucket += 1;
        }
        self.count += 1;
        self.max = self.max.max(duration);
    }

    /// The duration that `share` (0…1) of all do not exceed, at most 1/16 too large; zero if there is none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        let wanted = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Duration::from_micros(upper_of(index)).min(self.max);
            }
        }
        self.max
    }

    /// How many were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    #[must_use]
    pub fn max(&self) -> Duration {
        self.max
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
    }
}

fn bucket_of(micros: u64) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let power = u64::from(63 - micros.leading_zeros());
    let step = (micros >> (power - 4)) - STEPS;
    (((power - 3) * STEPS + step) as usize).min(BUCKETS - 1)
}

fn upper_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket;
    }
    let (power, step) = (bucket / STEPS + 3, bucket % STEPS);
    ((STEPS + step + 1) << (power - 4)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_join_into_ranges_in_any_order() {
        let mut set = SequenceSet::default();
        for sequence in [5, 3, 4, 4, 9, 0, 8, 1] {
            set.insert(sequence);
        }
        assert_eq!(set.ranges, [(0, 1), (3, 5), (8, 9)]);
        assert_eq!((set.len(), set.contains(2), set.contains(4)), (7, false, true));
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 1, 3, 4, 5, 8, 9]);
    }

    #[test]
    fn quantiles_lie_within_a_sixteenth() {
        let mut latencies = Latencies::default();
        for micros in 1..=10_000 {
            latencies.record(Duration::from_micros(micros));
        }
        for (share, want) in [(0.5, 5_000.0), (0.99, 9_900.0), (1.0, 10_000.0)] {
            let got = latencies.quantile(share).as_micros() as f64;
            assert!(got >= want && got <= want * 17.0 / 16.0, "{share}: {got} for {want}");
        }
    }
}
