//! Changes the profile's definitions one at a time and asks whether a test notices: a definition no test can tell from
//! a wrong one is not tested. The few that survive are listed, each with its reason, in survivors.txt.

mod blocks;
mod operators;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use nhip_engine::story::{Play, run_tests_of};
use nhip_profile::{Profile, load, profile_files};
use nhip_proto::IndicatorId;

use blocks::{Block, Kind};
use operators::Mutant;

/// The least share of mutants that must fail a test, in percent.
const KILLED_PERCENT_MIN: usize = 95;
/// Threads that try mutants.
const THREADS: usize = 2;

/// What became of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// `nhip check` refuses it.
    Refused,
    /// A test fails.
    Failed,
    /// Nothing notices.
    Survived,
}

#[test]
fn tests_notice_wrong_definitions() {
    let directory = root().join("profiles/tay-ninh");
    let files = read_profile(&directory);
    let profile = load(&files).expect("the profile has no mistakes");
    let mutants = operators::mutants(&files, &profile);
    let fates = try_all(&files, &profile, &mutants);
    let refused = fates.iter().filter(|fate| **fate == Fate::Refused).count();
    let failed = fates.iter().filter(|fate| **fate == Fate::Failed).count();
    let survivors: BTreeSet<String> = mutants
        .iter()
        .zip(&fates)
        .filter(|(_, fate)| **fate == Fate::Survived)
        .map(|(mutant, _)| mutant.to_string())
        .collect();
    let ran = failed + survivors.len();
    let mut report = format!(
        "{} mutants: {refused} refused by the check, {failed} of {ran} others fail a test, {} survive\n",
        mutants.len(),
        survivors.len()
    );
    survivors.iter().for_each(|survivor| report.push_str(&format!("survives: {survivor}\n")));
    println!("{report}");
    assert!(failed * 100 >= ran * KILLED_PERCENT_MIN, "{report}");
    let listed = listed_survivors();
    let told: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
    let found: BTreeSet<&str> = survivors.iter().map(String::as_str).collect();
    let unexplained: Vec<&&str> = found.difference(&told).collect();
    let outdated: Vec<&&str> = told.difference(&found).collect();
    assert!(
        unexplained.is_empty() && outdated.is_empty(),
        "not explained in survivors.txt: {unexplained:#?}\nlisted there, but noticed now: {outdated:#?}"
    );
}

/// The oracle of this test: a change that alters nothing must survive, one that alters everything must not.
#[test]
fn the_judge_tells_a_wrong_definition_from_a_right_one() {
    let files = read_profile(&root().join("profiles/tay-ninh"));
    let profile = load(&files).expect("the profile has no mistakes");
    let block = blocks::of(&files).into_iter().find(|block| block.owner == "env.pm25_1h");
    let block = block.expect("env.pm25_1h is defined");
    let with = |from: &str, to: &str| {
        let line = block.lines.iter().position(|line| line == from).expect("the line is there");
        fate(&files, &profile, &Mutant::of(&block, line, to))
    };
    assert_eq!(with("scale = 1", "scale = 1 # the same"), Fate::Survived);
    assert_eq!(with("mean = \"pm25\"", "max = \"pm25\""), Fate::Failed);
    assert_eq!(with("mean = \"pm25\"", "mean = \"pm2\""), Fate::Refused);
}

fn try_all(files: &[(String, String)], profile: &Profile, mutants: &[Mutant]) -> Vec<Fate> {
    let next = Mutex::new(0_usize);
    let fates = Mutex::new(vec![Fate::Survived; mutants.len()]);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let at = {
                        let mut next = next.lock().expect("no thread panics with the lock");
                        *next += 1;
                        *next - 1
                    };
                    let Some(mutant) = mutants.get(at) else { return };
                    let fate = fate(files, profile, mutant);
                    fates.lock().expect("no thread panics with the lock")[at] = fate;
                }
            });
        }
    });
    fates.into_inner().expect("no thread panics with the lock")
}

fn fate(files: &[(String, String)], profile: &Profile, mutant: &Mutant) -> Fate {
    let changed = mutant.apply(files);
    for concerned in concerned(profile, &mutant.block) {
        match run_tests_of(&changed, |id| concerned.contains(id), Play::default()) {
            Err(_) => return Fate::Refused,
            Ok(report) if !report.passed() => return Fate::Failed,
            Ok(_) => {}
        }
    }
    Fate::Survived
}

/// Whose tests may notice: the definition's own first, then those of what follows from it.
fn concerned(profile: &Profile, block: &Block) -> Vec<BTreeSet<IndicatorId>> {
    let first: BTreeSet<IndicatorId> = match block.kind {
        Kind::Indicator | Kind::Threshold => [IndicatorId::new(&block.owner)].into(),
        Kind::Stream => {
            let reads = |id: &IndicatorId| {
                profile.indicators.get(id).is_some_and(|indicator| indicator.stream.as_str() == block.owner)
            };
            profile.indicators.keys().filter(|id| reads(id)).cloned().collect()
        }
        Kind::WaterLevel => [IndicatorId::new("env.level_alarm")].into(),
    };
    let mut rest = first.clone();
    loop {
        let before = rest.len();
        for (id, indicator) in &profile.indicators {
            if inputs(indicator).iter().any(|input| rest.contains(input)) {
                rest.insert(id.clone());
            }
        }
        if rest.len() == before {
            break;
        }
    }
    rest.retain(|id| !first.contains(id));
    [first, rest].into_iter().filter(|ids| !ids.is_empty()).collect()
}

fn inputs(indicator: &nhip_profile::Indicator) -> &[IndicatorId] {
    match &indicator.aggregate {
        nhip_profile::Aggregate::Derived(derived) => &derived.inputs,
        _ => &[],
    }
}

fn listed_survivors() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/profile_mutation/survivors.txt");
    let text = std::fs::read_to_string(path).expect("the list is part of the tree");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split("  # ").next().unwrap_or(line).trim_end().to_owned()).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read_profile(directory: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(directory).expect("the profile is part of the tree");
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let read = |name: &str| {
        let text = std::fs::read_to_string(directory.join(name));
        (name.to_owned(), text.expect("readable"))
    };
    profile_files(names.iter().map(String::as_str)).into_iter().map(read).collect()
}
