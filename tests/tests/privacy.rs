//! A plate number enters by every door it could, and is found nowhere but under its key.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use nhip_client::{Client, ClientOptions, Keep, Table};
use nhip_tests::{Node, NodeOptions, get, metric, post, until};

/// A plate no profile, test or document has.
const PLATE: &str = "51K-93271";

/// Payloads that carry it where a careless program would repeat it: names, states, units, ids, notes, rubbish.
const PAYLOADS: &[(&str, &str)] = &[
    (
        "nhip/v1/tay-ninh/camera/{camera}",
        r#"{"time":1795244400000,"states":{"status":"online"},"note":"51K-93271"}"#,
    ),
    ("nhip/v1/tay-ninh/camera/{camera}", r#"{"time":1795244401000,"states":{"status":"51K-93271"}}"#),
    ("nhip/v1/tay-ninh/camera/{camera}", r#"{"time":1795244402000,"states":{"51K-93271":"online"}}"#),
    ("nhip/v1/tay-ninh/camera/{camera}", r#"{"time":"51K-93271","states":{"status":"online"}}"#),
    (
        "nhip/v1/tay-ninh/camera/{camera}",
        r#"{"time":1795244403000,"id":"51K-93271","states":{"status":"online"}}"#,
    ),
    ("nhip/v1/tay-ninh/camera/{camera}", r#"{"time":1795244404000,"values":{"51K-93271":1}}"#),
    (
        "nhip/v1/tay-ninh/air/tn-air-01",
        r#"{"time":1795244405000,"values":{"pm25":{"value":1,"unit":"51K-93271"}}}"#,
    ),
    ("nhip/v1/tay-ninh/air/tn-air-01", r#"{"time":1795244406000,"values":{"pm25":"51K-93271"}}"#),
    ("nhip/v1/tay-ninh/air/tn-air-01", r#"51K-93271 is not JSON at all"#),
    ("nhip/v1/tay-ninh/air/51K-93271", r#"{"values":{"pm25":1}}"#),
    ("unknown/51K-93271/topic", r#"{"plate":"51K-93271"}"#),
    ("spBv1.0/tay-ninh/NBIRTH/51K-93271", "51K-93271"),
];

#[test]
fn a_plate_is_found_nowhere() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let mut node = Node::start(&NodeOptions::run(&data)).expect("a node");
    let before = metric(node.http, "nhip_ingest_messages_total").unwrap_or(0.0);
    let mqtt = node.mqtt.expect("an endpoint");
    publish(mqtt);
    let (status, answer) = post_plate(node.http);
    assert_eq!(status, 202, "HTTP takes it as it takes everything readable or not: {answer}");
    assert_absent("the HTTP answer", answer.as_bytes());
    let expected = before + PAYLOADS.len() as f64 + 1.0;
    until("all of it is in the log", Duration::from_secs(20), || {
        metric(node.http, "nhip_ingest_messages_total").is_some_and(|count| count >= expected)
    });
    let paths = [
        "/metrics",
        "/api/v1/figures",
        "/api/v1/sources?limit=5000",
        "/api/v1/ledger?limit=5000",
        "/api/v1/rejections",
        "/api/v1/views/main/snapshot",
        "/api/v1/explain?indicator=camera.online_share&area=80",
    ];
    for path in paths {
        let (_, body) = get(node.http, path).expect(path);
        assert_absent(path, body.as_bytes());
    }
    assert_absent_in_frames(node.http);
    let (_, rejections) = get(node.http, "/api/v1/rejections").expect("rejections");
    assert!(
        rejections.contains("no_route") || rejections.contains("syntax"),
        "rejections are listed: {rejections}"
    );
    assert!(node.stop().success(), "{}", node.said());
    assert_absent("stderr", node.said().as_bytes());
    let files = assert_absent_in(directory.path());
    assert!(files > 5, "log, rows, snapshots and keys were searched, not {files} files");
}

/// A snapshot in frames and what follows it.
fn assert_absent_in_frames(http: SocketAddr) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let options = ClientOptions::wall(&http.to_string());
        let mut client = Client::connect(options, Table::new(Keep::Rows)).await.expect("a connection");
        for _ in 0..8 {
            let received = client.next().await.expect("a frame");
            assert_absent("a frame", received.text.as_bytes());
        }
    });
}

fn post_plate(http: SocketAddr) -> (u16, String) {
    let body = format!(r#"{{"time":1795244407000,"values":{{"pm25":3}},"remark":"{PLATE}"}}"#);
    post(http, "/api/v1/ingest/air?source=tn-air-02", "application/json", body.as_bytes()).expect("an answer")
}

/// MQTT 3.1.1 by hand, QoS 1: the few bytes a device would send.
fn publish(mqtt: SocketAddr) {
    let mut stream = TcpStream::connect(mqtt).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a deadline");
    let mut bytes = vec![0x10, 18, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60, 0, 6];
    bytes.extend(b"canary");
    for (index, (topic, payload)) in PAYLOADS.iter().enumerate() {
        let topic = topic.replace("{camera}", "tn-cam-001");
        let mut body = (topic.len() as u16).to_be_bytes().to_vec();
        body.extend(topic.as_bytes());
        body.extend((index as u16 + 1).to_be_bytes());
        body.extend(payload.as_bytes());
        bytes.push(0x32);
        let mut length = body.len();
        while length >= 128 {
            bytes.push((length % 128) as u8 | 0x80);
            length /= 128;
        }
        bytes.push(length as u8);
        bytes.extend(body);
    }
    stream.write_all(&bytes).expect("published");
    let mut answers = vec![0_u8; 4 + 4 * PAYLOADS.len()];
    std::io::Read::read_exact(&mut stream, &mut answers).expect("one PUBACK for each");
}

#[track_caller]
fn assert_absent(what: &str, bytes: &[u8]) {
    let found = bytes.windows(PLATE.len()).any(|window| window == PLATE.as_bytes());
    assert!(!found, "the plate stands in {what}");
}

fn assert_absent_in(directory: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files += assert_absent_in(&path);
        } else {
            files += 1;
            assert_absent(&path.display().to_string(), &std::fs::read(&path).expect("a file"));
        }
    }
    files
}
