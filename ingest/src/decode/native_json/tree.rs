//! JSON as a small borrowed tree with bounds on depth and size. The parser's own error texts can hold
//! payload text, so only their position is kept.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use nhip_proto::{Decimal, Rejection, RejectionReason};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::decode::{ITEMS_MAX, NESTING_MAX, refuse};

/// Values of all kinds in one payload at most: an item takes up to five.
const NODES_MAX: usize = 6 * ITEMS_MAX;
/// The key under which serde_json hands over a number's text (feature `arbitrary_precision`).
const NUMBER_KEY: &str = "$serde_json::private::Number";

/// One JSON value.
#[derive(Debug)]
pub(super) enum Json<'a> {
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
    pub(super) fn decimal(&self) -> Option<Decimal> {
        match self {
            Self::Natural(number) => Some(Decimal::new(i128::from(*number), 0)),
            Self::Negative(number) => Some(Decimal::new(i128::from(*number), 0)),
            Self::Number(text) => Decimal::parse(text).ok(),
            _ => None,
        }
    }

    /// The whole number from 0 on.
    pub(super) fn whole(&self) -> Option<u64> {
        if let Self::Natural(number) = self { Some(*number) } else { None }
    }
}

/// Reads a payload; a byte order mark in front is skipped.
pub(super) fn parse(payload: &[u8]) -> Result<Json<'_>, Rejection> {
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
