//! Arrows between crates: only as ARCHITECTURE.md draws them. Rooms never import rooms.

use std::collections::BTreeMap;

use super::tree::{files, read};

/// Which crates of ours each crate may depend on.
fn allowed() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("nhip-proto", &[] as &[_]),
        ("nhip-ports", &["nhip-proto"] as &[_]),
        ("nhip-profile", &["nhip-proto"]),
        ("nhip-ingest", &["nhip-proto", "nhip-ports", "nhip-profile"]),
        ("nhip-engine", &["nhip-proto", "nhip-profile"]),
        ("nhip-analytics", &["nhip-proto", "nhip-ports", "nhip-profile", "nhip-engine"]),
        ("nhip-history", &["nhip-proto", "nhip-ports", "nhip-profile"]),
        ("nhip-analyst", &["nhip-proto", "nhip-ports", "nhip-history"]),
        ("nhip-dashboard-api", &["nhip-proto", "nhip-ports", "nhip-profile"]),
        ("nhip-client", &["nhip-proto"]),
        ("nhip-adapters", &["nhip-proto", "nhip-ports"]),
        ("nhip-demo", &["nhip-proto", "nhip-ports", "nhip-profile"]),
    ])
}

/// Technologies that belong to certain crates only.
const CONFINED: &[(&str, &[&str])] = &[
    ("rumqttc", &["nhip-adapters", "nhip-demo", "nhip-bench", "nhip-tests"]),
    ("mqtt-protocol-core", &["nhip-adapters", "nhip-bench", "nhip-tests"]),
    ("axum", &["nhip-dashboard-api"]),
    (
        "tokio",
        &[
            "nhip",
            "nhip-ports",
            "nhip-ingest",
            "nhip-analytics",
            "nhip-history",
            "nhip-analyst",
            "nhip-dashboard-api",
            "nhip-client",
            "nhip-adapters",
            "nhip-demo",
            "nhip-bench",
            "nhip-tests",
        ],
    ),
    ("clap", &["nhip", "nhip-analyst", "nhip-bench", "xtask"]),
    ("influxdb2", &["nhip-adapters"]),
    ("reqwest", &["nhip-adapters"]),
    ("polars", &["nhip-analyst"]),
    ("polars-io", &["nhip-analyst"]),
    ("polars-lazy", &["nhip-analyst"]),
    ("sqlparser", &["nhip-analyst"]),
    ("parquet", &["nhip-history", "nhip-analyst"]),
];

struct Manifest {
    name: String,
    dependencies: Vec<String>,
    development: Vec<String>,
}

fn manifests() -> Vec<Manifest> {
    files(&["Cargo.toml"])
        .iter()
        .filter_map(|path| {
            let table: toml::Table = read(path).parse().expect(path);
            let name = table.get("package")?.get("name")?.as_str()?.to_owned();
            let keys = |section: &str| {
                let section = table.get(section).and_then(toml::Value::as_table);
                section.map(|section| section.keys().cloned().collect()).unwrap_or_default()
            };
            Some(Manifest { name, dependencies: keys("dependencies"), development: keys("dev-dependencies") })
        })
        .collect()
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let allowed = allowed();
    let mut wrong = Vec::new();
    for manifest in manifests() {
        let Some(may) = allowed.get(manifest.name.as_str()) else { continue };
        for dependency in manifest.dependencies.iter().filter(|name| name.starts_with("nhip-")) {
            if !may.contains(&dependency.as_str()) {
                wrong.push(format!("{} → {dependency}", manifest.name));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that ARCHITECTURE.md does not draw: {wrong:?}");
}

#[test]
fn every_room_is_known_to_this_check() {
    let allowed = allowed();
    let free = ["nhip", "nhip-bench", "nhip-tests", "xtask"];
    let unknown: Vec<_> = manifests()
        .into_iter()
        .map(|manifest| manifest.name)
        .filter(|name| !free.contains(&name.as_str()) && !allowed.contains_key(name.as_str()))
        .collect();
    assert!(unknown.is_empty(), "crates without a rule: {unknown:?}");
}

#[test]
fn technologies_stay_in_their_crates() {
    let mut wrong = Vec::new();
    for manifest in manifests() {
        for (technology, homes) in CONFINED {
            let used = manifest.dependencies.iter().any(|name| name == technology);
            if used && !homes.contains(&manifest.name.as_str()) {
                wrong.push(format!("{} uses {technology}", manifest.name));
            }
        }
        let rooms = ["nhip-ingest", "nhip-engine", "nhip-analytics", "nhip-history", "nhip-dashboard-api"];
        let sideways = manifest.development.iter().filter(|name| rooms.contains(&name.as_str()));
        if rooms.contains(&manifest.name.as_str()) {
            wrong.extend(sideways.map(|name| format!("tests of {} use the room {name}", manifest.name)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_shared_dependency_says_why() {
    let text = read("Cargo.toml");
    let section = text.split("[workspace.dependencies]").nth(1).and_then(|rest| rest.split("\n[").next());
    let silent: Vec<_> = section
        .unwrap_or_default()
        .lines()
        .filter(|line| line.contains('=') && !line.starts_with('#') && !line.starts_with("nhip-"))
        .filter(|line| !line.contains("# "))
        .collect();
    assert!(silent.is_empty(), "dependencies without a reason: {silent:?}");
}
