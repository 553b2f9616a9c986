//! Canonical bytes: the one way each state is written, for snapshots and their digests.

use std::collections::{BTreeMap, VecDeque};

use crate::SnapshotError;

/// Reads what [`Pack::pack`] wrote.
pub(crate) struct Input<'a> {
    rest: &'a [u8],
}

/// A value with one way to be written.
pub(crate) trait Pack: Sized {
    fn pack(&self, out: &mut Vec<u8>);
    /// # Errors
    /// [`SnapshotError::Damaged`] if the bytes hold no such value.
    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError>;
}

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], SnapshotError> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(SnapshotError::Damaged)?;
        self.rest = rest;
        Ok(head)
    }

    /// A length that the rest can hold: no allocation larger than the input.
    fn length(&mut self) -> Result<usize, SnapshotError> {
        let length = usize::try_from(u64::unpack(self)?).map_err(|_| SnapshotError::Damaged)?;
        if length > self.rest.len() { Err(SnapshotError::Damaged) } else { Ok(length) }
    }
}

/// Writes and reads a struct field by field.
macro_rules! pack_fields {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::pack::Pack for $name {
            fn pack(&self, out: &mut Vec<u8>) {
                $($crate::pack::Pack::pack(&self.$field, out);)*
            }
            fn unpack(input: &mut $crate::pack::Input<'_>) -> Result<Self, $crate::SnapshotError> {
                Ok(Self { $($field: $crate::pack::Pack::unpack(input)?,)* })
            }
        }
    };
}
pub(crate) use pack_fields;

impl Pack for u128 {
    fn pack(&self, out: &mut Vec<u8>) {
        let mut rest = *self;
        while rest >= 0x80 {
            out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let mut number = 0;
        for shift in (0..128).step_by(7) {
            let [byte] = input.take(1)? else { return Err(SnapshotError::Damaged) };
            number |= Self::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(SnapshotError::Damaged)
    }
}

impl Pack for i128 {
    fn pack(&self, out: &mut Vec<u8>) {
        (((*self << 1) ^ (*self >> 127)) as u128).pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let number = u128::unpack(input)?;
        Ok((number >> 1) as Self ^ -((number & 1) as Self))
    }
}

impl Pack for u64 {
    fn pack(&self, out: &mut Vec<u8>) {
        let mut rest = *self;
        while rest >= 0x80 {
            out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        Self::try_from(u128::unpack(input)?).map_err(|_| SnapshotError::Damaged)
    }
}

impl Pack for i64 {
    fn pack(&self, out: &mut Vec<u8>) {
        (((*self << 1) ^ (*self >> 63)) as u64).pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let number = u64::unpack(input)?;
        Ok((number >> 1) as Self ^ -((number & 1) as Self))
    }
}

macro_rules! pack_small {
    ($($type:ty),*) => {$(
        impl Pack for $type {
            fn pack(&self, out: &mut Vec<u8>) {
                u64::from(*self).pack(out);
            }
            fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
                Self::try_from(u64::unpack(input)?).map_err(|_| SnapshotError::Damaged)
            }
        }
    )*};
}
pack_small!(u8, u32);

impl Pack for bool {
    fn pack(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        match input.take(1)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(SnapshotError::Damaged),
        }
    }
}

impl Pack for String {
    fn pack(&self, out: &mut Vec<u8>) {
        (self.len() as u64).pack(out);
        out.extend_from_slice(self.as_bytes());
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let length = input.length()?;
        let text = std::str::from_utf8(input.take(length)?).map_err(|_| SnapshotError::Damaged)?;
        Ok(text.to_owned())
    }
}

impl<const N: usize> Pack for [u8; N] {
    fn pack(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        input.take(N)?.try_into().map_err(|_| SnapshotError::Damaged)
    }
}

impl<T: Pack> Pack for Option<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.is_some().pack(out);
        if let Some(value) = self {
            value.pack(out);
        }
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        if bool::unpack(input)? { T::unpack(input).map(Some) } else { Ok(None) }
    }
}

impl<T: Pack> Pack for Box<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.as_ref().pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        T::unpack(input).map(Self::new)
    }
}

impl<T: Pack> Pack for Vec<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        (self.len() as u64).pack(out);
        self.iter().for_each(|value| value.pack(out));
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let length = input.length()?;
        (0..length).map(|_| T::unpack(input)).collect()
    }
}

impl<T: Pack> Pack for VecDeque<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        (self.len() as u64).pack(out);
        self.iter().for_each(|value| value.pack(out));
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        Vec::unpack(input).map(Self::from)
    }
}

impl<K: Pack + Ord, V: Pack> Pack for BTreeMap<K, V> {
    fn pack(&self, out: &mut Vec<u8>) {
        (self.len() as u64).pack(out);
        for (key, value) in self {
            key.pack(out);
            value.pack(out);
        }
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let length = input.length()?;
        (0..length).map(|_| Ok((K::unpack(input)?, V::unpack(input)?))).collect()
    }
}

macro_rules! pack_tuple {
    ($($name:ident $at:tt),*) => {
        impl<$($name: Pack),*> Pack for ($($name,)*) {
            fn pack(&self, out: &mut Vec<u8>) {
                $(self.$at.pack(out);)*
            }
            fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
                Ok(($($name::unpack(input)?,)*))
            }
        }
    };
}
pack_tuple!(A 0, B 1);
pack_tuple!(A 0, B 1, C 2, D 3);

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back<T: Pack + PartialEq + std::fmt::Debug>(value: &T) {
        let mut bytes = Vec::new();
        value.pack(&mut bytes);
        let mut input = Input::new(&bytes);
        assert_eq!(&T::unpack(&mut input).expect("what was written"), value);
        assert!(input.is_empty());
        for cut in 0..bytes.len() {
            assert!(T::unpack(&mut Input::new(&bytes[..cut])).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn every_value_comes_back_and_no_cut_one_does() {
        for number in [0, 1, -1, 63, -64, i64::MIN, i64::MAX] {
            there_and_back(&number);
            there_and_back(&i128::from(number));
        }
        there_and_back(&i128::MIN);
        there_and_back(&i128::MAX);
        there_and_back(&u128::MAX);
        there_and_back(&vec![(1_u32, "một".to_owned()), (2, String::new())]);
        there_and_back(&Some(BTreeMap::from([(1_u64, [7_u8; 4])])));
    }

    #[test]
    fn a_length_beyond_the_input_allocates_nothing() {
        let mut bytes = Vec::new();
        u64::MAX.pack(&mut bytes);
        assert!(Vec::<u64>::unpack(&mut Input::new(&bytes)).is_err());
    }
}
