//! Functions of a formula: what each is given and what it gives.

use nhip_proto::IndicatorId;

use super::lex::{Placed, Token};
use super::parse::{Parser, Piece};
use super::units::{Measure, Slip, Truth, Value};
use crate::{Condition, Expression};

const FUNCTIONS: [&str; 10] =
    ["min", "max", "if", "coalesce", "ratio", "abs", "limit", "target", "expected", "defined"];

impl Parser<'_> {
    pub(super) fn call(&mut self, name: &str, at: usize) -> Option<Piece> {
        if ["limit", "target", "expected"].contains(&name) {
            return self.set(name, at).map(Piece::Value);
        }
        let arguments = self.arguments()?;
        if !FUNCTIONS.contains(&name) {
            self.said.slips.push(Slip::unknown(at, "function", name, FUNCTIONS.map(str::to_owned).to_vec()));
            return Some(Piece::Value(Value::unknown(at)));
        }
        if !fits(name, arguments.len()) {
            let reason = format!("{name} is given {} values", arguments.len());
            self.slip(at, reason, form(name));
            return Some(Piece::Value(Value::unknown(at)));
        }
        Some(match name {
            "if" => Piece::Value(self.choice(arguments, at)),
            "defined" => Piece::Truth(self.defined(arguments, at)),
            _ => Piece::Value(self.function(name, arguments, at)),
        })
    }

    fn choice(&mut self, arguments: Vec<Piece>, at: usize) -> Value {
        let mut arguments = arguments.into_iter();
        let (Some(asked), Some(then), Some(otherwise)) =
            (arguments.next(), arguments.next(), arguments.next())
        else {
            return Value::unknown(at);
        };
        let asked = self.truth(asked);
        let (then, otherwise) = (self.value(then), self.value(otherwise));
        let measure = self.same_unit("if", &then, &otherwise);
        let depth = asked.depth.max(then.depth).max(otherwise.depth);
        let (then, otherwise) = (then.expression.into(), otherwise.expression.into());
        self.grown(Value {
            expression: Expression::If(asked.condition.into(), then, otherwise),
            measure,
            at,
            depth,
        })
    }

    fn defined(&mut self, arguments: Vec<Piece>, at: usize) -> Truth {
        let value =
            arguments.into_iter().next().map_or_else(|| Value::unknown(at), |piece| self.value(piece));
        self.grown(Truth { condition: Condition::Defined(value.expression), at, depth: value.depth })
    }

    fn function(&mut self, name: &str, arguments: Vec<Piece>, at: usize) -> Value {
        let values: Vec<Value> = arguments.into_iter().map(|piece| self.value(piece)).collect();
        let depth = values.iter().map(|value| value.depth).max().unwrap_or_default();
        let measure = match (name, values.as_slice()) {
            ("ratio", [above, below]) => above.over(below),
            ("abs", [only]) => only.measure.clone(),
            (_, [first, rest @ ..]) => {
                let mut measure = first.measure.clone();
                for value in rest {
                    let so_far = Value { measure, ..first.clone() };
                    measure = self.same_unit(name, &so_far, value);
                }
                measure
            }
            (_, []) => Measure::Unknown,
        };
        let mut parts: Vec<Expression> = values.into_iter().map(|value| value.expression).collect();
        let expression = match name {
            "min" => Expression::Minimum(parts),
            "max" => Expression::Maximum(parts),
            "coalesce" => Expression::Coalesce(parts),
            _ => {
                let last = parts.pop().map(Box::new);
                match (parts.pop().map(Box::new), last) {
                    (Some(above), Some(below)) => Expression::Ratio(above, below),
                    (None, Some(only)) => Expression::Absolute(only),
                    (_, None) => return Value::unknown(at),
                }
            }
        };
        self.grown(Value { expression, measure, at, depth })
    }

    /// What was set for an indicator: its limit, its target, what is expected by now.
    fn set(&mut self, name: &str, at: usize) -> Option<Value> {
        let Some(Placed { token: Token::Name { text, .. }, at: name_at }) = self.peek().cloned() else {
            self.slip(self.here(), format!("{name} needs an indicator"), format!("{name}(env.pm25_1h)"));
            return None;
        };
        self.next += 1;
        let measure = self.named(text, name_at);
        self.close()?;
        let id = IndicatorId::new(text);
        let expression = match name {
            "target" => Expression::Target(id),
            "expected" => Expression::Expected(id),
            _ => Expression::Limit(id),
        };
        Some(Value { expression, measure, at, depth: 1 })
    }

    fn arguments(&mut self) -> Option<Vec<Piece>> {
        let mut arguments = Vec::new();
        if self.take_sign(&[")"]).is_some() {
            return Some(arguments);
        }
        loop {
            arguments.push(self.either()?);
            if self.take_sign(&[","]).is_none() {
                self.close()?;
                return Some(arguments);
            }
        }
    }
}

fn fits(function: &str, given: usize) -> bool {
    match function {
        "if" => given == 3,
        "ratio" => given == 2,
        "abs" | "defined" => given == 1,
        _ => given >= 2,
    }
}

fn form(function: &str) -> &'static str {
    match function {
        "if" => "if(condition, x, y)",
        "ratio" => "ratio(x, y)",
        "abs" => "abs(x)",
        "defined" => "defined(x)",
        "min" => "min(x, y, …)",
        "max" => "max(x, y, …)",
        _ => "coalesce(x, y, …)",
    }
}
