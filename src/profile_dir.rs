//! Profile text from a directory, or from the copies built into the program.

use std::path::Path;

use nhip_profile::Profile;
use rust_embed::RustEmbed;

use crate::commands::Failure;

/// Files of a profile larger than this are refused.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// The profiles this program was built with, so that `nhip demo` runs anywhere.
#[derive(RustEmbed)]
#[folder = "profiles/"]
struct Embedded;

/// Path (relative to the profile) and text of every file, sorted by path.
pub(crate) fn read(directory: &Path) -> Result<Vec<(String, String)>, Failure> {
    let mut files = if directory.is_dir() { from_disk(directory)? } else { built_in(directory)? };
    files.sort();
    Ok(files)
}

/// Reads and checks; every mistake is in the failure.
pub(crate) fn load(directory: &Path) -> Result<(Profile, Vec<(String, String)>), Failure> {
    let files = read(directory)?;
    match nhip_profile::load(&files) {
        Ok(profile) => Ok((profile, files)),
        Err(mistakes) => Err(Failure::configuration(nhip_profile::check_report(&mistakes))),
    }
}

fn from_disk(directory: &Path) -> Result<Vec<(String, String)>, Failure> {
    let unreadable = |path: &Path, error: std::io::Error| {
        Failure::configuration(format!("profile {}: {error}", path.display()))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(|error| unreadable(directory, error))? {
        let path = entry.map_err(|error| unreadable(directory, error))?.path();
        let known = path.extension().is_some_and(|extension| extension == "toml" || extension == "csv");
        if !known {
            continue;
        }
        let size = path.metadata().map_err(|error| unreadable(&path, error))?.len();
        if size > FILE_BYTES_MAX {
            return Err(Failure::configuration(format!("profile {}: larger than 4 MiB", path.display())));
        }
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        files.push((name, text));
    }
    Ok(files)
}

fn built_in(directory: &Path) -> Result<Vec<(String, String)>, Failure> {
    let name = directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let prefix = format!("{name}/");
    let mut files = Vec::new();
    for path in Embedded::iter().filter(|path| path.starts_with(&prefix)) {
        let Some(file) = Embedded::get(&path) else { continue };
        let text = String::from_utf8(file.data.into_owned())
            .map_err(|_| Failure::configuration(format!("profile {path}: not UTF-8")))?;
        files.push((path.trim_start_matches(&prefix).to_owned(), text));
    }
    if files.is_empty() {
        return Err(Failure::configuration(format!("profile {}: no such directory", directory.display())));
    }
    Ok(files)
}
