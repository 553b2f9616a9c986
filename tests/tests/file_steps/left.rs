//! What a dead node left behind, looked at from outside: by the program's commands, and by the names in its folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use nhip_tests::binary;
use serde_json::Value;

/// Log and archive verify; every acknowledged message is there and counted once; rows are those of a replay.
#[track_caller]
pub(crate) fn nothing_lost_or_doubled(data: &Path, journal: &Path, when: &str) {
    let data = data.to_string_lossy();
    let counted = run(&["log", "account", "--data", &data, "--acknowledged", &journal.to_string_lossy()]);
    let said = String::from_utf8_lossy(&counted.stdout);
    // A short run may close no window; everything else that is wrong counts.
    let wrong: Vec<_> =
        said.lines().filter(|line| line.starts_with("WRONG") && !line.contains("no window")).collect();
    let complained = String::from_utf8_lossy(&counted.stderr);
    assert!(wrong.is_empty() && said.contains("records "), "{when}: {said}{complained}");
    let replayed = run(&["replay", "--data", &data]);
    assert!(replayed.status.success(), "{when}: {}", String::from_utf8_lossy(&replayed.stderr));
}

/// Every record at exactly one offset, every acknowledged message among them, every revision of every figure once.
#[track_caller]
pub(crate) fn each_once(data: &Path, journal: &Path) {
    let data = data.to_string_lossy();
    let records = nhip(&["log", "records", "--count", "10000000", "--data", &data]);
    let mut logged = BTreeSet::new();
    for (offset, line) in (0_u64..).zip(records.lines()) {
        let record: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(record["offset"], offset, "offsets without gaps, from 0 on");
        for item in record["items"].as_array().into_iter().flatten() {
            logged.insert((record["source"].to_string(), item["boot"].as_u64(), item["sequence"].as_u64()));
        }
    }
    let acknowledged = std::fs::read_to_string(journal).expect("a journal");
    for line in acknowledged.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let identity = (line["source"].to_string(), line["boot"].as_u64(), line["sequence"].as_u64());
        assert!(logged.contains(&identity), "acknowledged and not in the log: {line}");
    }
    let rows = nhip(&["log", "rows", "--all", "--data", &data]);
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for line in rows.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let key = ["indicator", "area", "group", "period", "window_start_ns", "revision"]
            .map(|name| row[name].to_string());
        *known.entry(key.join(" ")).or_default() += 1;
    }
    let twice: Vec<_> = known.iter().filter(|(_, count)| **count > 1).take(5).collect();
    assert!(twice.is_empty() && !known.is_empty(), "{} revisions, twice: {twice:?}", known.len());
}

/// Archive and series hold what their manifest names, and nothing else; nothing is half written.
#[track_caller]
pub(crate) fn nothing_lies_about(data: &Path) {
    for folder in ["archive", "series"] {
        let named = named(&data.join(folder).join("manifest"));
        let mut there = names(&data.join(folder));
        for own in ["lock", "manifest"] {
            there.remove(own);
        }
        assert_eq!(there, named, "{folder}");
    }
    for folder in ["rows", "state"] {
        let unfinished: Vec<_> =
            names(&data.join(folder)).into_iter().filter(|name| name.ends_with(".tmp")).collect();
        assert!(unfinished.is_empty(), "{folder}: {unfinished:?}");
    }
}

/// How many files stand where.
pub(crate) fn contents(data: &Path) -> String {
    let count = |folder: &str| format!("{folder} {}", files(data, folder));
    ["log", "archive", "rows", "series"].map(count).join(", ")
}

/// How many files stand in a folder, its manifest too.
pub(crate) fn files(data: &Path, folder: &str) -> usize {
    names(&data.join(folder)).len()
}

/// The files a manifest names, read as text: its format is written down in docs/archive.md.
fn named(manifest: &Path) -> BTreeSet<String> {
    let Ok(text) = std::fs::read_to_string(manifest) else { return BTreeSet::new() };
    let body = text.strip_prefix("NhipManifest 1\n").and_then(|rest| rest.rsplit_once("\nblake3 "));
    let body: Value = serde_json::from_str(body.expect("a manifest").0).expect("JSON");
    let files = body["files"].as_array().expect("files").iter();
    files.map(|file| file["name"].as_str().expect("a name").to_owned()).collect()
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The line with the digest of all rows.
#[track_caller]
pub(crate) fn digests(said: &str) -> String {
    let line = said.lines().find(|line| line.starts_with("rows_digest "));
    line.unwrap_or_else(|| panic!("no digests in {said}")).to_owned()
}

#[track_caller]
pub(crate) fn nhip(arguments: &[&str]) -> String {
    let output = run(arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn run(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).output().expect("the program runs")
}
