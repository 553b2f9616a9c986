//! Periods of statistics: a day, a month, a quarter, a year, or from one day to another, in the profile's zone.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan as _};
use nhip_proto::EventTime;

/// Days of the longest period.
const DAYS_MAX: i64 = 366;
/// What may stand there, for lists of mistakes.
pub(super) const FORMS: &str = "2026-09, 2026-Q3, 2026, 2026-09-01, 2026-09-01/2026-09-14";

/// First instant and the instant after the last; none if the text is no period.
pub(super) fn parse(text: &str, zone: &TimeZone) -> Option<(EventTime, EventTime)> {
    let (first, after) = days(text)?;
    let long = after.since((jiff::Unit::Day, first)).ok()?.get_days();
    if !(1..=DAYS_MAX).contains(&i64::from(long)) {
        return None;
    }
    let instant = |day: Date| {
        let at = day.to_zoned(zone.clone()).ok()?.start_of_day().ok()?.timestamp().as_nanosecond();
        i64::try_from(at).ok().map(EventTime)
    };
    instant(first).zip(instant(after))
}

/// The first day, and the day after the last.
fn days(text: &str) -> Option<(Date, Date)> {
    if let Some((first, last)) = text.split_once('/') {
        return Some((day(first.trim())?, day(last.trim())?.checked_add(1.day()).ok()?));
    }
    let (first, length): (Date, Span) = match (text.len(), text.get(4..6)) {
        (4, _) => (date_of(number(text, 4)?, 1, 1)?, 1.year()),
        (7, Some("-Q" | "-q")) => {
            let quarter = number(text.get(6..)?, 1)?;
            let month = (1..=4).contains(&quarter).then(|| quarter * 3 - 2)?;
            (date_of(number(text.get(..4)?, 4)?, month, 1)?, 3.months())
        }
        (7, _) => {
            let (year, month) = text.split_once('-')?;
            (date_of(number(year, 4)?, number(month, 2)?, 1)?, 1.month())
        }
        _ => (day(text)?, 1.day()),
    };
    Some((first, first.checked_add(length).ok()?))
}

fn day(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next().is_none();
    date_of(number(year, 4)?, number(month, 2)?, number(day, 2)?).filter(|_| whole)
}

fn date_of(year: i16, month: i16, day: i16) -> Option<Date> {
    // Years before the first computers are typing mistakes.
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    Date::new(year, month, day).ok().filter(|_| (1900..=2199).contains(&year))
}

fn number(text: &str, digits: usize) -> Option<i16> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The period a text probably means, in the form wanted; or empty.
pub(super) fn meant(text: &str) -> String {
    let groups: Vec<&str> = text.split(|letter: char| !letter.is_ascii_digit()).collect();
    let groups: Vec<&str> = groups.into_iter().filter(|group| !group.is_empty()).collect();
    let lower = text.to_lowercase();
    let (part, year) = match groups.as_slice() {
        [part, year] if year.len() == 4 => (*part, *year),
        [year, part] if year.len() == 4 => (*part, *year),
        _ => return String::new(),
    };
    let is_quarter = lower.contains('q');
    match part.parse::<u8>() {
        Ok(quarter @ 1..=4) if is_quarter => format!("{year}-Q{quarter}"),
        Ok(month @ 1..=12) if !is_quarter => format!("{year}-{month:02}"),
        _ => String::new(),
    }
}

/// The day a serial number of a workbook shows; none: it shows none.
pub(super) fn of_serial(digits: &str, from_1904: bool) -> Option<Date> {
    let whole: i64 = digits.split('.').next()?.parse().ok()?;
    // The calendar of 1900 counts a 29th of February that never was: from the 1st of March on it is one day ahead.
    let origin = if from_1904 { date(1904, 1, 1) } else { date(1899, 12, 30) };
    let fits = (if from_1904 { 0 } else { 61 }..=200_000).contains(&whole);
    fits.then(|| origin.checked_add(whole.days()).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<(String, String)> {
        let zone = TimeZone::get("Asia/Ho_Chi_Minh").expect("bundled");
        let (from, to) = parse(text, &zone)?;
        let day = |time: EventTime| {
            let at = jiff::Timestamp::from_nanosecond(i128::from(time.0)).expect("in range");
            at.to_zoned(zone.clone()).datetime().to_string()
        };
        Some((day(from), day(to)))
    }

    #[test]
    fn each_form_is_a_stretch_of_civil_days() {
        for (text, from, to) in [
            ("2026-09", "2026-09-01", "2026-10-01"),
            ("2026-Q3", "2026-07-01", "2026-10-01"),
            ("2026-q4", "2026-10-01", "2027-01-01"),
            ("2026", "2026-01-01", "2027-01-01"),
            ("2024-02-29", "2024-02-29", "2024-03-01"),
            ("2026-08-15/2026-09-14", "2026-08-15", "2026-09-15"),
        ] {
            let expected = (format!("{from}T00:00:00"), format!("{to}T00:00:00"));
            assert_eq!(shown(text), Some(expected), "{text}");
        }
        for wrong in [
            "",
            "2026-13",
            "2026-Q5",
            "2026-9",
            "9/2026",
            "1899",
            "20260",
            "2026-02-30",
            "2026-09-02/2026-09-01",
            "2024-01-01/2025-01-01",
            "2026-1-01",
            "2026-09-01-01",
            "２０２６",
            "tháng 9",
        ] {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_people_write_is_told_in_the_form_wanted() {
        for (text, expected) in [
            ("9/2026", "2026-09"),
            ("tháng 09 năm 2026", "2026-09"),
            ("quý 3/2026", "2026-Q3"),
            ("2026-9", "2026-09"),
            ("13/2026", ""),
            ("hôm qua", ""),
        ] {
            assert_eq!(meant(text), expected, "{text}");
        }
    }

    #[test]
    fn serial_numbers_are_days() {
        assert_eq!(of_serial("46266", false), Some(date(2026, 9, 1)));
        assert_eq!(of_serial("44804", true), Some(date(2026, 9, 1)));
        assert_eq!(of_serial("46266.5", false), Some(date(2026, 9, 1)));
        assert_eq!(of_serial("59", false), None);
        assert_eq!(of_serial("x", false), None);
    }
}
