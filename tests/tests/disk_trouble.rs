//! Full disks and broken ones: acknowledgements stop, nothing is lost; a full disk resumes, a broken one ends the node.

#![expect(clippy::print_stdout, reason = "a fault test tells what it met")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nhip_tests::{Load, Node, NodeOptions, PowerDisk, binary, is_root, metric, skipped, until};

const DISK_MEBIBYTES: u32 = 160;

#[test]
fn a_full_disk_stops_acknowledgements_and_resumes_by_itself() {
    let test = "a_full_disk_stops_acknowledgements_and_resumes_by_itself";
    if !is_root() {
        return skipped(test, "needs root to mount a disk");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let disk = match PowerDisk::new(directory.path(), DISK_MEBIBYTES) {
        Ok(disk) => disk,
        Err(reason) => return skipped(test, &reason),
    };
    let data = disk.path().join("data");
    let mut options = options(directory.path(), &data);
    options = options.set("--keys", &directory.path().join("keys").to_string_lossy());
    let mut node = Node::start(&options).expect("a node");
    let load = Load::start(node.mqtt.expect("an endpoint"), &directory.path().join("acknowledged.jsonl"));
    load.until_acknowledged_beyond(load.acknowledged() + 1_000);
    let ballast = fill(disk.path());
    until("acknowledgements stop", Duration::from_secs(60), || load.stands_still());
    assert!(node.is_running(), "a full disk does not end the node: {}", node.said());
    std::fs::remove_file(&ballast).expect("space comes back");
    let stuck_at = load.acknowledged();
    until("acknowledgements resume by themselves", Duration::from_secs(15), || {
        load.acknowledged() > stuck_at + 500
    });
    finish(load);
    assert!(node.stop().success(), "{}", node.said());
    assert_accounted(&data, &directory.path().join("acknowledged.jsonl"));
}

#[test]
fn a_disk_that_cannot_sync_ends_the_node_and_acknowledges_nothing_more() {
    let test = "a_disk_that_cannot_sync_ends_the_node_and_acknowledges_nothing_more";
    if Command::new("strace").arg("-V").output().is_err() {
        return skipped(test, "strace is not installed");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let mut options = options(directory.path(), &data);
    options.wrapper =
        ["strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=fdatasync"].map(str::to_owned).to_vec();
    options.wrapper.extend(["-e", "inject=fdatasync:error=EIO:when=40+"].map(str::to_owned));
    let journal = directory.path().join("acknowledged.jsonl");
    let mut node = Node::start(&options).expect("a node");
    let load = Load::start(node.mqtt.expect("an endpoint"), &journal);
    let status = node.wait_for_end(Duration::from_secs(60));
    assert_eq!(status.code(), Some(1), "a broken disk is exit code 1: {}", node.said());
    finish(load);
    assert_accounted(&data, &journal);
}

fn options(directory: &Path, data: &Path) -> NodeOptions {
    let config = directory.join("nhip.toml");
    std::fs::write(&config, "snapshot_seconds = 1\n").expect("a configuration");
    let mut options =
        NodeOptions::run(data).set("--config", &config.to_string_lossy()).set("--profile", "profiles/proof");
    options.stderr = Some(directory.join("node.log"));
    options
}

fn finish(load: Load) {
    let report = load.finish();
    println!("sent {} acknowledged {}", report.sent, report.acknowledged);
}

/// Writes until the disk is full.
fn fill(directory: &Path) -> std::path::PathBuf {
    let path = directory.join("ballast");
    let mut file = std::fs::File::create(&path).expect("a file");
    let block = vec![7_u8; 1 << 16];
    while std::io::Write::write_all(&mut file, &block).is_ok() {}
    drop(file.sync_all());
    path
}

fn assert_accounted(data: &Path, journal: &Path) {
    let output = Command::new(binary())
        .args(["log", "account", "--data"])
        .arg(data)
        .arg("--acknowledged")
        .arg(journal)
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    // A short run may close no window; everything else that is wrong counts.
    let wrong: Vec<_> =
        said.lines().filter(|line| line.starts_with("WRONG") && !line.contains("no window")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(
        said.contains("records "),
        "the log verifies and was counted: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A node on a healthy disk says so; without this the metric name could silently rot.
#[test]
fn the_stall_is_a_metric() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let node = Node::start(&options(directory.path(), &data)).expect("a node");
    until("the log reports whether it is stalled", Duration::from_secs(10), || {
        metric(node.http, "nhip_log_stalled").is_some_and(|stalled| stalled == 0.0)
    });
}
