//! Why a publisher cannot work.

use std::path::PathBuf;

use thiserror::Error;

/// Why a publisher cannot work; a server that is not there is no error, it is waited for.
#[derive(Debug, Error)]
pub enum DemoError {
    /// What was asked for makes no sense.
    #[error("{0}")]
    Configuration(String),
    /// A file cannot be opened or created.
    #[error("{0}: {1}")]
    File(PathBuf, String),
    /// A recording is not what it should be.
    #[error("{file}: line {line}: {what}")]
    Recording {
        /// The file's name.
        file: String,
        /// Which line of the table.
        line: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The journal cannot be written.
    #[error("the journal cannot be written: {0}")]
    Journal(String),
    /// A task of the publisher stopped by itself.
    #[error("{0} stopped by itself")]
    Broken(&'static str),
}
