//! CSV by RFC 4180: every record has the same fields, no cell is a formula.

use super::table::Cell;

/// One record.
pub(super) fn write(out: &mut String, line: &[Cell<'_>]) {
    for (at, cell) in line.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        match cell {
            // A number is no text: a leading minus is its sign.
            Cell::Number(number) => out.push_str(number),
            Cell::Text(text) => field(out, text),
        }
    }
    // RFC 4180: a record ends in CRLF.
    out.push_str("\r\n");
}

/// A text that a spreadsheet would run begins with an apostrophe; what holds a separator, a quote or an end of line is
/// quoted.
fn field(out: &mut String, text: &str) {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let quoted =
        text.contains([',', '"', '\n', '\r', ';', '\t']) || text.starts_with(' ') || text.ends_with(' ');
    if quoted {
        out.push('"');
    }
    if formula {
        out.push('\'');
    }
    if quoted {
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_runs_and_every_cell_comes_back() {
        for (given, want) in [
            ("plain", "plain"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
            ("+1", "'+1"),
            ("-1+1", "'-1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "\"'\t=1\""),
            ("\r\n=1", "\"'\r\n=1\""),
            ("＝1", "'＝1"),
            ("say \"xin chào\", bạn", "\"say \"\"xin chào\"\", bạn\""),
            ("", ""),
        ] {
            let mut out = String::new();
            field(&mut out, given);
            assert_eq!(out, want, "{given:?}");
        }
        let mut out = String::new();
        write(&mut out, &[Cell::Number("-1.5".into()), Cell::Text("-1.5".into())]);
        assert_eq!(out, "-1.5,'-1.5\r\n", "a number keeps its sign, a text does not pass for one");
    }
}
