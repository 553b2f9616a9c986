//! The promises of [`EventLog`]: order, no gaps, nothing before it is durable, limits, waiting for the tail, trimming.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use nhip_proto::{ArrivalTime, Gap, GapCause, Logged, Offset, Record, Tick};
use tokio::time::timeout;

use crate::{Appended, EventLog, LogError, ReadLimit};

/// How long a commit may take on a slow disk.
const COMMIT_MAX: Duration = Duration::from_secs(30);
const ALL: ReadLimit = ReadLimit { records_max: usize::MAX, bytes_max: usize::MAX };

/// Runs every promise against empty logs made by `make`.
pub async fn all(make: impl Fn() -> Box<dyn EventLog>) {
    an_empty_log_says_so(make().as_ref()).await;
    offsets_have_no_gaps(make().as_ref()).await;
    batches_stand_in_the_order_of_entry(make().as_ref()).await;
    what_is_settled_is_read_back_equal(make().as_ref()).await;
    reads_keep_their_limits(make().as_ref()).await;
    a_reader_can_start_anywhere(make().as_ref()).await;
    the_durable_offset_moves_and_wakes(make().as_ref()).await;
    an_empty_batch_is_settled_in_its_place(make().as_ref()).await;
    segments_follow_each_other(make().as_ref()).await;
    trimming_gives_up_whole_segments_only(make().as_ref()).await;
}

/// Nothing to read, nothing durable.
pub async fn an_empty_log_says_so(log: &dyn EventLog) {
    assert_eq!(*log.durable().borrow(), Offset(0), "an empty log has nothing durable");
    assert_eq!(log.first(), Offset(0), "an empty log begins at 0");
    assert!(read(log, 0, ALL).await.is_empty(), "an empty log has nothing to read");
    assert!(!log.stalled(), "an empty log waits for nothing");
}

/// Each batch begins where the one before ended.
pub async fn offsets_have_no_gaps(log: &dyn EventLog) {
    let mut next = 0;
    for size in [1, 7, 2, 100, 1] {
        let appended = append(log, ticks(next, size)).await;
        assert_eq!(
            appended,
            Appended { first: Offset(next), count: size },
            "a batch begins where the last ended"
        );
        next += size;
    }
    let offsets: Vec<u64> = drain(log, ALL).await.iter().map(|logged| logged.offset.0).collect();
    assert_eq!(offsets, (0..next).collect::<Vec<_>>(), "offsets without gaps");
}

/// Batches entered one after the other without waiting keep that order.
pub async fn batches_stand_in_the_order_of_entry(log: &dyn EventLog) {
    let mut entered: Vec<_> =
        (0..200_u64).map(|batch| Box::pin(log.append(ticks(batch * 3, 1 + batch % 3)))).collect();
    let mut commits: Vec<_> = entered.iter().map(|_| None).collect();
    let everything = poll_fn(|context| {
        for (append, commit) in entered.iter_mut().zip(&mut commits) {
            if commit.is_none()
                && let Poll::Ready(result) = append.as_mut().poll(context)
            {
                *commit = Some(result.unwrap_or_else(|error| panic!("append refused: {error}")));
            }
        }
        if commits.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    });
    let entered_all = timeout(COMMIT_MAX, pin!(everything)).await;
    assert!(entered_all.is_ok(), "200 batches must be taken");
    let mut next = 0;
    for (batch, commit) in commits.into_iter().flatten().enumerate() {
        let appended = durable(commit).await;
        assert_eq!(appended.first, Offset(next), "batch {batch} stands behind the one entered before it");
        next += appended.count;
    }
}

/// Records of several kinds come back as they went in.
pub async fn what_is_settled_is_read_back_equal(log: &dyn EventLog) {
    let batch: Vec<Record> =
        (0..50).map(|number| if number % 3 == 0 { gap(number) } else { tick(number) }).collect();
    append(log, batch.clone()).await;
    let records: Vec<Record> = drain(log, ALL).await.into_iter().map(|logged| logged.record).collect();
    assert_eq!(records, batch, "what was durable is read back");
}

/// Limits bound every read, one record always comes.
pub async fn reads_keep_their_limits(log: &dyn EventLog) {
    for batch in 0..30 {
        append(log, ticks(batch * 10, 10)).await;
    }
    let few = ReadLimit { records_max: 7, bytes_max: usize::MAX };
    assert!(read(log, 0, few).await.len() <= 7, "records_max bounds a read");
    assert_eq!(drain(log, few).await.len(), 300, "reading on reaches the end");
    let narrow = ReadLimit { records_max: usize::MAX, bytes_max: 1 };
    assert_eq!(read(log, 5, narrow).await.len(), 1, "one record comes however small the limit");
}

/// Any offset can be the first of a read.
pub async fn a_reader_can_start_anywhere(log: &dyn EventLog) {
    for batch in 0..10 {
        append(log, ticks(batch * 5, 5)).await;
    }
    for from in (0..50).rev() {
        let first = read(log, from, ALL).await.first().map(|logged| logged.offset);
        assert_eq!(first, Some(Offset(from)), "a read begins where it was asked to");
    }
    assert!(read(log, 50, ALL).await.is_empty(), "nothing behind the tail");
    assert!(read(log, 5_000, ALL).await.is_empty(), "nothing far behind the tail");
}

/// A settled commit is durable and readable, and who waits for the durable offset is woken.
pub async fn the_durable_offset_moves_and_wakes(log: &dyn EventLog) {
    let mut watching = log.durable();
    let appended = append(log, ticks(0, 4)).await;
    assert_eq!(appended.count, 4);
    let woken = timeout(COMMIT_MAX, watching.wait_for(|offset| *offset == Offset(4))).await;
    assert!(matches!(woken, Ok(Ok(_))), "the durable offset moves with the commit");
    assert_eq!(read(log, 0, ALL).await.len(), 4, "what is settled can be read at once");
}

/// An empty batch has a place but no records.
pub async fn an_empty_batch_is_settled_in_its_place(log: &dyn EventLog) {
    append(log, ticks(0, 3)).await;
    assert_eq!(append(log, Vec::new()).await, Appended { first: Offset(3), count: 0 }, "an empty batch");
    assert_eq!(append(log, ticks(3, 1)).await, Appended { first: Offset(3), count: 1 }, "takes no offset");
}

/// Heads are told in order, from the first offset on, each with a chain of its own.
pub async fn segments_follow_each_other(log: &dyn EventLog) {
    for batch in 0..40 {
        append(log, ticks(batch * 50, 50)).await;
    }
    let heads = log.segments();
    assert_eq!(heads.first().map(|head| head.first), Some(log.first()), "the first segment begins the log");
    assert!(heads.len() > 2, "2,000 records must fill segments for this suite to see trimming");
    for pair in heads.windows(2) {
        assert!(pair[0].first < pair[1].first, "segments stand in order");
        assert_ne!(pair[0].chain, pair[1].chain, "more past, another chain");
    }
}

/// What ends at or before the offset goes, everything else reads as before, and appends go on.
pub async fn trimming_gives_up_whole_segments_only(log: &dyn EventLog) {
    for batch in 0..40 {
        append(log, ticks(batch * 50, 50)).await;
    }
    let heads = log.segments();
    let middle = heads[heads.len() / 2];
    assert_eq!(trim(log, 0).await, 0, "nothing ends at or before 0");
    assert_eq!(trim(log, middle.first.0).await, middle.first.0, "a segment that ends there goes");
    assert_eq!(log.first(), middle.first);
    assert_eq!(trim(log, middle.first.0 + 1).await, middle.first.0, "half a segment stays");
    assert_eq!(log.segments().first(), Some(&middle), "the segment that is now first");
    assert!(
        matches!(log.read(Offset(0), ALL).await, Err(LogError::Trimmed(0))),
        "what is gone is said to be gone"
    );
    let first_left = read(log, middle.first.0, ALL).await;
    assert_eq!(first_left.first().map(|logged| logged.record.clone()), Some(tick(middle.first.0)));
    let last = heads[heads.len() - 1];
    assert_eq!(trim(log, u64::MAX).await, last.first.0, "the segment being written stays");
    assert_eq!(append(log, ticks(2_000, 5)).await.first, Offset(2_000), "appends go on");
    assert_eq!(read(log, 2_000, ALL).await.len(), 5);
}

async fn trim(log: &dyn EventLog, before: u64) -> u64 {
    match log.trim(Offset(before)).await {
        Ok(first) => first.0,
        Err(error) => panic!("trim before {before} refused: {error}"),
    }
}

async fn append(log: &dyn EventLog, batch: Vec<Record>) -> Appended {
    let commit = log.append(batch).await.unwrap_or_else(|error| panic!("append refused: {error}"));
    durable(commit).await
}

async fn durable(commit: crate::Commit) -> Appended {
    match timeout(COMMIT_MAX, commit.durable()).await {
        Ok(Ok(appended)) => appended,
        Ok(Err(error)) => panic!("commit refused: {error}"),
        Err(_) => panic!("a commit was not settled in time"),
    }
}

async fn read(log: &dyn EventLog, from: u64, limit: ReadLimit) -> Vec<Logged> {
    match log.read(Offset(from), limit).await {
        Ok(batch) => batch.to_vec(),
        Err(error) => panic!("read from {from} refused: {error}"),
    }
}

async fn drain(log: &dyn EventLog, limit: ReadLimit) -> Vec<Logged> {
    let mut all: Vec<Logged> = Vec::new();
    loop {
        let batch = read(log, all.len() as u64, limit).await;
        if batch.is_empty() {
            return all;
        }
        all.extend(batch);
    }
}

fn ticks(first: u64, count: u64) -> Vec<Record> {
    (first..first + count).map(tick).collect()
}

fn tick(number: u64) -> Record {
    Record::Tick(Tick { at: ArrivalTime(number.cast_signed()) })
}

fn gap(number: u64) -> Record {
    let at = ArrivalTime(number.cast_signed());
    let principal = "đường truyền".to_owned();
    Record::Gap(Gap { at, cause: GapCause::QueueDropped, from: at, to: at, principal, lost: number })
}
