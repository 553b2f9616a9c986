//! The five forms a clock has in payloads: seconds since 1970 with decimals, milliseconds since 1970, RFC 3339 with an
//! offset, local time without one, and none at all (then the arrival stands in, and nothing here is asked).

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use nhip_profile::TimeFormat;
use nhip_proto::{Decimal, EventTime};

use super::json::Json;
use super::time_text;

/// Bytes of a stamp at most; a longer text is none.
const STAMP_BYTES_MAX: usize = 64;

/// Reads a stamp in the form the profile names; a number that stands in a text is taken as the number.
pub(super) fn read(json: &Json<'_>, format: &TimeFormat, zone: &TimeZone) -> Option<EventTime> {
    match format {
        TimeFormat::EpochSeconds => epoch(json.loose_decimal()?, 9),
        TimeFormat::EpochMilliseconds => epoch(json.loose_decimal()?, 6),
        TimeFormat::Rfc3339 => time_text::parse(json.text()?),
        TimeFormat::Local => local_iso(json.text()?, zone),
        TimeFormat::Pattern(pattern) => by_pattern(&json.scalar()?, pattern, zone),
    }
}

/// Seconds since 1970 with decimals, half to even below the nanosecond.
pub(super) fn epoch_seconds(number: Decimal) -> Option<EventTime> {
    epoch(number, 9)
}

fn epoch(number: Decimal, zeros: u8) -> Option<EventTime> {
    number.at_scale(zeros).and_then(|nanoseconds| i64::try_from(nanoseconds).ok()).map(EventTime)
}

/// `2026-11-21T07:00:00.5`, or with a blank in the middle; no offset, no `Z`.
pub(super) fn local_iso(text: &str, zone: &TimeZone) -> Option<EventTime> {
    let pattern =
        if text.as_bytes().get(10) == Some(&b' ') { "%Y-%m-%d %H:%M:%S%.f" } else { "%Y-%m-%dT%H:%M:%S%.f" };
    by_pattern(text, pattern, zone)
}

/// `yyyyMMddHHmmss`, all digits.
pub(super) fn local_digits(text: &str, zone: &TimeZone) -> Option<EventTime> {
    let digits = text.len() == 14 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { by_pattern(text, "%Y%m%d%H%M%S", zone) } else { None }
}

/// A stamp by a `strptime` pattern. A pattern with an offset (`%z`) uses it, else the stamp is civil time of `zone`: a
/// time that summer time skips does not exist and is none; of one that comes twice the first is meant.
pub(super) fn by_pattern(text: &str, pattern: &str, zone: &TimeZone) -> Option<EventTime> {
    if text.len() > STAMP_BYTES_MAX {
        return None;
    }
    let parts = BrokenDownTime::parse(pattern, text).ok()?;
    if parts.offset().is_some() {
        return parts.to_timestamp().ok().and_then(nanoseconds);
    }
    let ambiguous = zone.to_ambiguous_timestamp(parts.to_datetime().ok()?);
    if matches!(ambiguous.offset(), jiff::tz::AmbiguousOffset::Gap { .. }) {
        return None;
    }
    ambiguous.earlier().ok().and_then(nanoseconds)
}

fn nanoseconds(time: jiff::Timestamp) -> Option<EventTime> {
    i64::try_from(time.as_nanosecond()).ok().map(EventTime)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::json;

    const SECOND: i64 = 1_000_000_000;
    /// 2026-11-21T00:00:00Z, computed with GNU date.
    const MIDNIGHT_S: i64 = 1_795_219_200;

    fn saigon() -> TimeZone {
        nhip_profile::named_zone("Asia/Ho_Chi_Minh").expect("bundled")
    }

    fn seconds(json: &str, format: &TimeFormat, zone: &TimeZone) -> Option<f64> {
        let root = json::parse(json.as_bytes()).expect("JSON");
        let time = read(&root, format, zone)?;
        Some((time.0 - MIDNIGHT_S * SECOND) as f64 / 1e9)
    }

    fn pattern(text: &str) -> TimeFormat {
        TimeFormat::Pattern(text.to_owned())
    }

    #[test]
    fn every_form_of_one_moment_is_the_same_moment() {
        let slashes = pattern("%d/%m/%Y %H:%M:%S");
        let cases = [
            ("1795219200", TimeFormat::EpochSeconds, 0.0),
            ("1795219200.25", TimeFormat::EpochSeconds, 0.25),
            ("\"1795219200\"", TimeFormat::EpochSeconds, 0.0),
            ("1795219200250", TimeFormat::EpochMilliseconds, 0.25),
            ("\"2026-11-21T07:00:00.500000000+07:00\"", TimeFormat::Rfc3339, 0.5),
            ("\"2026-11-21T07:00:00\"", TimeFormat::Local, 0.0),
            ("\"2026-11-21 07:00:00.5\"", TimeFormat::Local, 0.5),
            ("\"21/11/2026 07:00:00\"", slashes.clone(), 0.0),
            ("\"20261121070000\"", pattern("%Y%m%d%H%M%S"), 0.0),
            ("20261121070000", pattern("%Y%m%d%H%M%S"), 0.0),
            ("\"21/11/2026 01:00:00 +0100\"", pattern("%d/%m/%Y %H:%M:%S %z"), 0.0),
        ];
        for (json, format, want) in cases {
            assert_eq!(seconds(json, &format, &saigon()), Some(want), "{json} {format:?}");
        }
        let cases = [
            ("\"11/21/2026 07:00:00\"", slashes),
            ("\"2026-11-21T07:00:00Z\"", TimeFormat::Local),
            ("\"2026-11-21T07:00:00\"", TimeFormat::Rfc3339),
            ("\"2026-02-30T07:00:00\"", TimeFormat::Local),
            ("true", TimeFormat::EpochSeconds),
            ("1e30", TimeFormat::EpochSeconds),
            ("null", TimeFormat::Local),
        ];
        for (json, format) in cases {
            assert_eq!(seconds(json, &format, &saigon()), None, "{json} {format:?}");
        }
    }

    #[test]
    fn summer_time_skips_an_hour_and_repeats_one() {
        let berlin = nhip_profile::named_zone("Europe/Berlin").expect("bundled");
        // 2026-03-29 02:00 → 03:00 and 2026-10-25 03:00 → 02:00 (EU Directive 2000/84/EC); GNU date:
        // date -u -d 2026-10-25T00:30:00Z +%s
        assert_eq!(local_iso("2026-03-29T02:30:00", &berlin), None);
        assert_eq!(local_iso("2026-03-29T03:00:00", &berlin), Some(EventTime(1_774_746_000 * SECOND)));
        assert_eq!(local_iso("2026-10-25T02:30:00", &berlin), Some(EventTime(1_792_888_200 * SECOND)));
        assert_eq!(local_digits("20261025023000", &berlin), Some(EventTime(1_792_888_200 * SECOND)));
        assert_eq!(local_digits("2026102502300", &berlin), None);
    }
}
