//! The clock: plausible, steady, synchronised, and not behind the log.

use std::path::Path;
use std::time::Instant;

use nhip_adapters::{LogFiles, SystemClock};
use nhip_ports::ReadLimit;
use nhip_proto::{ArrivalTime, MILLISECOND, Offset, Origin, SECOND};

use crate::clock::{BEHIND_SECONDS_MAX, simulated};
use crate::config::Config;

use super::finding::Finding;

/// 2026-01-01 UTC: this program is younger.
const EARLIEST: ArrivalTime = ArrivalTime(1_767_225_600 * SECOND);
/// 2126-01-01 UTC.
const LATEST: ArrivalTime = ArrivalTime(4_922_899_200 * SECOND);
/// How far wall clock and monotonic clock may part while the disk is timed.
const STEP_MS_MAX: i64 = 50;
/// What the time service leaves when it has synchronised.
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";

/// Both clocks at one moment.
pub(super) struct Moment {
    wall: ArrivalTime,
    monotonic: Instant,
}

impl Moment {
    /// Now.
    pub(super) fn now() -> Self {
        Self { wall: SystemClock::system(), monotonic: Instant::now() }
    }
}

/// Compares the clock with a moment some syncs ago, and with the log.
pub(super) fn examine(before: &Moment, config: &Config, log: &Path) -> Vec<Finding> {
    let now = Moment::now();
    let mut findings = vec![plausible(now.wall)];
    let monotonic_ns = now.monotonic.duration_since(before.monotonic).as_nanos() as i64;
    findings.extend(stepped(now.wall.since(before.wall) - monotonic_ns));
    findings.push(synchronized(Path::new(SYNCHRONIZED).exists()));
    if !simulated(config) {
        findings.extend(last_record(log).and_then(|(origin, last)| against_log(log, origin, last, now.wall)));
    }
    findings
}

fn plausible(now: ArrivalTime) -> Finding {
    let said = jiff::Timestamp::from_nanosecond(i128::from(now.0))
        .map_or_else(|_| "?".to_owned(), |now| now.to_string());
    if (EARLIEST..LATEST).contains(&now) {
        return Finding::fine("clock", "system", format!("it is {said}"));
    }
    let advice = "set it, and let a time service keep it (timedatectl set-ntp true)";
    Finding::error("clock", "system", format!("it says {said}"), "a year from 2026 on", advice)
}

fn stepped(parted_ns: i64) -> Option<Finding> {
    let parted_ms = parted_ns / MILLISECOND;
    (parted_ms.abs() > STEP_MS_MAX).then(|| {
        let what = format!("moved by {parted_ms} ms against the monotonic clock while it was looked at");
        let advice = "let one time service slew it; look for two that fight, or a host that sets its guests";
        Finding::warning("clock", "system", what, "a clock that is slewed, not set", advice)
    })
}

fn synchronized(is: bool) -> Finding {
    if is {
        return Finding::fine("clock", "system", "synchronised by the time service");
    }
    let further = "whether it is synchronised cannot be seen here: ask chronyc tracking or timedatectl";
    Finding::note("clock", "system", further)
}

/// When the last durable record arrived, and of what origin the log is.
pub(super) fn last_record(log: &Path) -> Option<(Origin, ArrivalTime)> {
    let files = LogFiles::open_durable(log).ok()?;
    let last = Offset(files.end().0.checked_sub(1)?);
    let records = files.read(last, ReadLimit { records_max: 1, bytes_max: 1 }).ok()?;
    Some((files.identity().origin, records.first()?.record.at()))
}

fn against_log(log: &Path, origin: Origin, last: ArrivalTime, now: ArrivalTime) -> Option<Finding> {
    if origin != Origin::Machine {
        return None;
    }
    let behind = last.since(now) / SECOND;
    Some(if behind > BEHIND_SECONDS_MAX {
        let what = format!("the clock lies {behind} s behind the last record of the log: a start is refused");
        let advice = "set it right; if the log was written under a wrong clock, restore a backup from before";
        Finding::error("clock", log.display(), what, "at most 60 s", advice)
    } else {
        Finding::fine("clock", log.display(), "not behind the last record of the log")
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::Grade;
    use super::*;

    #[test]
    fn a_clock_is_judged_by_year_steadiness_and_log() {
        let noon = ArrivalTime(1_796_000_000 * SECOND);
        assert_eq!(plausible(noon).grade, Grade::Fine);
        assert_eq!(plausible(ArrivalTime(0)).grade, Grade::Error);
        assert!(stepped(40 * MILLISECOND).is_none());
        assert!(stepped(-60 * MILLISECOND).is_some());
        let log = Path::new("/log");
        let grade = |origin, last| against_log(log, origin, last, noon).map(|found| found.grade);
        assert_eq!(grade(Origin::Machine, noon.plus(60 * SECOND)), Some(Grade::Fine));
        assert_eq!(grade(Origin::Machine, noon.plus(61 * SECOND)), Some(Grade::Error));
        assert_eq!(grade(Origin::Simulated, noon.plus(61 * SECOND)), None);
    }
}
