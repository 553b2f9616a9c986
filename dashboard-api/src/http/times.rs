//! Times on the wire: RFC 3339 with the offset of the profile's zone.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use nhip_proto::{ArrivalTime, EventTime};
use serde_json::Value;

/// A zone of the bundled database; UTC if the profile's is unknown there.
#[derive(Clone, Debug)]
pub(crate) struct Zone(TimeZone);

impl Zone {
    pub(crate) fn of(name: &str) -> Self {
        Self(TimeZone::get(name).unwrap_or(TimeZone::UTC))
    }

    pub(crate) fn rules(&self) -> &TimeZone {
        &self.0
    }

    pub(crate) fn event(&self, time: EventTime) -> Value {
        self.text(time.0)
    }

    pub(crate) fn arrival(&self, time: ArrivalTime) -> Value {
        self.text(time.0)
    }

    pub(crate) fn event_or_null(&self, time: Option<EventTime>) -> Value {
        time.map_or(Value::Null, |time| self.event(time))
    }

    pub(crate) fn arrival_or_null(&self, time: Option<ArrivalTime>) -> Value {
        time.map_or(Value::Null, |time| self.arrival(time))
    }

    fn text(&self, nanoseconds: i64) -> Value {
        let Ok(at) = Timestamp::from_nanosecond(i128::from(nanoseconds)) else { return Value::Null };
        let offset = self.0.to_offset(at);
        Value::from(at.display_with_offset(offset).to_string())
    }
}

/// The civil date of a time in a zone.
pub(crate) fn civil_date(zone: &str, at: ArrivalTime) -> Option<Date> {
    let at = Timestamp::from_nanosecond(i128::from(at.0)).ok()?;
    Some(at.to_zoned(Zone::of(zone).0).date())
}

/// The first instant of a civil date in a zone, ms since 1970.
pub(crate) fn midnight_ms(zone: &str, date: Date) -> Option<i64> {
    let first = date.to_zoned(Zone::of(zone).0).ok()?.start_of_day().ok()?;
    Some(first.timestamp().as_millisecond())
}

/// Reads an RFC 3339 time with offset.
pub(crate) fn parse(text: &str) -> Option<EventTime> {
    let at: Timestamp = text.parse().ok()?;
    i64::try_from(at.as_nanosecond()).ok().map(EventTime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_the_offset_of_the_zone() {
        let zone = Zone::of("Asia/Ho_Chi_Minh");
        assert_eq!(zone.event(EventTime(1_795_244_700_500_000_000)), "2026-11-21T14:05:00.5+07:00");
        assert_eq!(parse("2026-11-21T14:05:00.5+07:00"), Some(EventTime(1_795_244_700_500_000_000)));
        assert_eq!(parse("2026-11-21"), None);
    }
}
