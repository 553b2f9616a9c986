//! P3 on the real program: one log, many batchings, threads and restarts, the same bytes; keys take no part in it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nhip_tests::{Node, NodeOptions, binary, rounds, seed};

/// Replays in CI; NHIP_REPLAY_ROUNDS asks for more (200 before a release).
const REPLAYS_IN_CI: u32 = 12;

#[test]
fn every_replay_gives_the_bytes_the_node_wrote() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let keys = directory.path().join("data-keys");
    write_log(&data, "21");
    let seed = seed("replay");
    let plain = replay(&data, &[]);
    assert!(
        plain.contains("snapshots 2") || plain.contains("snapshots 1"),
        "snapshots were compared: {plain}"
    );
    let digests = plain.lines().last().unwrap_or_default().to_owned();
    for round in 0..rounds("NHIP_REPLAY_ROUNDS", REPLAYS_IN_CI) {
        let threads = ["1", "2", "4"][round as usize % 3];
        let seed = (seed + u64::from(round)).to_string();
        let again = replay(&data, &["--seed", &seed, "--threads", threads]);
        assert_eq!(
            again.lines().last(),
            Some(digests.as_str()),
            "round {round}, {threads} threads, seed {seed}"
        );
    }
    std::fs::remove_dir_all(&keys).expect("the keys can be destroyed");
    let without_keys = replay(&data, &[]);
    assert_eq!(without_keys.lines().last(), Some(digests.as_str()), "with all keys destroyed");
}

/// A demo with its backlog, stopped in good order; its length in records decides how much is replayed.
fn write_log(data: &Path, seed: &str) {
    let mut options = NodeOptions::run(data).set("--seed", seed);
    options.command = vec!["demo".to_owned()];
    let mut node = Node::start(&options).expect("the demo starts");
    nhip_tests::until("the demo's backlog is in the log", Duration::from_secs(120), || {
        nhip_tests::metric(node.http, "nhip_analytics_applied_offset").is_some_and(|offset| offset > 20_000.0)
    });
    assert!(node.stop().success(), "{}", node.said());
}

fn replay(data: &Path, further: &[&str]) -> String {
    let output = Command::new(binary())
        .args(["replay", "--data"])
        .arg(data)
        .args(further)
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}
