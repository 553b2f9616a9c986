//! One reading: the items of one message that speak of one moment, judged by name, kind, unit and range.

use nhip_proto::{Decimal, Item, ItemFlags, ItemName, ItemReason, ItemValue};

use crate::plan::{Condition, NOWHERE, NameKind, NamePlan, StreamPlan, Test};
use crate::table::hash_bytes;

/// A value in the profile's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// In the quantity's unit and scale.
    Number(i128),
    /// The word of the state.
    State(u32),
    /// A hash of the id of a thing.
    Thing(u128),
}

impl Value {
    /// The value as a number, to compare contents.
    pub(crate) fn digits(self) -> i128 {
        match self {
            Self::Number(number) => number,
            Self::State(word) => i128::from(word),
            Self::Thing(hash) => hash as i128,
        }
    }
}

/// When a reading happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// The sender's stamp, or the arrival standing in.
    pub(crate) stamp: i64,
    /// The event time: the stamp, or the end of the period.
    pub(crate) time: i64,
    /// What decides the window: the event time, or the last instant of the period.
    pub(crate) instant: i64,
    /// The length of the period, 0 for an instant.
    pub(crate) period: i64,
}

impl Moment {
    pub(crate) fn of(item: &Item, arrival: i64) -> Self {
        match (item.period, item.event_time) {
            (Some((from, to)), stamp) => Self {
                stamp: stamp.map_or(to.0, |stamp| stamp.0),
                time: to.0,
                instant: to.0.saturating_sub(1),
                period: to.since(from),
            },
            (None, Some(stamp)) => Self { stamp: stamp.0, time: stamp.0, instant: stamp.0, period: 0 },
            (None, None) => Self { stamp: arrival, time: arrival, instant: arrival, period: 0 },
        }
    }
}

/// Whether two items of one message may belong to one reading; a name that comes again begins another.
pub(crate) fn same(left: &Item, right: &Item) -> bool {
    left.event_time == right.event_time
        && left.period == right.period
        && left.identity == right.identity
        && left.sequence == right.sequence
        && left.boot == right.boot
}

/// Whether all conditions hold among the values of a reading.
pub(crate) fn holds(conditions: &[Condition], values: &[Option<Value>]) -> bool {
    conditions.iter().all(|condition| {
        let value = values.get(condition.name as usize).copied().flatten();
        match (&condition.test, value) {
            (Test::OneOf(words), Some(Value::State(word))) => words.contains(&word),
            (Test::Between(low, high), Some(Value::Number(number))) => (*low..=*high).contains(&number),
            _ => false,
        }
    })
}

/// The value of an item under the name it came under. `width` tells how to read an untyped integer.
pub(crate) fn judge(
    item: &Item,
    name: Option<usize>,
    width: ItemFlags,
    stream: &StreamPlan,
) -> Result<(u32, Value), ItemReason> {
    let at = name.ok_or(ItemReason::Undeclared)?;
    let name = stream.names.get(at).ok_or(ItemReason::Undeclared)?;
    // What the sender said and the profile does not know is kept as missing; it is not what "missing" means.
    let undeclared = item.flags.has(ItemFlags::UNDECLARED_VALUE);
    if item.value == ItemValue::Missing && !undeclared {
        return Err(ItemReason::Missing);
    }
    if item.flags.has(ItemFlags::DEVICE_FAULT) {
        return Err(ItemReason::DeviceFault);
    }
    if undeclared {
        return Err(ItemReason::ValueInvalid);
    }
    Ok((at as u32, value_of(item, width, name)?))
}

/// The declared name an item came under, for lists; empty if it has none.
pub(crate) fn field(item: &Item, stream: &StreamPlan) -> String {
    let ItemName::Text(text) = &item.name else { return String::new() };
    let declared = stream.names.iter().find(|name| &name.text == text);
    declared.map_or_else(String::new, |name| name.text.clone())
}

/// The place of an item's name in the stream. `hint` is where it is expected: senders keep their order.
pub(crate) fn name_number(item: &Item, word: u32, stream: &StreamPlan, hint: usize) -> Option<usize> {
    match &item.name {
        ItemName::Text(text) => match stream.names.get(hint) {
            Some(name) if &name.text == text => Some(hint),
            _ => stream.names.binary_search_by(|name| name.text.as_str().cmp(text)).ok(),
        },
        ItemName::Alias(_) if word != NOWHERE => stream.names.iter().position(|name| name.word == word),
        ItemName::Alias(_) | ItemName::Undeclared(_) => None,
    }
}

fn value_of(item: &Item, width: ItemFlags, name: &NamePlan) -> Result<Value, ItemReason> {
    match (&name.kind, &item.value) {
        (NameKind::Quantity { unit, default, scale, range }, ItemValue::Number(number)) => {
            let from = if item.unit.is_empty() { default } else { &item.unit };
            let number = signed(*number, item.flags, width);
            let number = if from == unit {
                number.at_scale(*scale).ok_or(ItemReason::OutOfRange)?
            } else {
                converted(number, from, unit, *scale)?
            };
            let inside = range.0 <= number && number <= range.1;
            if inside { Ok(Value::Number(number)) } else { Err(ItemReason::OutOfRange) }
        }
        (NameKind::State { states, .. }, ItemValue::State(state)) => {
            let known = states.iter().find(|(text, _)| text == state);
            known.map(|(_, word)| Value::State(*word)).ok_or(ItemReason::ValueInvalid)
        }
        (NameKind::Thing, ItemValue::State(id)) => Ok(Value::Thing(thing_hash(id))),
        _ => Err(ItemReason::ValueInvalid),
    }
}

/// A fixed hash of the id of a thing, the same on every machine.
fn thing_hash(id: &str) -> u128 {
    let half = |seed| u128::from(hash_bytes(seed, id.as_bytes()));
    (half(1) << 64) | half(2)
}

/// An integer without its type, read as its birth says.
fn signed(number: Decimal, flags: ItemFlags, width: ItemFlags) -> Decimal {
    if !flags.has(ItemFlags::INTEGER_RAW) || width == ItemFlags::default() {
        return number;
    }
    let raw = number.at_scale(0).and_then(|raw| u64::try_from(raw).ok());
    raw.map_or(number, |raw| Decimal::new(width.read_integer(raw), 0))
}

fn converted(number: Decimal, from: &str, to: &str, scale: u8) -> Result<i128, ItemReason> {
    if !nhip_profile::convertible(from, to) {
        return Err(ItemReason::UnitUnknown);
    }
    nhip_profile::convert(number, from, to, scale).ok_or(ItemReason::OutOfRange)
}
