//! Words: vendors stay outside, banned leftovers stay away, links lead somewhere.

use super::tree::{files, is_outside_production, production, read, root};

/// Brokers, databases and buses.
const VENDORS: &[&str] = &[
    "mosquitto",
    "emqx",
    "rumqttc",
    "influx",
    "victoriametrics",
    "kafka",
    "nats-server",
    "jetstream",
    "postgres",
];
const VENDOR_HOMES: &[&str] = &["adapters/", "deploy/", "grafana/", "docs/", "demo/"];
/// The file of the program that picks a database by its name.
const VENDOR_CHOICE: &[&str] = &["src/compose_sink.rs"];
/// Makers of devices and of what stands in front of them; their words stay in the files of their dialects.
const MAKERS: &[&str] =
    &["hikvision", "dahua", "axis-event", "frigate", "chirpstack", "things_stack", "zigbee", "tasmota"];
/// The dialects, and the list of their names that routes may use.
const MAKER_HOMES: &[&str] = &["ingest/src/decode", "profile/src/load/routes.rs"];

#[test]
fn vendors_stay_outside() {
    let wrong = named(VENDORS, VENDOR_CHOICE);
    assert!(wrong.is_empty(), "vendors named inside: {wrong:?}");
}

#[test]
fn makers_of_devices_stay_in_their_dialects() {
    let wrong = named(MAKERS, MAKER_HOMES);
    assert!(wrong.is_empty(), "makers named outside their dialects: {wrong:?}");
}

/// Production files outside the homes of all vendors and these that name one of the words.
fn named(words: &[&str], homes: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for path in files(&[".rs"]) {
        let mut allowed = VENDOR_HOMES.iter().chain(homes);
        if allowed.any(|home| path.starts_with(home)) || is_outside_production(&path) {
            continue;
        }
        let text = read(&path).to_lowercase();
        for word in words.iter().filter(|word| production(&text).contains(*word)) {
            wrong.push(format!("{path}: {word}"));
        }
    }
    wrong
}

#[test]
fn nothing_is_left_lying_about() {
    // Put together here so that this file does not find itself.
    let banned = [["to", "do!("], ["unimpl", "emented!("], ["#[ig", "nore"], ["FIX", "ME"], ["XX", "X:"]];
    let banned = banned.map(|parts| parts.concat());
    let mut wrong = Vec::new();
    for path in files(&[".rs", ".ts", ".mjs", ".py"]) {
        let text = read(&path);
        for word in banned.iter().filter(|word| text.contains(word.as_str())) {
            wrong.push(format!("{path}: {word}"));
        }
        if path.ends_with("/mod.rs") {
            wrong.push(format!("{path}: use x.rs beside x/"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut wrong = Vec::new();
    for path in files(&[".md"]) {
        let text = read(&path);
        let folder = root().join(&path).parent().map(std::path::Path::to_path_buf).unwrap_or_default();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            let elsewhere = file.is_empty() || file.contains("://") || file.starts_with("mailto:");
            if !elsewhere && !folder.join(file).exists() {
                wrong.push(format!("{path}: {target}"));
            }
        }
    }
    assert!(wrong.is_empty(), "links that lead nowhere:\n{}", wrong.join("\n"));
}

#[test]
fn every_metric_is_documented() {
    let documented = read("docs/metrics.md");
    let mut missing = Vec::new();
    for path in files(&[".rs"]).iter().filter(|path| !is_outside_production(path)) {
        let text = read(path);
        for name in text.split('"').filter(|word| is_metric(word)) {
            if !documented.contains(&format!("`{name}`")) {
                missing.push(format!("{name} ({path})"));
            }
        }
    }
    missing.sort();
    missing.dedup();
    assert!(missing.is_empty(), "metrics that docs/metrics.md does not name:\n{}", missing.join("\n"));
}

#[test]
fn every_bound_is_documented() {
    let documented = read("docs/limits.md");
    let mut missing = Vec::new();
    // Contract suites and in-memory ports bound tests, not an installation.
    let ours = |path: &&String| !is_outside_production(path) && !path.starts_with("ports/src/");
    for path in files(&[".rs"]).iter().filter(ours) {
        let text = read(path);
        for name in production(&text).lines().filter_map(bound) {
            if !documented.contains(&format!("`{name}`")) {
                missing.push(format!("{name} ({path})"));
            }
        }
    }
    assert!(missing.is_empty(), "bounds that docs/limits.md does not name:\n{}", missing.join("\n"));
}

/// The name in `pub …_max: …` (a field of a configuration) or `const …_MAX: …`.
fn bound(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let declared = line.split_once("const ").map(|(_, rest)| rest).or_else(|| line.strip_prefix("pub "))?;
    let (name, _) = declared.split_once(": ")?;
    let is_name = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    (is_name && (name.ends_with("_max") || name.ends_with("_MAX"))).then_some(name)
}

fn is_metric(word: &str) -> bool {
    let rest = [
        "ingest",
        "analytics",
        "dashboard",
        "mqtt",
        "log",
        "rows",
        "state",
        "bus",
        "node",
        "demo",
        "keys",
        "folder",
        "pull",
        "archive",
        "sink",
    ];
    rest.iter().any(|room| word.starts_with(&format!("nhip_{room}_")))
        && word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}
