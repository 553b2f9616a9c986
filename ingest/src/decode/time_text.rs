//! RFC 3339 times, strictly: a date, a time and an offset; anything looser would be a guess at what a
//! sender means.

use nhip_proto::EventTime;

/// Reads `2026-11-21T07:00:00.5+07:00` or `…Z`, with up to nine decimals; none for anything else.
pub(super) fn parse(text: &str) -> Option<EventTime> {
    if !has_shape(text.as_bytes()) {
        return None;
    }
    let time: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok().map(EventTime)
}

/// RFC 3339 §5.6; the library below also takes looser forms of ISO 8601.
fn has_shape(text: &[u8]) -> bool {
    let Some((date_time, rest)) = text.split_at_checked(19) else { return false };
    let digits_at =
        |byte: &u8, shape: &u8| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    let like = |text: &[u8], shape: &[u8]| {
        text.len() == shape.len() && text.iter().zip(shape).all(|(byte, shape)| digits_at(byte, shape))
    };
    let offset = match rest.split_first() {
        Some((b'.', fraction)) => {
            let count = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&count) {
                return false;
            }
            fraction.get(count..).unwrap_or_default()
        }
        _ => rest,
    };
    like(date_time, b"0000-00-00T00:00:00")
        && (offset == b"Z" || like(offset, b"+00:00") || like(offset, b"-00:00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_needs_date_time_and_offset() {
        // Computed with GNU date: date -u -d 2026-11-21T00:00:00Z +%s
        let midnight_s = 1_795_219_200;
        let cases = [
            ("2026-11-21T00:00:00Z", 0),
            ("2026-11-21T07:00:00+07:00", 0),
            ("2026-11-20T19:00:00.000000001-05:00", 1),
            ("2026-11-21T07:00:00.5+07:00", 500_000_000),
        ];
        for (text, nanoseconds) in cases {
            assert_eq!(parse(text), Some(EventTime(midnight_s * 1_000_000_000 + nanoseconds)), "{text}");
        }
    }

    #[test]
    fn anything_looser_is_refused() {
        let cases = [
            "",
            "2026-11-21",
            "2026-11-21T07:00:00",
            "2026-11-21 07:00:00Z",
            "20261121T070000Z",
            "2026-11-21T07:00Z",
            "2026-11-21T07:00:00+07",
            "2026-11-21T07:00:00.+07:00",
            "2026-11-21T07:00:00.1234567890Z",
            "2026-02-30T07:00:00Z",
            "2026-11-21T25:00:00Z",
            "2026-11-21T07:00:00Z[Asia/Ho_Chi_Minh]",
            "+002026-11-21T07:00:00Z",
            "9999-12-31T00:00:00Z",
            "２026-11-21T07:00:00Z",
        ];
        for text in cases {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
