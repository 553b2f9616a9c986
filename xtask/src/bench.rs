//! `cargo xtask bench`: the bench with the program as it ships.

use crate::run::{Outcome, cargo, command, run, target};

/// Builds and runs the bench.
pub(crate) fn bench(flags: &[String]) -> Outcome {
    run(cargo(&["build", "--release", "--package", "nhip", "--package", "nhip-bench"]))?;
    let mut bench = command(&target().join("release/nhip-bench").to_string_lossy(), &[]);
    bench.args(flags);
    run(bench)
}
