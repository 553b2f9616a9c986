//! The promises of [`Bus`](crate::Bus): in order, never blocking, a loss is told.

use std::sync::Arc;
use std::time::Duration;

use nhip_proto::{Offset, Update};
use tokio::time::timeout;

use crate::{Bus, Lagged, Subscription};

/// How long an update that is there may take to come.
const DELIVERY_MAX: Duration = Duration::from_secs(5);

/// Runs every promise against buses made by `make`, which gets the updates a reader may lag by.
pub async fn all(make: impl Fn(usize) -> Box<dyn Bus>) {
    every_reader_gets_all_in_order(make(64).as_ref()).await;
    a_reader_starts_at_its_subscription(make(64).as_ref()).await;
    a_loss_is_told_and_the_newest_is_kept(make(4).as_ref()).await;
    a_gone_reader_holds_nobody_up(make(4).as_ref()).await;
    a_closed_bus_ends_after_its_last_update(make(64)).await;
    a_waiting_reader_is_woken(make(64)).await;
}

/// Two readers get the same updates in the order of publication.
pub async fn every_reader_gets_all_in_order(bus: &dyn Bus) {
    let (mut left, mut right) = (bus.subscribe(), bus.subscribe());
    for offset in 1..=50 {
        bus.publish(update(offset));
    }
    for offset in 1..=50 {
        assert_eq!(next(left.as_mut()).await, Some(Ok(offset)), "left reader, in order");
        assert_eq!(next(right.as_mut()).await, Some(Ok(offset)), "right reader, in order");
    }
}

/// Updates from before the subscription do not come.
pub async fn a_reader_starts_at_its_subscription(bus: &dyn Bus) {
    bus.publish(update(1));
    let mut reader = bus.subscribe();
    bus.publish(update(2));
    assert_eq!(next(reader.as_mut()).await, Some(Ok(2)), "only what came after subscribing");
}

/// A slow reader is told once that it lost something, then goes on with the newest ones in order.
pub async fn a_loss_is_told_and_the_newest_is_kept(bus: &dyn Bus) {
    let mut reader = bus.subscribe();
    for offset in 1..=100 {
        bus.publish(update(offset));
    }
    let mut last = 0;
    let mut told = false;
    while last < 100 {
        match next(reader.as_mut()).await {
            Some(Ok(offset)) => {
                assert!(offset == last + 1 || told, "offset {offset} after {last}: a loss nobody told");
                assert!(offset > last, "offset {offset} after {last}: out of order");
                last = offset;
            }
            Some(Err(Lagged)) => told = true,
            None => panic!("the bus ended while open"),
        }
    }
    assert!(told, "a reader with room for 4 of 100 updates must be told");
}

/// Dropped readers neither block publishing nor other readers.
pub async fn a_gone_reader_holds_nobody_up(bus: &dyn Bus) {
    drop(bus.subscribe());
    let mut reader = bus.subscribe();
    for offset in 1..=4 {
        bus.publish(update(offset));
    }
    assert_eq!(next(reader.as_mut()).await, Some(Ok(1)), "the reader that stayed");
}

/// After the bus is gone a reader gets what is left, then the end.
pub async fn a_closed_bus_ends_after_its_last_update(bus: Box<dyn Bus>) {
    let mut reader = bus.subscribe();
    bus.publish(update(1));
    drop(bus);
    assert_eq!(next(reader.as_mut()).await, Some(Ok(1)), "the last update before the end");
    assert_eq!(next(reader.as_mut()).await, None, "the end");
}

/// A reader that waits gets the next update.
pub async fn a_waiting_reader_is_woken(bus: Box<dyn Bus>) {
    let mut reader = bus.subscribe();
    let waiting = tokio::spawn(async move { next(reader.as_mut()).await });
    tokio::task::yield_now().await;
    bus.publish(update(7));
    assert_eq!(waiting.await.ok().flatten(), Some(Ok(7)), "a waiting reader");
}

async fn next(reader: &mut dyn Subscription) -> Option<Result<u64, Lagged>> {
    let got = timeout(DELIVERY_MAX, reader.next()).await.expect("an update within five seconds");
    got.map(|update| update.map(|update| update.offset.0))
}

fn update(offset: u64) -> Arc<Update> {
    Arc::new(Update {
        offset: Offset(offset),
        tick: None,
        profile_changed: false,
        figures: Vec::new(),
        complete_before: Vec::new(),
        sources: Vec::new(),
        badges: Vec::new(),
    })
}
