//! The list of files that are real: swapped whole, checked whole. A file no manifest names does not exist.

use std::fs;
use std::io;
use std::path::Path;

use nhip_ports::{FileAct, FileWork};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::durable;

const MAGIC: &str = "NhipManifest 1";
/// A manifest larger than this is not read.
pub const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// Why a manifest cannot be read or swapped.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// The file system refused.
    #[error("manifest: {0}")]
    Io(#[from] io::Error),
    /// It is not what was written; nothing it names is served.
    #[error("manifest {path} is damaged: {what}")]
    Damaged {
        /// The file.
        path: String,
        /// What was found.
        what: String,
    },
}

/// Reads a manifest; none if there is none yet.
///
/// # Errors
/// [`ManifestError`] if it is damaged or cannot be read.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ManifestError> {
    let damaged =
        |what: &str| ManifestError::Damaged { path: path.display().to_string(), what: what.to_owned() };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
        Ok(found) if found.len() > MANIFEST_BYTES_MAX => {
            return Err(damaged("larger than a manifest may be"));
        }
        Ok(_) => {}
    }
    let text = String::from_utf8(fs::read(path)?).map_err(|_| damaged("not UTF-8"))?;
    let rest = text.strip_prefix(MAGIC).and_then(|rest| rest.strip_prefix('\n'));
    let rest = rest.ok_or_else(|| damaged("not a manifest of format 1"))?;
    let (body, digest) = rest.rsplit_once("\nblake3 ").ok_or_else(|| damaged("no checksum"))?;
    if digest.trim_end() != blake3::hash(body.as_bytes()).to_hex().as_str() {
        return Err(damaged("its checksum differs"));
    }
    serde_json::from_str(body).map(Some).map_err(|error| damaged(&error.to_string()))
}

/// Puts a manifest in the place of the one before: after a power cut the old or the new one is whole.
///
/// # Errors
/// [`ManifestError`] if the file system refuses; the old one stands then.
pub fn swap<T: Serialize>(path: &Path, manifest: &T) -> Result<(), ManifestError> {
    put(path, manifest, &|_| {})
}

/// The same, as part of a work whose steps are told.
pub(crate) fn swap_in<T: Serialize>(path: &Path, manifest: &T, work: FileWork) -> Result<(), ManifestError> {
    put(path, manifest, &|act| work.did(act))
}

fn put<T: Serialize>(path: &Path, manifest: &T, did: &dyn Fn(FileAct)) -> Result<(), ManifestError> {
    let body = serde_json::to_string_pretty(manifest).map_err(io::Error::other)?;
    let digest = blake3::hash(body.as_bytes()).to_hex();
    Ok(durable::list(path, &format!("{MAGIC}\n{body}\nblake3 {digest}\n"), did)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_swapped_is_read_and_any_flipped_byte_is_found() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("manifest");
        assert_eq!(read::<Vec<u64>>(&path).expect("none yet"), None);
        swap(&path, &vec![1_u64, 2, 3]).expect("swapped");
        assert_eq!(read::<Vec<u64>>(&path).expect("read"), Some(vec![1, 2, 3]));
        let whole = fs::read(&path).expect("bytes");
        for place in 0..whole.len() - 1 {
            let mut flipped = whole.clone();
            flipped[place] ^= 1;
            fs::write(&path, &flipped).expect("written");
            assert!(read::<Vec<u64>>(&path).is_err(), "byte {place}");
        }
    }
}
