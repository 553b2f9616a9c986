//! One measured or reported quantity, as it stood on the wire.

use crate::{Decimal, EventTime};

/// What a message holds beside its envelope: one quantity of one moment. Values are in the sender's unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Which quantity.
    pub name: ItemName,
    /// A Sparkplug birth binds its name to this alias.
    pub binds_alias: Option<u64>,
    /// The value.
    pub value: ItemValue,
    /// The unit as sent; empty: the stream's default.
    pub unit: String,
    /// When it happened; none: the arrival stands in.
    pub event_time: Option<EventTime>,
    /// The stretch of time the value covers, if any: start and end.
    pub period: Option<(EventTime, EventTime)>,
    /// Where it was taken, if the sender says.
    pub place: Option<Place>,
    /// BLAKE3-128 of the sender's own id of this reading.
    pub identity: Option<u128>,
    /// The sender's running number.
    pub sequence: Option<u64>,
    /// Which run of the sender the running number belongs to.
    pub boot: Option<u64>,
    /// What the sender says of the value's worth.
    pub flags: ItemFlags,
}

/// The name of an item, in the clear only if the stream declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemName {
    /// A quantity or state the stream declares.
    Text(String),
    /// A Sparkplug alias; the engine knows what it is bound to.
    Alias(u64),
    /// A name the stream does not declare, by its place in the payload; the text stays sealed.
    Undeclared(u32),
}

/// A value in the sender's unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemValue {
    /// A number with the digits it was sent with.
    Number(Decimal),
    /// One of the states the stream declares.
    State(String),
    /// The sender says it has no value: never 0.
    Missing,
}

/// A position in WGS 84, in 10⁻⁷ degrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// East is positive.
    pub longitude_e7: i32,
    /// North is positive.
    pub latitude_e7: i32,
}

/// What the sender says of a value's worth, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemFlags(pub u32);

impl ItemFlags {
    /// The device marks its own value as faulty.
    pub const DEVICE_FAULT: Self = Self(1);
    /// Sent from a store after the fact (Sparkplug `is_historical`).
    pub const HISTORICAL: Self = Self(2);
    /// The value had a state or number the stream does not declare; the text stays sealed.
    pub const UNDECLARED_VALUE: Self = Self(4);
    /// On a Sparkplug birth: integers of this metric are two's complement of 8 bits.
    pub const SIGNED_8: Self = Self(8);
    /// … of 16 bits.
    pub const SIGNED_16: Self = Self(16);
    /// … of 32 bits.
    pub const SIGNED_32: Self = Self(32);
    /// … of 64 bits.
    pub const SIGNED_64: Self = Self(64);
    /// An integer sent without its type, kept unsigned: the flags of its alias's birth tell how to read it
    /// ([`ItemFlags::read_integer`]).
    pub const INTEGER_RAW: Self = Self(128);

    /// Whether all bits of `other` are set.
    #[must_use]
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Reads an [`ItemFlags::INTEGER_RAW`] integer by these flags of its birth (Sparkplug B 3.0.0 §6.4.16: signed
    /// integers travel as two's complement in an unsigned field).
    #[must_use]
    pub fn read_integer(self, raw: u64) -> i128 {
        if self.has(Self::SIGNED_8) {
            i128::from(raw as u8 as i8)
        } else if self.has(Self::SIGNED_16) {
            i128::from(raw as u16 as i16)
        } else if self.has(Self::SIGNED_32) {
            i128::from(raw as u32 as i32)
        } else if self.has(Self::SIGNED_64) {
            i128::from(raw as i64)
        } else {
            i128::from(raw)
        }
    }

    /// Both sets of bits.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Item {
    /// An item that says nothing but a name and a value.
    #[must_use]
    pub fn bare(name: ItemName, value: ItemValue) -> Self {
        Self {
            name,
            binds_alias: None,
            value,
            unit: String::new(),
            event_time: None,
            period: None,
            place: None,
            identity: None,
            sequence: None,
            boot: None,
            flags: ItemFlags::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_by_the_width_of_their_birth() {
        // Encoders send Int8 −1 as 255 or as 4294967295.
        assert_eq!(ItemFlags::SIGNED_8.read_integer(255), -1);
        assert_eq!(ItemFlags::SIGNED_8.read_integer(4_294_967_295), -1);
        assert_eq!(ItemFlags::SIGNED_16.read_integer(65_531), -5);
        assert_eq!(ItemFlags::SIGNED_32.read_integer(4_294_967_291), -5);
        assert_eq!(ItemFlags::SIGNED_64.read_integer(u64::MAX), -1);
        assert_eq!(ItemFlags::default().read_integer(4_294_967_291), 4_294_967_291);
    }
}
