//! CSV by RFC 4180: every record has the same fields, no cell is a formula.

use polars::prelude::DataFrame;

use super::AnswerError;
use super::json;
use super::value::{Value, of};

/// A line of names, then one per row; missing is empty.
pub(super) fn write(rows: &DataFrame, bytes_max: usize) -> Result<Vec<u8>, AnswerError> {
    let mut out = String::new();
    for (place, column) in rows.columns().iter().enumerate() {
        separate(&mut out, place);
        field(&mut out, column.name());
    }
    out.push_str("\r\n");
    for row in 0..rows.height() {
        for (place, column) in rows.columns().iter().enumerate() {
            separate(&mut out, place);
            match of(column.get(row)?)? {
                Value::Missing => {}
                Value::Truth(truth) => out.push_str(if truth { "true" } else { "false" }),
                // A number is no text: a leading minus is its sign.
                Value::Number(text) | Value::Exact(text) => out.push_str(&text),
                Value::Text(text) => field(&mut out, &text),
                list @ Value::List(_) => {
                    let mut text = String::new();
                    json::value(&mut text, &list);
                    field(&mut out, &text);
                }
            }
        }
        out.push_str("\r\n");
        if out.len() > bytes_max {
            return Err(AnswerError::TooLong);
        }
    }
    Ok(out.into_bytes())
}

fn separate(out: &mut String, place: usize) {
    if place > 0 {
        out.push(',');
    }
}

/// As the node's own export writes it: a text that a spreadsheet would run begins with an apostrophe.
fn field(out: &mut String, text: &str) {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let quoted =
        text.contains([',', '"', '\n', '\r', ';', '\t']) || text.starts_with(' ') || text.ends_with(' ');
    let apostrophe = if formula { "'" } else { "" };
    if quoted {
        out.push_str(&format!("\"{apostrophe}{}\"", text.replace('"', "\"\"")));
    } else {
        out.push_str(apostrophe);
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{NamedFrom as _, Series};

    use super::*;

    #[test]
    fn no_cell_runs_and_numbers_keep_their_sign() {
        let text = Series::new(
            "=a".into(),
            [Some("=cmd|' /C calc'!A0"), Some("say \"xin chào\", bạn"), None, Some("-1")],
        );
        let number = Series::new("n".into(), [Some(-1.5), None, Some(2.0), Some(0.0)]);
        let rows = DataFrame::new(4, vec![text.into(), number.into()]).expect("a frame");
        let csv = String::from_utf8(write(&rows, 1 << 20).expect("written")).expect("UTF-8");
        let want = "'=a,n\r\n'=cmd|' /C calc'!A0,-1.5\r\n\"say \"\"xin chào\"\", bạn\",\r\n,2\r\n'-1,0\r\n";
        assert_eq!(csv, want);
    }
}
