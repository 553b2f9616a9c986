//! The log in columns: every record of every kind with its offset, in files that were read back and found equal before
//! the log may give up a segment (docs/archive.md).

mod columns;
mod file;
mod keep;
mod listing;
mod records;
mod rows;
mod spanning;
mod store;
mod telemetry;

use std::io;
use std::path::Path;

use nhip_ports::{LogError, StateError};
use parquet::errors::ParquetError;
use thiserror::Error;

pub use keep::{KeepSettings, Keeper};
pub use listing::{ArchiveFile, sealed_files};
pub use spanning::{SpanningLog, as_log_error};
pub use store::{Archive, ArchiveReport, GoOn, Part, ReadLog, Step};

use crate::manifest::ManifestError;

/// Why the archive cannot be written or read. Nothing is ever served from a file that is not what was written.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The file system refuses.
    #[error("archive {path}: {source}")]
    Io {
        /// The file or directory.
        path: String,
        /// Its error.
        source: io::Error,
    },
    /// The list of files cannot be read or swapped.
    #[error("archive: {0}")]
    Manifest(#[from] ManifestError),
    /// A file is not what was written.
    #[error("archive file {file} is damaged: {what}")]
    Damaged {
        /// Its name.
        file: String,
        /// What was found.
        what: String,
    },
    /// Archive and log do not belong together.
    #[error("archive and log do not meet: {0}")]
    Seam(String),
    /// Too little room on the disk; tried again later.
    #[error("archive: {free_bytes} bytes free, {needed_bytes} are kept free for the log")]
    Full {
        /// What there is.
        free_bytes: u64,
        /// What must stay.
        needed_bytes: u64,
    },
    /// No record of that offset is in the archive.
    #[error("offset {0} is not in the archive")]
    Absent(u64),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Snapshots cannot be listed.
    #[error(transparent)]
    State(#[from] StateError),
    /// It was told to stop; what is unfinished is swept later.
    #[error("archive: stopped")]
    Stopped,
}

impl ArchiveError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.display().to_string(), source }
    }

    fn damaged(file: &str, what: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_owned(), what: what.into() }
    }

    fn parquet(path: &Path, error: &ParquetError) -> Self {
        Self::damaged(&path.display().to_string(), error.to_string())
    }
}
