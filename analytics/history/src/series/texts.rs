//! Lists as JSON texts, and the double nearest to an exact number.

use std::borrow::Cow;
use std::fmt::Write as _;

use nhip_proto::{Decimal, Offset, SourceId};

/// Offsets as a JSON list.
pub(super) fn numbers_text(offsets: &[Offset]) -> String {
    let mut text = String::with_capacity(2 + offsets.len() * 12);
    text.push('[');
    for (at, offset) in offsets.iter().enumerate() {
        // Writing into a text cannot fail.
        let comma = if at > 0 { "," } else { "" };
        write!(text, "{comma}{}", offset.0).unwrap_or_default();
    }
    text.push(']');
    text
}

/// What [`numbers_text`] wrote.
pub(super) fn numbers(text: &str) -> Option<Vec<Offset>> {
    let inside = text.strip_prefix('[')?.strip_suffix(']')?;
    if inside.is_empty() {
        return Some(Vec::new());
    }
    inside.split(',').map(|number| number.parse().ok().map(Offset)).collect()
}

/// Names as a JSON list.
pub(super) fn names_text(names: &[SourceId]) -> String {
    let names: Vec<&str> = names.iter().map(SourceId::as_str).collect();
    // Texts have a JSON text.
    serde_json::to_string(&names).unwrap_or_default()
}

/// What [`names_text`] wrote.
pub(super) fn names(text: &str) -> Option<Vec<SourceId>> {
    let names: Vec<Cow<'_, str>> = serde_json::from_str(text).ok()?;
    Some(names.iter().map(|name| SourceId::new(name)).collect())
}

/// The nearest double. A number below 2^53 and a power of ten up to 10^22 are doubles themselves, so that their
/// quotient, rounded once, is the one its text would give.
pub(super) fn double(value: Decimal) -> Option<f64> {
    const EXACT_MAX: u128 = 1 << 53;
    const POWERS: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
    match POWERS.get(usize::from(value.scale)) {
        Some(power) if value.mantissa.unsigned_abs() <= EXACT_MAX => Some(value.mantissa as f64 / power),
        _ => value.to_string().parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_json_and_come_back() {
        for (numbers_of, text) in
            [(&[][..], "[]"), (&[7][..], "[7]"), (&[0, u64::MAX][..], "[0,18446744073709551615]")]
        {
            let offsets: Vec<Offset> = numbers_of.iter().copied().map(Offset).collect();
            assert_eq!(numbers_text(&offsets), text);
            assert_eq!(numbers(text), Some(offsets));
        }
        for wrong in ["", "[", "7", "[7", "[,]", "[7,]", "[-1]", "[1.0]", "[18446744073709551616]"] {
            assert_eq!(numbers(wrong), None, "{wrong}");
        }
        let strange = [SourceId::new("a"), SourceId::new("\"b\", ]")];
        assert_eq!(names_text(&strange), r#"["a","\"b\", ]"]"#);
        assert_eq!(names(r#"["a","\"b\", ]"]"#), Some(strange.to_vec()));
        assert_eq!(names("[1]"), None);
    }

    #[test]
    fn a_double_is_the_one_its_text_gives() {
        let mut mantissas =
            vec![0, 1, -1, 5, 123, 999_999_999_999_999, (1 << 53) - 1, 1 << 53, (1 << 53) + 1, i128::MAX];
        let mut state = 7_u64;
        for _ in 0..2_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            mantissas.push(i128::from(state >> (state % 60)) * if state.is_multiple_of(2) { 1 } else { -1 });
        }
        for mantissa in mantissas {
            for scale in [0, 1, 2, 9, 10, 28] {
                let value = Decimal::new(mantissa, scale);
                let text: f64 = value.to_string().parse().expect("a number");
                assert_eq!(
                    double(value).map(f64::to_bits),
                    Some(text.to_bits()),
                    "{mantissa} at scale {scale}"
                );
            }
        }
    }
}
