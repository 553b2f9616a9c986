//! Data keys, one file each, in a directory of their own outside log, snapshots and backups
//! (docs/log-format.md, "Key files").

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use nhip_ports::{DataKey, KeyClass, KeyError, KeyStore};
use nhip_proto::ArrivalTime;

use crate::file_io::{names_ending, off_the_runtime, sweep_unfinished, sync_directory, write_whole_secretly};

const MAGIC: [u8; 8] = *b"NhipKey\0";
const FORMAT: u32 = 1;
const KEY_BYTES: usize = 32;
const SUFFIX: &str = ".key";

/// Keys in a directory, all of them also in memory: a node holds a few per day.
pub struct KeyFiles {
    store: Arc<Store>,
}

struct Store {
    dir: PathBuf,
    /// None: destroyed. Its file stays as a tombstone, so that the id never stands for another key.
    keys: Mutex<BTreeMap<String, Option<[u8; KEY_BYTES]>>>,
}

impl KeyFiles {
    /// Opens or creates the directory (mode 0700) and reads its keys.
    ///
    /// # Errors
    /// [`KeyError::Failed`]: others may read the directory, a file is damaged, the file system refuses.
    pub fn open(dir: &Path) -> Result<Self, KeyError> {
        let keys = prepared(dir).and_then(|()| read_all(dir)).map_err(|error| failed(&error))?;
        Ok(Self { store: Arc::new(Store { dir: dir.to_owned(), keys: Mutex::new(keys) }) })
    }

    async fn off<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, KeyError> {
        let store = Arc::clone(&self.store);
        let done = off_the_runtime(move || work(&store)).await;
        done.unwrap_or_else(|| Err(KeyError::Failed("the node is stopping".to_owned())))
    }
}

#[async_trait]
impl KeyStore for KeyFiles {
    async fn current(&self, class: &KeyClass, at: ArrivalTime) -> Result<DataKey, KeyError> {
        if let Some(key) = self.store.living(class, at) {
            return Ok(key);
        }
        let class = class.clone();
        self.off(move |store| store.make(&class, at)).await
    }

    async fn key(&self, id: &str) -> Result<DataKey, KeyError> {
        let bytes = self.store.keys().get(id).copied().flatten();
        bytes.map(|bytes| DataKey { id: id.to_owned(), bytes }).ok_or_else(|| KeyError::Gone(id.to_owned()))
    }

    async fn destroy(&self, id: &str) -> Result<(), KeyError> {
        let id = id.to_owned();
        self.off(move |store| store.destroy(&id)).await
    }

    async fn ids(&self) -> Result<Vec<String>, KeyError> {
        let keys = self.store.keys();
        Ok(keys.iter().filter(|(_, key)| key.is_some()).map(|(id, _)| id.clone()).collect())
    }
}

/// One key out of a directory a node may be using: takes no lock, writes nothing, reads no other key. None: it was
/// destroyed.
///
/// # Errors
/// [`KeyError::Gone`]: the directory has no file of it; [`KeyError::Failed`]: the file is damaged or cannot be read.
pub fn read_key(dir: &Path, id: &str) -> Result<Option<DataKey>, KeyError> {
    let name = file_name(id);
    let bytes = fs::read(dir.join(&name)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => KeyError::Gone(id.to_owned()),
        _ => failed(&error),
    })?;
    let entry = decoded(&bytes).filter(|(found, _)| found == id);
    let (id, key) = entry.ok_or_else(|| KeyError::Failed(format!("key file {name} is damaged")))?;
    Ok(key.map(|bytes| DataKey { id, bytes }))
}

impl Store {
    fn living(&self, class: &KeyClass, at: ArrivalTime) -> Option<DataKey> {
        let keys = self.keys();
        let generations = (1..).map(|generation| class.key_id(at, generation));
        let known = generations.map_while(|id| keys.get(&id).map(|key| (id, *key)));
        known.filter_map(|(id, key)| key.map(|bytes| DataKey { id, bytes })).next()
    }

    /// Holds the lock over the write: two callers must never get two keys of one id.
    fn make(&self, class: &KeyClass, at: ArrivalTime) -> Result<DataKey, KeyError> {
        let mut keys = self.keys();
        for generation in 1.. {
            let id = class.key_id(at, generation);
            match keys.get(&id) {
                Some(Some(bytes)) => return Ok(DataKey { id, bytes: *bytes }),
                Some(None) => {}
                None => {
                    let mut bytes = [0; KEY_BYTES];
                    getrandom::fill(&mut bytes).map_err(|error| KeyError::Failed(error.to_string()))?;
                    let file = encoded(&id, Some(&bytes));
                    write_whole_secretly(&self.dir, &file_name(&id), &file)
                        .map_err(|error| failed(&error))?;
                    keys.insert(id.clone(), Some(bytes));
                    metrics::counter!("nhip_keys_made_total").increment(1);
                    return Ok(DataKey { id, bytes });
                }
            }
        }
        Err(KeyError::Failed("no generation is left".to_owned()))
    }

    fn destroy(&self, id: &str) -> Result<(), KeyError> {
        let mut keys = self.keys();
        let Some(key @ Some(_)) = keys.get_mut(id) else { return Err(KeyError::Gone(id.to_owned())) };
        overwrite_and_unlink(&self.dir, id).map_err(|error| failed(&error))?;
        *key = None;
        metrics::counter!("nhip_keys_destroyed_total").increment(1);
        Ok(())
    }

    fn keys(&self) -> MutexGuard<'_, BTreeMap<String, Option<[u8; KEY_BYTES]>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Overwrites the key where it stands with a tombstone of the same length, then unlinks the file by putting a
/// fresh tombstone in its place.
fn overwrite_and_unlink(dir: &Path, id: &str) -> io::Result<()> {
    let tombstone = encoded(id, None);
    let mut file = OpenOptions::new().write(true).open(dir.join(file_name(id)))?;
    file.write_all(&tombstone)?;
    file.sync_all()?;
    write_whole_secretly(dir, &file_name(id), &tombstone)
}

fn prepared(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        sync_directory(parent)?;
    }
    let mode = fs::metadata(dir)?.permissions().mode();
    if mode & 0o077 != 0 {
        let what =
            format!("{}: mode {:03o} lets others read keys, 700 is needed", dir.display(), mode & 0o777);
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
    }
    sweep_unfinished(dir)
}

fn read_all(dir: &Path) -> io::Result<BTreeMap<String, Option<[u8; KEY_BYTES]>>> {
    let mut keys = BTreeMap::new();
    for name in names_ending(dir, SUFFIX)? {
        let bytes = fs::read(dir.join(&name))?;
        let entry = decoded(&bytes).filter(|(id, _)| file_name(id) == name);
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, format!("key file {name} is damaged"));
        let (id, key) = entry.ok_or_else(damaged)?;
        keys.insert(id, key);
    }
    Ok(keys)
}

/// Ids hold names from outside; their hash is always a file name.
fn file_name(id: &str) -> String {
    let hash = blake3::hash(id.as_bytes()).to_hex();
    format!("{}{SUFFIX}", hash.get(..32).unwrap_or_default())
}

fn encoded(id: &str, key: Option<&[u8; KEY_BYTES]>) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    file.extend(FORMAT.to_le_bytes());
    file.extend([u8::from(key.is_some()), 0, 0, 0]);
    file.extend(key.unwrap_or(&[0; KEY_BYTES]));
    file.extend(id.as_bytes());
    let checksum = crc32c::crc32c(&file);
    file.extend(checksum.to_le_bytes());
    file
}

fn decoded(file: &[u8]) -> Option<(String, Option<[u8; KEY_BYTES]>)> {
    let (covered, checksum) = file.split_last_chunk::<4>()?;
    let (magic, rest) = covered.split_first_chunk::<8>()?;
    let (version, rest) = rest.split_first_chunk::<4>()?;
    let ([living, _, _, _], rest) = rest.split_first_chunk::<4>()?;
    let (key, id) = rest.split_first_chunk::<KEY_BYTES>()?;
    let known = *magic == MAGIC && u32::from_le_bytes(*version) == FORMAT;
    let right = known && crc32c::crc32c(covered).to_le_bytes() == *checksum;
    let id = std::str::from_utf8(id).ok().filter(|_| right)?;
    Some((id.to_owned(), (*living == 1).then_some(*key)))
}

/// Names the file, never a key.
fn failed(error: &io::Error) -> KeyError {
    KeyError::Failed(error.to_string())
}
