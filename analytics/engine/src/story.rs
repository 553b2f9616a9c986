//! Plays stories on the engine: the tests of indicators and the scenario files.

mod judge;
mod narrow;
mod play;

use std::fmt;

use nhip_profile::story::{Story, parse_story};
use nhip_profile::{Mistake, Profile, load};
use nhip_proto::IndicatorId;

pub use play::Play;

/// Something a story expected and did not find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// `file:line`.
    pub at: String,
    /// What was expected and what was found.
    pub reason: String,
}

/// How one story went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Indicator and test, or the scenario's file.
    pub name: String,
    /// How many expectations it had.
    pub expectations: usize,
    /// Those that did not hold; empty: it passed.
    pub failures: Vec<Failure>,
}

/// How all stories of a profile went, as `nhip test` prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order of the indicators and of their tests.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// Whether every story passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.outcomes.iter().all(|outcome| outcome.failures.is_empty())
    }
}

/// Runs the tests every indicator of a profile carries.
///
/// # Errors
/// The mistakes of the profile; then no story is run.
pub fn run_profile_tests(files: &[(String, String)], play: Play) -> Result<Report, Vec<Mistake>> {
    run_tests_of(files, |_| true, play)
}

/// As [`run_profile_tests`], of some indicators only.
///
/// # Errors
/// As [`run_profile_tests`].
pub fn run_tests_of(
    files: &[(String, String)],
    wanted: impl Fn(&IndicatorId) -> bool,
    play: Play,
) -> Result<Report, Vec<Mistake>> {
    let profile = load(files)?;
    let zone = profile.time_zone().unwrap_or(jiff::tz::TimeZone::UTC);
    let sorted = sorted(files);
    let mut report = Report::default();
    for indicator in profile.indicators.values().filter(|indicator| wanted(&indicator.id)) {
        for test in &indicator.tests {
            let (file, line) = test.at.rsplit_once(':').unwrap_or((test.at.as_str(), "1"));
            let story = parse_story(file, line.parse().unwrap_or(1), &test.story, &zone)?;
            let name = format!("{}: {}", indicator.id, test.name);
            let narrow = narrow::narrowed(&profile, &story);
            report.outcomes.push(outcome(name, (&narrow, &sorted), &story, play));
        }
    }
    Ok(report)
}

/// Runs one scenario file on the profile it names.
///
/// # Errors
/// The mistakes of profile and scenario.
pub fn run_scenario(
    files: &[(String, String)],
    path: &str,
    text: &str,
    play: Play,
) -> Result<Outcome, Vec<Mistake>> {
    let profile = load(files)?;
    let zone = profile.time_zone().unwrap_or(jiff::tz::TimeZone::UTC);
    let story = parse_story(path, 1, text, &zone)?;
    Ok(outcome(path.to_owned(), (&profile, &sorted(files)), &story, play))
}

fn sorted(files: &[(String, String)]) -> Vec<(String, String)> {
    let mut sorted = files.to_vec();
    sorted.sort();
    sorted
}

fn outcome(
    name: String,
    (profile, files): (&Profile, &[(String, String)]),
    story: &Story,
    play: Play,
) -> Outcome {
    let mut run = play::Run::new(profile, files, story, play);
    for step in &story.steps {
        run.step(step);
    }
    let (expectations, failures) = run.finish();
    Outcome { name, expectations, failures }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.reason)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.failures.is_empty() { "ok" } else { "FAILED" };
        write!(f, "{word} {} ({} expectations)", self.name, self.expectations)?;
        self.failures.iter().try_for_each(|failure| write!(f, "\n    {failure}"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for outcome in &self.outcomes {
            writeln!(f, "{outcome}")?;
        }
        let failed = self.outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count();
        write!(f, "{} stories, {failed} failed", self.outcomes.len())
    }
}
