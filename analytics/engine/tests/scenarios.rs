//! The tests of all indicators and all scenario files hold, in any batching and on any number of threads.

use std::path::{Path, PathBuf};

use nhip_engine::story::{Play, run_profile_tests, run_scenario};
use nhip_profile::story::story_profile;
use nhip_profile::{check_report, profile_files};

const PLAYS: [Play; 4] = [
    Play { threads: 1, batch: 1 },
    Play { threads: 1, batch: 64 },
    Play { threads: 2, batch: 7 },
    Play { threads: 4, batch: 1_000 },
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn names(directory: &Path) -> Vec<String> {
    let entries =
        std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn profile(directory: &Path) -> Vec<(String, String)> {
    let listing = names(directory);
    let read = |path: &str| {
        let text = std::fs::read_to_string(directory.join(path));
        (path.to_owned(), text.unwrap_or_else(|error| panic!("{path}: {error}")))
    };
    profile_files(listing.iter().map(String::as_str)).into_iter().map(read).collect()
}

#[test]
fn every_indicator_passes_its_own_tests() {
    let mut stories = 0;
    for name in names(&root().join("profiles")) {
        let files = profile(&root().join("profiles").join(&name));
        for play in [PLAYS[0], PLAYS[3]] {
            let report = run_profile_tests(&files, play)
                .unwrap_or_else(|mistakes| panic!("{name}: {}", check_report(&mistakes)));
            let failed: Vec<String> = report
                .outcomes
                .iter()
                .filter(|outcome| !outcome.failures.is_empty())
                .map(ToString::to_string)
                .collect();
            assert!(failed.is_empty(), "{name} {play:?}:\n{}", failed.join("\n"));
            stories += report.outcomes.len();
        }
    }
    assert!(stories >= 2 * 80, "only {stories} stories were played");
}

#[test]
fn every_scenario_holds() {
    let directory = root().join("tests/scenarios");
    let scenarios: Vec<String> =
        names(&directory).into_iter().filter(|name| name.ends_with(".scenario")).collect();
    assert!(scenarios.len() >= 8, "only {} scenarios", scenarios.len());
    let mut failed = Vec::new();
    for name in scenarios {
        let path = directory.join(&name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let home = story_profile(&text).unwrap_or_else(|| panic!("{name} names no profile"));
        let files = profile(&root().join(home));
        for play in PLAYS {
            let outcome = run_scenario(&files, &name, &text, play)
                .unwrap_or_else(|mistakes| panic!("{}", check_report(&mistakes)));
            assert!(outcome.expectations > 0, "{name} expects nothing");
            if !outcome.failures.is_empty() {
                failed.push(format!("{play:?}: {outcome}"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_story_that_expects_the_wrong_thing_fails() {
    let files = profile(&root().join("profiles/tay-ninh"));
    let text = "on 2026-11-20\nat 07:10 air tn-air-01 pm25=40\ntick 08:10\n\
        expect env.pm25_1h 80 07:00 = 41 final k 2\nexpect ledger tn-air-01 applied 2\n\
        expect badge tn-air-01 dung 1/1\nat 07:11 air tn-air-99 pm25=1\n";
    let outcome = run_scenario(&files, "wrong.scenario", text, Play::default()).expect("it can be read");
    let told: Vec<String> = outcome.failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "wrong.scenario:4: env.pm25_1h 80: expected 41 final k 2, found 40.0 (final, revision 0, k 1, \
             m 5, level none)",
            "wrong.scenario:5: ledger tn-air-01: expected applied 2, found 1",
            "wrong.scenario:6: badge tn-air-01 dung: expected 1/1, found none",
            "wrong.scenario:7: the profile has no source tn-air-99",
        ]
    );
}
