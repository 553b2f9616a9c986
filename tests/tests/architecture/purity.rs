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
            for (word, reason) in FORBIDDEN.iter().filter(|(word, _)| code.contains(word)) {
                wrong.push(format!("{path}:{}: {word}: {reason}", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
