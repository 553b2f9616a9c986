//! The series store: row files that take new rows, Parquet files that keep them, one place to ask.

use std::collections::VecDeque;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use nhip_ports::{FileWork, HistoryError, Landing, RowStore, RowStoreError, TickRows};
use nhip_proto::{CodecError, Offset, Row};
use parquet::errors::ParquetError;
use thiserror::Error;

use super::file::{Opened, SeriesFile};
use super::hot::Hot;
use super::listing::{Listing, span_of};
use crate::durable;
use crate::manifest::ManifestError;

/// Rows in memory that wait for their way into Parquet; beyond it writing waits.
const HOT_ROWS_MAX: usize = 500_000;
/// Files whose contents are remembered; of the one used longest ago that is forgotten.
const FILES_OPEN_MAX: usize = 96;
/// Rows taken from the row files at a time when a node starts.
const LANDING_ROWS_MAX: usize = 20_000;

/// Why the store cannot answer or go on.
#[derive(Debug, Error)]
pub enum SeriesError {
    /// The file system refused.
    #[error("series: {0}")]
    Io(#[from] io::Error),
    /// A file is not what was written.
    #[error("{0}")]
    Damaged(String),
    /// Beyond a bound.
    #[error("{0}")]
    Refused(String),
    /// The row files refused.
    #[error(transparent)]
    Rows(#[from] RowStoreError),
}

impl From<ManifestError> for SeriesError {
    fn from(error: ManifestError) -> Self {
        match error {
            ManifestError::Io(error) => Self::Io(error),
            damaged @ ManifestError::Damaged { .. } => Self::Damaged(damaged.to_string()),
        }
    }
}

impl From<ParquetError> for SeriesError {
    fn from(error: ParquetError) -> Self {
        Self::Io(io::Error::other(error))
    }
}

impl From<CodecError> for SeriesError {
    fn from(error: CodecError) -> Self {
        Self::Damaged(format!("a row in memory: {error}"))
    }
}

impl From<SeriesError> for HistoryError {
    fn from(error: SeriesError) -> Self {
        match error {
            SeriesError::Damaged(what) => Self::Damaged(what),
            SeriesError::Refused(what) => Self::Refused(what),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// Every revision of every figure, in one directory.
pub struct SeriesStore {
    pub(super) directory: PathBuf,
    pub(super) landing: Arc<dyn Landing>,
    pub(super) state: Mutex<State>,
    recent: Mutex<VecDeque<Arc<SeriesFile>>>,
    /// One process at a time: another would sweep away what this one is writing.
    _lock: File,
    /// One sealing at a time.
    pub(super) sealing: tokio::sync::Mutex<()>,
}

/// What changes together: no row is ever in neither place, or found in both.
#[derive(Default)]
pub(super) struct State {
    pub(super) listing: Listing,
    pub(super) files: Vec<Arc<SeriesFile>>,
    pub(super) hot: Hot,
    /// The last Tick in `hot`.
    last: Option<Offset>,
}

impl SeriesStore {
    /// Opens or creates the store of a directory over its row files.
    ///
    /// # Errors
    /// [`SeriesError`] if the list of files is damaged (nothing is changed then) or the file system refuses.
    pub async fn open(directory: &Path, landing: Arc<dyn Landing>) -> Result<Self, SeriesError> {
        fs::create_dir_all(directory)?;
        let lock = locked(directory)?;
        let listing = Listing::read(directory)?;
        sweep(directory, &listing)?;
        let store = Self {
            directory: directory.to_owned(),
            landing,
            state: Mutex::default(),
            recent: Mutex::default(),
            _lock: lock,
            sealing: tokio::sync::Mutex::default(),
        };
        let mut at = listing.covered();
        store.state().list(directory, listing);
        loop {
            let ticks = store.landing.ticks(at, Offset(u64::MAX), LANDING_ROWS_MAX).await?;
            let Some((last, _)) = ticks.last() else { break };
            at = last.next();
            let mut state = store.state();
            for (tick, rows) in &ticks {
                state.hot.add(*tick, rows);
                state.last = Some(*tick);
            }
        }
        Ok(store)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A verified file; what is known of others makes room.
    pub(super) fn opened(&self, file: &Arc<SeriesFile>) -> Result<Arc<Opened>, SeriesError> {
        let opened = file.open()?;
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|other| !Arc::ptr_eq(other, file));
        recent.push_back(Arc::clone(file));
        if recent.len() > FILES_OPEN_MAX
            && let Some(oldest) = recent.pop_front()
        {
            oldest.release();
        }
        Ok(opened)
    }

    /// What is not listed any more is not remembered either.
    pub(super) fn forget_removed(&self) {
        let files = self.state().files.clone();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|file| files.iter().any(|listed| Arc::ptr_eq(listed, file)));
    }
}

impl State {
    /// Takes another list; files that stay keep what is known of them.
    pub(super) fn list(&mut self, directory: &Path, listing: Listing) {
        let known = std::mem::take(&mut self.files);
        self.files = listing
            .files
            .iter()
            .filter_map(|listed| {
                let stays = known.iter().find(|file| file.listed == *listed);
                let new = |span| Arc::new(SeriesFile::new(directory, listed.clone(), span));
                stays.cloned().or_else(|| listed.span().map(new))
            })
            .collect();
        self.hot.forget(listing.covered());
        self.listing = listing;
        metrics::gauge!("nhip_rows_sealed_files").set(self.files.len() as f64);
        metrics::gauge!("nhip_rows_sealed_bytes")
            .set(self.listing.files.iter().map(|file| file.bytes).sum::<u64>() as f64);
        metrics::gauge!("nhip_rows_hot").set(self.hot.rows() as f64);
    }
}

fn locked(directory: &Path) -> Result<File, SeriesError> {
    let file = File::options().write(true).create(true).truncate(false).open(directory.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let what = "the series store is in use: is a node running on this data directory?";
            Err(io::Error::new(io::ErrorKind::ResourceBusy, what).into())
        }
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Removes what a crash left: files of our names that no list names. Anything else is left alone and never opened.
fn sweep(directory: &Path, listing: &Listing) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let written = name.strip_suffix(".tmp").unwrap_or(name);
        let ours = span_of(written).is_some() || name == "manifest.tmp";
        if ours && !listing.files.iter().any(|file| file.name == name) {
            tracing::info!(file = name, "a series file no manifest names is removed");
            durable::remove(&entry.path(), FileWork::SeriesSweep)?;
        }
    }
    Ok(())
}

#[async_trait]
impl RowStore for SeriesStore {
    async fn write(&self, tick: Offset, rows: &[Row]) -> Result<(), RowStoreError> {
        let written = self.last().is_some_and(|last| tick <= last);
        if written {
            return Ok(());
        }
        if self.state().hot.rows() >= HOT_ROWS_MAX {
            return Err(RowStoreError::Full("too many rows wait for their way into Parquet".to_owned()));
        }
        self.landing.write(tick, rows).await?;
        let mut state = self.state();
        if state.last.is_none_or(|last| tick > last) {
            state.hot.add(tick, rows);
            state.last = Some(tick);
            metrics::gauge!("nhip_rows_hot").set(state.hot.rows() as f64);
        }
        Ok(())
    }

    async fn ticks(&self, from: Offset, to: Offset, rows_max: usize) -> Result<Vec<TickRows>, RowStoreError> {
        self.all_ticks(from, to, rows_max).await
    }

    fn last(&self) -> Option<Offset> {
        let covered = self.state().listing.covered.checked_sub(1).map(Offset);
        self.landing.last().max(covered)
    }
}
