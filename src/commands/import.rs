//! `nhip import`: a document goes to a running node and comes back with every cell to mend.

use std::fmt::Write as _;

use nhip_client::HttpConnection;
use serde_json::Value;

use crate::cli::ImportFlags;
use crate::commands::Failure;
use crate::observe::say;

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Judges a document; with `--apply` it is written too.
pub(crate) async fn import(flags: &ImportFlags) -> Result<(), Failure> {
    let unreadable = |path: &std::path::Path, error: std::io::Error| {
        Failure::configuration(format!("{}: {error}", path.display()))
    };
    let document = std::fs::read(&flags.file).map_err(|error| unreadable(&flags.file, error))?;
    let token =
        std::fs::read_to_string(&flags.token_file).map_err(|error| unreadable(&flags.token_file, error))?;
    let authorization = format!("Bearer {}", token.trim());
    let kind = content_type(flags, &document);
    let headers = [("content-type", kind), ("authorization", authorization.as_str())];
    let mut connection = HttpConnection::open(&flags.http.to_string()).await.map_err(Failure::other)?;
    let answer = connection.request("POST", &path(flags), &headers, &document).await;
    let answer = answer.map_err(Failure::other)?;
    let value: Value = answer.json().map_err(Failure::other)?;
    let mended = value["mistakes"].as_u64();
    for mistake in value["listed"].as_array().into_iter().flatten() {
        say(&line(mistake, value["sheet"].as_str()));
    }
    for change in value["changed"].as_array().into_iter().flatten() {
        let name = change["name"].as_str().unwrap_or_default();
        let period = change["period"].as_str().unwrap_or_default();
        let (cell, old, new) = (&change["cell"], &change["old"], &change["new"]);
        say(&format!("{}: {name} {period} changes from {old} to {new}", cell.as_str().unwrap_or_default()));
    }
    let Some(mistakes) = mended else {
        let detail = value["detail"].as_str().unwrap_or("no answer that can be read").to_owned();
        return Err(if answer.status == 422 {
            Failure::configuration(detail)
        } else {
            Failure::other(detail)
        });
    };
    say(&summary(&value));
    if mistakes > 0 {
        return Err(Failure::configuration(format!("{mistakes} cells to mend; nothing was written")));
    }
    Ok(())
}

fn content_type(flags: &ImportFlags, document: &[u8]) -> &'static str {
    let extension = flags.file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "tsv" | "tab" => "text/tab-separated-values",
        _ if document.starts_with(b"PK\x03\x04") => XLSX,
        _ => "text/csv",
    }
}

fn path(flags: &ImportFlags) -> String {
    let preview = if flags.apply { "" } else { "/preview" };
    let mut path = format!("/api/v1/statistics{preview}?");
    let decimal = flags.decimal_comma.then_some("comma");
    let asked = [
        ("stream", Some(flags.stream.as_str())),
        ("source", Some(flags.source.as_str())),
        ("decimal", decimal),
        ("delimiter", flags.delimiter.as_deref()),
        ("sheet", flags.sheet.as_deref()),
    ];
    let given = asked.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", escaped(value?))));
    path.push_str(&given.collect::<Vec<_>>().join("&"));
    path
}

/// As RFC 3986 writes a text in a query.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            write!(escaped, "%{byte:02X}").unwrap_or_default();
        }
        escaped
    })
}

fn line(mistake: &Value, sheet: Option<&str>) -> String {
    let text = |name: &str| mistake[name].as_str().unwrap_or_default();
    let sheet = sheet.map_or_else(String::new, |sheet| format!("{sheet}!"));
    let mut line = format!("{sheet}{}: {}: {}", text("cell"), text("heading"), text("en"));
    for (name, before) in [("found", " — "), ("allowed", " (allowed: "), ("nearest", "; nearest: ")] {
        if !text(name).is_empty() {
            line.push_str(before);
            line.push_str(text(name));
        }
    }
    if !text("allowed").is_empty() {
        line.push(')');
    }
    line
}

fn summary(value: &Value) -> String {
    let count = |name: &str| value[name].as_u64().unwrap_or(0);
    let written = match (&value["written"], value["repeated"].as_bool()) {
        (Value::Null, _) => "nothing written".to_owned(),
        (written, Some(true)) => format!("written before at offset {}", written["offset"]),
        (written, _) => format!("written at offset {}", written["offset"]),
    };
    format!(
        "{} rows, {} good, {} figures ({} unchanged, {} changed, {} behind), {} mistakes; {written}",
        count("rows"),
        count("good_rows"),
        count("figures"),
        count("unchanged"),
        count("changes"),
        count("behind"),
        count("mistakes"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_holds_any_text() {
        assert_eq!(escaped("Kỳ 9/2026"), "K%E1%BB%B3%209%2F2026");
    }

    #[test]
    fn a_line_says_where_what_and_what_is_allowed() {
        let mistake = serde_json::json!({
            "cell": "B7", "heading": "visits", "en": "not a number", "found": "abc", "allowed": "1234.5", "nearest": "",
        });
        assert_eq!(line(&mistake, Some("T9")), "T9!B7: visits: not a number — abc (allowed: 1234.5)");
    }
}
