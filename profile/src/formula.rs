//! Formulas: walking through one, and its one text.

mod call;
mod lex;
mod parse;
mod units;

use nhip_proto::IndicatorId;

pub(crate) use parse::parse_formula;
pub(crate) use units::{Names, Slip};

use crate::{Aggregate, Comparison, Compute, Condition, Derived, Expression, Indicator};

impl Expression {
    /// Calls `seen` with this expression and every one inside it, also those in conditions, left to right.
    pub fn visit<'a>(&'a self, seen: &mut impl FnMut(&'a Self)) {
        self.walk(seen);
    }

    fn walk<'a>(&'a self, seen: &mut dyn FnMut(&'a Self)) {
        seen(self);
        match self {
            Self::Number(..) | Self::Input { .. } => {}
            Self::Limit(_) | Self::Target(_) | Self::Expected(_) => {}
            Self::Add(left, right)
            | Self::Subtract(left, right)
            | Self::Multiply(left, right)
            | Self::Divide(left, right)
            | Self::Ratio(left, right) => {
                left.walk(seen);
                right.walk(seen);
            }
            Self::Negate(inner) | Self::Absolute(inner) => inner.walk(seen),
            Self::Minimum(parts) | Self::Maximum(parts) | Self::Coalesce(parts) => {
                parts.iter().for_each(|part| part.walk(seen));
            }
            Self::If(condition, then, otherwise) => {
                condition.walk(seen);
                then.walk(seen);
                otherwise.walk(seen);
            }
        }
    }

    /// The formula in one spelling: every operation in brackets, numbers with their units.
    #[must_use]
    pub fn shown(&self) -> String {
        let both =
            |left: &Self, sign: &str, right: &Self| format!("({} {sign} {})", left.shown(), right.shown());
        match self {
            Self::Number(value, unit) if unit == "1" => value.to_string(),
            Self::Number(value, unit) => format!("{value}[{unit}]"),
            Self::Input { indicator, back: 0 } => named(indicator),
            Self::Input { indicator, back } => format!("{}[-{back}]", named(indicator)),
            Self::Limit(indicator) => format!("limit({})", named(indicator)),
            Self::Target(indicator) => format!("target({})", named(indicator)),
            Self::Expected(indicator) => format!("expected({})", named(indicator)),
            Self::Add(left, right) => both(left, "+", right),
            Self::Subtract(left, right) => both(left, "-", right),
            Self::Multiply(left, right) => both(left, "*", right),
            Self::Divide(left, right) => both(left, "/", right),
            Self::Negate(inner) => format!("-{}", inner.shown()),
            Self::Absolute(inner) => format!("abs({})", inner.shown()),
            Self::Ratio(left, right) => format!("ratio({}, {})", left.shown(), right.shown()),
            Self::Minimum(parts) => format!("min({})", list(parts)),
            Self::Maximum(parts) => format!("max({})", list(parts)),
            Self::Coalesce(parts) => format!("coalesce({})", list(parts)),
            Self::If(condition, then, otherwise) => {
                format!("if({}, {}, {})", condition.shown(), then.shown(), otherwise.shown())
            }
        }
    }

    /// The indicators whose figures it reads, each once, in the order first named.
    #[must_use]
    pub fn inputs(&self) -> Vec<IndicatorId> {
        let mut inputs: Vec<IndicatorId> = Vec::new();
        self.visit(&mut |part| {
            if let Self::Input { indicator, .. } = part
                && !inputs.contains(indicator)
            {
                inputs.push(indicator.clone());
            }
        });
        inputs
    }

    /// How many windows it looks back at most.
    #[must_use]
    pub fn back(&self) -> u16 {
        let mut most = 0;
        self.visit(&mut |part| {
            if let Self::Input { back, .. } = part {
                most = most.max(*back);
            }
        });
        most
    }
}

impl Condition {
    fn walk<'a>(&'a self, seen: &mut dyn FnMut(&'a Expression)) {
        match self {
            Self::Compare(_, left, right) => {
                left.walk(seen);
                right.walk(seen);
            }
            Self::And(left, right) | Self::Or(left, right) => {
                left.walk(seen);
                right.walk(seen);
            }
            Self::Not(inner) => inner.walk(seen),
            Self::Defined(inner) => inner.walk(seen),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Compare(comparison, left, right) => {
                format!("({} {} {})", left.shown(), comparison.sign(), right.shown())
            }
            Self::And(left, right) => format!("({} and {})", left.shown(), right.shown()),
            Self::Or(left, right) => format!("({} or {})", left.shown(), right.shown()),
            Self::Not(inner) => format!("not {}", inner.shown()),
            Self::Defined(inner) => format!("defined({})", inner.shown()),
        }
    }
}

impl Comparison {
    /// As it is written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Equal => "==",
        }
    }
}

impl Indicator {
    /// How it follows from other indicators; none: it is measured.
    #[must_use]
    pub fn derived(&self) -> Option<&Derived> {
        match &self.aggregate {
            Aggregate::Derived(derived) => Some(derived),
            _ => None,
        }
    }

    /// The indicators it is made of; none: it is measured.
    #[must_use]
    pub fn inputs(&self) -> &[IndicatorId] {
        self.derived().map_or(&[], |derived| derived.inputs.as_slice())
    }

    /// How many windows of its inputs before its own it reads.
    #[must_use]
    pub fn back(&self) -> u16 {
        match self.derived().map(|derived| &derived.compute) {
            Some(Compute::Formula(expression)) => expression.back(),
            _ => 0,
        }
    }
}

/// As a formula names it.
fn named(indicator: &IndicatorId) -> String {
    let name = indicator.as_str();
    if lex::is_plain(name) { name.to_owned() } else { format!("`{name}`") }
}

fn list(parts: &[Expression]) -> String {
    parts.iter().map(Expression::shown).collect::<Vec<_>>().join(", ")
}
