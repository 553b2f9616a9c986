//! One look into a drop folder: which files have come to rest, their bytes, and where they go afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{DropFolderConfig, count};

/// Where files go that are in the log.
const DONE: &str = "done";
/// Where files go that this link can never hand over, or only cut.
const REFUSED: &str = "refused";
/// Endings of uploads that are not finished.
const UNFINISHED: [&str; 5] = [".tmp", ".part", ".filepart", ".partial", ".crdownload"];
/// Bytes of a station's or file's name at most: both stand in a topic.
const NAME_BYTES_MAX: usize = 160;

/// What makes a file another file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(file: &Metadata) -> Self {
        Self { inode: file.ino(), bytes: file.size(), modified: (file.mtime(), file.mtime_nsec()) }
    }
}

/// A file that was handed over.
#[derive(Clone, Debug)]
pub(super) struct Place {
    path: PathBuf,
    station: String,
    name: String,
    stamp: Stamp,
    cut: bool,
}

/// A file at rest, read.
pub(super) struct Found {
    pub(super) place: Place,
    pub(super) payload: Bytes,
}

/// What is remembered between two looks.
#[derive(Default)]
pub(super) struct Watch {
    seen: BTreeMap<PathBuf, (Stamp, Instant)>,
    root: Option<(u64, u64)>,
    /// The directory is another one than before.
    pub(super) remounted: bool,
}

/// Makes `done/` and `refused/`.
pub(super) fn make_own_folders(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory.join(DONE))?;
    fs::create_dir_all(directory.join(REFUSED))
}

impl Watch {
    /// The files that have come to rest, in the order of their names, within the bounds. Links are not followed.
    pub(super) fn scan(
        &mut self,
        config: &DropFolderConfig,
        taken: &BTreeSet<(PathBuf, u64)>,
    ) -> io::Result<Vec<Found>> {
        let root = fs::metadata(&config.directory)?;
        let identity = (root.dev(), root.ino());
        if self.root.replace(identity) != Some(identity) {
            self.remounted = true;
            self.seen.clear();
        }
        make_own_folders(&config.directory)?;
        let mut listed = Vec::new();
        list(config, &mut listed)?;
        listed.sort_by(|left, right| left.name.cmp(&right.name).then_with(|| left.path.cmp(&right.path)));
        let mut seen = BTreeMap::new();
        let mut found = Vec::new();
        let mut bytes = 0;
        for mut place in listed {
            if taken.contains(&place.key()) {
                continue;
            }
            let (stamp, since) = match self.seen.get(&place.path) {
                Some((stamp, since)) if *stamp == place.stamp => (*stamp, *since),
                _ => (place.stamp, Instant::now()),
            };
            let rested = since.elapsed() >= Duration::from_millis(config.settle_ms);
            let room = found.len() < config.files_per_scan_max && bytes < config.bytes_per_scan_max;
            if rested
                && room
                && let Ok(payload) = read(&mut place, config.file_bytes_max)
            {
                bytes += payload.len();
                found.push(Found { place, payload });
            } else {
                // What cannot be read now may be readable later; it is looked at again.
                seen.insert(place.path.clone(), (stamp, since));
            }
        }
        self.seen = seen;
        Ok(found)
    }
}

/// The files of the directory and of the stations in it.
fn list(config: &DropFolderConfig, listed: &mut Vec<Place>) -> io::Result<()> {
    let mut stations = Vec::new();
    for entry in fs::read_dir(&config.directory)? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        if name == DONE || name == REFUSED || is_hidden(name) {
            continue;
        }
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        if metadata.is_dir() {
            if stations.len() < config.stations_max {
                stations.push(path);
            }
        } else if metadata.is_file() && listed.len() < config.files_seen_max {
            listed.extend(place_of(config, None, path, &metadata));
        }
    }
    stations.sort();
    for station in stations {
        let Ok(entries) = fs::read_dir(&station) else { continue };
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            if metadata.is_file() && listed.len() < config.files_seen_max {
                listed.extend(place_of(config, station.file_name(), path, &metadata));
            }
        }
    }
    Ok(())
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// A file with its station: its directory, or what stands before the last `_` of its name (the stamp). A name that
/// cannot stand in a topic goes to `refused/` at once.
fn place_of(
    config: &DropFolderConfig,
    folder: Option<&OsStr>,
    path: PathBuf,
    metadata: &Metadata,
) -> Option<Place> {
    let name = path.file_name()?;
    let unfinished = |name: &str| UNFINISHED.iter().any(|end| name.to_ascii_lowercase().ends_with(end));
    if is_hidden(name) || name.to_str().is_some_and(unfinished) {
        return None;
    }
    let stem = || path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    let station = match folder {
        Some(folder) => folder.to_str().unwrap_or_default(),
        None => stem().rsplit_once('_').map_or_else(stem, |(station, _)| station),
    };
    let stamp = Stamp::of(metadata);
    match name.to_str().filter(|name| is_level(name) && is_level(station)) {
        Some(name) => {
            let (name, station) = (name.to_owned(), station.to_owned());
            Some(Place { name, station, path, stamp, cut: false })
        }
        None => {
            if put(&config.directory, REFUSED, &path).is_ok() {
                count(&config.name, "refused");
            }
            None
        }
    }
}

fn is_level(name: &str) -> bool {
    let fits = |letter: char| !letter.is_control() && !matches!(letter, '/' | '+' | '#' | '\u{fffd}');
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(fits)
}

/// The bytes of a file, at most one more than `file_bytes_max`. Its stamp is taken from the open file, so that a file
/// that grows afterwards is noticed.
fn read(place: &mut Place, file_bytes_max: usize) -> io::Result<Bytes> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(&place.path, flags, Mode::empty())?);
    if Stamp::of(&file.metadata()?) != place.stamp {
        return Err(io::Error::other("changed since it was looked at"));
    }
    let mut bytes = Vec::new();
    file.take(file_bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    place.cut = bytes.len() > file_bytes_max;
    Ok(bytes.into())
}

impl Place {
    /// What tells it from another file of the same name.
    pub(super) fn key(&self) -> (PathBuf, u64) {
        (self.path.clone(), self.stamp.inode)
    }

    pub(super) fn topic(&self, config: &DropFolderConfig) -> String {
        let topic = config.topic.replace("{name}", &config.name);
        topic.replace("{station}", &self.station).replace("{file}", &self.name)
    }

    /// Moves it to `done/` (cut: to `refused/`) if it is still the file that was read; else it is left for the next
    /// look.
    pub(super) fn move_away(&self, directory: &Path) -> io::Result<&'static str> {
        let same = fs::symlink_metadata(&self.path).is_ok_and(|now| Stamp::of(&now) == self.stamp);
        if !same {
            return Ok("changed");
        }
        let (folder, outcome) = if self.cut { (REFUSED, "too_large") } else { (DONE, "done") };
        put(directory, folder, &self.path)?;
        Ok(outcome)
    }
}

/// Moves a file below one of our folders, under its station; a file of the same name is replaced.
fn put(directory: &Path, folder: &str, path: &Path) -> io::Result<()> {
    let own = directory.join(folder);
    let target = own.join(path.strip_prefix(directory).unwrap_or(path));
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::rename(path, target)
}
