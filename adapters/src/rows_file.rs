//! Durable rows in append-only files (docs/log-format.md, "Row files"): one frame and one sync per Tick.

mod frame;
mod whole;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use nhip_ports::{FileWork, Landing, RowStore, RowStoreError, TickRows};
use nhip_proto::{Offset, Row};

use crate::file_io::{
    names_ending, off_the_runtime, remove, settle, sweep_unfinished, sync_directory, write_whole,
};
use frame::{FILE_HEADER_BYTES, Frames, Step, encoded, file_header};

pub use whole::{WholeRows, whole_rows};

const SUFFIX: &str = ".rows";
/// A file is followed by a new one beyond this; rows of files that were followed may move to the series store.
pub const ROW_FILE_BYTES: u64 = 8 << 20;

/// Rows in a directory.
pub struct RowFiles {
    store: Arc<Store>,
}

struct Store {
    dir: PathBuf,
    file_bytes_max: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// First Tick of each file, ascending; its name follows from it.
    files: Vec<u64>,
    active: Option<(File, u64)>,
    last: Option<Offset>,
    /// A failed sync may have lost what it was asked to keep: nothing is written after it.
    failed: Option<String>,
}

impl RowFiles {
    /// Opens or creates the directory; a torn last frame is cut, for its Tick will be computed again.
    ///
    /// # Errors
    /// [`RowStoreError`] if a file is damaged (nothing is changed then) or the file system refuses.
    pub fn open(dir: &Path) -> Result<Self, RowStoreError> {
        Self::open_with(dir, ROW_FILE_BYTES)
    }

    /// The same with another file size.
    ///
    /// # Errors
    /// As [`RowFiles::open`].
    pub fn open_with(dir: &Path, file_bytes_max: u64) -> Result<Self, RowStoreError> {
        let state = opened(dir).map_err(|error| failed(dir, &error))?;
        let store = Store { dir: dir.to_owned(), file_bytes_max, state: Mutex::new(state) };
        Ok(Self { store: Arc::new(store) })
    }

    async fn off<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> io::Result<T> + Send + 'static,
    ) -> Result<T, RowStoreError> {
        let store = Arc::clone(&self.store);
        let done = off_the_runtime(move || work(&store)).await;
        done.unwrap_or_else(|| Err(io::ErrorKind::Interrupted.into()))
            .map_err(|error| failed(&self.store.dir, &error))
    }
}

#[async_trait]
impl RowStore for RowFiles {
    async fn write(&self, tick: Offset, rows: &[Row]) -> Result<(), RowStoreError> {
        if self.last().is_some_and(|last| tick <= last) {
            return Ok(());
        }
        let (frame, count) = (encoded(tick, rows), rows.len() as u64);
        self.off(move |store| store.append(tick, &frame, count)).await
    }

    async fn ticks(&self, from: Offset, to: Offset, rows_max: usize) -> Result<Vec<TickRows>, RowStoreError> {
        self.off(move |store| store.ticks(from, to, rows_max)).await
    }

    fn last(&self) -> Option<Offset> {
        self.store.state().last
    }
}

#[async_trait]
impl Landing for RowFiles {
    fn closed(&self) -> Offset {
        let state = self.store.state();
        let after_last = state.last.map_or(Offset(0), Offset::next);
        let written_to = state.active.as_ref().and_then(|_| state.files.last());
        written_to.map_or(after_last, |first| Offset(*first))
    }

    async fn close(&self) -> Result<(), RowStoreError> {
        let mut state = self.store.state();
        if state.active.as_ref().is_some_and(|(_, bytes)| *bytes > FILE_HEADER_BYTES) {
            state.active = None;
        }
        Ok(())
    }

    async fn forget(&self, before: Offset) -> Result<(), RowStoreError> {
        self.off(move |store| store.forget(before)).await
    }
}

impl Store {
    fn append(&self, tick: Offset, frame: &[u8], count: u64) -> io::Result<()> {
        let mut state = self.state();
        if let Some(what) = &state.failed {
            return Err(io::Error::other(what.clone()));
        }
        if state.last.is_some_and(|last| tick <= last) {
            return Ok(());
        }
        if state.active.as_ref().is_none_or(|(_, bytes)| *bytes >= self.file_bytes_max) {
            state.active = None;
            write_whole(&self.dir, &file_name(tick.0), &file_header())?;
            state.files.push(tick.0);
            let file = OpenOptions::new().write(true).open(self.dir.join(file_name(tick.0)))?;
            state.active = Some((file, FILE_HEADER_BYTES));
        }
        let Some((file, bytes)) = &mut state.active else { return Err(io::ErrorKind::NotFound.into()) };
        let written = file.write_all_at(frame, *bytes).and_then(|()| file.sync_data());
        match written {
            Ok(()) => {
                *bytes += frame.len() as u64;
                state.last = Some(tick);
                metrics::counter!("nhip_rows_written_total").increment(count);
                Ok(())
            }
            Err(error) => {
                let undone = file.set_len(*bytes);
                let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
                if !full || undone.is_err() {
                    state.failed = Some(error.to_string());
                }
                Err(error)
            }
        }
    }

    fn ticks(&self, from: Offset, to: Offset, rows_max: usize) -> io::Result<Vec<TickRows>> {
        let files = self.state().files.clone();
        let (mut ticks, mut count) = (Vec::new(), 0);
        for (index, first) in files.iter().enumerate() {
            let behind = files.get(index + 1).is_some_and(|next| *next <= from.0);
            if behind || *first >= to.0 {
                continue;
            }
            let name = file_name(*first);
            let mut frames = Frames::open(&self.dir.join(&name), from.0)?;
            loop {
                match frames.next()? {
                    Step::Frame { tick, .. } if tick >= to => break,
                    Step::Frame { rows, .. } if rows.is_empty() => {}
                    Step::Frame { tick, rows } => {
                        count += rows.len();
                        ticks.push((tick, rows));
                    }
                    Step::End => break,
                    // A frame may just be on its way to the disk; what is durable stands before it.
                    Step::Invalid { .. } if index + 1 == files.len() => break,
                    Step::Invalid { byte } => return Err(damage(&name, byte)),
                }
                if count >= rows_max {
                    return Ok(ticks);
                }
            }
        }
        Ok(ticks)
    }

    /// Oldest first; a failure leaves the rest for the next time.
    fn forget(&self, before: Offset) -> io::Result<()> {
        let mut state = self.state();
        let there = state.files.len();
        while let Some(first) = state.files.first().copied() {
            let end = match state.files.get(1) {
                Some(next) => Some(Offset(*next)),
                None if state.active.is_none() => state.last.map(Offset::next),
                None => None,
            };
            if end.is_none_or(|end| end > before) {
                break;
            }
            remove(&self.dir.join(file_name(first)), FileWork::RowsForget)?;
            state.files.remove(0);
        }
        if state.files.len() < there { settle(&self.dir, FileWork::RowsForget) } else { Ok(()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn opened(dir: &Path) -> io::Result<State> {
    fs::create_dir_all(dir)?;
    sweep_unfinished(dir)?;
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        sync_directory(parent)?;
    }
    let mut state = State::default();
    for name in names_ending(dir, SUFFIX)? {
        let first = name.strip_suffix(SUFFIX).and_then(|number| number.parse().ok());
        state.files.push(first.ok_or_else(|| damage(&name, 0))?);
    }
    let Some(newest) = state.files.last().map(|first| file_name(*first)) else { return Ok(state) };
    // Files before the newest were whole when it was begun.
    for first in state.files.iter().rev() {
        let last = last_tick(dir, &file_name(*first), file_name(*first) == newest, &mut state.active)?;
        if last.is_some() {
            state.last = last;
            break;
        }
    }
    Ok(state)
}

/// The last Tick of a file; of the newest one also cuts a torn frame and opens it for writing.
fn last_tick(
    dir: &Path,
    name: &str,
    newest: bool,
    active: &mut Option<(File, u64)>,
) -> io::Result<Option<Offset>> {
    let path = dir.join(name);
    let mut frames = Frames::open(&path, u64::MAX)?;
    let mut last = None;
    let torn = loop {
        match frames.next()? {
            Step::Frame { tick, .. } => last = Some(tick),
            Step::End => break None,
            Step::Invalid { byte } => break Some(byte),
        }
    };
    if let Some(byte) = torn
        && (!newest || frames.later_frame(byte)?)
    {
        return Err(damage(name, byte));
    }
    if newest {
        let file = OpenOptions::new().write(true).open(&path)?;
        if let Some(byte) = torn {
            tracing::warn!(file = %name, byte, "torn frame is cut");
            file.set_len(byte)?;
            file.sync_all()?;
        }
        *active = Some((file, frames.at()));
    }
    Ok(last)
}

fn file_name(first: u64) -> String {
    format!("{first:020}{SUFFIX}")
}

fn damage(name: &str, byte: u64) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{name} is damaged at byte {byte}"))
}

fn failed(dir: &Path, error: &io::Error) -> RowStoreError {
    let what = format!("{}: {error}", dir.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => RowStoreError::Full(what),
        _ => RowStoreError::Failed(what),
    }
}
