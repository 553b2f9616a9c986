//! Data keys, one file each, in a directory of their own outside log, snapshots and backups
//! (docs/log-format.md, "Key files"). What was destroyed stands on a list with the data, which is durable before a key
//! goes; so a crash in between, and an older copy of the keys, bring none back.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use nhip_ports::{DataKey, DestroyedKey, Destruction, KeyClass, KeyError, KeyStore};
use nhip_proto::{ArrivalTime, Offset};

use crate::destroyed_keys::{self, Destroyed};
use crate::file_io::{names_ending, off_the_runtime, sweep_unfinished, sync_directory, write_whole_secretly};

const MAGIC: [u8; 8] = *b"NhipKey\0";
const FORMAT: u32 = 1;
const KEY_BYTES: usize = 32;
const SUFFIX: &str = ".key";
/// Whose keys these are, so that a node never destroys another's.
const OWNER: &str = "owner";

/// Keys in a directory, all of them also in memory: a node holds a few per day.
pub struct KeyFiles {
    store: Arc<Store>,
}

struct Store {
    dir: PathBuf,
    list: PathBuf,
    /// Whether the keys are of another installation: then none is destroyed.
    foreign: bool,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// None: destroyed. Its file stays as a tombstone, so that the id never stands for another key.
    keys: Keys,
    destroyed: Destroyed,
}

type Keys = BTreeMap<String, Option<[u8; KEY_BYTES]>>;

impl KeyFiles {
    /// Opens or creates the directory (mode 0700) of an installation and reads its keys. Those on the list of
    /// destroyed keys and are found alive, after a crash or out of an older copy, are destroyed before this returns.
    ///
    /// # Errors
    /// [`KeyError::Failed`]: others may read the directory, a file is damaged, the file system refuses.
    pub fn open(dir: &Path, list: &Path, installation: [u8; 16]) -> Result<Self, KeyError> {
        let store = Store::open(dir, list, installation).map_err(|error| failed(&error))?;
        Ok(Self { store: Arc::new(store) })
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
        let bytes = self.store.held().keys.get(id).copied().flatten();
        bytes.map(|bytes| DataKey { id: id.to_owned(), bytes }).ok_or_else(|| KeyError::Gone(id.to_owned()))
    }

    async fn destroy(&self, ids: &[String], destruction: &Destruction) -> Result<Vec<String>, KeyError> {
        let (ids, destruction) = (ids.to_vec(), destruction.clone());
        self.off(move |store| store.destroy(&ids, &destruction)).await
    }

    async fn destroyed(&self) -> Result<Vec<DestroyedKey>, KeyError> {
        Ok(self.store.held().destroyed.values().cloned().collect())
    }

    async fn note_logged(&self, ids: &[String], at: Offset) -> Result<(), KeyError> {
        let ids = ids.to_vec();
        self.off(move |store| store.note_logged(&ids, at)).await
    }

    async fn ids(&self) -> Result<Vec<String>, KeyError> {
        let held = self.store.held();
        Ok(held.keys.iter().filter(|(_, key)| key.is_some()).map(|(id, _)| id.clone()).collect())
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
    fn open(dir: &Path, list: &Path, installation: [u8; 16]) -> io::Result<Self> {
        prepared(dir)?;
        let foreign = !belongs(dir, installation)?;
        let mut destroyed = destroyed_keys::read(list)?;
        if foreign {
            destroyed.clear();
        }
        let mut keys = read_all(dir, &destroyed)?;
        destroy_again(dir, &destroyed, &mut keys)?;
        let held = Mutex::new(Held { keys, destroyed });
        Ok(Self { dir: dir.to_owned(), list: list.to_owned(), foreign, held })
    }

    fn living(&self, class: &KeyClass, at: ArrivalTime) -> Option<DataKey> {
        let held = self.held();
        let generations = (1..).map(|generation| class.key_id(at, generation));
        let known = generations.map_while(|id| held.keys.get(&id).map(|key| (id, *key)));
        known.filter_map(|(id, key)| key.map(|bytes| DataKey { id, bytes })).next()
    }

    /// Holds the lock over the write: two callers must never get two keys of one id.
    fn make(&self, class: &KeyClass, at: ArrivalTime) -> Result<DataKey, KeyError> {
        let mut held = self.held();
        for generation in 1.. {
            let id = class.key_id(at, generation);
            match held.keys.get(&id) {
                Some(Some(bytes)) => return Ok(DataKey { id, bytes: *bytes }),
                Some(None) => {}
                None => {
                    let mut bytes = [0; KEY_BYTES];
                    getrandom::fill(&mut bytes).map_err(|error| KeyError::Failed(error.to_string()))?;
                    let file = encoded(&id, Some(&bytes));
                    write_whole_secretly(&self.dir, &file_name(&id), &file)
                        .map_err(|error| failed(&error))?;
                    held.keys.insert(id.clone(), Some(bytes));
                    metrics::counter!("nhip_keys_made_total").increment(1);
                    return Ok(DataKey { id, bytes });
                }
            }
        }
        Err(KeyError::Failed("no generation is left".to_owned()))
    }

    /// The list first, then the keys: whatever is cut off in between is made up for by the next start.
    fn destroy(&self, ids: &[String], destruction: &Destruction) -> Result<Vec<String>, KeyError> {
        if self.foreign {
            let what = format!("{}: the keys of another installation: none is destroyed", self.dir.display());
            return Err(KeyError::Failed(what));
        }
        let mut held = self.held();
        let living = |id: &&String| matches!(held.keys.get(*id), Some(Some(_)));
        let done: Vec<String> = ids.iter().filter(living).cloned().collect();
        if done.is_empty() {
            return Ok(done);
        }
        for id in &done {
            let key = DestroyedKey { id: id.clone(), destruction: destruction.clone(), logged: None };
            held.destroyed.entry(id.clone()).or_insert(key);
        }
        destroyed_keys::write(&self.list, &held.destroyed).map_err(|error| failed(&error))?;
        for id in &done {
            overwrite_and_unlink(&self.dir, id).map_err(|error| failed(&error))?;
            held.keys.insert(id.clone(), None);
            metrics::counter!("nhip_keys_destroyed_total").increment(1);
        }
        Ok(done)
    }

    fn note_logged(&self, ids: &[String], at: Offset) -> Result<(), KeyError> {
        let mut held = self.held();
        for id in ids {
            if let Some(key) = held.destroyed.get_mut(id) {
                key.logged = Some(at);
            }
        }
        destroyed_keys::write(&self.list, &held.destroyed).map_err(|error| failed(&error))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ids of the keys that live in a directory, also of a running node's, sorted; none if there is no such directory.
///
/// # Errors
/// The directory cannot be read, or a file is damaged.
pub fn living_keys(dir: &Path) -> io::Result<Vec<String>> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let keys = read_all(dir, &Destroyed::new())?;
    Ok(keys.into_iter().filter_map(|(id, key)| key.map(|_| id)).collect())
}

/// Whether the directory is of this installation; one without an owner is taken over.
fn belongs(dir: &Path, installation: [u8; 16]) -> io::Result<bool> {
    let id: String = installation.iter().map(|byte| format!("{byte:02x}")).collect();
    match fs::read_to_string(dir.join(OWNER)) {
        Ok(owner) => Ok(owner.trim() == id),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            write_whole_secretly(dir, OWNER, format!("{id}\n").as_bytes())?;
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

/// Destroys what stands on the list and lives. Where not even the tombstone is there (the disk with the keys was lost),
/// it is made again: copies of the keys follow it.
fn destroy_again(dir: &Path, destroyed: &Destroyed, keys: &mut Keys) -> io::Result<()> {
    for id in destroyed.keys() {
        match keys.get(id) {
            Some(None) => continue,
            Some(Some(_)) => {
                overwrite_and_unlink(dir, id)?;
                metrics::counter!("nhip_keys_destroyed_total").increment(1);
                tracing::warn!(
                    key = id,
                    "a destroyed key was there again, from a crash or an older copy: destroyed"
                );
            }
            None => write_whole_secretly(dir, &file_name(id), &encoded(id, None))?,
        }
        keys.insert(id.clone(), None);
    }
    Ok(())
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

/// A file of a key on the list may be cut off in the middle of its destruction: it counts as destroyed.
fn read_all(dir: &Path, destroyed: &Destroyed) -> io::Result<Keys> {
    let mut keys = BTreeMap::new();
    for name in names_ending(dir, SUFFIX)? {
        let bytes = fs::read(dir.join(&name))?;
        let entry = decoded(&bytes).filter(|(id, _)| file_name(id) == name);
        let listed = || destroyed.keys().find(|id| file_name(id) == name);
        let (id, key) = match (entry, listed) {
            (Some(entry), _) => entry,
            (None, listed) => {
                let damaged =
                    || io::Error::new(io::ErrorKind::InvalidData, format!("key file {name} is damaged"));
                let id = listed().ok_or_else(damaged)?.clone();
                overwrite_and_unlink(dir, &id)?;
                (id, None)
            }
        };
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
