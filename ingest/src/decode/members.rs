//! Reading foreign JSON: members by name and path, where absent and `null` are the same.

use std::borrow::Cow;

use super::json::Json;

/// The member of an object; absent and `null` are the same.
pub(super) fn member<'j, 'a>(json: &'j Json<'a>, name: &str) -> Option<&'j Json<'a>> {
    let Json::Object(members) = json else { return None };
    let (_, value) = members.iter().find(|(member, _)| member == name)?;
    (!matches!(value, Json::Null)).then_some(value)
}

/// The member behind several names.
pub(super) fn at<'j, 'a>(json: &'j Json<'a>, path: &[&str]) -> Option<&'j Json<'a>> {
    path.iter().try_fold(json, |json, name| member(json, name))
}

/// The text of a member.
pub(super) fn text_at<'j>(json: &'j Json<'_>, path: &[&str]) -> Option<&'j str> {
    at(json, path).and_then(text)
}

/// The text, if it is one.
pub(super) fn text<'j>(json: &'j Json<'_>) -> Option<&'j str> {
    if let Json::Text(text) = json { Some(text.as_ref()) } else { None }
}

/// The members of an object; none of anything else.
pub(super) fn members<'j, 'a>(json: Option<&'j Json<'a>>) -> &'j [(Cow<'a, str>, Json<'a>)] {
    if let Some(Json::Object(members)) = json { members } else { &[] }
}

/// The elements of an array; none of anything else.
pub(super) fn elements<'j, 'a>(json: Option<&'j Json<'a>>) -> &'j [Json<'a>] {
    if let Some(Json::Array(values)) = json { values } else { &[] }
}

/// What identifies a thing in a text: a text, or a whole number as its digits.
pub(super) fn id_text(json: &Json<'_>) -> Option<String> {
    match json {
        Json::Text(text) if !text.is_empty() => Some(text.to_string()),
        Json::Natural(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Visits every number, text and truth value below an object under its path: `air.temperature`, `doors.0`.
pub(super) fn leaves<'j, 'a>(json: &'j Json<'a>, visit: &mut dyn FnMut(&str, &'j Json<'a>)) {
    fn walk<'j, 'a>(path: &mut String, json: &'j Json<'a>, visit: &mut dyn FnMut(&str, &'j Json<'a>)) {
        let length = path.len();
        let mut below = |name: &str, value: &'j Json<'a>| {
            if length > 0 {
                path.push('.');
            }
            path.push_str(name);
            walk(path, value, visit);
            path.truncate(length);
        };
        match json {
            Json::Object(members) => members.iter().for_each(|(name, value)| below(name, value)),
            Json::Array(values) => {
                values.iter().enumerate().for_each(|(index, value)| below(&index.to_string(), value));
            }
            leaf => visit(path, leaf),
        }
    }
    walk(&mut String::new(), json, visit);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::json;

    #[test]
    fn leaves_are_named_by_their_path() {
        let json = json::parse(br#"{"a":{"b":1,"c":[true,{"d":"x"}]},"e":null,"f":{}}"#).expect("JSON");
        let mut paths = Vec::new();
        leaves(&json, &mut |path, _| paths.push(path.to_owned()));
        assert_eq!(paths, ["a.b", "a.c.0", "a.c.1.d", "e"]);
    }
}
