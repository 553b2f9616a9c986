//! Where windows begin and end. The zone rules are the Profile record's, never a system database's.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use nhip_profile::{CalendarUnit, Dated, HOPS_MAX, Window};
use nhip_proto::{SECOND, Span};

const HOUR: Span = 3_600 * SECOND;

/// The windows of one kind. Fixed spans are aligned to 1970-01-01T00:00Z, civil ones to the zone's dates.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    window: Window,
    zone: TimeZone,
    /// Of dated periods: start and end of each, in order; what lies between belongs to no window.
    dated: Option<Arc<[(i64, i64)]>>,
}

/// The window found last, so that neighbours need no calendar.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memo {
    start: i64,
    end: i64,
}

impl Calendar {
    pub(crate) fn new(window: Window, zone: TimeZone) -> Self {
        let dated = match &window {
            Window::Dated(dated) => Some(spans(dated, &zone)),
            _ => None,
        };
        Self { window, zone, dated }
    }

    /// Of dated periods: where each starts and ends; none: every instant lies in a window.
    pub(crate) fn dated(&self) -> Option<Arc<[(i64, i64)]>> {
        self.dated.clone()
    }

    pub(crate) fn is(&self, window: &Window, zone: &TimeZone) -> bool {
        &self.window == window && &self.zone == zone
    }

    /// Start (inclusive) and end (exclusive) of the window an instant lies in, the last of them; UTC nanoseconds.
    /// Between dated periods: the stretch from one to the next, which is nobody's by
    /// [`crate::plan::Definition::covers`].
    pub(crate) fn locate(&self, instant: i64) -> (i64, i64) {
        match &self.window {
            Window::Tumbling(span) => {
                let span = (*span).max(1);
                let start = instant.div_euclid(span).saturating_mul(span);
                (start, start.saturating_add(span))
            }
            Window::Hopping { length, hop } => {
                let hop = (*hop).max(1);
                let start = instant.div_euclid(hop).saturating_mul(hop);
                (start, start.saturating_add(*length))
            }
            Window::Calendar(CalendarUnit::Hour) => self.civil_hour(instant),
            Window::Calendar(unit) => self.civil_dates(*unit, 0, instant),
            Window::Closing(unit, day) => self.civil_dates(*unit, i8::try_from(*day).unwrap_or(0), instant),
            Window::Dated(_) => self.period_or_gap(instant),
        }
    }

    /// The window a screen shows at an instant before anything was heard: of dated periods the last that has begun.
    pub(crate) fn current(&self, instant: i64) -> (i64, i64) {
        let begun = self.dated.as_ref().map(|spans| {
            let after = spans.partition_point(|(start, _)| *start <= instant);
            spans.get(after.saturating_sub(1)).copied()
        });
        begun.flatten().unwrap_or_else(|| self.locate(instant))
    }

    fn period_or_gap(&self, instant: i64) -> (i64, i64) {
        let spans = self.dated.as_deref().unwrap_or(&[]);
        let after = spans.partition_point(|(start, _)| *start <= instant);
        let before = after.checked_sub(1).and_then(|at| spans.get(at));
        match before {
            Some((start, end)) if instant < *end => (*start, *end),
            _ => {
                let end = spans.get(after).map_or(i64::MAX, |(start, _)| *start);
                (before.map_or(i64::MIN, |(_, end)| *end), end)
            }
        }
    }

    /// As [`Self::locate`], remembering the last answer.
    pub(crate) fn locate_near(&self, instant: i64, memo: &mut Memo) -> (i64, i64) {
        if matches!(self.window, Window::Tumbling(_) | Window::Hopping { .. }) {
            return self.locate(instant);
        }
        if instant < memo.start || instant >= memo.end {
            (memo.start, memo.end) = self.locate(instant);
        }
        (memo.start, memo.end)
    }

    /// How many windows an instant lies in, and the span from one start to the next where it is more than one.
    pub(crate) fn hops(&self) -> (i64, i64) {
        match self.window {
            Window::Hopping { length, hop } => ((length / hop.max(1)).clamp(1, HOPS_MAX), hop.max(1)),
            _ => (1, 0),
        }
    }

    /// The first of the windows an instant lies in; [`Self::locate`] finds the last.
    pub(crate) fn earliest(&self, instant: i64) -> (i64, i64) {
        let ((start, end), (hops, hop)) = (self.locate(instant), self.hops());
        let back = hop.saturating_mul(hops - 1);
        (start.saturating_sub(back), end.saturating_sub(back))
    }

    /// The window after one; of dated periods the next of them, and after the last none: it starts at the end of time.
    pub(crate) fn next(&self, start: i64, end: i64) -> (i64, i64) {
        if let Some(spans) = &self.dated {
            let after = spans.partition_point(|(next, _)| *next <= start);
            return spans.get(after).copied().unwrap_or((i64::MAX, i64::MAX));
        }
        match self.hops() {
            (1, _) => self.locate(end),
            (_, hop) => (start.saturating_add(hop), end.saturating_add(hop)),
        }
    }

    /// The start of the window before one; before the first dated period none: the beginning of time.
    pub(crate) fn before(&self, start: i64) -> i64 {
        if let Some(spans) = &self.dated {
            let first = spans.partition_point(|(before, _)| *before < start);
            let before = first.checked_sub(1).and_then(|at| spans.get(at));
            return before.map_or(i64::MIN, |(start, _)| *start);
        }
        match self.hops() {
            (1, _) => self.locate(start.saturating_sub(1)).0,
            (_, hop) => start.saturating_sub(hop),
        }
    }

    /// The longest span from one start to the next, and the greatest length.
    pub(crate) fn spans_max(&self) -> (i64, i64) {
        let days = |days: i64| (days * 24 * HOUR, days * 24 * HOUR);
        match self.window {
            Window::Tumbling(span) => (span, span),
            Window::Hopping { length, hop } => (hop, length),
            Window::Calendar(CalendarUnit::Hour) => (HOUR, HOUR),
            // An hour more where the clock goes back; a zone that leaves out a day is not foreseen.
            Window::Calendar(CalendarUnit::Day) => days(2),
            Window::Calendar(CalendarUnit::Week) => days(8),
            Window::Calendar(unit) | Window::Closing(unit, _) => match unit {
                CalendarUnit::Quarter => days(93),
                CalendarUnit::HalfYear => days(185),
                CalendarUnit::Year => days(367),
                _ => days(32),
            },
            Window::Dated(_) => {
                let spans = self.dated.as_deref().unwrap_or(&[]);
                let steps = spans.iter().zip(spans.iter().skip(1));
                let length = spans.iter().map(|(start, end)| end.saturating_sub(*start)).max().unwrap_or(0);
                let step = steps.map(|(one, next)| next.0.saturating_sub(one.0)).max();
                (step.unwrap_or(length).max(length), length)
            }
        }
    }

    /// The civil date an instant lies in.
    pub(crate) fn date(&self, instant: i64) -> Date {
        self.zone.to_datetime(timestamp(instant)).date()
    }

    /// The civil hour an instant lies in, 0 to 23.
    pub(crate) fn hour(&self, instant: i64) -> i8 {
        self.zone.to_datetime(timestamp(instant)).hour()
    }

    /// `closing` is the last day of the period in its last month; 0: the month's own.
    fn civil_dates(&self, unit: CalendarUnit, closing: i8, instant: i64) -> (i64, i64) {
        let day = self.date(instant);
        // What lies behind the closing day belongs to the month that follows.
        let date = if closing > 0 && day.day() > closing { next_month(day).unwrap_or(day) } else { day };
        let (first, next) = match unit {
            CalendarUnit::Year => (date.first_of_year(), date.last_of_year().tomorrow()),
            CalendarUnit::Quarter => months(date, 3),
            CalendarUnit::HalfYear => months(date, 6),
            CalendarUnit::Week => week(date),
            CalendarUnit::Month => (date.first_of_month(), date.last_of_month().tomorrow()),
            CalendarUnit::Hour | CalendarUnit::Day => (date, date.tomorrow()),
        };
        let moved = |first: Date| if closing > 0 { behind(first, closing) } else { Some(first) };
        let start = moved(first).and_then(|first| self.midnight(first)).unwrap_or(i64::MIN);
        (start, next.ok().and_then(moved).and_then(|next| self.midnight(next)).unwrap_or(i64::MAX))
    }

    fn midnight(&self, date: Date) -> Option<i64> {
        midnight(&self.zone, date)
    }

    /// An hour of the civil clock; a change of the zone's offset inside it ends it early.
    fn civil_hour(&self, instant: i64) -> (i64, i64) {
        let offset = i64::from(self.zone.to_offset(timestamp(instant)).seconds()) * SECOND;
        let start = instant.saturating_add(offset).div_euclid(HOUR) * HOUR - offset;
        let change =
            |change: jiff::tz::TimeZoneTransition<'_>| i64::try_from(change.timestamp().as_nanosecond()).ok();
        let before = self.zone.preceding(timestamp(instant.saturating_add(1))).next().and_then(change);
        let after = self.zone.following(timestamp(instant)).next().and_then(change);
        let end = start.saturating_add(HOUR);
        (before.map_or(start, |before| start.max(before)), after.map_or(end, |after| end.min(after)))
    }
}

/// From Monday to Monday.
fn week(date: Date) -> (Date, Result<Date, jiff::Error>) {
    let back = i64::from(date.weekday().to_monday_zero_offset());
    let monday = date.checked_sub(jiff::Span::new().days(back)).unwrap_or(Date::MIN);
    (monday, monday.checked_add(jiff::Span::new().weeks(1)))
}

/// So many months that divide the year, from January on.
fn months(date: Date, count: i8) -> (Date, Result<Date, jiff::Error>) {
    let back = i64::from((date.month() - 1) % count);
    let first = date.first_of_month().checked_sub(jiff::Span::new().months(back)).unwrap_or(Date::MIN);
    (first, first.checked_add(jiff::Span::new().months(i64::from(count))))
}

fn next_month(date: Date) -> Option<Date> {
    date.last_of_month().tomorrow().ok()
}

/// The day after the closing day in the month before one that begins here.
fn behind(first: Date, closing: i8) -> Option<Date> {
    first.yesterday().ok()?.first_of_month().checked_add(jiff::Span::new().days(i64::from(closing))).ok()
}

/// Dated periods as instants of the zone.
fn spans(dated: &Dated, zone: &TimeZone) -> Arc<[(i64, i64)]> {
    let instants = |(from, to): &(Date, Date)| Some((midnight(zone, *from)?, midnight(zone, *to)?));
    dated.spans.iter().filter_map(instants).collect()
}

/// When a civil day begins.
pub(crate) fn midnight(zone: &TimeZone, date: Date) -> Option<i64> {
    let instant = zone.to_ambiguous_timestamp(date.to_datetime(Time::midnight())).compatible().ok()?;
    i64::try_from(instant.as_nanosecond()).ok()
}

fn timestamp(instant: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(instant)).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        let (name, bytes) = jiff_rules(name);
        TimeZone::tzif(&name, &bytes).expect("bundled rules")
    }

    fn jiff_rules(name: &str) -> (String, Vec<u8>) {
        let profile = nhip_profile::Profile { zone: name.to_owned(), ..nhip_profile::Profile::empty("test") };
        let rules = nhip_profile::zone_rules(&profile).remove(0);
        (rules.name, rules.tzif)
    }

    fn at(text: &str) -> i64 {
        i64::try_from(text.parse::<Timestamp>().expect("a time").as_nanosecond()).expect("in range")
    }

    fn window(unit: CalendarUnit, place: &str, instant: &str) -> (i64, i64) {
        Calendar::new(Window::Calendar(unit), zone(place)).locate(at(instant))
    }

    #[test]
    fn a_day_is_cut_at_the_zone_s_midnight() {
        let day = window(CalendarUnit::Day, "Asia/Ho_Chi_Minh", "2026-11-20T17:00:00Z");
        assert_eq!(day, (at("2026-11-20T17:00:00Z"), at("2026-11-21T17:00:00Z")));
        let before = window(CalendarUnit::Day, "Asia/Ho_Chi_Minh", "2026-11-20T16:59:59.999999999Z");
        assert_eq!(before.1, day.0);
    }

    #[test]
    fn days_of_a_zone_with_summer_time_have_23_and_25_hours() {
        let spring = window(CalendarUnit::Day, "Europe/Berlin", "2026-03-29T12:00:00Z");
        assert_eq!(spring.1 - spring.0, 23 * HOUR);
        let autumn = window(CalendarUnit::Day, "Europe/Berlin", "2026-10-25T12:00:00Z");
        assert_eq!(autumn.1 - autumn.0, 25 * HOUR);
    }

    #[test]
    fn hours_tile_the_day_even_where_the_clock_moves_by_half_an_hour() {
        let calendar = Calendar::new(Window::Calendar(CalendarUnit::Hour), zone("Australia/Lord_Howe"));
        let mut instant = at("2026-04-04T00:00:00Z");
        for _ in 0..60 {
            let (start, end) = calendar.locate(instant);
            assert!(start <= instant && instant < end, "{start} {instant} {end}");
            assert_eq!(calendar.locate(end - 1), (start, end));
            assert_eq!(calendar.locate(start), (start, end));
            instant = end;
        }
    }

    #[test]
    fn an_instant_lies_in_every_window_that_hops_over_it() {
        let calendar = Calendar::new(Window::Hopping { length: 3 * HOUR, hop: HOUR }, zone("UTC"));
        let noon = at("2026-11-21T12:00:00Z");
        assert_eq!(calendar.locate(noon), (noon, noon + 3 * HOUR));
        assert_eq!(calendar.earliest(noon), (noon - 2 * HOUR, noon + HOUR));
        assert_eq!(calendar.earliest(noon - 1).1, noon, "the end is exclusive");
        assert_eq!(calendar.next(noon, noon + 3 * HOUR), (noon + HOUR, noon + 4 * HOUR));
        assert_eq!(calendar.before(noon), noon - HOUR);
        assert_eq!(calendar.hops(), (3, HOUR));
    }

    #[test]
    fn weeks_begin_on_monday_and_quarters_in_january() {
        let week = window(CalendarUnit::Week, "Asia/Ho_Chi_Minh", "2026-11-22T16:59:59Z");
        assert_eq!(week, (at("2026-11-15T17:00:00Z"), at("2026-11-22T17:00:00Z")), "16 to 22 November");
        let monday = window(CalendarUnit::Week, "Asia/Ho_Chi_Minh", "2026-11-22T17:00:00Z");
        assert_eq!(monday.0, week.1);
        let year_end = window(CalendarUnit::Week, "Europe/Berlin", "2027-01-01T12:00:00Z");
        assert_eq!(year_end, (at("2026-12-27T23:00:00Z"), at("2027-01-03T23:00:00Z")));
        let spring = window(CalendarUnit::Week, "Europe/Berlin", "2026-03-29T12:00:00Z");
        assert_eq!(spring.1 - spring.0, (7 * 24 - 1) * HOUR);
        let quarter = window(CalendarUnit::Quarter, "Asia/Ho_Chi_Minh", "2026-12-31T16:59:59Z");
        assert_eq!(quarter, (at("2026-09-30T17:00:00Z"), at("2026-12-31T17:00:00Z")));
    }

    #[test]
    fn reporting_periods_close_on_the_14th() {
        // NĐ 09/2019/NĐ-CP, Điều 12: month, quarter, six months, year.
        let at_hcm = |text: &str| at(&format!("{text}T00:00:00+07:00"));
        let cases = [
            (CalendarUnit::Month, "2026-12-14T16:59:59Z", "2026-11-15", "2026-12-15"),
            (CalendarUnit::Month, "2026-12-14T17:00:00Z", "2026-12-15", "2027-01-15"),
            (CalendarUnit::Month, "2026-03-01T00:00:00Z", "2026-02-15", "2026-03-15"),
            (CalendarUnit::Quarter, "2026-01-01T00:00:00Z", "2025-12-15", "2026-03-15"),
            (CalendarUnit::Quarter, "2026-03-20T00:00:00Z", "2026-03-15", "2026-06-15"),
            (CalendarUnit::HalfYear, "2026-05-01T00:00:00Z", "2025-12-15", "2026-06-15"),
            (CalendarUnit::HalfYear, "2026-06-14T17:00:00Z", "2026-06-15", "2026-12-15"),
            (CalendarUnit::Year, "2026-12-14T16:59:59Z", "2025-12-15", "2026-12-15"),
            (CalendarUnit::Year, "2026-12-14T17:00:00Z", "2026-12-15", "2027-12-15"),
        ];
        for (unit, instant, from, to) in cases {
            let calendar = Calendar::new(Window::Closing(unit, 14), zone("Asia/Ho_Chi_Minh"));
            let window = calendar.locate(at(instant));
            assert_eq!(window, (at_hcm(from), at_hcm(to)), "{unit:?} {instant}");
            assert_eq!(calendar.locate(calendar.before(window.0)).1, window.0);
            assert_eq!(calendar.next(window.0, window.1).0, window.1);
        }
        let half = window(CalendarUnit::HalfYear, "Asia/Ho_Chi_Minh", "2026-07-01T00:00:00Z");
        assert_eq!(half, (at_hcm("2026-07-01"), at_hcm("2027-01-01")));
    }

    #[test]
    fn between_dated_periods_there_is_no_window() {
        let day = |month: i8, day: i8| jiff::civil::date(2026, month, day);
        let dated =
            Dated { id: "tet".to_owned(), spans: vec![(day(1, 10), day(1, 20)), (day(3, 1), day(3, 5))] };
        let calendar = Calendar::new(Window::Dated(dated), zone("UTC"));
        let instant = |text: &str| at(&format!("2026-{text}T00:00:00Z"));
        let (first, second) = ((instant("01-10"), instant("01-20")), (instant("03-01"), instant("03-05")));
        assert_eq!(calendar.locate(first.0), first);
        assert_eq!(calendar.locate(second.1 - 1), second);
        assert_eq!(calendar.locate(first.1), (first.1, second.0), "a stretch that is nobody's");
        assert_eq!(calendar.locate(first.0 - 1), (i64::MIN, first.0));
        assert_eq!(calendar.locate(second.1), (second.1, i64::MAX));
        assert_eq!((calendar.before(second.0), calendar.before(first.0)), (first.0, i64::MIN));
        assert_eq!(
            (calendar.next(first.0, first.1), calendar.next(second.0, second.1).0),
            (second, i64::MAX)
        );
        assert_eq!((calendar.current(second.1), calendar.current(0)), (second, first));
        assert_eq!(calendar.spans_max(), (second.0 - first.0, first.1 - first.0));
    }

    #[test]
    fn months_and_years_follow_the_civil_calendar() {
        let month = window(CalendarUnit::Month, "Asia/Ho_Chi_Minh", "2028-02-29T10:00:00Z");
        assert_eq!(month, (at("2028-01-31T17:00:00Z"), at("2028-02-29T17:00:00Z")));
        let year = window(CalendarUnit::Year, "Asia/Ho_Chi_Minh", "2026-12-31T16:00:00Z");
        assert_eq!(year, (at("2025-12-31T17:00:00Z"), at("2026-12-31T17:00:00Z")));
    }
}
