//! The manual as it is written: the commands of docs/operations.md for backup, upgrade, erasure and restore are run one
//! after the other, with the places of a machine replaced by those of the test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use nhip_tests::{Node, NodeOptions, binary, get, metric, post, until};

/// Commands of the machine, not of the program: the test does what they would.
const OF_THE_MACHINE: &[&str] = &["systemctl", "systemd-tmpfiles", "install", "curl"];

struct Machine {
    root: PathBuf,
    key: String,
}

impl Machine {
    fn at(&self, path: &str) -> String {
        self.root.join(path.trim_start_matches('/')).to_string_lossy().into_owned()
    }

    /// A line of the manual as words for this machine; none: a command of the machine.
    fn words(&self, command: &str) -> Option<Vec<String>> {
        let command = command.trim();
        let command = command.strip_prefix("runuser -u nhip -- ").unwrap_or(command);
        let quoted: Vec<&str> = command.split('"').collect();
        let mut words = Vec::new();
        for (at, part) in quoted.iter().enumerate() {
            if at % 2 == 1 {
                words.push((*part).to_owned());
            } else {
                words.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        if words.first().is_none_or(|first| OF_THE_MACHINE.contains(&first.as_str())) {
            return None;
        }
        for word in words.iter_mut() {
            if *word == "nhip" || *word == "./nhip-new" {
                *word = binary().to_string_lossy().into_owned();
            } else if word.starts_with('/') {
                *word = self.at(word);
            } else if word == "vision/2026-11-20" {
                word.clone_from(&self.key);
            }
        }
        Some(words)
    }

    /// Runs the commands of the block under a heading, as far as the program is concerned; how many these were.
    fn run(&self, heading: &str) -> usize {
        let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
        let manual = std::fs::read_to_string(manual).expect("the manual");
        let section = manual.split(&format!("\n## {heading}\n")).nth(1).expect("the heading");
        let block = section.split("```").nth(1).expect("its commands");
        let lines = block.lines().map(|line| line.split(" #").next().unwrap_or_default());
        let mut count = 0;
        for command in lines.flat_map(|line| line.split("&&")).filter(|line| !line.trim().is_empty()) {
            let Some(words) = self.words(command) else { continue };
            let output = Command::new(&words[0]).args(&words[1..]).output().expect("it runs");
            // Whether this machine's disk is a good one is not the question here.
            let judged = !words.contains(&"doctor".to_owned());
            let fine = if judged { output.status.success() } else { output.status.code() != Some(2) };
            assert!(fine, "{command}\n{}", said(&output));
            count += 1;
        }
        count
    }
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

#[test]
fn the_manual_does_what_it_says() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut machine = Machine { root: directory.path().to_path_buf(), key: String::new() };
    let config = machine.at("/etc/nhip/nhip.toml");
    for made in ["/etc/nhip/profile", "/var/lib/nhip", "/srv/nhip-backup", "/media/safe", "/usr/bin"] {
        std::fs::create_dir_all(machine.at(made)).expect("made");
    }
    std::fs::write(machine.at("/usr/bin/nhip"), "the program before").expect("written");
    let proof = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles/proof");
    for entry in std::fs::read_dir(proof).expect("the profile") {
        let path = entry.expect("an entry").path();
        let to = Path::new(&machine.at("/etc/nhip/profile")).join(path.file_name().expect("a name"));
        std::fs::copy(&path, to).expect("copied");
    }
    let places = ["data", "keys"].map(|name| (name, machine.at(&format!("/var/lib/nhip/{name}"))));
    let mut text = format!("profile = \"{}\"\n", machine.at("/etc/nhip/profile"));
    places.iter().for_each(|(name, place)| text += &format!("{name} = \"{place}\"\n"));
    std::fs::write(&config, text).expect("written");
    let [(_, data), (_, keys)] = &places;
    let options = NodeOptions::run(Path::new(data)).set("--config", &config);
    let options = options.set("--keys", keys).set("--profile", &machine.at("/etc/nhip/profile"));

    one_message(&options);
    assert_eq!(machine.run("Backup"), 2);
    // Also, so that the next backup has another second in its name.
    one_message(&options);
    assert_eq!(machine.run("Upgrade and rollback"), 4, "backup, the program kept, check, test");
    let living = nhip_adapters::living_keys(Path::new(keys)).expect("keys");
    machine.key = living.iter().find(|key| key.starts_with("load/")).expect("a key of the message").clone();
    assert_eq!(machine.run("Retention and erasure"), 2, "erase, and the copy of the keys");
    let left = |keys: &str| nhip_adapters::living_keys(Path::new(keys)).expect("keys");
    assert!(
        !left(keys).contains(&machine.key)
            && !left(&machine.at("/media/safe/nhip-keys")).contains(&machine.key)
    );
    assert_eq!(machine.run("Restore, and the drill"), 4, "move, restore, keys, doctor");
    assert!(!left(keys).contains(&machine.key), "what was erased is not restored");
    one_message(&options);
    let verified = Command::new(binary()).args(["log", "verify", "--data", data]).output().expect("it runs");
    assert!(verified.status.success(), "{}", said(&verified));
}

/// The node starts, takes one message durably and stops.
fn one_message(options: &NodeOptions) {
    let mut node = Node::start(options).expect("a node");
    let body = br#"{"boot":1,"sequence":1,"values":{"value":1}}"#;
    let path = "/api/v1/ingest/load?source=load-0000";
    let (status, answer) = post(node.http, path, "application/json", body).expect("an answer");
    assert_eq!(status, 202, "{answer}");
    assert_eq!(get(node.http, "/readyz").expect("an answer").0, 200);
    until("a Tick after it", Duration::from_secs(20), || {
        metric(node.http, "nhip_ingest_ticks_total").is_some_and(|ticks| ticks >= 2.0)
    });
    assert!(node.stop().success(), "{}", node.said());
}
