//! Natural numbers of any size, for powers of exact ratios: nothing is rounded before the last step.

use std::cmp::Ordering;

/// A natural number, least limb first, without leading zero limbs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Natural(Vec<u64>);

impl Natural {
    pub(super) fn zero() -> Self {
        Self(Vec::new())
    }

    pub(super) fn one() -> Self {
        Self(vec![1])
    }

    /// The number; none below 0.
    pub(super) fn of(number: i128) -> Option<Self> {
        let number = u128::try_from(number).ok()?;
        let mut limbs = vec![number as u64, (number >> 64) as u64];
        trim(&mut limbs);
        Some(Self(limbs))
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let size = self.0.len().max(other.0.len());
        let limb = |limbs: &[u64], at: usize| u128::from(limbs.get(at).copied().unwrap_or(0));
        let mut carry = 0;
        let mut limbs: Vec<u64> = Vec::with_capacity(size + 1);
        for at in 0..size {
            let sum = limb(&self.0, at) + limb(&other.0, at) + carry;
            limbs.push(sum as u64);
            carry = sum >> 64;
        }
        limbs.push(carry as u64);
        trim(&mut limbs);
        Self(limbs)
    }

    /// The difference; none below 0.
    pub(super) fn minus(&self, other: &Self) -> Option<Self> {
        let mut limbs = Vec::with_capacity(self.0.len());
        let mut borrowed = false;
        let others = other.0.iter().copied().chain(std::iter::repeat(0));
        if self < other {
            return None;
        }
        for (left, right) in self.0.iter().zip(others) {
            let (less, first) = left.overflowing_sub(right);
            let (less, second) = less.overflowing_sub(u64::from(borrowed));
            borrowed = first || second;
            limbs.push(less);
        }
        trim(&mut limbs);
        Some(Self(limbs))
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        let mut limbs = vec![0_u64; self.0.len() + other.0.len()];
        for (at, left) in self.0.iter().enumerate() {
            let mut carry = 0_u128;
            let rights = other.0.iter().copied().chain([0]);
            for (limb, right) in limbs.iter_mut().skip(at).zip(rights) {
                // At most (2^64 − 1)² + 2 (2^64 − 1) = 2^128 − 1.
                let sum = u128::from(*left) * u128::from(right) + u128::from(*limb) + carry;
                *limb = sum as u64;
                carry = sum >> 64;
            }
        }
        trim(&mut limbs);
        Self(limbs)
    }

    /// Its powers 0, 1 … `count` − 1.
    pub(super) fn powers(&self, count: usize) -> Vec<Self> {
        std::iter::successors(Some(Self::one()), |power| Some(power.times(self))).take(count).collect()
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_size = self.0.len().cmp(&other.0.len());
        by_size.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn trim(limbs: &mut Vec<u64>) {
    while limbs.last() == Some(&0) {
        limbs.pop();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn natural(number: u64) -> Natural {
        Natural::of(i128::from(number)).expect("not negative")
    }

    #[test]
    fn nothing_is_below_zero_and_zero_has_no_limbs() {
        assert_eq!(Natural::of(-1), None);
        assert_eq!(Natural::of(0), Some(Natural::zero()));
        assert_eq!(natural(7).times(&Natural::zero()), Natural::zero());
    }

    #[test]
    fn powers_leave_128_bits() {
        // 10^40 = (10^20)², known limb by limb: 0x1d 6329f1c35ca4bfab b9f5610000000000.
        let tens = natural(10).powers(41);
        let known = Natural(vec![0xb9f5_6100_0000_0000, 0x6329_f1c3_5ca4_bfab, 0x1d]);
        assert_eq!(tens.last(), Some(&known));
        let odd = |part: &Natural| part.times(&natural(3));
        assert!(odd(&known) > known && known < odd(&known));
    }

    proptest! {
        #[test]
        fn small_numbers_add_multiply_and_compare_as_machine_words_do(a: u64, b: u64, c: u64) {
            let (left, right) = ((u128::from(a) * u128::from(b)) >> 1, u128::from(c));
            let of = |number: u128| Natural::of(number as i128).expect("127 bits");
            prop_assert_eq!(of(left).plus(&of(right)), of(left + right));
            prop_assert_eq!(natural(a).times(&natural(b >> 1)), of(u128::from(a) * u128::from(b >> 1)));
            prop_assert_eq!(of(left).cmp(&of(right)), left.cmp(&right));
        }

        #[test]
        fn carries_run_through_every_limb(a in prop::collection::vec(any::<u64>(), 1..6), b: u64, c: u64) {
            let mut wide = Natural(a);
            trim(&mut wide.0);
            let both = wide.times(&natural(b).plus(&natural(c)));
            prop_assert_eq!(&both, &wide.times(&natural(b)).plus(&wide.times(&natural(c))));
            prop_assert_eq!(both.minus(&wide.times(&natural(b))), Some(wide.times(&natural(c))));
            prop_assert_eq!(wide.minus(&wide.plus(&Natural::one())), None);
        }
    }
}
