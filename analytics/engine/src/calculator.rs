//! Calculators: figures whose arithmetic a document lays down, as pure functions over exact values.

mod comparison;
mod hours_of_day;
pub mod leq;
mod mean_hours;
mod natural;
mod nowcast;
mod ratio;
mod score_766;
mod travel;
mod vn_aqi;
pub mod vn_aqi_table;
mod vn_wqi;
mod vn_wqi_table;
pub mod water_alarm;
mod water_class;

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
    /// The civil hour the window starts, 0 to 23.
    pub hour: i8,
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
    let windows = match name {
        "mean_hours" => mean_hours::HOURS_MAX,
        "nowcast" | "vn_aqi_hour" | "vn_aqi_hour_pm10" | "vn_aqi_hour_pm25" => nowcast::HOURS,
        other => {
            nhip_profile::calculator(other)?;
            1
        }
    };
    Some(Signature { windows: windows as u32 })
}

/// Computes one window; none: missing (too few inputs by the document's own rule, or a number too large).
#[must_use]
pub fn evaluate(name: &str, request: &Request<'_>) -> Option<Outcome> {
    match name {
        "change" => comparison::change(request),
        "change_percent" => comparison::change_percent(request),
        "congestion" => travel::congestion(request),
        "hours_of_day" => hours_of_day::hours_of_day(request),
        "index_766" => score_766::index(request),
        "mean_hours" => mean_hours::mean_hours(request),
        "nowcast" => nowcast::of_input(request),
        "score_766" => score_766::score(request),
        "tti" => travel::tti(request),
        "vn_aqi_class" => vn_aqi::class(request),
        "vn_aqi_day" => vn_aqi::day(request),
        "vn_aqi_hour" => vn_aqi::hour(request),
        "vn_wqi_class" => vn_wqi::class(request),
        "vn_wqi_cube_root" => vn_wqi::index(vn_wqi::Reading::CubeRoot, request),
        "vn_wqi_square_root" => vn_wqi::index(vn_wqi::Reading::SquareRoot, request),
        "water_alarm" => water_alarm::reached(request),
        "water_alarm_distance" => water_alarm::distance_to_nearest(request),
        "water_class" => water_class::river(request),
        other => vn_aqi::hour_of(other.strip_prefix("vn_aqi_hour_")?, request),
    }
}

impl Request<'_> {
    /// An input's windows, newest first.
    fn windows(&self, name: &str) -> &[Option<Exact>] {
        self.inputs.get(name).map_or(&[], Vec::as_slice)
    }

    /// An input in the window itself.
    fn own(&self, name: &str) -> Option<Exact> {
        self.windows(name).first().copied().flatten()
    }

    fn parameter(&self, name: &str) -> Option<Exact> {
        let decimal = self.parameters.get(name)?;
        Exact::of(decimal.mantissa, decimal.scale)
    }

    /// A parameter that is a whole number.
    fn whole(&self, name: &str) -> Option<i128> {
        let exact = self.parameter(name)?;
        (exact.numerator % exact.denominator == 0).then_some(exact.numerator / exact.denominator)
    }
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

    fn added(self, other: Self) -> Option<Self> {
        if self.denominator == other.denominator {
            return Some(Self { numerator: self.numerator.checked_add(other.numerator)?, ..self });
        }
        let (left, right) =
            (self.numerator.checked_mul(other.denominator)?, other.numerator.checked_mul(self.denominator)?);
        let denominator = self.denominator.checked_mul(other.denominator)?;
        Some(Self { numerator: left.checked_add(right)?, denominator }.lowest())
    }

    fn less(self, other: Self) -> Option<Self> {
        self.added(Self { numerator: other.numerator.checked_neg()?, ..other })
    }

    /// The quotient; none if `other` is not above 0.
    fn divided(self, other: Self) -> Option<Self> {
        if other.numerator <= 0 {
            return None;
        }
        let numerator = self.numerator.checked_mul(other.denominator)?;
        Some(Self { numerator, denominator: self.denominator.checked_mul(other.numerator)? }.lowest())
    }

    fn absolute(self) -> Option<Self> {
        Some(Self { numerator: self.numerator.checked_abs()?, ..self })
    }

    fn is_negative(self) -> bool {
        self.numerator < 0
    }

    fn lowest(self) -> Self {
        let (mut a, mut b) = (self.numerator.unsigned_abs(), self.denominator.unsigned_abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        match i128::try_from(a) {
            Ok(common) if common > 1 => {
                Self { numerator: self.numerator / common, denominator: self.denominator / common }
            }
            _ => self,
        }
    }
}

/// A value at a scale, rounded once; a half goes away from zero. None on overflow.
fn half_up(exact: Exact, scale: u8) -> Option<i128> {
    let twice =
        exact.numerator.checked_abs()?.checked_mul(10_i128.checked_pow(u32::from(scale))?)?.checked_mul(2)?;
    let size = twice.checked_add(exact.denominator)?.checked_div(exact.denominator.checked_mul(2)?)?;
    Some(if exact.is_negative() { -size } else { size })
}

#[cfg(test)]
mod tests;
