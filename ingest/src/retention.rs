//! Which keys are due by the profile's retention, and whether time may be believed enough to act on it.

use jiff::Timestamp;
use nhip_ports::class_and_end;
use nhip_profile::{Profile, Retention, RetentionOf};
use nhip_proto::{ArrivalTime, MINUTE, Span};

/// A step of time from one look to the next that is taken for a clock set wrongly.
pub const JUMP_MAX: Span = 10 * MINUTE;
/// How long the real clock must have run on without such a step before keys go by it: a clock set ahead by mistake can
/// be noticed and set right before anything is lost.
pub const SETTLED_AFTER: Span = 6 * 60 * MINUTE;
const DAY: Span = 24 * 60 * MINUTE;

/// A key that is to be destroyed.
#[derive(Clone, Debug, PartialEq)]
pub struct DueKey<'p> {
    /// Which.
    pub id: String,
    /// Since when.
    pub since: ArrivalTime,
    /// By which rule.
    pub rule: &'p Retention,
}

/// The keys of days that are past their retention at `now`, longest due first. A rule counts whole days from the end of
/// the key's UTC day, so that nothing is kept shorter than it says.
#[must_use]
pub fn due_keys<'p>(profile: &'p Profile, ids: &[String], now: ArrivalTime) -> Vec<DueKey<'p>> {
    let Some(zone) = profile.time_zone() else { return Vec::new() };
    let Ok(today) = Timestamp::from_nanosecond(i128::from(now.0)) else { return Vec::new() };
    let today = today.to_zoned(zone).date();
    let due = |id: &String| {
        let (class, day_end) = class_and_end(id)?;
        let rule = profile.retention_of_class_on(class, today)?;
        let since = day_end.plus(Span::from(rule.sealed_days) * DAY);
        (since <= now).then(|| DueKey { id: id.clone(), since, rule })
    };
    let mut due: Vec<DueKey<'p>> = ids.iter().filter_map(due).collect();
    due.sort_by(|one, other| (one.since, &one.id).cmp(&(other.since, &other.id)));
    due
}

/// What the log says about why keys of this rule went.
pub(crate) fn told(rule: &Retention) -> String {
    let of = match &rule.of {
        RetentionOf::Stream(stream) => format!("stream {stream}"),
        RetentionOf::KeyClass(class) => format!("key class {class}"),
    };
    format!("{of}: sealed_days = {}; {}", rule.sealed_days, rule.document)
}

/// Whether time has run on steadily for long enough. It begins anew with every start of the node.
pub(crate) struct Steady {
    /// Of a simulated log, whose time is its own and may be stepped.
    free: bool,
    since: Option<ArrivalTime>,
    last: ArrivalTime,
}

impl Steady {
    pub(crate) fn new(simulated: bool) -> Self {
        Self { free: simulated, since: None, last: ArrivalTime(0) }
    }

    /// Takes the time of a look; whether it jumped since the look before.
    pub(crate) fn look(&mut self, now: ArrivalTime) -> bool {
        let jumped = self.since.is_some() && now.since(self.last) > JUMP_MAX;
        if jumped || self.since.is_none() {
            self.since = Some(now);
        }
        self.last = now;
        jumped && !self.free
    }

    /// Whether keys may go now.
    pub(crate) fn settled(&self) -> bool {
        self.free || self.since.is_some_and(|since| self.last.since(since) >= SETTLED_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use nhip_proto::SECOND;

    use super::*;

    #[test]
    fn a_clock_set_ahead_destroys_nothing_for_hours() {
        let start = ArrivalTime(1_796_000_000 * SECOND);
        let mut steady = Steady::new(false);
        assert!(!steady.look(start), "the first look is no jump");
        assert!(!steady.settled(), "nor is it enough to go by");
        let mut now = start;
        while now.since(start) < SETTLED_AFTER {
            assert!(!steady.settled(), "{} s after the start", now.since(start) / SECOND);
            now = now.plus(JUMP_MAX);
            assert!(!steady.look(now));
        }
        assert!(steady.settled());
        // Ten years ahead, as a dead battery or a mistaken time service may set it.
        now = now.plus(3_650 * DAY);
        assert!(steady.look(now), "told");
        assert!(!steady.settled());
        now = now.plus(SECOND);
        assert!(!steady.look(now), "once");
        assert!(!steady.settled());
    }

    #[test]
    fn a_simulated_clock_may_be_stepped() {
        let mut steady = Steady::new(true);
        assert!(!steady.look(ArrivalTime(0)));
        assert!(!steady.look(ArrivalTime(400 * DAY)));
        assert!(steady.settled());
    }
}
