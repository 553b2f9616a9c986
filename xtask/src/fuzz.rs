//! `cargo xtask fuzz`: the dialects under fire, for as long as one likes.

use std::process::Command;

use crate::run::{Outcome, cargo, run};

/// Inputs per dialect that a release of Nhịp has seen.
pub(crate) const EXECUTIONS: u64 = 10_000_000;
/// Seconds per dialect in `cargo xtask test`.
const SECONDS: &str = "10";

/// Runs the fuzzer optimised, one dialect after the other unless `--threads` says more.
pub(crate) fn fuzz(executions: u64, flags: &[String]) -> Outcome {
    let mut program = fuzzer(&["--release"]);
    program.args(["--executions", &executions.to_string()]).args(flags);
    run(program)
}

/// The short run of `cargo xtask test`: about a minute and a half on two cores.
pub(crate) fn short() -> Command {
    let mut program = fuzzer(&[]);
    program.args(["--seconds", SECONDS, "--threads", "2"]);
    program
}

fn fuzzer(profile: &[&str]) -> Command {
    let mut program = cargo(&["run", "--quiet", "--package", "nhip-ingest", "--example", "fuzz_dialects"]);
    program.args(profile).arg("--");
    program
}
