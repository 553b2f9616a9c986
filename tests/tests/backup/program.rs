//! The program's words for backups, and a small data directory to back up.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nhip_tests::{Load, Node, NodeOptions, binary};

/// Runs the program.
pub(crate) fn nhip(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).output().expect("the program runs")
}

/// Both outputs.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A configuration with a snapshot every second; its path.
pub(crate) fn config(directory: &Path) -> String {
    let config = directory.join("nhip.toml");
    std::fs::write(&config, "snapshot_seconds = 1\n").expect("a configuration");
    config.to_string_lossy().into_owned()
}

/// A node of profiles/proof.
pub(crate) fn options(directory: &Path, data: &Path) -> NodeOptions {
    NodeOptions::run(data).set("--config", &config(directory)).set("--profile", "profiles/proof")
}

/// The data of a node that took a few thousand messages and stopped.
pub(crate) fn small_data(directory: &Path) -> PathBuf {
    let data = directory.join("data");
    let mut node = Node::start(&options(directory, &data)).expect("a node");
    let load = Load::start(node.mqtt.expect("an endpoint"), &directory.join("acknowledged.jsonl"));
    load.until_acknowledged_beyond(4_000);
    assert!(load.finish().acknowledged > 0);
    assert!(node.stop().success(), "{}", node.said());
    data
}

/// A backup as it comes out.
pub(crate) fn try_backup(data: &Path, to: &Path) -> Output {
    nhip(&["backup", "--data", &data.to_string_lossy(), "--to", &to.to_string_lossy()])
}

/// A backup that must succeed; the offset it ends at.
pub(crate) fn backup(data: &Path, to: &Path) -> u64 {
    let output = try_backup(data, to);
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let offsets = text.split("offsets ").nth(1).and_then(|rest| rest.split([',', ' ']).next());
    let end = offsets.and_then(|offsets| offsets.split("..").nth(1)?.parse().ok());
    end.unwrap_or_else(|| panic!("no offsets in: {text}"))
}

/// A backup whose system calls go wrong as told.
pub(crate) fn traced(rules: &[&str], data: &Path, to: &Path) -> Output {
    let mut command = Command::new("strace");
    command.args(["-f", "-q", "-o", "/dev/null"]);
    for rule in rules {
        command.args(["-e", rule]);
    }
    command.arg(binary()).args(["backup", "--data"]).arg(data).arg("--to").arg(to);
    command.output().expect("strace runs")
}

/// A restore as it comes out.
pub(crate) fn restore(from: &Path, to: &Path, further: &[&str]) -> Output {
    let (from, to) = (from.to_string_lossy(), to.to_string_lossy());
    nhip(&[&["restore", "--from", &from, "--to", &to], further].concat())
}

/// The line with the digests of rows and state.
pub(crate) fn digests(text: &str) -> String {
    let line = text.lines().find(|line| line.starts_with("rows_digest "));
    line.unwrap_or_else(|| panic!("no digests in: {text}")).to_owned()
}

/// Directories that count as backups, oldest first.
pub(crate) fn finished(backups: &Path) -> Vec<PathBuf> {
    let mut found = directories(backups);
    found.retain(|path| path.join("manifest").is_file() && path.extension().is_none());
    found
}

/// Directories that are none yet.
pub(crate) fn unfinished(backups: &Path) -> usize {
    directories(backups).iter().filter(|path| path.extension().is_some()).count()
}

fn directories(backups: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(backups).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

/// Every file, sorted.
pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}
