//! `cargo xtask mutate`: changes the calculators' code one expression at a time and asks their tests (cargo-mutants).
//! The profile's definitions are mutated by `analytics/engine/tests/profile_mutation`, on every test run.

use std::fs;
use std::path::Path;

use crate::run::{Outcome, cargo, command, quiet, root, run, target};

/// A package of the calculators alone: thirty times quicker to build than the engine around them.
const MANIFEST: &str = r#"[package]
name = "nhip-calculators-under-mutation"
edition = "2024"
publish = false
version = "0.0.0"

[workspace]

[dependencies]
nhip-proto = { path = "ROOT/proto" }
nhip-profile = { path = "ROOT/profile" }
jiff = { version = "0.2", default-features = false, features = ["std", "tzdb-bundle-always"] }
libm = "0.2"

[dev-dependencies]
proptest = { version = "1", default-features = false, features = ["std"] }

[profile.dev]
debug = false
"#;

/// Runs cargo-mutants over them; installs it if it is missing. `flags` are passed on.
pub(crate) fn mutate(flags: &[String]) -> Outcome {
    if !quiet("cargo", &["mutants", "--version"]) {
        run(cargo(&["install", "cargo-mutants", "--locked"]))?;
    }
    let package = target().join("mutation/calculators");
    let source = package.join("src");
    let failed = |error: std::io::Error| format!("{}: {error}", package.display());
    if source.exists() {
        fs::remove_dir_all(&source).map_err(failed)?;
    }
    fs::create_dir_all(source.join("calculator")).map_err(failed)?;
    let engine = root().join("analytics/engine/src");
    let lib = "//! The calculators alone.\npub mod calculator;\n";
    fs::write(source.join("lib.rs"), lib).map_err(failed)?;
    fs::copy(engine.join("calculator.rs"), source.join("calculator.rs")).map_err(failed)?;
    copy_all(&engine.join("calculator"), &source.join("calculator")).map_err(failed)?;
    let manifest = MANIFEST.replace("ROOT", &root().to_string_lossy());
    fs::write(package.join("Cargo.toml"), manifest).map_err(failed)?;
    fs::copy(root().join("Cargo.lock"), package.join("Cargo.lock")).map_err(failed)?;
    let mut mutants = command("cargo", &["mutants", "--no-shuffle", "--copy-target", "false", "--dir"]);
    mutants.arg(&package).args(flags);
    run(mutants)
}

fn copy_all(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            copy_all(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}
