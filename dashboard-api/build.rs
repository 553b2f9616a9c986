//! Sees to it that the pages built into the binary are noticed when they change.

use std::path::Path;

/// An absent directory would make cargo build this crate again every time, so an empty one is made.
fn main() {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/dist");
    if built.parent().is_some_and(Path::is_dir) {
        std::fs::create_dir_all(&built).unwrap_or_default();
    }
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", built.display());
}
