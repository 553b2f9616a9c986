//! One order: entries, arrivals, Ticks, and callers that go away.

use std::sync::Arc;
use std::time::Duration;

use futures_now::{now, wake_counting};
use nhip_ingest::{IngestRoom, IngestSettings};
use nhip_ports::memory::SteppedClock;
use nhip_ports::{Clock, Intake};
use nhip_proto::{ArrivalTime, Record, SECOND};
use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

use crate::stage::{MIDNIGHT, StageKeys, StageLog, delivery, profile};

const AIR: &str = "nhip/v1/tay-ninh/air/KK01";

/// Polls futures by hand, so that the order of entry is the test's.
mod futures_now {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake, Waker};

    pub(super) struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn wake_counting() -> Waker {
        Waker::from(Arc::new(Count(AtomicUsize::new(0))))
    }

    pub(super) fn now<F: Future + ?Sized>(future: &mut Pin<Box<F>>, waker: &Waker) -> Option<F::Output> {
        match future.as_mut().poll(&mut Context::from_waker(waker)) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }
}

fn room(log: &Arc<StageLog>, clock: &Arc<SteppedClock>, inflight_batches_max: usize) -> Arc<IngestRoom> {
    let settings = IngestSettings { inflight_batches_max, ..IngestSettings::default() };
    let keys = Arc::new(StageKeys::default());
    Arc::new(IngestRoom::new(settings, Arc::new(profile()), log.clone(), keys, clock.clone()))
}

fn numbered(number: usize) -> Vec<nhip_ports::Delivery> {
    vec![delivery(AIR, format!(r#"{{"sequence":{number},"values":{{"pm25":1}}}}"#))]
}

fn numbers(log: &StageLog) -> Vec<u64> {
    let sequence = |message: nhip_proto::Message| match message.body {
        nhip_proto::MessageBody::Items(items) => items.first().and_then(|item| item.sequence),
        nhip_proto::MessageBody::Rejected(_) => None,
    };
    log.messages().into_iter().filter_map(sequence).collect()
}

proptest! {
    /// Submits enter one after the other and are polled in any order; some callers go away on the way.
    #[test]
    fn the_log_keeps_the_order_of_entry(
        polls in prop::collection::vec((0..12_usize, any::<bool>()), 0..80),
        gone in prop::collection::btree_set(0..12_usize, 0..4),
        inflight_batches_max in 1..5_usize,
    ) {
        let log = StageLog::gated();
        let clock = Arc::new(SteppedClock::new(ArrivalTime(MIDNIGHT)));
        let room = room(&log, &clock, inflight_batches_max);
        let waker = wake_counting();
        let mut waiting: Vec<Option<_>> = Vec::new();
        for number in 0..12 {
            let mut submit = Box::pin(room.submit(numbered(number)));
            clock.step(SECOND).expect("forward");
            // The first poll is the entry.
            waiting.push(if now(&mut submit, &waker).is_some() { None } else { Some(submit) });
        }
        for (index, opens) in polls {
            if opens {
                log.gate.add_permits(1);
            }
            if gone.contains(&index) {
                waiting[index] = None;
            } else if let Some(submit) = &mut waiting[index]
                && now(submit, &waker).is_some() {
                waiting[index] = None;
            }
        }
        for index in &gone {
            waiting[*index] = None;
        }
        log.gate.add_permits(100);
        for _ in 0..12 {
            for slot in &mut waiting {
                if slot.as_mut().is_some_and(|submit| now(submit, &waker).is_some()) {
                    *slot = None;
                }
            }
        }
        prop_assert!(waiting.iter().all(Option::is_none), "somebody waits for ever");
        let logged = numbers(&log);
        prop_assert!(logged.is_sorted(), "{:?}", logged);
        let kept = (0..12).filter(|number| !gone.contains(&(*number as usize)));
        for number in kept {
            prop_assert!(logged.contains(&number), "{} of {:?}", number, logged);
        }
        let arrivals: Vec<_> = log.records().iter().map(Record::at).collect();
        prop_assert!(arrivals.is_sorted(), "{:?}", arrivals);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arrivals_never_decrease_and_ticks_stand_behind_them() {
    let log = StageLog::open();
    let clock = Arc::new(SteppedClock::new(ArrivalTime(MIDNIGHT)));
    let room = room(&log, &clock, 4);
    let mut tasks = Vec::new();
    for task in 0..8 {
        let (room, clock) = (room.clone(), clock.clone());
        tasks.push(tokio::spawn(async move {
            for number in 0..200 {
                clock.step(1_000).expect("forward");
                if number % 20 == task {
                    room.tick().await.expect("logged");
                }
                let durable = room.submit(numbered(number)).await.expect("taken");
                durable.wait().await.expect("durable");
            }
        }));
    }
    for task in tasks {
        task.await.expect("no panic");
    }
    let records = log.records();
    let ticks = records.iter().filter(|record| matches!(record, Record::Tick(_))).count();
    assert_eq!((records.len() - ticks, ticks), (1_600, 80));
    assert!(records.iter().map(Record::at).is_sorted());
}

#[tokio::test(start_paused = true)]
async fn a_stepped_clock_ticks_when_it_is_stepped() {
    let log = StageLog::open();
    let clock = Arc::new(SteppedClock::new(ArrivalTime(MIDNIGHT + SECOND / 2)));
    let room = room(&log, &clock, 4);
    let stop = CancellationToken::new();
    let ticking = tokio::spawn({
        let (room, stop) = (room.clone(), stop.clone());
        async move { room.run_ticks(stop).await }
    });
    let settle = || tokio::time::sleep(Duration::from_millis(200));
    settle().await;
    clock.step(SECOND / 4).expect("forward");
    settle().await;
    for step in [SECOND / 4, SECOND, 3_600 * SECOND] {
        clock.step(step).expect("forward");
        settle().await;
    }
    stop.cancel();
    assert!(matches!(ticking.await, Ok(Ok(()))));
    let at: Vec<_> = log.records().iter().map(|record| record.at().0 - MIDNIGHT).collect();
    assert_eq!(
        at,
        [SECOND / 2, SECOND, 2 * SECOND, 3_602 * SECOND],
        "at once, then at each whole second reached"
    );
}

#[tokio::test(start_paused = true)]
async fn there_are_at_most_twenty_ticks_in_a_real_second() {
    let log = StageLog::open();
    let clock = Arc::new(SteppedClock::new(ArrivalTime(MIDNIGHT)));
    let room = room(&log, &clock, 4);
    let stop = CancellationToken::new();
    let ticking = tokio::spawn({
        let (room, stop) = (room.clone(), stop.clone());
        async move { room.run_ticks(stop).await }
    });
    for _ in 0..1_000 {
        clock.step(SECOND).expect("forward");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stop.cancel();
    assert!(matches!(ticking.await, Ok(Ok(()))));
    let ticks = log.records().len();
    assert!((19..=21).contains(&ticks), "{ticks}");
}
