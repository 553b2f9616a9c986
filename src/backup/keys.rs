//! Keys, kept and copied apart from everything they open; the copy follows their destruction.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::commands::Failure;

use super::place::{at, lies_in, sync_directory};

const SUFFIX: &str = ".key";
/// A key file is an id of a few dozen bytes behind 52 of its own.
const KEY_FILE_BYTES_MAX: u64 = 4096;
/// Where a key file says whether its key lives (docs/log-format.md, "Key files").
const LIVING_AT: usize = 12;
const DESTROYED: u8 = 0;

/// What a copy of the keys came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct KeysCopied {
    pub(crate) copied: u64,
    pub(crate) unchanged: u64,
    /// Overwritten in the copy, because their key was destroyed.
    pub(crate) destroyed: u64,
    /// Only in the copy.
    pub(crate) kept: u64,
}

/// Brings a directory of its own, mode 0700, to what the keys are now. Keys that were destroyed are overwritten
/// in place there too: a copy that outlives them would undo the erasure.
pub(crate) fn copy_keys(keys: &Path, data: &Path, to: &Path) -> Result<KeysCopied, Failure> {
    for (what, place) in [("data", data), ("keys", keys)] {
        if lies_in(to, place) || lies_in(place, to) {
            return Err(Failure::configuration(format!(
                "--to {}: allowed is a place apart from the {what} directory {}",
                to.display(),
                place.display()
            )));
        }
    }
    let names =
        key_names(keys).map_err(|error| Failure::configuration(format!("{}: {error}", keys.display())))?;
    prepare(to)?;
    let mut done = KeysCopied::default();
    for name in &names {
        let key = read(&keys.join(name)).map_err(|error| at(&keys.join(name), error))?;
        bring(&key, to, name, &mut done).map_err(|error| at(&to.join(name), error))?;
    }
    done.kept = key_names(to).map_err(|error| at(to, error))?.difference(&names).count() as u64;
    sync_directory(to)?;
    Ok(done)
}

/// A new or empty directory, or one that holds nothing but keys; nobody else may look into it.
fn prepare(to: &Path) -> Result<(), Failure> {
    let refused = |what: String| Failure::configuration(format!("--to {}: {what}", to.display()));
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(to);
    made.map_err(|error| refused(error.to_string()))?;
    let mode = fs::metadata(to).map_err(|error| at(to, error))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(refused(format!("mode {mode:03o} lets others read keys: allowed is 700 (chmod 700)")));
    }
    for entry in fs::read_dir(to).map_err(|error| at(to, error))? {
        let name = entry.map_err(|error| at(to, error))?.file_name();
        let name = name.to_string_lossy();
        if !name.ends_with(SUFFIX) && !name.ends_with(".tmp") {
            return Err(refused(format!("holds `{name}`: allowed is a directory for keys alone")));
        }
    }
    Ok(())
}

fn bring(key: &[u8], to: &Path, name: &str, done: &mut KeysCopied) -> io::Result<()> {
    let target = to.join(name);
    let held = match read(&target) {
        Ok(held) => Some(held),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if held.as_deref() == Some(key) {
        done.unchanged += 1;
        return Ok(());
    }
    if let Some(held) = held
        && key.get(LIVING_AT) == Some(&DESTROYED)
    {
        // In place first, so that the block itself changes wherever the disk allows that.
        let mut file = OpenOptions::new().write(true).open(&target)?;
        file.write_all(&vec![0; held.len()])?;
        file.sync_all()?;
        done.destroyed += 1;
    } else {
        done.copied += 1;
    }
    let unfinished = to.join(format!("{name}.tmp"));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(key)?;
    file.sync_all()?;
    fs::rename(&unfinished, &target)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.len() > KEY_FILE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no key file: larger than one"));
    }
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, KEY_FILE_BYTES_MAX), &mut bytes)?;
    Ok(bytes)
}

fn key_names(directory: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(SUFFIX) {
            names.insert(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVING: &[u8] = b"NhipKey\0\x01\0\0\0\x01\0\0\0secret";
    const GONE: &[u8] = b"NhipKey\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0";

    #[test]
    fn the_copy_is_secret_and_follows_destruction() {
        let directory = tempfile::tempdir().expect("a directory");
        let [data, keys, to] = ["data", "data-keys", "copy"].map(|name| directory.path().join(name));
        fs::create_dir(&keys).expect("made");
        fs::write(keys.join("a.key"), LIVING).expect("written");
        fs::write(keys.join("b.key"), LIVING).expect("written");
        let done = copy_keys(&keys, &data, &to).expect("copied");
        assert_eq!(done, KeysCopied { copied: 2, ..KeysCopied::default() });
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&to), mode(&to.join("a.key"))), (0o700, 0o600));

        fs::write(keys.join("a.key"), GONE).expect("written");
        fs::remove_file(keys.join("b.key")).expect("removed");
        let done = copy_keys(&keys, &data, &to).expect("copied");
        assert_eq!(done, KeysCopied { destroyed: 1, kept: 1, ..KeysCopied::default() });
        assert_eq!(fs::read(to.join("a.key")).expect("read"), GONE);
        assert_eq!(fs::read(to.join("b.key")).expect("read"), LIVING);
    }

    #[test]
    fn a_place_others_can_read_or_that_holds_something_else_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let [data, keys, to] = ["data", "data-keys", "copy"].map(|name| directory.path().join(name));
        fs::create_dir(&keys).expect("made");
        fs::create_dir(&to).expect("made");
        fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).expect("set");
        assert!(copy_keys(&keys, &data, &to).is_err(), "readable by others");
        fs::set_permissions(&to, fs::Permissions::from_mode(0o700)).expect("set");
        fs::write(to.join("nhip-backups"), "aa").expect("written");
        assert!(copy_keys(&keys, &data, &to).is_err(), "a folder of backups");
        assert!(copy_keys(&keys, &data, &data.join("in")).is_err(), "inside the data");
        assert!(copy_keys(&keys, &data, &keys.join("in")).is_err(), "inside the keys");
    }
}
