//! How far a sink was told, in one small file that is whole or not there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use nhip_ports::{PositionError, SinkPosition, SinkPositions};
use nhip_proto::Offset;

use crate::file_io::{off_the_runtime, sweep_unfinished, write_whole};

const MAGIC: [u8; 8] = *b"NhipPos\0";
const FORMAT: u32 = 1;
const SUFFIX: &str = ".position";

/// The position of one sink in a directory of them.
pub struct PositionFile {
    dir: PathBuf,
    name: String,
}

impl PositionFile {
    /// Opens or creates the directory.
    ///
    /// # Errors
    /// [`PositionError`] if the file system refuses.
    pub fn open(dir: &Path, sink: &str) -> Result<Self, PositionError> {
        let opened = fs::create_dir_all(dir).and_then(|()| sweep_unfinished(dir));
        opened.map_err(|error| failed(dir, &error))?;
        Ok(Self { dir: dir.to_owned(), name: format!("{sink}{SUFFIX}") })
    }
}

#[async_trait]
impl SinkPositions for PositionFile {
    async fn save(&self, position: SinkPosition) -> Result<(), PositionError> {
        let (dir, name) = (self.dir.clone(), self.name.clone());
        let saved = off_the_runtime(move || write_whole(&dir, &name, &encoded(position))).await;
        saved
            .unwrap_or_else(|| Err(io::ErrorKind::Interrupted.into()))
            .map_err(|error| failed(&self.dir, &error))
    }

    async fn load(&self) -> Result<Option<SinkPosition>, PositionError> {
        let path = self.dir.join(&self.name);
        let read = off_the_runtime(move || fs::read(path)).await;
        match read.unwrap_or_else(|| Err(io::ErrorKind::Interrupted.into())) {
            Ok(bytes) => Ok(decoded(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&self.dir, &error)),
        }
    }
}

fn encoded(position: SinkPosition) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(FORMAT.to_le_bytes());
    bytes.extend(position.tick.0.to_le_bytes());
    bytes.extend(position.rows.to_le_bytes());
    bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

fn decoded(bytes: &[u8]) -> Option<SinkPosition> {
    let (covered, stored) = bytes.split_last_chunk::<4>()?;
    let rest = covered.strip_prefix(&MAGIC)?.strip_prefix(&FORMAT.to_le_bytes())?;
    let (tick, rest) = rest.split_first_chunk::<8>()?;
    let rows: [u8; 8] = rest.try_into().ok()?;
    let whole = crc32c::crc32c(covered).to_le_bytes() == *stored;
    let position = SinkPosition { tick: Offset(u64::from_le_bytes(*tick)), rows: u64::from_le_bytes(rows) };
    whole.then_some(position)
}

fn failed(dir: &Path, error: &io::Error) -> PositionError {
    PositionError(format!("{}: {error}", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_the_promises_of_a_position() {
        let directory = tempfile::tempdir().expect("a directory");
        nhip_ports::contract::series_sink::positions(|| {
            Box::new(PositionFile::open(directory.path(), "test").expect("a position"))
        })
        .await;
    }

    #[test]
    fn the_bytes_of_format_1_stay_as_they_are() {
        let golden = *b"NhipPos\0\x01\0\0\0\x4d\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\xa6\xc9\x87\xf9";
        let position = SinkPosition { tick: Offset(77), rows: 3 };
        assert_eq!(encoded(position), golden);
        assert_eq!(decoded(&golden), Some(position));
    }

    #[test]
    fn any_changed_byte_reads_as_no_position() {
        let whole = encoded(SinkPosition { tick: Offset(77), rows: 3 });
        assert!(decoded(&whole).is_some());
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert_eq!(decoded(&changed), None, "byte {at}");
            assert_eq!(decoded(&whole[..at]), None, "cut at {at}");
        }
    }
}
