//! P8 on the real program: what is too large, too many or too long is refused at its named bound, counted, and costs
//! neither memory nor anybody else's data.

#[path = "limits/flood.rs"]
mod flood;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use nhip_tests::{MqttWire, Node, NodeOptions, get, get_json, metric, post, until};
use serde_json::Value;

/// The bound of docs/limits.md.
const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;
/// The endpoint's default.
const CONNECTIONS_MAX: usize = 2_000;
/// The live protocol's default.
const FRAME_BYTES_MAX: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

fn start(directory: &Path) -> Node {
    Node::start(&NodeOptions::run(&directory.join("data"))).expect("a node")
}

/// Messages of the station alone: the node reports of itself, too, every ten seconds.
fn received(node: &Node) -> Option<u64> {
    ledger_of_station(node)["received"].as_u64()
}

fn ledger_of_station(node: &Node) -> Value {
    let ledger = get_json(node.http, "/api/v1/ledger?limit=5000");
    let lines = ledger["items"].as_array().cloned().unwrap_or_default();
    lines.into_iter().find(|line| line["source"] == "tn-air-01").unwrap_or_default()
}

/// A reading whose unread member makes it exactly this long.
fn padded(bytes: usize) -> Vec<u8> {
    let (front, end) = (r#"{"values":{"pm25":1},"note":""#, r#""}"#);
    let padding = "x".repeat(bytes - front.len() - end.len());
    format!("{front}{padding}{end}").into_bytes()
}

#[test]
fn a_payload_over_one_mebibyte_is_refused_over_http() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path());
    let path = "/api/v1/ingest/air?source=tn-air-01";
    let largest = post(node.http, path, "application/json", &padded(PAYLOAD_BYTES_MAX)).expect("an answer");
    assert_eq!(largest.0, 202, "the largest allowed one is taken: {}", largest.1);
    // Only the head: a server that knows the length must not wait for the body.
    let length = format!("Content-Length: {}", PAYLOAD_BYTES_MAX + 1);
    assert_eq!(status(node.http, path, &length, b""), 413, "told by its length");
    let mut chunked = format!("{:x}\r\n", PAYLOAD_BYTES_MAX + 1).into_bytes();
    chunked.extend(padded(PAYLOAD_BYTES_MAX + 1));
    assert_eq!(status(node.http, path, "Transfer-Encoding: chunked", &chunked), 413, "found while it comes");
    let last = post(node.http, path, "application/json", br#"{"values":{"pm25":2}}"#).expect("an answer");
    assert_eq!(last.0, 202, "{}", last.1);
    until("what was taken is applied", PATIENCE, || received(&node) >= Some(2));
    assert_eq!(received(&node), Some(2), "nothing of the others was kept");
}

/// The status of a POST sent piece by piece; the answer may come before everything is sent.
fn status(http: SocketAddr, path: &str, head: &str, body: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(http).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
    let start =
        format!("POST {path} HTTP/1.1\r\nHost: {http}\r\nContent-Type: application/json\r\n{head}\r\n\r\n");
    stream.write_all(start.as_bytes()).expect("sent");
    // A server that has heard enough may close before the rest is sent.
    drop(stream.write_all(body));
    let mut answer = [0_u8; 12];
    stream.read_exact(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer)
        .split_whitespace()
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("a status")
}

#[test]
fn a_payload_over_one_mebibyte_closes_its_mqtt_connection_and_no_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path());
    let mqtt = node.mqtt.expect("an endpoint");
    let topic = "nhip/v1/tay-ninh/air/tn-air-01";
    let mut other = MqttWire::connect(mqtt, "other").expect("a connection");
    let mut large = MqttWire::connect(mqtt, "large").expect("a connection");
    let largest = padded(PAYLOAD_BYTES_MAX);
    large.publish_all([(topic, largest.as_slice())]).expect("the largest allowed one is taken");
    let larger = padded(2 * PAYLOAD_BYTES_MAX);
    large.publish_all([(topic, larger.as_slice())]).expect_err("the larger one is never acknowledged");
    other.publish_all([(topic, br#"{"values":{"pm25":2}}"#.as_slice())]).expect("others are not disturbed");
    until("what was taken is applied", PATIENCE, || received(&node) >= Some(2));
    assert_eq!(received(&node), Some(2), "nothing of the larger one was kept");
}

#[test]
fn too_many_readings_are_one_counted_rejection() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path());
    let readings = |count: usize| {
        let one =
            |index| format!(r#"{{"time":{},"values":{{"pm25":1}}}}"#, 1_795_000_000_000_i64 + index as i64);
        format!("[{}]", (0..count).map(one).collect::<Vec<_>>().join(","))
    };
    for count in [1_000, 1_001] {
        let path = "/api/v1/ingest/air?source=tn-air-01";
        let answer =
            post(node.http, path, "application/json", readings(count).as_bytes()).expect("an answer");
        assert_eq!(answer.0, 202, "kept in any case: {}", answer.1);
    }
    let line = || ledger_of_station(&node);
    until("both are applied", PATIENCE, || line()["received"] == 2);
    assert_eq!((line()["decoded"].as_u64(), line()["rejected"].as_u64()), (Some(1), Some(1)));
    assert_eq!(line()["items"], 1_000);
    let (_, rejections) = get(node.http, "/api/v1/rejections").expect("an answer");
    assert!(rejections.contains("too_many_items"), "with its reason: {rejections}");
}

#[test]
fn one_connection_too_many_is_closed_and_counted() {
    let directory = tempfile::tempdir().expect("a directory");
    raise_files();
    let node = start(directory.path());
    let mqtt = node.mqtt.expect("an endpoint");
    let open: Vec<MqttWire> = (0..CONNECTIONS_MAX)
        .map(|index| MqttWire::connect(mqtt, &format!("device-{index}")).expect("a place"))
        .collect();
    assert_eq!(metric(node.http, "nhip_mqtt_connections"), Some(CONNECTIONS_MAX as f64));
    MqttWire::connect(mqtt, "one-too-many").expect_err("closed without an answer");
    let refused =
        |text: &str| text.lines().any(|line| line.starts_with("nhip_mqtt_connections_refused_total{"));
    until("it is counted", PATIENCE, || get(node.http, "/metrics").is_ok_and(|(_, text)| refused(&text)));
    drop(open);
    until("places come back", PATIENCE, || MqttWire::connect(mqtt, "next").is_ok());
}

/// The node inherits it: each connection is a file for it and one for the test.
fn raise_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("the own limit may be raised to its maximum");
}

#[test]
fn a_frame_too_large_closes_its_session_and_no_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path());
    let mut good = websocket(node.http);
    let mut bad = websocket(node.http);
    send_frame(&mut bad, &vec![b'x'; FRAME_BYTES_MAX + 1]);
    let mut rest = Vec::new();
    // A reset instead of an end is as closed; what matters is that it ends.
    drop(bad.read_to_end(&mut rest));
    send_frame(&mut good, br#"{"t":"ping","n":1,"c0":5}"#);
    let pong = until_text(&mut good, "\"pong\"");
    assert!(pong, "the other session goes on");
    until("its place is free again", PATIENCE, || metric(node.http, "nhip_dashboard_sessions") == Some(1.0));
}

/// Opens a session by hand and says hello.
fn websocket(http: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(http).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
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
        br#"{"t":"hello","v":1,"client":{"id":"t","kind":"wall","build":"t"},"view":"main","rate_ms":50}"#;
    send_frame(&mut stream, hello);
    assert!(until_text(&mut stream, "\"welcome\""), "the session stands");
    stream
}

/// One masked text frame (RFC 6455 §5.2), the mask being zero.
fn send_frame(stream: &mut TcpStream, text: &[u8]) {
    let mut frame = vec![0x81];
    match text.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=65_535 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text);
    drop(stream.write_all(&frame));
}

/// Reads until a text appears; frames are not taken apart for that.
fn until_text(stream: &mut TcpStream, wanted: &str) -> bool {
    let (mut seen, mut buffer) = (Vec::<u8>::new(), vec![0_u8; 64 * 1024]);
    while let Ok(read) = stream.read(&mut buffer) {
        seen.extend(buffer.iter().take(read));
        if seen.windows(wanted.len()).any(|window| window == wanted.as_bytes()) {
            return true;
        }
        if read == 0 {
            break;
        }
    }
    false
}
