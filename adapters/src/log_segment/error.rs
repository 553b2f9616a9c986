//! Why a log cannot be opened, and how an I/O error becomes one.

use std::io;
use std::path::Path;

use nhip_ports::LogError;
use thiserror::Error;

/// Why a log cannot be opened.
#[derive(Debug, Error)]
pub enum LogOpenError {
    /// Another process, or this one, has it open.
    #[error("log {0} is already open in a running node")]
    Locked(String),
    /// It belongs to another installation or node, or has another origin.
    #[error("log {dir} has {what} {found}, but was to be opened with {what} {asked}")]
    Identity {
        /// The directory.
        dir: String,
        /// `installation`, `node` or `origin`.
        what: &'static str,
        /// What the log says.
        found: String,
        /// What was asked for.
        asked: String,
    },
    /// The identity asked for cannot be written down.
    #[error("log identity: {0}")]
    InvalidIdentity(&'static str),
    /// The file system refuses.
    #[error("{path}: {what}")]
    Io {
        /// The file or directory.
        path: String,
        /// The error of the operating system.
        what: String,
    },
    /// The log is damaged; nothing was changed.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl LogOpenError {
    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        Self::Io { path: path.display().to_string(), what: error.to_string() }
    }
}

pub(super) fn damaged(offset: u64, segment: &str, byte: u64, what: impl Into<String>) -> LogError {
    LogError::Damaged { offset, segment: segment.to_owned(), byte, what: what.into() }
}

/// A full disk is waited out; every other error of a write or sync is final.
pub(super) fn disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
