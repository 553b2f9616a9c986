//! What a backup holds, file by file with digests; written last, so that without it there is no backup.

use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use crate::commands::Failure;

/// The file's name in a backup.
pub(super) const NAME: &str = "manifest";
/// Told apart from manifests of other things.
pub(super) const KIND: &str = "nhip backup";
/// This program writes format 1 and reads up to it.
pub(super) const FORMAT: u32 = 1;

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileEntry {
    /// Where it lies, from the backup's directory on, with `/`.
    pub(crate) path: String,
    /// How long it is.
    pub(crate) bytes: u64,
    /// BLAKE3 of its bytes, hexadecimal.
    pub(crate) blake3: String,
}

/// A whole backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) kind: String,
    pub(crate) format: u32,
    /// Version of the program that wrote it.
    pub(crate) program: String,
    /// When it was begun (RFC 3339).
    pub(crate) made_at: String,
    /// Whose data it is, hexadecimal.
    pub(crate) installation: String,
    pub(crate) node: String,
    pub(crate) origin: String,
    /// The first offset in the log's segments.
    pub(crate) log_first: u64,
    /// The offset after the last record.
    pub(crate) log_end: u64,
    /// The chain over everything up to there, hexadecimal.
    pub(crate) log_chain: String,
    /// The last Tick with rows.
    pub(crate) rows_last: Option<u64>,
    pub(crate) files: Vec<FileEntry>,
}

impl Manifest {
    /// Of a backup's directory; every path in it stays inside.
    pub(super) fn read(backup: &Path) -> Result<Self, Failure> {
        let path = backup.join(NAME);
        let read: Option<Self> = nhip_history::manifest::read(&path).map_err(Failure::other)?;
        let manifest = read.ok_or_else(|| {
            let what = "no manifest, so this is no finished backup";
            Failure::configuration(format!("{}: {what}", path.display()))
        })?;
        let shown = path.display();
        if manifest.kind != KIND {
            return Err(Failure::configuration(format!("{shown}: of a {}, not of a backup", manifest.kind)));
        }
        if manifest.format == 0 || manifest.format > FORMAT {
            let found = manifest.format;
            return Err(Failure::configuration(format!(
                "{shown}: format {found}, this program reads up to {FORMAT}: use a newer one"
            )));
        }
        match manifest.files.iter().find(|file| !stays_inside(&file.path)) {
            Some(file) => Err(Failure::other(format!("{shown}: `{}` leads out of the backup", file.path))),
            None => Ok(manifest),
        }
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

fn stays_inside(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_stay_inside_are_taken() {
        for good in ["data/log/identity", "manifest", "data/a b/ü"] {
            assert!(stays_inside(good), "{good}");
        }
        for bad in ["", "/etc/passwd", "../x", "data/../../x", "./x"] {
            assert!(!stays_inside(bad), "{bad}");
        }
    }
}
