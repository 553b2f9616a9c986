//! Exact fractions: what formulas reckon with. Nothing wraps, and nothing is rounded that fits 128 bits.
//!
//! Shares of time have nanoseconds below: the sum of a few of them no longer fits. Then both sides are rounded to as
//! many digits as do fit, 18 behind the point at most and 6 at least; beyond that the value is missing.

use std::cmp::Ordering;

use crate::calculator::Exact;

/// Digits behind the point kept where a fraction does not fit.
const DIGITS: [u32; 4] = [18, 12, 9, 6];

/// The number is larger than an exact value may be: the figure is missing, and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

impl Exact {
    /// In lowest terms with the sign above; none for a denominator of 0.
    pub(crate) fn reduced(numerator: i128, denominator: i128) -> Option<Self> {
        let divisor = greatest_divisor(numerator.unsigned_abs(), denominator.unsigned_abs());
        let part = |number: i128| {
            let size = i128::try_from(number.unsigned_abs().checked_div(divisor)?).ok()?;
            Some(if (number < 0) == (denominator < 0) { size } else { -size })
        };
        let size = i128::try_from(denominator.unsigned_abs().checked_div(divisor)?).ok()?;
        if size == 0 { None } else { Some(Self { numerator: part(numerator)?, denominator: size }) }
    }

    pub(crate) fn plus(self, other: Self) -> Result<Self, Overflow> {
        self.or_rounded(other, |left, right| {
            let divisor = greatest_divisor(left.denominator.unsigned_abs(), right.denominator.unsigned_abs());
            let divisor = i128::try_from(divisor).ok()?.max(1);
            let (up, down) = (right.denominator / divisor, left.denominator / divisor);
            let above = left.numerator.checked_mul(up)?.checked_add(right.numerator.checked_mul(down)?)?;
            Self::reduced(above, down.checked_mul(right.denominator)?)
        })
    }

    pub(crate) fn minus(self, other: Self) -> Result<Self, Overflow> {
        self.plus(other.negated()?)
    }

    pub(crate) fn times(self, other: Self) -> Result<Self, Overflow> {
        self.or_rounded(other, |left, right| product(left, (right.numerator, right.denominator)))
    }

    /// The quotient; none by zero.
    pub(crate) fn over(self, other: Self) -> Result<Option<Self>, Overflow> {
        if other.numerator == 0 {
            return Ok(None);
        }
        let turned = |left, right: Self| product(left, (right.denominator, right.numerator));
        self.or_rounded(other, turned).map(Some)
    }

    /// The same number with so many digits behind the point at most; none if it does not fit.
    pub(crate) fn rounded(self, digits: u32) -> Option<Self> {
        let (one, below) = (10_u128.checked_pow(digits)?, self.denominator.unsigned_abs());
        let whole = self.numerator.div_euclid(self.denominator);
        // Where the product would not fit, bits far behind the digits kept are dropped.
        let bits = |number: u128| u128::BITS - number.leading_zeros();
        let shift = (bits(below) + bits(one)).saturating_sub(u128::BITS - 1);
        let rest = self.numerator.rem_euclid(self.denominator).unsigned_abs() >> shift;
        let below = (below >> shift).max(1);
        let part = rest.checked_mul(one)?.checked_add(below / 2)? / below;
        let above = whole.checked_mul(i128::try_from(one).ok()?)?.checked_add(i128::try_from(part).ok()?)?;
        Self::reduced(above, i128::try_from(one).ok()?)
    }

    /// Exact if the result fits; else from rounded operands.
    fn or_rounded(
        self,
        other: Self,
        operation: impl Fn(Self, Self) -> Option<Self>,
    ) -> Result<Self, Overflow> {
        let rounded = |digits: u32| operation(self.rounded(digits)?, other.rounded(digits)?);
        operation(self, other).or_else(|| DIGITS.into_iter().find_map(rounded)).ok_or(Overflow)
    }

    pub(crate) fn negated(self) -> Result<Self, Overflow> {
        Ok(Self { numerator: self.numerator.checked_neg().ok_or(Overflow)?, ..self })
    }

    /// Which is greater, exactly and without products that could grow too large.
    pub(crate) fn compare(self, other: Self) -> Ordering {
        let (mut left, mut right, mut turned) = (self, other, false);
        loop {
            let whole = |side: Self| (side.numerator.div_euclid(side.denominator), side);
            let ((left_whole, l), (right_whole, r)) = (whole(left), whole(right));
            let rest = (l.numerator.rem_euclid(l.denominator), r.numerator.rem_euclid(r.denominator));
            let order = match (left_whole.cmp(&right_whole), rest) {
                (Ordering::Equal, (0, 0)) => Ordering::Equal,
                (Ordering::Equal, (0, _)) => Ordering::Less,
                (Ordering::Equal, (_, 0)) => Ordering::Greater,
                (Ordering::Equal, (left_rest, right_rest)) => {
                    // 1/x turns the order round; the denominators shrink as in Euclid's algorithm.
                    left = Self { numerator: l.denominator, denominator: left_rest };
                    right = Self { numerator: r.denominator, denominator: right_rest };
                    turned = !turned;
                    continue;
                }
                (order, _) => order,
            };
            return if turned { order.reverse() } else { order };
        }
    }
}

/// The product with a fraction whose lower side may be negative.
fn product(left: Exact, right: (i128, i128)) -> Option<Exact> {
    let (one, two) = (Exact::reduced(left.numerator, right.1)?, Exact::reduced(right.0, left.denominator)?);
    let above = one.numerator.checked_mul(two.numerator)?;
    Exact::reduced(above, one.denominator.checked_mul(two.denominator)?)
}

fn greatest_divisor(mut left: u128, mut right: u128) -> u128 {
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(numerator: i128, denominator: i128) -> Exact {
        Exact::reduced(numerator, denominator).expect("a fraction")
    }

    #[test]
    fn fractions_are_kept_in_lowest_terms_with_the_sign_above() {
        assert_eq!(exact(6, -4), Exact { numerator: -3, denominator: 2 });
        assert_eq!(exact(-6, -4), Exact { numerator: 3, denominator: 2 });
        assert_eq!(exact(0, -7), Exact { numerator: 0, denominator: 1 });
        assert_eq!(Exact::reduced(1, 0), None);
        assert_eq!(Exact::reduced(i128::MIN, 1), None, "its size has no positive twin");
        assert_eq!(Exact::reduced(i128::MIN, 2).map(|half| half.numerator), Some(i128::MIN / 2));
    }

    #[test]
    fn a_third_thrice_is_one() {
        let third = exact(1, 3);
        let sum = third.plus(third).and_then(|sum| sum.plus(third));
        assert_eq!(sum, Ok(exact(1, 1)));
        assert_eq!(exact(2, 3).times(exact(9, 4)), Ok(exact(3, 2)));
        assert_eq!(exact(2, 3).minus(exact(1, 6)), Ok(exact(1, 2)));
        assert_eq!(exact(2, 3).over(exact(-4, 3)), Ok(Some(exact(-1, 2))));
        assert_eq!(exact(2, 3).over(exact(0, 1)), Ok(None));
    }

    #[test]
    fn what_grows_too_large_is_told() {
        let large = exact(i128::MAX, 1);
        assert_eq!(large.plus(exact(1, 1)), Err(Overflow));
        assert_eq!(large.times(exact(2, 1)), Err(Overflow));
        assert_eq!(large.times(exact(1, i128::MAX)), Ok(exact(1, 1)), "reduced before it is multiplied");
    }

    #[test]
    fn shares_of_time_can_be_added_for_ever() {
        // A hundred shares of about an hour in nanoseconds, no two with a common divisor.
        let below = |at: i128| 3_599_999_999_971 + 2 * at;
        let mut sum = exact(0, 1);
        for at in 0..100 {
            sum = sum.plus(exact(below(at) / 3, below(at))).expect("rounded where it does not fit");
        }
        let hundred_thirds = exact(100, 3);
        let apart = sum.minus(hundred_thirds).expect("a difference");
        assert!(apart.compare(exact(1, 10_000_000_000)) == Ordering::Less, "{apart:?}");
        assert!(apart.compare(exact(-1, 10_000_000_000)) == Ordering::Greater, "{apart:?}");
        assert!(sum.at_scale(9).is_some(), "and can be shown");
    }

    #[test]
    fn rounding_keeps_the_digits_it_promises() {
        assert_eq!(exact(1, 3).rounded(6), Some(exact(333_333, 1_000_000)));
        assert_eq!(exact(-1, 3).rounded(6), Some(exact(-333_333, 1_000_000)));
        assert_eq!(exact(2, 3).rounded(6), Some(exact(666_667, 1_000_000)));
        assert_eq!(exact(i128::MAX / 3, i128::MAX).rounded(6), Some(exact(333_333, 1_000_000)));
        assert_eq!(exact(7, 2).rounded(18), Some(exact(7, 2)));
        assert_eq!(exact(i128::MAX, 1).rounded(6), None);
    }

    #[test]
    fn comparison_never_overflows() {
        let near = (exact(i128::MAX, i128::MAX - 1), exact(i128::MAX - 1, i128::MAX - 2));
        assert_eq!(near.0.compare(near.1), Ordering::Less);
        assert_eq!(near.1.compare(near.0), Ordering::Greater);
        assert_eq!(near.0.compare(near.0), Ordering::Equal);
        assert_eq!(exact(-1, 3).compare(exact(-1, 2)), Ordering::Greater);
        assert_eq!(exact(-1, 3).compare(exact(1, 2)), Ordering::Less);
        for (a, b) in [(1, 3), (2, 7), (-5, 4), (9, 2), (0, 1), (22, 7)] {
            for (c, d) in [(1, 3), (3, 10), (-5, 4), (-9, 2), (355, 113), (1, 1)] {
                assert_eq!(exact(a, b).compare(exact(c, d)), (a * d).cmp(&(c * b)), "{a}/{b} {c}/{d}");
            }
        }
    }
}
