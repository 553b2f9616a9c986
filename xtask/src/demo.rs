//! `cargo xtask demo`: from a clean clone to a living wall.

use std::process::Command;

use crate::run::{Outcome, cargo, command, run, target};
use crate::web;

/// Builds pages and program, then runs the demo until it is stopped.
pub(crate) fn demo(flags: &[String]) -> Outcome {
    let mut demo = built()?;
    demo.args(flags);
    run(demo)
}

/// The demo, built and not yet started.
pub(crate) fn built() -> Result<Command, String> {
    web::build()?;
    run(cargo(&["build", "--release", "--package", "nhip"]))?;
    Ok(command(&target().join("release/nhip").to_string_lossy(), &["demo"]))
}
