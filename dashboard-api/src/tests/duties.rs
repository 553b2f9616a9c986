//! Duties, units, targets and refused messages as the API answers them.

use nhip_client::{http_get, http_get_json};
use serde_json::{Value, json};

use super::fixtures::{figure, profile};
use super::node::TestNode;
use crate::Config;

async fn get(node: &TestNode, path: &str) -> Value {
    let (status, body) = http_get_json(&node.address, path).await.expect("an answer");
    assert_eq!(status, 200, "{path}: {body}");
    body
}

#[tokio::test]
async fn a_duty_names_the_unit_and_whom_it_belongs_to() {
    let node = TestNode::start(profile(3), Config::default()).await;
    let body = get(&node, "/api/v1/duties").await;
    assert_eq!(body["counts"], json!({"silent": 1, "late_report": 1, "incomplete": 0}));
    assert_eq!(body["items"][0]["unit"], "so");
    assert_eq!(body["items"][0]["since"], "2026-11-21T14:00:00+07:00");
    assert_eq!(body["items"][0]["deadline"], Value::Null);
    assert_eq!(
        (&body["items"][1]["kind"], &body["items"][1]["area"]),
        (&json!("late_report"), &json!("c002"))
    );
    let sources = |body: &Value| -> Vec<String> {
        let items = body["items"].as_array().expect("items");
        items.iter().map(|item| item["source"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(sources(&get(&node, "/api/v1/duties?unit=so").await), ["s001"]);
    assert_eq!(
        sources(&get(&node, "/api/v1/duties?unit=ubnd").await),
        ["s001", "s002"],
        "and those under it"
    );
    assert_eq!(sources(&get(&node, "/api/v1/duties?kind=late_report").await), ["s002"]);
    let first = get(&node, "/api/v1/duties?limit=1").await;
    let rest =
        get(&node, &format!("/api/v1/duties?limit=1&cursor={}", first["next"].as_str().expect("next"))).await;
    assert_eq!((sources(&rest), &rest["next"]), (vec!["s002".to_owned()], &Value::Null));
    for (query, status) in [("unit=nobody", 404), ("kind=lazy", 422)] {
        let answer = http_get(&node.address, &format!("/api/v1/duties?{query}")).await.expect("an answer");
        assert_eq!(answer.status, status, "{query}");
    }
}

#[tokio::test]
async fn a_unit_counts_what_is_owed_under_it() {
    let node = TestNode::start(profile(3), Config::default()).await;
    let body = get(&node, "/api/v1/units").await;
    let duties: Vec<(&Value, &Value)> =
        body["items"].as_array().expect("items").iter().map(|unit| (&unit["id"], &unit["duties"])).collect();
    assert_eq!(duties[0], (&json!("so"), &json!({"silent": 1, "late_report": 0, "incomplete": 0})));
    assert_eq!(duties[1], (&json!("ubnd"), &json!({"silent": 1, "late_report": 1, "incomplete": 0})));
}

#[tokio::test]
async fn a_figure_is_judged_by_the_target_of_its_windows_day() {
    let node = TestNode::start(profile(3), Config::default()).await;
    let target = async |value: Option<i128>| {
        node.analysis.publish(vec![figure("env.pm25", "80", value, 3)]);
        get(&node, "/api/v1/figures?indicator=env.pm25&area=80").await["items"][0]["target"].clone()
    };
    let met = target(Some(450)).await;
    assert_eq!((&met["status"], &met["value"].to_string()), (&json!("met"), &"45.0".to_owned()));
    assert_eq!((&met["document"], &met["valid_to"]), (&json!("KH 12/KH-UBND"), &json!("2027-01-01")));
    assert_eq!(target(Some(451)).await["status"], "missed");
    assert_eq!(target(None).await["status"], "unknown", "missing is neither");
    node.analysis.publish(vec![figure("env.pm25", "c001", Some(10), 3)]);
    let commune = get(&node, "/api/v1/figures?indicator=env.pm25&area=c001").await;
    assert_eq!(commune["items"][0]["target"], json!({"status": "none"}), "chưa giao chỉ tiêu");
}

#[tokio::test]
async fn a_rejection_shows_hash_and_length_and_nothing_else() {
    let node = TestNode::start(profile(3), Config::default()).await;
    let body = get(&node, "/api/v1/rejections").await;
    assert_eq!(body["items"][0]["sample"], json!({"payload_hash": "00ff", "bytes": 21}));
    assert_eq!(body["items"][2]["sample"], Value::Null);
    assert_eq!(
        body["sources"][0],
        json!({"source": "s001", "stream": "air", "messages": 1, "items": 0,
               "message_reasons": {"syntax": 1}, "item_reasons": {}})
    );
    let place = |body: &Value| (body["items"][0]["offset"].clone(), body["items"][0]["place"].clone());
    let first = get(&node, "/api/v1/rejections?limit=1").await;
    assert_eq!(place(&first), (json!(9), json!(1)), "the newest first");
    let next = first["next"].as_str().expect("next");
    let second = get(&node, &format!("/api/v1/rejections?limit=1&cursor={next}")).await;
    assert_eq!(place(&second), (json!(9), json!(0)));
    let syntax = get(&node, "/api/v1/rejections?reason=syntax").await;
    assert_eq!((place(&syntax), &syntax["next"]), ((json!(7), json!(0)), &Value::Null));
    for query in ["reason=ugly", "cursor=3939"] {
        let answer =
            http_get(&node.address, &format!("/api/v1/rejections?{query}")).await.expect("an answer");
        assert_eq!(answer.status, 422, "{query}");
    }
}
