//! Ratios of natural numbers of any size: compared and rounded exactly.

use std::cmp::Ordering;

use super::Exact;
use super::natural::Natural;

/// `above ÷ below`, not negative; `below` is above 0.
#[derive(Clone, Debug)]
pub(super) struct Ratio {
    above: Natural,
    below: Natural,
}

impl Ratio {
    /// None without a denominator.
    pub(super) fn new(above: Natural, below: Natural) -> Option<Self> {
        if below.is_zero() { None } else { Some(Self { above, below }) }
    }

    /// None below 0.
    pub(super) fn of(exact: Exact) -> Option<Self> {
        Self::new(Natural::of(exact.numerator)?, Natural::of(exact.denominator)?)
    }

    /// How it compares with a whole number, not negative.
    pub(super) fn against(&self, whole: &Natural) -> Ordering {
        self.above.cmp(&whole.times(&self.below))
    }

    /// On the line through (`from`, `base`) that rises by `rise` over `run`; none left of `from`.
    pub(super) fn along(
        &self,
        from: &Natural,
        run: &Natural,
        base: &Natural,
        rise: &Natural,
    ) -> Option<Self> {
        let beyond = self.above.minus(&from.times(&self.below))?;
        Self::new(beyond.times(rise).plus(&base.times(run).times(&self.below)), run.times(&self.below))
    }

    /// The whole number of units of `10^-scale`, half up, if it is at most `most`.
    pub(super) fn half_up(&self, scale: u8, most: i128) -> Option<i128> {
        let ten = Natural::of(10_i128.checked_pow(u32::from(scale))?)?;
        let two = Natural::of(2)?;
        let twice = self.above.times(&ten).times(&two).plus(&self.below);
        let unit = self.below.times(&two);
        // The greatest n with n × unit ≤ twice, by halving.
        let fits = |n: i128| Natural::of(n).is_some_and(|n| n.times(&unit) <= twice);
        if !fits(0) || fits(most.checked_add(1)?) {
            return None;
        }
        let (mut least, mut beyond) = (0, most + 1);
        while beyond - least > 1 {
            let middle = least + (beyond - least) / 2;
            if fits(middle) { least = middle } else { beyond = middle }
        }
        Some(least)
    }
}
