//! The unit of every part of a formula, and what is said when two do not fit.

use std::collections::BTreeMap;

use nhip_proto::Decimal;

use crate::unit::{Dimension, all_units};
use crate::{Condition, Expression};

/// What a formula may name.
pub(crate) struct Names<'a> {
    /// Every indicator with its unit; none: the unit could not be read.
    pub(crate) indicators: &'a BTreeMap<String, Option<String>>,
}

/// In which unit a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Nothing is known, because something else is wrong.
    Unknown,
    /// A bare `0` fits every unit.
    Zero,
    /// Times a bare 100: of a plain number this may be percent.
    Hundredfold(Dimension),
    /// This one.
    Of(Dimension),
}

/// A part with a value.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) expression: Expression,
    pub(super) measure: Measure,
    pub(super) at: usize,
    pub(super) depth: u16,
}

/// A part that holds or not.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    pub(super) condition: Condition,
    pub(super) at: usize,
    pub(super) depth: u16,
}

/// What is wrong inside a formula, by its byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Slip {
    /// Something that cannot be.
    Wrong { at: usize, reason: String, allowed: String },
    /// A word that names nothing.
    Unknown { at: usize, what: &'static str, word: String, known: Vec<String> },
}

/// Parts that know how deep they are.
pub(super) trait Deep {
    fn at(&self) -> usize;
    fn depth(&self) -> u16;
    fn set_depth(&mut self, depth: u16);
}

impl Measure {
    pub(super) fn of(unit: &str) -> Self {
        Self::Of(Dimension::of(unit))
    }

    /// The unit of both; none if they differ.
    pub(super) fn same(&self, other: &Self) -> Option<Self> {
        let percent = |measure: &Self| measure == &Self::of("%");
        let hundredfold = |measure: &Self| matches!(measure, Self::Hundredfold(of) if of.is_number());
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Some(Self::Unknown),
            (Self::Zero, other) | (other, Self::Zero) => Some(other.clone()),
            (one, other) if one == other => Some(one.clone()),
            (one, other) if hundredfold(one) && percent(other) => Some(other.clone()),
            (one, other) if hundredfold(other) && percent(one) => Some(one.clone()),
            (one, other) => {
                let (one, other) = (one.dimension()?, other.dimension()?);
                (one == other).then_some(Self::Of(one))
            }
        }
    }

    /// Whether a value in this unit may be shown in `unit`.
    pub(crate) fn fits(&self, unit: &str) -> bool {
        self.same(&Self::of(unit)).is_some()
    }

    /// The unit as text.
    pub(crate) fn text(&self) -> String {
        self.dimension().map_or_else(|| "any unit".to_owned(), |dimension| dimension.text())
    }

    fn dimension(&self) -> Option<Dimension> {
        match self {
            Self::Unknown | Self::Zero => None,
            Self::Of(dimension) | Self::Hundredfold(dimension) => Some(dimension.clone()),
        }
    }
}

impl Value {
    /// What stands in for a part that could not be read.
    pub(super) fn unknown(at: usize) -> Self {
        let expression = Expression::Number(Decimal::new(0, 0), "1".to_owned());
        Self { expression, measure: Measure::Unknown, at, depth: 1 }
    }

    /// A number without a unit.
    pub(super) fn plain_number(number: Decimal, at: usize) -> Self {
        let measure = match (number.mantissa, number.scale) {
            (0, _) => Measure::Zero,
            (100, 0) => Measure::Hundredfold(Dimension::default()),
            _ => Measure::of("1"),
        };
        Self { expression: Expression::Number(number, "1".to_owned()), measure, at, depth: 1 }
    }

    /// A number with one.
    pub(super) fn number(number: Decimal, unit: String, at: usize) -> Self {
        let measure = Measure::of(&unit);
        Self { expression: Expression::Number(number, unit), measure, at, depth: 1 }
    }

    pub(super) fn times(&self, other: &Self) -> Measure {
        match (&self.measure, &other.measure) {
            (Measure::Unknown, _) | (_, Measure::Unknown) => Measure::Unknown,
            (Measure::Zero, _) | (_, Measure::Zero) => Measure::Zero,
            (one, other) => combined(one, other, Dimension::times),
        }
    }

    pub(super) fn over(&self, other: &Self) -> Measure {
        match (&self.measure, &other.measure) {
            (Measure::Unknown, _) | (_, Measure::Unknown | Measure::Zero) => Measure::Unknown,
            (Measure::Zero, _) => Measure::Zero,
            (one, other) => combined(one, other, Dimension::over),
        }
    }
}

impl Slip {
    pub(super) fn wrong(at: usize, reason: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self::Wrong { at, reason: reason.into(), allowed: allowed.into() }
    }

    pub(super) fn unknown(at: usize, what: &'static str, word: &str, known: Vec<String>) -> Self {
        Self::Unknown { at, what, word: word.to_owned(), known }
    }

    pub(super) fn unknown_unit(at: usize, word: &str) -> Self {
        Self::unknown(at, "unit", word, all_units().map(str::to_owned).collect())
    }

    pub(super) fn units_differ(sign: &str, left: &Value, right: &Value) -> Self {
        let (one, other) = (left.measure.text(), right.measure.text());
        let allowed = match (&left.expression, &right.expression) {
            (_, Expression::Number(number, unit)) if unit == "1" => format!("{number}[{one}]"),
            (Expression::Number(number, unit), _) if unit == "1" => format!("{number}[{other}]"),
            _ => "the same unit on both sides".to_owned(),
        };
        Self::wrong(right.at, format!("{sign} takes {one} and {other}"), allowed)
    }
}

impl Deep for Value {
    fn at(&self) -> usize {
        self.at
    }

    fn depth(&self) -> u16 {
        self.depth
    }

    fn set_depth(&mut self, depth: u16) {
        self.depth = depth;
    }
}

impl Deep for Truth {
    fn at(&self) -> usize {
        self.at
    }

    fn depth(&self) -> u16 {
        self.depth
    }

    fn set_depth(&mut self, depth: u16) {
        self.depth = depth;
    }
}

fn combined(one: &Measure, other: &Measure, how: fn(&Dimension, &Dimension) -> Dimension) -> Measure {
    let (Some(left), Some(right)) = (one.dimension(), other.dimension()) else { return Measure::Unknown };
    let hundredfold = |measure| matches!(measure, &Measure::Hundredfold(_));
    let product = how(&left, &right);
    if hundredfold(one) != hundredfold(other) { Measure::Hundredfold(product) } else { Measure::Of(product) }
}
