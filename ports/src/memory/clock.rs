//! A clock that somebody steps: time stands still until told.

use std::sync::Mutex;

use async_trait::async_trait;
use nhip_proto::{ArrivalTime, Span};
use tokio::sync::watch;

use crate::{Clock, ClockError};

/// The stepped clock (`--speed 0`), also the clock of tests.
#[derive(Debug)]
pub struct SteppedClock {
    time: watch::Sender<ArrivalTime>,
    stepping: Mutex<()>,
}

impl SteppedClock {
    /// Stands at `start`.
    #[must_use]
    pub fn new(start: ArrivalTime) -> Self {
        Self { time: watch::Sender::new(start), stepping: Mutex::new(()) }
    }
}

#[async_trait]
impl Clock for SteppedClock {
    fn now(&self) -> ArrivalTime {
        *self.time.borrow()
    }

    fn rate(&self) -> f64 {
        0.0
    }

    fn real(&self) -> bool {
        false
    }

    fn step(&self, by: Span) -> Result<ArrivalTime, ClockError> {
        if by < 0 {
            return Err(ClockError::Backwards);
        }
        let _one_at_a_time = self.stepping.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let time = self.now().plus(by);
        self.time.send_replace(time);
        Ok(time)
    }

    async fn reach(&self, at: ArrivalTime) {
        let mut time = self.time.subscribe();
        // The sender lives as long as self, so waiting cannot fail before the time is reached.
        let _reached = time.wait_for(|now| *now >= at).await;
    }
}
