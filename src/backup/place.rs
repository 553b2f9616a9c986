//! Where a directory really lies, how much is in it, how much room is left.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::commands::Failure;

/// Directories inside directories that are looked into.
const DEPTH_MAX: u32 = 16;

/// The path without links and dots, also of something that does not exist yet.
pub(super) fn resolved(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for ancestor in absolute.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            let rest = absolute.strip_prefix(ancestor).unwrap_or(Path::new(""));
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
    }
    absolute
}

/// Whether one is the other or lies in it.
pub(super) fn lies_in(inner: &Path, outer: &Path) -> bool {
    resolved(inner).starts_with(resolved(outer))
}

/// Bytes free to this user on the disk of a directory that exists.
pub(super) fn free_bytes(directory: &Path) -> Result<u64, Failure> {
    let space = rustix::fs::statvfs(directory).map_err(|error| at(directory, error.into()))?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

/// Every file below, as path from there with `/`, sorted; not what is unfinished, nor locks, nor links.
pub(super) fn files_in(root: &Path) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    collect(root, "", DEPTH_MAX, &mut files)?;
    files.sort();
    Ok(files)
}

/// Bytes of all files below; what cannot be looked at counts nothing.
pub(super) fn bytes_in(root: &Path) -> u64 {
    let length = |path: &String| fs::metadata(root.join(path)).map_or(0, |found| found.len());
    files_in(root).unwrap_or_default().iter().map(length).sum()
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(directory: &Path) -> Result<(), Failure> {
    File::open(directory).and_then(|file| file.sync_all()).map_err(|error| at(directory, error))
}

/// What failed, and where.
pub(super) fn at(path: &Path, error: io::Error) -> Failure {
    Failure::other(format!("{}: {error}", path.display()))
}

fn collect(directory: &Path, prefix: &str, depth: u32, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        if kind.is_dir() && depth > 0 {
            match collect(&entry.path(), &path, depth - 1, files) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                collected => collected?,
            }
        } else if kind.is_file() && name != "lock" && Path::new(&name).extension() != Some(OsStr::new("tmp"))
        {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_inside_whatever_it_is_called() {
        let directory = tempfile::tempdir().expect("a directory");
        let data = directory.path().join("data");
        fs::create_dir(&data).expect("made");
        std::os::unix::fs::symlink(&data, directory.path().join("link")).expect("linked");
        assert!(lies_in(&data.join("new/one"), &data));
        assert!(lies_in(&directory.path().join("link/new"), &data));
        assert!(!lies_in(&directory.path().join("data-2"), &data));
        assert!(!lies_in(directory.path(), &data));
    }

    #[test]
    fn files_are_found_at_any_depth_and_unfinished_ones_are_not() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(directory.path().join("a/b")).expect("made");
        for name in ["a/b/x", "lock", "next.tmp", "a/y"] {
            fs::write(directory.path().join(name), "12").expect("written");
        }
        assert_eq!(files_in(directory.path()).expect("listed"), ["a/b/x", "a/y"]);
        assert_eq!(bytes_in(directory.path()), 4);
    }
}
