//! The hot path against the library's own packet types, on generated and mutated bytes.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use mqtt_protocol_core::mqtt::packet::{Property, Qos, v3_1_1, v5_0};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::{Frame, Publish, kind, next_frame, write_codes, write_puback, write_publish};
use crate::mqtt_endpoint::packet::{read_connect, read_disconnect, read_subscribe, read_unsubscribe};

const BYTES_MAX: usize = 1 << 20;

fn frame_of(bytes: &[u8]) -> Frame {
    next_frame(&mut BytesMut::from(bytes), BYTES_MAX).expect("well formed").expect("whole")
}

/// A library PUBLISH as a judge: what it reads, or none if it refuses.
fn judge(frame: &Frame, version_5: bool) -> Option<(u8, bool, u16, String, u16, String, Vec<u8>)> {
    let body: std::sync::Arc<[u8]> = frame.body.to_vec().into();
    let number = |qos| match qos {
        Qos::AtMostOnce => 0,
        Qos::AtLeastOnce => 1,
        Qos::ExactlyOnce => 2,
    };
    if version_5 {
        let (publish, _) = v5_0::Publish::parse(frame.flags, body).ok()?;
        let alias = publish.props().iter().find_map(|property| match property {
            Property::TopicAlias(alias) => Some(alias.val()),
            _ => None,
        });
        let content = publish.props().iter().find_map(|property| match property {
            Property::ContentType(content) => Some(content.val().to_owned()),
            _ => None,
        });
        Some((
            number(publish.qos()),
            publish.dup(),
            publish.packet_id().unwrap_or(0),
            publish.topic_name().to_owned(),
            alias.unwrap_or(0),
            content.unwrap_or_default(),
            publish.payload().as_slice().to_vec(),
        ))
    } else {
        let (publish, _) = v3_1_1::Publish::parse(frame.flags, body).ok()?;
        Some((
            number(publish.qos()),
            publish.dup(),
            publish.packet_id().unwrap_or(0),
            publish.topic_name().to_owned(),
            0,
            String::new(),
            publish.payload().as_slice().to_vec(),
        ))
    }
}

/// Some valid packets to mutate.
fn seeds() -> Vec<Vec<u8>> {
    let hex = |text: &str| -> Vec<u8> {
        let clean: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        clean
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex"))
            .collect()
    };
    vec![
        // CONNECT 3.1.1 "ab", will w/x, user u, password p; CONNECT 5 with properties.
        hex("10 1b 0004 4d515454 04 c6 003c 0002 6162 0001 77 0002 7879 0001 75 0001 70"),
        hex("10 17 0004 4d515454 05 02 003c 08 21 0014 27 00001000 0002 6162"),
        // PUBLISH QoS 0, 1 (3.1.1), QoS 1 with alias and content type (5).
        hex("30 07 0003 612f62 6869"),
        hex("32 09 0003 612f62 0007 6869"),
        hex("32 14 0003 612f62 0007 0a 23 0001 03 0004 6a736f6e 68 69"),
        // SUBSCRIBE 3.1.1, 5; UNSUBSCRIBE; PINGREQ; DISCONNECT 5.
        hex("82 08 0001 0003 612f62 01"),
        hex("82 09 0001 00 0003 612f62 01"),
        hex("a2 07 0001 0003 612f62"),
        hex("c0 00"),
        hex("e0 02 04 00"),
    ]
}

/// Feeds bytes through every reader of the endpoint.
fn read_everything(bytes: &[u8]) {
    for bytes_max in [64, BYTES_MAX] {
        let mut buffer = BytesMut::from(bytes);
        while let Ok(Some(frame)) = next_frame(&mut buffer, bytes_max) {
            for version_5 in [false, true] {
                black_box(Publish::read(&frame, version_5).is_ok());
                black_box(read_subscribe(&frame, version_5).is_ok());
                black_box(read_unsubscribe(&frame, version_5).is_ok());
                black_box(read_disconnect(&frame, version_5).is_ok());
            }
            black_box(read_connect(&frame).is_ok());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_everything(&bytes);
        for version_5 in [false, true] {
            for kind in 0..16_u8 {
                let flags = bytes.first().copied().unwrap_or(0) & 15;
                let frame = Frame { kind, flags, body: bytes.clone().into() };
                black_box(Publish::read(&frame, version_5).is_ok());
                black_box(read_subscribe(&frame, version_5).is_ok());
                black_box(read_unsubscribe(&frame, version_5).is_ok());
                black_box(read_disconnect(&frame, version_5).is_ok());
                black_box(read_connect(&frame).is_ok());
            }
        }
    }

    #[test]
    fn no_mutation_makes_it_panic(
        seed in proptest::sample::select(seeds()),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = seed;
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        read_everything(&bytes);
        bytes.truncate(cut.index(bytes.len()) + 1);
        read_everything(&bytes);
    }

    #[test]
    fn it_reads_a_publish_as_the_library_does(
        seed in 2_usize..5,
        changes in proptest::collection::vec((2_usize..22, any::<u8>()), 0..3),
        flags in 0_u8..16,
        version_5 in any::<bool>(),
    ) {
        let mut bytes = seeds()[seed].clone();
        for (place, value) in changes {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = value;
            }
        }
        let frame = Frame { flags, ..frame_of(&bytes) };
        if let Ok(ours) = Publish::read(&frame, version_5) {
            let theirs = judge(&frame, version_5);
            let ours = (
                ours.qos, ours.dup, ours.packet_id, ours.topic, ours.alias, ours.content_type,
                ours.payload.to_vec(),
            );
            // The library judges topic names too; the endpoint does so after resolving aliases.
            let named = !ours.3.is_empty() && !ours.3.contains(['+', '#']);
            if named {
                prop_assert_eq!(Some(ours), theirs);
            }
        }
    }

    #[test]
    fn a_stream_cut_anywhere_gives_the_same_frames(step in 1_usize..9) {
        let stream: Vec<u8> = seeds().concat();
        let mut buffer = BytesMut::new();
        let mut frames = Vec::new();
        for piece in stream.chunks(step) {
            buffer.extend_from_slice(piece);
            while let Some(frame) = next_frame(&mut buffer, BYTES_MAX).expect("well formed") {
                frames.push(frame);
            }
        }
        let kinds: Vec<u8> = frames.iter().map(|frame| frame.kind).collect();
        prop_assert_eq!(kinds, vec![1, 1, 3, 3, 3, 8, 8, 10, 12, 14]);
        prop_assert!(buffer.is_empty());
    }
}

#[test]
fn what_it_writes_the_library_reads() {
    let mut out = BytesMut::new();
    write_puback(&mut out, 0x1234, 0);
    write_puback(&mut out, 0x1235, 0x87);
    let first = frame_of(&out);
    assert_eq!((first.kind, first.flags), (kind::PUBACK, 0));
    assert_eq!(v3_1_1::Puback::parse(&first.body).expect("puback").0.packet_id(), 0x1234);
    assert_eq!(v5_0::Puback::parse(&first.body).expect("puback").0.packet_id(), 0x1234);
    let second = frame_of(&out[4..]);
    let second = v5_0::Puback::parse(&second.body).expect("puback").0;
    assert_eq!((second.packet_id(), second.reason_code().map(|code| code as u8)), (0x1235, Some(0x87)));

    for (version_5, packet_id) in [(false, None), (false, Some(9)), (true, None), (true, Some(9))] {
        let mut out = BytesMut::new();
        assert!(write_publish(&mut out, "a/b", &[7; 300], packet_id, version_5, BYTES_MAX));
        let frame = frame_of(&out);
        let read = judge(&frame, version_5).expect("a publish");
        assert_eq!((read.0, read.2), (u8::from(packet_id.is_some()), packet_id.unwrap_or(0)));
        assert_eq!((read.3.as_str(), read.6.as_slice()), ("a/b", [7; 300].as_slice()));
    }
    let mut out = BytesMut::new();
    assert!(!write_publish(&mut out, "a/b", &[7; 300], None, true, 200), "larger than the client takes");
    assert!(out.is_empty());

    let mut out = BytesMut::new();
    write_codes(&mut out, kind::SUBSCRIBE + 1, 5, &[1, 0x80], false);
    let suback = v3_1_1::Suback::parse(&frame_of(&out).body).expect("suback").0;
    assert_eq!((suback.packet_id(), suback.return_codes().len(), suback.size()), (5, 2, out.len()));
    let mut out = BytesMut::new();
    write_codes(&mut out, kind::SUBSCRIBE + 1, 5, &[1, 0x87, 0x9E], true);
    let suback = v5_0::Suback::parse(&frame_of(&out).body).expect("suback").0;
    assert_eq!((suback.packet_id(), suback.reason_codes().len(), suback.size()), (5, 3, out.len()));
}

#[test]
fn a_frame_too_large_is_refused_before_it_is_there() {
    // A PUBLISH that announces 268,435,455 bytes, and one whose length never ends.
    let mut announced = BytesMut::from([0x30, 0xFF, 0xFF, 0xFF, 0x7F].as_slice());
    assert!(next_frame(&mut announced, BYTES_MAX).is_err());
    let mut endless = BytesMut::from([0x30, 0xFF, 0xFF, 0xFF, 0xFF].as_slice());
    assert!(next_frame(&mut endless, usize::MAX).is_err());
    let mut short = BytesMut::from([0x30, 0xFF, 0xFF].as_slice());
    assert_eq!(next_frame(&mut short, BYTES_MAX), Ok(None));
    let frame = Frame { kind: kind::PUBLISH, flags: 2, body: Bytes::from_static(&[0, 1, b'a', 0, 0]) };
    assert!(Publish::read(&frame, false).is_err(), "packet id 0 at QoS 1");
    let frame = Frame { kind: kind::PUBLISH, flags: 0b1000, body: Bytes::from_static(&[0, 1, b'a']) };
    assert!(Publish::read(&frame, false).is_err(), "DUP at QoS 0");
}
