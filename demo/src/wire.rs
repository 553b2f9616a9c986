//! Readings in the native wire formats: JSON text written digit by digit, protobuf by the published schema.

use std::fmt::Write as _;

use bytes::Bytes;
use nhip_proto::wire::reading as native;
use nhip_proto::{EventTime, MILLISECOND, SECOND};
use prost::Message as _;

use crate::reading::{Measure, MeasureValue, Reading};

/// How JSON writes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeForm {
    /// Milliseconds since 1970 as a number.
    Milliseconds,
    /// RFC 3339 with the offset +07:00.
    Hanoi,
}

/// `nhip/v1/{tenant}/{stream}/{source}`, with `/pb` for protobuf.
pub(crate) fn native_topic(tenant: &str, stream: &str, source: &str, protobuf: bool) -> String {
    format!("nhip/v1/{tenant}/{stream}/{source}{}", if protobuf { "/pb" } else { "" })
}

/// One reading as an object, several as an array.
pub(crate) fn json(readings: &[Reading], form: TimeForm) -> Bytes {
    let mut out = String::with_capacity(200 * readings.len());
    match readings {
        [one] => object(one, form, &mut out),
        many => {
            out.push('[');
            for (index, reading) in many.iter().enumerate() {
                separate(index, &mut out);
                object(reading, form, &mut out);
            }
            out.push(']');
        }
    }
    Bytes::from(out)
}

/// One reading; a missing value is an absent measure.
pub(crate) fn protobuf(reading: &Reading) -> Bytes {
    let whole = reading.time.0 % MILLISECOND == 0;
    let message = native::Reading {
        time_ms: whole.then_some(reading.time.0 / MILLISECOND),
        time_ns: (!whole).then_some(reading.time.0),
        id: reading.id.clone().unwrap_or_default(),
        sequence: reading.sequence,
        boot: reading.boot,
        longitude_e7: None,
        latitude_e7: None,
        measures: reading.measures.iter().filter_map(measure).collect(),
        period_ms: reading.period.map(|span| span / MILLISECOND),
    };
    Bytes::from(message.encode_to_vec())
}

fn measure(measure: &Measure) -> Option<native::Measure> {
    let value = match &measure.value {
        MeasureValue::Number(number) => native::measure::Value::Number(native::Decimal {
            mantissa: i64::try_from(number.mantissa).ok()?,
            scale: u32::from(number.scale),
        }),
        MeasureValue::State(state) => native::measure::Value::State(state.clone()),
        MeasureValue::Missing => return None,
    };
    Some(native::Measure {
        name: measure.name.clone(),
        unit: measure.unit.clone(),
        device_fault: measure.fault,
        time_ms: None,
        value: Some(value),
    })
}

fn object(reading: &Reading, form: TimeForm, out: &mut String) {
    out.push_str("{\"time\":");
    time(reading.time, form, out);
    if let Some(id) = &reading.id {
        out.push_str(",\"id\":");
        text(id, out);
    }
    for (name, number) in [("boot", reading.boot), ("sequence", reading.sequence)] {
        if let Some(number) = number {
            push(out, format_args!(",\"{name}\":{number}"));
        }
    }
    if let Some(period) = reading.period {
        push(out, format_args!(",\"period_s\":{}", period / SECOND));
    }
    let (states, values): (Vec<_>, Vec<_>) =
        reading.measures.iter().partition(|measure| matches!(measure.value, MeasureValue::State(_)));
    group("values", &values, out);
    group("states", &states, out);
    out.push('}');
}

fn group(name: &str, measures: &[&Measure], out: &mut String) {
    if measures.is_empty() {
        return;
    }
    push(out, format_args!(",\"{name}\":{{"));
    for (index, measure) in measures.iter().enumerate() {
        separate(index, out);
        text(&measure.name, out);
        out.push(':');
        value(measure, out);
    }
    out.push('}');
}

fn value(measure: &Measure, out: &mut String) {
    match &measure.value {
        MeasureValue::Missing => out.push_str("null"),
        MeasureValue::State(state) => text(state, out),
        MeasureValue::Number(number) if measure.unit.is_empty() && !measure.fault => {
            push(out, format_args!("{number}"));
        }
        MeasureValue::Number(number) => {
            push(out, format_args!("{{\"value\":{number}"));
            if !measure.unit.is_empty() {
                out.push_str(",\"unit\":");
                text(&measure.unit, out);
            }
            if measure.fault {
                out.push_str(",\"fault\":true");
            }
            out.push('}');
        }
    }
}

fn time(time: EventTime, form: TimeForm, out: &mut String) {
    let milliseconds = time.0.div_euclid(MILLISECOND);
    if form == TimeForm::Milliseconds {
        return push(out, format_args!("{milliseconds}"));
    }
    let local = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or_default();
    let local = jiff::tz::offset(7).to_datetime(local);
    let millisecond = milliseconds.rem_euclid(1000);
    push(out, format_args!("\"{}", local.strftime("%Y-%m-%dT%H:%M:%S")));
    if millisecond != 0 {
        push(out, format_args!(".{millisecond:03}"));
    }
    out.push_str("+07:00\"");
}

fn separate(index: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
}

/// Quotes a text of this program (ids, units, names: no control characters).
fn text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    out.write_fmt(arguments).expect("a String takes every text");
}

#[cfg(test)]
mod tests {
    use nhip_proto::Decimal;

    use super::*;

    #[test]
    fn json_keeps_digits_units_and_nulls() {
        let mut reading = Reading::at(
            EventTime(1_795_244_712_500_000_000),
            vec![
                Measure::number("pm25", Decimal::new(352, 1)),
                Measure { unit: "mg/m3".into(), fault: true, ..Measure::number("co", Decimal::new(60, 0)) },
                Measure::missing("no2"),
                Measure::state("status", "online"),
            ],
        );
        reading.period = Some(3600 * SECOND);
        let want = concat!(
            r#"{"time":"2026-11-21T14:05:12.500+07:00","period_s":3600,"values":{"pm25":35.2,"#,
            r#""co":{"value":60,"unit":"mg/m3","fault":true},"no2":null},"states":{"status":"online"}}"#
        );
        assert_eq!(json(std::slice::from_ref(&reading), TimeForm::Hanoi), want.as_bytes());
        let two = json(&[reading.clone(), reading], TimeForm::Milliseconds);
        assert!(two.starts_with(b"[{\"time\":1795244712500,") && two.ends_with(b"}]"));
    }

    #[test]
    fn protobuf_has_the_bytes_of_the_schema() {
        let measures =
            vec![Measure::number("n", Decimal::new(-3, 1)), Measure::missing("x"), Measure::state("s", "on")];
        let mut reading = Reading::at(EventTime(5 * MILLISECOND), measures);
        reading.sequence = Some(300);
        let want: &[u8] = &[
            0x08, 5, 0x20, 0xAC, 2, 0x42, 9, 0x0A, 1, b'n', 0x1A, 4, 0x08, 5, 0x10, 1, 0x42, 7, 0x0A, 1,
            b's', 0x22, 2, b'o', b'n',
        ];
        assert_eq!(protobuf(&reading), want);
    }
}
