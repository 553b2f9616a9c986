//! Automation of the repository: demo, test, bench, web, prove.
fn main() {}
