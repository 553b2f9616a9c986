//! Orders that change what counts: what is taken, what is refused, and in what words.

use nhip_client::http_post;
use serde_json::{Value, json};

use super::fixtures::profile;
use super::node::TestNode;
use crate::Config;

async fn order(node: &TestNode, path: &str, kind: &str, body: &str) -> (u16, Value) {
    let answer = http_post(&node.address, path, kind, body.as_bytes()).await.expect("an answer");
    (answer.status, answer.json().expect("JSON"))
}

#[tokio::test]
async fn orders_are_checked_before_anything_happens() {
    let node = TestNode::start(profile(3), Config::default()).await;
    let json_type = "application/json";
    let (status, answer) = order(&node, "/api/v1/profile", json_type, "").await;
    assert_eq!((status, &answer["mistakes"]), (422, &json!(["profile.toml:3:1: a mistake"])), "{answer}");
    let path = "/api/v1/redecode";
    let whole = r#"{"source":"a","to_offset":7,"reason":"r","author":"a"}"#;
    let (status, answer) = order(&node, path, json_type, whole).await;
    assert_eq!((status, &answer["next_offset"]), (200, &json!(7)), "{answer}");
    for (kind, body, wanted) in [
        ("text/plain", whole, 415),
        (json_type, "{}", 400),
        (json_type, r#"{"reason":"r","author":"a"}"#, 422),
        (json_type, r#"{"source":"a","reason":" ","author":"a"}"#, 422),
        (json_type, r#"{"source":"a","reason":"r","author":"a","from":"yesterday"}"#, 422),
        (json_type, r#"{"source":"a","reason":"r","author":"a","more":1}"#, 400),
    ] {
        let (status, answer) = order(&node, path, kind, body).await;
        assert_eq!(status, wanted, "{body}: {answer}");
    }
    let path = "/api/v1/unsealings";
    let (status, answer) =
        order(&node, path, json_type, r#"{"offsets":[7,9],"reason":"r","author":"a"}"#).await;
    assert_eq!((status, &answer), (200, &json!({ "offset": 2 })), "nothing but where it is logged");
    for body in [
        r#"{"offsets":[7],"reason":" ","author":"a"}"#,
        r#"{"offsets":[],"reason":"r","author":"a"}"#,
        r#"{"offsets":[1,2,3,4,5,6,7,8,9],"reason":"r","author":"a"}"#,
    ] {
        let (status, answer) = order(&node, path, json_type, body).await;
        assert_eq!(status, 422, "{body}: {answer}");
    }
    let path = "/api/v1/restatements?dry_run=true";
    let range = |from: &str, to: &str| {
        json!({"indicator": "env.pm25", "from": from, "to": to, "reason": "r", "author": "a"}).to_string()
    };
    let (early, late) = ("2026-11-20T00:00:00+07:00", "2026-11-21T00:00:00+07:00");
    let (status, answer) = order(&node, path, json_type, &range(early, late)).await;
    assert_eq!((status, &answer["offset"], &answer["windows"]), (200, &Value::Null, &json!(2)), "{answer}");
    let (status, _) = order(&node, path, json_type, &range(late, early)).await;
    assert_eq!(status, 422);
}
