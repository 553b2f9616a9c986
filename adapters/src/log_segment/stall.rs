//! Whether the log waits for a full disk, as a flag and as the gauge operators watch.

use std::sync::atomic::{AtomicBool, Ordering};

/// Set by the writer alone.
pub(super) struct Stall(AtomicBool);

impl Stall {
    /// Not stalled; the gauge is there from the first moment, so that an alert on it never lacks its subject.
    pub(super) fn new() -> Self {
        let stall = Self(AtomicBool::new(false));
        stall.set(false);
        stall
    }

    pub(super) fn set(&self, stalled: bool) {
        self.0.store(stalled, Ordering::Release);
        metrics::gauge!("nhip_log_stalled").set(f64::from(u8::from(stalled)));
    }

    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
