//! Notices an event loop that shows no sign of life and rebuilds it.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use metrics::counter;
use nhip_ports::LinkError;
use tokio::time::Instant;

/// The signs of life of one event loop.
#[derive(Debug, Default)]
pub(super) struct Watchdog {
    started: OnceLock<Instant>,
    beat_ms: AtomicU64,
    waiting: AtomicBool,
}

impl Watchdog {
    /// A sign of life.
    pub(super) fn beat(&self) {
        self.waiting.store(false, Ordering::Relaxed);
        self.beat_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// From here the loop waits for the intake (a full disk): that is back-pressure, and rebuilding the loop
    /// would only lose its connection.
    pub(super) fn wait_for_intake(&self) {
        self.waiting.store(true, Ordering::Relaxed);
    }

    fn now_ms(&self) -> u64 {
        let started = *self.started.get_or_init(Instant::now);
        u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns when there was no sign of life for so long.
    async fn stalled(&self, stall_max: Duration) {
        let stall_ms_max = u64::try_from(stall_max.as_millis()).unwrap_or(u64::MAX);
        loop {
            tokio::time::sleep(stall_max / 8).await;
            let silent_ms = self.now_ms().saturating_sub(self.beat_ms.load(Ordering::Relaxed));
            if silent_ms <= stall_ms_max {
                continue;
            }
            if !self.waiting.load(Ordering::Relaxed) {
                counter!("nhip_mqtt_event_loop_stalls_total").increment(1);
                return;
            }
            counter!("nhip_mqtt_event_loop_waits_total").increment(1);
        }
    }
}

/// Ends the task when dropped.
struct Kept<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs an event loop on a task of its own; a stalled or broken one is replaced by a new one.
pub(super) async fn supervise<F>(
    watchdog: &Watchdog,
    stall_max: Duration,
    mut make: impl FnMut() -> F,
) -> Result<(), LinkError>
where
    F: Future<Output = Result<(), LinkError>> + Send + 'static,
{
    loop {
        watchdog.beat();
        let mut task = Kept(tokio::spawn(make()));
        tokio::select! {
            outcome = &mut task.0 => match outcome {
                Ok(outcome) => return outcome,
                // A defect in a library must not end ingest.
                Err(_) => {
                    counter!("nhip_mqtt_event_loop_defects_total").increment(1);
                    tokio::time::sleep(stall_max / 8).await;
                }
            },
            () = watchdog.stalled(stall_max) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::{Watchdog, supervise};

    #[tokio::test(start_paused = true)]
    async fn a_stalled_loop_is_rebuilt_and_a_waiting_one_is_not() {
        let watchdog = Arc::new(Watchdog::default());
        let built = Arc::new(AtomicUsize::new(0));
        let make = || {
            let (watchdog, nth) = (Arc::clone(&watchdog), built.fetch_add(1, Ordering::Relaxed));
            async move {
                match nth {
                    // Hangs without a sign of life.
                    0 => std::future::pending().await,
                    // Breaks.
                    1 => panic!("a defect"),
                    // Waits long for the intake, then lives on and ends.
                    _ => {
                        watchdog.wait_for_intake();
                        tokio::time::sleep(Duration::from_secs(3_600)).await;
                        watchdog.beat();
                        Ok(())
                    }
                }
            }
        };
        let outcome = supervise(&watchdog, Duration::from_secs(60), make).await;
        assert!(outcome.is_ok());
        assert_eq!(built.load(Ordering::Relaxed), 3);
    }
}
