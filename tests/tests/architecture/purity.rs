//! The engine, the profile and the vocabulary have no hands: no async, clock, I/O, randomness, hash order.

use super::tree::{files, is_outside_production, production, read};

const PURE: &[&str] = &["proto/src/", "profile/src/", "analytics/engine/src/"];

const FORBIDDEN: &[(&str, &str)] = &[
    ("async fn", "waiting belongs to the services"),
    (".await", "waiting belongs to the services"),
    ("tokio::", "waiting belongs to the services"),
    ("SystemTime", "time is passed in"),
    ("Instant::now", "time is passed in"),
    ("Timestamp::now", "time is passed in"),
    ("Zoned::now", "time is passed in"),
    ("TimeZone::system", "zones come from the Profile record"),
    ("std::fs", "files belong to the adapters"),
    ("std::net", "sockets belong to the adapters"),
    ("std::env", "configuration is passed in"),
    ("getrandom", "randomness is not reproducible"),
    ("rand::", "randomness is not reproducible"),
    ("RandomState", "hash order is not reproducible"),
    ("static mut", "no globals"),
];

#[test]
fn pure_crates_have_no_hands() {
    let mut wrong = Vec::new();
    for path in files(&[".rs"]) {
        if !PURE.iter().any(|home| path.starts_with(home)) || is_outside_production(&path) {
            continue;
        }
        let text = read(&path);
        for (number, line) in production(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            for (word, reason) in FORBIDDEN.iter().filter(|(word, _)| has_word(code, word)) {
                wrong.push(format!("{path}:{}: {word}: {reason}", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether it stands there as a name of its own: `Operand::` is not `rand::`.
fn has_word(code: &str, word: &str) -> bool {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let may_follow_a_name = !word.starts_with(is_name);
    let mut found = code.match_indices(word);
    found.any(|(at, _)| may_follow_a_name || !code.get(..at).is_some_and(|before| before.ends_with(is_name)))
}

#[test]
fn names_are_told_apart() {
    assert!(has_word("let x = rand::random();", "rand::") && has_word("rand::random()", "rand::"));
    assert!(has_word("::std::fs::read(path)", "std::fs") && has_word("future.await", ".await"));
    assert!(!has_word("Operand::Quantity(name)", "rand::") && !has_word("my_rand::x", "rand::"));
}

/// A hash map is allowed in the engine only where it says why it is never walked.
#[test]
fn the_engine_never_walks_a_hash_map() {
    let mut wrong = Vec::new();
    for path in files(&[".rs"]).iter().filter(|path| path.starts_with("analytics/engine/src/")) {
        let text = read(path);
        let uses = production(&text).contains("HashMap") || production(&text).contains("HashSet");
        if uses && !text.contains("never iterated") {
            wrong.push(path.clone());
        }
    }
    assert!(wrong.is_empty(), "hash maps without the words `never iterated` and a reason: {wrong:?}");
}
