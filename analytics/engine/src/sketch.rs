//! Sketches: percentiles from a histogram of logarithmic buckets, distinct counts from an exact set that becomes a
//! HyperLogLog. What they say depends only on what was put in, never on the order.

use crate::SnapshotError;
use crate::pack::{Input, Pack};
use crate::table::mix;

/// Values up to this many units of the last digit have a bucket each.
const EXACT_MAX: u128 = 128;
/// From bucket to bucket beyond it. Half of it and the rounding to whole units stay under 1 % of the value.
const GROWTH: f64 = 1.01;
/// `ln(1.01)`.
const GROWTH_LN: f64 = 0.009_950_330_853_168_083;

/// Different elements kept as they are; with more, registers stand in.
const DISTINCT_EXACT_MAX: usize = 1_024;
/// 2¹² registers: a standard error of 1.04 ÷ √4096 = 1.6 %.
const PRECISION: u32 = 12;
const REGISTERS: usize = 1 << PRECISION;
/// The greatest rank a register can hold.
const RANK_MAX: usize = 64 - PRECISION as usize + 1;

/// The bucket of a value, in units of its last digit. Keys sort as values do.
pub(crate) fn bucket(value: i128) -> i32 {
    let size = value.unsigned_abs();
    let key = if size <= EXACT_MAX {
        size as i32
    } else {
        let beyond = libm::ceil(libm::log(size as f64 / EXACT_MAX as f64) / GROWTH_LN) as i32;
        EXACT_MAX as i32 + beyond.max(1)
    };
    if value < 0 { -key } else { key }
}

/// What stands for the values of a bucket: off by at most 1 %.
fn middle(key: i32) -> i128 {
    let beyond = key.unsigned_abs().saturating_sub(EXACT_MAX as u32);
    let size = if beyond == 0 {
        i128::from(key.unsigned_abs())
    } else {
        let top = EXACT_MAX as f64 * libm::exp(f64::from(beyond) * GROWTH_LN);
        libm::rint(top * 2.0 / (GROWTH + 1.0)) as i128
    };
    if key < 0 { -size } else { size }
}

/// How many values each bucket holds, sorted by bucket. Never more than some 16,700 buckets: there are no more keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Histogram {
    buckets: Vec<(i32, u64)>,
}

impl Histogram {
    /// Takes in one value, by its bucket.
    pub(crate) fn take(&mut self, key: i32) {
        match self.buckets.binary_search_by(|(known, _)| known.cmp(&key)) {
            Ok(at) => {
                if let Some((_, count)) = self.buckets.get_mut(at) {
                    *count += 1;
                }
            }
            Err(at) => self.buckets.insert(at, (key, 1)),
        }
    }

    /// Takes one value of a bucket back.
    pub(crate) fn take_back(&mut self, key: i32) {
        let Ok(at) = self.buckets.binary_search_by(|(known, _)| known.cmp(&key)) else { return };
        match self.buckets.get_mut(at) {
            Some((_, count)) if *count > 1 => *count -= 1,
            _ => drop(self.buckets.remove(at)),
        }
    }

    /// The value of rank ⌈share × count⌉ (nearest rank); none of no values. The share is `above ÷ below`, in (0, 1].
    pub(crate) fn percentile(&self, (above, below): (u64, u64)) -> Option<i128> {
        let count: u64 = self.buckets.iter().map(|(_, count)| count).sum();
        let rank = (u128::from(count) * u128::from(above)).div_ceil(u128::from(below.max(1))).max(1);
        let mut passed = 0;
        let holds = |(_, count): &&(i32, u64)| {
            passed += u128::from(*count);
            passed >= rank
        };
        self.buckets.iter().find(holds).map(|(key, _)| middle(*key))
    }
}

/// A fixed 64-bit hash of an element.
pub(crate) fn element(value: u128) -> u64 {
    mix(value as u64 ^ mix((value >> 64) as u64 ^ 0x9e37_79b9_7f4a_7c15))
}

/// Different elements, by their hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Distinct {
    /// All of them, sorted.
    Exact(Vec<u64>),
    /// The greatest rank seen of each register.
    Registers(Vec<u8>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

impl Distinct {
    /// Takes in one element.
    pub(crate) fn take(&mut self, hash: u64) {
        match self {
            Self::Exact(hashes) => {
                if let Err(at) = hashes.binary_search(&hash) {
                    hashes.insert(at, hash);
                }
                if hashes.len() > DISTINCT_EXACT_MAX {
                    let mut registers = vec![0; REGISTERS];
                    hashes.iter().for_each(|hash| register(&mut registers, *hash));
                    *self = Self::Registers(registers);
                }
            }
            Self::Registers(registers) => register(registers, hash),
        }
    }

    /// How many different ones: exact up to 1,024, else with a standard error of 1.6 %.
    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::Exact(hashes) => hashes.len() as u64,
            Self::Registers(registers) => estimate(registers),
        }
    }
}

fn register(registers: &mut [u8], hash: u64) {
    let rank = ((hash << PRECISION).leading_zeros() + 1).min(RANK_MAX as u32) as u8;
    if let Some(known) = registers.get_mut((hash >> (64 - PRECISION)) as usize) {
        *known = rank.max(*known);
    }
}

/// The estimate without tables of Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017,
/// algorithm 6: only sums, products and square roots, so the same everywhere.
fn estimate(registers: &[u8]) -> u64 {
    let mut counts = [0_u32; RANK_MAX + 1];
    for rank in registers {
        if let Some(count) = counts.get_mut(usize::from(*rank)) {
            *count += 1;
        }
    }
    let all = registers.len() as f64;
    let share = |rank: usize| f64::from(counts.get(rank).copied().unwrap_or(0)) / all;
    let mut sum = all * tau(1.0 - share(RANK_MAX));
    for rank in (1..RANK_MAX).rev() {
        sum = 0.5 * (sum + share(rank) * all);
    }
    sum += all * sigma(share(0));
    libm::rint(all * all / (2.0 * std::f64::consts::LN_2 * sum)) as u64
}

fn sigma(share: f64) -> f64 {
    if share >= 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut weight, mut sum) = (share, 1.0, share);
    loop {
        power *= power;
        let before = sum;
        sum += power * weight;
        weight += weight;
        if sum <= before {
            return sum;
        }
    }
}

fn tau(share: f64) -> f64 {
    if share <= 0.0 || share >= 1.0 {
        return 0.0;
    }
    let (mut root, mut weight, mut sum) = (share, 1.0, 1.0 - share);
    loop {
        root = libm::sqrt(root);
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - root) * (1.0 - root) * weight;
        if sum >= before {
            return sum / 3.0;
        }
    }
}

impl Pack for Histogram {
    fn pack(&self, out: &mut Vec<u8>) {
        self.buckets.iter().map(|(key, count)| (i64::from(*key), *count)).collect::<Vec<_>>().pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let narrow = |(key, count): (i64, u64)| Some((i32::try_from(key).ok()?, count));
        let buckets: Option<Vec<_>> = Vec::<(i64, u64)>::unpack(input)?.into_iter().map(narrow).collect();
        Ok(Self { buckets: buckets.ok_or(SnapshotError::Damaged)? })
    }
}

impl Pack for Distinct {
    fn pack(&self, out: &mut Vec<u8>) {
        match self {
            Self::Exact(hashes) => {
                false.pack(out);
                hashes.pack(out);
            }
            Self::Registers(registers) => {
                true.pack(out);
                out.extend_from_slice(registers);
            }
        }
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        Ok(if bool::unpack(input)? {
            Self::Registers(input.take(REGISTERS)?.to_vec())
        } else {
            Self::Exact(Pack::unpack(input)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_stands_for_its_values_to_one_percent() {
        let mut values: Vec<i128> = (-3_000..3_000).collect();
        values.extend((0..120).map(|power| (7_i128 << power.min(120)) + 13));
        for value in values {
            let off = (middle(bucket(value)) - value).unsigned_abs();
            assert!(off * 100 <= value.unsigned_abs(), "{value}: off by {off}");
        }
        assert_eq!(middle(bucket(0)), 0);
    }

    #[test]
    fn buckets_sort_as_values_do() {
        let mut last = bucket(-100_000);
        for value in -99_999..100_000 {
            let key = bucket(value);
            assert!(key >= last, "{value}");
            last = key;
        }
    }

    #[test]
    fn the_nearest_rank_is_taken() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile((1, 2)), None);
        for value in [50, 15, 40, 20, 35] {
            histogram.take(bucket(value));
        }
        let of = |percent| histogram.percentile((percent, 100));
        assert_eq!([of(5), of(30), of(40), of(50), of(99)], [15, 20, 20, 35, 50].map(Some));
    }

    #[test]
    fn the_count_is_exact_and_then_within_five_percent_whatever_the_order() {
        for many in [0_u64, 1, 1_024, 1_025, 5_000, 100_000] {
            let mut forward = Distinct::default();
            let mut back = Distinct::default();
            for number in 0..many {
                forward.take(element(u128::from(number)));
                forward.take(element(u128::from(number / 2)));
                back.take(element(u128::from(many - 1 - number)));
            }
            assert_eq!(forward, back, "{many}");
            let found = forward.count();
            let off = found.abs_diff(many);
            assert!(if many <= 1_024 { off == 0 } else { off * 20 <= many }, "{many}: {found}");
        }
    }

    #[test]
    fn sketches_come_back_from_their_bytes() {
        for many in [3_u64, 2_000] {
            let (mut distinct, mut histogram) = (Distinct::default(), Histogram::default());
            for number in 0..many {
                distinct.take(element(u128::from(number)));
                histogram.take(bucket(i128::from(number) * 77 - 5_000));
            }
            let mut bytes = Vec::new();
            distinct.pack(&mut bytes);
            histogram.pack(&mut bytes);
            let mut input = Input::new(&bytes);
            assert_eq!(Distinct::unpack(&mut input), Ok(distinct));
            assert_eq!(Histogram::unpack(&mut input), Ok(histogram));
            assert!(input.is_empty());
        }
    }
}
