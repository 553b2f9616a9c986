//! `nhip diff`: what differs between two profiles, and which figures change through it.

use std::path::Path;

use nhip_profile::Edition;

use crate::commands::Failure;
use crate::observe::say;
use crate::profile_dir;

/// Prints every entry that is new, gone or changed; both profiles must be without mistakes.
pub(crate) fn diff(old: &Path, new: &Path) -> Result<(), Failure> {
    let ((old, old_files), (new, new_files)) = (profile_dir::load(old)?, profile_dir::load(new)?);
    let old = Edition { files: &old_files, profile: &old };
    let new = Edition { files: &new_files, profile: &new };
    say(nhip_profile::diff(old, new).to_string().trim_end());
    Ok(())
}
