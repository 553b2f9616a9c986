//! Counts the repeated parts of a protobuf message before anything is allocated for them: half a million
//! empty metrics fit into one mebibyte of payload.

use prost::encoding::{DecodeContext, decode_key, skip_field};

/// Whether field `tag` occurs at most `count_max` times at the top; none if the bytes are no protobuf.
pub(super) fn at_most(mut bytes: &[u8], tag: u32, count_max: usize) -> Option<bool> {
    let mut count = 0_usize;
    while !bytes.is_empty() {
        let (field, wire_type) = decode_key(&mut bytes).ok()?;
        skip_field(wire_type, field, &mut bytes, DecodeContext::default()).ok()?;
        count += usize::from(field == tag);
        if count > count_max {
            return Some(false);
        }
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_fields_are_counted_without_reading_them() {
        // Field 2, length-delimited, empty: bytes 0x12 0x00 (protobuf encoding guide, "message structure").
        let three = [0x12, 0, 0x12, 0, 0x08, 1, 0x12, 0];
        assert_eq!(at_most(&three, 2, 3), Some(true));
        assert_eq!(at_most(&three, 2, 2), Some(false));
        assert_eq!(at_most(&[0x12, 9], 2, 3), None);
    }
}
