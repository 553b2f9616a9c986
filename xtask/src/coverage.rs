//! `cargo xtask coverage`: writes docs/coverage.md from docs/coverage.toml and the profile.

use crate::run::{Outcome, cargo, run};

/// The test that compares the page writes it when asked to.
pub(crate) fn write() -> Outcome {
    let mut generator = cargo(&["test", "--workspace", "--exclude", "nhip-analyst", "--test", "coverage"]);
    generator.args(["--", "the_page_"]).env("NHIP_WRITE_COVERAGE", "1");
    run(generator)
}
