//! Which clock a node runs by.

use std::sync::Arc;

use nhip_adapters::{ScaledClock, SystemClock};
use nhip_ports::Clock;
use nhip_ports::memory::SteppedClock;
use nhip_proto::{ArrivalTime, SECOND};

use crate::commands::Failure;
use crate::config::Config;

/// How far the system's clock may lie below the log's last Tick.
pub(crate) const BEHIND_SECONDS_MAX: i64 = 60;

/// Whether flags make the log simulated.
pub(crate) fn simulated(config: &Config) -> bool {
    config.speed.is_some() || config.clock.is_some()
}

/// The clock of these flags, going on from the log's last record.
pub(crate) fn choose(config: &Config, last: Option<ArrivalTime>) -> Result<Arc<dyn Clock>, Failure> {
    if simulated(config) {
        let start = match (last, &config.clock) {
            (Some(last), _) => last,
            (None, Some(text)) => parse(text)?,
            (None, None) => SystemClock::system(),
        };
        let speed = config.speed.unwrap_or(1.0);
        return Ok(if speed == 0.0 {
            Arc::new(SteppedClock::new(start))
        } else {
            Arc::new(ScaledClock::new(start, speed))
        });
    }
    let floor = last.unwrap_or(ArrivalTime(0));
    let behind_seconds = floor.since(SystemClock::system()) / SECOND;
    if behind_seconds > BEHIND_SECONDS_MAX {
        return Err(Failure::configuration(format!(
            "the system clock lies {behind_seconds} s behind the last record of the log: set it right first"
        )));
    }
    Ok(Arc::new(SystemClock::new(floor)))
}

fn parse(text: &str) -> Result<ArrivalTime, Failure> {
    let time: Result<jiff::Timestamp, _> = text.parse();
    let nanoseconds = time.ok().and_then(|time| i64::try_from(time.as_nanosecond()).ok());
    nanoseconds.map(ArrivalTime).ok_or_else(|| {
        Failure::configuration(format!(
            "--clock {text}: allowed is an RFC 3339 time, such as 2026-11-21T07:00:00+07:00"
        ))
    })
}
