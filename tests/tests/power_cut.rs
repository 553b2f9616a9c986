//! P1 against a power cut: ext4 on a loop device loses everything that was not synced, again and again.

#![expect(clippy::print_stdout, reason = "a fault test tells what it met")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nhip_adapters::SystemClock;
use nhip_demo::load::LoadConfig;
use nhip_proto::ArrivalTime;
use nhip_tests::{Node, NodeOptions, PowerDisk, binary, is_root, rounds, seed, skipped};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio_util::sync::CancellationToken;

/// Cuts in CI; NHIP_CUT_ROUNDS asks for more (50 before a release).
const CUTS_IN_CI: u32 = 10;
/// How long the node works between two cuts.
const LIFE_MS: std::ops::Range<u64> = 100..1_500;
const DISK_MEBIBYTES: u32 = 768;

#[test]
fn nothing_acknowledged_is_lost_when_the_power_goes() {
    let Some(disk) = disk("nothing_acknowledged_is_lost_when_the_power_goes") else { return };
    let cuts = rounds("NHIP_CUT_ROUNDS", CUTS_IN_CI);
    let verdict = cut_again_and_again(disk, &binary(), None, cuts);
    assert_eq!(verdict, Ok(()), "after {cuts} cuts");
}

#[test]
fn a_node_that_does_not_sync_is_noticed() {
    let Some(disk) = disk("a_node_that_does_not_sync_is_noticed") else { return };
    let mutant = binary().with_file_name("nhip-mutant");
    assert!(mutant.exists(), "{} is not built: run cargo xtask test", mutant.display());
    let verdict = cut_again_and_again(disk, &mutant, Some("skip-sync"), 6);
    println!("the mutant: {verdict:?}");
    assert!(verdict.is_err(), "a node that never syncs survived six power cuts");
}

fn disk(test: &str) -> Option<(tempfile::TempDir, PowerDisk)> {
    if !is_root() {
        skipped(test, "needs root to mount a disk");
        return None;
    }
    let directory = tempfile::tempdir().expect("a directory");
    match PowerDisk::new(directory.path(), DISK_MEBIBYTES) {
        Ok(disk) => Some((directory, disk)),
        Err(reason) => {
            skipped(test, &reason);
            None
        }
    }
}

/// Publishers run on through all cuts; at the end the log is counted against what they saw acknowledged.
fn cut_again_and_again(
    (directory, mut disk): (tempfile::TempDir, PowerDisk),
    program: &Path,
    fault: Option<&str>,
    cuts: u32,
) -> Result<(), String> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed("power cut"));
    let journal = directory.path().join("acknowledged.jsonl");
    let mut options = options(directory.path(), disk.path(), program, fault);
    let mut node = Node::start(&options)?;
    let mqtt = node.mqtt.ok_or("no endpoint")?;
    options = options.set("--mqtt", &mqtt.to_string());
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let stop = CancellationToken::new();
    let publishers = runtime.spawn(nhip_demo::load::run(load(mqtt, &journal), stop.clone()));
    for cut in 0..cuts {
        let life = Duration::from_millis(chance.random_range(LIFE_MS));
        runtime.block_on(async { tokio::time::sleep(life).await });
        disk.cut()?;
        node.kill();
        disk.plug_in()?;
        node = Node::start(&options).map_err(|error| format!("after cut {}: {error}", cut + 1))?;
    }
    stop.cancel();
    let report = runtime.block_on(publishers).map_err(|error| error.to_string())?;
    let report = report.map_err(|error| error.to_string())?;
    println!("sent {} acknowledged {} resent {}", report.sent, report.acknowledged, report.resent);
    assert!(node.stop().success(), "the node stops in good order");
    account(program, &disk.path().join("data"), &journal)
}

fn options(directory: &Path, disk: &Path, program: &Path, fault: Option<&str>) -> NodeOptions {
    let config = directory.join("nhip.toml");
    std::fs::write(&config, "snapshot_seconds = 1\n").expect("a configuration");
    let mut options = NodeOptions::run(&disk.join("data"));
    options.program = Some(program.to_path_buf());
    options = options.set("--config", &config.to_string_lossy()).set("--profile", "profiles/proof");
    options = options.set("--keys", &disk.join("keys").to_string_lossy());
    options.stderr = Some(directory.join("node.log"));
    match fault {
        Some(fault) => options.set("--fault", fault),
        None => options,
    }
}

fn load(mqtt: std::net::SocketAddr, journal: &Path) -> LoadConfig {
    let clock = Arc::new(SystemClock::new(ArrivalTime(0)));
    let mut load = LoadConfig::new(mqtt, "proof", "load", "value", clock);
    load.connections = 100;
    load.rate_per_s = Some(2_000.0);
    load.journal = Some(journal.to_path_buf());
    load
}

fn account(program: &Path, data: &Path, journal: &Path) -> Result<(), String> {
    let output = Command::new(program)
        .args(["log", "account", "--data"])
        .arg(data)
        .arg("--acknowledged")
        .arg(journal)
        .output()
        .map_err(|error| error.to_string())?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    if output.status.success() { Ok(()) } else { Err(said) }
}
