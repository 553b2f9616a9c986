//! Recovery keeps the longest run of whole groups, never less than the durable mark; once is enough.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use nhip_adapters::{LogFiles, LogIdentity, LogOpenError, RecoveryReport, SegmentLog, verify_log};
use nhip_ports::{EventLog as _, LogError, ReadLimit};
use nhip_proto::{Offset, Origin, Record, encode_record};

use crate::stage;

/// From docs/log-format.md: segment header, frame header, commit frame.
const HEADER: u64 = 512;
const FRAME: u64 = 24;
const COMMIT: u64 = 68;

fn batches() -> Vec<Vec<Record>> {
    let sizes = [1_usize, 3, 1, 2, 5, 1, 1];
    let record =
        |batch: usize, number: usize| stage::record((batch * 10 + number) as u64, batch * 17 % 40 + number);
    sizes.iter().enumerate().map(|(batch, size)| (0..*size).map(|n| record(batch, n)).collect()).collect()
}

/// Where each batch's group ends in the first segment.
fn ends(batches: &[Vec<Record>]) -> Vec<u64> {
    let mut at = HEADER;
    let group = |batch: &Vec<Record>| {
        let frames = batch.iter().map(|record| {
            let mut bytes = Vec::new();
            encode_record(record, &mut bytes);
            FRAME + bytes.len() as u64
        });
        frames.sum::<u64>() + COMMIT
    };
    batches
        .iter()
        .map(|batch| {
            at += group(batch);
            at
        })
        .collect()
}

/// A log whose mark stands behind the first three of its groups.
async fn marked_at_three(dir: &Path) {
    let batches = batches();
    let (marked, unmarked) = batches.split_at(3);
    stage::write(&stage::open(dir), marked).await;
    let mark = fs::read(dir.join("mark")).expect("the mark");
    stage::write(&stage::open(dir), unmarked).await;
    fs::write(dir.join("mark"), mark).expect("the older mark put back");
}

fn reopen(dir: &Path) -> Result<RecoveryReport, LogOpenError> {
    SegmentLog::open(dir, &stage::identity(), stage::small()).map(|(_, report)| report)
}

#[tokio::test]
async fn a_log_cut_off_at_any_byte_keeps_its_whole_groups() {
    let original = stage::quick_dir();
    marked_at_three(original.path()).await;
    let (batches, ends) = (batches(), ends(&batches()));
    let whole = fs::read(stage::file(original.path(), ".seg")).expect("the segment");
    let (mark_byte, data_end) = (ends[2], ends[ends.len() - 1]);
    for length in (0..data_end + 40).chain([8191, 8192]) {
        let copy = stage::quick_dir();
        stage::copy(original.path(), copy.path());
        let segment = stage::file(copy.path(), ".seg");
        fs::OpenOptions::new().write(true).open(&segment).expect("it").set_len(length).expect("cut off");
        let opened = reopen(copy.path());
        if length < mark_byte {
            assert!(
                matches!(opened, Err(LogOpenError::Log(LogError::Damaged { .. }))),
                "{length}: {opened:?}"
            );
            assert_eq!(
                fs::metadata(&segment).expect("it").len(),
                length,
                "{length}: damage is left as it is"
            );
            continue;
        }
        let report = opened.unwrap_or_else(|error| panic!("cut off at {length}: {error}"));
        let groups = ends.iter().filter(|end| **end <= length).count();
        let records: usize = batches.iter().take(groups).map(Vec::len).sum();
        assert_eq!(report.records, records as u64, "cut off at {length}");
        check_cut(&report, &whole, ends[groups - 1], length.min(data_end));
        let again = reopen(copy.path()).unwrap_or_else(|error| panic!("again at {length}: {error}"));
        assert_eq!((again.records, again.cut_bytes), (report.records, 0), "opening again changes nothing");
        assert_eq!(verify_log(copy.path()).expect("whole again").records, report.records, "{length}");
    }
}

/// The bytes that were cut are beside the log.
fn check_cut(report: &RecoveryReport, whole: &[u8], from: u64, to: u64) {
    let torn = &whole[from as usize..to as usize];
    let torn = &torn[..torn.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)];
    assert_eq!(report.cut_bytes, torn.len() as u64, "what is cut is told");
    let kept = report.cut_file.as_ref().map(|path| fs::read(path).expect("the kept bytes"));
    assert_eq!(kept.unwrap_or_default(), torn, "and kept");
}

/// Pages of one group reach the disk in any order: the commit may be there and a page before it not.
#[tokio::test]
async fn a_last_group_with_a_hole_is_cut_and_an_earlier_one_is_damage() {
    let dir = stage::quick_dir();
    marked_at_three(dir.path()).await;
    let ends = ends(&batches());
    let segment = stage::file(dir.path(), ".seg");
    let hole = |group: usize, at: u64| {
        let copy = stage::quick_dir();
        stage::copy(dir.path(), copy.path());
        let file = fs::OpenOptions::new().write(true).open(stage::file(copy.path(), ".seg")).expect("it");
        file.write_all_at(&[0; 20], ends[group - 1] + at).expect("a hole");
        let report = reopen(copy.path());
        (copy, report)
    };
    let last = ends.len() - 1;
    for at in [0, 10, 30] {
        let (copy, report) = hole(last, at);
        let report = report.unwrap_or_else(|error| panic!("hole at {at}: {error}"));
        assert_eq!(report.records, 13, "the torn group is gone, the others stay");
        stage::write(&stage::open(copy.path()), &[vec![stage::record(99, 9)]]).await;
        assert_eq!(verify_log(copy.path()).expect("whole").records, 14, "and the log goes on");
        let (_copy, report) = hole(last - 2, at);
        let Err(LogOpenError::Log(LogError::Damaged { offset, byte, .. })) = report else {
            panic!("a hole before a valid commit is damage: {report:?}")
        };
        assert_eq!(offset, 7, "damage names the first offset that cannot be trusted");
        assert!(byte >= ends[last - 3] && byte < ends[last - 2], "and the byte: {byte}");
    }
    drop(segment);
}

#[tokio::test]
async fn a_flipped_bit_below_the_mark_refuses_the_start() {
    let dir = stage::quick_dir();
    marked_at_three(dir.path()).await;
    let mark_byte = ends(&batches())[2];
    let segment = stage::file(dir.path(), ".seg");
    let bytes = fs::read(&segment).expect("the segment");
    for byte in (0..mark_byte as usize).step_by(7) {
        let mut flipped = bytes.clone();
        flipped[byte] ^= 1 << (byte % 8);
        fs::write(&segment, &flipped).expect("flipped");
        let opened = reopen(dir.path());
        assert!(matches!(opened, Err(LogOpenError::Log(LogError::Damaged { .. }))), "{byte}: {opened:?}");
        assert_eq!(fs::read(&segment).expect("it"), flipped, "nothing was changed");
    }
}

#[tokio::test]
async fn a_missing_segment_or_a_broken_mark_refuses_the_start() {
    let dir = stage::quick_dir();
    let batches: Vec<Vec<Record>> = (0..40).map(|number| vec![stage::record(number, 600)]).collect();
    stage::write(&stage::open(dir.path()), &batches).await;
    let newest = stage::file(dir.path(), ".seg");
    let kept = fs::read(&newest).expect("the newest segment");
    fs::remove_file(&newest).expect("lost");
    assert!(matches!(reopen(dir.path()), Err(LogOpenError::Log(LogError::Damaged { .. }))), "a lost segment");
    fs::write(&newest, kept).expect("found again");
    assert_eq!(reopen(dir.path()).expect("whole").records, 40);
    fs::write(dir.path().join("mark"), vec![7; 8192]).expect("rubbish");
    assert!(matches!(reopen(dir.path()), Err(LogOpenError::Log(LogError::Damaged { .. }))), "a broken mark");
}

#[tokio::test]
async fn another_identity_or_a_second_opening_is_refused() {
    let dir = stage::quick_dir();
    let log = stage::open(dir.path());
    assert!(matches!(reopen(dir.path()), Err(LogOpenError::Locked(_))), "the directory is locked");
    drop(log);
    let mine = stage::identity();
    let others = [
        (LogIdentity { origin: Origin::Simulated, ..mine.clone() }, "origin machine"),
        (LogIdentity { node: "nút-2".to_owned(), ..mine.clone() }, "node nút-1"),
        (LogIdentity { installation: [9; 16], ..mine }, "installation 30313233343536373839616263646566"),
    ];
    for (other, found) in others {
        let error = SegmentLog::open(dir.path(), &other, stage::small()).err().expect("another log");
        assert!(error.to_string().contains(found), "{error}");
    }
}

#[tokio::test]
async fn reading_spans_segments_restarts_and_memory() {
    let dir = stage::quick_dir();
    let batches: Vec<Vec<Record>> = (0..300)
        .map(|number| vec![stage::record(number * 2, 90), stage::record(number * 2 + 1, 10)])
        .collect();
    let (early, late) = batches.split_at(200);
    stage::write(&stage::open(dir.path()), early).await;
    let log = stage::open(dir.path());
    stage::write(&log, late).await;
    let want: Vec<Record> = batches.into_iter().flatten().collect();
    for limit in [1, 7, 1000] {
        let limit = ReadLimit { records_max: limit, bytes_max: 1 << 20 };
        let mut read = Vec::new();
        loop {
            let batch = log.read(Offset(read.len() as u64), limit).await.expect("readable");
            if batch.is_empty() {
                break;
            }
            assert!(batch.len() <= limit.records_max.max(1));
            read.extend(batch.iter().map(|logged| logged.record.clone()));
        }
        assert_eq!(read, want);
    }
    log.close();
    let files = LogFiles::open(dir.path()).expect("a log");
    assert_eq!((files.first(), files.end(), files.identity()), (Offset(0), Offset(600), &stage::identity()));
    let one = files.read(Offset(599), ReadLimit { records_max: 5, bytes_max: 1 }).expect("the last one");
    assert_eq!(one.first().map(|logged| &logged.record), want.last());
    assert!(matches!(log.append(vec![stage::record(0, 0)]).await, Err(LogError::Closed)), "closed");
}

/// One huge batch is one group, in a segment of its own.
#[tokio::test]
async fn a_batch_larger_than_a_segment_is_taken_whole() {
    let dir = stage::quick_dir();
    let log = stage::open(dir.path());
    let huge: Vec<Record> = (0..30).map(|number| stage::record(number, 10_000)).collect();
    stage::write(&log, &[vec![stage::record(0, 1)], huge, vec![stage::record(1, 1)]]).await;
    drop(log);
    let report = verify_log(dir.path()).expect("whole");
    assert_eq!((report.records, report.groups), (32, 3));
}
