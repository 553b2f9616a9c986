//! The archive's own work beside a running node: seal one segment, else merge small files; then trim the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nhip_ports::{EventLog, StateStore};
use nhip_proto::Offset;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::listing::ArchiveFile;
use super::store::Step;
use super::{Archive, ArchiveError, Part, telemetry};

/// Whole snapshots that must stand beyond a record before the log gives it up: one may turn out damaged.
const SNAPSHOTS_BEYOND: usize = 2;
/// So many small files that follow each other are merged into one …
const MERGE_FILES_MIN: usize = 4;
/// … of at most this size.
const MERGED_BYTES_MAX: u64 = 128 << 20;
/// Room that sealing leaves to the log.
const FREE_BYTES_MIN: u64 = 64 << 20;
/// After a pass the worker rests this many times as long as the pass took: at most a fifth of one core is its own.
const REST_TIMES: u32 = 4;
/// The longest pause after failures that follow each other.
const BACK_OFF_MAX: Duration = Duration::from_secs(300);
/// How much the worker's thread steps back behind all others.
const NICENESS: i32 = 15;

/// How the log is kept beside its archive.
#[derive(Clone, Debug)]
pub struct KeepSettings {
    /// Whole segments the log keeps although they are archived; fewer while the disk is full.
    pub keep_log_segments: usize,
    /// Between two looks at the log where there is nothing to do.
    pub pause: Duration,
}

/// The worker; it owns the writing side of an archive.
pub struct Keeper {
    archive: Arc<Archive>,
    log: Arc<dyn EventLog>,
    states: Arc<dyn StateStore>,
    settings: KeepSettings,
}

impl Keeper {
    /// A worker over these doors.
    #[must_use]
    pub fn new(
        archive: Arc<Archive>,
        log: Arc<dyn EventLog>,
        states: Arc<dyn StateStore>,
        settings: KeepSettings,
    ) -> Self {
        Self { archive, log, states, settings }
    }

    /// Works on a thread of its own, behind all others, until told to stop. A failure is told and tried again: the log
    /// only grows meanwhile.
    pub fn run(&self, runtime: &Handle, stop: &CancellationToken) {
        // Only politeness: without it the work is done all the same.
        rustix::process::nice(NICENESS).unwrap_or_default();
        let (mut pause, mut back_off) = (self.settings.pause, self.settings.pause);
        while rested(runtime, pause, stop) {
            let began = Instant::now();
            pause = match self.pass(runtime, &mut |_| !stop.is_cancelled()) {
                Ok(worked) => {
                    back_off = self.settings.pause;
                    let rest = began.elapsed() * REST_TIMES;
                    if worked { rest } else { rest.max(self.settings.pause) }
                }
                Err(ArchiveError::Stopped) => return,
                Err(error) => {
                    telemetry::failed(&error, back_off.as_secs());
                    back_off = (back_off * 2).min(BACK_OFF_MAX);
                    back_off
                }
            };
        }
    }

    /// One pass; whether there may be more to do at once.
    ///
    /// # Errors
    /// [`ArchiveError`]; nothing is lost, the log still has what the archive has not.
    pub fn pass(&self, runtime: &Handle, go_on: &mut dyn FnMut(Step) -> bool) -> Result<bool, ArchiveError> {
        let worked = self.seal_next(runtime, go_on)? || self.merge_next(go_on)?;
        runtime.block_on(self.trim())?;
        Ok(worked)
    }

    /// Seals the oldest whole segment that is not yet in the archive.
    fn seal_next(&self, runtime: &Handle, go_on: &mut dyn FnMut(Step) -> bool) -> Result<bool, ArchiveError> {
        let (heads, end) = (self.log.segments(), self.archive.end());
        let started = self.archive.first().is_some();
        let next =
            heads.windows(2).find(|pair| !started || pair.first().is_some_and(|head| head.first >= end));
        let Some([head, following]) = next else { return Ok(false) };
        self.leave_room()?;
        let began = Instant::now();
        let part = Part {
            first: head.first,
            end: following.first,
            chain_before: head.chain,
            chain: following.chain,
        };
        let mut read = |from, limit| runtime.block_on(self.log.read(from, limit));
        let file = self.archive.seal(part, &mut read, go_on)?;
        telemetry::sealed(&file, began.elapsed().as_secs_f64());
        Ok(true)
    }

    fn merge_next(&self, go_on: &mut dyn FnMut(Step) -> bool) -> Result<bool, ArchiveError> {
        let files = self.archive.files();
        let Some(run) = small_run(&files) else { return Ok(false) };
        self.leave_room()?;
        let began = Instant::now();
        let merged = self.archive.merge(run, go_on)?;
        telemetry::merged(&merged, run.len(), began.elapsed().as_secs_f64());
        Ok(true)
    }

    /// Trims what stands in the archive, behind two whole snapshots (a snapshot is saved only after the rows of all
    /// its Ticks are durable), and is not kept for quick reading.
    async fn trim(&self) -> Result<(), ArchiveError> {
        let heads = self.log.segments();
        let keep = if self.log.stalled() { 0 } else { self.settings.keep_log_segments };
        let newest_kept = heads.len().checked_sub(keep + 1).and_then(|place| heads.get(place));
        let Some(kept) = newest_kept else { return Ok(()) };
        let before = kept.first.min(self.archive.end());
        if heads.get(1).is_none_or(|second| before < second.first) {
            return Ok(());
        }
        let mut applied: Vec<Offset> =
            self.states.load().await?.into_iter().map(|state| state.applied).collect();
        applied.sort_unstable();
        let safe = applied.len().checked_sub(SNAPSHOTS_BEYOND).and_then(|place| applied.get(place));
        let Some(safe) = safe else { return Ok(()) };
        let (first, before) = (self.log.first(), before.min(*safe));
        self.archive.still_whole(first, before)?;
        let left = self.log.trim(before).await?;
        if left > first {
            telemetry::trimmed(left.0);
        }
        Ok(())
    }

    fn leave_room(&self) -> Result<(), ArchiveError> {
        let dir = self.archive.dir();
        let found = rustix::fs::statvfs(dir).map_err(|error| ArchiveError::io(dir, error.into()))?;
        let free_bytes = found.f_bavail.saturating_mul(found.f_frsize);
        if free_bytes < FREE_BYTES_MIN {
            return Err(ArchiveError::Full { free_bytes, needed_bytes: FREE_BYTES_MIN });
        }
        Ok(())
    }
}

/// Whether to go on after a pause.
fn rested(runtime: &Handle, pause: Duration, stop: &CancellationToken) -> bool {
    runtime.block_on(async {
        tokio::select! {
            () = stop.cancelled() => false,
            () = tokio::time::sleep(pause) => true,
        }
    })
}

/// The first run of files that are small enough to become one. No file may be more than half of it: then each record is
/// written again only as often as its file doubles.
fn small_run(files: &[ArchiveFile]) -> Option<&[ArchiveFile]> {
    (0..files.len()).find_map(|start| {
        let (mut bytes, mut largest, mut count) = (0, 0, 0);
        for file in files.get(start..)? {
            if bytes + file.bytes > MERGED_BYTES_MAX {
                break;
            }
            (bytes, largest, count) = (bytes + file.bytes, largest.max(file.bytes), count + 1);
        }
        let run = count >= MERGE_FILES_MIN && largest * 2 <= bytes;
        run.then(|| files.get(start..start + count)).flatten()
    })
}
