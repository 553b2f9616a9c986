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
/// The archive looks for work a second after the start.
const MOVING_LIFE_MS: std::ops::Range<u64> = 1_000..3_500;
const PLAIN: &str = "snapshot_seconds = 1\n";
const MOVING: &str = "snapshot_seconds = 1\n[log]\nsegment_kib = 64\n\
    [archive]\nkeep_log_segments = 1\npause_seconds = 1\n[series]\nrow_file_kib = 1\npause_seconds = 1\n";

/// What keeps the disk busy.
struct Work {
    config: &'static str,
    rate_per_s: f64,
    life_ms: std::ops::Range<u64>,
}

impl Work {
    fn plain() -> Self {
        Self { config: PLAIN, rate_per_s: 2_000.0, life_ms: LIFE_MS }
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_goes() {
    let Some(disk) = disk("nothing_acknowledged_is_lost_when_the_power_goes") else { return };
    let cuts = rounds("NHIP_CUT_ROUNDS", CUTS_IN_CI);
    let verdict = cut_again_and_again(disk, &binary(), None, cuts, Work::plain());
    assert_eq!(verdict, Ok(()), "after {cuts} cuts");
}

/// Small files and short pauses: whenever the power goes, something is being sealed, merged, trimmed or removed.
#[test]
fn nothing_is_lost_or_doubled_when_the_power_goes_while_files_are_moved() {
    let Some(disk) = disk("nothing_is_lost_or_doubled_when_the_power_goes_while_files_are_moved") else {
        return;
    };
    let cuts = rounds("NHIP_CUT_ROUNDS", CUTS_IN_CI);
    let work = Work { config: MOVING, rate_per_s: 250.0, life_ms: MOVING_LIFE_MS };
    let verdict = cut_again_and_again(disk, &binary(), None, cuts, work);
    assert_eq!(verdict, Ok(()), "after {cuts} cuts");
}

#[test]
fn a_node_that_does_not_sync_is_noticed() {
    let Some(disk) = disk("a_node_that_does_not_sync_is_noticed") else { return };
    let mutant = binary().with_file_name("nhip-mutant");
    assert!(mutant.exists(), "{} is not built: run cargo xtask test", mutant.display());
    let verdict = cut_again_and_again(disk, &mutant, Some("skip-sync"), 6, Work::plain());
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
    work: Work,
) -> Result<(), String> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed("power cut"));
    let journal = directory.path().join("acknowledged.jsonl");
    let mut options = options(directory.path(), disk.path(), program, fault, work.config);
    let mut node = Node::start(&options)?;
    let mqtt = node.mqtt.ok_or("no endpoint")?;
    options = options.set("--mqtt", &mqtt.to_string());
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let stop = CancellationToken::new();
    let publishers = runtime.spawn(nhip_demo::load::run(load(mqtt, &journal, work.rate_per_s), stop.clone()));
    for cut in 0..cuts {
        let life = Duration::from_millis(chance.random_range(work.life_ms.clone()));
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
    let data = disk.path().join("data");
    if work.config == MOVING {
        moved(&data)?;
    }
    account(program, &data, &journal)
}

/// Files were moved between the cuts, and rows, snapshots and log still say the same.
fn moved(data: &Path) -> Result<(), String> {
    let names = |folder: &str| -> Vec<String> {
        let entries = std::fs::read_dir(data.join(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let first = names("log").into_iter().find(|name| name.ends_with(".seg")).unwrap_or_default();
    println!("log from {first}, archive {:?}, series {:?}", names("archive"), names("series"));
    if first.starts_with(&"0".repeat(20)) || names("archive").len() < 2 || names("series").len() < 2 {
        return Err("nothing was trimmed or sealed: the test shows nothing".to_owned());
    }
    run(&binary(), &["replay", "--data", &data.to_string_lossy()])
}

fn options(directory: &Path, disk: &Path, program: &Path, fault: Option<&str>, text: &str) -> NodeOptions {
    let config = directory.join("nhip.toml");
    std::fs::write(&config, text).expect("a configuration");
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

fn load(mqtt: std::net::SocketAddr, journal: &Path, rate_per_s: f64) -> LoadConfig {
    let clock = Arc::new(SystemClock::new(ArrivalTime(0)));
    let mut load = LoadConfig::new(mqtt, "proof", "load", "value", clock);
    load.connections = 100;
    load.rate_per_s = Some(rate_per_s);
    load.journal = Some(journal.to_path_buf());
    load
}

fn account(program: &Path, data: &Path, journal: &Path) -> Result<(), String> {
    let (data, journal) = (data.to_string_lossy(), journal.to_string_lossy());
    run(program, &["log", "account", "--data", &data, "--acknowledged", &journal])
}

fn run(program: &Path, words: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(words).output().map_err(|error| error.to_string())?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    if output.status.success() { Ok(()) } else { Err(said) }
}
