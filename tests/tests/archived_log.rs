//! A node whose log went into the archive and was trimmed: killed, started again, verified, replayed, counted. It says
//! what the untrimmed log says.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nhip_adapters::SystemClock;
use nhip_demo::load::LoadConfig;
use nhip_proto::ArrivalTime;
use nhip_tests::{Node, NodeOptions, binary, metric, until};
use tokio_util::sync::CancellationToken;

/// How long a trim may take on a loaded test machine.
const TRIMMED_MAX: Duration = Duration::from_secs(120);

#[test]
fn a_trimmed_log_with_its_archive_is_the_untrimmed_log() {
    let directory = tempfile::tempdir().expect("a directory");
    let (data, untrimmed) = (directory.path().join("data"), directory.path().join("untrimmed"));
    let mut node = Node::start(&options(&data, "[archive]\nenabled = false\n")).expect("a node");
    publish(&node, &directory.path().join("journal.jsonl"), 1, 4_000);
    assert!(node.stop().success(), "{}", node.said());
    copy(&data, &untrimmed);
    assert!(segments(&untrimmed).len() > 6, "the log has segments to trim");

    let archiving = options(&data, "[archive]\nkeep_log_segments = 1\npause_seconds = 1\n");
    let mut node = Node::start(&archiving).expect("a node");
    until_trimmed(&node, 4.0);
    node.kill();
    let mut node = Node::start(&archiving).expect("it starts after kill -9");
    until("it follows", TRIMMED_MAX, || {
        metric(node.http, "nhip_archive_end_offset").is_some_and(|end| end > 0.0)
    });
    assert!(node.stop().success(), "{}", node.said());

    // What was trimmed, put back beside what is left: the log as it would be without an archive.
    let whole = directory.path().join("whole");
    copy(&data, &whole);
    std::fs::remove_dir_all(whole.join("archive")).expect("removed");
    assert!(segments(&whole).len() < segments(&untrimmed).len(), "segments went");
    for segment in segments(&untrimmed) {
        let place = whole.join("log").join(segment.file_name().expect("a name"));
        if !place.exists() {
            std::fs::copy(segment, place).expect("put back");
        }
    }
    let (said, expected) = (nhip(&["log", "verify"], &data), nhip(&["log", "verify"], &whole));
    assert!(said.contains("archive: offsets 0.."), "{said}");
    let chain = |said: &str| said.lines().find(|line| line.starts_with("chain ")).map(str::to_owned);
    assert_eq!(chain(&said), chain(&expected), "the same past");
    assert_eq!(nhip(&["replay"], &data), nhip(&["replay"], &whole), "the same bytes");
    let records = ["log", "records", "--count", "100000"];
    assert_eq!(nhip(&records, &data), nhip(&records, &whole), "the same records");

    damage(&data);
    let refused = run(&["log", "verify"], &data);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is damaged"), "{refused:?}");
    assert_eq!(run(&["replay"], &data).status.code(), Some(1), "nothing is served from a damaged file");
}

#[test]
fn nothing_acknowledged_is_lost_while_the_log_goes_into_the_archive() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let journal = directory.path().join("journal.jsonl");
    let archiving = options(&data, "[archive]\nkeep_log_segments = 1\npause_seconds = 1\n");
    let mut acknowledged = String::new();
    for run in 1..4 {
        let mut node = Node::start(&archiving).expect("a node");
        publish(&node, &journal, run, 3_000);
        acknowledged.push_str(&std::fs::read_to_string(&journal).expect("a journal"));
        until_trimmed(&node, 1.0);
        node.kill();
    }
    let mut node = Node::start(&archiving).expect("a node");
    assert!(node.stop().success(), "{}", node.said());
    let all = directory.path().join("all.jsonl");
    std::fs::write(&all, acknowledged).expect("written");
    nhip(&["log", "verify"], &data);
    let counted = run(&["log", "account", "--acknowledged", &all.to_string_lossy()], &data);
    let said = String::from_utf8_lossy(&counted.stdout);
    // A short run may close no window; everything else that is wrong counts.
    let wrong: Vec<_> =
        said.lines().filter(|line| line.starts_with("WRONG") && !line.contains("no window")).collect();
    assert!(wrong.is_empty() && said.contains("records "), "{said}");
}

/// While publishers go on and segments move into the archive.
#[test]
fn a_backup_of_a_trimmed_node_gives_back_log_and_archive() {
    let directory = tempfile::tempdir().expect("a directory");
    let (data, backups) = (directory.path().join("data"), directory.path().join("backups"));
    let archiving = options(&data, "[archive]\nkeep_log_segments = 1\npause_seconds = 1\n");
    let mut node = Node::start(&archiving).expect("a node");
    publish(&node, &directory.path().join("journal.jsonl"), 1, 3_000);
    until_trimmed(&node, 2.0);
    std::thread::scope(|scope| {
        scope.spawn(|| publish(&node, &directory.path().join("more.jsonl"), 2, 3_000));
        nhip(&["backup", "--to", &backups.to_string_lossy()], &data);
    });
    assert!(node.stop().success(), "{}", node.said());
    let restored = directory.path().join("restored");
    let output = Command::new(binary())
        .args([
            "restore",
            "--verify",
            "--from",
            &backups.to_string_lossy(),
            "--to",
            &restored.to_string_lossy(),
        ])
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("archive: offsets 0.."), "{said}");
    let end =
        said.lines().find_map(|line| line.strip_prefix("records ")?.split(' ').next()?.parse::<u64>().ok());
    let end = end.expect("how many records were replayed").to_string();
    let replayed = nhip(&["replay", "--until", &end], &data);
    let digests = |said: &str| said.lines().find(|line| line.starts_with("rows_digest ")).map(str::to_owned);
    assert_eq!(digests(&said), digests(&replayed), "the same figures as the original up to there");
}

fn options(data: &Path, archive: &str) -> NodeOptions {
    let config = data.with_extension("toml");
    std::fs::write(&config, format!("snapshot_seconds = 1\n[log]\nsegment_kib = 64\n{archive}"))
        .expect("written");
    NodeOptions::run(data).set("--config", &config.to_string_lossy()).set("--profile", "profiles/proof")
}

fn until_trimmed(node: &Node, segments: f64) {
    until("segments are sealed and trimmed", TRIMMED_MAX, || {
        metric(node.http, "nhip_log_segments_trimmed_total").is_some_and(|trimmed| trimmed >= segments)
    });
}

/// Publishers, on a run of their own, until so many messages are acknowledged.
fn publish(node: &Node, journal: &Path, run: u64, count: u64) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mqtt: SocketAddr = node.mqtt.expect("an endpoint");
    let mut load =
        LoadConfig::new(mqtt, "proof", "load", "value", Arc::new(SystemClock::new(ArrivalTime(0))));
    load.connections = 20;
    load.boot = run;
    load.rate_per_s = Some(1_000.0);
    load.journal = Some(journal.to_path_buf());
    let (progress, stop) = (load.progress.clone(), CancellationToken::new());
    let task = runtime.spawn(nhip_demo::load::run(load, stop.clone()));
    until("messages are acknowledged", TRIMMED_MAX, || {
        progress.acknowledged.load(Ordering::Relaxed) >= count
    });
    stop.cancel();
    runtime.block_on(task).expect("the publishers end").expect("and write their journal");
}

fn run(arguments: &[&str], data: &Path) -> Output {
    Command::new(binary()).args(arguments).arg("--data").arg(data).output().expect("the program runs")
}

#[track_caller]
fn nhip(arguments: &[&str], data: &Path) -> String {
    let output = run(arguments, data);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn paths(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let found =
        std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> = found.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    found.sort();
    found
}

fn segments(data: &Path) -> Vec<PathBuf> {
    paths(&data.join("log"), ".seg")
}

/// One byte in the middle of the first archive file.
fn damage(data: &Path) {
    let path = paths(&data.join("archive"), ".parquet").remove(0);
    let mut bytes = std::fs::read(&path).expect("bytes");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).expect("written");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory").map(|entry| entry.expect("an entry")) {
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).expect("a copy");
        }
    }
}
