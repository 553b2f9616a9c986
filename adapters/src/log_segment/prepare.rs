//! Prepares the next segment in the background: every block written before it is needed, so that a group
//! commit never allocates and a full disk is met here, where nothing is at stake.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::error::disk_full;
use super::recovery::write_zeros;
use super::stall::Stall;

/// How often a full disk is looked at again.
pub(super) const RETRY: Duration = Duration::from_millis(500);
/// Synced in steps, so that the filling does not pile up in front of a group commit.
const FILL_STEP_BYTES: u64 = 4 << 20;

/// A file of zeros, durable but not yet named as a segment.
pub(super) struct Prepared {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// How large segments are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) first_bytes: u64,
    pub(super) bytes: u64,
    /// Left free for snapshots, rows and keys.
    pub(super) reserve_bytes: u64,
}

pub(super) enum Unprepared {
    Failed(String),
    Stopped,
}

#[derive(Default)]
struct Desk {
    /// What the next segment should hold; less if the disk is short.
    want_bytes: u64,
    /// What it must hold.
    need_bytes: u64,
    wanted: bool,
    ready: Option<Prepared>,
    full: bool,
    failed: Option<String>,
    closing: bool,
    stopped: bool,
}

pub(super) struct Preparer {
    shared: Arc<(Mutex<Desk>, Condvar)>,
    sizes: Sizes,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Preparer {
    pub(super) fn start(dir: &Path, sizes: Sizes, last_bytes: Option<u64>) -> io::Result<Self> {
        let shared = Arc::new((Mutex::new(Desk::default()), Condvar::new()));
        let (theirs, path) = (Arc::clone(&shared), dir.join("next.tmp"));
        let thread = std::thread::Builder::new()
            .name("nhip-log-prepare".to_owned())
            .spawn(move || prepare_until_stopped(&theirs, &path, sizes))?;
        let preparer = Self { shared, sizes, thread: Mutex::new(Some(thread)) };
        preparer.order(preparer.size_after(last_bytes));
        Ok(preparer)
    }

    /// Asks for the segment after the one of `last_bytes`. Segments double up to their full size, so that a
    /// small installation stays small and the first start is quick.
    pub(super) fn order_after(&self, last_bytes: u64) {
        self.order(self.size_after(Some(last_bytes)));
    }

    /// Waits for a segment that holds `need_bytes`; `stalled` tells meanwhile whether the disk is full.
    pub(super) fn take(&self, need_bytes: u64, stalled: &Stall) -> Result<Prepared, Unprepared> {
        let (mutex, moved) = &*self.shared;
        let mut desk = held(mutex);
        desk.need_bytes = need_bytes;
        loop {
            if desk.stopped || (desk.closing && desk.full) {
                return Err(Unprepared::Stopped);
            }
            if let Some(error) = &desk.failed {
                return Err(Unprepared::Failed(error.clone()));
            }
            match desk.ready.take() {
                Some(ready) if ready.bytes >= need_bytes => {
                    stalled.set(false);
                    desk.need_bytes = 0;
                    return Ok(ready);
                }
                // Its room is needed for the larger one.
                Some(small) => fs::remove_file(&small.path).unwrap_or_default(),
                None => {}
            }
            stalled.set(desk.full);
            desk.want_bytes = desk.want_bytes.max(need_bytes);
            desk.wanted = true;
            moved.notify_all();
            desk = moved.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// From now on a full disk is not waited out.
    pub(super) fn close(&self) {
        let (mutex, moved) = &*self.shared;
        held(mutex).closing = true;
        moved.notify_all();
    }

    /// Waits a while; true as soon as the log is being closed.
    pub(super) fn closes_within(&self, wait: Duration) -> bool {
        let (mutex, moved) = &*self.shared;
        let waited = moved.wait_timeout_while(held(mutex), wait, |desk| !desk.closing);
        waited.unwrap_or_else(PoisonError::into_inner).0.closing
    }

    /// Ends the preparing, so that nothing touches the directory any more.
    pub(super) fn stop(&self) {
        let (mutex, moved) = &*self.shared;
        held(mutex).stopped = true;
        moved.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It holds nothing that anybody waits for.
            thread.join().unwrap_or_default();
        }
    }

    fn order(&self, want_bytes: u64) {
        let (mutex, moved) = &*self.shared;
        let mut desk = held(mutex);
        (desk.want_bytes, desk.wanted) = (want_bytes, true);
        moved.notify_all();
    }

    fn size_after(&self, last_bytes: Option<u64>) -> u64 {
        let first = self.sizes.first_bytes.min(self.sizes.bytes);
        last_bytes.map_or(first, |bytes| bytes.saturating_mul(2).clamp(first, self.sizes.bytes))
    }
}

impl Drop for Preparer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn prepare_until_stopped(shared: &(Mutex<Desk>, Condvar), path: &Path, sizes: Sizes) {
    let (mutex, moved) = shared;
    let mut desk = held(mutex);
    while !desk.stopped {
        if !desk.wanted || desk.ready.is_some() || desk.failed.is_some() {
            desk = moved.wait(desk).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        let (want_bytes, need_bytes) = (desk.want_bytes, desk.need_bytes);
        drop(desk);
        let made = prepare(path, want_bytes, need_bytes, sizes, &|| held(mutex).stopped);
        desk = held(mutex);
        match made {
            Ok(prepared) => (desk.ready, desk.wanted, desk.full) = (Some(prepared), false, false),
            Err(_) if desk.stopped => {}
            Err(error) if disk_full(&error) => {
                desk.full = true;
                moved.notify_all();
                desk = wait_for_space(moved, desk);
            }
            Err(error) => desk.failed = Some(format!("next segment: {error}")),
        }
        moved.notify_all();
    }
}

fn wait_for_space<'a>(moved: &Condvar, desk: MutexGuard<'a, Desk>) -> MutexGuard<'a, Desk> {
    let waited = moved.wait_timeout_while(desk, RETRY, |desk| !desk.stopped);
    waited.unwrap_or_else(PoisonError::into_inner).0
}

/// The largest segment the disk has room for, from `want_bytes` down to what is needed.
fn prepare(
    path: &Path,
    want_bytes: u64,
    need_bytes: u64,
    sizes: Sizes,
    stopped: &dyn Fn() -> bool,
) -> io::Result<Prepared> {
    let floor = need_bytes.max(sizes.first_bytes.min(want_bytes) / 4);
    let dir = path.parent().unwrap_or(Path::new("."));
    let space = rustix::fs::statvfs(dir)?;
    let free = space.f_bavail.saturating_mul(space.f_frsize).saturating_sub(sizes.reserve_bytes);
    let mut bytes = want_bytes.max(floor);
    while bytes > free && bytes > floor {
        bytes = (bytes / 2).max(floor);
    }
    if bytes > free {
        // Looked up beforehand, so that trying never takes the last block from somebody else.
        return Err(io::ErrorKind::StorageFull.into());
    }
    fill(path, bytes, stopped).inspect_err(|_| {
        // Half a segment is never used: what could be written of it is given back.
        fs::remove_file(path).unwrap_or_default();
    })
}

fn fill(path: &Path, bytes: u64, stopped: &dyn Fn() -> bool) -> io::Result<Prepared> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    let mut at = 0;
    while at < bytes {
        if stopped() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let to = (at + FILL_STEP_BYTES).min(bytes);
        write_zeros(&file, at, to)?;
        file.sync_data()?;
        at = to;
    }
    file.sync_all()?;
    Ok(Prepared { file, path: path.to_owned(), bytes })
}

fn held(mutex: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
