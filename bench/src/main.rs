//! Speed beside rooflines of the same run
fn main() {}
