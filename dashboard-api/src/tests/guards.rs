//! Who may ask, and what every answer says of itself.

use nhip_client::{Client, ClientError, HttpConnection, HttpResponse, Keep, Table};

use super::fixtures::profile;
use super::node::TestNode;
use crate::Config;

async fn ask(
    node: &TestNode,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> HttpResponse {
    let mut connection = HttpConnection::open(&node.address).await.expect("a connection");
    connection.request(method, path, headers, body).await.expect("an answer")
}

#[tokio::test]
async fn a_page_of_another_origin_opens_no_socket_and_posts_nothing() {
    let config = Config { origins: vec!["https://ioc.example".to_owned()], ..Config::default() };
    let node = TestNode::start(profile(3), config).await;
    let own = format!("http://{}", node.address);
    for (origin, allowed) in [
        (own.as_str(), true),
        ("https://ioc.example", true),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let mut options = node.options();
        options.origin = Some(origin.to_owned());
        let opened = Client::connect(options, Table::new(Keep::Rows)).await;
        match opened {
            Ok(_) => assert!(allowed, "{origin} opened a socket"),
            Err(ClientError::Status(403)) => assert!(!allowed, "{origin} was refused"),
            Err(error) => panic!("{origin}: {error}"),
        }
        let headers = [("origin", origin), ("content-type", "application/json")];
        let posted = ask(&node, "POST", "/api/v1/ingest/air?source=s001", &headers, b"{}").await;
        assert_eq!(posted.status, if allowed { 202 } else { 403 }, "{origin}");
    }
}

#[tokio::test]
async fn a_loopback_node_answers_to_loopback_names_only() {
    let node = TestNode::start(profile(3), Config::default()).await;
    for (host, status) in
        [("localhost:1", 200), ("[::1]:9", 200), ("evil.example", 421), ("127.0.0.1.evil.example", 421)]
    {
        assert_eq!(ask(&node, "GET", "/healthz", &[("host", host)], b"").await.status, status, "{host}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_policy() {
    let node = TestNode::start(profile(3), Config::default()).await;
    for path in ["/wall/main", "/api/v1/figures", "/nothing", "/readyz"] {
        let answer = ask(&node, "GET", path, &[], b"").await;
        let policy = answer.header("content-security-policy").expect("a policy").to_owned();
        let socket = format!("connect-src 'self' ws://{0} wss://{0};", node.address);
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(policy.contains(&socket), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
}

#[tokio::test]
async fn a_socket_needs_an_upgrade_and_the_subprotocol() {
    let node = TestNode::start(profile(3), Config::default()).await;
    assert_eq!(ask(&node, "GET", "/ws/v1", &[], b"").await.status, 400);
    let upgrade = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    assert_eq!(ask(&node, "GET", "/ws/v1", &upgrade, b"").await.status, 400);
}
