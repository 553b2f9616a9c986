//! How a source did in the last hour of arrivals: the counts behind đủ and sạch.

use nhip_proto::{MINUTE, Span};

/// Stretches of five minutes.
const STRETCHES: usize = 12;
const STRETCH: Span = 5 * MINUTE;
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
}

impl Pulse {
    /// The counts of the stretch an arrival falls into; arrivals of one log never go back.
    pub(crate) fn at(&mut self, arrival: i64) -> &mut Counts {
        self.advance(arrival);
        let at = self.newest.rem_euclid(STRETCHES as i64) as usize;
        &mut self.ring[at]
    }

    /// Lets time pass: stretches older than an hour are cleared.
    pub(crate) fn advance(&mut self, arrival: i64) {
        let stretch = arrival.div_euclid(STRETCH);
        if stretch <= self.newest {
            return;
        }
        let steps = stretch.saturating_sub(self.newest).min(STRETCHES as i64);
        for step in 0..steps {
            let at = (stretch - step).rem_euclid(STRETCHES as i64) as usize;
            if let Some(counts) = self.ring.get_mut(at) {
                *counts = Counts::default();
            }
        }
        self.newest = stretch;
    }

    /// The whole hour.
    pub(crate) fn sum(&self) -> Counts {
        self.ring.iter().fold(Counts::default(), |sum, counts| Counts {
            readings: sum.readings.saturating_add(counts.readings),
            judged: sum.judged.saturating_add(counts.judged),
            unclean: sum.unclean.saturating_add(counts.unclean),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_later_nothing_is_left() {
        let mut pulse = Pulse::default();
        for minute in 0..120 {
            pulse.at(minute * MINUTE).readings += 1;
        }
        assert_eq!(pulse.sum().readings, 60);
        pulse.advance(150 * MINUTE);
        assert_eq!(pulse.sum().readings, 25);
        pulse.advance(10_000 * MINUTE);
        assert_eq!(pulse.sum().readings, 0);
    }
}
