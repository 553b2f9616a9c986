//! Counts against the same period of another year: the difference and its percentage, always derived from the counts.
//!
//! The three criteria of road accidents (accidents, deaths, injured) are always told with both, and percentages in
//! reports and in the press are sometimes wrong: Nhịp never copies one. Which period is the same one (calendar,
//! or the holiday by the lunar calendar) is the definition's choice: it is the input `before`.

use super::{Exact, Outcome, Request, half_up};

/// `now − before`.
pub(super) fn change(request: &Request<'_>) -> Option<Outcome> {
    let (now, before) = (request.own("now")?, request.own("before")?);
    Some(Outcome { value: half_up(now.less(before)?, request.scale)?, code: None })
}

/// `(now − before) ÷ before`, percent, half away from zero; none if there was nothing before.
pub(super) fn change_percent(request: &Request<'_>) -> Option<Outcome> {
    let (now, before) = (request.own("now")?, request.own("before")?);
    let Exact { numerator, denominator } = now.less(before)?.divided(before)?;
    let percent = Exact { numerator: numerator.checked_mul(100)?, denominator };
    Some(Outcome { value: half_up(percent, request.scale)?, code: None })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::tests::{request, windows_of};
    use super::super::{Exact, evaluate, half_up};

    /// From a count and its printed difference: the difference and the percentage with two digits, both derived.
    fn of(now: i128, printed: i128) -> (Option<i128>, Option<i128>) {
        let before = now - printed;
        let inputs = BTreeMap::from([
            windows_of("now", &[Some(now * 10)]),
            windows_of("before", &[Some(before * 10)]),
        ]);
        let value = |name, scale| {
            evaluate(name, &request(&inputs, &BTreeMap::new(), scale)).map(|outcome| outcome.value)
        };
        (value("change", 0), value("change_percent", 2))
    }

    #[test]
    fn the_first_half_of_2025() {
        assert_eq!(of(9_398, -3_009), (Some(-3_009), Some(-2_425)));
        assert_eq!(of(5_293, -201), (Some(-201), Some(-366)));
        assert_eq!(of(6_246, -3_203), (Some(-3_203), Some(-3_390)));
    }

    #[test]
    fn fewer_accidents_and_deaths_with_more_injured() {
        assert_eq!(of(196, -45), (Some(-45), Some(-1_867)));
        assert_eq!(of(94, -44), (Some(-44), Some(-3_188)));
        assert_eq!(of(154, 17), (Some(17), Some(1_241)));
    }

    #[test]
    fn tet_2026_against_the_tet_before() {
        assert_eq!(of(381, -154), (Some(-154), Some(-2_879)));
        assert_eq!(of(274, -118), (Some(-118), Some(-3_010)));
        // The press printed −23.2 % for the deaths; 73 fewer than 303 are −24.09 %.
        assert_eq!(of(230, -73), (Some(-73), Some(-2_409)));
    }

    #[test]
    fn nothing_before_has_no_percentage() {
        assert_eq!(of(3, 3), (Some(3), None));
        assert_eq!(of(0, 0), (Some(0), None));
        assert_eq!(of(0, -4), (Some(-4), Some(-10_000)));
    }

    #[test]
    fn clearance_rates_come_of_their_counts() {
        // Bà Rịa – Vũng Tàu 2023: 695 of 788 cases cleared, 121 of 127 very serious ones.
        let share = |cleared: i128, all| half_up(Exact { numerator: cleared * 100, denominator: all }, 1);
        assert_eq!((share(695, 788), share(121, 127)), (Some(882), Some(953)));
    }

    #[test]
    fn halves_go_away_from_zero_on_both_sides() {
        // 1 of 800 is 0.125 %.
        assert_eq!(of(801, 1).1, Some(13));
        assert_eq!(of(799, -1).1, Some(-13));
    }
}
