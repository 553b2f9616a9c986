//! Rows in line protocol: one point per figure, every field each time, so that no field of an older revision stays.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use nhip_proto::{FigureKey, MILLISECOND, Row};

/// The one measurement.
const MEASUREMENT: &str = "figure";
/// About what one line takes, bytes.
const LINE_BYTES: usize = 400;

/// The newest revision of every figure among these rows; the same rows give the same bytes.
pub(super) fn batch(rows: &[Row]) -> String {
    let mut newest: BTreeMap<&FigureKey, &Row> = BTreeMap::new();
    for row in rows {
        let known = newest.entry(&row.key).or_insert(row);
        if row.revision >= known.revision {
            *known = row;
        }
    }
    let mut text = String::with_capacity(newest.len() * LINE_BYTES);
    for row in newest.into_values() {
        line(row, &mut text);
    }
    text
}

fn line(row: &Row, text: &mut String) {
    text.push_str(MEASUREMENT);
    let key = &row.key;
    let tags = [
        ("area", key.area.as_str()),
        ("group", &key.group),
        ("indicator", key.indicator.as_str()),
        ("origin", row.origin.as_str()),
        ("period", &key.period),
    ];
    // A tag cannot be empty.
    for (name, value) in tags.into_iter().filter(|(_, value)| !value.is_empty()) {
        text.push(',');
        text.push_str(name);
        text.push('=');
        tag_value(value, text);
    }
    text.push(' ');
    fields(row, text);
    text.push(' ');
    push(text, format_args!("{}", key.window_start.0));
    text.push('\n');
}

/// A number without `i` is a float there. A row without a value has no `value`; because an older revision's would stay
/// beside it, `has_value` says which it is.
fn fields(row: &Row, text: &mut String) {
    push(text, format_args!("has_value={}i", u8::from(row.value.is_some())));
    if let Some(value) = row.value {
        push(text, format_args!(",value={value}"));
    }
    push(text, format_args!(",numerator={},denominator={}", row.numerator, row.denominator));
    push(text, format_args!(",k={}i,m={}i,revision={}i", row.k, row.m, row.revision));
    let words = [("state", row.state.as_str()), ("level", row.level.as_str()), ("cause", row.cause.as_str())];
    for (name, word) in words {
        push(text, format_args!(",{name}=\"{word}\""));
    }
    text.push_str(",definition=\"");
    for byte in row.definition {
        push(text, format_args!("{byte:02x}"));
    }
    text.push('"');
    let end_ms = row.window_end.0.div_euclid(MILLISECOND);
    let known_ms = row.known_at.0.div_euclid(MILLISECOND);
    push(text, format_args!(",window_end_ms={end_ms}i,known_at_ms={known_ms}i"));
    push(text, format_args!(",known_offset={}i", row.known_offset.0));
}

/// Commas, equals signs and spaces are escaped. Control characters have no escape, and a backslash reads differently
/// from server to server: both become U+FFFD.
fn tag_value(value: &str, text: &mut String) {
    for sign in value.chars() {
        match sign {
            ',' | '=' | ' ' => text.extend(['\\', sign]),
            '\\' => text.push(char::REPLACEMENT_CHARACTER),
            sign if sign.is_control() => text.push(char::REPLACEMENT_CHARACTER),
            sign => text.push(sign),
        }
    }
}

/// Writing to a string cannot fail.
fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).unwrap_or_default();
}
