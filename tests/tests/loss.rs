//! P1 and P2 against `kill -9`: nothing acknowledged is lost, nothing is counted twice; and the harness notices
//! programs that break these promises.

#![expect(clippy::print_stdout, reason = "a fault test tells what it met")]

use std::path::PathBuf;
use std::process::{Command, Output};

use nhip_tests::{binary, rounds, seed};

/// Kills in CI; NHIP_KILL_ROUNDS asks for more (200 before a release).
const KILLS_IN_CI: u32 = 20;
/// Kills a mutant may survive at most before it must have been noticed.
const MUTANT_KILLS: u32 = 15;
/// Of one whose loss shows only in windows that became final meanwhile: with 15 kills there were two, and once both
/// were right.
const LATE_MUTANT_KILLS: u32 = 40;

#[test]
fn nothing_acknowledged_is_lost_or_counted_twice() {
    let kills = rounds("NHIP_KILL_ROUNDS", KILLS_IN_CI);
    let output = prove(&binary(), kills, &[]);
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(&format!("kills {kills} ")), "every kill was made");
    assert!(said.contains("acknowledged and lost 0, counted twice 0"), "the verdict is given");
}

#[test]
fn a_node_that_acknowledges_before_it_writes_is_noticed() {
    assert_noticed("settle-before-write", MUTANT_KILLS, "acknowledged messages lost");
}

#[test]
fn a_node_that_keeps_its_applied_offset_outside_the_snapshot_is_noticed() {
    assert_noticed("applied-offset-outside", LATE_MUTANT_KILLS, "WRONG load.");
}

#[track_caller]
fn assert_noticed(fault: &str, kills: u32, because: &str) {
    let output = prove(&mutant(), kills, &["--fault", fault]);
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success(), "the mutant {fault} passed the proof");
    assert!(said.contains(because), "the mutant {fault} failed for another reason than `{because}`");
}

fn prove(program: &PathBuf, kills: u32, further: &[&str]) -> Output {
    let scratch = tempfile::tempdir().expect("a directory");
    let seed = seed("prove loss").to_string();
    Command::new(program)
        .args(["prove", "loss", "--minutes", "30", "--rounds", &kills.to_string(), "--seed", &seed])
        .arg("--data")
        .arg(scratch.path())
        .args(further)
        .output()
        .expect("the program runs")
}

/// The same program with the feature `fault-injection`, built beside it by `cargo xtask test`.
fn mutant() -> PathBuf {
    let mutant = binary().with_file_name("nhip-mutant");
    assert!(mutant.exists(), "{} is not built: run cargo xtask test", mutant.display());
    mutant
}
