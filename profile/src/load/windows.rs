//! Windows: how they are written, and which ones lie whole inside others.

use jiff::Timestamp;
use jiff::civil::date;
use nhip_proto::{MINUTE, SECOND, Span};

use super::Loading;
use crate::access::named_zone;
use crate::model::{CLOSING_DAY_MAX, HOPS_MAX};
use crate::read::Section;
use crate::{CalendarUnit, OverTime, Window, parse_span};

const WINDOWS: &str = "5m, 1h, 24h … of fixed length; \"24h every 1h\"; hour, 1d, 1w, 1mo, 1q, 6mo, 1y of the civil \
     calendar; 1mo@14, 1q@14, 6mo@14, 1y@14 (closing on day 1 to 27); an id of [[periods]]";
const HOUR: Span = 60 * MINUTE;
/// The years in which a civil calendar must begin where fixed windows do.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2060;

/// The key `window`.
pub(super) fn read_window(section: &Section<'_>, loading: &Loading<'_>) -> Option<Window> {
    let text = section.text("window")?;
    if let Some((length, hop)) = text.split_once(" every ") {
        return read_hopping(section, length.trim(), hop.trim());
    }
    let window = match text.as_str() {
        "hour" => Some(Window::Calendar(CalendarUnit::Hour)),
        "1d" => Some(Window::Calendar(CalendarUnit::Day)),
        "1w" => Some(Window::Calendar(CalendarUnit::Week)),
        "1mo" => Some(Window::Calendar(CalendarUnit::Month)),
        "1q" => Some(Window::Calendar(CalendarUnit::Quarter)),
        "6mo" => Some(Window::Calendar(CalendarUnit::HalfYear)),
        "1y" => Some(Window::Calendar(CalendarUnit::Year)),
        other => match other.split_once('@') {
            Some((unit, day)) => closing(unit, day),
            None => fixed(other).map(Window::Tumbling),
        },
    };
    if window.is_none() {
        if let Some(periods) = loading.profile.periods.get(&text) {
            return Some(Window::Dated(periods.windows()));
        }
        section.mistake("window", format!("\"{text}\" is no window"), WINDOWS);
    }
    window
}

fn read_hopping(section: &Section<'_>, length: &str, hop: &str) -> Option<Window> {
    let (Some(length), Some(hop)) = (fixed(length), fixed(hop)) else {
        section.mistake("window", "is no window that hops", WINDOWS);
        return None;
    };
    if length % hop != 0 || length / hop < 2 || length / hop > HOPS_MAX {
        let allowed = format!("a length of 2 to {HOPS_MAX} times what it hops");
        section.mistake("window", "hops unevenly or too finely", allowed);
        return None;
    }
    Some(Window::Hopping { length, hop })
}

/// A period that closes on a day of the month: `1mo@14` is from the 15th to the 14th.
fn closing(unit: &str, day: &str) -> Option<Window> {
    let unit = match unit {
        "1mo" => CalendarUnit::Month,
        "1q" => CalendarUnit::Quarter,
        "6mo" => CalendarUnit::HalfYear,
        "1y" => CalendarUnit::Year,
        _ => return None,
    };
    let day: u8 = day.parse().ok().filter(|number: &u8| number.to_string() == day)?;
    (1..=CLOSING_DAY_MAX).contains(&day).then_some(Window::Closing(unit, day))
}

/// A fixed span; `1d` is a civil day, never 24 hours.
fn fixed(text: &str) -> Option<Span> {
    parse_span(text).filter(|span| *span > 0 && !text.ends_with('d'))
}

/// Whether every window of `inner` lies whole inside one of `outer` (hopping ones: begins inside one).
pub(super) fn cuts_between(outer: &Window, inner: &Window, loading: &Loading<'_>) -> bool {
    match (outer, inner) {
        (Window::Tumbling(long), Window::Tumbling(short)) => long > short && long % short == 0,
        (Window::Tumbling(long), Window::Hopping { hop, .. }) => long > hop && long % hop == 0,
        (Window::Hopping { hop, .. }, Window::Tumbling(short)) => hop % short == 0,
        (Window::Calendar(unit), Window::Tumbling(short) | Window::Hopping { hop: short, .. }) => {
            let hours = *unit != CalendarUnit::Hour;
            if hours { begins_with_days(*short, loading) } else { HOUR % short == 0 && HOUR > *short }
        }
        (Window::Calendar(long), Window::Calendar(short)) => holds(*long, *short),
        (Window::Closing(long, day), Window::Closing(short, same)) => day == same && holds(*long, *short),
        (
            Window::Closing(..) | Window::Dated(_),
            Window::Tumbling(short) | Window::Hopping { hop: short, .. },
        ) => begins_with_days(*short, loading),
        (Window::Closing(..) | Window::Dated(_), Window::Calendar(short)) => {
            matches!(short, CalendarUnit::Hour | CalendarUnit::Day)
        }
        (_, Window::Closing(..) | Window::Dated(_)) => false,
        (Window::Tumbling(_), Window::Calendar(_)) | (Window::Hopping { .. }, _) => false,
    }
}

/// Whether windows that overlap may be combined so: none is counted twice.
pub(super) fn may_overlap(by: OverTime) -> bool {
    !matches!(by, OverTime::Sum | OverTime::Mean)
}

fn holds(long: CalendarUnit, short: CalendarUnit) -> bool {
    use CalendarUnit::{Day, HalfYear, Hour, Month, Quarter, Week, Year};
    match long {
        Hour => false,
        Day => short == Hour,
        Week | Month => matches!(short, Hour | Day),
        Quarter => matches!(short, Hour | Day | Month),
        HalfYear => matches!(short, Hour | Day | Month | Quarter),
        Year => matches!(short, Hour | Day | Month | Quarter | HalfYear),
    }
}

/// Whether each civil day of the profile's zone begins where a fixed window of this length does.
fn begins_with_days(short: Span, loading: &Loading<'_>) -> bool {
    let Some(zone) = named_zone(&loading.profile.zone) else { return true };
    let even = |year: i16, month: i8| {
        let instant = date(year, month, 1).to_zoned(jiff::tz::TimeZone::UTC);
        let instant = instant.map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp());
        Span::from(zone.to_offset(instant).seconds()) * SECOND % short == 0
    };
    short < 24 * HOUR
        && 24 * HOUR % short == 0
        && YEARS.into_iter().all(|year| even(year, 1) && even(year, 7))
}
