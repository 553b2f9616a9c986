//! Lengths of time as text: `90s`, `5m`, `1h`, `7d`.

use nhip_proto::{MILLISECOND, MINUTE, SECOND, Span};

const UNITS: [(&str, Span); 5] =
    [("ms", MILLISECOND), ("s", SECOND), ("m", MINUTE), ("h", 60 * MINUTE), ("d", 24 * 60 * MINUTE)];

/// Reads a whole number with one of `ms s m h d`; a `d` is 24 hours. None if it is no span or too long.
#[must_use]
pub fn parse_span(text: &str) -> Option<Span> {
    let digits = text.find(|sign: char| !sign.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<Span>().ok()?.checked_mul(*length)
}

/// The shortest text [`parse_span`] reads back; days only beyond 48 h.
#[must_use]
pub fn span_text(span: Span) -> String {
    let fits = |length: Span| span % length == 0 && span >= length;
    match UNITS.iter().rev().find(|(name, length)| fits(*length) && (*name != "d" || span > 2 * length)) {
        Some((name, length)) => format!("{}{name}", span / length),
        None => format!("{}ms", span / MILLISECOND),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_show() {
        for (text, want) in [("90s", 90 * SECOND), ("5m", 5 * MINUTE), ("250ms", 250 * MILLISECOND)] {
            assert_eq!(parse_span(text), Some(want), "{text}");
            assert_eq!(span_text(want), text);
        }
        assert_eq!(parse_span("7d"), Some(7 * 24 * 60 * MINUTE));
        assert_eq!(span_text(24 * 60 * MINUTE), "24h");
        assert_eq!(span_text(7 * 24 * 60 * MINUTE), "7d");
        for text in ["", "5", "m", "-5m", "5 m", "1.5h", "5w", "99999999999999d"] {
            assert_eq!(parse_span(text), None, "{text}");
        }
    }
}
