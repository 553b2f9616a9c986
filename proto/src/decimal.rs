//! Exact decimals: numbers keep the digits their sender wrote.

use std::fmt;

use thiserror::Error;

/// `mantissa × 10^-scale`. Not normalised: `1.0` and `1` differ in scale and are equal in value only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The digits with their sign.
    pub mantissa: i128,
    /// How many of them stand behind the point, 0…28.
    pub scale: u8,
}

/// Why a text is not a decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecimalError {
    /// Not a JSON number.
    #[error("not a number")]
    Syntax,
    /// More than 28 digits before or behind the point.
    #[error("more digits than a figure may have")]
    Range,
}

impl Decimal {
    /// The most digits behind the point.
    pub const SCALE_MAX: u8 = 28;
    /// The most digits in all.
    const DIGITS_MAX: usize = 28;

    /// A decimal of these parts.
    #[must_use]
    pub fn new(mantissa: i128, scale: u8) -> Self {
        Self { mantissa, scale }
    }

    /// Reads a number in JSON's grammar (`-12.50`, `1e-3`) from its text, exactly.
    ///
    /// # Errors
    /// [`DecimalError::Syntax`] if it is no JSON number, [`DecimalError::Range`] if it needs more than 28 digits.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (number, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (rest.get(..at).unwrap_or(""), exponent(rest.get(at + 1..).unwrap_or(""))?),
            None => (rest, 0),
        };
        let (whole, fraction) = match number.split_once('.') {
            Some((_, "")) => return Err(DecimalError::Syntax),
            Some((whole, fraction)) => (whole, fraction),
            None => (number, ""),
        };
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || leading_zero || !digits(whole) || !digits(fraction) {
            return Err(DecimalError::Syntax);
        }
        Self::assemble(negative, whole, fraction, exponent)
    }

    fn assemble(negative: bool, whole: &str, fraction: &str, exponent: i32) -> Result<Self, DecimalError> {
        let fraction = fraction.trim_end_matches('0');
        let significant = whole.trim_start_matches('0').len() + fraction.len();
        if significant > Self::DIGITS_MAX {
            return Err(DecimalError::Range);
        }
        let mut mantissa: i128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            mantissa = mantissa * 10 + i128::from(byte - b'0');
        }
        if mantissa == 0 {
            return Ok(Self::new(0, 0));
        }
        let mut scale = i64::try_from(fraction.len()).map_err(|_| DecimalError::Range)? - i64::from(exponent);
        while scale < 0 {
            mantissa = mantissa.checked_mul(10).ok_or(DecimalError::Range)?;
            scale += 1;
        }
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        let scale = u8::try_from(scale).map_err(|_| DecimalError::Range)?;
        if scale > Self::SCALE_MAX || mantissa >= 10_i128.pow(Self::DIGITS_MAX as u32) {
            return Err(DecimalError::Range);
        }
        Ok(Self::new(if negative { -mantissa } else { mantissa }, scale))
    }

    /// The shortest decimal that reads back as this float; none for NaN and infinities or beyond 28 digits.
    #[must_use]
    pub fn from_float(float: f64) -> Option<Self> {
        if float.is_finite() { Self::parse(&format!("{float:e}")).ok() } else { None }
    }

    /// The shortest decimal that reads back as this single-precision float.
    #[must_use]
    pub fn from_single(float: f32) -> Option<Self> {
        if float.is_finite() { Self::parse(&format!("{float:e}")).ok() } else { None }
    }

    /// The mantissa at another scale, rounded half to even where digits are dropped; none on overflow.
    #[must_use]
    pub fn at_scale(self, scale: u8) -> Option<i128> {
        if scale >= self.scale {
            self.mantissa.checked_mul(10_i128.checked_pow(u32::from(scale - self.scale))?)
        } else {
            divide_half_even(self.mantissa, 10_i128.checked_pow(u32::from(self.scale - scale))?)
        }
    }
}

/// `numerator ÷ denominator`, rounded half to even; none if the denominator is 0.
#[must_use]
pub fn divide_half_even(numerator: i128, denominator: i128) -> Option<i128> {
    let (quotient, remainder) = (numerator.checked_div(denominator)?, numerator.checked_rem(denominator)?);
    let twice = remainder.unsigned_abs().checked_mul(2)?;
    let away = match twice.cmp(&denominator.unsigned_abs()) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => quotient % 2 != 0,
    };
    let step = if (numerator < 0) == (denominator < 0) { 1 } else { -1 };
    Some(if away { quotient + step } else { quotient })
}

impl fmt::Display for Decimal {
    /// Plain decimal notation, a JSON number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = format!("{:0width$}", self.mantissa.unsigned_abs(), width = usize::from(self.scale) + 1);
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(self.scale));
        if fraction.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{fraction}") }
    }
}

fn exponent(text: &str) -> Result<i32, DecimalError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DecimalError::Syntax);
    }
    text.strip_prefix('+').unwrap_or(text).parse().map_err(|_| DecimalError::Syntax)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Decimal::parse(text).map_or_else(|error| error.to_string(), |decimal| decimal.to_string())
    }

    #[test]
    fn numbers_keep_their_digits() {
        let cases = [
            ("0", "0"),
            ("-0.0", "0"),
            ("12.50", "12.5"),
            ("1e3", "1000"),
            ("1.25E-2", "0.0125"),
            ("-7", "-7"),
            ("0.1", "0.1"),
            ("9007199254740993", "9007199254740993"),
        ];
        for (text, want) in cases {
            assert_eq!(shown(text), want, "{text}");
        }
    }

    #[test]
    fn what_json_refuses_is_refused() {
        for text in ["", "-", "+1", "01", "1.", ".5", "1e", "NaN", "1e99999", "0x1", "1_000", " 1"] {
            assert!(Decimal::parse(text).is_err(), "{text}");
        }
        assert_eq!(Decimal::parse("1e40"), Err(DecimalError::Range));
        assert_eq!(Decimal::parse("1e-29"), Err(DecimalError::Range));
    }

    #[test]
    fn rounding_goes_half_to_even() {
        let at_one = |text: &str| Decimal::parse(text).ok().and_then(|decimal| decimal.at_scale(1));
        assert_eq!(at_one("0.25"), Some(2));
        assert_eq!(at_one("0.35"), Some(4));
        assert_eq!(at_one("-0.25"), Some(-2));
        assert_eq!(at_one("-0.35"), Some(-4));
        assert_eq!(at_one("0.2500001"), Some(3));
        assert_eq!(divide_half_even(7, -2), Some(-4));
        assert_eq!(divide_half_even(5, -2), Some(-2));
        assert_eq!(divide_half_even(1, 0), None);
    }

    #[test]
    fn floats_become_their_shortest_decimal() {
        assert_eq!(Decimal::from_float(0.1).map(|decimal| decimal.to_string()).as_deref(), Some("0.1"));
        assert_eq!(Decimal::from_single(25.4).map(|decimal| decimal.to_string()).as_deref(), Some("25.4"));
        assert_eq!(Decimal::from_float(f64::NAN), None);
    }
}
