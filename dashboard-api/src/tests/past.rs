//! Snapshots of the past: what each mode shows, and every way to be refused.

use nhip_client::{HttpResponse, http_get};
use serde_json::{Value, json};

use super::fixtures::{figure, profile};
use super::node::TestNode;
use crate::Config;

const SNAPSHOT: &str = "/api/v1/views/main/snapshot";

/// Then 30.0 and 12.0 were known; since then 35.2 and the same 12.0.
async fn node() -> TestNode {
    let node = TestNode::start(profile(1), Config::default()).await;
    node.analysis
        .publish(vec![figure("env.pm25", "80", Some(352), 3), figure("env.pm10", "80", Some(120), 3)]);
    node
}

async fn ask(node: &TestNode, query: &str) -> HttpResponse {
    http_get(&node.address, &format!("{SNAPSHOT}?{query}")).await.expect("an answer")
}

async fn get(node: &TestNode, query: &str) -> Value {
    let answer = ask(node, query).await;
    let body = answer.json().expect("JSON");
    assert_eq!(answer.status, 200, "{body}");
    body
}

/// The row of an indicator for the province.
fn row<'a>(snapshot: &'a Value, indicator: &str) -> &'a Value {
    let all =
        snapshot["dict"].as_array().expect("dict").iter().zip(snapshot["rows"].as_array().expect("rows"));
    let mut found = all.filter(|(entry, _)| entry["indicator"] == indicator && entry["area"] == "80");
    found.next().expect("the row").1
}

#[tokio::test]
async fn each_mode_shows_whose_knowledge_it_says() {
    let node = node().await;
    let known = get(&node, "as_of=offset:40").await;
    assert_eq!(
        [&known["as_of"], &known["known_offset"], &known["offset"], &known["mode"], &known["rate"]],
        [&json!("2026-11-21T14:00:00+07:00"), &json!(40), &json!(40), &json!("known"), &json!(0)]
    );
    assert_eq!((&row(&known, "env.pm25")["v"], &row(&known, "env.pm25")["k"]), (&json!(30.0), &json!(2)));
    let same = get(&node, "as_of=2026-11-21T07:00:00Z&mode=known").await;
    assert_eq!(same["rows"], known["rows"], "the moment of the Tick is the same");
    let corrected = get(&node, "as_of=offset:40&mode=corrected").await;
    assert_eq!(
        (&row(&corrected, "env.pm25")["v"], &row(&corrected, "env.pm25")["k"]),
        (&json!(35.2), &json!(3))
    );
    let difference = get(&node, "as_of=offset:40&mode=difference").await;
    let (differs, same) = (row(&difference, "env.pm25"), row(&difference, "env.pm10"));
    assert_eq!((&differs["v"], &differs["today"]["v"]), (&json!(30.0), &json!(35.2)));
    assert_eq!((&differs["k"], &differs["today"]["k"]), (&json!(2), &json!(3)));
    assert!(same["today"].is_null(), "the same value is no difference: {same}");
    let live = http_get(&node.address, SNAPSHOT).await.expect("an answer").json().expect("JSON");
    assert!(live["as_of"].is_null() && live["mode"].is_null(), "the present says nothing of a past");
}

#[tokio::test]
async fn every_refusal_says_why() {
    let node = node().await;
    for (query, status, kind) in [
        ("as_of=offset:39", 404, "too-early"),
        ("as_of=offset:41", 410, "no-longer-kept"),
        ("as_of=offset:42", 503, "unavailable"),
        ("as_of=offset:43", 422, "too-late"),
        ("as_of=2126-11-21T14:05:00%2B07:00", 422, "too-late"),
        ("as_of=yesterday", 422, "unprocessable"),
        ("as_of=offset:-1", 422, "unprocessable"),
        ("as_of=2026-11-21", 422, "unprocessable"),
        ("as_of=offset:40&mode=best", 422, "unprocessable"),
        ("mode=corrected", 422, "unprocessable"),
        ("asof=offset:40", 400, "bad-request"),
    ] {
        let answer = ask(&node, query).await;
        let body = answer.json().expect("JSON");
        assert_eq!(
            (answer.status, &body["type"]),
            (status, &json!(format!("urn:nhip:problem:{kind}"))),
            "{query}"
        );
    }
    let again = ask(&node, "as_of=offset:42").await;
    assert_eq!(again.header("retry-after"), Some("1"), "what is not finished may be asked for again");
}
