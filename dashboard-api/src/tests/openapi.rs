//! The description of the API says what the routes and the answers are: nothing more, nothing less.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fixtures::profile;
use super::node::TestNode;
use crate::Config;

const ROUTES: &str = include_str!("../http.rs");

pub(super) fn described() -> Value {
    serde_json::from_str(include_str!("../../openapi.json")).expect("JSON")
}

#[test]
fn routes_and_paths_are_the_same() {
    let routed: BTreeSet<(&str, &str)> = ROUTES
        .split(".route(\"")
        .skip(1)
        .filter_map(|rest| {
            let (path, rest) = rest.split_once("\", ")?;
            Some((path, rest.split('(').next()?))
        })
        .collect();
    let description = described();
    let paths = description["paths"].as_object().expect("paths");
    let written: BTreeSet<(&str, &str)> = paths
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().into_iter().flatten().map(move |(method, _)| (path.as_str(), method.as_str()))
        })
        .collect();
    assert_eq!(routed, written);
    assert!(routed.len() > 10, "the list of routes could not be read");
}

#[tokio::test]
async fn answers_have_the_fields_described() {
    let node = TestNode::start(profile(3), Config::default()).await;
    let description = described();
    for (route, path) in [
        ("/api/v1/indicators", "/api/v1/indicators"),
        ("/api/v1/areas", "/api/v1/areas"),
        ("/api/v1/sources", "/api/v1/sources"),
        ("/api/v1/figures", "/api/v1/figures"),
        ("/api/v1/explain", "/api/v1/explain?indicator=env.pm25&area=80"),
        ("/api/v1/ledger", "/api/v1/ledger"),
        ("/api/v1/rejections", "/api/v1/rejections"),
        ("/api/v1/duties", "/api/v1/duties"),
        ("/api/v1/units", "/api/v1/units"),
        ("/api/v1/restatements", "/api/v1/restatements"),
        (
            "/api/v1/series",
            "/api/v1/series?indicator=env.pm25&area=80&from=2026-11-21T00:00:00Z&compare=previous-year",
        ),
        ("/api/v1/views/{view}/snapshot", "/api/v1/views/main/snapshot"),
        ("/api/v1/views/{view}/snapshot", "/api/v1/views/main/snapshot?as_of=offset:40&mode=difference"),
        ("/healthz", "/healthz"),
        ("/readyz", "/readyz"),
    ] {
        let (status, answer) = nhip_client::http_get_json(&node.address, path).await.expect("an answer");
        assert_eq!(status, 200, "{path}");
        let schema =
            &description["paths"][route]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        let mut wrong = Vec::new();
        check(&description, schema, &answer, path.to_owned(), &mut wrong);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
    let (status, problem) = nhip_client::http_get_json(&node.address, "/none").await.expect("an answer");
    assert_eq!(status, 404);
    let mut wrong = Vec::new();
    check(
        &description,
        &description["components"]["schemas"]["Problem"],
        &problem,
        "problem".to_owned(),
        &mut wrong,
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The parts of JSON Schema the description uses.
pub(super) fn check(description: &Value, schema: &Value, value: &Value, at: String, wrong: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return check(description, &description["components"]["schemas"][name], value, at, wrong);
    }
    let allowed: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return wrong.push(format!("{at}: not described")),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = allowed.contains(&kind) || kind == "integer" && allowed.contains(&"number");
    if !fits {
        wrong.push(format!("{at}: {kind}, described as {allowed:?}"));
    }
    if let (Some(words), Some(word)) = (schema["enum"].as_array(), value.as_str())
        && !words.iter().any(|known| known == word)
    {
        wrong.push(format!("{at}: {word} is no word of the description"));
    }
    for item in value.as_array().into_iter().flatten() {
        check(description, &schema["items"], item, format!("{at}[]"), wrong);
    }
    let Some(object) = value.as_object() else { return };
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !object.contains_key(required) {
            wrong.push(format!("{at}.{required}: missing"));
        }
    }
    for (name, inner) in object {
        let known = &schema["properties"][name];
        match (known.is_null(), &schema["additionalProperties"]) {
            (false, _) => check(description, known, inner, format!("{at}.{name}"), wrong),
            (true, Value::Bool(false)) => wrong.push(format!("{at}.{name}: not described")),
            (true, Value::Null) => {}
            (true, other) => check(description, other, inner, format!("{at}.{name}"), wrong),
        }
    }
}
