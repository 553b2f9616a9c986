//! How a source did in the last hour of arrivals: the counts behind đủ and sạch.

use nhip_proto::{MINUTE, Span};

/// Stretches of five minutes.
const STRETCHES: usize = 12;
pub(crate) const STRETCH: Span = 5 * MINUTE;
/// The hour they cover.
pub(crate) const HOUR: Span = STRETCH * STRETCHES as Span;

/// Counts of one stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Readings with something admitted.
    pub(crate) readings: u32,
    /// Items and whole messages judged.
    pub(crate) judged: u32,
    /// Of these rejected, out of range, device-flagged or conflicting.
    pub(crate) unclean: u32,
}

/// A ring of stretches; the newest stands at `newest % STRETCHES`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pulse {
    pub(crate) newest: i64,
    pub(crate) ring: [Counts; STRETCHES],
    /// The whole hour; follows from the ring.
    pub(crate) hour: Counts,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.readings = self.readings.wrapping_add(other.readings);
        self.judged = self.judged.wrapping_add(other.judged);
        self.unclean = self.unclean.wrapping_add(other.unclean);
    }

    fn take_away(&mut self, other: Self) {
        self.readings = self.readings.wrapping_sub(other.readings);
        self.judged = self.judged.wrapping_sub(other.judged);
        self.unclean = self.unclean.wrapping_sub(other.unclean);
    }
}

impl Pulse {
    /// A reading with something admitted.
    pub(crate) fn reading(&mut self, arrival: i64) {
        self.count(arrival, Counts { readings: 1, ..Counts::default() });
    }

    /// An item or whole message judged.
    pub(crate) fn judged(&mut self, arrival: i64, unclean: bool) {
        self.count(arrival, Counts { readings: 0, judged: 1, unclean: u32::from(unclean) });
    }

    fn count(&mut self, arrival: i64, counts: Counts) {
        self.advance(arrival);
        let at = self.newest.rem_euclid(STRETCHES as i64) as usize;
        if let Some(stretch) = self.ring.get_mut(at) {
            stretch.add(counts);
            self.hour.add(counts);
        }
    }

    /// Lets time pass: stretches older than an hour are cleared. Arrivals of one log never go back.
    pub(crate) fn advance(&mut self, arrival: i64) {
        let stretch = arrival.div_euclid(STRETCH);
        if stretch <= self.newest {
            return;
        }
        let steps = stretch.saturating_sub(self.newest).min(STRETCHES as i64);
        for step in 0..steps {
            let at = (stretch - step).rem_euclid(STRETCHES as i64) as usize;
            if let Some(counts) = self.ring.get_mut(at) {
                self.hour.take_away(std::mem::take(counts));
            }
        }
        self.newest = stretch;
    }

    /// Since when, within the last hour, whole stretches held less than `percent` of the readings a cadence promises,
    /// without a break up to now. With a cadence too slow for one stretch: since the hour began.
    pub(crate) fn short_since(&self, cadence: Span, tick: i64, percent: u64) -> i64 {
        let begin = |stretch: i64| stretch.saturating_mul(STRETCH);
        let expected = u64::try_from(STRETCH / cadence.max(1)).unwrap_or(0);
        let newest = tick.div_euclid(STRETCH);
        if expected == 0 {
            return tick.saturating_sub(HOUR);
        }
        let short = |stretch: &i64| {
            let inside = self.newest.saturating_sub(*stretch) < STRETCHES as i64 && *stretch <= self.newest;
            let at = stretch.rem_euclid(STRETCHES as i64) as usize;
            let readings = self.ring.get(at).filter(|_| inside).map_or(0, |counts| counts.readings);
            u64::from(readings).saturating_mul(100) < expected.saturating_mul(percent)
        };
        let whole = (1..STRETCHES as i64).map(|back| newest.saturating_sub(back));
        whole.take_while(short).last().map_or(begin(newest), begin)
    }

    /// Works out again what follows from the ring.
    pub(crate) fn index(&mut self) {
        self.hour = Counts::default();
        self.ring.iter().for_each(|counts| self.hour.add(*counts));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_later_nothing_is_left() {
        let mut pulse = Pulse::default();
        for minute in 0..120 {
            pulse.reading(minute * MINUTE);
        }
        assert_eq!(pulse.hour.readings, 60);
        pulse.advance(150 * MINUTE);
        assert_eq!(pulse.hour.readings, 25);
        pulse.advance(10_000 * MINUTE);
        assert_eq!(pulse.hour.readings, 0);
    }
}
