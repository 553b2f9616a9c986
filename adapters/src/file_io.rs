//! Files that are there whole or not at all, and file work off the async threads.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nhip_ports::{FileAct, FileWork};

/// The suffix of files not yet whole; whoever opens the directory removes them.
pub(crate) const UNFINISHED_SUFFIX: &str = ".tmp";

/// Writes a file that after a power cut is there whole or not at all, readable by its owner's group.
pub(crate) fn write_whole(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    write_whole_as(dir, name, bytes, 0o640)
}

/// The same, readable by nobody but its owner.
pub(crate) fn write_whole_secretly(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    write_whole_as(dir, name, bytes, 0o600)
}

fn write_whole_as(dir: &Path, name: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
    let unfinished = dir.join(format!("{name}{UNFINISHED_SUFFIX}"));
    let written = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&unfinished);
    let written = written.and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(error) = written {
        // Half a file only takes room away from the next attempt.
        fs::remove_file(&unfinished).unwrap_or_default();
        return Err(error);
    }
    fs::rename(&unfinished, dir.join(name))?;
    sync_directory(dir)
}

/// Makes names in a directory durable: created, renamed, removed.
pub(crate) fn sync_directory(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Removes a file; it may come back after a power cut until [`settle`].
pub(crate) fn remove(path: &Path, work: FileWork) -> io::Result<()> {
    fs::remove_file(path)?;
    work.did(FileAct::Removed);
    Ok(())
}

/// Makes removals from a directory durable.
pub(crate) fn settle(dir: &Path, work: FileWork) -> io::Result<()> {
    sync_directory(dir)?;
    work.did(FileAct::Settled);
    Ok(())
}

/// The names in a directory that end so, sorted.
pub(crate) fn names_ending(dir: &Path, suffix: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        if let Some(name) = entry?.file_name().to_str().filter(|name| name.ends_with(suffix)) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Removes what was never finished.
pub(crate) fn sweep_unfinished(dir: &Path) -> io::Result<()> {
    names_ending(dir, UNFINISHED_SUFFIX)?.iter().try_for_each(|name| fs::remove_file(dir.join(name)))
}

/// Runs blocking file work beside the async threads where there are any; none: the runtime is going down.
pub(crate) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(work).await.ok(),
        Err(_) => Some(work()),
    }
}
