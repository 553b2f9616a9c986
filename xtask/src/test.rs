//! `cargo xtask test`: every test, in the order in which a failure is cheapest to find.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::run::{Outcome, cargo, command, root, say, shown, target};
use crate::{fuzz, setup, web};

/// A line that starts so was printed by a test that could not run.
const SKIPPED: &str = "SKIPPED ";
/// Tests that need the recordings may be skipped where they are absent, even with --no-skip.
const EXCUSED: &str = "../shared";

/// All but the analysts' worker: polars costs minutes, and has a step of its own.
const WITHOUT_ANALYST: [&str; 3] = ["--workspace", "--exclude", "nhip-analyst"];
/// Clippy's own way to have its arguments in one variable.
const CLIPPY_DENY_WARNINGS: &str = "--deny__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__";

struct Step {
    name: &'static str,
    run: fn(&mut Session) -> Outcome,
}

/// What the steps share.
struct Session {
    skipped: Vec<String>,
    excused: Vec<String>,
}

const STEPS: &[Step] = &[
    Step { name: "format", run: |session| session.follow(cargo(&["fmt", "--all", "--check"])) },
    Step { name: "pages", run: pages },
    Step { name: "program", run: program },
    Step { name: "crates", run: crates },
    Step { name: "sink", run: sink },
    Step { name: "analyst", run: analyst },
    Step { name: "fuzz", run: fuzzed },
    Step { name: "digests in release", run: digests_in_release },
    Step { name: "oracle", run: oracle },
    Step { name: "whole program", run: whole_program },
    Step { name: "browser", run: browser },
];

/// Runs the steps; all of them even after a failure, so that one run shows everything.
pub(crate) fn test(no_skip: bool, only: Option<&str>) -> Outcome {
    setup::for_web()?;
    setup::for_tests()?;
    let mut session = Session { skipped: Vec::new(), excused: Vec::new() };
    let mut report = Vec::new();
    let began = Instant::now();
    let (mut passed, mut failed) = (0, 0);
    for step in STEPS.iter().filter(|step| only.is_none_or(|only| step.name.contains(only))) {
        say(&format!("\n== {}", step.name));
        let started = Instant::now();
        let outcome = (step.run)(&mut session);
        let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
        report.push(format!("{verdict:>7}  {:>5.0} s  {}", started.elapsed().as_secs_f64(), step.name));
        match outcome {
            Ok(()) => passed += 1,
            Err(reason) => {
                failed += 1;
                report.push(format!("         {reason}"));
            }
        }
    }
    say(&format!("\n{}", report.join("\n")));
    for line in session.excused.iter().chain(&session.skipped) {
        say(line);
    }
    say(&format!("all steps: {:.0} s", began.elapsed().as_secs_f64()));
    if no_skip && !session.skipped.is_empty() {
        failed += 1;
        say(&format!("{} tests were skipped, and --no-skip forbids it", session.skipped.len()));
    }
    say(&format!("{passed} passed, {failed} failed"));
    if failed == 0 { Ok(()) } else { Err("not everything passed".to_owned()) }
}

impl Session {
    /// Runs a program, passes its output on and remembers what it says it skipped.
    fn follow(&mut self, mut program: Command) -> Outcome {
        let line = shown(&program);
        say(&format!("$ {line}"));
        program.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = program.spawn().map_err(|error| format!("{line}: {error}"))?;
        if let Some(output) = child.stdout.take() {
            for text in BufReader::new(output).lines().map_while(Result::ok) {
                self.note(&text);
                say(&text);
            }
        }
        match child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{line}: {status}")),
            Err(error) => Err(format!("{line}: {error}")),
        }
    }

    fn note(&mut self, text: &str) {
        if let Some(what) = text.find(SKIPPED).and_then(|at| text.get(at..)) {
            let list = if what.contains(EXCUSED) { &mut self.excused } else { &mut self.skipped };
            if !list.iter().any(|known| known == what) {
                list.push(what.to_owned());
            }
        }
    }
}

fn pages(session: &mut Session) -> Outcome {
    web::build()?;
    let mut check = command("npm", &["test", "--silent"]);
    check.current_dir(root().join("web"));
    session.follow(check)
}

/// A call of cargo whose compiler also lints: clippy apart would check all dependencies a second time, which costs
/// six minutes of two cores. Every call that shares a target directory with another must be made this way, or our own
/// crates are compiled twice.
fn linted(subcommand: &str) -> Command {
    let mut call = cargo(&[subcommand]);
    call.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver").env("CLIPPY_ARGS", CLIPPY_DENY_WARNINGS);
    call
}

/// Everything but the tests of the whole program.
fn crates(session: &mut Session) -> Outcome {
    let mut tests = linted("test");
    tests.args(WITHOUT_ANALYST).args(["--exclude", "nhip-tests", "--no-fail-fast", "--", "--show-output"]);
    session.follow(tests)
}

/// The sink is no part of the default build: built and tested in a profile of its own, then set aside for the tests of
/// the whole program.
fn sink(session: &mut Session) -> Outcome {
    let feature = ["--profile", "sink", "--features", "nhip/influx"];
    let mut tests = linted("test");
    tests.args(WITHOUT_ANALYST).args(feature).args(["--test", "sink_influx"]);
    session.follow(tests)?;
    let mut build = linted("build");
    build.args(WITHOUT_ANALYST).args(feature).args(["--bin", "nhip", "--example", "log_writer"]);
    session.follow(build)?;
    let program = target().join("sink/nhip");
    let set_aside = target().join("debug/nhip-influx");
    std::fs::copy(program, set_aside).map(drop).map_err(|error| error.to_string())
}

/// The analysts' worker: built once, tested, then set aside for the tests of the whole program.
fn analyst(session: &mut Session) -> Outcome {
    let mut tests = linted("test");
    tests.args([
        "--package",
        "nhip-analyst",
        "--profile",
        "analyst",
        "--no-fail-fast",
        "--",
        "--show-output",
    ]);
    session.follow(tests)?;
    let program = target().join("analyst/nhip-analyst");
    let set_aside = target().join("debug/nhip-analyst");
    std::fs::copy(program, set_aside).map(drop).map_err(|error| error.to_string())
}

fn fuzzed(session: &mut Session) -> Outcome {
    let mut build = linted("build");
    build.args(WITHOUT_ANALYST).args(["--examples", "--test", "architecture"]);
    session.follow(build)?;
    session.follow(fuzz::short())
}

/// The committed digests must come out of an optimised build too (P3).
fn digests_in_release(session: &mut Session) -> Outcome {
    session.follow(cargo(&["test", "--release", "--package", "nhip-engine", "--test", "digests"]))
}

fn oracle(session: &mut Session) -> Outcome {
    let python = setup::python()?;
    let mut unit = command(
        &python.to_string_lossy(),
        &["-m", "unittest", "discover", "-s", "tests/oracle", "-p", "test_*.py"],
    );
    unit.env("PYTHONDONTWRITEBYTECODE", "1");
    session.follow(unit)
}

/// The program with deliberate faults first, set aside for the tests that must notice them; then everything.
fn program(session: &mut Session) -> Outcome {
    // An example among the targets makes cargo choose the same features of the dependencies as for the tests, so
    // that they are compiled once.
    let mutant = ["--bin", "nhip", "--example", "log_writer", "--features", "nhip/fault-injection"];
    let mut faulty = linted("build");
    faulty.args(WITHOUT_ANALYST).args(mutant);
    session.follow(faulty)?;
    let program = target().join("debug/nhip");
    std::fs::copy(&program, program.with_file_name("nhip-mutant")).map_err(|error| error.to_string())?;
    let mut build = linted("build");
    build.args(WITHOUT_ANALYST).arg("--all-targets");
    session.follow(build)
}

/// Architecture, stories and faults on the real program, one after the other.
fn whole_program(session: &mut Session) -> Outcome {
    let python = setup::python()?;
    let mut tests = linted("test");
    tests.args(WITHOUT_ANALYST).arg("--no-fail-fast");
    for file in sorted(&root().join("tests/tests"), ".rs")? {
        let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        tests.args(["--test", &name]);
    }
    tests.args(["--", "--show-output", "--test-threads=1"]).env("NHIP_ORACLE_PYTHON", python);
    session.follow(tests)
}

fn sorted(directory: &Path, ending: &str) -> Result<Vec<PathBuf>, String> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .map_err(|error| format!("{}: {error}", directory.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_file() && path.to_string_lossy().ends_with(ending))
        .collect();
    files.sort();
    Ok(files)
}

fn browser(session: &mut Session) -> Outcome {
    let mut tests = command("node", &["--test", "--test-concurrency=1"]);
    tests.args(sorted(&root().join("tests/browser"), ".test.mjs")?);
    tests.env("NHIP_BINARY", target().join("debug/nhip"));
    session.follow(tests)
}
