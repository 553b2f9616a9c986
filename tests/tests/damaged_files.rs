//! Damaged Parquet under the real program: emptied, cut, flipped, exchanged, blown up, gone. The error names the file,
//! nothing of it is served, everything else is answered, and memory stays flat.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use nhip_proto::{ArrivalTime, MILLISECOND, SECOND};
use nhip_tests::{Load, MqttWire, Node, NodeOptions, SteppedNode, binary, get, get_json, metric, until};
use serde_json::{Value, json};

/// 2030-01-10T00:00:00Z.
const START: ArrivalTime = ArrivalTime(1_894_233_600 * SECOND);
/// From one month into the next.
const MONTH: i64 = 31 * 86_400 * SECOND;
/// What a node may grow by over all damages.
const GROWTH_KIB_MAX: u64 = 32 << 10;
/// Address space of a command that meets damage: one that believes an absurd count ends here.
const ADDRESS_KIB_MAX: u64 = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(120);

/// What can happen to a file, beside one that is whole: its name for the report, and the bytes then.
fn damages(whole: &[u8], other: &[u8]) -> Vec<(&'static str, Option<Vec<u8>>)> {
    let mut flipped = whole.to_vec();
    flipped[whole.len() / 2] ^= 1;
    let mut longer = whole.to_vec();
    longer.extend([0; 4096]);
    vec![
        ("empty", Some(Vec::new())),
        ("cut in the middle", Some(whole[..whole.len() / 2].to_vec())),
        ("cut by one byte", Some(whole[..whole.len() - 1].to_vec())),
        ("one bit flipped", Some(flipped)),
        ("longer", Some(longer)),
        ("another whole file", Some(other.to_vec())),
        ("a footer longer than the file", Some(absurd_footer(whole))),
        ("two thousand million columns", Some(absurd_counts(whole.len()))),
        ("missing", None),
    ]
}

/// The four bytes before the closing magic say how long the footer is.
fn absurd_footer(whole: &[u8]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let at = bytes.len() - 8;
    bytes[at..at + 4].copy_from_slice(&0x7fff_fff0_u32.to_le_bytes());
    bytes
}

/// A few bytes that promise 2³¹ − 1 elements of a schema (Thrift compact protocol), filled up to the length expected.
fn absurd_counts(length: usize) -> Vec<u8> {
    let footer = [0x15, 0x02, 0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07];
    let mut bytes = b"PAR1".to_vec();
    bytes.resize(length - footer.len() - 8, 0);
    bytes.extend(footer);
    bytes.extend((footer.len() as u32).to_le_bytes());
    bytes.extend(b"PAR1");
    bytes
}

/// Another inode: a node that has the file open goes on with what it opened.
fn put(path: &Path, bytes: Option<&[u8]>) {
    drop(std::fs::remove_file(path));
    if let Some(bytes) = bytes {
        std::fs::write(path, bytes).expect("written");
    }
}

fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
    files.sort();
    files
}

fn config(directory: &Path, text: &str) -> String {
    let config = directory.join("nhip.toml");
    std::fs::write(&config, text).expect("written");
    config.to_string_lossy().into_owned()
}

/// A node whose rows of two months stand in a file each: a question opens the files of its months.
fn two_months(directory: &Path) -> SteppedNode {
    let config = config(directory, "[series]\npause_seconds = 1\n");
    let options =
        NodeOptions::run(&directory.join("data")).set("--profile", "profiles/proof").set("--config", &config);
    let mut stepped = SteppedNode::start(options, START).expect("a node");
    for month in 0..2 {
        let time = stepped.now().0 / MILLISECOND;
        let reading =
            json!({"time": time, "boot": 1, "sequence": month, "values": {"value": 40 + month}}).to_string();
        let mqtt = stepped.node.mqtt.expect("an endpoint");
        let mut wire = MqttWire::connect(mqtt, "stepped").expect("connects");
        wire.publish_all([("nhip/v1/proof/load/load-0000", reading.as_bytes())]).expect("acknowledged");
        stepped.step_to(START.plus((month + 1) * MONTH));
    }
    // A start seals what the process before left in its row file.
    stepped.restart();
    until("both months are sealed", PATIENCE, || {
        metric(stepped.node.http, "nhip_rows_sealed_files").is_some_and(|files| files >= 2.0)
    });
    stepped.restart();
    stepped
}

/// The first windows of a month.
fn asked(node: &Node, month: i64, what: &str) -> (u16, String) {
    let at = |seconds: i64| {
        let at = START.plus(month * MONTH + seconds * SECOND).0 / SECOND;
        jiff::Timestamp::from_second(at).expect("a time").to_string()
    };
    let range = format!("indicator=load.sum&area=proof&from={}&to={}", at(0), at(60));
    get(node.http, &format!("/api/v1/{what}?{range}")).expect("an answer")
}

#[test]
fn a_damaged_file_of_the_series_is_named_and_nothing_of_it_is_served() {
    let directory = tempfile::tempdir().expect("a directory");
    let stepped = two_months(directory.path());
    let series = files(&directory.path().join("data/series"), "parquet");
    let (damaged, other) = (&series[0], &series[1]);
    let name = damaged.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(name.starts_with("2030-01"), "the first month has a file: {series:?}");
    let (whole, beside) = (std::fs::read(damaged).expect("bytes"), std::fs::read(other).expect("bytes"));
    let node = &stepped.node;
    assert_eq!(asked(node, 1, "series").0, 200);
    let before = node.resident_kib();
    let mut told = 0.0;
    for (what, bytes) in damages(&whole, &beside) {
        put(damaged, bytes.as_deref());
        for question in ["series", "restatements", "export"] {
            let (status, body) = asked(node, 0, question);
            assert_eq!(status, 500, "{what}: {question}: {body}");
            assert!(body.contains("damaged") && !body.contains("40"), "{what}: {question}: {body}");
        }
        let (status, body) = asked(node, 1, "series");
        assert!(status == 200 && body.contains("41"), "{what}: the other month is answered: {body}");
        let now = metric(node.http, "nhip_rows_files_damaged_total").expect("the metric");
        assert!(now >= told + 3.0, "{what}: each time is counted: {told} then {now}");
        told = now;
    }
    assert!(node.said().matches(&name).count() >= 27, "the log names the file each time: {}", node.said());
    let after = node.resident_kib();
    println!("nine damages of a series file: resident {before} KiB before, {after} KiB after");
    assert!(after < before + GROWTH_KIB_MAX, "from {before} to {after} KiB");
    put(damaged, Some(&whole));
    let (status, body) = asked(node, 0, "series");
    assert!(status == 200 && body.contains("40"), "what is put back is served again: {body}");
}

/// The offsets of a file of the archive, which are its name; of a segment, its first.
fn offsets(path: &Path) -> (u64, u64) {
    let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let (first, end) = name.split_once('-').unwrap_or((&name, "0"));
    (first.parse().expect("a number"), end.parse().expect("a number"))
}

/// The data of a node whose first segments stand in the archive alone, and an offset among them.
fn trimmed(directory: &Path) -> (NodeOptions, u64) {
    let text = "snapshot_seconds = 1\n[log]\nsegment_kib = 256\n[archive]\nkeep_log_segments = 1\npause_seconds = 1\n";
    let config = config(directory, text);
    let options =
        NodeOptions::run(&directory.join("data")).set("--profile", "profiles/proof").set("--config", &config);
    let mut node = Node::start(&options).expect("a node");
    let load = Load::start(node.mqtt.expect("an endpoint"), &directory.join("acknowledged.jsonl"));
    // Beyond the first snapshot of its hour, so that the way there leads through the log.
    load.until_acknowledged_beyond(3_000);
    let early = get_json(node.http, "/api/v1/figures")["offset"].as_u64().expect("an offset");
    load.until_acknowledged_beyond(early + 1_000);
    assert!(load.finish().acknowledged > early);
    let log = options.data.join("log");
    until("what was early stands in the archive alone", PATIENCE, || {
        files(&log, "seg").first().is_some_and(|first| offsets(first).0 > early)
    });
    assert!(node.stop().success(), "{}", node.said());
    (options, early)
}

/// The program with little address space; what it says on both outputs.
fn bounded(words: &[&str], data: &Path) -> (Output, String) {
    let script = format!("ulimit -v {ADDRESS_KIB_MAX}; exec \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &script, "sh"])
        .arg(binary())
        .args(words)
        .arg("--data")
        .arg(data)
        .output()
        .expect("a shell runs");
    let said = [output.stdout.clone(), output.stderr.clone()].concat();
    (output, String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_damaged_file_of_the_archive_is_named_and_nothing_of_it_is_served() {
    let directory = tempfile::tempdir().expect("a directory");
    let (options, early) = trimmed(directory.path());
    let data = options.data.clone();
    let archive = files(&data.join("archive"), "parquet");
    let holds = |path: &&PathBuf| offsets(path).0 < early && early <= offsets(path).1;
    let damaged = archive.iter().find(holds).expect("a file with the record before that offset");
    let name = damaged.file_name().expect("a name").to_string_lossy().into_owned();
    let whole = std::fs::read(damaged).expect("bytes");
    let golden =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../analytics/history/tests/golden/format-1/archive");
    let beside = std::fs::read(&files(&golden, "parquet")[0]).expect("a whole file of another archive");
    let first = format!("\"offset\":{},", offsets(damaged).0);
    let (verified, said) = bounded(&["log", "verify"], &data);
    assert!(verified.status.success(), "the bound is enough for what is whole: {said}");
    for (what, bytes) in damages(&whole, &beside) {
        put(damaged, bytes.as_deref());
        for words in [&["log", "verify"][..], &["replay"], &["log", "records", "--count", "1000000"]] {
            let (output, said) = bounded(words, &data);
            assert_eq!(output.status.code(), Some(1), "{what}: {words:?}: {said}");
            assert!(said.contains(&name), "{what}: {words:?} names the file: {said}");
            let served = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(!served.contains("rows_digest") && !served.contains(&first), "{what}: {served}");
        }
    }
    let node = Node::start(&options).expect("the node starts: its present does not need the file");
    let snapshot = |as_of: u64| {
        get(node.http, &format!("/api/v1/views/main/snapshot?as_of=offset:{as_of}")).expect("an answer")
    };
    let before = node.resident_kib();
    for (what, bytes) in damages(&whole, &beside) {
        put(damaged, bytes.as_deref());
        let (status, body) = snapshot(early);
        assert!((500..600).contains(&status), "{what}: {status} {body}");
        assert_eq!(
            get(node.http, "/api/v1/figures").expect("an answer").0,
            200,
            "{what}: the present is told"
        );
    }
    let after = node.resident_kib();
    println!("nine damages of an archive file: resident {before} KiB before, {after} KiB after");
    assert!(after < before + GROWTH_KIB_MAX, "from {before} to {after} KiB");
    assert!(node.said().contains(&name), "the log names the file: {}", node.said());
    put(damaged, Some(&whole));
    let (status, body) = snapshot(early);
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((status, body["offset"].as_u64()), (200, Some(early)), "{body}");
}
