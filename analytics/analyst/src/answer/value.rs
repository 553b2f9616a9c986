//! One value of an answer in words that need no knowledge of its type.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use nhip_proto::Decimal;
use polars::prelude::{AnyValue, DataType, PolarsResult, Series, TimeUnit, polars_err};

/// Whole numbers beyond this are no numbers to a reader that keeps them as doubles (2^53 − 1).
const WHOLE_IN_DOUBLE_MAX: u128 = 9_007_199_254_740_991;

/// A value.
pub(super) enum Value<'a> {
    /// There is none; never a zero.
    Missing,
    Truth(bool),
    /// A number every reader keeps as it is.
    Number(String),
    /// A number that would lose digits as a double.
    Exact(String),
    Text(Cow<'a, str>),
    List(Vec<Self>),
}

/// The name of a column's type.
pub(super) fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Boolean => "boolean".to_owned(),
        DataType::String | DataType::Binary => "text".to_owned(),
        DataType::Float32 | DataType::Float64 => "double".to_owned(),
        DataType::Decimal(_, scale) => format!("decimal({scale})"),
        DataType::Date => "date".to_owned(),
        DataType::Datetime(_, _) => "time".to_owned(),
        DataType::Duration(_) => "duration".to_owned(),
        DataType::Time => "time of day".to_owned(),
        DataType::Null => "missing".to_owned(),
        DataType::List(inner) => format!("list of {}", type_name(inner)),
        whole if whole.is_integer() => "integer".to_owned(),
        other => other.to_string(),
    }
}

/// What a value says.
pub(super) fn of(value: AnyValue<'_>) -> PolarsResult<Value<'_>> {
    Ok(match value {
        AnyValue::Null => Value::Missing,
        AnyValue::Boolean(truth) => Value::Truth(truth),
        AnyValue::String(text) => Value::Text(Cow::Borrowed(text)),
        AnyValue::StringOwned(text) => Value::Text(Cow::Owned(text.to_string())),
        AnyValue::Float32(number) => double(number.into()),
        AnyValue::Float64(number) => double(number),
        AnyValue::Decimal(mantissa, _, scale) => {
            let scale = u8::try_from(scale).map_err(|_| polars_err!(ComputeError: "a scale of {scale}"))?;
            Value::Exact(Decimal::new(mantissa, scale).to_string())
        }
        AnyValue::Date(days) => Value::Text(Cow::Owned(date(days))),
        AnyValue::Datetime(at, unit, zone) => {
            Value::Text(Cow::Owned(moment(at, unit, zone.map(|zone| zone.as_str()))))
        }
        AnyValue::DatetimeOwned(at, unit, zone) => {
            Value::Text(Cow::Owned(moment(at, unit, zone.as_deref().map(|zone| zone.as_str()))))
        }
        AnyValue::Duration(span, unit) => {
            Value::Text(Cow::Owned(SignedDuration::from_nanos(nanoseconds(span, unit)).to_string()))
        }
        AnyValue::Time(at) => Value::Text(Cow::Owned(time_of_day(at))),
        AnyValue::Binary(bytes) => Value::Text(Cow::Owned(hexadecimal(bytes))),
        AnyValue::BinaryOwned(bytes) => Value::Text(Cow::Owned(hexadecimal(&bytes))),
        AnyValue::List(values) => list(&values)?,
        other if other.is_integer() => whole(other.extract::<i128>().unwrap_or_default()),
        other => Value::Text(Cow::Owned(other.to_string())),
    })
}

fn whole(number: i128) -> Value<'static> {
    let text = number.to_string();
    if number.unsigned_abs() > WHOLE_IN_DOUBLE_MAX { Value::Exact(text) } else { Value::Number(text) }
}

/// JSON knows no infinities; they are no missing values either.
fn double(number: f64) -> Value<'static> {
    if number.is_finite() {
        Value::Number(number.to_string())
    } else {
        Value::Text(Cow::Owned(number.to_string()))
    }
}

fn list(values: &Series) -> PolarsResult<Value<'static>> {
    let owned = |value: AnyValue<'_>| -> PolarsResult<Value<'static>> {
        Ok(match of(value)? {
            Value::Missing => Value::Missing,
            Value::Truth(truth) => Value::Truth(truth),
            Value::Number(text) => Value::Number(text),
            Value::Exact(text) => Value::Exact(text),
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::List(_) => return Err(polars_err!(ComputeError: "a list of lists cannot be written")),
        })
    };
    Ok(Value::List(values.iter().map(owned).collect::<PolarsResult<Vec<Value<'static>>>>()?))
}

fn nanoseconds(count: i64, unit: TimeUnit) -> i64 {
    count.saturating_mul(match unit {
        TimeUnit::Nanoseconds => 1,
        TimeUnit::Microseconds => 1_000,
        TimeUnit::Milliseconds => 1_000_000,
    })
}

/// RFC 3339; without an offset where the value has no zone.
fn moment(at: i64, unit: TimeUnit, zone: Option<&str>) -> String {
    let timestamp = Timestamp::from_nanosecond(i128::from(nanoseconds(at, unit))).unwrap_or_default();
    match zone {
        Some("UTC") => timestamp.to_string(),
        None => timestamp.to_zoned(TimeZone::UTC).datetime().to_string(),
        Some(name) => {
            let zone = TimeZone::get(name).unwrap_or(TimeZone::UTC);
            let zoned = timestamp.to_zoned(zone);
            format!("{}{:.0}", zoned.datetime(), offset(&zoned))
        }
    }
}

fn offset(zoned: &jiff::Zoned) -> String {
    let seconds = zoned.offset().seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

fn date(days: i32) -> String {
    let day = SignedDuration::from_hours(i64::from(days).saturating_mul(24));
    let at = Timestamp::UNIX_EPOCH.checked_add(day).unwrap_or_default();
    at.to_zoned(TimeZone::UTC).date().to_string()
}

fn time_of_day(nanoseconds: i64) -> String {
    let at = Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or_default();
    at.to_zoned(TimeZone::UTC).time().to_string()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
