//! What a node stands on, looked at from outside: each finding says what, where, what is allowed and what to do.

mod clock;
mod disk;
mod finding;
mod history;
mod limits;
mod mounts;
mod ports;
mod retention;
mod secrets;

pub(crate) use finding::{Finding, Grade};

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::installation::DataDirectory;
use crate::profile_dir;

/// Looks at everything a start with this configuration would meet; changes nothing but a file it removes again.
pub(crate) fn examine(config: &Config) -> Vec<Finding> {
    let log = DataDirectory::of(&config.data).log;
    let running = log.is_dir() && nhip_adapters::log_is_open(&log);
    let mut findings = vec![version(running, &config.data)];
    let before = clock::Moment::now();
    findings.extend(disk::examine(&config.data, running));
    findings.extend(clock::examine(&before, config, &log));
    findings.extend(ports::examine(config, running));
    findings.extend(limits::examine());
    findings.extend(secrets::examine(config));
    findings.extend(profile(config, &log));
    findings.extend(history::examine(&log));
    findings
}

fn version(running: bool, data: &Path) -> Finding {
    let state =
        if running { "a node runs on this data directory" } else { "no node runs on this data directory" };
    let what = format!("nhip {}; {state}", env!("CARGO_PKG_VERSION"));
    Finding::fine("version", data.display(), what)
}

fn profile(config: &Config, log: &Path) -> Vec<Finding> {
    let place = config.profile.display();
    let directory = &config.profile;
    match profile_dir::load(directory) {
        Ok((profile, _)) => {
            let remarks = nhip_profile::remarks(&profile).len();
            let what = format!(
                "{}: {} indicators, no mistakes, {remarks} remarks",
                profile.id,
                profile.indicators.len()
            );
            let mut findings = vec![Finding::fine("profile", place, what)];
            if let Some((_, last)) = clock::last_record(log) {
                findings.extend(retention::examine(config, &profile, last));
            }
            findings
        }
        Err(failure) => vec![Finding::error(
            "profile",
            place,
            failure.to_string(),
            "a profile without mistakes",
            "mend what `nhip check` names",
        )],
    }
}

/// The nearest directory that exists, so that a disk can be looked at before the first start.
fn nearest(directory: &Path) -> PathBuf {
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_path_buf());
    let found = absolute.ancestors().find(|ancestor| ancestor.is_dir());
    found.map_or_else(
        || PathBuf::from("/"),
        |found| found.canonicalize().unwrap_or_else(|_| found.to_path_buf()),
    )
}
