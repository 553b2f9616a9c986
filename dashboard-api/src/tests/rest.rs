//! Every answer as it stands on the wire, and every error.

use nhip_client::{HttpConnection, HttpResponse, http_get, http_get_json, http_post};
use serde_json::{Value, json};

use super::fixtures::{figure, profile};
use super::node::TestNode;
use crate::{Config, Readiness};

async fn node() -> TestNode {
    TestNode::start(profile(3), Config::default()).await
}

async fn get(node: &TestNode, path: &str) -> Value {
    let (status, body) = http_get_json(&node.address, path).await.expect("an answer");
    assert_eq!(status, 200, "{path}: {body}");
    body
}

fn problem(answer: &HttpResponse, status: u16, kind: &str) {
    let body = answer.json().expect("a problem is JSON");
    assert_eq!(answer.status, status, "{body}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{body}");
    assert_eq!(body["type"], json!(format!("urn:nhip:problem:{kind}")));
    assert_eq!(body["status"], json!(status));
}

#[tokio::test]
async fn a_figure_carries_all_that_proves_it() {
    let node = node().await;
    let body = http_get(&node.address, "/api/v1/figures").await.expect("an answer").body;
    let want = concat!(
        r#"{"items":[{"area":"80","badge":{"du":0.5,"dung":null,"sach":1,"song":0.6666},"#,
        r#""event_time":"2026-11-21T14:01:00+07:00","group":"","indicator":"env.pm25","k":3,"#,
        r#""known_at":"2026-11-21T14:01:01+07:00","known_offset":40,"level":"normal","m":3,"#,
        r#""origin":"simulated","period":"1h","revision":1,"source_state":"connected","state":"provisional","#,
        r#""target":{"status":"met","value":45.0,"formula":"mean of the stations","document":"KH 12/KH-UBND","#,
        r#""valid_from":"2026-01-01","valid_to":"2027-01-01","note":{"vi":"","en":""}},"#,
        r#""unit":"µg/m³","value":35.2,"#,
        r#""version":"07070707070707070707070707070707","#,
        r#""window":{"end":"2026-11-21T15:00:00+07:00","start":"2026-11-21T14:00:00+07:00"}}],"#,
        r#""next":null,"offset":42,"without_source":[]}"#,
    );
    let got: Value = serde_json::from_slice(&body).expect("JSON");
    let want: Value = serde_json::from_str(want).expect("JSON");
    assert_eq!(got, want);
}

#[tokio::test]
async fn missing_values_are_null_and_digits_are_exact() {
    let node = node().await;
    node.analysis.publish(vec![
        figure("env.pm25", "c001", None, 0),
        figure("env.pm25", "c002", Some(123_456_789_012_345_678_901), 1),
    ]);
    let body =
        http_get(&node.address, "/api/v1/figures?indicator=env.pm25&area=c001").await.expect("an answer");
    assert!(String::from_utf8_lossy(&body.body).contains(r#""value":null"#));
    let body = http_get(&node.address, "/api/v1/figures?area=c002").await.expect("an answer");
    assert!(String::from_utf8_lossy(&body.body).contains(r#""value":12345678901234567890.1"#));
}

#[tokio::test]
async fn lists_come_in_pages() {
    let node = node().await;
    let mut sources = Vec::new();
    let mut path = "/api/v1/ledger?limit=2".to_owned();
    loop {
        let body = get(&node, &path).await;
        let items = body["items"].as_array().expect("items");
        sources.extend(items.iter().map(|item| item["source"].as_str().unwrap_or("").to_owned()));
        let Some(next) = body["next"].as_str() else { break };
        path = format!("/api/v1/ledger?limit=2&cursor={next}");
    }
    assert_eq!(sources, ["s001", "s002", "s003"]);
    let body = get(&node, "/api/v1/rejections?limit=2").await;
    assert_eq!(body["items"][1]["reason"], "unit_unknown");
    let next = body["next"].as_str().expect("a second page");
    let body = get(&node, &format!("/api/v1/rejections?cursor={next}")).await;
    assert_eq!(body["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&body["items"][0]["scope"], &body["items"][0]["reason"]),
        (&json!("message"), &json!("syntax"))
    );
    for query in ["limit=0", "limit=5001", "cursor=zz"] {
        problem(
            &http_get(&node.address, &format!("/api/v1/areas?{query}")).await.expect("an answer"),
            422,
            "unprocessable",
        );
    }
    for query in ["limit=x", "unknown=1"] {
        problem(
            &http_get(&node.address, &format!("/api/v1/areas?{query}")).await.expect("an answer"),
            400,
            "bad-request",
        );
    }
}

#[tokio::test]
async fn the_ledger_adds_up_in_sight() {
    let body = get(&node().await, "/api/v1/ledger").await;
    assert_eq!((&body["total"]["received"], &body["total"]["balances"]), (&json!(15), &json!(true)));
    assert_eq!(body["items"][0]["item_reasons"]["out_of_range"], 0);
}

#[tokio::test]
async fn an_explanation_names_what_is_missing() {
    let node = node().await;
    let body = get(&node, "/api/v1/explain?indicator=env.pm25&area=80").await;
    assert_eq!(
        body["missing"],
        json!([{"source": "s002", "name": {"vi": "s002", "en": "s002"}, "area": "c002"}])
    );
    assert_eq!(body["offsets"], json!({"first": 3, "last": 39}));
    assert_eq!(body["inputs"], json!({"stream": "air", "names": ["pm25"]}));
    assert_eq!(body["samples"][0]["arrival"], "2026-11-21T14:00:00+07:00");
    assert_eq!(body["samples"][0]["sealed_key"], "air/2026-11-20");
    assert_eq!(
        body["samples"][0]["key_destroyed"],
        json!({"key": "air/2026-11-20", "at": "2026-11-21T14:00:00+07:00", "author": "retention",
               "under": "stream air: sealed_days = 30; QĐ 7", "offset": 40})
    );
    let path = "/api/v1/explain?indicator=env.pm25&area=80&window=2026-11-21T14:00:00%2B07:00";
    assert_eq!(get(&node, path).await["figure"]["value"].to_string(), "35.2");
    for (query, status, kind) in [
        ("indicator=env.pm25", 400, "bad-request"),
        ("indicator=none&area=80", 404, "not-found"),
        ("indicator=env.pm25&area=none", 404, "not-found"),
        ("indicator=env.pm10&area=80", 404, "not-found"),
        ("indicator=env.pm25&area=80&window=yesterday", 422, "unprocessable"),
    ] {
        let answer = http_get(&node.address, &format!("/api/v1/explain?{query}")).await.expect("an answer");
        problem(&answer, status, kind);
    }
}

#[tokio::test]
async fn a_snapshot_holds_all_a_screen_needs() {
    let node = node().await;
    let mut body = get(&node, "/api/v1/views/main/snapshot").await;
    assert!(body["epoch"].as_str().is_some_and(|epoch| epoch.len() > 10));
    body["epoch"] = json!("…");
    judge_indicators(&body["indicators"].take());
    let areas = body["areas"].take();
    assert_eq!(areas.as_array().map(Vec::len), Some(4));
    assert_eq!(
        areas[0],
        json!({"code": "80", "name": {"vi": "80", "en": "80"}, "kind": "province",
               "parent": null, "cell": null})
    );
    let nothing = json!([null, null, null, null]);
    let silent = |id: u32, due: u32| {
        json!({"id": id, "t": null, "v": null, "q": 130, "f": 8, "k": 0, "m": due, "l": 0, "w": null,
               "b": nothing, "rev": 0, "o": 0, "hist": []})
    };
    let first: Value = serde_json::from_str(
        r#"{"id":0,"t":1795244460000,"v":35.2,"q":0,"f":6,"k":3,"m":3,"l":1,"w":[1795244400000,1795248000000],
            "b":[null,0.5,1,0.6666],"rev":1,"o":42,"hist":[[1795237200000,null],[1795240800000,33.1]]}"#,
    )
    .expect("JSON");
    let want = json!({
        "v": 1, "epoch": "…", "offset": 42, "server_ts": 1_795_244_462_000_i64, "rate": 0,
        "build": "0.1.0-test",
        "view": {"id": "main", "title": {"vi": "wall", "en": "wall"}, "tiles": ["env.pm25", "env.pm10"],
                 "map": "env.pm25", "rotation": [], "dwell_s": 20, "area": null, "outline": []},
        "profile": {"id": "tay-ninh", "name": {"vi": "Tây Ninh", "en": "Tay Ninh"},
                    "zone": "Asia/Ho_Chi_Minh",
                    "banner": {"vi": "", "en": ""}},
        "domains": {"env": {"vi": "env", "en": "env"}},
        "indicators": null, "areas": null,
        "dict": [entry(0, "env.pm25", "80"), entry(1, "env.pm10", "80"), entry(2, "env.pm25", "c001"),
                 entry(3, "env.pm25", "c002"), entry(4, "env.pm25", "c003")],
        "rows": [first, silent(1, 3), silent(2, 1), silent(3, 1), silent(4, 1)],
        "sources": {"live": 0, "due": 3}, "badges": {}, "units": [],
        "unit_names": {"so": {"vi": "so", "en": "so"}, "ubnd": {"vi": "ubnd", "en": "ubnd"}},
        "links": [{"name": "embedded", "up": true}],
    });
    assert_eq!(body, want);
    problem(
        &http_get(&node.address, "/api/v1/views/none/snapshot").await.expect("an answer"),
        404,
        "not-found",
    );
}

fn judge_indicators(indicators: &Value) {
    assert_eq!(indicators["env.pm25"]["limit"].to_string(), "50.0");
    assert_eq!(indicators["env.pm25"]["document"], "QCVN 05:2023/BTNMT");
    assert_eq!(
        indicators["env.pm25"]["targets"],
        json!([{"area": "80", "value": 45.0, "from": 1_767_200_400_000_i64, "to": 1_798_736_400_000_i64,
                "document": "KH 12/KH-UBND"}]),
        "midnights of the profile's zone"
    );
    assert_eq!(indicators["env.pm10"]["targets"], json!([]));
    assert_eq!(
        (&indicators["env.pm10"]["limit"], &indicators["env.pm10"]["window"]),
        (&Value::Null, &json!("1h"))
    );
    assert_eq!(
        (&indicators["env.pm25"]["stale_s"], &indicators["env.pm25"]["cadence_s"]),
        (&json!(300), &json!(60))
    );
}

#[tokio::test]
async fn a_snapshot_is_compressed_where_taken() {
    let node = TestNode::start(profile(96), Config::default()).await;
    let mut connection = HttpConnection::open(&node.address).await.expect("a connection");
    let path = "/api/v1/views/main/snapshot";
    let packed =
        connection.request("GET", path, &[("accept-encoding", "br, gzip")], b"").await.expect("an answer");
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let plain = connection.request("GET", path, &[], b"").await.expect("an answer");
    assert_eq!(plain.header("content-encoding"), None);
    assert!(packed.body.len() * 4 < plain.body.len(), "{} of {}", packed.body.len(), plain.body.len());
}

#[tokio::test]
async fn a_posted_reading_is_answered_when_durable() {
    let node = node().await;
    let reading = br#"{"values":{"pm25":35.2}}"#;
    let path = "/api/v1/ingest/air?source=s001";
    let answer =
        http_post(&node.address, path, "application/json; charset=utf-8", reading).await.expect("an answer");
    assert_eq!((answer.status, answer.json().expect("JSON")), (202, json!({"offset": 0})));
    let seen = node.intake.recorded();
    let delivery = seen.deliveries.first().expect("the delivery");
    assert_eq!(
        (delivery.topic.as_str(), delivery.content_type.as_str()),
        ("nhip/v1/tay-ninh/air/s001", "application/json")
    );
    assert_eq!((&delivery.payload[..], delivery.dedication.qos), (&reading[..], 1));
    node.intake.hold(true);
    let address = node.address.clone();
    let held = tokio::spawn(async move { http_post(&address, path, "application/json", b"{}").await });
    node.intake.until("the held reading", |seen| seen.deliveries.len() == 2).await;
    assert!(!held.is_finished(), "an answer before the reading was durable");
    node.intake.settle_all();
    assert_eq!(held.await.expect("a task").expect("an answer").status, 202);
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_its_reason() {
    let node = node().await;
    let json_type = "application/json";
    for (path, kind, size, status, word) in [
        ("/api/v1/ingest/none?source=s001", json_type, 2, 404, "not-found"),
        ("/api/v1/ingest/air", json_type, 2, 422, "unprocessable"),
        ("/api/v1/ingest/air?source=a/b", json_type, 2, 422, "unprocessable"),
        ("/api/v1/ingest/air?source=%23", json_type, 2, 422, "unprocessable"),
        ("/api/v1/ingest/air?source=s001", "text/plain", 2, 415, "media-type"),
        ("/api/v1/ingest/air?source=s001", json_type, 1024 * 1024 + 1, 413, "too-large"),
    ] {
        let answer = http_post(&node.address, path, kind, &vec![b' '; size]).await.expect("an answer");
        problem(&answer, status, word);
    }
    assert!(node.intake.recorded().deliveries.is_empty(), "nothing of it went in");
    node.intake.refuse();
    let path = "/api/v1/ingest/air?source=s001";
    problem(&http_post(&node.address, path, json_type, b"{}").await.expect("an answer"), 503, "unavailable");
}

#[tokio::test]
async fn errors_are_problems_everywhere() {
    let node = node().await;
    problem(&http_get(&node.address, "/api/v1/none").await.expect("an answer"), 404, "not-found");
    problem(&http_get(&node.address, "/wall/none").await.expect("an answer"), 404, "not-found");
    problem(&http_get(&node.address, "/../Cargo.toml").await.expect("an answer"), 404, "not-found");
    problem(
        &http_get(&node.address, "/api/v1/figures?domain=none").await.expect("an answer"),
        404,
        "not-found",
    );
    let posted =
        http_post(&node.address, "/api/v1/figures", "application/json", b"").await.expect("an answer");
    problem(&posted, 405, "method-not-allowed");
    node.analysis.fail();
    for path in ["figures", "sources", "ledger", "rejections", "explain?indicator=env.pm25&area=80"] {
        let answer = http_get(&node.address, &format!("/api/v1/{path}")).await.expect("an answer");
        problem(&answer, 503, "unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
}

#[tokio::test]
async fn operations_see_health_readiness_and_metrics() {
    let node = node().await;
    assert_eq!(get(&node, "/healthz").await, json!({"status": "ok", "build": "0.1.0-test"}));
    node.ready.send_replace(Readiness::Starting("catching up".to_owned()));
    let (status, body) = http_get_json(&node.address, "/readyz").await.expect("an answer");
    assert_eq!((status, &body["doing"]), (503, &json!("catching up")));
    let metrics = http_get(&node.address, "/metrics").await.expect("an answer");
    assert_eq!(metrics.body, b"nhip_test 1\n");
    assert_eq!(http_get(&node.address, "/").await.expect("an answer").header("location"), Some("/wall/main"));
}

#[tokio::test]
async fn a_stepped_clock_is_stepped_and_not_led_back() {
    let node = node().await;
    let step = |body: &'static [u8]| http_post(&node.address, "/clock", "application/json", body);
    let stepped = step(br#"{"step_ms":60000}"#).await.expect("an answer").json().expect("JSON");
    assert_eq!(stepped, json!({"now": "2026-11-21T14:02:02+07:00", "now_ms": 1_795_244_522_000_i64}));
    problem(&step(br#"{"step_ms":-1}"#).await.expect("an answer"), 422, "unprocessable");
    problem(&step(br#"{"step":1}"#).await.expect("an answer"), 400, "bad-request");
}

fn entry(id: u32, indicator: &str, area: &str) -> Value {
    json!({"id": id, "indicator": indicator, "area": area, "sensitivity": "public"})
}
