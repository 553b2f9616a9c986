//! The list of imports in one small file that is whole or not there (docs/log-format.md, "Import list").

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use nhip_ports::ImportIndex;

use crate::file_io::{off_the_runtime, write_whole};

const FILE: &str = "imports";
const CHECKSUM_BYTES: usize = 4;

/// The list of one data directory; CRC-32C behind it.
pub struct ImportIndexFile {
    dir: PathBuf,
}

impl ImportIndexFile {
    /// The list of a data directory that is there.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self { dir: data.to_owned() }
    }
}

#[async_trait]
impl ImportIndex for ImportIndexFile {
    async fn load(&self) -> Option<Vec<u8>> {
        let path = self.dir.join(FILE);
        let read = off_the_runtime(move || fs::read(path)).await?;
        let file = match read {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(%error, "the list of imports cannot be read; the log is looked through");
                return None;
            }
        };
        let whole = whole(&file);
        if whole.is_none() {
            tracing::warn!("the list of imports is damaged; the log is looked through");
        }
        whole
    }

    async fn save(&self, mut bytes: Vec<u8>) -> Result<(), String> {
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        let dir = self.dir.clone();
        let saved = off_the_runtime(move || write_whole(&dir, FILE, &bytes)).await;
        saved.unwrap_or_else(|| Err(io::ErrorKind::Interrupted.into())).map_err(|error| error.to_string())
    }
}

fn whole(file: &[u8]) -> Option<Vec<u8>> {
    let (bytes, checksum) = file.split_last_chunk::<CHECKSUM_BYTES>()?;
    (crc32c::crc32c(bytes).to_le_bytes() == *checksum).then(|| bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_saved_is_loaded_and_nothing_damaged() {
        let dir = tempfile::tempdir().expect("a directory");
        let index = ImportIndexFile::new(dir.path());
        assert_eq!(index.load().await, None);
        index.save(b"a list".to_vec()).await.expect("saved");
        index.save(b"another".to_vec()).await.expect("saved");
        assert_eq!(index.load().await.as_deref(), Some(b"another".as_slice()));
        let path = dir.path().join(FILE);
        let file = fs::read(&path).expect("a file");
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            fs::write(&path, changed).expect("written");
            assert_eq!(index.load().await, None, "byte {at}");
        }
    }
}
