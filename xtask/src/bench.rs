//! `cargo xtask bench`: the bench with the program as it ships.

use std::path::PathBuf;

use crate::run::{Outcome, cargo, command, root, run, target};
use crate::setup;

/// Where the bench looks for polars and DuckDB.
const PYTHON: &str = "NHIP_BENCH_PYTHON";

/// Builds and runs the bench.
pub(crate) fn bench(flags: &[String]) -> Outcome {
    run(cargo(&["build", "--release", "--package", "nhip", "--package", "nhip-bench"]))?;
    let mut bench = command(&target().join("release/nhip-bench").to_string_lossy(), &[]);
    bench.args(flags);
    if flags.iter().any(|flag| ["history", "all"].contains(&flag.as_str())) || of_every_row(flags) {
        bench.env(PYTHON, peers()?);
    }
    run(bench)
}

/// Whether no row is named: flags begin with `--`, their values with a digit or a path.
fn of_every_row(flags: &[String]) -> bool {
    const ROWS: [&str; 7] = ["limits", "end-to-end", "engine", "recovery", "fan-out", "idle", "recompute"];
    !flags.iter().any(|flag| ROWS.contains(&flag.as_str()))
}

/// A Python virtual environment with what the row `history` compares with.
fn peers() -> Result<PathBuf, String> {
    setup::python_with("bench-venv", &root().join("bench/peers/requirements.txt"))
}
