//! Snapshots of the engine, one file each (docs/log-format.md, "State files").

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use nhip_ports::{KeptState, SavedState, StateError, StateStore};
use nhip_proto::{ArrivalTime, Offset};

use crate::file_io::{names_ending, off_the_runtime, sweep_unfinished, sync_directory, write_whole};

const MAGIC: [u8; 8] = *b"NhipSta\0";
const FORMAT: u32 = 1;
const SUFFIX: &str = ".state";
/// Of snapshots kept for the past; the last Tick stands in their names.
const KEPT_SUFFIX: &str = ".past";
/// Snapshots kept beside the newest: one may turn out damaged, and the next is not far behind it.
const OLDER_KEPT: usize = 2;

/// Snapshots in a directory.
pub struct StateFiles {
    dir: PathBuf,
}

impl StateFiles {
    /// Opens or creates the directory.
    ///
    /// # Errors
    /// [`StateError`] if the file system refuses.
    pub fn open(dir: &Path) -> Result<Self, StateError> {
        let opened = fs::create_dir_all(dir).and_then(|()| sweep_unfinished(dir));
        opened.map_err(|error| failed(dir, &error))?;
        Ok(Self { dir: dir.to_owned() })
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StateError> {
        let dir = self.dir.clone();
        let done = off_the_runtime(move || work(&dir)).await;
        let done = done.unwrap_or_else(|| Err(io::ErrorKind::Interrupted.into()));
        done.map_err(|error| failed(&self.dir, &error))
    }
}

#[async_trait]
impl StateStore for StateFiles {
    async fn save(&self, state: SavedState) -> Result<(), StateError> {
        let save = move |dir: &Path| {
            let name = file_name(state.applied);
            write_whole(dir, &name, &encoded(&state))?;
            metrics::gauge!("nhip_state_snapshot_bytes").set(state.bytes.len() as f64);
            remove_older(dir, &name)
        };
        self.work(save).await
    }

    async fn load(&self) -> Result<Vec<SavedState>, StateError> {
        self.work(load).await
    }

    async fn keep(&self, at: ArrivalTime, state: SavedState) -> Result<(), StateError> {
        let name = kept_name(KeptState { applied: state.applied, at });
        self.work(move |dir| write_whole(dir, &name, &encoded(&state))).await
    }

    async fn kept(&self) -> Result<Vec<KeptState>, StateError> {
        let names = self.work(|dir| names_ending(dir, KEPT_SUFFIX)).await?;
        metrics::gauge!("nhip_state_kept").set(names.len() as f64);
        Ok(names.iter().filter_map(|name| kept_of(name)).collect())
    }

    async fn recall(&self, kept: KeptState) -> Result<Option<SavedState>, StateError> {
        self.work(move |dir| recall(dir, kept)).await
    }

    async fn forget(&self, kept: KeptState) -> Result<(), StateError> {
        let name = kept_name(kept);
        let forget = move |dir: &Path| match fs::remove_file(dir.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => sync_directory(dir),
        };
        self.work(forget).await
    }
}

fn load(dir: &Path) -> io::Result<Vec<SavedState>> {
    let mut states = Vec::new();
    for name in names_ending(dir, SUFFIX)?.iter().rev() {
        match decoded(&fs::read(dir.join(name))?) {
            Some(state) if file_name(state.applied) == *name => states.push(state),
            _ => damaged(name),
        }
    }
    Ok(states)
}

fn recall(dir: &Path, kept: KeptState) -> io::Result<Option<SavedState>> {
    let name = kept_name(kept);
    let bytes = match fs::read(dir.join(&name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    let state = decoded(&bytes).filter(|state| state.applied == kept.applied);
    if state.is_none() {
        damaged(&name);
    }
    Ok(state)
}

fn damaged(name: &str) {
    metrics::counter!("nhip_state_damaged_total").increment(1);
    tracing::warn!(file = %name, "snapshot is damaged; an older one is used");
}

fn remove_older(dir: &Path, saved: &str) -> io::Result<()> {
    let names = names_ending(dir, SUFFIX)?;
    let older: Vec<&String> = names.iter().filter(|name| name.as_str() < saved).collect();
    let surplus = older.len().saturating_sub(OLDER_KEPT);
    older.into_iter().take(surplus).try_for_each(|name| fs::remove_file(dir.join(name)))
}

fn file_name(applied: Offset) -> String {
    format!("{:020}{SUFFIX}", applied.0)
}

fn kept_name(kept: KeptState) -> String {
    format!("{:020}-{:020}{KEPT_SUFFIX}", kept.applied.0, kept.at.0)
}

fn kept_of(name: &str) -> Option<KeptState> {
    let (applied, at) = name.strip_suffix(KEPT_SUFFIX)?.split_once('-')?;
    Some(KeptState { applied: Offset(applied.parse().ok()?), at: ArrivalTime(at.parse().ok()?) })
}

fn encoded(state: &SavedState) -> Vec<u8> {
    let mut head = MAGIC.to_vec();
    head.extend(FORMAT.to_le_bytes());
    head.extend([0; 4]);
    head.extend(state.applied.0.to_le_bytes());
    head.extend((state.bytes.len() as u64).to_le_bytes());
    let digest = digest(&head, &state.bytes);
    [head.as_slice(), &digest, &state.bytes].concat()
}

fn decoded(file: &[u8]) -> Option<SavedState> {
    let (head, rest) = file.split_at_checked(32)?;
    let (stored, bytes) = rest.split_at_checked(32)?;
    let (magic, rest) = head.split_first_chunk::<8>()?;
    let (version, rest) = rest.split_first_chunk::<4>()?;
    let (_, rest) = rest.split_first_chunk::<4>()?;
    let (applied, _) = rest.split_first_chunk::<8>()?;
    let right = *magic == MAGIC && u32::from_le_bytes(*version) == FORMAT && digest(head, bytes) == stored;
    right.then(|| SavedState { applied: Offset(u64::from_le_bytes(*applied)), bytes: bytes.to_vec() })
}

/// Over head and state, so that no field can change unnoticed.
fn digest(head: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(head);
    hasher.update(bytes);
    *hasher.finalize().as_bytes()
}

fn failed(dir: &Path, error: &io::Error) -> StateError {
    StateError(format!("{}: {error}", dir.display()))
}
