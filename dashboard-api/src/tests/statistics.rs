//! Documents of people: who may send them, how they are read, and what the answers say.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use nhip_client::{HttpConnection, HttpResponse};
use nhip_ports::{
    CellMistake, DocumentKind, Grant, ImportError, ImportOrder, ImportRecord, ImportReport, MistakeKind,
    Statistics, TokenRefusal, WrittenPage, WrittenQuery,
};
use nhip_proto::{
    ArrivalTime, Decimal, Entry, EventTime, Item, ItemName, ItemValue, Offset, SourceId, StreamId,
};
use serde_json::Value;

use super::fixtures::{START, profile};
use super::node::TestNode;
use super::openapi::{check, described};
use crate::Config;

/// Finds a mistake in every document that says `bad`, knows every one that says `again`.
#[derive(Default)]
pub(crate) struct FakeStatistics {
    asked: Mutex<Vec<ImportOrder>>,
}

impl FakeStatistics {
    fn last(&self) -> ImportOrder {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.last().cloned().expect("an order")
    }

    fn report(&self, order: ImportOrder) -> Result<ImportReport, ImportError> {
        let text = String::from_utf8_lossy(&order.document).into_owned();
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(order);
        if text.contains("none") {
            return Err(ImportError::Refused("none of the first 50 rows has a heading `period`".to_owned()));
        }
        let mistake = CellMistake {
            row: 7,
            column: 2,
            heading: Arc::from("visits"),
            kind: MistakeKind::NumberAsText,
            found: "1.234,5".into(),
            allowed: Arc::from("1234.5"),
            nearest: Arc::from("1234.5"),
        };
        let listed = if text.contains("bad") { vec![mistake] } else { Vec::new() };
        Ok(ImportReport {
            id: [1; 32],
            sheet: String::new(),
            sheets: Vec::new(),
            long: false,
            rows: 3,
            good_rows: 3 - listed.len() as u64,
            figures: 4,
            unchanged: 0,
            changes: 0,
            behind: 0,
            changed: Vec::new(),
            duplicates: 0,
            mistakes: listed.len() as u64,
            listed,
            written: None,
            repeated: text.contains("again"),
        })
    }
}

fn import() -> ImportRecord {
    ImportRecord {
        id: [1; 32],
        at: ArrivalTime(START),
        author: "Sở Du lịch".to_owned(),
        stream: StreamId::new("air"),
        source: SourceId::new("s001"),
        document_hash: [2; 32],
        rows: 3,
        figures: 4,
        offset: Offset(40),
    }
}

#[async_trait]
impl Statistics for FakeStatistics {
    async fn preview(&self, order: ImportOrder) -> Result<ImportReport, ImportError> {
        self.report(order)
    }

    async fn commit(&self, order: ImportOrder) -> Result<ImportReport, ImportError> {
        let report = self.report(order)?;
        let written = (report.mistakes == 0).then(import);
        Ok(ImportReport { written, ..report })
    }

    async fn imports(&self, before: Offset, imports_max: usize) -> Result<Vec<ImportRecord>, ImportError> {
        let all = [50, 40, 30].map(|offset| ImportRecord { offset: Offset(offset), ..import() });
        Ok(all.into_iter().filter(|one| one.offset < before).take(imports_max).collect())
    }

    async fn written(&self, query: WrittenQuery) -> Result<WrittenPage, ImportError> {
        let item = |name: &str, value| Item {
            period: Some((EventTime(START), EventTime(START + 1))),
            ..Item::bare(ItemName::Text(name.to_owned()), value)
        };
        let items = vec![
            item("pm25", ItemValue::Number(Decimal::new(352, 1))),
            item("phase", ItemValue::State("estimate".to_owned())),
        ];
        let entry = |source: &str| Entry {
            at: ArrivalTime(START),
            author: "Sở Du lịch".to_owned(),
            stream: "air".to_owned(),
            subject: source.to_owned(),
            items: items.clone(),
            sealed: None,
        };
        let next = (query.entries_max == 1).then_some(Offset(41));
        Ok(WrittenPage { entries: vec![(Offset(42), entry("s001")), (Offset(41), entry("s002"))], next })
    }
}

async fn node() -> TestNode {
    let node = TestNode::start(profile(3), Config::default()).await;
    let grant = |write, read| Grant {
        name: "Sở Du lịch".to_owned(),
        streams: vec!["air".to_owned()],
        sources: vec!["s001".to_owned()],
        write,
        read,
    };
    node.tokens.set("nhip_good", Ok(grant(true, true)));
    node.tokens.set("nhip_writer", Ok(grant(true, false)));
    node.tokens.set("nhip_reader", Ok(grant(false, true)));
    node.tokens.set("nhip_old", Err(TokenRefusal::Expired));
    node.tokens.set("nhip_gone", Err(TokenRefusal::Revoked));
    node.tokens.set("nhip_broken", Err(TokenRefusal::Failed("damaged".to_owned())));
    node
}

async fn send(
    node: &TestNode,
    (method, path): (&str, &str),
    token: &str,
    kind: &str,
    body: &[u8],
) -> HttpResponse {
    let authorization = format!("Bearer {token}");
    let mut headers = vec![("content-type", kind)];
    if !token.is_empty() {
        headers.push(("authorization", authorization.as_str()));
    }
    let mut connection = HttpConnection::open(&node.address).await.expect("a connection");
    connection.request(method, path, &headers, body).await.expect("an answer")
}

const COMMIT: (&str, &str) = ("POST", "/api/v1/statistics?stream=air&source=s001");
const PREVIEW: (&str, &str) = ("POST", "/api/v1/statistics/preview?stream=air&source=s001");

#[tokio::test]
async fn only_a_good_token_within_its_scope_writes() {
    let node = node().await;
    for (token, status) in [
        ("", 401),
        ("nhip_none", 401),
        ("nhip_old", 401),
        ("nhip_gone", 401),
        ("nhip_broken", 503),
        ("nhip_reader", 403),
        ("nhip_writer", 201),
    ] {
        for request in [COMMIT, PREVIEW] {
            let answer = send(&node, request, token, "text/csv", b"x").await;
            let expected = if request == PREVIEW && status == 201 { 200 } else { status };
            assert_eq!(answer.status, expected, "{token} {request:?}");
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge, (status == 401).then_some("Bearer"), "{token}");
        }
    }
    for path in ["?stream=air&source=s002", "?stream=other&source=s001"] {
        let address = format!("/api/v1/statistics{path}");
        let answer = send(&node, ("POST", &address), "nhip_good", "text/csv", b"x").await;
        assert_eq!(answer.status, 403, "{path}");
    }
    for scheme in ["Basic nhip_good", "nhip_good", "Bearer", &format!("Bearer {}", "x".repeat(300))] {
        let headers = [("content-type", "text/csv"), ("authorization", scheme)];
        let mut connection = HttpConnection::open(&node.address).await.expect("a connection");
        let answer = connection.request("POST", COMMIT.1, &headers, b"x").await.expect("an answer");
        assert_eq!(answer.status, 401, "{scheme}");
    }
}

#[tokio::test]
async fn ingest_takes_the_name_of_a_token_and_needs_none() {
    let node = node().await;
    let path = ("POST", "/api/v1/ingest/air?source=s001");
    for (token, status, principal) in [
        ("", 202, "http"),
        ("nhip_good", 202, "Sở Du lịch"),
        ("nhip_none", 401, "Sở Du lịch"),
        ("nhip_reader", 403, "Sở Du lịch"),
    ] {
        assert_eq!(send(&node, path, token, "application/json", b"{}").await.status, status, "{token}");
        let delivered = node.intake.recorded().deliveries;
        assert_eq!(delivered.last().map(|one| one.principal.as_str()), Some(principal), "{token}");
    }
    let other = ("POST", "/api/v1/ingest/air?source=s002");
    assert_eq!(send(&node, other, "nhip_good", "application/json", b"{}").await.status, 403);
}

#[tokio::test]
async fn a_document_is_read_as_its_content_type_says() {
    let node = node().await;
    let path = "/api/v1/statistics/preview?stream=air&source=s001&decimal=comma&delimiter=semicolon&sheet=T9";
    let answer = send(&node, ("POST", path), "nhip_good", "text/csv; charset=utf-8", b"a;b").await;
    assert_eq!(answer.status, 200);
    let order = node.statistics.last();
    assert_eq!((order.author.as_str(), order.kind), ("Sở Du lịch", DocumentKind::Delimited));
    assert_eq!((order.delimiter, order.decimal_comma), (Some(b';'), true));
    assert_eq!((order.sheet.as_deref(), order.document.as_ref()), (Some("T9"), b"a;b".as_slice()));
    let pasted = "{\"text\": \"kỳ\\tvisits\"}".as_bytes();
    assert_eq!(send(&node, PREVIEW, "nhip_good", "application/json", pasted).await.status, 200);
    assert_eq!(node.statistics.last().document.as_ref(), "kỳ\tvisits".as_bytes());
    let xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    assert_eq!(send(&node, PREVIEW, "nhip_good", xlsx, b"PK").await.status, 200);
    assert_eq!(node.statistics.last().kind, DocumentKind::Workbook);
    for (kind, body, status) in [
        ("text/plain", b"x".as_slice(), 415),
        ("application/json", b"{\"texts\":1}", 400),
        ("text/csv", &vec![b'x'; (16 << 20) + 1], 413),
        ("text/csv", b"none", 422),
    ] {
        assert_eq!(send(&node, PREVIEW, "nhip_good", kind, body).await.status, status, "{kind}");
    }
    for query in ["decimal=dot", "delimiter=pipe", "colour=red"] {
        let path = format!("{}&{query}", PREVIEW.1);
        let status = send(&node, ("POST", &path), "nhip_good", "text/csv", b"x").await.status;
        assert!(status == 422 || status == 400, "{query}: {status}");
    }
}

#[tokio::test]
async fn answers_are_as_described() {
    let node = node().await;
    let described = described();
    let (statistics, imports) = ("/api/v1/statistics", "/api/v1/imports");
    for (request, body, status, route) in [
        (PREVIEW, b"bad".as_slice(), 200, "/api/v1/statistics/preview"),
        (COMMIT, b"good", 201, statistics),
        (COMMIT, b"again", 200, statistics),
        (COMMIT, b"bad", 422, statistics),
        (("GET", statistics), b"", 200, statistics),
        (("GET", imports), b"", 200, imports),
    ] {
        let answer = send(&node, request, "nhip_good", "text/csv", body).await;
        assert_eq!(answer.status, status, "{request:?}");
        let kind = answer.header("content-type").expect("a type").to_owned();
        let method = request.0.to_lowercase();
        let answers = &described["paths"][route][method.as_str()]["responses"];
        let schema = &answers[status.to_string().as_str()]["content"][kind.as_str()]["schema"];
        let mut wrong = Vec::new();
        check(&described, schema, &answer.json().expect("JSON"), format!("{request:?}"), &mut wrong);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
    let refused: Value = send(&node, COMMIT, "nhip_good", "text/csv", b"bad").await.json().expect("JSON");
    assert_eq!(refused["listed"][0]["cell"], "B7");
    assert_eq!(refused["listed"][0]["kind"], "number_as_text");
    assert_eq!((&refused["mistakes"], &refused["bad_rows"]), (&Value::from(1), &Value::from(1)));
    assert_eq!(refused["written"], Value::Null);
}

#[tokio::test]
async fn what_people_wrote_is_read_with_a_token_within_its_scope() {
    let node = node().await;
    for path in ["/api/v1/statistics", "/api/v1/imports"] {
        for (token, status) in [("", 401), ("nhip_writer", 403), ("nhip_reader", 200)] {
            assert_eq!(send(&node, ("GET", path), token, "", b"").await.status, status, "{path} {token}");
        }
    }
    let rows: Value =
        send(&node, ("GET", "/api/v1/statistics"), "nhip_reader", "", b"").await.json().expect("JSON");
    assert_eq!(rows["items"].as_array().map(Vec::len), Some(1), "s002 is not in the token's scope");
    assert_eq!(rows["items"][0]["values"]["pm25"]["value"].to_string(), "35.2");
    assert_eq!(rows["items"][0]["phase"], "estimate");
    let page = "/api/v1/imports?limit=2";
    let first: Value = send(&node, ("GET", page), "nhip_reader", "", b"").await.json().expect("JSON");
    let cursor = first["next"].as_str().expect("more");
    let page = format!("{page}&cursor={cursor}");
    let second: Value = send(&node, ("GET", &page), "nhip_reader", "", b"").await.json().expect("JSON");
    assert_eq!(second["items"][0]["offset"], 30);
    assert_eq!(second["next"], Value::Null);
    let wrong = send(&node, ("GET", "/api/v1/statistics?from=yesterday"), "nhip_reader", "", b"").await;
    assert_eq!(wrong.status, 422);
}
