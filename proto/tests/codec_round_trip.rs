//! Bytes and back is the identity for every record: the live path hands records on without reading them, so a
//! replay sees the same only if nothing is lost or mended on the way through the bytes.

#[path = "records/strategy.rs"]
mod strategy;

use nhip_proto::{decode_record, encode_record};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn bytes_and_back_is_the_identity(record in strategy::record()) {
        let mut bytes = vec![0xee];
        encode_record(&record, &mut bytes);
        let read = decode_record(bytes::Bytes::from(bytes).slice(1..)).expect("what was written is read");
        prop_assert_eq!(read, record);
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in vec(any::<u8>(), 0..200)) {
        // What it says of rubbish does not matter, only that it says it.
        prop_assert!(matches!(decode_record(bytes.into()), Ok(_) | Err(_)));
    }
}
