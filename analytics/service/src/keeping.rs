//! Which snapshots stay for the past: the first of each civil hour of the last days, then the first of each civil day.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use nhip_ports::{KeptState, SavedState, StateError, StateStore};
use nhip_proto::ArrivalTime;

use crate::telemetry;

/// What is kept, and for how long.
pub(crate) struct Keeping {
    kept: Vec<KeptState>,
    hours_max: usize,
    days_max: usize,
}

impl Keeping {
    /// What a store holds already.
    pub(crate) async fn open(
        states: &dyn StateStore,
        (hours_max, days_max): (usize, usize),
    ) -> Result<Self, StateError> {
        Ok(Self { kept: states.kept().await?, hours_max, days_max })
    }

    /// Whether a civil day began since the newest one kept: then one is due at once.
    pub(crate) fn day_began(&self, at: ArrivalTime, zone: &str) -> bool {
        let zone = zone_of(zone);
        self.kept.last().is_none_or(|newest| newest.at < at && day(newest.at, &zone) != day(at, &zone))
    }

    /// Keeps a snapshot that is the first of its civil hour and forgets those that are not needed any more. One that
    /// cannot be kept (a full disk) costs a longer replay, nothing else.
    pub(crate) async fn keep(
        &mut self,
        states: &dyn StateStore,
        at: ArrivalTime,
        zone: &str,
        state: &SavedState,
    ) {
        let zone = zone_of(zone);
        let newest = self.kept.last();
        if newest.is_some_and(|newest| newest.at >= at || hour(newest.at, &zone) == hour(at, &zone)) {
            return;
        }
        let applied = state.applied;
        if let Err(error) = states.keep(at, state.clone()).await {
            return telemetry::snapshot_postponed(&error.to_string());
        }
        self.kept.push(KeptState { applied, at });
        for surplus in surplus(&self.kept, &zone, self.hours_max, self.days_max) {
            match states.forget(surplus).await {
                Ok(()) => self.kept.retain(|kept| *kept != surplus),
                Err(error) => telemetry::snapshot_postponed(&error.to_string()),
            }
        }
        telemetry::snapshots_kept(self.kept.len(), applied);
    }
}

/// Those of `kept` (oldest first) that are neither the first of one of the newest civil hours nor of one of the newest
/// civil days.
fn surplus(kept: &[KeptState], zone: &TimeZone, hours_max: usize, days_max: usize) -> Vec<KeptState> {
    let mut wanted = firsts(kept, days_max, |kept| day(kept.at, zone));
    wanted.extend(firsts(kept, hours_max, |kept| hour(kept.at, zone)));
    kept.iter().filter(|kept| !wanted.contains(*kept)).copied().collect()
}

/// The first of each stretch, of the newest `stretches_max` stretches.
fn firsts<T: Ord>(
    kept: &[KeptState],
    stretches_max: usize,
    stretch: impl Fn(&KeptState) -> T,
) -> BTreeSet<KeptState> {
    let mut seen = BTreeSet::new();
    let firsts: Vec<KeptState> = kept.iter().filter(|kept| seen.insert(stretch(kept))).copied().collect();
    firsts.into_iter().rev().take(stretches_max).collect()
}

fn day(at: ArrivalTime, zone: &TimeZone) -> Date {
    civil(at, zone).date()
}

fn hour(at: ArrivalTime, zone: &TimeZone) -> (Date, i8) {
    let civil = civil(at, zone);
    (civil.date(), civil.hour())
}

fn civil(at: ArrivalTime, zone: &TimeZone) -> DateTime {
    let at = Timestamp::from_nanosecond(i128::from(at.0)).unwrap_or_default();
    zone.to_datetime(at)
}

fn zone_of(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use nhip_ports::memory::MemoryStates;
    use nhip_proto::{MINUTE, Offset, SECOND};

    use super::*;

    const ZONE: &str = "Asia/Ho_Chi_Minh";
    /// 2026-11-20T23:10:00+07:00.
    const LATE_EVENING: i64 = 1_795_191_000 * SECOND;
    const HOUR: i64 = 60 * MINUTE;

    /// A snapshot every ten minutes for five days; what is kept of them, in minutes after the start.
    async fn kept(hours_max: usize, days_max: usize) -> Vec<i64> {
        let states = MemoryStates::default();
        let mut keeping = Keeping::open(&states, (hours_max, days_max)).await.expect("an empty store");
        for step in 0..5 * 24 * 6 {
            let at = ArrivalTime(LATE_EVENING + step * 10 * MINUTE);
            let state = SavedState { applied: Offset(step as u64 + 1), bytes: vec![1] };
            keeping.keep(&states, at, ZONE, &state).await;
        }
        let kept = states.kept().await.expect("a list");
        kept.iter().map(|kept| (kept.at.0 - LATE_EVENING) / MINUTE).collect()
    }

    #[tokio::test]
    async fn days_are_cut_at_the_zones_midnight_and_hours_leave_first() {
        let days: Vec<i64> = (0..5).map(|day| 50 + day * 24 * 60).collect();
        let newest = 50 + 4 * 24 * 60;
        let hours = [newest + 22 * 60, newest + 23 * 60];
        let mut wanted = vec![0];
        wanted.extend(&days);
        wanted.extend(hours);
        assert_eq!(kept(2, 100).await, wanted, "the first of each day, and two hours");
        assert_eq!(kept(0, 3).await, days[2..], "only three days");
    }

    #[tokio::test]
    async fn one_is_due_at_once_when_a_day_began() {
        let states = MemoryStates::default();
        let mut keeping = Keeping::open(&states, (4, 4)).await.expect("an empty store");
        assert!(keeping.day_began(ArrivalTime(LATE_EVENING), ZONE), "there is none");
        let state = SavedState { applied: Offset(5), bytes: vec![1] };
        keeping.keep(&states, ArrivalTime(LATE_EVENING), ZONE, &state).await;
        assert!(!keeping.day_began(ArrivalTime(LATE_EVENING + 49 * MINUTE), ZONE));
        assert!(keeping.day_began(ArrivalTime(LATE_EVENING + 50 * MINUTE), ZONE), "midnight in the zone");
        assert!(!keeping.day_began(ArrivalTime(LATE_EVENING - 24 * HOUR), ZONE), "never backwards");
    }
}
