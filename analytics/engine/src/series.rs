//! Samples of one name over time, for what is judged from one sample to the next. A sample taken in between others
//! touches only its neighbours.

use std::collections::VecDeque;

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) time: i64,
    pub(crate) sequence: u64,
    /// The word of the state, or the value at its quantity's scale.
    pub(crate) value: i128,
    /// Until when it holds if nothing follows.
    pub(crate) until: i64,
    /// What decides its window: its time, or the last instant of its period.
    pub(crate) instant: i64,
    /// The area it counts for.
    pub(crate) area: u32,
    /// The place of its source in that area, where a definition is split by source.
    pub(crate) lane: u32,
}

/// Samples sorted by (time, sequence, value), as far back as a record inside the lateness can reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) samples: VecDeque<Sample>,
}

/// A sample just taken in, between its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Between {
    pub(crate) before: Option<Sample>,
    pub(crate) sample: Sample,
    pub(crate) after: Option<Sample>,
}

impl Series {
    /// Takes a sample in; tells what it came between.
    pub(crate) fn insert(&mut self, sample: Sample) -> Between {
        let key = |sample: &Sample| (sample.time, sample.sequence, sample.value);
        let at = self.samples.partition_point(|known| key(known) <= key(&sample));
        let before = at.checked_sub(1).and_then(|before| self.samples.get(before)).copied();
        let after = self.samples.get(at).copied();
        self.samples.insert(at, sample);
        Between { before, sample, after }
    }

    /// Each sample between its neighbours.
    pub(crate) fn all(&self) -> impl Iterator<Item = Between> + '_ {
        (0..self.samples.len()).filter_map(|at| {
            let before = at.checked_sub(1).and_then(|before| self.samples.get(before)).copied();
            Some(Between { before, sample: *self.samples.get(at)?, after: self.samples.get(at + 1).copied() })
        })
    }

    /// Forgets samples that no record from `floor` on can have as a neighbour that matters: what it held ended
    /// before, or another sample follows it before.
    pub(crate) fn forget(&mut self, floor: i64) {
        while let (Some(first), Some(second)) = (self.samples.front(), self.samples.get(1)) {
            if first.until >= floor && second.time >= floor {
                break;
            }
            self.samples.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(time: i64, until: i64) -> Sample {
        Sample { time, sequence: 0, value: 0, until, instant: time, area: 0, lane: 0 }
    }

    #[test]
    fn a_sample_comes_between_its_neighbours_by_time_sequence_and_value() {
        let mut series = Series::default();
        let first = series.insert(sample(5, 15));
        assert_eq!((first.before, first.after), (None, None));
        series.insert(sample(0, 10));
        series.insert(Sample { sequence: 2, ..sample(5, 15) });
        let between = series.insert(Sample { sequence: 1, ..sample(5, 15) });
        assert_eq!(between.before.map(|sample| sample.sequence), Some(0));
        assert_eq!(between.after.map(|sample| sample.sequence), Some(2));
        assert_eq!(series.all().filter(|between| between.before.is_none()).count(), 1);
    }

    #[test]
    fn forgetting_keeps_what_still_holds_and_what_stands_before_the_floor() {
        let of = |until: fn(i64) -> i64| {
            let mut series = Series::default();
            for time in [0, 5, 20, 30] {
                series.insert(sample(time, until(time)));
            }
            series
        };
        let left = |mut series: Series, floor: i64| {
            series.forget(floor);
            series.samples.iter().map(|sample| sample.time).collect::<Vec<_>>()
        };
        assert_eq!(left(of(|time| time + 10), 15), [5, 20, 30]);
        assert_eq!(left(of(|time| time + 10), 16), [20, 30]);
        assert_eq!(left(of(|_| i64::MAX), 25), [20, 30], "the last one before the floor stays");
        assert_eq!(left(of(|_| i64::MAX), 1_000), [30]);
    }
}
