//! A backup becomes a data directory: every digest is checked before the directory gets its name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::commands::{Failure, hex};

use super::copier::pump;
use super::folder::meant;
use super::manifest::{FileEntry, Manifest};
use super::place::{at, free_bytes, lies_in, sync_directory};
use super::progress::Progress;

/// Where the data directory lies in a backup.
const DATA: &str = "data/";
/// Left free on the disk of the restored directory.
const SPARE_BYTES: u64 = 64 << 20;
/// Mistakes of a backup that are named one by one.
const FAULTS_MAX: usize = 20;

/// A copy in which every digest is right, and which has not its name yet; removed unless it is given it.
pub(crate) struct Restored {
    /// The backup it came from.
    pub(crate) backup: PathBuf,
    pub(crate) manifest: Manifest,
    copy: Unnamed,
    to: PathBuf,
}

struct Unnamed {
    path: PathBuf,
    named: bool,
}

/// Copies `from` (a backup, or the newest of a folder of backups) beside the directory it shall become.
pub(crate) fn restore(from: &Path, to: &Path) -> Result<Restored, Failure> {
    let backup = meant(from)?;
    let manifest = Manifest::read(&backup)?;
    let copy = prepared(&backup, to, &manifest)?;
    let faults = copied(&backup, &copy.path, &manifest)?;
    if !faults.is_empty() {
        return Err(Failure::other(told(&backup, &faults)));
    }
    check_log(&copy.path.join("log"), &manifest)?;
    Ok(Restored { backup, manifest, copy, to: to.to_owned() })
}

impl Restored {
    /// Where the copy lies until it is named.
    pub(crate) fn path(&self) -> &Path {
        &self.copy.path
    }

    /// Gives the copy its name.
    pub(crate) fn name(mut self) -> Result<(), Failure> {
        // An empty directory is replaced.
        fs::rename(&self.copy.path, &self.to).map_err(|error| at(&self.to, error))?;
        self.copy.named = true;
        sync_directory(parent(&self.to))
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        if !self.named {
            // The next attempt refuses what is left, if anything is.
            fs::remove_dir_all(&self.path).unwrap_or_default();
        }
    }
}

/// An empty directory beside the target, on a disk with room enough.
fn prepared(backup: &Path, to: &Path, manifest: &Manifest) -> Result<Unnamed, Failure> {
    let refused = |what: String| Failure::configuration(format!("--to {}: {what}", to.display()));
    if lies_in(to, backup) || lies_in(backup, to) {
        return Err(refused(format!("allowed is a place apart from the backup {}", backup.display())));
    }
    if to.exists() && fs::read_dir(to).map_err(|error| refused(error.to_string()))?.next().is_some() {
        return Err(refused(
            "not empty: allowed is a new or empty directory; nothing was changed".to_owned(),
        ));
    }
    let mut name =
        to.file_name().map(ToOwned::to_owned).ok_or_else(|| refused("no name of a directory".to_owned()))?;
    name.push(".restoring");
    let path = parent(to).join(name);
    let taken = "is there already: left by a restore that was killed, or one runs now; remove it first";
    match fs::DirBuilder::new().mode(0o750).create(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(Failure::configuration(format!("{}: {taken}", path.display())));
        }
        made => made.map_err(|error| refused(error.to_string()))?,
    }
    let copy = Unnamed { path, named: false };
    let (free, needed) = (free_bytes(&copy.path)?, manifest.bytes() + SPARE_BYTES);
    if free < needed {
        return Err(Failure::other(format!(
            "{}: too little space: {} MiB free, {} MiB needed",
            to.display(),
            free >> 20,
            needed >> 20
        )));
    }
    Ok(copy)
}

/// Copies what belongs to the data directory, reads all else too; what differs from the manifest.
fn copied(backup: &Path, copy: &Path, manifest: &Manifest) -> Result<Vec<String>, Failure> {
    let mut progress = Progress::new("restore", manifest.bytes());
    let mut faults = Vec::new();
    for file in &manifest.files {
        let source = backup.join(&file.path);
        let target = file.path.strip_prefix(DATA).map(|path| copy.join(path));
        let mut sink = target.as_deref().map(created).transpose()?;
        let written = pump_checked(&source, &mut sink, &mut progress);
        let (bytes, digest) = match written {
            Ok(done) => done,
            Err(Problem::Source(what)) => {
                faults.push(format!("{}: {what}", file.path));
                continue;
            }
            Err(Problem::Target(error)) => return Err(at(target.as_deref().unwrap_or(copy), error)),
        };
        faults.extend(fault(file, bytes, &digest));
        if let Some(sink) = sink {
            sink.sync_all().map_err(|error| at(copy, error))?;
        }
    }
    sync_all_directories(copy)?;
    Ok(faults)
}

enum Problem {
    /// The backup cannot be read.
    Source(String),
    /// The copy cannot be written.
    Target(io::Error),
}

fn pump_checked(
    source: &Path,
    sink: &mut Option<File>,
    progress: &mut Progress,
) -> Result<(u64, blake3::Hash), Problem> {
    let is_file = fs::symlink_metadata(source).is_ok_and(|found| found.is_file());
    let file = File::open(source).ok().filter(|_| is_file);
    let file = file.ok_or_else(|| Problem::Source("missing or not readable".to_owned()))?;
    let mut refused = None;
    let done = pump(file, None, &mut |piece| {
        progress.step(piece.len() as u64);
        // Zeros are written, not left out: a log's space is taken before it is needed.
        sink.as_mut().map_or(Ok(()), |sink| sink.write_all(piece)).map_err(|error| {
            let kind = error.kind();
            refused = Some(error);
            kind.into()
        })
    });
    match (done, refused) {
        (_, Some(error)) => Err(Problem::Target(error)),
        (Err(error), None) => Err(Problem::Source(error.to_string())),
        (Ok(done), None) => Ok(done),
    }
}

fn fault(file: &FileEntry, bytes: u64, digest: &blake3::Hash) -> Option<String> {
    if bytes != file.bytes {
        return Some(format!("{}: {bytes} bytes, the manifest says {}", file.path, file.bytes));
    }
    (digest.to_hex().as_str() != file.blake3).then(|| format!("{}: its digest differs", file.path))
}

fn told(backup: &Path, faults: &[String]) -> String {
    let shown = faults.iter().take(FAULTS_MAX).map(String::as_str).collect::<Vec<_>>().join("\n  ");
    let further = faults.len().saturating_sub(FAULTS_MAX);
    let further = if further > 0 { format!("\n  and {further} more") } else { String::new() };
    format!("{}: damaged, nothing was restored; take an older backup\n  {shown}{further}", backup.display())
}

/// The log must be the one the manifest speaks of: its end, its chain, nothing torn.
fn check_log(log: &Path, manifest: &Manifest) -> Result<(), Failure> {
    let extent = nhip_adapters::log_extent(log).map_err(Failure::other)?;
    let (end, chain) = (extent.end.0, hex(&extent.chain));
    if end == manifest.log_end
        && chain == manifest.log_chain
        && hex(&extent.identity.installation) == manifest.installation
    {
        return Ok(());
    }
    Err(Failure::other(format!(
        "the log ends at offset {end} with chain {chain}, the manifest says {} with {}: nothing was restored",
        manifest.log_end, manifest.log_chain
    )))
}

fn created(target: &Path) -> Result<File, Failure> {
    if let Some(directory) = target.parent() {
        let made = fs::DirBuilder::new().recursive(true).mode(0o750).create(directory);
        made.map_err(|error| at(directory, error))?;
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o640).open(target);
    file.map_err(|error| at(target, error))
}

fn sync_all_directories(root: &Path) -> Result<(), Failure> {
    for entry in fs::read_dir(root).map_err(|error| at(root, error))? {
        let path = entry.map_err(|error| at(root, error))?.path();
        if path.is_dir() {
            sync_all_directories(&path)?;
        }
    }
    sync_directory(root)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
