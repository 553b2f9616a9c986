//! Reports by a deadline: which due days have one, which came in time, what is owed.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use nhip_profile::{BadgeRules, DuFormula, Profile, SongFormula, Stream, WorkCalendar};

/// Days remembered: the bits of a number.
const DAYS_KEPT: i64 = 64;
/// Due days among so many civil days are counted in đủ.
const DAYS_COUNTED: i64 = 30;
/// Longest search for the next due day: longer than any holiday.
const SEARCH_DAYS_MAX: i64 = 40;

/// Which of the last 64 civil days have a report; bit 0 is the newest day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reports {
    /// Civil days since 1970-01-01; 0 with no bit set: none yet.
    pub(crate) newest: i64,
    pub(crate) made: u64,
    /// Of these, made by the deadline.
    pub(crate) timely: u64,
}

/// The deadline of a stream in the profile's zone.
#[derive(Clone, Debug)]
pub(crate) struct DeadlinePlan {
    zone: TimeZone,
    at: Time,
    /// None: every day is due.
    calendar: Option<WorkCalendar>,
}

/// What is owed: the deadline of the oldest report missing without a break up to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owed {
    pub(crate) deadline: i64,
}

/// The formulas of a stream: those of its class, as far as they can be told for it. Reports are counted where there is
/// a deadline and only there.
pub(crate) fn rules_of(profile: &Profile, stream: &Stream) -> BadgeRules {
    let mut rules = profile.badge_rules(stream.class);
    if stream.deadline.is_some() {
        if matches!(rules.du, DuFormula::ReadingsAndSources | DuFormula::Readings) {
            rules.du = DuFormula::Reports;
        }
        return rules;
    }
    if rules.du == DuFormula::Reports {
        rules.du = DuFormula::Sources;
    }
    if rules.song == SongFormula::Deadline {
        rules.song = SongFormula::Staleness;
    }
    rules
}

impl Reports {
    fn mark(&mut self, day: i64, timely: bool) {
        if self.made == 0 {
            self.newest = day;
        }
        let ahead = day.saturating_sub(self.newest);
        if ahead > 0 {
            let shift = |bits: u64| if ahead >= DAYS_KEPT { 0 } else { bits << ahead };
            (self.made, self.timely) = (shift(self.made), shift(self.timely));
            self.newest = day;
        }
        let Some(bit) = self.bit(day) else { return };
        if self.made & bit == 0 {
            self.made |= bit;
            self.timely |= if timely { bit } else { 0 };
        }
    }

    fn has(&self, day: i64) -> bool {
        self.bit(day).is_some_and(|bit| self.made & bit != 0)
    }

    fn bit(&self, day: i64) -> Option<u64> {
        let back = self.newest.saturating_sub(day);
        (0..DAYS_KEPT).contains(&back).then(|| 1 << back)
    }
}

impl DeadlinePlan {
    /// The deadline of a stream, if it has one.
    pub(crate) fn of(profile: &Profile, stream: &Stream, zone: &TimeZone) -> Option<Self> {
        let deadline = stream.deadline.as_ref()?;
        let calendar = deadline.calendar.as_ref().and_then(|id| profile.calendars.get(id)).cloned();
        Some(Self { zone: zone.clone(), at: deadline.at, calendar })
    }

    /// Takes in a report of the civil day of `instant`.
    pub(crate) fn note(&self, reports: &mut Reports, instant: i64, arrival: i64) {
        let date = self.date(instant);
        let timely = self.instant(date).is_some_and(|deadline| arrival <= deadline);
        reports.mark(day_of(date), timely);
    }

    /// The first deadline after `tick`.
    pub(crate) fn next(&self, tick: i64) -> Option<i64> {
        let first = self.date(tick);
        let days = (0..SEARCH_DAYS_MAX).filter_map(|ahead| self.due_on(ahead_of(first, ahead)?));
        days.map(|(_, deadline)| deadline).find(|deadline| *deadline > tick)
    }

    /// Reports made of those due in the last 30 days since the source is known.
    pub(crate) fn made_of_due(&self, reports: &Reports, since: i64, tick: i64) -> (u64, u64) {
        let due = self.passed(since, tick);
        let (mut made, mut all) = (0, 0);
        for (date, _) in due {
            all += 1;
            made += u64::from(reports.has(day_of(date)));
        }
        (made, all)
    }

    /// What is owed: none if the report of the last due day is there, or none was due yet.
    pub(crate) fn owed(&self, reports: &Reports, since: i64, tick: i64) -> Option<Owed> {
        let missing = self.passed(since, tick).take_while(|(date, _)| !reports.has(day_of(*date)));
        missing.last().map(|(_, deadline)| Owed { deadline })
    }

    /// How many deadlines lie in `(from, to]`.
    pub(crate) fn due_between(&self, from: i64, to: i64) -> u64 {
        let mut date = self.date(from);
        let last = self.date(to);
        let mut count = 0;
        while date <= last {
            if self.due_on(date).is_some_and(|(_, deadline)| deadline > from && deadline <= to) {
                count += 1;
            }
            let Some(next) = ahead_of(date, 1) else { break };
            date = next;
        }
        count
    }

    /// Due days whose deadline has passed, newest first, of the last 30 days since the source is known.
    fn passed(&self, since: i64, tick: i64) -> impl Iterator<Item = (Date, i64)> {
        let today = self.date(tick);
        let days = (0..DAYS_COUNTED).filter_map(move |back| ahead_of(today, -back));
        let due = days.filter_map(|date| self.due_on(date));
        due.filter(move |(_, deadline)| *deadline <= tick && *deadline > since)
    }

    fn due_on(&self, date: Date) -> Option<(Date, i64)> {
        let due = self.calendar.as_ref().is_none_or(|calendar| calendar.is_workday(date));
        due.then(|| self.instant(date)).flatten().map(|deadline| (date, deadline))
    }

    fn instant(&self, date: Date) -> Option<i64> {
        let instant = self.zone.to_ambiguous_timestamp(date.to_datetime(self.at)).compatible().ok()?;
        i64::try_from(instant.as_nanosecond()).ok()
    }

    fn date(&self, instant: i64) -> Date {
        let stamp = Timestamp::from_nanosecond(i128::from(instant)).unwrap_or(Timestamp::UNIX_EPOCH);
        self.zone.to_datetime(stamp).date()
    }
}

fn day_of(date: Date) -> i64 {
    date.duration_since(jiff::civil::date(1970, 1, 1)).as_hours() / 24
}

fn ahead_of(date: Date, days: i64) -> Option<Date> {
    date.checked_add(jiff::Span::new().try_days(days).ok()?).ok()
}

#[cfg(test)]
mod tests;
