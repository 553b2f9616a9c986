//! P4 on the real program: at any moment every message and every item of every source is in exactly one class.

use std::process::Command;
use std::time::Duration;

use nhip_tests::{Node, NodeOptions, binary, get_json, metric, rounds, seed, until};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// Looks at random moments in CI.
const LOOKS: u32 = 60;
/// The classes of an item.
const CLASSES: [&str; 5] = ["applied", "duplicate", "late", "item_rejected", "superseded"];

#[test]
fn a_buyer_can_prove_it() {
    let scratch = tempfile::tempdir().expect("a directory");
    let seed = seed("prove ledger").to_string();
    let output = Command::new(binary())
        .args(["prove", "ledger", "--minutes", "0.1", "--seed", &seed, "--data"])
        .arg(scratch.path())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("every message and every item is in exactly one class"), "the verdict is given");
    let number = |word: &str| -> u64 {
        let mut words = said.split_whitespace().skip_while(|found| *found != word);
        words.nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    assert!(number("looks") > 3 && number("messages") > 1_000, "it looked at something: {said}");
}

#[test]
fn it_balances_at_random_moments_under_faults() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut options =
        NodeOptions::run(&directory.path().join("data")).set("--seed", "11").set("--speed", "60");
    options.command = vec!["demo".to_owned()];
    let mut node = Node::start(&options).expect("a demo");
    let mut chance = ChaCha8Rng::seed_from_u64(seed("looks"));
    let (mut before, mut faulty) = (0, 0);
    for look in 0..rounds("NHIP_LEDGER_LOOKS", LOOKS) {
        // A random number of records later, not a random time: a slow machine looks at as many different ledgers.
        let applied = || metric(node.http, "nhip_analytics_applied_offset").unwrap_or(0.0);
        let next = applied() + f64::from(chance.random_range(1_u32..400));
        until("more records", Duration::from_secs(60), || applied() >= next);
        let ledger = get_json(node.http, "/api/v1/ledger?limit=5000");
        let offset = ledger["offset"].as_u64().expect("the ledger names its offset");
        assert!(offset > before, "look {look}: the ledger stood still at {offset}");
        before = offset;
        let lines = ledger["items"].as_array().expect("lines");
        lines.iter().for_each(assert_balances);
        assert_balances(&ledger["total"]);
        let sum = |class: &str| lines.iter().map(|line| count(line, class)).sum::<u64>();
        for class in ["received", "decoded", "rejected", "items"].iter().chain(&CLASSES) {
            assert_eq!(sum(class), count(&ledger["total"], class), "{class} of all sources make the total");
        }
        assert!(sum("received") <= offset, "no message is counted that is not in the log");
        faulty = sum("rejected") + sum("duplicate") + sum("late") + sum("item_rejected");
    }
    assert!(faulty > 0, "the demo made faults, or this shows little");
    assert!(node.stop().success(), "{}", node.said());
}

#[track_caller]
fn assert_balances(line: &Value) {
    assert_eq!(count(line, "received"), count(line, "decoded") + count(line, "rejected"), "messages: {line}");
    let classes: u64 = CLASSES.iter().map(|class| count(line, class)).sum();
    assert_eq!(count(line, "items"), classes, "items: {line}");
    assert_eq!(line["balances"], true, "the line says so itself: {line}");
}

fn count(line: &Value, class: &str) -> u64 {
    line[class].as_u64().unwrap_or_else(|| panic!("no {class} in {line}"))
}
