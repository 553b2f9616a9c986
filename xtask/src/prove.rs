//! `cargo xtask prove`: a promise on this machine's disk, with the program as it ships.

use crate::run::{Outcome, cargo, command, run, target};

/// Builds the program and runs `nhip prove`.
pub(crate) fn prove(flags: &[String]) -> Outcome {
    run(cargo(&["build", "--release", "--package", "nhip"]))?;
    let mut prove = command(&target().join("release/nhip").to_string_lossy(), &["prove"]);
    prove.args(flags);
    run(prove)
}
