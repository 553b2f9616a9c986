//! Whoever reads the program's answers may go away at any moment: the program goes on.

use std::process::{Command, Stdio};

use nhip_tests::binary;

#[test]
fn a_reader_that_went_away_ends_nothing() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let profile = concat!(env!("CARGO_MANIFEST_DIR"), "/../profiles/proof");
    let output = Command::new(binary())
        .args(["check", profile])
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
