//! The clocks of foreign senders that write RFC 3339 with or without an offset, or milliseconds.

use jiff::tz::TimeZone;
use nhip_proto::{Decimal, EventTime};

use super::json::Json;
use super::{DecodeContext, clock_text, time_of_milliseconds, time_text};

/// Seconds since 1970 with decimals.
pub(super) fn seconds(json: &Json<'_>) -> Option<EventTime> {
    clock_text::epoch_seconds(json.loose_decimal()?)
}

/// Whole milliseconds since 1970; decimals would be seconds.
pub(super) fn milliseconds(json: &Json<'_>) -> Option<EventTime> {
    match json.loose_decimal()? {
        Decimal { mantissa, scale: 0 } => i64::try_from(mantissa).ok().and_then(time_of_milliseconds),
        _ => None,
    }
}

/// A time with an offset, or without one in the zone of the stream.
pub(super) fn local(text: &str, context: &DecodeContext<'_>) -> Option<EventTime> {
    let utc = TimeZone::UTC;
    time_text::parse(text).or_else(|| clock_text::local_iso(text, context.zone.unwrap_or(&utc)))
}

/// A time with an offset, or without one in UTC, for fields that are UTC by their name.
pub(super) fn universal(text: &str) -> Option<EventTime> {
    time_text::parse(text).or_else(|| clock_text::local_iso(text, &TimeZone::UTC))
}
