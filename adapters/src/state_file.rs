//! Snapshots of the engine, one file each (docs/log-format.md, "State files").

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use nhip_ports::{SavedState, StateError, StateStore};
use nhip_proto::Offset;

use crate::file_io::{names_ending, off_the_runtime, sweep_unfinished, write_whole};

const MAGIC: [u8; 8] = *b"NhipSta\0";
const FORMAT: u32 = 1;
const SUFFIX: &str = ".state";
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
}

#[async_trait]
impl StateStore for StateFiles {
    async fn save(&self, state: SavedState) -> Result<(), StateError> {
        let dir = self.dir.clone();
        let save = move || {
            let name = file_name(state.applied);
            write_whole(&dir, &name, &encoded(&state))?;
            metrics::gauge!("nhip_state_snapshot_bytes").set(state.bytes.len() as f64);
            remove_older(&dir, &name)
        };
        let saved = off_the_runtime(save).await.unwrap_or_else(|| Err(io::ErrorKind::Interrupted.into()));
        saved.map_err(|error| failed(&self.dir, &error))
    }

    async fn load(&self) -> Result<Vec<SavedState>, StateError> {
        let dir = self.dir.clone();
        let loaded = off_the_runtime(move || load(&dir)).await;
        loaded
            .unwrap_or_else(|| Err(io::ErrorKind::Interrupted.into()))
            .map_err(|error| failed(&self.dir, &error))
    }
}

fn load(dir: &Path) -> io::Result<Vec<SavedState>> {
    let mut states = Vec::new();
    for name in names_ending(dir, SUFFIX)?.iter().rev() {
        match decoded(&fs::read(dir.join(name))?) {
            Some(state) if file_name(state.applied) == *name => states.push(state),
            _ => {
                metrics::counter!("nhip_state_damaged_total").increment(1);
                tracing::warn!(file = %name, "snapshot is damaged; an older one is used");
            }
        }
    }
    Ok(states)
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
