//! What a foreign dialect makes of a message: only names the stream declares get onto the sheet, whatever
//! else the sender says stays sealed.

use nhip_proto::{
    Decimal, EventTime, Item, ItemFlags, ItemName, ItemValue, Rejection, RejectionReason, Span,
};

use super::json::Json;
use super::{DecodeContext, ITEMS_MAX, PERIOD_MAX, Stamp, clear_unit, quantity_item, refuse, state_item};

/// The items of a message under way. Items between two calls of [`Sheet::reading`] are one reading: the
/// engine's filters look at them together.
pub(super) struct Sheet<'c, 'a> {
    pub(super) context: &'c DecodeContext<'a>,
    stamp: Stamp,
    items: Vec<Item>,
    overflown: bool,
}

impl<'c, 'a> Sheet<'c, 'a> {
    pub(super) fn new(context: &'c DecodeContext<'a>) -> Self {
        Self { context, stamp: Stamp::default(), items: Vec::new(), overflown: false }
    }

    /// Begins a reading; its items share this stamp.
    pub(super) fn reading(&mut self, stamp: Stamp) {
        self.stamp = stamp;
    }

    /// Whether the stream declares this quantity.
    pub(super) fn wants_quantity(&self, name: &str) -> bool {
        self.context.stream.quantities.contains_key(name)
    }

    /// Whether the stream declares this state.
    pub(super) fn wants_state(&self, name: &str) -> bool {
        self.context.stream.has_words(name)
    }

    /// A number of a quantity; `unit` is empty where the sender names none.
    pub(super) fn number(&mut self, name: &str, number: Option<Decimal>, unit: &str) {
        if self.wants_quantity(name) {
            let mut item = quantity_item(&self.stamp, self.context, name, number);
            item.unit = clear_unit(self.context, name, unit);
            // A kept message without a clock of its own: nobody knows how old the number is.
            if self.context.retained && item.event_time.is_none() {
                item.flags = item.flags.with(ItemFlags::HISTORICAL);
            }
            self.push(item);
        }
    }

    /// A whole number of a quantity in the stream's unit.
    pub(super) fn count(&mut self, name: &str, count: usize) {
        self.number(name, Some(Decimal::new(count as i128, 0)), "");
    }

    /// A state; one the stream does not list is kept as undeclared.
    pub(super) fn state(&mut self, name: &str, state: &str) {
        if self.wants_state(name) {
            let listed = self.context.stream.lists(name, state);
            // XML and JSON write truth as `true` or `1`; the profile lists one of the two.
            let other = match state {
                "1" | "true" if !listed => {
                    if state == "1" {
                        "true"
                    } else {
                        "1"
                    }
                }
                "0" | "false" if !listed => {
                    if state == "0" {
                        "false"
                    } else {
                        "0"
                    }
                }
                state => state,
            };
            self.push(state_item(&self.stamp, self.context, name, Some(other)));
        }
    }

    /// The sender says that it has no value.
    pub(super) fn missing(&mut self, name: &str) {
        if self.wants_quantity(name) || self.wants_state(name) {
            self.push(self.stamp.item(self.context, ItemName::Text(name.to_owned()), ItemValue::Missing));
        }
    }

    /// A JSON value under the quantity or state of this name. Numbers may stand in quotes; truth is 1 or 0
    /// for a quantity, a whole number is its digits for a state. What fits neither is missing and flagged.
    pub(super) fn value(&mut self, name: &str, json: &Json<'_>, unit: &str) {
        match json {
            Json::Null => self.missing(name),
            Json::Bool(truth) if self.wants_quantity(name) => {
                self.number(name, Some(Decimal::new(i128::from(*truth), 0)), unit);
            }
            Json::Bool(truth) => self.state(name, if *truth { "true" } else { "false" }),
            json if self.wants_quantity(name) => match json.loose_decimal() {
                Some(number) => self.number(name, Some(number), unit),
                None => self.unread(name),
            },
            Json::Text(state) => self.state(name, state),
            Json::Natural(number) => self.state(name, &number.to_string()),
            _ => self.unread(name),
        }
    }

    /// Something is there that a declared name cannot hold; it stays sealed.
    fn unread(&mut self, name: &str) {
        if self.wants_quantity(name) || self.wants_state(name) {
            let mut item = self.stamp.item(self.context, ItemName::Text(name.to_owned()), ItemValue::Missing);
            item.flags = ItemFlags::UNDECLARED_VALUE;
            self.push(item);
        }
    }

    fn push(&mut self, item: Item) {
        if self.items.len() < ITEMS_MAX {
            self.items.push(item);
        } else {
            self.overflown = true;
        }
    }

    /// The items; a message without any was not what the profile expects of it.
    pub(super) fn filled(self) -> Result<Vec<Item>, Rejection> {
        let items = self.any()?;
        if items.is_empty() { Err(refuse(RejectionReason::Empty, "", 0)) } else { Ok(items) }
    }

    /// The items; none is fine (an object that was no object, a device that joined).
    pub(super) fn any(self) -> Result<Vec<Item>, Rejection> {
        if self.overflown {
            return Err(refuse(RejectionReason::TooManyItems, "", ITEMS_MAX + 1));
        }
        Ok(self.items)
    }
}

/// The stamp of what lies between two times: the one the stream reads as stamp, and the length, if there is
/// any. None if the end lies before the start or further behind it than a period may.
pub(super) fn interval(context: &DecodeContext<'_>, from: EventTime, to: EventTime) -> Option<Stamp> {
    let length: Span = to.0.checked_sub(from.0).filter(|length| (0..=PERIOD_MAX).contains(length))?;
    let event_time = Some(if context.stream.stamp_is_start { from } else { to });
    Some(Stamp { event_time, period: (length > 0).then_some(length), ..Stamp::default() })
}
