//! `cargo xtask fuzz`: the dialects under fire, for as long as one likes.

use std::process::Command;

use crate::run::{Outcome, cargo, command, run, target};

/// Inputs per dialect that a release of Nhịp has seen.
pub(crate) const EXECUTIONS: u64 = 10_000_000;
/// The fuzzer, an example of ingest.
const EXAMPLE: &str = "fuzz_dialects";
/// Seconds per dialect in `cargo xtask test`.
const SECONDS: &str = "10";

/// Runs the fuzzer optimised, one dialect after the other unless `--threads` says more.
pub(crate) fn fuzz(executions: u64, flags: &[String]) -> Outcome {
    let mut program =
        cargo(&["run", "--quiet", "--package", "nhip-ingest", "--release", "--example", EXAMPLE, "--"]);
    program.args(["--executions", &executions.to_string()]).args(flags);
    run(program)
}

/// The short run of `cargo xtask test`, with the example that its build of all targets made: about a minute and a half
/// on two cores.
pub(crate) fn short() -> Command {
    let program = target().join("debug/examples").join(EXAMPLE);
    let mut program = command(&program.to_string_lossy(), &[]);
    program.args(["--seconds", SECONDS, "--threads", "2"]);
    program
}
