//! `nhip test --from-figure`: a live figure of a running node as a test for its indicator.

mod ask;
mod windows;
mod write;

use std::collections::BTreeSet;
use std::path::Path;

use jiff::tz::TimeZone;
use nhip_engine::story::Play;
use nhip_profile::{Aggregate, Compute, Derived, Expression, Profile};
use nhip_proto::IndicatorId;

use crate::cli::FigureFlags;
use crate::commands::Failure;
use crate::observe::say;
use crate::profile_dir;
use ask::{Live, Shown};

/// The most figures asked for one test; a derived figure of many windows needs many.
const FIGURES_MAX: usize = 64;

/// Writes the test to stdout, after playing it: what it does not reproduce stands above it as a remark.
pub(crate) async fn from_figure(
    directory: &Path,
    indicator: &str,
    flags: &FigureFlags,
) -> Result<(), Failure> {
    let (profile, files) = profile_dir::load(directory)?;
    let zone = profile.time_zone().unwrap_or(TimeZone::UTC);
    if !profile.indicators.contains_key(indicator) {
        return Err(Failure::configuration(format!("{} has no indicator {indicator}", directory.display())));
    }
    let area = flags.area.as_deref().unwrap_or_default();
    let live = Live { http: flags.http, area, group: &flags.group };
    let figure = live.ask(indicator, flags.window.as_deref(), &flags.group).await?;
    let mut search = Search { profile: &profile, zone: &zone, live: &live, asked: BTreeSet::new() };
    let (leaves, whole) = search.leaves(&figure).await?;
    let written = write::Written { profile: &profile, zone: &zone, figure: &figure, live: &live };
    let mut remarks = Vec::new();
    if !whole {
        remarks.push(format!("only the first {FIGURES_MAX} figures it stands on were asked"));
    }
    let full: Vec<&Shown> = leaves.iter().filter(|leaf| leaf.may_be_more()).collect();
    for leaf in &full {
        remarks.push(format!(
            "{} of {} may stand on more records than the {} an explanation names",
            leaf.indicator,
            leaf.start_text,
            leaf.samples.len()
        ));
    }
    let by_records = written.story(&leaves, false);
    let failure = played(&files, &by_records);
    let story = match failure {
        Some(failure) if !full.is_empty() => {
            let by_figures = written.story(&leaves, true);
            match played(&files, &by_figures) {
                None => {
                    remarks.push("those are told as one reading that gives the same figure".to_owned());
                    by_figures
                }
                Some(_) => {
                    remarks.push(format!("PLAYED HERE IT DOES NOT HOLD: {failure}"));
                    by_records
                }
            }
        }
        Some(failure) => {
            remarks.push(format!("PLAYED HERE IT DOES NOT HOLD: {failure}"));
            by_records
        }
        None => by_records,
    };
    say(&written.toml(&story, &remarks));
    Ok(())
}

/// Why the story does not hold on the profile at hand; none: it does.
fn played(files: &[(String, String)], story: &str) -> Option<String> {
    match nhip_engine::story::run_scenario(files, "from-figure", story, Play::default()) {
        Ok(outcome) => outcome.failures.first().map(|failure| failure.reason.clone()),
        Err(mistakes) => mistakes.first().map(ToString::to_string),
    }
}

/// Down from a figure to the measured ones it stands on.
struct Search<'a> {
    profile: &'a Profile,
    zone: &'a TimeZone,
    live: &'a Live<'a>,
    asked: BTreeSet<(String, i64)>,
}

impl Search<'_> {
    /// The measured figures, and whether they are all.
    async fn leaves(&mut self, figure: &Shown) -> Result<(Vec<Shown>, bool), Failure> {
        let mut leaves = Vec::new();
        let mut open = vec![figure.clone()];
        let mut whole = true;
        while let Some(shown) = open.pop() {
            let Some(known) = self.profile.indicators.get(shown.indicator.as_str()) else { continue };
            let Aggregate::Derived(derived) = &known.aggregate else {
                leaves.push(shown);
                continue;
            };
            for (input, start) in self.inputs(derived, &shown) {
                if !self.asked.insert((input.to_string(), start)) {
                    continue;
                }
                if self.asked.len() > FIGURES_MAX {
                    whole = false;
                    break;
                }
                let grouped = self.profile.indicators.get(&input).is_some_and(|input| input.group.is_some());
                let group = if grouped { self.live.group } else { "" };
                let window = nhip_profile::story::tell_time(start, self.zone);
                // A window without a figure is missing in the test, too.
                open.extend(self.live.ask(input.as_str(), Some(&window), group).await.ok());
            }
        }
        Ok((leaves, whole))
    }

    /// The inputs of a derived figure with the starts of the windows read.
    fn inputs(&self, derived: &Derived, shown: &Shown) -> Vec<(IndicatorId, i64)> {
        let back = |input: &IndicatorId, back: i64| {
            let window = self.profile.indicators.get(input).map(|input| &input.window);
            window.map(|window| (input.clone(), windows::step(window, self.zone, shown.start, -back)))
        };
        match &derived.compute {
            Compute::Formula(expression) => {
                let mut read = Vec::new();
                expression.visit(&mut |part| {
                    if let Expression::Input { indicator, back: windows } = part {
                        read.extend(back(indicator, i64::from(*windows)));
                    }
                });
                read
            }
            Compute::Calculator { name, inputs, .. } => {
                let windows = nhip_engine::calculator::signature(name).map_or(1, |known| known.windows);
                let of = |input| (0..i64::from(windows)).filter_map(move |ago| back(input, ago));
                inputs.values().flat_map(of).collect()
            }
            Compute::OverTime { of, .. } => {
                let Some(input) = self.profile.indicators.get(of) else { return Vec::new() };
                let starts = windows::inside(&input.window, self.zone, shown.start, shown.end, FIGURES_MAX);
                starts.into_iter().map(|start| (of.clone(), start)).collect()
            }
        }
    }
}
