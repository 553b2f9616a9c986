//! Samples of a state over time: a value holds until the next sample or its staleness limit, then it is unknown.

use std::collections::VecDeque;

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) time: i64,
    pub(crate) sequence: u64,
    /// The word of the state.
    pub(crate) state: u32,
    /// Until when it holds if nothing follows.
    pub(crate) until: i64,
    /// The area it counts for.
    pub(crate) area: u32,
}

/// Samples sorted by (time, sequence, state), as far back as a record inside the lateness can reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) samples: VecDeque<Sample>,
}

/// A stretch of held time that begins or ends to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) sample: Sample,
    /// +1 begins, −1 ends.
    pub(crate) sign: i128,
    /// Whether it is the hold of the newest sample.
    pub(crate) ahead: bool,
    /// Whether it is the hold of the sample just taken in.
    pub(crate) own: bool,
}

impl Series {
    /// Takes a sample in and tells what holds changed through it.
    pub(crate) fn insert(&mut self, sample: Sample, mut changed: impl FnMut(Hold)) {
        let key = |sample: &Sample| (sample.time, sample.sequence, sample.state);
        let at = self.samples.partition_point(|known| key(known) <= key(&sample));
        let before = at.checked_sub(1).and_then(|before| self.samples.get(before)).copied();
        let after = self.samples.get(at).copied();
        if let Some(before) = before {
            let old = hold(before, after, false);
            let new = hold(before, Some(sample), false);
            if (old.to, old.ahead) != (new.to, new.ahead) {
                changed(Hold { sign: -1, ..old });
                changed(new);
            }
        }
        changed(hold(sample, after, true));
        self.samples.insert(at, sample);
    }

    /// All holds as they stand, for a definition that begins to read the series.
    pub(crate) fn holds(&self) -> impl Iterator<Item = Hold> + '_ {
        let next = self.samples.iter().skip(1).map(Some).chain(std::iter::once(None));
        self.samples.iter().zip(next).map(|(sample, next)| hold(*sample, next.copied(), false))
    }

    /// Forgets samples whose hold ended before `floor`, where no record can be taken in any more.
    pub(crate) fn forget(&mut self, floor: i64) {
        while self.samples.len() > 1 && self.samples.front().is_some_and(|sample| sample.until < floor) {
            self.samples.pop_front();
        }
    }
}

fn hold(sample: Sample, next: Option<Sample>, own: bool) -> Hold {
    let to = next.map_or(sample.until, |next| sample.until.min(next.time));
    Hold { from: sample.time, to, sample, sign: 1, ahead: next.is_none(), own }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(time: i64) -> Sample {
        Sample { time, sequence: 0, state: time as u32 % 2, until: time + 10, area: 0 }
    }

    /// The known time and what of it counts, from whatever order the samples came in.
    fn totals(times: &[i64]) -> (i128, i128) {
        let mut series = Series::default();
        let mut totals = (0, 0);
        for time in times {
            series.insert(sample(*time), |hold| {
                let length = i128::from(hold.to - hold.from) * hold.sign;
                totals.1 += length;
                if hold.sample.state == 1 {
                    totals.0 += length;
                }
            });
        }
        totals
    }

    #[test]
    fn held_time_does_not_depend_on_the_order_of_arrival() {
        // 0–7 state 0, 7–9 state 1, 9–19 state 1, then unknown, 30–40 state 0.
        assert_eq!(totals(&[0, 7, 9, 30]), (12, 29));
        assert_eq!(totals(&[30, 9, 7, 0]), (12, 29));
        assert_eq!(totals(&[7, 30, 0, 9]), (12, 29));
    }

    #[test]
    fn forgetting_keeps_what_still_holds() {
        let mut series = Series::default();
        for time in [0, 5, 20] {
            series.insert(sample(time), |_| {});
        }
        series.forget(15);
        assert_eq!(series.samples.len(), 2);
        series.forget(1_000);
        assert_eq!(series.samples.len(), 1);
    }
}
