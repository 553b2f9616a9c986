//! Formulas against a second evaluation that shares nothing with the first, and single rules by hand.

use nhip_profile::{Comparison, Condition, Expression};
use nhip_proto::{Decimal, IndicatorId};

use super::{Names, Reading};
use crate::calculator::Exact;
use crate::derive::exact::Overflow;

/// Values of two indicators in three windows, and one limit.
#[derive(Clone, Copy, Debug)]
struct Given {
    values: [[Option<(i128, i128)>; 3]; 2],
    limit: Option<(i128, i128)>,
}

impl Reading for Given {
    fn input(&self, input: usize, back: u16) -> Result<Option<Exact>, Overflow> {
        Ok(exact(self.values[input][usize::from(back)]))
    }

    fn limit(&self, limit: usize) -> Option<Exact> {
        assert_eq!(limit, 0);
        exact(self.limit)
    }
}

fn exact(value: Option<(i128, i128)>) -> Option<Exact> {
    value.and_then(|(above, below)| Exact::reduced(above, below))
}

fn id(at: usize) -> IndicatorId {
    IndicatorId::new(["t.x", "t.y"][at])
}

fn input(at: usize, back: u16) -> Expression {
    Expression::Input { indicator: id(at), back }
}

fn number(digits: i128) -> Expression {
    Expression::Number(Decimal::new(digits, 1), "1".to_owned())
}

fn boxed(expression: Expression) -> Box<Expression> {
    Box::new(expression)
}

fn evaluate(expression: &Expression, given: &Given) -> Result<Option<Exact>, Overflow> {
    let inputs = [id(0), id(1)];
    let mut names = Names { inputs: &inputs, limits: Vec::new() };
    names.term(expression).evaluate(given)
}

type Plain = Option<(i128, i128)>;

/// The second evaluation: fractions as they come, always brought to one denominator.
fn plain(expression: &Expression, given: &Given) -> Plain {
    let of = |part: &Expression| plain(part, given);
    let two = |left: &Expression, right: &Expression| Some((of(left)?, of(right)?));
    match expression {
        Expression::Number(number, _) => Some((number.mantissa, 10_i128.pow(u32::from(number.scale)))),
        Expression::Input { indicator, back } => {
            given.values[usize::from(*indicator == id(1))][usize::from(*back)]
        }
        Expression::Limit(_) => given.limit,
        Expression::Target(_) | Expression::Expected(_) => None,
        Expression::Add(left, right) => two(left, right).map(|(a, b)| (a.0 * b.1 + b.0 * a.1, a.1 * b.1)),
        Expression::Subtract(left, right) => {
            two(left, right).map(|(a, b)| (a.0 * b.1 - b.0 * a.1, a.1 * b.1))
        }
        Expression::Multiply(left, right) => two(left, right).map(|(a, b)| (a.0 * b.0, a.1 * b.1)),
        Expression::Divide(left, right) | Expression::Ratio(left, right) => {
            let (a, b) = two(left, right)?;
            if b.0 == 0 { None } else { Some((a.0 * b.1 * b.0.signum(), a.1 * b.0.abs())) }
        }
        Expression::Negate(part) => of(part).map(|a| (-a.0, a.1)),
        Expression::Absolute(part) => of(part).map(|a| (a.0.abs(), a.1)),
        Expression::Minimum(parts) => extreme(parts, given, |a, b| a.0 * b.1 < b.0 * a.1),
        Expression::Maximum(parts) => extreme(parts, given, |a, b| a.0 * b.1 > b.0 * a.1),
        Expression::Coalesce(parts) => parts.iter().find_map(of),
        Expression::If(condition, yes, no) => {
            if holds(condition, given)? {
                of(yes)
            } else {
                of(no)
            }
        }
    }
    .map(lowest)
}

fn extreme(
    parts: &[Expression],
    given: &Given,
    better: impl Fn((i128, i128), (i128, i128)) -> bool,
) -> Plain {
    let values: Option<Vec<_>> = parts.iter().map(|part| plain(part, given)).collect();
    values?.into_iter().reduce(|best, next| if better(next, best) { next } else { best })
}

fn holds(condition: &Condition, given: &Given) -> Option<bool> {
    let side = |condition: &Condition| holds(condition, given);
    match condition {
        Condition::Compare(comparison, left, right) => {
            let (a, b) = (plain(left, given)?, plain(right, given)?);
            let (a, b) = (a.0 * b.1, b.0 * a.1);
            Some(match comparison {
                Comparison::Less => a < b,
                Comparison::AtMost => a <= b,
                Comparison::More => a > b,
                Comparison::AtLeast => a >= b,
                Comparison::Equal => a == b,
            })
        }
        // Three truths as 0, ½ and 1: and is the least, or the greatest, not what is missing to 1.
        Condition::And(left, right) => truth(grade(side(left)).min(grade(side(right)))),
        Condition::Or(left, right) => truth(grade(side(left)).max(grade(side(right)))),
        Condition::Not(part) => truth(2 - grade(side(part))),
        Condition::Defined(part) => Some(plain(part, given).is_some()),
    }
}

fn grade(truth: Option<bool>) -> u8 {
    truth.map_or(1, |truth| 2 * u8::from(truth))
}

fn truth(grade: u8) -> Option<bool> {
    [Some(false), None, Some(true)][usize::from(grade)]
}

fn lowest((above, below): (i128, i128)) -> (i128, i128) {
    let (mut a, mut b) = (above.abs(), below.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (above / a.max(1), below / a.max(1))
}

/// Randomness that is the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = crate::table::mix(self.0.wrapping_add(0x9e37_79b9_7f4a_7c15));
        self.0 % bound
    }

    fn value(&mut self) -> Plain {
        let (above, below) = (self.below(9) as i128 - 4, self.below(4) as i128 + 1);
        (self.below(4) > 0).then_some((above, below))
    }

    fn expression(&mut self, depth: u64) -> Expression {
        if depth == 0 || self.below(5) == 0 {
            return match self.below(5) {
                0 => number(self.below(60) as i128 - 20),
                1 => Expression::Limit(id(0)),
                _ => input(self.below(2) as usize, self.below(3) as u16),
            };
        }
        let mut part = || self.expression(depth - 1);
        let (one, two, three) = (part(), part(), part());
        match self.below(12) {
            0 => Expression::Add(boxed(one), boxed(two)),
            1 => Expression::Subtract(boxed(one), boxed(two)),
            2 => Expression::Multiply(boxed(one), boxed(two)),
            3 => Expression::Divide(boxed(one), boxed(two)),
            4 => Expression::Ratio(boxed(one), boxed(two)),
            5 => Expression::Negate(boxed(one)),
            6 => Expression::Absolute(boxed(one)),
            7 => Expression::Minimum(vec![one, two, three]),
            8 => Expression::Maximum(vec![one, two, three]),
            9 => Expression::Coalesce(vec![one, two, three]),
            _ => Expression::If(Box::new(self.condition(depth - 1)), boxed(one), boxed(two)),
        }
    }

    fn condition(&mut self, depth: u64) -> Condition {
        let comparisons =
            [Comparison::Less, Comparison::AtMost, Comparison::More, Comparison::AtLeast, Comparison::Equal];
        let choice = if depth == 0 { 0 } else { self.below(6) };
        match choice {
            1 => Condition::And(Box::new(self.condition(depth - 1)), Box::new(self.condition(depth - 1))),
            2 => Condition::Or(Box::new(self.condition(depth - 1)), Box::new(self.condition(depth - 1))),
            3 => Condition::Not(Box::new(self.condition(depth - 1))),
            4 => Condition::Defined(self.expression(depth)),
            _ => {
                let comparison = comparisons[self.below(5) as usize];
                Condition::Compare(comparison, self.expression(depth), self.expression(depth))
            }
        }
    }
}

#[test]
fn any_formula_gives_what_the_second_evaluation_gives() {
    let mut told = [0, 0];
    for seed in 0..20_000 {
        let mut dice = Dice(seed);
        let expression = dice.expression(3);
        let values = [0, 1].map(|_| [0, 1, 2].map(|_| dice.value()));
        let given = Given { values, limit: dice.value() };
        let wanted = exact(plain(&expression, &given));
        let found = evaluate(&expression, &given).expect("small numbers");
        assert_eq!(found, wanted, "seed {seed}: {} of {given:?}", expression.shown());
        told[usize::from(found.is_some())] += 1;
    }
    assert!(told[0] > 2_000 && told[1] > 2_000, "{told:?}");
}

#[test]
fn missing_propagates_and_is_never_nothing() {
    let given =
        Given { values: [[Some((6, 1)), None, None], [Some((0, 1)), Some((2, 1)), None]], limit: None };
    let (x, gone, zero) = (input(0, 0), input(0, 1), input(1, 0));
    let value = |expression: Expression| evaluate(&expression, &given).expect("small").map(|v| v.numerator);
    let add =
        |left: &Expression, right: &Expression| Expression::Add(boxed(left.clone()), boxed(right.clone()));
    assert_eq!(value(add(&x, &gone)), None);
    assert_eq!(value(add(&x, &zero)), Some(6));
    assert_eq!(value(Expression::Ratio(boxed(x.clone()), boxed(zero.clone()))), None, "over zero");
    assert_eq!(value(Expression::Ratio(boxed(zero.clone()), boxed(x.clone()))), Some(0));
    assert_eq!(value(Expression::Minimum(vec![x.clone(), gone.clone()])), None);
    assert_eq!(value(Expression::Coalesce(vec![gone.clone(), x.clone()])), Some(6));
    assert_eq!(value(Expression::Limit(id(0))), None);
    let choose = |condition: Condition| {
        value(Expression::If(Box::new(condition), boxed(x.clone()), boxed(zero.clone())))
    };
    let unknown = || Condition::Compare(Comparison::Less, gone.clone(), x.clone());
    let sure = |truth: bool| {
        let comparison = if truth { Comparison::More } else { Comparison::Less };
        Condition::Compare(comparison, x.clone(), zero.clone())
    };
    assert_eq!(choose(unknown()), None);
    assert_eq!(choose(Condition::Defined(gone.clone())), Some(0));
    assert_eq!(choose(Condition::Or(Box::new(unknown()), Box::new(sure(true)))), Some(6));
    assert_eq!(choose(Condition::And(Box::new(unknown()), Box::new(sure(false)))), Some(0));
    assert_eq!(choose(Condition::And(Box::new(unknown()), Box::new(sure(true)))), None);
    assert_eq!(choose(Condition::Not(Box::new(unknown()))), None);
}

#[test]
fn a_number_too_large_is_told_and_not_wrapped() {
    let given = Given { values: [[Some((i128::MAX, 1)), None, None], [None; 3]], limit: None };
    let product = Expression::Multiply(boxed(input(0, 0)), boxed(input(0, 0)));
    assert_eq!(evaluate(&product, &given), Err(Overflow));
    let over = Expression::Divide(boxed(product), boxed(input(0, 0)));
    assert_eq!(evaluate(&over, &given), Err(Overflow), "also inside");
}
