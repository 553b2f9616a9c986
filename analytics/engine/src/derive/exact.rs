//! Exact fractions: what formulas reckon with. Nothing is rounded here, and nothing wraps.

use std::cmp::Ordering;

use crate::calculator::Exact;

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
        let divisor = greatest_divisor(self.denominator.unsigned_abs(), other.denominator.unsigned_abs());
        let divisor = i128::try_from(divisor).map_err(|_| Overflow)?.max(1);
        let (left, right) = (self.denominator / divisor, other.denominator / divisor);
        let sum = || {
            let above = self.numerator.checked_mul(right)?.checked_add(other.numerator.checked_mul(left)?)?;
            Self::reduced(above, left.checked_mul(other.denominator)?)
        };
        sum().ok_or(Overflow)
    }

    pub(crate) fn minus(self, other: Self) -> Result<Self, Overflow> {
        self.plus(other.negated()?)
    }

    pub(crate) fn times(self, other: Self) -> Result<Self, Overflow> {
        let product = || {
            let left = Self::reduced(self.numerator, other.denominator)?;
            let right = Self::reduced(other.numerator, self.denominator)?;
            let above = left.numerator.checked_mul(right.numerator)?;
            Self::reduced(above, left.denominator.checked_mul(right.denominator)?)
        };
        product().ok_or(Overflow)
    }

    /// The quotient; none by zero.
    pub(crate) fn over(self, other: Self) -> Result<Option<Self>, Overflow> {
        if other.numerator == 0 {
            return Ok(None);
        }
        let turned = Self::reduced(other.denominator, other.numerator).ok_or(Overflow)?;
        self.times(turned).map(Some)
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
        assert_eq!(exact(1, i128::MAX).plus(exact(1, i128::MAX - 1)), Err(Overflow));
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
