//! `nhip check` and `nhip test`: every mistake at once, every test of every indicator and mapping.

use std::path::Path;
use std::sync::Arc;

use nhip_engine::story::Play;

use crate::commands::Failure;
use crate::observe::say;
use crate::profile_dir;

/// Prints what the profile holds and what in it is seldom meant, or fails with all its mistakes.
pub(crate) fn check(directory: &Path) -> Result<(), Failure> {
    let (profile, _) = profile_dir::load(directory)?;
    say(&format!(
        "{}: {} areas, {} sources in {} streams, {} indicators, {} thresholds, {} views: no mistakes",
        directory.display(),
        profile.areas.len(),
        profile.sources.len(),
        profile.streams.len(),
        profile.indicators.len(),
        profile.thresholds.len(),
        profile.views.len(),
    ));
    for remark in nhip_profile::remarks(&profile) {
        say(&format!("remark: {remark}"));
    }
    Ok(())
}

/// Runs the tests that indicators and mappings carry.
pub(crate) fn test(directory: &Path) -> Result<(), Failure> {
    let (profile, files) = profile_dir::load(directory)?;
    let mappings = nhip_ingest::run_mapping_tests(&Arc::new(profile));
    let report = nhip_engine::story::run_profile_tests(&files, Play::default())
        .map_err(|mistakes| Failure::configuration(nhip_profile::check_report(&mistakes)))?;
    say(&report.to_string());
    if !mappings.outcomes.is_empty() {
        say(&mappings.to_string());
    }
    if report.passed() && mappings.passed() { Ok(()) } else { Err(Failure::other("some tests failed")) }
}
