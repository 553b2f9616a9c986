//! P6 on the real program: a thousand disconnects without a gap or a duplicate; a stalled client delays nobody.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use nhip_client::{Applied, Client, ClientOptions, Keep, Table};
use nhip_tests::{Node, NodeOptions, get_json, metric, rounds, seed, until};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Disconnects in CI.
const DISCONNECTS: u32 = 1_000;

/// A demo that has told its past and now lives thirty times as fast as the clock on the wall.
fn demo(data: &std::path::Path) -> Node {
    let mut options = NodeOptions::run(data).set("--seed", "5").set("--speed", "30");
    options.command = vec!["demo".to_owned()];
    let node = Node::start(&options).expect("a demo");
    until("the demo's past is told", Duration::from_secs(120), || {
        metric(node.http, "nhip_analytics_applied_offset").is_some_and(|offset| offset > 37_500.0)
    });
    node
}

#[test]
fn a_thousand_disconnects_leave_no_gap_and_no_duplicate() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = demo(&directory.path().join("data"));
    let mut chance = ChaCha8Rng::seed_from_u64(seed("disconnects"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let count = rounds("NHIP_DISCONNECT_ROUNDS", DISCONNECTS);
    let options = ClientOptions::wall(&node.http.to_string());
    let table = runtime.block_on(async {
        let mut table = Table::new(Keep::Rows);
        Client::load(&options, &mut table).await.expect("a snapshot");
        for _ in 0..count {
            let mut client = Client::connect(options.clone(), table).await.expect("a connection");
            for _ in 0..chance.random_range(1..6) {
                let received = client.next().await.expect("a frame");
                assert!(!matches!(received.applied, Applied::Void), "a gap: {}", received.text);
            }
            table = client.into_table();
        }
        table
    });
    let counts = table.counters();
    println!("{counts:?}");
    assert_eq!((counts.gaps, counts.duplicates), (0, 0), "{counts:?}");
    let resumed = f64::from(u32::try_from(counts.resumes).unwrap_or(0)) / f64::from(count);
    assert!(resumed >= 0.95, "only {resumed} resumed");
}

#[test]
fn a_client_that_never_reads_costs_little_and_delays_nobody() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = demo(&directory.path().join("data"));
    // What the city itself takes while it fills its windows is no cost of anybody who does not read.
    watched_for_ten_seconds(node.http);
    let before = node.resident_kib();
    let stalled: Vec<TcpStream> = (0..50).map(|_| stalled(node.http)).collect();
    let frames = watched_for_ten_seconds(node.http);
    let grown = node.resident_kib().saturating_sub(before);
    println!("frames {frames}, memory grew by {grown} KiB with {} stalled clients", stalled.len());
    assert!(frames >= 10, "a good client got only {frames} frames in ten seconds");
    assert!(grown < 64 * 1024, "fifty stalled clients cost {grown} KiB");
}

/// How many frames a good client gets in ten seconds, never three without one.
fn watched_for_ten_seconds(http: SocketAddr) -> u32 {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let options = ClientOptions::wall(&http.to_string());
        let mut client = Client::connect(options, Table::new(Keep::Rows)).await.expect("a connection");
        let mut frames = 0_u32;
        let began = tokio::time::Instant::now();
        while began.elapsed() < Duration::from_secs(10) {
            let next = tokio::time::timeout(Duration::from_secs(3), client.next()).await;
            drop(next.expect("a frame within three seconds").expect("an open connection"));
            frames += 1;
        }
        frames
    })
}

/// Opens the WebSocket by hand, says hello and never reads again.
fn stalled(http: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(http).expect("a connection");
    let head = format!(
        "GET /ws/v1 HTTP/1.1\r\nHost: {http}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: nhip.v1\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = [0_u8; 12];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 101", "the upgrade is accepted");
    let hello =
        br#"{"t":"hello","v":1,"client":{"id":"deaf","kind":"wall","build":"t"},"view":"main","rate_ms":0}"#;
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend((hello.len() as u16).to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(hello);
    stream.write_all(&frame).expect("sent");
    stream
}

#[test]
fn the_footer_tells_sources_and_links() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = demo(&directory.path().join("data"));
    let snapshot = get_json(node.http, "/api/v1/views/main/snapshot");
    assert!(snapshot["sources"]["due"].as_u64().is_some_and(|due| due > 400), "{}", snapshot["sources"]);
    assert_eq!(snapshot["links"][0]["up"], true);
    assert!(
        snapshot["rows"].as_array().is_some_and(|rows| rows.len() > 100),
        "tiles and 96 communes have rows"
    );
    let simulated =
        |row: &serde_json::Value| row["v"].is_null() || row["f"].as_u64().is_some_and(|f| f & 4 == 4);
    let all = snapshot["rows"].as_array().cloned().unwrap_or_default();
    assert!(all.iter().all(simulated), "every value of a demo says that it is simulated");
}

#[test]
fn a_screen_of_one_commune_gets_frames_of_that_commune_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = demo(&directory.path().join("data"));
    let sources = get_json(node.http, "/api/v1/sources?limit=5000");
    let sources = sources["items"].as_array().expect("sources");
    let area = |source: &serde_json::Value| source["area"].as_str().unwrap_or_default().to_owned();
    let own = sources.iter().find(|source| source["stream"] == "air").map(area).expect("an air station");
    let ids =
        sources.iter().filter(|source| area(source) == own).filter_map(|source| source["source"].as_str());
    let ids: Vec<&str> = ids.collect();
    let mut options = ClientOptions::wall(&node.http.to_string());
    options.area = Some(own.clone());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (changes, events) = runtime.block_on(async {
        let mut client = Client::connect(options, Table::new(Keep::Rows)).await.expect("a connection");
        let (mut changes, mut events) = (0, 0);
        while changes < 20 {
            match client.next().await.expect("a frame").applied {
                Applied::Delta { rows, .. } => {
                    for row in rows {
                        let (indicator, of) = client.table().key(row).expect("a row of the dictionary");
                        assert_eq!(of, own, "{indicator} of another area");
                        changes += 1;
                    }
                }
                Applied::Event { id, .. } => {
                    assert!(ids.contains(&id.as_str()), "{id} stands elsewhere");
                    events += 1;
                }
                Applied::Void | Applied::Bye { .. } => panic!("the session did not last"),
                _ => {}
            }
        }
        assert!(
            client.table().rows().keys().all(|row| client.table().key(*row).is_some_and(|key| key.1 == own))
        );
        (changes, events)
    });
    println!("{changes} changes and {events} events of {own}");
}
