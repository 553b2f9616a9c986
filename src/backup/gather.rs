//! Which files of a data directory a backup takes, in the order that makes them belong together.
//!
//! Whatever a node derives is taken before what it derives from: snapshots never say more than the rows, rows never
//! more than the log. What is moved on is taken before the place it is moved to: row files before the series, the
//! log's segments before the archive. So a restored node finds everything below each snapshot, and nothing above the
//! log's end.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use nhip_adapters::{LogExtent, LogOpenError, log_extent, log_is_open, whole_rows};
use nhip_proto::Offset;

use crate::commands::Failure;
use crate::installation::DataDirectory;

use super::copier::{Copier, Part};
use super::pinned;
use super::place::{at, files_in};

/// How often the log's segments may be trimmed from under a copy.
const PASSES_MAX: u32 = 5;
/// How long the durable mark may take to reach the rows; a node writes it every half second.
const MARK_WAIT_MAX: Duration = Duration::from_secs(10);
const MARK_LOOK: Duration = Duration::from_millis(50);
/// Where row files go when they are full: taken after them.
const SERIES: &str = "series";
/// Where the log goes when it is trimmed: taken after it.
const ARCHIVE: &str = "archive";

/// What was taken.
pub(super) struct Gathered {
    pub(super) log: LogExtent,
    pub(super) rows_last: Option<Offset>,
}

/// Takes a whole data directory.
pub(super) async fn gather(data: &Path, copier: &mut Copier) -> Result<Gathered, Failure> {
    let directory = DataDirectory::of(data);
    let (plain, ruled) = others(data)?;
    for name in plain {
        take_entry(copier, data, &name)?;
    }
    let applied = take_states(copier, &directory.states)?;
    let rows_last = take_rows(copier, &directory.rows)?;
    // Its first file may be written just now: by name, whether it has a manifest yet or not.
    for name in ruled.iter().map(String::as_str).chain([SERIES]) {
        take_ruled(copier, data, name)?;
    }
    // The series may hold Ticks of row files written since; none is beyond the newest row now.
    let newest = rows_last.max(newest_row(&directory.rows)?);
    let needed = applied.max(newest.map_or(Offset(0), Offset::next));
    let log = take_log(copier, data, &directory.log, needed).await?;
    Ok(Gathered { log, rows_last })
}

/// Everything beside log, rows, snapshots and where they go: without and with a manifest that rules it.
fn others(data: &Path) -> Result<(BTreeSet<String>, BTreeSet<String>), Failure> {
    let (mut plain, mut ruled) = (BTreeSet::new(), BTreeSet::new());
    for path in files_in(data).map_err(|error| at(data, error))? {
        let top = path.split('/').next().unwrap_or_default();
        if ["log", "rows", "state", SERIES, ARCHIVE].contains(&top)
            || plain.contains(top)
            || ruled.contains(top)
        {
            continue;
        }
        let is_ruled = data.join(top).is_dir() && pinned::is_ruled(&data.join(top))?;
        if is_ruled {
            ruled.insert(top.to_owned())
        } else {
            plain.insert(top.to_owned())
        };
    }
    Ok((plain, ruled))
}

fn take_entry(copier: &mut Copier, data: &Path, name: &str) -> Result<(), Failure> {
    let (source, path) = (data.join(name), format!("data/{name}"));
    if source.is_dir() { copier.take_tree(&source, &path) } else { copier.take(&source, &path).map(|_| ()) }
}

fn take_ruled(copier: &mut Copier, data: &Path, name: &str) -> Result<(), Failure> {
    let source = data.join(name);
    if source.is_dir() { pinned::take(copier, &source, &format!("data/{name}")) } else { Ok(()) }
}

/// Snapshots, newest first; how far the newest goes. Older ones may be removed meanwhile.
fn take_states(copier: &mut Copier, states: &Path) -> Result<Offset, Failure> {
    let mut newest = Offset(0);
    for name in listed(states)?.iter().rev() {
        if copier.take(&states.join(name), &format!("data/state/{name}"))? {
            newest = newest.max(first_offset(name));
        }
    }
    Ok(newest)
}

/// Row files up to their last whole frame; the last Tick among them. A file that goes meanwhile is in the series.
fn take_rows(copier: &mut Copier, rows: &Path) -> Result<Option<Offset>, Failure> {
    let mut last = None;
    for name in listed(rows)? {
        let (source, path) = (rows.join(&name), format!("data/rows/{name}"));
        if !name.ends_with(".rows") {
            copier.take(&source, &path)?;
            continue;
        }
        let whole = match whole_rows(&source) {
            Ok(whole) => whole,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(at(&source, error)),
        };
        let part = Part { used_bytes: whole.bytes, file_bytes: whole.bytes };
        if copier.take_part(&source, &path, part)? {
            last = last.max(whole.last);
        }
    }
    Ok(last)
}

/// The newest Tick with rows, as it stands now.
fn newest_row(rows: &Path) -> Result<Option<Offset>, Failure> {
    let newest = listed(rows)?.into_iter().rfind(|name| name.ends_with(".rows")).map(|name| rows.join(name));
    let whole = newest.map(|path| whole_rows(&path).map_err(|error| at(&path, error))).transpose()?;
    Ok(whole.and_then(|whole| whole.last))
}

async fn take_log(
    copier: &mut Copier,
    data: &Path,
    log: &Path,
    needed: Offset,
) -> Result<LogExtent, Failure> {
    for _ in 0..PASSES_MAX {
        let mut taken = take_segments(copier, log, needed).await?;
        if taken.is_some() && data.join(ARCHIVE).is_dir() {
            take_ruled(copier, data, ARCHIVE)?;
            // The archive may have gone beyond the segments meanwhile; after this it has not.
            taken = take_segments(copier, log, needed.max(beyond_archive(copier, log))).await?;
        }
        if let Some(extent) = taken {
            return Ok(extent);
        }
    }
    Err(Failure::other(format!(
        "{}: its oldest segments went {PASSES_MAX} times while they were copied: try again",
        log.display()
    )))
}

/// The segments up to the durable mark; none, and nothing kept, if what an earlier call took does not reach to those
/// that are still there. Sealed segments it took stay, also when they have been trimmed since.
async fn take_segments(
    copier: &mut Copier,
    log: &Path,
    needed: Offset,
) -> Result<Option<LogExtent>, Failure> {
    let mut extent = extent_beyond(log, needed).await?;
    let taken = segments_taken(copier);
    let path = |name: &str| format!("data/log/{name}");
    let reaches = |last: &String| extent.pieces.iter().any(|piece| path(&piece.name) == *last);
    let mut whole = taken.last().is_none_or(reaches);
    for piece in &extent.pieces {
        // Of the last one taken before, only the beginning may have been there.
        let stands = taken.contains(&path(&piece.name)) && taken.last() != Some(&path(&piece.name));
        if whole && !stands {
            let part = Part { used_bytes: piece.used_bytes, file_bytes: piece.file_bytes };
            whole = copier.take_part(&log.join(&piece.name), &path(&piece.name), part)?;
        }
    }
    if !whole {
        segments_taken(copier).iter().try_for_each(|path| copier.forget(path))?;
        return Ok(None);
    }
    copier.put("data/log/mark", &extent.mark)?;
    for name in listed(log)?.iter().filter(|name| *name == "identity" || name.ends_with(".cut")) {
        copier.take(&log.join(name), &path(name))?;
    }
    extent.first = segments_taken(copier).first().map_or(extent.first, |path| first_offset(path));
    Ok(Some(extent))
}

fn segments_taken(copier: &Copier) -> Vec<String> {
    let mut taken = copier.taken_below("data/log");
    taken.retain(|path| path.ends_with(".seg"));
    taken
}

/// How far the log must reach for the archive that was taken, whose files are named by their first offset and the one
/// after their last. While a node writes, the durable mark follows half a second behind, and it must stand in the
/// segment that begins where the archive ends.
fn beyond_archive(copier: &Copier, log: &Path) -> Offset {
    let ends = copier.taken_below(&format!("data/{ARCHIVE}")).into_iter().filter_map(|path| {
        let name = path.rsplit('/').next()?.strip_suffix(".parquet")?;
        name.rsplit('-').next()?.parse().ok().map(Offset)
    });
    let Some(end) = ends.max() else { return Offset(0) };
    if log_is_open(log) { end.next() } else { end }
}

/// Files are named by the first offset in them.
fn first_offset(path: &str) -> Offset {
    let name = path.rsplit('/').next().unwrap_or_default();
    Offset(name.split('.').next().and_then(|number| number.parse().ok()).unwrap_or(0))
}

/// Where the log ends, at `needed` or beyond: rows and snapshots were taken that reach so far, and the mark follows.
async fn extent_beyond(log: &Path, needed: Offset) -> Result<LogExtent, Failure> {
    let (began, mut refused) = (Instant::now(), 0);
    loop {
        match log_extent(log) {
            Ok(extent) if extent.end >= needed => return Ok(extent),
            Ok(extent) if began.elapsed() >= MARK_WAIT_MAX => {
                return Err(Failure::other(format!(
                    "{}: what was copied reaches offset {}, the log is durable up to {}: does the node stand still?",
                    log.display(),
                    needed.0,
                    extent.end.0
                )));
            }
            Ok(_) => {}
            // A segment was trimmed between the list and the look.
            Err(LogOpenError::Io { .. }) if refused < PASSES_MAX => refused += 1,
            Err(error) => return Err(Failure::other(error)),
        }
        tokio::time::sleep(MARK_LOOK).await;
    }
}

/// Names in a directory, sorted; none if there is no such directory.
fn listed(directory: &Path) -> Result<Vec<String>, Failure> {
    if !fs::exists(directory).unwrap_or(false) {
        return Ok(Vec::new());
    }
    files_in(directory).map_err(|error| at(directory, error))
}
