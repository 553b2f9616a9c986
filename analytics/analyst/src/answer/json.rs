//! JSON: columns with their types, rows in their order. A number that a double would change is a text.

use polars::prelude::{Column, DataFrame};
use serde_json::json;

use super::AnswerError;
use super::value::{Value, of, type_name};

/// `{"origin": …, "columns": [{"name", "type"}], "rows": [[…], …]}`
pub(super) fn write(rows: &DataFrame, origin: &str, bytes_max: usize) -> Result<Vec<u8>, AnswerError> {
    let column = |column: &Column| {
        let (name, kind) = (column.name().as_str(), type_name(column.dtype()));
        json!({ "name": name, "type": kind })
    };
    let columns: Vec<serde_json::Value> = rows.columns().iter().map(column).collect();
    let mut out = format!("{{\"origin\":{},\"columns\":{},\"rows\":[", json!(origin), json!(columns));
    for row in 0..rows.height() {
        out.push_str(if row == 0 { "\n[" } else { ",\n[" });
        for (place, column) in rows.columns().iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            value(&mut out, &of(column.get(row)?)?);
        }
        out.push(']');
        if out.len() > bytes_max {
            return Err(AnswerError::TooLong);
        }
    }
    out.push_str("\n]}\n");
    Ok(out.into_bytes())
}

pub(super) fn value(out: &mut String, value: &Value<'_>) {
    match value {
        Value::Missing => out.push_str("null"),
        Value::Truth(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(text) => out.push_str(text),
        Value::Exact(text) => out.push_str(&json!(text).to_string()),
        Value::Text(text) => out.push_str(&json!(text).to_string()),
        Value::List(values) => {
            out.push('[');
            for (place, inner) in values.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                self::value(out, inner);
            }
            out.push(']');
        }
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{DataType, NamedFrom as _, Series};

    use super::*;

    fn written(columns: Vec<Column>) -> String {
        let height = columns.first().map_or(0, Column::len);
        let rows = DataFrame::new(height, columns).expect("a frame");
        String::from_utf8(write(&rows, "machine", 1 << 20).expect("written")).expect("UTF-8")
    }

    #[test]
    fn numbers_keep_their_digits_and_missing_is_null() {
        let whole =
            Series::new("whole".into(), [Some(9_007_199_254_740_991_i64), Some(9_007_199_254_740_992), None]);
        let exact = Series::new("exact".into(), [Some(-125_i128), None, Some(7)]);
        let exact = exact.cast(&DataType::Decimal(38, 0)).expect("exact");
        let double = Series::new("double".into(), [Some(0.1), None, Some(f64::NAN)]);
        let text = Series::new("text".into(), ["a\"b", "đường", "=1"]);
        let json = written(vec![whole.into(), exact.into(), double.into(), text.into()]);
        let want = "{\"origin\":\"machine\",\"columns\":[\
            {\"name\":\"whole\",\"type\":\"integer\"},{\"name\":\"exact\",\"type\":\"decimal(0)\"},\
            {\"name\":\"double\",\"type\":\"double\"},{\"name\":\"text\",\"type\":\"text\"}],\"rows\":[\n\
            [9007199254740991,\"-125\",0.1,\"a\\\"b\"],\n\
            [\"9007199254740992\",null,null,\"đường\"],\n\
            [null,\"7\",\"NaN\",\"=1\"]\n]}\n";
        assert_eq!(json, want);
    }

    #[test]
    fn an_answer_that_grows_too_long_is_given_up() {
        let text = Series::new("text".into(), ["0123456789"; 100]);
        let rows = DataFrame::new(100, vec![text.into()]).expect("a frame");
        assert!(matches!(write(&rows, "machine", 500), Err(AnswerError::TooLong)));
        assert!(write(&rows, "machine", 5_000).is_ok());
    }
}
