//! A file a manifest lists, for readers beside the node: named by the list alone, and believed after every byte of it
//! was checked.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use parquet::file::reader::FileReader as _;
use parquet::file::serialized_reader::SerializedFileReader;
use thiserror::Error;

/// A listed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of all its bytes, hex.
    pub blake3: String,
    /// At least so many rows; the file itself says how many.
    pub rows_least: u64,
    /// The earliest time its rows may have (window start of figures, `at` of records), UTC nanoseconds.
    pub first_ns: i64,
    /// The latest.
    pub last_ns: i64,
}

/// Why a listed file is not read.
#[derive(Debug, Error)]
pub enum SealedFileError {
    /// It is not there: removed since the list was read, or lost.
    #[error("{0}: it is missing")]
    Missing(String),
    /// It is not what was written.
    #[error("{file}: {what}")]
    Damaged {
        /// Its name.
        file: String,
        /// What was found.
        what: String,
    },
    /// The file system refused.
    #[error("{file}: {source}")]
    Io {
        /// Its name.
        file: String,
        /// The error.
        source: io::Error,
    },
}

impl SealedFile {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Whether rows of it may lie in `[from, to)`.
    #[must_use]
    pub fn meets(&self, from_ns: i64, to_ns: i64) -> bool {
        self.first_ns < to_ns && self.last_ns >= from_ns
    }

    /// The open file.
    ///
    /// # Errors
    /// [`SealedFileError`] if it is missing or the file system refuses.
    pub fn open(&self) -> Result<File, SealedFileError> {
        File::open(&self.path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => SealedFileError::Missing(self.name()),
            _ => SealedFileError::Io { file: self.name(), source },
        })
    }

    /// Reads all of an open file of this name and compares it with the list; how many rows it has.
    ///
    /// # Errors
    /// [`SealedFileError`] if it is not what was written.
    pub fn verify(&self, file: &File) -> Result<u64, SealedFileError> {
        let failed = |source| SealedFileError::Io { file: self.name(), source };
        let damaged = |what: &str| SealedFileError::Damaged { file: self.name(), what: what.to_owned() };
        if file.metadata().map_err(failed)?.len() != self.bytes {
            return Err(damaged("its size differs from the manifest"));
        }
        let mut hasher = blake3::Hasher::new();
        io::copy(&mut &*file, &mut hasher).map_err(failed)?;
        if hasher.finalize().to_hex().as_str() != self.blake3 {
            return Err(damaged("its checksum differs from the manifest"));
        }
        let reader = SerializedFileReader::new(file.try_clone().map_err(failed)?);
        let reader = reader.map_err(|error| damaged(&error.to_string()))?;
        let rows = reader.metadata().file_metadata().num_rows();
        u64::try_from(rows).map_err(|_| damaged("it says it has fewer than no rows"))
    }
}
