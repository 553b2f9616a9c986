//! NowCast: the weighted mean of twelve hours of dust, newest heaviest. QĐ 1459/QĐ-TCMT of 12/11/2019, 2.2.1 a.
//!
//! `w* = Cmin ÷ Cmax` of the hours there are, `w = max(1/2, w*)`, `Σ w^(i−1) ci ÷ Σ w^(i−1)`; two of the newest
//! three hours must be there; a missing hour weighs 0. Where w = 1/2 the decision prints `Σ (1/2)^i ci`, whose
//! weights add up to 1 only with all twelve hours: with one missing it reads too little (52.5 instead of 70.0 in a
//! case worked out below). Nhịp divides by the weights there are in both cases; with twelve hours that differs by
//! 1/4096 at most. Everything is exact: powers of w are powers of a ratio, nothing is rounded before the last step.

use super::natural::Natural;
use super::ratio::Ratio;
use super::{Exact, Outcome, Request};

/// Hours NowCast looks at, the hour itself included.
pub(super) const HOURS: usize = 12;
/// Of the newest three hours so many must be there.
const NEWEST_MIN: usize = 2;

/// The greatest concentration a NowCast may have, in units of its scale.
const VALUE_MAX: i128 = 1_000_000_000_000;

/// NowCast of the input `of`, half up.
pub(super) fn of_input(request: &Request<'_>) -> Option<Outcome> {
    let value = nowcast(request.windows("of"))?.half_up(request.scale, VALUE_MAX)?;
    Some(Outcome { value, code: None })
}

/// Of the hour itself, then one, two … hours back; none: too few hours, or a value below 0.
pub(super) fn nowcast(hours: &[Option<Exact>]) -> Option<Ratio> {
    let newest = hours.iter().take(3).flatten().count();
    if newest < NEWEST_MIN {
        return None;
    }
    let (numbers, unit) = over_one_unit(hours.iter().take(HOURS).copied().collect())?;
    let there = || numbers.iter().flatten();
    let (least, greatest) = (there().min()?, there().max()?);
    let two = Natural::one().plus(&Natural::one());
    let steep = least.times(&two) <= *greatest;
    let (above, below) = if steep { (Natural::one(), two) } else { (least.clone(), greatest.clone()) };
    weighted(&numbers, &above, &below, &unit)
}

/// `Σ w^(i−1) ci ÷ Σ w^(i−1)` with w = `above ÷ below` and ci in parts of `1 ÷ unit`.
fn weighted(numbers: &[Option<Natural>], above: &Natural, below: &Natural, unit: &Natural) -> Option<Ratio> {
    let weights = above.powers(HOURS).into_iter().zip(below.powers(HOURS).into_iter().rev());
    let (mut sum, mut weight_sum) = (Natural::zero(), Natural::zero());
    for ((rising, falling), number) in weights.zip(numbers) {
        let Some(number) = number else { continue };
        let weight = rising.times(&falling);
        sum = sum.plus(&weight.times(number));
        weight_sum = weight_sum.plus(&weight);
    }
    Ratio::new(sum, weight_sum.times(unit))
}

/// The values as whole numbers of `1 ÷ unit`, the product of their different denominators.
fn over_one_unit(hours: Vec<Option<Exact>>) -> Option<(Vec<Option<Natural>>, Natural)> {
    let mut denominators: Vec<i128> = hours.iter().flatten().map(|exact| exact.denominator).collect();
    denominators.sort_unstable();
    denominators.dedup();
    let product = |but: Option<i128>| {
        let factors = denominators.iter().filter(|denominator| Some(**denominator) != but);
        factors.map(|factor| Natural::of(*factor)).try_fold(Natural::one(), |all, one| Some(all.times(&one?)))
    };
    let number = |exact: Exact| Some(Natural::of(exact.numerator)?.times(&product(Some(exact.denominator))?));
    let mut numbers = Vec::with_capacity(hours.len());
    for hour in hours {
        numbers.push(match hour {
            Some(exact) => Some(number(exact)?),
            None => None,
        });
    }
    Some((numbers, product(None)?))
}

#[cfg(test)]
mod tests {
    use super::super::tests::tenths;
    use super::*;

    /// NowCast of tenths of µg/m³, newest first, with so many digits behind the point.
    fn of(hours: &[Option<i128>], scale: u8) -> Option<i128> {
        let hours: Vec<_> = hours.iter().map(|hour| hour.map(tenths)).collect();
        nowcast(&hours)?.half_up(scale, 1_000_000_000)
    }

    fn newest(first: &[Option<i128>], rest: i128) -> Vec<Option<i128>> {
        let mut hours = first.to_vec();
        hours.resize(HOURS, Some(rest));
        hours
    }

    #[test]
    fn n1_the_example_of_the_decision() {
        // 2.3 a, PM2.5 from 09:00 to 20:00; w* = 16.5 ÷ 26.9 = 0.6134; the decision prints 0.61 and 20.3.
        let hours = [269, 247, 205, 235, 195, 165, 190, 165, 203, 224, 196, 206];
        let newest_first: Vec<_> = hours.into_iter().rev().map(Some).collect();
        assert_eq!(of(&newest_first, 1), Some(203));
        assert_eq!(of(&newest_first, 3), Some(20_266));
    }

    #[test]
    fn n2_a_steep_fall_weighs_by_halves() {
        // 55.011 by the weights there are; the printed formula gives 54.998.
        assert_eq!(of(&newest(&[Some(1_000)], 100), 3), Some(55_011));
    }

    #[test]
    fn n3_two_hours_are_enough() {
        assert_eq!(of(&[Some(400), Some(420)], 3), Some(40_976));
        assert_eq!(of(&newest(&[Some(400), Some(420)], 0)[..2], 3), Some(40_976));
    }

    #[test]
    fn n4_a_missing_hour_weighs_nothing() {
        // 70.020; the printed formula, whose weights then add up to less than 1, gives 52.498.
        assert_eq!(of(&newest(&[Some(1_000), None], 100), 3), Some(70_020));
    }

    #[test]
    fn n5_two_of_the_newest_three_hours_must_be_there() {
        assert_eq!(of(&[Some(400)], 3), None);
        assert_eq!(of(&newest(&[Some(400), None, None], 400), 3), None);
        assert_eq!(of(&newest(&[None, None, Some(400)], 400), 3), None);
        assert_eq!(of(&newest(&[None, Some(400), Some(400)], 400), 3), Some(40_000));
        assert_eq!(of(&newest(&[Some(400), None, Some(400)], 400), 3), Some(40_000));
        assert_eq!(of(&[], 3), None);
    }

    #[test]
    fn hours_beyond_the_twelfth_do_not_count() {
        let mut hours = newest(&[Some(1_000)], 100);
        hours.push(Some(9_000));
        assert_eq!(of(&hours, 3), Some(55_011));
    }

    #[test]
    fn exactly_one_half_is_one_half() {
        // w* = 1/2: (40 + 20/2) ÷ 1.5 = 33.333.
        assert_eq!(of(&[Some(400), Some(200)], 3), Some(33_333));
        // w* = 0.51: (40 + 20.4 × 0.51) ÷ 1.51 = 33.380.
        assert_eq!(of(&[Some(400), Some(204)], 3), Some(33_380));
    }

    #[test]
    fn clean_air_is_zero_and_a_value_below_zero_is_none() {
        assert_eq!(of(&newest(&[Some(0)], 0), 1), Some(0));
        assert_eq!(of(&newest(&[Some(400), Some(-1)], 400), 1), None);
    }

    #[test]
    fn means_with_different_denominators_stay_exact() {
        let hour = |numerator, denominator| Some(Exact { numerator, denominator });
        // 1/3 and 1/7: w = 1/2, (1/3 + 1/14) ÷ 3/2 = 17/63.
        let found = nowcast(&[hour(1, 3), hour(1, 7)]).and_then(|ratio| ratio.half_up(9, 1_000_000_000));
        assert_eq!(found, Some(269_841_270));
    }
}
