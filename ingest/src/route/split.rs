//! One delivery, several messages: where the elements of an array stand in a payload, byte for byte as sent.

use std::ops::Range;

use bytes::Bytes;
use nhip_profile::Step;
use nhip_proto::RejectionReason;

use crate::decode::json::{self, Json, array_index};

/// Elements of one delivery at most; a longer array is refused whole.
pub(crate) const ELEMENTS_MAX: usize = 1_000;

/// The elements of the array at `steps`.
///
/// # Errors
/// Why there are none: no JSON, no array there, too many elements.
pub(super) fn elements(payload: &Bytes, steps: &[Step]) -> Result<Vec<Bytes>, RejectionReason> {
    let root = json::parse_unique(payload).map_err(|rejection| rejection.reason)?;
    match root.find(steps) {
        None | Some(Json::Null) => return Err(RejectionReason::FieldMissing),
        Some(Json::Array(elements)) if elements.is_empty() => return Err(RejectionReason::Empty),
        Some(Json::Array(elements)) if elements.len() > ELEMENTS_MAX => {
            return Err(RejectionReason::TooManyItems);
        }
        Some(Json::Array(_)) => {}
        Some(_) => return Err(RejectionReason::FieldInvalid),
    }
    let found = array_at(payload, steps).ok_or(RejectionReason::FieldInvalid)?;
    Ok(found.into_iter().map(|range| payload.slice(range)).collect())
}

/// The places of an array's elements. The payload is known to be JSON, so the walk only counts brackets.
fn array_at(payload: &[u8], steps: &[Step]) -> Option<Vec<Range<usize>>> {
    let mut at = skip_blank(payload, if payload.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 });
    for step in steps {
        let Step::Name(name) = step else { return None };
        at = match payload.get(at)? {
            b'{' => member_at(payload, at, name)?,
            b'[' => inside(payload, at)?.get(array_index(name)?)?.start,
            _ => return None,
        };
    }
    (payload.get(at) == Some(&b'[')).then(|| inside(payload, at))?
}

/// The elements of the array that begins at `open`.
fn inside(payload: &[u8], open: usize) -> Option<Vec<Range<usize>>> {
    let mut found = Vec::new();
    let mut at = skip_blank(payload, open + 1);
    while payload.get(at)? != &b']' {
        let end = value_end(payload, at)?;
        found.push(at..end);
        at = after_comma(payload, end);
    }
    Some(found)
}

/// Where the value of a member begins in the object that begins at `open`.
fn member_at(payload: &[u8], open: usize, name: &str) -> Option<usize> {
    let mut at = skip_blank(payload, open + 1);
    while payload.get(at)? == &b'"' {
        let end = text_end(payload, at)?;
        let colon = skip_blank(payload, end);
        let value = skip_blank(payload, colon + 1);
        let key = json::parse(payload.get(at..end)?).ok()?;
        if key.text() == Some(name) {
            return Some(value);
        }
        at = after_comma(payload, value_end(payload, value)?);
    }
    None
}

fn after_comma(payload: &[u8], at: usize) -> usize {
    let at = skip_blank(payload, at);
    if payload.get(at) == Some(&b',') { skip_blank(payload, at + 1) } else { at }
}

fn skip_blank(payload: &[u8], from: usize) -> usize {
    let rest = payload.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

fn value_end(payload: &[u8], from: usize) -> Option<usize> {
    match payload.get(from)? {
        b'"' => text_end(payload, from),
        b'{' | b'[' => nest_end(payload, from),
        _ => {
            let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace();
            let rest = payload.get(from..)?;
            Some(from + rest.iter().position(ends).unwrap_or(rest.len()))
        }
    }
}

/// After the closing quote of the text that begins at `from`.
fn text_end(payload: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 1;
    loop {
        match payload.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// After the bracket that closes the one at `from`.
fn nest_end(payload: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = from;
    loop {
        match payload.get(at)? {
            b'"' => at = text_end(payload, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nhip_profile::Path;

    fn split(payload: &str, path: &str) -> Result<Vec<String>, RejectionReason> {
        let steps = Path::parse(path).expect("a path").steps;
        let parts = elements(&Bytes::from(payload.to_owned()), &steps)?;
        Ok(parts.iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect())
    }

    #[test]
    fn elements_are_cut_as_they_were_sent() {
        let list = "[ {\"s\":\"]}\\\",\"}, [1, 2] ,\t-1.50e3,\"t\" , true ]";
        let json = format!("\u{feff} {{ \"o\":{{\"a\":[9]}}, \"a\\u0062\" : {{\"x\": {list}}}}}");
        let want = ["{\"s\":\"]}\\\",\"}", "[1, 2]", "-1.50e3", "\"t\"", "true"];
        assert_eq!(split(&json, "/ab/x"), Ok(want.map(str::to_owned).to_vec()));
        assert_eq!(split("[[1],[2,3]]", "[1]"), Ok(vec!["2".to_owned(), "3".to_owned()]));
        assert_eq!(split(" [ 1 ] ", "."), Ok(vec!["1".to_owned()]));
    }

    #[test]
    fn what_is_no_list_says_why() {
        let cases = [
            ("{}", "a", RejectionReason::FieldMissing),
            (r#"{"a":null}"#, "a", RejectionReason::FieldMissing),
            (r#"{"a":{}}"#, "a", RejectionReason::FieldInvalid),
            (r#"{"a":[]}"#, "a", RejectionReason::Empty),
            (r#"{"a":[1}"#, "a", RejectionReason::Syntax),
            (r#"{"a":[1],"a":[2]}"#, "a", RejectionReason::FieldInvalid),
        ];
        for (payload, path, want) in cases {
            assert_eq!(split(payload, path), Err(want), "{payload}");
        }
        let many = format!("[{}1]", "1,".repeat(ELEMENTS_MAX));
        assert_eq!(split(&many, "."), Err(RejectionReason::TooManyItems));
    }

    proptest::proptest! {
        /// Every value serde_json can write is cut into exactly the elements serde_json reads.
        #[test]
        fn cuts_agree_with_a_parser(texts in proptest::collection::vec("[ -~\"\\\\\\[\\]{}]{0,12}", 1..20)) {
            let list: Vec<_> = texts.iter().map(|text| serde_json::json!({"k": text, "n": [1, {"x": text}]})).collect();
            let payload = serde_json::json!({"before": texts, "list": list}).to_string();
            let parts = split(&payload, "list").expect("a list");
            let read: Vec<serde_json::Value> =
                parts.iter().map(|part| serde_json::from_str(part).expect("JSON")).collect();
            proptest::prop_assert_eq!(read, list);
        }
    }
}
