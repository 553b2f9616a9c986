//! Every story of `tests/scenarios` on the real program: messages over HTTP and MQTT, time by `POST /clock`, figures
//! asked from the API. The pure engine plays the same files in its own tests.
//!
//! A stepped clock adds Ticks, so revisions may be counted differently (docs/engine.md); everything else must hold.

#[path = "stories/play.rs"]
mod play;
#[path = "stories/reading.rs"]
mod reading;

use std::path::{Path, PathBuf};
use std::time::Instant;

use nhip_profile::story::{Story, parse_story, story_profile};

/// Stories the program cannot be led through from outside, and why.
const ENGINE_ONLY: &[(&str, &str)] = &[
    (
        "own_downtime.scenario",
        "a stepped clock stands still while the node is down, so no downtime has a length",
    ),
    ("typed_figures.scenario", "people type through imports with a token: tests/tests/imports.rs"),
    ("long_silence.scenario", "its gap of nineteen days is such a downtime"),
];

#[test]
fn every_story_holds_on_the_real_program() {
    let scenarios = scenarios();
    assert!(scenarios.len() > ENGINE_ONLY.len(), "no stories were found");
    for (name, _) in ENGINE_ONLY {
        assert!(scenarios.iter().any(|path| path.ends_with(name)), "{name} is listed and does not exist");
    }
    let mut failures = Vec::new();
    let mut expectations = 0;
    for path in scenarios.iter().filter(|path| !ENGINE_ONLY.iter().any(|(name, _)| path.ends_with(name))) {
        let began = Instant::now();
        let (directory, story) = read(path);
        let outcome = play::play(&directory, &story);
        println!("{}: {} expectations in {:?}", name(path), outcome.expectations, began.elapsed());
        expectations += outcome.expectations;
        failures.extend(outcome.failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(expectations > 30, "only {expectations} expectations were looked at");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn scenarios() -> Vec<PathBuf> {
    let folder = root().join("tests/scenarios");
    let entries =
        std::fs::read_dir(folder).expect("the stories").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "scenario")).collect();
    paths.sort();
    paths
}

/// The profile's directory, from the root of the tree, and the story.
fn read(path: &Path) -> (String, Story) {
    let text = std::fs::read_to_string(path).expect("a story");
    let directory = story_profile(&text).expect("a story names its profile").to_owned();
    let zone = reading::profile(&root().join(&directory)).time_zone().expect("the profile's zone");
    let story = parse_story(&name(path), 1, &text, &zone).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    (directory, story)
}
