//! Randomness that depends only on seed, name and moment: any reading can be made alone, in any order.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

/// The dice of one thing (a source, a stream).
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    key: [u8; 32],
}

impl Dice {
    pub(crate) fn of(seed: u64, name: &str) -> Self {
        let mut key = [0; 32];
        let (left, right) = key.split_at_mut(16);
        left.copy_from_slice(&(u128::from(seed)).to_le_bytes());
        right.copy_from_slice(&fnv(name).to_le_bytes());
        Self { key }
    }

    /// A throw for a moment and a purpose, 0 ≤ throw < sides.
    pub(crate) fn throw(&self, moment: i64, purpose: u64, sides: u64) -> u64 {
        let mut rng = ChaCha8Rng::from_seed(self.key);
        rng.set_stream((moment as u64).wrapping_mul(64).wrapping_add(purpose));
        // A 128-bit product: no visible bias for sides far below 2^64.
        ((u128::from(rng.next_u64()) * u128::from(sides)) >> 64) as u64
    }

    /// A throw in −span…span, more often near 0.
    pub(crate) fn around(&self, moment: i64, purpose: u64, span: i64) -> i64 {
        let sides = span.unsigned_abs() + 1;
        let two = self.throw(moment, purpose, sides * sides);
        (two / sides) as i64 + (two % sides) as i64 - span
    }

    /// A value in −span…span that drifts: drawn anew at each anchor, straight in between.
    pub(crate) fn drift(&self, seconds: i64, anchor_s: i64, purpose: u64, span: i64) -> i64 {
        let (anchor, into) = (seconds.div_euclid(anchor_s), seconds.rem_euclid(anchor_s));
        let (left, right) = (self.around(anchor, purpose, span), self.around(anchor + 1, purpose, span));
        left + (right - left) * into / anchor_s
    }
}

/// FNV-1a with 128 bits: the same on every machine.
fn fnv(text: &str) -> u128 {
    let step = |hash: u128, byte: u8| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013B)
    };
    text.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throws_depend_on_seed_name_moment_and_purpose() {
        let throw = |seed, name, moment, purpose| Dice::of(seed, name).throw(moment, purpose, 1 << 40);
        let first = throw(1, "a", 7, 0);
        assert_eq!(first, throw(1, "a", 7, 0));
        for other in [throw(2, "a", 7, 0), throw(1, "b", 7, 0), throw(1, "a", 8, 0), throw(1, "a", 7, 1)] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn throws_stay_in_their_span_and_spread() {
        let dice = Dice::of(9, "x");
        let throws: Vec<_> = (0..1000).map(|moment| dice.around(moment, 1, 50)).collect();
        assert!(throws.iter().all(|throw| (-50..=50).contains(throw)));
        assert!(throws.iter().any(|throw| *throw > 25) && throws.iter().any(|throw| *throw < -25));
        let sum: i64 = throws.iter().sum();
        assert!(sum.abs() < 3000, "mean of {sum}/1000 is far from 0");
    }
}
