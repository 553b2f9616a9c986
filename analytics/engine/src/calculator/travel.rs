//! Travel times against free flow: travel time index and congestion level.
//!
//! TTI = travel time ÷ free-flow travel time (FHWA, Travel Time Reliability: 1.30 makes a trip of 20 minutes one of
//! 26). Congestion level = (TTI − 1) × 100 % (TomTom Traffic Index: 45 instead of 30 minutes are 50 %). A trip faster
//! than free flow has a level below 0 and is shown as such.

use super::{Exact, Outcome, Request, half_up};

/// Inputs `travel_time` and `free_flow`, in one unit.
pub(super) fn tti(request: &Request<'_>) -> Option<Outcome> {
    Some(Outcome { value: half_up(quotient(request)?, request.scale)?, code: None })
}

/// The same inputs; percent.
pub(super) fn congestion(request: &Request<'_>) -> Option<Outcome> {
    let Exact { numerator, denominator } = quotient(request)?;
    let more = numerator.checked_sub(denominator)?.checked_mul(100)?;
    Some(Outcome { value: half_up(Exact { numerator: more, denominator }, request.scale)?, code: None })
}

fn quotient(request: &Request<'_>) -> Option<Exact> {
    request.own("travel_time")?.divided(request.own("free_flow")?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::evaluate;
    use super::super::tests::{request, windows_of};

    /// Tenths of minutes; the value at scale 2.
    fn of(name: &str, travel_time: i128, free_flow: i128) -> Option<i128> {
        let inputs = BTreeMap::from([
            windows_of("travel_time", &[Some(travel_time)]),
            windows_of("free_flow", &[Some(free_flow)]),
        ]);
        evaluate(name, &request(&inputs, &BTreeMap::new(), 2)).map(|outcome| outcome.value)
    }

    #[test]
    fn a_trip_of_twenty_minutes() {
        assert_eq!(of("tti", 270, 200), Some(135));
        assert_eq!(of("tti", 260, 200), Some(130));
    }

    #[test]
    fn half_as_much_again_is_fifty_percent() {
        assert_eq!(of("congestion", 450, 300), Some(5_000));
        // TTI = 1 + level ÷ 100.
        assert_eq!((of("tti", 450, 300), of("tti", 300, 300)), (Some(150), Some(100)));
        assert_eq!(of("congestion", 300, 300), Some(0));
        assert_eq!(of("congestion", 270, 300), Some(-1_000));
    }

    #[test]
    fn no_free_flow_time_is_no_index() {
        assert_eq!(of("tti", 450, 0), None);
        assert_eq!(of("congestion", 450, 0), None);
        assert_eq!(of("tti", 450, -300), None);
    }
}
