//! The promises of [`Clock`](crate::Clock): never back, and `reach` returns no earlier than its time.

use nhip_proto::{MILLISECOND, SECOND};

use crate::{Clock, ClockError};

/// Time never leads back.
pub fn never_decreases(clock: &dyn Clock) {
    let mut last = clock.now();
    for _ in 0..10_000 {
        let now = clock.now();
        assert!(now >= last, "clock went back from {last:?} to {now:?}");
        last = now;
    }
}

/// A clock that runs by itself refuses steps; a stepped one takes forward steps only.
pub fn steps_only_if_stepped(clock: &dyn Clock) {
    let before = clock.now();
    let stepped = clock.step(SECOND);
    if clock.rate() == 0.0 {
        assert_eq!(stepped.ok(), Some(before.plus(SECOND)), "a step moves the clock by its span");
        assert!(matches!(clock.step(-1), Err(ClockError::Backwards)), "a step back is refused");
        assert_eq!(clock.now(), before.plus(SECOND), "a refused step changes nothing");
    } else {
        assert!(matches!(stepped, Err(ClockError::NotStepped)), "a running clock refuses steps");
    }
}

/// `reach` waits for its time and returns at once for times past.
pub async fn reach_waits(clock: &dyn Clock) {
    let start = clock.now();
    clock.reach(start).await;
    let target = start.plus(20 * MILLISECOND);
    if clock.rate() == 0.0 {
        let ((), stepped) = tokio::join!(clock.reach(target), async { clock.step(20 * MILLISECOND) });
        assert!(stepped.is_ok(), "a stepped clock can be stepped while somebody waits");
    } else {
        clock.reach(target).await;
    }
    assert!(clock.now() >= target, "reach returned before its time");
}
