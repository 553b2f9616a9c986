//! `nhip doctor`: the findings for people or as JSON; an error among them is exit code 1.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::DoctorFlags;
use crate::commands::Failure;
use crate::config::{Config, Defaults};
use crate::doctor::{self, Finding, Grade};
use crate::observe::say;

/// Looks and tells.
pub(crate) fn doctor(flags: &DoctorFlags) -> Result<(), Failure> {
    let defaults = Defaults { data: PathBuf::from("data"), profile: PathBuf::from("profiles/tay-ninh") };
    let config =
        Config::read(flags.config.as_deref(), &flags.node, defaults).map_err(Failure::configuration)?;
    let findings = doctor::examine(&config);
    let count = |grade| findings.iter().filter(|finding| finding.grade == grade).count();
    let (errors, warnings) = (count(Grade::Error), count(Grade::Warning));
    if flags.json {
        say(&json!({
            "version": env!("CARGO_PKG_VERSION"), "errors": errors, "warnings": warnings, "findings": findings,
        })
        .to_string());
    } else {
        findings.iter().for_each(|finding: &Finding| say(&finding.to_string()));
        say(&format!("{} looked at: {errors} errors, {warnings} warnings", findings.len()));
    }
    if errors == 0 { Ok(()) } else { Err(Failure::other(format!("doctor: {errors} errors"))) }
}
