//! Equivalent sound level: the level of the mean energy, Leq = 10 log10(mean(10^(L/10))) (ISO 1996-1; QCVN
//! 26:2025/BNNMT uses LAeq per period). Never the arithmetic mean of levels.
//!
//! The energy of one level is rounded to whole units, then energies are summed as integers: any order and any
//! grouping give the same sum. `libm` gives the same bits on every machine.

use nhip_proto::Decimal;

/// Units of energy at 0 dB.
const UNITS: f64 = 1_000_000.0;
/// Beyond this many decibels there is no energy to speak of, or no number for it.
const DECIBELS_MAX: f64 = 200.0;

/// The energy of a level in decibels; none for what is no sound level.
#[must_use]
pub fn energy(level: Decimal) -> Option<i128> {
    let decibels = level.mantissa as f64 / libm::exp10(f64::from(level.scale));
    if decibels.abs() > DECIBELS_MAX {
        return None;
    }
    Some(libm::round(libm::exp10(decibels / 10.0) * UNITS) as i128)
}

/// The level in decibels of a sum of `count` energies, at a scale; none of no energies, or of none but zeros.
#[must_use]
pub fn level(energy_sum: i128, count: i128, scale: u8) -> Option<i128> {
    if energy_sum <= 0 || count <= 0 {
        return None;
    }
    let mean = energy_sum as f64 / count as f64 / UNITS;
    Some(libm::round(10.0 * libm::log10(mean) * libm::exp10(f64::from(scale))) as i128)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leq of tenths of decibels, in hundredths.
    fn of(tenths: &[i128]) -> Option<i128> {
        let energies = tenths.iter().map(|tenth| energy(Decimal::new(*tenth, 1)));
        let sum = energies.collect::<Option<Vec<_>>>()?.into_iter().sum();
        level(sum, tenths.len() as i128, 2)
    }

    #[test]
    fn equal_levels_have_their_own_level() {
        for tenth in [0, 305, 550, 701, 1_200] {
            assert_eq!(of(&[tenth; 7]), Some(tenth * 10));
        }
    }

    #[test]
    fn it_is_not_the_arithmetic_mean() {
        // 10 log10((10^6 + 10^7) ÷ 2) = 67.404; the mean of 60 and 70 is 65.
        assert_eq!(of(&[600, 700]), Some(6_740));
        // One minute of 100 dB in an hour of 50 dB: 10 log10((10^10 + 59 × 10^5) ÷ 60) = 82.221; the mean is 50.8.
        let mut hour = vec![500; 59];
        hour.push(1_000);
        assert_eq!(of(&hour), Some(8_222));
        // Twice the energy is 3.01 dB more than half of it.
        assert_eq!(of(&[700, 0]), Some(6_699));
    }

    #[test]
    fn order_and_grouping_change_nothing() {
        let levels = [421, 733, 588, 650, 301];
        let mut backwards = levels;
        backwards.reverse();
        assert_eq!(of(&levels), of(&backwards));
    }

    #[test]
    fn what_is_no_sound_level_has_no_energy() {
        assert_eq!(energy(Decimal::new(201, 0)), None);
        assert_eq!(energy(Decimal::new(-60, 0)), Some(1));
        assert_eq!((level(0, 3, 1), level(5, 0, 1)), (None, None));
    }
}
