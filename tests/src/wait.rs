//! Waiting for a condition with a deadline: never a sleep for luck.

use std::time::{Duration, Instant};

/// How often a condition of another process is looked at.
const LOOK_MS: u64 = 10;

/// Waits until the condition holds; panics with `what` after the deadline.
#[track_caller]
pub fn until(what: &str, deadline: Duration, mut holds: impl FnMut() -> bool) {
    until_some(what, deadline, || holds().then_some(()));
}

/// Waits until there is something; panics with `what` after the deadline.
#[track_caller]
pub fn until_some<T>(what: &str, deadline: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < deadline, "{what}: not within {deadline:?}");
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "the pause between two looks at another process")]
fn pause() {
    std::thread::sleep(Duration::from_millis(LOOK_MS));
}
