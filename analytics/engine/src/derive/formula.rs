//! Formulas at work: exact arithmetic in which missing propagates.

use std::cmp::Ordering;

use nhip_profile::{Comparison, Condition, Expression};
use nhip_proto::IndicatorId;

use super::exact::Overflow;
use crate::calculator::Exact;

/// A formula with its inputs and limits by number.
#[derive(Clone, Debug)]
pub(crate) enum Term {
    Number(Exact),
    /// Which input, how many windows back.
    Input(usize, u16),
    /// Which of the limits read.
    Limit(usize),
    /// One part of it cannot be worked out with this profile.
    Missing,
    Add(Box<Self>, Box<Self>),
    Subtract(Box<Self>, Box<Self>),
    Multiply(Box<Self>, Box<Self>),
    /// Also `ratio(x, y)`: missing where y is missing or zero.
    Divide(Box<Self>, Box<Self>),
    Negate(Box<Self>),
    Absolute(Box<Self>),
    Minimum(Vec<Self>),
    Maximum(Vec<Self>),
    If(Box<Test>, Box<Self>, Box<Self>),
    Coalesce(Vec<Self>),
}

/// What an `if` asks.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Compare(Comparison, Term, Term),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Defined(Term),
}

/// Where a formula finds what it reads.
pub(crate) trait Reading {
    /// An input some windows back; none: missing.
    fn input(&self, input: usize, back: u16) -> Result<Option<Exact>, Overflow>;
    /// A limit in force on the window's day.
    fn limit(&self, limit: usize) -> Option<Exact>;
}

type Found = Result<Option<Exact>, Overflow>;

/// Numbers the indicators a formula names.
pub(crate) struct Names<'a> {
    pub(crate) inputs: &'a [IndicatorId],
    /// What was set for indicators and is read, in the order first met.
    pub(crate) limits: Vec<(Set, IndicatorId)>,
}

/// What was set for an indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// The critical limit.
    Limit,
    /// The target.
    Target,
    /// What the target's curve expects by now.
    Expected,
}

impl Names<'_> {
    pub(crate) fn term(&mut self, expression: &Expression) -> Term {
        let mut two = |left: &Expression, right: &Expression, make: fn(Box<Term>, Box<Term>) -> Term| {
            let left = Box::new(self.term(left));
            make(left, Box::new(self.term(right)))
        };
        match expression {
            Expression::Number(number, _) => {
                let exact = Exact::of(number.mantissa, number.scale);
                let exact = exact.and_then(|exact| Exact::reduced(exact.numerator, exact.denominator));
                exact.map_or(Term::Missing, Term::Number)
            }
            Expression::Input { indicator, back } => {
                let at = self.inputs.iter().position(|known| known == indicator);
                at.map_or(Term::Missing, |at| Term::Input(at, *back))
            }
            Expression::Limit(indicator) => Term::Limit(self.limit(Set::Limit, indicator)),
            Expression::Target(indicator) => Term::Limit(self.limit(Set::Target, indicator)),
            Expression::Expected(indicator) => Term::Limit(self.limit(Set::Expected, indicator)),
            Expression::Add(left, right) => two(left, right, Term::Add),
            Expression::Subtract(left, right) => two(left, right, Term::Subtract),
            Expression::Multiply(left, right) => two(left, right, Term::Multiply),
            Expression::Divide(left, right) | Expression::Ratio(left, right) => {
                two(left, right, Term::Divide)
            }
            Expression::Negate(of) => Term::Negate(Box::new(self.term(of))),
            Expression::Absolute(of) => Term::Absolute(Box::new(self.term(of))),
            Expression::Minimum(of) => Term::Minimum(of.iter().map(|of| self.term(of)).collect()),
            Expression::Maximum(of) => Term::Maximum(of.iter().map(|of| self.term(of)).collect()),
            Expression::Coalesce(of) => Term::Coalesce(of.iter().map(|of| self.term(of)).collect()),
            Expression::If(condition, yes, no) => {
                let test = Box::new(self.test(condition));
                let yes = Box::new(self.term(yes));
                Term::If(test, yes, Box::new(self.term(no)))
            }
        }
    }

    fn test(&mut self, condition: &Condition) -> Test {
        match condition {
            Condition::Compare(comparison, left, right) => {
                let left = self.term(left);
                Test::Compare(*comparison, left, self.term(right))
            }
            Condition::And(left, right) => {
                let left = Box::new(self.test(left));
                Test::And(left, Box::new(self.test(right)))
            }
            Condition::Or(left, right) => {
                let left = Box::new(self.test(left));
                Test::Or(left, Box::new(self.test(right)))
            }
            Condition::Not(of) => Test::Not(Box::new(self.test(of))),
            Condition::Defined(of) => Test::Defined(self.term(of)),
        }
    }

    fn limit(&mut self, set: Set, indicator: &IndicatorId) -> usize {
        let known = self.limits.iter().position(|(known, of)| *known == set && of == indicator);
        known.unwrap_or_else(|| {
            self.limits.push((set, indicator.clone()));
            self.limits.len() - 1
        })
    }
}

impl Term {
    /// Its value; none: missing.
    pub(crate) fn evaluate(&self, reading: &impl Reading) -> Found {
        let both = |left: &Self, right: &Self| -> Result<Option<(Exact, Exact)>, Overflow> {
            Ok(left.evaluate(reading)?.zip(right.evaluate(reading)?))
        };
        match self {
            Self::Missing => Ok(None),
            Self::Number(number) => Ok(Some(*number)),
            Self::Input(input, back) => reading.input(*input, *back),
            Self::Limit(limit) => Ok(reading.limit(*limit)),
            Self::Add(left, right) => both(left, right)?.map(|(left, right)| left.plus(right)).transpose(),
            Self::Subtract(left, right) => {
                both(left, right)?.map(|(left, right)| left.minus(right)).transpose()
            }
            Self::Multiply(left, right) => {
                both(left, right)?.map(|(left, right)| left.times(right)).transpose()
            }
            Self::Divide(left, right) => match both(left, right)? {
                Some((left, right)) => left.over(right),
                None => Ok(None),
            },
            Self::Negate(of) => of.evaluate(reading)?.map(Exact::negated).transpose(),
            Self::Absolute(of) => match of.evaluate(reading)? {
                Some(value) if value.numerator < 0 => value.negated().map(Some),
                value => Ok(value),
            },
            Self::Minimum(of) => extreme(of, Ordering::Less, reading),
            Self::Maximum(of) => extreme(of, Ordering::Greater, reading),
            Self::If(test, yes, no) => match test.holds(reading)? {
                Some(true) => yes.evaluate(reading),
                Some(false) => no.evaluate(reading),
                None => Ok(None),
            },
            Self::Coalesce(of) => {
                for term in of {
                    if let Some(value) = term.evaluate(reading)? {
                        return Ok(Some(value));
                    }
                }
                Ok(None)
            }
        }
    }

    /// Adds how many windows back each input is read.
    pub(crate) fn backs(&self, backs: &mut [Vec<u16>]) {
        match self {
            Self::Input(input, back) => {
                if let Some(list) = backs.get_mut(*input) {
                    list.push(*back);
                }
            }
            Self::Missing | Self::Number(_) | Self::Limit(_) => {}
            Self::Add(left, right)
            | Self::Subtract(left, right)
            | Self::Multiply(left, right)
            | Self::Divide(left, right) => {
                left.backs(backs);
                right.backs(backs);
            }
            Self::Negate(of) | Self::Absolute(of) => of.backs(backs),
            Self::Minimum(of) | Self::Maximum(of) | Self::Coalesce(of) => {
                of.iter().for_each(|of| of.backs(backs));
            }
            Self::If(test, yes, no) => {
                test.backs(backs);
                yes.backs(backs);
                no.backs(backs);
            }
        }
    }
}

impl Test {
    /// Whether it holds; none: it cannot be told (Kleene).
    fn holds(&self, reading: &impl Reading) -> Result<Option<bool>, Overflow> {
        Ok(match self {
            Self::Compare(comparison, left, right) => {
                let sides = left.evaluate(reading)?.zip(right.evaluate(reading)?);
                sides.map(|(left, right)| agrees(*comparison, left.compare(right)))
            }
            Self::And(left, right) => match (left.holds(reading)?, right.holds(reading)?) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(left, right) => match (left.holds(reading)?, right.holds(reading)?) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::Not(of) => of.holds(reading)?.map(|holds| !holds),
            Self::Defined(of) => Some(of.evaluate(reading)?.is_some()),
        })
    }

    fn backs(&self, backs: &mut [Vec<u16>]) {
        match self {
            Self::Compare(_, left, right) => {
                left.backs(backs);
                right.backs(backs);
            }
            Self::And(left, right) | Self::Or(left, right) => {
                left.backs(backs);
                right.backs(backs);
            }
            Self::Not(of) => of.backs(backs),
            Self::Defined(of) => of.backs(backs),
        }
    }
}

fn extreme(of: &[Term], wanted: Ordering, reading: &impl Reading) -> Found {
    let mut best: Option<Exact> = None;
    for term in of {
        let Some(value) = term.evaluate(reading)? else { return Ok(None) };
        if best.is_none_or(|best| value.compare(best) == wanted) {
            best = Some(value);
        }
    }
    Ok(best)
}

fn agrees(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Less => order == Ordering::Less,
        Comparison::AtMost => order != Ordering::Greater,
        Comparison::More => order == Ordering::Greater,
        Comparison::AtLeast => order != Ordering::Less,
        Comparison::Equal => order == Ordering::Equal,
    }
}

#[cfg(test)]
mod tests;
