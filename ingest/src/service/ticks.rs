//! Ticks: the only way time passes for everything behind the log.

use std::sync::atomic::Ordering;
use std::time::Duration;

use nhip_ports::Refused;
use nhip_proto::{ArrivalTime, Record, SECOND, Span, Tick};
use tokio_util::sync::CancellationToken;

use super::IngestRoom;
use crate::telemetry;

/// Ticks within one real second at most; a faster clock ticks in larger steps.
pub const TICKS_PER_REAL_SECOND_MAX: u32 = 20;
const YEAR_SECONDS: i64 = 31_536_000;

impl IngestRoom {
    /// Appends a Tick at once and then at every whole second of the clock (every few seconds of a clock
    /// that runs faster than 20 times real time); a stepped clock ticks when somebody steps it. Each Tick
    /// is durable before the next; none goes below an arrival that entered before it.
    ///
    /// # Errors
    /// [`Refused`] if the log failed or the room was closed; the node is going down.
    pub async fn run_ticks(&self, stop: CancellationToken) -> Result<(), Refused> {
        let step = step_of(self.clock.rate());
        let pause = Duration::from_secs(1) / TICKS_PER_REAL_SECOND_MAX;
        let ticking = async {
            loop {
                let at = self.tick().await?;
                tokio::join!(self.clock.reach(following(at, step)), tokio::time::sleep(pause));
            }
        };
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            ended = ticking => ended,
        }
    }

    /// Appends one Tick now and waits until it is durable.
    ///
    /// # Errors
    /// [`Refused`] if the log failed or the room was closed.
    pub async fn tick(&self) -> Result<ArrivalTime, Refused> {
        let mut stamped = ArrivalTime(0);
        self.log_one(|at| {
            stamped = at;
            Record::Tick(Tick { at })
        })
        .await?;
        self.last_tick.store(stamped.0, Ordering::Release);
        telemetry::tick_logged();
        Ok(stamped)
    }
}

/// Whole seconds of the clock between two Ticks.
fn step_of(rate: f64) -> Span {
    let seconds = (rate / f64::from(TICKS_PER_REAL_SECOND_MAX)).ceil();
    // `max` also mends a rate that is no number; a step of a year is more than any clock is run at.
    (seconds.max(1.0) as Span).min(YEAR_SECONDS).saturating_mul(SECOND)
}

/// The next multiple of `step`.
fn following(at: ArrivalTime, step: Span) -> ArrivalTime {
    ArrivalTime(at.0.div_euclid(step).saturating_add(1).saturating_mul(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_ticks_in_larger_steps() {
        let cases = [(0.0, 1), (1.0, 1), (20.0, 1), (21.0, 2), (600.0, 30), (f64::NAN, 1)];
        for (rate, seconds) in cases {
            assert_eq!(step_of(rate), seconds * SECOND, "{rate}");
        }
    }

    #[test]
    fn ticks_fall_on_whole_steps() {
        assert_eq!(following(ArrivalTime(1_500_000_000), SECOND), ArrivalTime(2 * SECOND));
        assert_eq!(following(ArrivalTime(2 * SECOND), SECOND), ArrivalTime(3 * SECOND));
    }
}
