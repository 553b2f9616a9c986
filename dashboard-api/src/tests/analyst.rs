//! Statements of analysts: what the worker says reaches who asked, as HTTP says such things.

use std::sync::Arc;

use nhip_client::{HttpConnection, HttpResponse};
use nhip_ports::contract::analyst::Said;
use nhip_ports::memory::MemoryAnalyst;
use nhip_proto::{AnalystCode, AnalystFormat, AnalystHead, AnalystQuestion, AnalystRefusal};

use super::fixtures::profile;
use super::node::TestNode;
use crate::Config;

const JSON: (&str, &str) = ("content-type", "application/json");

async fn post(node: &TestNode, headers: &[(&str, &str)], body: &str) -> HttpResponse {
    let mut connection = HttpConnection::open(&node.address).await.expect("a connection");
    let asked = connection.request("POST", "/api/v1/analyst/query", headers, body.as_bytes()).await;
    asked.expect("an answer")
}

async fn node(says: Vec<Said>) -> (TestNode, Arc<MemoryAnalyst>) {
    let analyst = Arc::new(MemoryAnalyst::saying(says));
    let node = TestNode::with_analyst(profile(3), Config::default(), Some(Arc::clone(&analyst))).await;
    (node, analyst)
}

fn answer(bytes: &[&[u8]], whole: bool) -> Said {
    let head = AnalystHead { origin: "replayed".to_owned(), rows: 2, rows_scanned: 9 };
    Said::Answer { head, bytes: bytes.iter().map(|piece| piece.to_vec()).collect(), whole }
}

#[tokio::test]
async fn a_question_reaches_the_worker_and_its_answer_whoever_asked() {
    let (node, analyst) = node(vec![answer(&[b"a,b\r\n", b"1,2\r\n"], true)]).await;
    let body =
        r#"{"sql":"SELECT 1","from":"2026-11-21T00:00:00+07:00","to":"2026-11-22T00:00:00Z","format":"csv"}"#;
    let got = post(&node, &[JSON], body).await;
    assert_eq!((got.status, got.body.as_slice()), (200, b"a,b\r\n1,2\r\n".as_slice()));
    assert_eq!(got.header("nhip-origin"), Some("replayed"), "what is not measured says so");
    assert_eq!(got.header("content-disposition"), Some("attachment; filename=\"nhip-replayed.csv\""));
    assert_eq!((got.header("nhip-rows"), got.header("nhip-rows-scanned")), (Some("2"), Some("9")));
    assert_eq!(got.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let question = AnalystQuestion {
        sql: "SELECT 1".to_owned(),
        // 2026-11-20T17:00:00Z and 2026-11-22T00:00:00Z.
        from_ns: Some(1_795_194_000_000_000_000),
        to_ns: Some(1_795_305_600_000_000_000),
        format: AnalystFormat::Csv,
    };
    assert_eq!(analyst.asked(), [question]);
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_the_connection_off() {
    let (node, _) = node(vec![answer(&[b"1,2\r\n"], false)]).await;
    let mut connection = HttpConnection::open(&node.address).await.expect("a connection");
    let got = connection.request("POST", "/api/v1/analyst/query", &[JSON], br#"{"sql":"SELECT 1"}"#).await;
    assert!(got.is_err(), "a part passed for the whole: {:?}", got.map(|answer| answer.status));
}

#[tokio::test]
async fn refusals_keep_their_words_and_get_the_status_of_their_kind() {
    let codes = [
        (AnalystCode::Statement, 422, "statement", None),
        (AnalystCode::Limit, 422, "limit", None),
        (AnalystCode::Busy, 503, "unavailable", Some("1")),
        (AnalystCode::Damaged, 500, "damaged", None),
        (AnalystCode::Failed, 503, "unavailable", None),
    ];
    let said = |code| Said::Refusal(AnalystRefusal { code, message: "memory limit of 64 MiB".to_owned() });
    let (node, _) = node(codes.iter().map(|(code, ..)| said(*code)).collect()).await;
    for (code, status, kind, retry) in codes {
        let got = post(&node, &[JSON], r#"{"sql":"SELECT 1"}"#).await;
        let problem = got.json().expect("a problem");
        assert_eq!(got.status, status, "{code:?}");
        assert_eq!(problem["type"], format!("urn:nhip:problem:{kind}"));
        assert_eq!(problem["detail"], "memory limit of 64 MiB");
        assert_eq!(got.header("retry-after"), retry, "{code:?}");
    }
}

#[tokio::test]
async fn without_a_worker_the_answer_tells_how_to_start_one() {
    let none = TestNode::start(profile(3), Config::default()).await;
    let (gone, _) = node(vec![]).await;
    let (ended, _) = node(vec![Said::Nothing]).await;
    for (node, says) in [
        (&none, "name its socket in [analyst]"),
        (&gone, "start it with `nhip-analyst serve"),
        (&ended, "ended before its answer"),
    ] {
        let got = post(node, &[JSON], r#"{"sql":"SELECT 1"}"#).await;
        let problem = got.json().expect("a problem");
        assert_eq!((got.status, &problem["type"]), (503, &"urn:nhip:problem:unavailable".into()));
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{problem}");
    }
}

#[tokio::test]
async fn what_is_no_question_never_reaches_the_worker() {
    let (node, analyst) = node(vec![answer(&[], true)]).await;
    for (headers, body, status) in [
        (vec![("content-type", "text/plain")], r#"{"sql":"SELECT 1"}"#, 415),
        (vec![JSON], "SELECT 1", 400),
        (vec![JSON], r#"{"sql":"SELECT 1","path":"/etc/passwd"}"#, 400),
        (vec![JSON], r#"{"sql":"SELECT 1","from":"yesterday"}"#, 422),
        (vec![JSON], r#"{"sql":"SELECT 1","format":"xlsx"}"#, 422),
        (vec![JSON, ("origin", "https://evil.example")], r#"{"sql":"SELECT 1"}"#, 403),
    ] {
        assert_eq!(post(&node, &headers, body).await.status, status, "{body}");
    }
    let long = format!(r#"{{"sql":"SELECT '{}'"}}"#, "x".repeat(64 << 10));
    assert_eq!(post(&node, &[JSON], &long).await.status, 400);
    assert_eq!(analyst.asked(), []);
}
