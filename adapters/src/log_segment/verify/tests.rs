//! Every single flipped bit of a sealed segment is found, by `verify` and by reading.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use nhip_ports::{EventLog as _, LogError, ReadLimit};
use nhip_proto::{ArrivalTime, Gap, GapCause, Offset, Origin, Record};

use super::super::format::{FRAME_HEADER_BYTES, FrameKind};
use super::super::frames::{Found, SegmentBytes};
use super::super::{LogConfig, LogIdentity, LogOpenError, SegmentLog, directory, walk};
use super::verify;
use crate::log_segment::files::Places;

const SEGMENT_BYTES: u64 = 64 << 10;

fn record(number: u64) -> Record {
    let at = ArrivalTime(number.cast_signed());
    let principal = "x".repeat(700);
    Record::Gap(Gap { at, cause: GapCause::Downtime, from: at, to: at, principal, lost: number })
}

/// A log whose first segment is full and sealed.
fn write_log(dir: &Path) -> LogIdentity {
    let identity = LogIdentity { installation: [3; 16], node: "n".to_owned(), origin: Origin::Replayed };
    let config = LogConfig {
        segment_bytes: SEGMENT_BYTES,
        segment_first_bytes: SEGMENT_BYTES,
        reserve_bytes: 0,
        ..LogConfig::default()
    };
    let (log, _) = SegmentLog::open(dir, &identity, config).expect("a new log");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        for group in 0..12 {
            let commit = log.append((group * 8..group * 8 + 8).map(record).collect()).await.expect("taken");
            commit.durable().await.expect("durable");
        }
    });
    identity
}

/// Flips the bits of `bytes`, one at a time.
fn flip_each(dir: &Path, bytes: std::ops::Range<u64>) {
    let identity = write_log(dir);
    let segments = directory::segments(dir, &identity).expect("segments");
    let sealed = segments.first().expect("a sealed segment");
    assert!(segments.len() > 1, "the first segment must be sealed");
    let frames = frames(&sealed.path, sealed.seed);
    let file = OpenOptions::new().read(true).write(true).open(&sealed.path).expect("the segment");
    for byte in bytes {
        let mut original = [0];
        file.read_exact_at(&mut original, byte).expect("a byte");
        let frame = frames.iter().find(|(start, end, _)| (*start..*end).contains(&byte));
        for bit in 0..8_u64 {
            let [right] = original;
            file.write_all_at(&[right ^ (1 << bit)], byte).expect("flipped");
            let found = if byte < 512 {
                verify(dir).map(|_| ()).map_err(|error| match error {
                    LogOpenError::Log(error) => error,
                    other => panic!("byte {byte} bit {bit}: {other}"),
                })
            } else {
                walk::walk(&segments, None, &mut |_, _| {}).map(|_| ())
            };
            assert!(matches!(found, Err(LogError::Damaged { .. })), "byte {byte} bit {bit}: {found:?}");
            // The same checksums, met by another path: one bit of each byte shows that it tests them.
            if let Some((start, _, Some(offset))) = frame.filter(|_| bit == byte % 8) {
                let places = Places::new(segments.clone());
                places.remember(*offset, 0, *start);
                let limit = ReadLimit { records_max: 1, bytes_max: 1 };
                let read = places.read(*offset, *offset + 1, limit);
                assert!(matches!(read, Err(LogError::Damaged { .. })), "byte {byte} bit {bit}: read");
            }
        }
        file.write_all_at(&original, byte).expect("flipped back");
    }
    assert!(verify(dir).is_ok(), "whole again");
}

/// Start, end and, for records, offset of every frame.
fn frames(path: &Path, seed: u32) -> Vec<(u64, u64, Option<u64>)> {
    let mut bytes = SegmentBytes::open(path, seed, 1 << 16).expect("the segment");
    let (mut at, mut frames) = (512, Vec::new());
    while let Found::Frame(frame) = bytes.frame(at).expect("readable") {
        assert!(frame.raw.len() > FRAME_HEADER_BYTES);
        frames.push((at, frame.next, (frame.kind == FrameKind::Record).then_some(frame.offset)));
        at = frame.next;
    }
    frames
}

#[test]
fn every_flipped_bit_is_found() {
    let parts: Vec<_> = (0..2)
        .map(|part| {
            std::thread::spawn(move || {
                let memory = Path::new("/dev/shm");
                let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
                flip_each(
                    dir.expect("a directory").path(),
                    part * SEGMENT_BYTES / 2..(part + 1) * SEGMENT_BYTES / 2,
                );
            })
        })
        .collect();
    for part in parts {
        assert!(part.join().is_ok(), "a flipped bit was not found");
    }
}

#[test]
fn a_record_read_out_of_a_damaged_log_says_where() {
    let dir = tempfile::tempdir().expect("a directory");
    let identity = write_log(dir.path());
    let segments = directory::segments(dir.path(), &identity).expect("segments");
    let file = OpenOptions::new().write(true).open(&segments[0].path).expect("the segment");
    file.write_all_at(b"?", 512 + 24 + 100).expect("damaged");
    let limit = ReadLimit { records_max: 10, bytes_max: 1 << 20 };
    let read = Places::new(segments).read(0, 10, limit);
    let Err(LogError::Damaged { offset, byte, .. }) = read else { panic!("{read:?}") };
    assert_eq!((Offset(offset), byte), (Offset(0), 512));
}
