//! Lists: `{"items": […], "next": cursor}`, pages in key order.

use axum::extract::FromRequestParts;
use axum::extract::Query;
use axum::http::{HeaderValue, header, request::Parts};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::problem::Problem;
use crate::config::Config;

/// Query parameters, or a problem that echoes nothing.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        let refused = |_| Problem::bad_request("a parameter is unknown, missing or not of its type");
        query.map(|Query(asked)| Self(asked)).map_err(refused)
    }
}

/// Parameters of a list without filters.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageOnly {
    limit: Option<usize>,
    cursor: Option<String>,
}

/// Where a page begins and how long it is.
#[derive(Debug)]
pub(crate) struct Page {
    limit: usize,
    after: Option<String>,
}

impl PageOnly {
    pub(crate) fn page(&self, config: &Config) -> Result<Page, Problem> {
        Page::new(self.limit, self.cursor.as_deref(), config)
    }
}

impl Page {
    pub(crate) fn new(limit: Option<usize>, cursor: Option<&str>, config: &Config) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(config.page_items_default);
        if limit == 0 || limit > config.page_items_max {
            return Err(Problem::unprocessable("limit lies outside its bounds"));
        }
        let wrong = Problem::unprocessable("cursor is none this server gave");
        let after = cursor.map(|cursor| decode(cursor).ok_or(wrong)).transpose()?;
        Ok(Self { limit, after })
    }

    /// How many items it has at most.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// The key of the last item of the page before.
    pub(crate) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// The page of items that are in the order of their keys, with more fields beside.
    pub(crate) fn of<T>(
        self,
        items: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> String,
        show: impl Fn(T) -> Value,
        more: Value,
    ) -> Response {
        let mut shown = Vec::new();
        let mut last = String::new();
        let mut next = Value::Null;
        for item in items {
            let item_key = key(&item);
            if self.after.as_ref().is_some_and(|after| item_key <= *after) {
                continue;
            }
            if shown.len() == self.limit {
                next = Value::from(encode(&last));
                break;
            }
            last = item_key;
            shown.push(show(item));
        }
        let mut body = json!({"items": shown, "next": next});
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        json_response(&body)
    }
}

/// A JSON answer.
pub(crate) fn json_response(body: &Value) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ([kind], body.to_string()).into_response()
}

pub(super) fn encode(key: &str) -> String {
    key.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn decode(cursor: &str) -> Option<String> {
    if !cursor.len().is_multiple_of(2) || !cursor.is_ascii() {
        return None;
    }
    let pairs = cursor.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> = pairs
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok()))
        .collect();
    String::from_utf8(bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_as_they_were() {
        assert_eq!(decode(&encode("env.pm25_1h 80")).as_deref(), Some("env.pm25_1h 80"));
        for wrong in ["zz", "a", "ff", "é0"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
