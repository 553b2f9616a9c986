//! The clocks that run by themselves: the system's own, and one scaled by `--speed` from `--clock`.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use nhip_ports::{Clock, ClockError};
use nhip_proto::{ArrivalTime, Span};

/// The longest single wait, so that a system clock set forward is noticed.
const WAIT_MS_MAX: u64 = 250;

/// The system's clock, held so that it never decreases and never lies below a floor (the last Tick of the log).
#[derive(Debug)]
pub struct SystemClock {
    last: AtomicI64,
}

impl SystemClock {
    /// Never shows a time below `floor`.
    #[must_use]
    pub fn new(floor: ArrivalTime) -> Self {
        Self { last: AtomicI64::new(floor.0) }
    }

    /// What the system says, without the floor.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's clock")]
    pub fn system() -> ArrivalTime {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        ArrivalTime(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> ArrivalTime {
        let now = Self::system().0;
        ArrivalTime(self.last.fetch_max(now, Ordering::Relaxed).max(now))
    }

    fn rate(&self) -> f64 {
        1.0
    }

    fn real(&self) -> bool {
        true
    }

    fn step(&self, _by: Span) -> Result<ArrivalTime, ClockError> {
        Err(ClockError::NotStepped)
    }

    async fn reach(&self, at: ArrivalTime) {
        wait_until(|| at.since(self.now()), 1.0).await;
    }
}

/// A clock that starts at a given time and runs `rate` times as fast as the system's.
#[derive(Debug)]
pub struct ScaledClock {
    start: ArrivalTime,
    began: Instant,
    rate: f64,
}

impl ScaledClock {
    /// Starts now at `start`; `rate` is above 0.
    #[must_use]
    pub fn new(start: ArrivalTime, rate: f64) -> Self {
        Self { start, began: Instant::now(), rate }
    }
}

#[async_trait]
impl Clock for ScaledClock {
    fn now(&self) -> ArrivalTime {
        let elapsed_ns = self.began.elapsed().as_nanos() as f64 * self.rate;
        self.start.plus(elapsed_ns as i64)
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn real(&self) -> bool {
        false
    }

    fn step(&self, _by: Span) -> Result<ArrivalTime, ClockError> {
        Err(ClockError::NotStepped)
    }

    async fn reach(&self, at: ArrivalTime) {
        wait_until(|| at.since(self.now()), self.rate).await;
    }
}

async fn wait_until(left: impl Fn() -> Span + Send, rate: f64) {
    loop {
        let left_ns = left();
        if left_ns <= 0 {
            return;
        }
        let real_ns = (left_ns as f64 / rate).ceil() as u64;
        tokio::time::sleep(Duration::from_nanos(real_ns.max(1)).min(Duration::from_millis(WAIT_MS_MAX)))
            .await;
    }
}
