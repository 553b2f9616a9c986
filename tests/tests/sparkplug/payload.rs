//! Sparkplug B payloads, encoded by hand from the field numbers of the specification (3.0.0 §6.4).

use nhip_proto::{ArrivalTime, MILLISECOND};

/// Datatypes of §6.4.16.
const UINT64: u64 = 8;
const DOUBLE: u64 = 10;
const TEXT: u64 = 12;

/// One metric.
pub(crate) struct Metric {
    bytes: Vec<u8>,
}

impl Metric {
    pub(crate) fn named_whole(name: &str, value: u64) -> Self {
        Self::of(&[field_bytes(1, name.as_bytes()), field(4, UINT64), field(11, value)])
    }

    pub(crate) fn named_text(name: &str, value: &str) -> Self {
        Self::of(&[field_bytes(1, name.as_bytes()), field(4, TEXT), field_bytes(15, value.as_bytes())])
    }

    pub(crate) fn named_number(name: &str, value: f64) -> Self {
        Self::of(&[field_bytes(1, name.as_bytes()), field(4, DOUBLE), field_double(13, value)])
    }

    pub(crate) fn alias_text(alias: u64, value: &str) -> Self {
        Self::of(&[field(2, alias), field(4, TEXT), field_bytes(15, value.as_bytes())])
    }

    pub(crate) fn alias_number(alias: u64, value: f64) -> Self {
        Self::of(&[field(2, alias), field(4, DOUBLE), field_double(13, value)])
    }

    /// A birth's metric binds its name to an alias.
    pub(crate) fn bound_to(mut self, alias: u64) -> Self {
        self.bytes.extend(field(2, alias));
        self
    }

    fn of(fields: &[Vec<u8>]) -> Self {
        Self { bytes: fields.concat() }
    }
}

/// A whole payload.
pub(crate) fn payload(at: Option<ArrivalTime>, sequence: Option<u64>, metrics: &[Metric]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(at.iter().flat_map(|at| field(1, (at.0 / MILLISECOND).unsigned_abs())));
    bytes.extend(metrics.iter().flat_map(|metric| field_bytes(2, &metric.bytes)));
    bytes.extend(sequence.iter().flat_map(|sequence| field(3, *sequence)));
    bytes
}

fn field(number: u64, value: u64) -> Vec<u8> {
    [varint(number << 3), varint(value)].concat()
}

fn field_bytes(number: u64, value: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}

fn field_double(number: u64, value: f64) -> Vec<u8> {
    [varint(number << 3 | 1), value.to_le_bytes().to_vec()].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 128 {
        bytes.push((value % 128) as u8 | 0x80);
        value /= 128;
    }
    bytes.push(value as u8);
    bytes
}
