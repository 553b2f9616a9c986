//! A pull link in front of a server that does everything an agency's server does wrong.

#[path = "pull/server.rs"]
mod server;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use nhip_adapters::{HttpPull, HttpPullConfig, Paging, PullLogin};
use nhip_ports::contract::ingest_link::{self, Bench, Peer};
use nhip_ports::memory::RecordingIntake;
use nhip_ports::{IngestLink, LinkError};
use tokio_util::sync::CancellationToken;

use server::{Answer, Request, Server};

struct Running {
    intake: Arc<RecordingIntake>,
    link: Arc<HttpPull>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), LinkError>>,
}

fn start(server: &Server, edit: impl FnOnce(&mut HttpPullConfig)) -> Running {
    let mut config = HttpPullConfig {
        name: "agency".to_owned(),
        topic: "pull/agency".to_owned(),
        url: server.url("/list"),
        every_s: 3_600,
        backoff_ms_min: 1,
        backoff_ms_max: 4,
        ..HttpPullConfig::default()
    };
    edit(&mut config);
    let link = Arc::new(HttpPull::new(config).expect("a good configuration"));
    let (intake, stop) = (RecordingIntake::settling(), CancellationToken::new());
    let task = tokio::spawn({
        let (link, intake, stop) = (Arc::clone(&link), Arc::clone(&intake), stop.clone());
        async move { link.run(intake, stop).await }
    });
    Running { intake, link, stop, task }
}

impl Running {
    async fn got(&self, payloads: &[&str]) {
        self.intake.until("the pages", |seen| seen.deliveries.len() >= payloads.len()).await;
        assert_eq!(self.intake.recorded().payloads(), payloads);
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("no panic").expect("stopping is no error");
    }
}

#[tokio::test]
async fn pages_follow_their_links_to_the_end() {
    let server = Server::start(|request| {
        Answer::json(match request.target.as_str() {
            "/list" => r#"{"n":1,"links":{"next":"/list?page=2"}}"#,
            "/list?page=2" => r#"{"n":2,"links":{"next":"?page=3"}}"#,
            _ => r#"{"n":3,"links":{"next":null}}"#,
        })
    })
    .await;
    let running = start(&server, |config| {
        config.paging = Paging::NextLink { pointer: "/links/next".to_owned() };
        config.headers = vec![("x-api-key".to_owned(), "k".to_owned())];
    });
    running
        .got(&[
            r#"{"n":1,"links":{"next":"/list?page=2"}}"#,
            r#"{"n":2,"links":{"next":"?page=3"}}"#,
            r#"{"n":3,"links":{"next":null}}"#,
        ])
        .await;
    let first = &running.intake.recorded().deliveries[0];
    assert_eq!((first.topic.as_str(), first.principal.as_str()), ("pull/agency", "agency"));
    assert!(server.requests().iter().all(|request| request.header("x-api-key") == Some("k")));
    assert_eq!(running.link.state().delivered, 3);
    running.end().await;
}

#[tokio::test]
async fn numbers_and_offsets_count_until_a_page_is_empty() {
    let server = Server::start(|request| {
        Answer::json(match request.target.as_str() {
            "/list?page=1" | "/list?offset=0" => r#"{"d":[1,2]}"#,
            "/list?page=2" | "/list?offset=2" => r#"{"d":[3]}"#,
            "/list?page=3" | "/list?offset=3" => r#"{"d":[]}"#,
            _ => "wrong",
        })
    })
    .await;
    let want = [r#"{"d":[1,2]}"#, r#"{"d":[3]}"#, r#"{"d":[]}"#];
    let (parameter, items) = ("page".to_owned(), "/d".to_owned());
    let running = start(&server, |config| config.paging = Paging::PageNumber { parameter, first: 1, items });
    running.got(&want).await;
    running.end().await;
    let (parameter, items) = ("offset".to_owned(), "/d".to_owned());
    let running = start(&server, |config| config.paging = Paging::Offset { parameter, items });
    running.got(&want).await;
    running.end().await;
}

#[tokio::test]
async fn paging_ends_whatever_the_server_says() {
    let cases: [(&str, &str, usize); 4] = [
        (r#"{"next":"/list"}"#, "page_loop", 1),
        (r#"{"next":"http://elsewhere.example/steal"}"#, "link_elsewhere", 1),
        (r#"{"next":7}"#, "link_unreadable", 1),
        ("{\"next\":", "page_unreadable", 1),
    ];
    for (page, reason, pages) in cases {
        let server = Server::start(move |_| Answer::json(page)).await;
        let running =
            start(&server, |config| config.paging = Paging::NextLink { pointer: "/next".to_owned() });
        running.got(&vec![page; pages]).await;
        server.quiet().await;
        assert_eq!(server.requests().len(), pages, "{reason}");
        running.end().await;
    }
    let count = std::sync::atomic::AtomicU64::new(0);
    let endless = Server::start(move |_| {
        let next = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        Answer::json(&format!(r#"{{"next":"/list?page={next}"}}"#))
    })
    .await;
    let running = start(&endless, |config| {
        config.paging = Paging::NextLink { pointer: "/next".to_owned() };
        config.pages_max = 5;
    });
    running.intake.until("five pages", |seen| seen.deliveries.len() == 5).await;
    endless.quiet().await;
    assert_eq!(endless.requests().len(), 5);
    running.end().await;
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again_and_only_durable_pages_count_as_known() {
    let server = Server::start(|request| match request.header("if-none-match") {
        Some("\"v1\"") => Answer::status(304),
        _ => Answer::json("{}").with("etag", "\"v1\"").with("last-modified", "Sat, 21 Nov 2026 00:00:00 GMT"),
    })
    .await;
    let running = start(&server, |config| config.every_s = 1);
    running.intake.hold(true);
    server
        .until("a second round after the page is durable", |requests| {
            if requests.len() == 1 {
                running.intake.settle_all();
            }
            requests.len() >= 3
        })
        .await;
    let requests = server.requests();
    assert_eq!(requests[0].header("if-none-match"), None);
    assert_eq!(requests[1].header("if-none-match"), Some("\"v1\""));
    assert_eq!(requests[1].header("if-modified-since"), Some("Sat, 21 Nov 2026 00:00:00 GMT"));
    assert_eq!(running.intake.recorded().deliveries.len(), 1);
    running.end().await;
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let folder = tempfile::TempDir::new().expect("a directory");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "s&cret\n").expect("written");
    let given = std::sync::atomic::AtomicU64::new(0);
    let server = Server::start(move |request| match request.target.as_str() {
        "/token" => {
            let number = given.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(request.method, "POST");
            assert_eq!(
                request.body,
                "grant_type=client_credentials&client_id=nhip&client_secret=s%26cret&scope=read"
            );
            Answer::json(&format!(r#"{{"access_token":"t{number}","expires_in":3600}}"#))
        }
        _ if request.header("authorization") == Some("Bearer t1") => Answer::json("[1]"),
        _ => Answer::status(401),
    })
    .await;
    let running = start(&server, |config| {
        config.login = PullLogin::ClientCredentials {
            token_url: server.url("/token"),
            client_id: "nhip".to_owned(),
            client_secret_file: secret.clone(),
            scope: "read".to_owned(),
        };
    });
    running.got(&["[1]"]).await;
    let targets: Vec<_> = server.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["/token", "/list", "/token", "/list"]);
    running.end().await;
}

#[tokio::test]
async fn a_token_file_is_read_again_when_the_token_is_refused() {
    let folder = tempfile::TempDir::new().expect("a directory");
    let token = folder.path().join("token");
    std::fs::write(&token, "old").expect("written");
    let rotated = token.clone();
    let server = Server::start(move |request| match request.header("authorization") {
        Some("Bearer new") => Answer::json("[1]"),
        _ => {
            std::fs::write(&rotated, "new\n").expect("rotated");
            Answer::status(401)
        }
    })
    .await;
    let running = start(&server, |config| config.login = PullLogin::Bearer { token_file: token.clone() });
    running.got(&["[1]"]).await;
    assert_eq!(server.requests().len(), 2);
    running.end().await;
}

/// Each trouble in turn, then a good answer: the link backs off and comes back by itself.
#[tokio::test]
async fn troubles_are_met_with_back_off() {
    let step = std::sync::atomic::AtomicU64::new(0);
    let server = Server::start(move |_| match step.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => Answer::status(500),
        1 => Answer::status(429).with("retry-after", "0"),
        2 => Answer::status(403),
        3 => Answer::status(302).with("location", "/elsewhere"),
        4 => Answer::raw(b"no HTTP at all\r\n\r\n"),
        5 => Answer::raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this"),
        6 => Answer::raw(&[b"HTTP/1.1 200 OK\r\n".as_slice(), &[b'x'; 100_000], b"\r\n\r\n"].concat()),
        7 => Answer::hang(),
        _ => Answer::json("{}"),
    })
    .await;
    let running = start(&server, |config| config.request_s_max = 1);
    running.got(&["{}"]).await;
    assert_eq!(server.requests().len(), 9);
    assert!(server.requests().iter().all(|request| request.target == "/list"), "no redirect is followed");
    let over = |_: &[Request]| running.link.state().error.is_empty();
    server.until("what is over is not told any more", over).await;
    running.end().await;
}

#[tokio::test]
async fn a_server_that_wants_to_be_left_alone_is() {
    let server = Server::start(|_| Answer::status(503).with("retry-after", "3600")).await;
    let running = start(&server, |_| ());
    server.until("the first request", |requests| requests.len() == 1).await;
    server.quiet().await;
    assert_eq!(server.requests().len(), 1, "the back-off alone would be 4 ms");
    server.until("it is told", |_| running.link.state().error == "status 503").await;
    running.end().await;
}

#[tokio::test]
async fn a_huge_body_is_cut_and_a_slow_one_ends() {
    let server = Server::start(|_| Answer::endless()).await;
    let running = start(&server, |config| config.body_bytes_max = 1_000);
    running.intake.until("the cut page", |seen| seen.deliveries.len() == 1).await;
    assert_eq!(running.intake.recorded().deliveries[0].payload.len(), 1_001);
    running.end().await;
    let server = Server::start(|_| Answer::slow()).await;
    let running = start(&server, |config| config.request_s_max = 1);
    server.until("asked again after the bound", |requests| requests.len() >= 2).await;
    assert!(running.intake.recorded().deliveries.is_empty());
    running.end().await;
}

#[test]
fn what_can_never_work_is_told_at_the_start() {
    let config = HttpPullConfig::default;
    let missing = std::path::PathBuf::from("/nonexistent");
    let cases = [
        HttpPullConfig { url: "ftp://a/".to_owned(), ..config() },
        HttpPullConfig { headers: vec![("a b".to_owned(), "c".to_owned())], ..config() },
        HttpPullConfig { headers: vec![("a".to_owned(), "c\nd".to_owned())], ..config() },
        HttpPullConfig { login: PullLogin::Bearer { token_file: missing.clone() }, ..config() },
        HttpPullConfig { url: "https://a/".to_owned(), ca_file: missing, ..config() },
    ];
    for case in cases {
        assert!(matches!(HttpPull::new(case.clone()), Err(LinkError::Configuration(_))), "{case:?}");
    }
}

/// The parts of the contract that do not need a sender who waits for acknowledgements.
struct Agency {
    server: Arc<Server>,
}

#[async_trait]
impl Peer for Agency {
    async fn connect(&mut self) {}

    async fn send(&mut self, _messages: &[(u16, String)]) {
        self.server.open();
    }

    async fn break_connection(&mut self) {}

    async fn acknowledged(&mut self) -> Vec<u16> {
        let known = |request: &Request| request.header("if-none-match").is_some();
        self.server.requests().iter().filter(|request| known(request)).map(|_| 1).collect()
    }
}

#[tokio::test]
async fn it_keeps_the_promises_of_a_link_that_nobody_sends_to() {
    let make = async || {
        let server = Arc::new(Server::start_closed(|_| Answer::json("{}").with("etag", "\"1\"")).await);
        let url = server.url("/list");
        let config = HttpPullConfig {
            url,
            every_s: 1,
            backoff_ms_min: 1,
            backoff_ms_max: 4,
            ..HttpPullConfig::default()
        };
        Bench { link: Arc::new(HttpPull::new(config).expect("good")), peer: Box::new(Agency { server }) }
    };
    ingest_link::gives_up_when_refused(&make).await;
    ingest_link::stops_when_told(&make).await;
    tokio::time::sleep(Duration::ZERO).await;
}
