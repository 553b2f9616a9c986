//! `cargo xtask demo`: from a clean clone to a living wall.

use crate::run::{Outcome, cargo, command, run, target};
use crate::web;

/// Builds pages and program, then runs the demo until it is stopped.
pub(crate) fn demo(flags: &[String]) -> Outcome {
    web::build()?;
    run(cargo(&["build", "--release", "--package", "nhip"]))?;
    let mut demo = command(&target().join("release/nhip").to_string_lossy(), &["demo"]);
    demo.args(flags);
    run(demo)
}
