//! JSON as a small borrowed tree with bounds on depth and size. The parser's own error texts can hold
//! payload text, so only their position is kept.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use nhip_profile::Step;
use nhip_proto::{Decimal, Rejection, RejectionReason};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::decode::{ITEMS_MAX, NESTING_MAX, refuse};

/// Values of all kinds in one payload at most: an item takes up to five.
const NODES_MAX: usize = 6 * ITEMS_MAX;
/// The key under which serde_json hands over a number's text (feature `arbitrary_precision`).
const NUMBER_KEY: &str = "$serde_json::private::Number";

/// One JSON value.
#[derive(Debug, PartialEq)]
pub(crate) enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits, from 0 on.
    Natural(u64),
    /// A whole number that fits, below 0.
    Negative(i64),
    /// Any other number, as its text.
    Number(String),
    /// A text.
    Text(Cow<'a, str>),
    /// An array.
    Array(Vec<Self>),
    /// An object, with repeated keys as they stand.
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl Json<'_> {
    /// The number, exactly; none if it is none or has more than 28 digits.
    pub(crate) fn decimal(&self) -> Option<Decimal> {
        match self {
            Self::Natural(number) => Some(Decimal::new(i128::from(*number), 0)),
            Self::Negative(number) => Some(Decimal::new(i128::from(*number), 0)),
            Self::Number(text) => Decimal::parse(text).ok(),
            _ => None,
        }
    }

    /// The whole number from 0 on.
    pub(crate) fn whole(&self) -> Option<u64> {
        if let Self::Natural(number) = self { Some(*number) } else { None }
    }
}

impl<'a> Json<'a> {
    /// The member of an object. Meant for payloads read by [`parse_unique`], where there is no second one.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The value a path leads to.
    pub(crate) fn find(&self, steps: &[Step]) -> Option<&Self> {
        steps.iter().try_fold(self, |here, step| match step {
            Step::Name(name) => here.step_to(name),
            Step::Select { key, value } => {
                let Self::Array(elements) = here else { return None };
                let chosen = |one: &&Self| one.get(key).and_then(Self::scalar).is_some_and(|it| it == *value);
                elements.iter().find(chosen)
            }
        })
    }

    fn step_to(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Array(elements) => elements.get(array_index(name)?),
            other => other.get(name),
        }
    }

    /// A text, number or truth as text; none for the others.
    pub(crate) fn scalar(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Bool(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
            Self::Natural(number) => Some(Cow::Owned(number.to_string())),
            Self::Negative(number) => Some(Cow::Owned(number.to_string())),
            Self::Number(text) => Some(Cow::Borrowed(text)),
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Null | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The text.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The elements of an array.
    pub(crate) fn elements(&self) -> Option<&[Self]> {
        if let Self::Array(elements) = self { Some(elements) } else { None }
    }

    /// The number, also where it stands in a text, as many senders write it.
    pub(crate) fn loose_decimal(&self) -> Option<Decimal> {
        if let Self::Text(text) = self { decimal_of_text(text) } else { self.decimal() }
    }

    /// Whether an object somewhere has a member twice: then it says two things.
    fn repeats_a_member(&self) -> bool {
        match self {
            Self::Array(elements) => elements.iter().any(Self::repeats_a_member),
            Self::Object(members) => {
                let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
                names.sort_unstable();
                let twice = names.iter().zip(names.iter().skip(1)).any(|(left, right)| left == right);
                twice || members.iter().any(|(_, value)| value.repeats_a_member())
            }
            _ => false,
        }
    }
}

/// RFC 6901 §4: digits without a leading zero.
pub(crate) fn array_index(token: &str) -> Option<usize> {
    let plain = token == "0" || !token.starts_with('0');
    let digits = plain && token.bytes().all(|byte| byte.is_ascii_digit());
    if digits { token.parse().ok() } else { None }
}

/// A number in a text: blanks around it, a plus sign and leading zeros do no harm.
pub(crate) fn decimal_of_text(text: &str) -> Option<Decimal> {
    let text = text.trim();
    if let Ok(number) = Decimal::parse(text) {
        return Some(number);
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let whole = digits.trim_start_matches('0');
    let zero = if whole.starts_with(|letter: char| letter.is_ascii_digit()) { "" } else { "0" };
    let began_with_digit = digits.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.');
    if began_with_digit { Decimal::parse(&format!("{sign}{zero}{whole}")).ok() } else { None }
}

/// Reads a payload in which every object has each member once; else it is refused.
pub(crate) fn parse_unique(payload: &[u8]) -> Result<Json<'_>, Rejection> {
    let root = parse(payload)?;
    if root.repeats_a_member() { Err(refuse(RejectionReason::FieldInvalid, "", 0)) } else { Ok(root) }
}

/// Reads a payload; a byte order mark in front is skipped.
pub(crate) fn parse(payload: &[u8]) -> Result<Json<'_>, Rejection> {
    let text = std::str::from_utf8(payload)
        .map_err(|error| refuse(RejectionReason::Syntax, "", error.valid_up_to() + 1))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let bounds = Bounds { nodes_left: Cell::new(NODES_MAX), broken: Cell::new(None) };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let root = Node { bounds: &bounds, depth: 0 }.deserialize(&mut deserializer);
    let whole = root.and_then(|root| deserializer.end().map(|()| root));
    whole.map_err(|error| match bounds.broken.get() {
        Some(reason) => refuse(reason, "", 0),
        None => refuse(RejectionReason::Syntax, "", byte_position(text, error.line(), error.column())),
    })
}

/// The byte a parser error stands at, counted from 1.
fn byte_position(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before + column
}

struct Bounds {
    nodes_left: Cell<usize>,
    broken: Cell<Option<RejectionReason>>,
}

impl Bounds {
    fn break_at<E: serde::de::Error>(&self, reason: RejectionReason) -> E {
        self.broken.set(Some(reason));
        E::custom("bound")
    }
}

#[derive(Clone, Copy)]
struct Node<'b> {
    bounds: &'b Bounds,
    depth: usize,
}

impl Node<'_> {
    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= NESTING_MAX {
            return Err(self.bounds.break_at(RejectionReason::Bounds));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        match self.bounds.nodes_left.get().checked_sub(1) {
            Some(left) => self.bounds.nodes_left.set(left),
            None => return Err(self.bounds.break_at(RejectionReason::TooManyItems)),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Json<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Natural(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Negative(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Json<'de>, A::Error> {
        let inner = self.inside()?;
        let mut values = Vec::new();
        while let Some(value) = array.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json<'de>, A::Error> {
        let mut members = Vec::new();
        let Some(first) = object.next_key_seed(Key)? else { return Ok(Json::Object(members)) };
        if first == NUMBER_KEY {
            let text: String = object.next_value()?;
            // A sender may write this key as well; then the parser goes on inside a real object.
            return if object.next_key_seed(Key)?.is_none() {
                Ok(Json::Number(text))
            } else {
                Err(A::Error::custom("number key"))
            };
        }
        let inner = self.inside()?;
        members.push((first, object.next_value_seed(inner)?));
        while let Some(key) = object.next_key_seed(Key)? {
            members.push((key, object.next_value_seed(inner)?));
        }
        Ok(Json::Object(members))
    }
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nhip_profile::Path;

    fn found(json: &str, path: &str) -> Option<String> {
        let root = parse_unique(json.as_bytes()).expect("JSON");
        root.find(&Path::parse(path).expect("a path").steps).map(|value| format!("{value:?}"))
    }

    #[test]
    fn paths_lead_to_values() {
        let json = r#"{"a":{"b":[{"k":"x","v":1},{"k":2,"v":"two"}],"c/d":null},"0":true}"#;
        let cases = [
            ("a.b[0].v", Some("Natural(1)")),
            ("/a/b/1/v", Some("Text(\"two\")")),
            ("a.b[k=2].v", Some("Text(\"two\")")),
            ("a.b[k=x].v", Some("Natural(1)")),
            ("a.b[k=y].v", None),
            ("/a/c~1d", Some("Null")),
            ("/0", Some("Bool(true)")),
            ("/a/b/01", None),
            ("a.b[2]", None),
            ("a.b.v", None),
        ];
        for (path, want) in cases {
            if let Some(path) = Path::parse(path) {
                let root = parse(json.as_bytes()).expect("JSON");
                assert_eq!(root.find(&path.steps).map(|v| format!("{v:?}")).as_deref(), want, "{path:?}");
            }
        }
        assert_eq!(found(json, ".").map(|text| text.starts_with("Object")), Some(true));
    }

    #[test]
    fn a_member_given_twice_is_seen_at_any_depth() {
        assert!(parse_unique(br#"{"a":[{"b":1,"b":1}]}"#).is_err());
        assert!(parse_unique(br#"{"a":[{"b":1},{"b":1}]}"#).is_ok());
    }

    #[test]
    fn numbers_in_texts_are_read_as_people_write_them() {
        let shown = |text: &str| decimal_of_text(text).map(|number| number.to_string());
        let cases = [("15.23", "15.23"), (" 7 ", "7"), ("+5", "5"), ("007.50", "7.5"), ("-00.5", "-0.5")];
        for (text, want) in cases.into_iter().chain([(".5", "0.5"), ("000", "0"), ("1e3", "1000")]) {
            assert_eq!(shown(text).as_deref(), Some(want), "{text}");
        }
        for text in ["", "-", "+", "NA", "1,5", "0x10", "--1", "1 2", "NaN", "inf", "e3"] {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
