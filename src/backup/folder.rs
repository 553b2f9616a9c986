//! The folder that holds one directory per backup of one installation, and how one comes to be.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nhip_proto::ArrivalTime;
use rustix::fs::{FlockOperation, flock};

use crate::commands::Failure;

use super::copier::Earlier;
use super::manifest::{self, Manifest};
use super::place::{at, free_bytes, lies_in, sync_directory};

/// Says whose backups these are; also locked by the one being made.
const MARKER: &str = "nhip-backups";
/// The marker while it is written.
const MARKER_UNFINISHED: &str = "nhip-backups.tmp";
/// A directory that is no backup yet.
const PARTIAL_SUFFIX: &str = ".partial";
/// Left free on the disk of the backups.
const SPARE_BYTES: u64 = 64 << 20;

/// The folder, held so that one backup is made at a time.
pub(super) struct Folder {
    root: PathBuf,
    _lock: File,
}

/// A backup that is being written.
pub(super) struct Begun {
    partial: PathBuf,
    whole: PathBuf,
    made_at: String,
    named: bool,
}

impl Folder {
    /// Opens or creates it. It must lie apart from data and keys, and belong to this installation alone.
    pub(super) fn open(root: &Path, data: &Path, keys: &Path, installation: &str) -> Result<Self, Failure> {
        for (what, place) in [("data", data), ("keys", keys)] {
            if lies_in(root, place) || lies_in(place, root) {
                return Err(Failure::configuration(format!(
                    "--to {}: allowed is a place apart from the {what} directory {}, on another disk if there is one",
                    root.display(),
                    place.display()
                )));
            }
        }
        refuse_foreign(root, installation)?;
        let made = fs::DirBuilder::new().recursive(true).mode(0o750).create(root);
        made.map_err(|error| Failure::configuration(format!("--to {}: {error}", root.display())))?;
        let lock = marked(root, installation)?;
        let folder = Self { root: root.to_owned(), _lock: lock };
        folder.sweep()?;
        Ok(folder)
    }

    /// The newest finished backup whose manifest is whole.
    pub(super) fn newest(&self) -> Result<Option<Earlier>, Failure> {
        let found = finished(&self.root)?.into_iter().rev();
        let mut whole =
            found.filter_map(|root| Some(Earlier { manifest: Manifest::read(&root).ok()?, root }));
        Ok(whole.next())
    }

    /// An empty directory for the next one, named by its time.
    pub(super) fn begin(&self, now: ArrivalTime) -> Result<Begun, Failure> {
        let now = jiff::Timestamp::from_nanosecond(i128::from(now.0)).map_err(Failure::other)?;
        let name = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let made_at = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let whole = self.root.join(&name);
        let partial = self.root.join(format!("{name}{PARTIAL_SUFFIX}"));
        if whole.exists() {
            return Err(Failure::other(format!("{}: made in this very second; try again", whole.display())));
        }
        fs::DirBuilder::new().mode(0o750).create(&partial).map_err(|error| at(&partial, error))?;
        Ok(Begun { partial, whole, made_at, named: false })
    }

    /// Refuses to begin what the disk cannot hold.
    pub(super) fn refuse_too_little_space(&self, needed_bytes: u64) -> Result<(), Failure> {
        let free = free_bytes(&self.root)?;
        if free >= needed_bytes.saturating_add(SPARE_BYTES) {
            return Ok(());
        }
        let mebibytes = |bytes: u64| bytes >> 20;
        Err(Failure::other(format!(
            "{}: too little space: {} MiB free, about {} MiB needed and {} MiB to spare",
            self.root.display(),
            mebibytes(free),
            mebibytes(needed_bytes) + 1,
            mebibytes(SPARE_BYTES)
        )))
    }

    /// Writes the manifest and gives the backup its name: from then on it counts.
    pub(super) fn finish(&self, mut begun: Begun, manifest: &Manifest) -> Result<PathBuf, Failure> {
        nhip_history::manifest::swap(&begun.partial.join(manifest::NAME), manifest)
            .map_err(Failure::other)?;
        fs::rename(&begun.partial, &begun.whole).map_err(|error| at(&begun.whole, error))?;
        begun.named = true;
        sync_directory(&self.root)?;
        Ok(begun.whole.clone())
    }

    /// What an earlier run left unfinished: nobody writes there, for this one holds the lock.
    fn sweep(&self) -> Result<(), Failure> {
        for path in subdirectories(&self.root)? {
            if path.to_string_lossy().ends_with(PARTIAL_SUFFIX) {
                fs::remove_dir_all(&path).map_err(|error| at(&path, error))?;
            }
        }
        Ok(())
    }
}

impl Begun {
    /// Where it is written.
    pub(super) fn partial(&self) -> &Path {
        &self.partial
    }

    /// When it was begun (RFC 3339).
    pub(super) fn made_at(&self) -> String {
        self.made_at.clone()
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if !self.named {
            // Half a backup only takes room away from the next one; what cannot be removed now, the next run removes.
            fs::remove_dir_all(&self.partial).unwrap_or_default();
        }
    }
}

/// The backup a path means: itself, or the newest of a folder of backups.
pub(super) fn meant(path: &Path) -> Result<PathBuf, Failure> {
    if !path.join(MARKER).is_file() {
        return Ok(path.to_owned());
    }
    let newest = finished(path)?.pop();
    newest.ok_or_else(|| Failure::configuration(format!("{}: no finished backup in it", path.display())))
}

/// Directories with a manifest, oldest first.
fn finished(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = subdirectories(root)?;
    found.retain(|path| {
        !path.to_string_lossy().ends_with(PARTIAL_SUFFIX) && path.join(manifest::NAME).is_file()
    });
    Ok(found)
}

fn subdirectories(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(root).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut paths: Vec<PathBuf> =
        entries.map_err(|error| at(root, error))?.iter().map(fs::DirEntry::path).collect();
    paths.retain(|path| path.is_dir());
    paths.sort();
    Ok(paths)
}

fn refuse_foreign(root: &Path, installation: &str) -> Result<(), Failure> {
    let refused = |what: String| Failure::configuration(format!("--to {}: {what}", root.display()));
    if !root.exists() {
        return Ok(());
    }
    match fs::read_to_string(root.join(MARKER)) {
        Ok(found) if found.trim() == installation => Ok(()),
        Ok(found) if !found.trim().is_empty() => {
            Err(refused(format!("holds the backups of installation {}, not of {installation}", found.trim())))
        }
        _ => {
            let entries = fs::read_dir(root).map_err(|error| refused(error.to_string()))?;
            let mut others =
                entries.filter(|entry| !entry.as_ref().is_ok_and(|one| one.file_name() == MARKER_UNFINISHED));
            let allowed =
                "holds something else: allowed are a new or empty directory and backups of this installation";
            if others.next().is_some() { Err(refused(allowed.to_owned())) } else { Ok(()) }
        }
    }
}

/// The marker, locked.
fn marked(root: &Path, installation: &str) -> Result<File, Failure> {
    let path = root.join(MARKER);
    if !path.exists() {
        // Written aside: a marker is whole or not there.
        let unfinished = root.join(MARKER_UNFINISHED);
        let written =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(&unfinished);
        let written = written.and_then(|mut file| {
            file.write_all(installation.as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)
        });
        written.map_err(|error| at(&path, error))?;
        sync_directory(root)?;
    }
    let marker = File::open(&path).map_err(|error| at(&path, error))?;
    match flock(&marker, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(marker),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            Err(Failure::other(format!("{}: another backup is being made in it", root.display())))
        }
        Err(error) => Err(at(&path, error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_empty_and_own_folders_are_taken() {
        let directory = tempfile::tempdir().expect("a directory");
        let (data, keys) = (directory.path().join("data"), directory.path().join("data-keys"));
        fs::create_dir(&data).expect("made");
        let open = |to: &Path, installation: &str| Folder::open(to, &data, &keys, installation).map(|_| ());
        let to = directory.path().join("backups");
        open(&to, "aa").expect("a new one");
        open(&to, "aa").expect("its own");
        assert!(open(&to, "bb").is_err(), "another installation's");
        assert!(open(&data.join("in"), "aa").is_err(), "inside the data directory");
        assert!(open(&keys.join("in"), "aa").is_err(), "inside the keys");
        assert!(open(directory.path(), "aa").is_err(), "around the data directory");
        let foreign = directory.path().join("foreign");
        fs::create_dir(&foreign).expect("made");
        fs::write(foreign.join(MARKER_UNFINISHED), "a").expect("written");
        open(&foreign, "aa").expect("an empty one, but for what a killed run left");
        let foreign = directory.path().join("foreign-2");
        fs::create_dir(&foreign).expect("made");
        fs::write(foreign.join("letter"), "mine").expect("written");
        assert!(open(&foreign, "aa").is_err(), "a full one");
        assert!(!foreign.join(MARKER).exists(), "and nothing was written to it");
    }

    #[test]
    fn one_backup_at_a_time_and_what_is_unfinished_is_none() {
        let directory = tempfile::tempdir().expect("a directory");
        let to = directory.path().join("backups");
        let elsewhere = directory.path().join("elsewhere");
        let open = || Folder::open(&to, &elsewhere, &elsewhere, "aa");
        let folder = open().expect("opened");
        assert!(open().is_err(), "while one is being made");
        let begun = folder.begin(ArrivalTime(1_796_000_000_000_000_000)).expect("begun");
        assert!(begun.partial().is_dir());
        assert!(folder.newest().expect("looked").is_none());
        assert!(meant(&to).is_err(), "no finished one");
        let left = begun.partial().with_extension("left.partial");
        fs::create_dir(&left).expect("made, as by a run that was killed");
        drop((folder, begun));
        drop(open().expect("opened again"));
        assert_eq!(subdirectories(&to).expect("listed"), Vec::<PathBuf>::new(), "swept");
    }
}
