//! The steps of file work in the history, after each of which the program may die: named here, told to whoever watches.
//!
//! Only a program built with deliberate faults watches (src/file_faults.rs); in every other one nothing listens.

use std::fmt;
use std::sync::OnceLock;

/// A piece of file work that must leave everything in one place or in both, wherever it breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileWork {
    /// A segment of the log becomes a file of the archive.
    ArchiveSeal,
    /// Files of the archive become one.
    ArchiveMerge,
    /// A start removes what no manifest of the archive names.
    ArchiveSweep,
    /// The log gives up segments.
    LogTrim,
    /// Rows of closed row files become files of the series.
    SeriesSeal,
    /// Files of a day become one.
    SeriesMergeDay,
    /// Days of a month become one file.
    SeriesMergeMonth,
    /// A start removes what no manifest of the series names.
    SeriesSweep,
    /// Row files whose rows stand in the series go.
    RowsForget,
}

/// What was just done, by this process and not yet by the disk unless it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileAct {
    /// The new file is there, under a name nobody reads.
    Created,
    /// Its bytes are written.
    Written,
    /// They are durable.
    Synced,
    /// It was read again and found equal.
    Compared,
    /// It has its name.
    Renamed,
    /// The name is durable.
    Named,
    /// The next manifest is written, beside the one in force.
    ListWritten,
    /// Its bytes are durable.
    ListSynced,
    /// It is in force.
    ListRenamed,
    /// It is durably in force.
    Listed,
    /// A file that is no longer needed is gone.
    Removed,
    /// It is durably gone.
    Settled,
}

use FileAct::{
    Compared, Created, ListRenamed, ListSynced, ListWritten, Listed, Named, Removed, Renamed, Settled,
    Synced, Written,
};

/// One act of one work; written `archive-seal.renamed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileStep {
    /// Of which work.
    pub work: FileWork,
    /// What was done.
    pub act: FileAct,
}

impl FileWork {
    /// Every work.
    pub const ALL: [Self; 9] = [
        Self::ArchiveSeal,
        Self::ArchiveMerge,
        Self::ArchiveSweep,
        Self::LogTrim,
        Self::SeriesSeal,
        Self::SeriesMergeDay,
        Self::SeriesMergeMonth,
        Self::SeriesSweep,
        Self::RowsForget,
    ];

    /// What it does, in its order.
    #[must_use]
    pub fn acts(self) -> &'static [FileAct] {
        match self {
            Self::ArchiveSeal => &[
                Created,
                Written,
                Synced,
                Compared,
                Renamed,
                Named,
                ListWritten,
                ListSynced,
                ListRenamed,
                Listed,
            ],
            Self::ArchiveMerge => &[
                Created,
                Written,
                Synced,
                Compared,
                Renamed,
                Named,
                ListWritten,
                ListSynced,
                ListRenamed,
                Listed,
                Removed,
                Settled,
            ],
            Self::SeriesSeal => &[
                Created,
                Written,
                Synced,
                Renamed,
                Named,
                Compared,
                ListWritten,
                ListSynced,
                ListRenamed,
                Listed,
            ],
            Self::SeriesMergeDay | Self::SeriesMergeMonth => &[
                Created,
                Written,
                Synced,
                Renamed,
                Named,
                Compared,
                ListWritten,
                ListSynced,
                ListRenamed,
                Listed,
                Removed,
                Settled,
            ],
            Self::ArchiveSweep | Self::SeriesSweep => &[Removed],
            Self::LogTrim | Self::RowsForget => &[Removed, Settled],
        }
    }

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ArchiveSeal => "archive-seal",
            Self::ArchiveMerge => "archive-merge",
            Self::ArchiveSweep => "archive-sweep",
            Self::LogTrim => "log-trim",
            Self::SeriesSeal => "series-seal",
            Self::SeriesMergeDay => "series-merge-day",
            Self::SeriesMergeMonth => "series-merge-month",
            Self::SeriesSweep => "series-sweep",
            Self::RowsForget => "rows-forget",
        }
    }

    /// Tells whoever watches that this was just done.
    pub fn did(self, act: FileAct) {
        if let Some(watcher) = WATCHER.get() {
            watcher(FileStep { work: self, act });
        }
    }
}

impl FileAct {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Created => "created",
            Written => "written",
            Synced => "synced",
            Compared => "compared",
            Renamed => "renamed",
            Named => "named",
            ListWritten => "list-written",
            ListSynced => "list-synced",
            ListRenamed => "list-renamed",
            Listed => "listed",
            Removed => "removed",
            Settled => "settled",
        }
    }
}

impl FileStep {
    /// Every step there is.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let of = |work: FileWork| work.acts().iter().map(move |act| Self { work, act: *act });
        FileWork::ALL.into_iter().flat_map(of).collect()
    }
}

impl fmt::Display for FileStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.work.as_str(), self.act.as_str())
    }
}

/// Is told of each step, on the thread that does the work.
type Watcher = Box<dyn Fn(FileStep) + Send + Sync>;

static WATCHER: OnceLock<Watcher> = OnceLock::new();

/// Watches the steps of this process from now on; the first to come stays.
pub fn watch_file_steps(watcher: impl Fn(FileStep) + Send + Sync + 'static) {
    drop(WATCHER.set(Box::new(watcher)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_word_of_its_own() {
        let mut words: Vec<String> = FileStep::all().iter().map(FileStep::to_string).collect();
        assert_eq!(words.len(), 62);
        assert!(words.contains(&"archive-seal.list-renamed".to_owned()), "{words:?}");
        words.sort();
        words.dedup();
        assert_eq!(words.len(), 62);
    }
}
