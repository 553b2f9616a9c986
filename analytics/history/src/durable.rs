//! The only place of this room that changes files: each act is told as a step, so that a test can end the program
//! there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nhip_ports::{FileAct, FileWork};

/// A new file, empty, in the place of one left over.
pub(crate) fn create(path: &Path, work: FileWork) -> io::Result<File> {
    let file = opened(path)?;
    work.did(FileAct::Created);
    Ok(file)
}

/// Makes the bytes of a file durable.
pub(crate) fn sync(file: &File, work: FileWork) -> io::Result<()> {
    work.did(FileAct::Written);
    file.sync_all()?;
    work.did(FileAct::Synced);
    Ok(())
}

/// Gives a file its name, durably.
pub(crate) fn name(unfinished: &Path, path: &Path, work: FileWork) -> io::Result<()> {
    fs::rename(unfinished, path)?;
    work.did(FileAct::Renamed);
    sync_names(path)?;
    work.did(FileAct::Named);
    Ok(())
}

/// Puts a manifest in force: after a power cut the old or the new one is whole.
pub(crate) fn list(path: &Path, text: &str, did: &dyn Fn(FileAct)) -> io::Result<()> {
    let unfinished = path.with_extension("tmp");
    let mut file = opened(&unfinished)?;
    file.write_all(text.as_bytes())?;
    did(FileAct::ListWritten);
    file.sync_all()?;
    did(FileAct::ListSynced);
    fs::rename(&unfinished, path)?;
    did(FileAct::ListRenamed);
    sync_names(path)?;
    did(FileAct::Listed);
    Ok(())
}

/// Removes a file; it may come back after a power cut until [`settle`].
pub(crate) fn remove(path: &Path, work: FileWork) -> io::Result<()> {
    fs::remove_file(path)?;
    work.did(FileAct::Removed);
    Ok(())
}

/// Makes removals from a directory durable.
pub(crate) fn settle(directory: &Path, work: FileWork) -> io::Result<()> {
    File::open(directory)?.sync_all()?;
    work.did(FileAct::Settled);
    Ok(())
}

fn opened(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(path)
}

fn sync_names(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
