//! Calculators: figures whose arithmetic a document lays down, as pure functions over exact values.

use std::collections::BTreeMap;

use jiff::civil::Date;
use nhip_proto::Decimal;

/// An exact value, `numerator ÷ denominator` in the input's own unit; the denominator is above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exact {
    /// Above.
    pub numerator: i128,
    /// Below, at least 1.
    pub denominator: i128,
}

/// What a calculator may look at for one window of one place.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Each named input: its value in the window itself, then one, two … windows back. As many as
    /// [`Signature::windows`] says; none: missing, which is never 0. An input the definition does not name is absent.
    pub inputs: &'a BTreeMap<String, Vec<Option<Exact>>>,
    /// The definition's parameters.
    pub parameters: &'a BTreeMap<String, Decimal>,
    /// The civil day the window starts, for dated tables.
    pub date: Date,
    /// Digits behind the point of the value asked for.
    pub scale: u8,
}

/// What a calculator found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The value at the scale asked for, rounded as the document says.
    pub value: i128,
    /// A short key of what decided it (`pm25`: the pollutant that leads; `alarm_2`), for labels; never free text.
    pub code: Option<&'static str>,
}

/// What a calculator needs, known when the profile is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// How many windows of each input it looks at, the window itself included: 1…97.
    pub windows: u32,
}

/// The signature of a calculator; none if there is no such calculator.
#[must_use]
pub fn signature(name: &str) -> Option<Signature> {
    let _ = name;
    None
}

/// Computes one window; none: missing (too few inputs by the document's own rule, or a number too large).
#[must_use]
pub fn evaluate(name: &str, request: &Request<'_>) -> Option<Outcome> {
    let _ = (name, request);
    None
}

impl Exact {
    /// A whole number of digits at a scale.
    #[must_use]
    pub fn of(digits: i128, scale: u8) -> Option<Self> {
        Some(Self { numerator: digits, denominator: 10_i128.checked_pow(u32::from(scale))? })
    }

    /// The value at a scale, rounded once, half to even; none on overflow.
    #[must_use]
    pub fn at_scale(self, scale: u8) -> Option<i128> {
        let numerator = self.numerator.checked_mul(10_i128.checked_pow(u32::from(scale))?)?;
        nhip_proto::divide_half_even(numerator, self.denominator)
    }
}
