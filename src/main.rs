//! The binary `nhip`.
fn main() {}
