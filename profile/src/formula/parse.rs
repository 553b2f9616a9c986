//! From the text of a formula to an expression whose units fit; every mistake with its byte.

use nhip_proto::{Decimal, IndicatorId};

use super::lex::{Placed, Token, tokens};
use super::units::{Measure, Names, Slip, Truth, Value};
use crate::model::BACK_MAX;
use crate::unit::unit_named;
use crate::{Comparison, Condition, Expression};

/// The most bytes of a formula.
pub(crate) const FORMULA_BYTES_MAX: usize = 4_000;
/// The most brackets inside brackets.
const NESTING_MAX: u16 = 32;
/// The most operations above one another, so that a formula can be walked without a deep stack.
const DEPTH_MAX: u16 = 128;

/// What a formula says.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// The expression; none if it cannot be told.
    pub(crate) expression: Option<Expression>,
    /// In which unit its value is.
    pub(crate) measure: Measure,
    /// Every indicator whose figure or limit it reads, with the byte it is named at.
    pub(crate) named: Vec<(IndicatorId, usize)>,
    /// What is wrong.
    pub(crate) slips: Vec<Slip>,
}

/// Reads a formula.
pub(crate) fn parse_formula(text: &str, names: &Names<'_>) -> Parsed {
    let mut parser =
        Parser { tokens: Vec::new(), next: 0, end: text.len(), names, said: Said::default(), nesting: 0 };
    if text.len() > FORMULA_BYTES_MAX {
        let reason = format!("has {} bytes", text.len());
        parser.slip(0, reason, format!("at most {FORMULA_BYTES_MAX}: split it over several indicators"));
        return parser.finish(None);
    }
    match tokens(text) {
        Ok(tokens) => parser.tokens = tokens,
        Err(unread) => {
            parser.slip(unread.at, unread.reason, "numbers, indicators, + - * / ( ) < > ==, functions");
            return parser.finish(None);
        }
    }
    let piece = parser.either();
    let value = piece.map(|piece| parser.value(piece));
    if value.is_some()
        && let Some(left) = parser.peek()
    {
        let at = left.at;
        parser.slip(at, "is left over", "an operation before it, or nothing");
    }
    parser.finish(value)
}

#[derive(Default)]
pub(super) struct Said {
    named: Vec<(IndicatorId, usize)>,
    pub(super) slips: Vec<Slip>,
}

/// A value or a condition: brackets hold either.
pub(super) enum Piece {
    Value(Value),
    Truth(Truth),
}

/// `None` of its methods: the rest cannot be read, and a slip says why.
pub(super) struct Parser<'a> {
    tokens: Vec<Placed<'a>>,
    pub(super) next: usize,
    end: usize,
    names: &'a Names<'a>,
    pub(super) said: Said,
    nesting: u16,
}

impl<'a> Parser<'a> {
    pub(super) fn either(&mut self) -> Option<Piece> {
        let at = self.here();
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            self.slip(at, format!("is nested more than {NESTING_MAX} deep"), "several indicators");
            return None;
        }
        let mut left = self.all()?;
        while self.take_word("or") {
            let right = self.all()?;
            left = self.joined(left, right, |left, right| Condition::Or(left.into(), right.into()));
        }
        self.nesting -= 1;
        Some(left)
    }

    fn all(&mut self) -> Option<Piece> {
        let mut left = self.negation()?;
        while self.take_word("and") {
            let right = self.negation()?;
            left = self.joined(left, right, |left, right| Condition::And(left.into(), right.into()));
        }
        Some(left)
    }

    fn negation(&mut self) -> Option<Piece> {
        let at = self.here();
        let mut negations = 0_u16;
        while self.take_word("not") {
            negations = negations.saturating_add(1);
        }
        let piece = self.comparison()?;
        if negations == 0 {
            return Some(piece);
        }
        let truth = self.truth(piece);
        let condition =
            if negations % 2 == 1 { Condition::Not(truth.condition.into()) } else { truth.condition };
        Some(Piece::Truth(self.grown(Truth { condition, at, depth: truth.depth })))
    }

    fn comparison(&mut self) -> Option<Piece> {
        let left = self.sum()?;
        let Some(comparison) = self.take_comparison() else { return Some(left) };
        let right = self.sum()?;
        let (left, right) = (self.value(left), self.value(right));
        self.same_unit(comparison.sign(), &left, &right);
        let (at, depth) = (left.at, left.depth.max(right.depth));
        let condition = Condition::Compare(comparison, left.expression, right.expression);
        let truth = self.grown(Truth { condition, at, depth });
        let again = self.here();
        if self.take_comparison().is_some() {
            self.slip(again, "compares a comparison", "x < y and y < z");
            return None;
        }
        Some(Piece::Truth(truth))
    }

    fn sum(&mut self) -> Option<Piece> {
        let mut left = self.product()?;
        while let Some(sign) = self.take_sign(&["+", "-"]) {
            let right = self.product()?;
            let (one, other) = (self.value(left), self.value(right));
            let measure = self.same_unit(sign, &one, &other);
            left = self.operation(sign, one, other, measure);
        }
        Some(left)
    }

    fn product(&mut self) -> Option<Piece> {
        let mut left = self.unary()?;
        while let Some(sign) = self.take_sign(&["*", "/"]) {
            let right = self.unary()?;
            let (one, other) = (self.value(left), self.value(right));
            let measure = if sign == "*" { one.times(&other) } else { one.over(&other) };
            left = self.operation(sign, one, other, measure);
        }
        Some(left)
    }

    fn operation(&mut self, sign: &str, left: Value, right: Value, measure: Measure) -> Piece {
        let (at, depth) = (left.at, left.depth.max(right.depth));
        let (left, right) = (Box::new(left.expression), Box::new(right.expression));
        let expression = match sign {
            "+" => Expression::Add(left, right),
            "-" => Expression::Subtract(left, right),
            "*" => Expression::Multiply(left, right),
            _ => Expression::Divide(left, right),
        };
        Piece::Value(self.grown(Value { expression, measure, at, depth }))
    }

    fn unary(&mut self) -> Option<Piece> {
        let at = self.here();
        let mut minus = false;
        while self.take_sign(&["-"]).is_some() {
            minus = !minus;
        }
        let piece = self.primary()?;
        if !minus {
            return Some(piece);
        }
        let value = self.value(piece);
        let expression = Expression::Negate(value.expression.into());
        Some(Piece::Value(self.grown(Value { expression, at, ..value })))
    }

    fn primary(&mut self) -> Option<Piece> {
        let Some(Placed { token, at }) = self.peek().cloned() else {
            self.slip(self.end, "ends too early", "a number, an indicator or a function");
            return None;
        };
        self.next += 1;
        match token {
            Token::Number(digits) => self.number(digits, at).map(Piece::Value),
            Token::Name { text, quoted: false } if self.take_sign(&["("]).is_some() => self.call(text, at),
            Token::Name { text, quoted: false } if matches!(text, "and" | "or" | "not") => {
                self.slip(at, format!("\"{text}\" stands where a value is needed"), "x > 0 and y > 0");
                None
            }
            Token::Name { text, .. } => self.input(text, at).map(Piece::Value),
            Token::Sign("(") => {
                let inner = self.either()?;
                self.close()?;
                Some(inner)
            }
            Token::Sign(sign) => {
                self.slip(
                    at,
                    format!("\"{sign}\" stands where a value is needed"),
                    "a number, an indicator or a function",
                );
                None
            }
            Token::Bracket(_) => {
                self.slip(at, "a bracket [ stands alone", "5[km/h], indicator[-1]");
                None
            }
        }
    }

    fn number(&mut self, digits: &str, at: usize) -> Option<Value> {
        let unit = self.take_bracket();
        let Ok(number) = Decimal::parse(digits) else {
            self.slip(at, format!("\"{digits}\" is no number"), "12, 0.75");
            return Some(Value::unknown(at));
        };
        let Some((unit_at, text)) = unit else {
            return Some(Value::plain_number(number, at));
        };
        match unit_named(text) {
            Some(unit) => Some(Value::number(number, unit, at)),
            None => {
                self.said.slips.push(Slip::unknown_unit(unit_at + 1, text));
                Some(Value::unknown(at))
            }
        }
    }

    pub(super) fn input(&mut self, name: &str, at: usize) -> Option<Value> {
        let back = match self.take_bracket() {
            Some((back_at, text)) => self.back(text, back_at)?,
            None => 0,
        };
        let measure = self.named(name, at);
        let expression = Expression::Input { indicator: IndicatorId::new(name), back };
        Some(Value { expression, measure, at, depth: 1 })
    }

    fn back(&mut self, text: &str, at: usize) -> Option<u16> {
        let digits = text.trim().strip_prefix(['-', '−']).map(str::trim);
        let back = digits.and_then(|digits| digits.parse::<u16>().ok());
        let back = back.filter(|back| (1..=BACK_MAX).contains(back));
        if back.is_none() {
            let reason = format!("\"[{text}]\" is no number of windows back");
            self.slip(at, reason, format!("[-1] to [-{BACK_MAX}]"));
        }
        Some(back.unwrap_or(1))
    }

    /// The unit of a named indicator; an unknown one is a slip.
    pub(super) fn named(&mut self, name: &str, at: usize) -> Measure {
        self.said.named.push((IndicatorId::new(name), at));
        match self.names.indicators.get(name) {
            Some(Some(unit)) => Measure::of(unit),
            Some(None) => Measure::Unknown,
            None => {
                let known = self.names.indicators.keys().cloned().collect();
                self.said.slips.push(Slip::unknown(at, "indicator", name, known));
                Measure::Unknown
            }
        }
    }

    fn joined(&mut self, left: Piece, right: Piece, join: fn(Condition, Condition) -> Condition) -> Piece {
        let (left, right) = (self.truth(left), self.truth(right));
        let (at, depth) = (left.at, left.depth.max(right.depth));
        Piece::Truth(self.grown(Truth { condition: join(left.condition, right.condition), at, depth }))
    }

    pub(super) fn same_unit(&mut self, sign: &str, left: &Value, right: &Value) -> Measure {
        match left.measure.same(&right.measure) {
            Some(measure) => measure,
            None => {
                self.said.slips.push(Slip::units_differ(sign, left, right));
                Measure::Unknown
            }
        }
    }

    pub(super) fn value(&mut self, piece: Piece) -> Value {
        match piece {
            Piece::Value(value) => value,
            Piece::Truth(truth) => {
                self.slip(truth.at, "is a condition where a value is needed", "if(condition, x, y)");
                Value::unknown(truth.at)
            }
        }
    }

    pub(super) fn truth(&mut self, piece: Piece) -> Truth {
        match piece {
            Piece::Truth(truth) => truth,
            Piece::Value(value) => {
                self.slip(value.at, "is a value where a condition is needed", "x > 0, defined(x)");
                let (at, depth) = (value.at, value.depth);
                Truth { condition: Condition::Defined(value.expression), at, depth }
            }
        }
    }

    /// One operation more; beyond the bound a slip, told once.
    pub(super) fn grown<T: super::units::Deep>(&mut self, mut part: T) -> T {
        let depth = part.depth().saturating_add(1);
        if depth == DEPTH_MAX + 1 {
            self.slip(
                part.at(),
                format!("has more than {DEPTH_MAX} operations on one another"),
                "several indicators",
            );
        }
        part.set_depth(depth);
        part
    }

    pub(super) fn close(&mut self) -> Option<()> {
        if self.take_sign(&[")"]).is_none() {
            self.slip(self.here(), "a bracket ( is not closed here", ")");
            return None;
        }
        Some(())
    }

    pub(super) fn slip(&mut self, at: usize, reason: impl Into<String>, allowed: impl Into<String>) {
        self.said.slips.push(Slip::wrong(at, reason, allowed));
    }

    pub(super) fn peek(&self) -> Option<&Placed<'a>> {
        self.tokens.get(self.next)
    }

    pub(super) fn here(&self) -> usize {
        self.peek().map_or(self.end, |placed| placed.at)
    }

    pub(super) fn take_sign(&mut self, signs: &[&'static str]) -> Option<&'static str> {
        let Some(Token::Sign(sign)) = self.peek().map(|placed| &placed.token) else { return None };
        let sign = signs.iter().copied().find(|known| known == sign)?;
        self.next += 1;
        Some(sign)
    }

    fn take_comparison(&mut self) -> Option<Comparison> {
        Some(match self.take_sign(&["<", "<=", ">", ">=", "=="])? {
            "<" => Comparison::Less,
            "<=" => Comparison::AtMost,
            ">" => Comparison::More,
            ">=" => Comparison::AtLeast,
            _ => Comparison::Equal,
        })
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek().map(|placed| &placed.token),
            Some(Token::Name { text, quoted: false }) if *text == word);
        self.next += usize::from(found);
        found
    }

    fn take_bracket(&mut self) -> Option<(usize, &'a str)> {
        let Some(Placed { token: Token::Bracket(text), at }) = self.peek() else { return None };
        let taken = (*at, *text);
        self.next += 1;
        Some(taken)
    }

    fn finish(self, value: Option<Value>) -> Parsed {
        let Said { named, slips } = self.said;
        let measure = value.as_ref().map_or(Measure::Unknown, |value| value.measure.clone());
        let expression = value.filter(|_| slips.is_empty()).map(|value| value.expression);
        Parsed { expression, measure, named, slips }
    }
}

#[cfg(test)]
mod tests;
