//! The virtual partition of a source: fixed for ever, because it is written in every record.

use crate::SourceId;

/// How many virtual partitions there are.
pub const PARTITIONS: u8 = 64;

/// The first eight bytes of BLAKE3 of the source id in NFC, read big-endian, modulo 64.
#[must_use]
pub fn partition_of(source: &SourceId) -> u8 {
    let hash = blake3::hash(source.as_str().as_bytes());
    let (head, _) = hash.as_bytes().split_at(8);
    let number = head.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    (number % u64::from(PARTITIONS)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composed_and_decomposed_names_share_a_partition() {
        assert_eq!(SourceId::new("trạm-1"), SourceId::new("tra\u{323}m-1"));
        assert_eq!(partition_of(&SourceId::new("trạm-1")), partition_of(&SourceId::new("tra\u{323}m-1")));
    }

    #[test]
    fn partitions_are_fixed_for_ever() {
        // Computed once with b3sum and bc; a change here would orphan every log ever written.
        assert_eq!(partition_of(&SourceId::new("")), 0xaf1349b9f5f9a1a6_u64 as u8 % 64);
    }
}
