//! The clock: the only source of arrival times and Ticks.

use async_trait::async_trait;
use nhip_proto::{ArrivalTime, Span};
use thiserror::Error;

/// Why a clock cannot be stepped.
#[derive(Debug, Error)]
pub enum ClockError {
    /// Only a stepped clock (`--speed 0`) can be stepped.
    #[error("this clock runs by itself")]
    NotStepped,
    /// A step must not lead back.
    #[error("a step must not lead back")]
    Backwards,
}

/// Promise: `now` never decreases. Civil time of the installation, scaled by `--speed`, started by `--clock`.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> ArrivalTime;

    /// Clock seconds per real second: 1 for the real clock, 0 for a stepped one.
    fn rate(&self) -> f64;

    /// Whether this is the system's clock at its own rate; anything else makes the log simulated.
    fn real(&self) -> bool;

    /// Moves a stepped clock forward.
    fn step(&self, by: Span) -> Result<ArrivalTime, ClockError>;

    /// Waits until the clock has reached `at` (for a stepped clock: until somebody steps it there).
    async fn reach(&self, at: ArrivalTime);
}
