//! Figures from figures: formulas, calculators, windows inside longer windows.

use std::collections::BTreeMap;

use nhip_proto::{Decimal, IndicatorId};

/// The most windows a formula may look back.
pub const BACK_MAX: u16 = 96;

/// How an indicator follows from others. It has the window of its inputs (of `OverTime`: a longer one that cuts
/// between theirs).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// Every indicator it reads, each once, in the order first named; not those of which only the limit is read.
    pub inputs: Vec<IndicatorId>,
    /// What is made of them.
    pub compute: Compute,
    /// None: evaluated at each area on rolled-up inputs. Some: evaluated per group, or per lowest area, and the
    /// areas above combine those values.
    pub rollup: Option<AreaRollup>,
}

/// What is made of the inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compute {
    /// An expression over the figures of one window (and of windows before it).
    Formula(Expression),
    /// A method with a legal or published definition.
    Calculator {
        /// One of [`crate::CALCULATORS`].
        name: String,
        /// Its inputs by the calculator's names.
        inputs: BTreeMap<String, IndicatorId>,
        /// Its parameters, in the units the calculator names.
        parameters: BTreeMap<String, Decimal>,
    },
    /// The windows of another indicator inside each window of this one.
    OverTime {
        /// Whose windows.
        of: IndicatorId,
        /// How they become one value.
        by: OverTime,
    },
}

/// How the windows inside a longer window become one value; windows without a value take no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverTime {
    /// Their sum.
    Sum,
    /// Σ numerators ÷ Σ denominators.
    Mean,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The last that has a value.
    Last,
    /// How many have a value.
    Count,
}

/// How the values of groups or lowest areas become the value of the areas above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AreaRollup {
    /// Their sum.
    Sum,
    /// The mean of those that have a value.
    Mean,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The areas above have no value.
    None,
}

/// A formula. Units are checked when the profile is loaded, so evaluation needs none: every number is in the unit
/// its neighbours need. Missing propagates, except through `Coalesce` and `Condition::Defined`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// A number, with its unit in the one spelling; `1` where none is written.
    Number(Decimal, String),
    /// The value of another indicator.
    Input {
        /// Which.
        indicator: IndicatorId,
        /// How many windows before this one, at most [`BACK_MAX`].
        back: u16,
    },
    /// The critical limit of an indicator in force on the civil day the window starts; none: missing.
    Limit(IndicatorId),
    /// The target of an indicator in force on the civil day the window starts, for the area; none: missing.
    Target(IndicatorId),
    /// What its target's curve expects by the month the window's last day lies in; without a curve: missing.
    Expected(IndicatorId),
    /// `+`
    Add(Box<Self>, Box<Self>),
    /// `−`
    Subtract(Box<Self>, Box<Self>),
    /// `×`
    Multiply(Box<Self>, Box<Self>),
    /// `÷`; by zero: missing.
    Divide(Box<Self>, Box<Self>),
    /// `−x`
    Negate(Box<Self>),
    /// `abs(x)`
    Absolute(Box<Self>),
    /// `ratio(x, y)`: x ÷ y; missing where y is missing or zero.
    Ratio(Box<Self>, Box<Self>),
    /// The least of those given; missing if one is missing.
    Minimum(Vec<Self>),
    /// The greatest.
    Maximum(Vec<Self>),
    /// `if(condition, x, y)`; missing if the condition cannot be told.
    If(Box<Condition>, Box<Self>, Box<Self>),
    /// The first that is not missing.
    Coalesce(Vec<Self>),
}

/// What an `if` asks. With a missing side a comparison cannot be told; `and`, `or` and `not` follow Kleene.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `<`, `<=` …
    Compare(Comparison, Expression, Expression),
    /// Both.
    And(Box<Self>, Box<Self>),
    /// One of the two at least.
    Or(Box<Self>, Box<Self>),
    /// The contrary.
    Not(Box<Self>),
    /// `defined(x)`: whether x has a value; always told.
    Defined(Expression),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
}
