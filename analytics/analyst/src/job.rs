//! What parent and child say to each other, a line of JSON each: job, need, files, outcome. The bytes of an answer
//! follow the outcome.

use nhip_proto::{AnalystHead, AnalystQuestion, AnalystRefusal};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

use crate::limits::Limits;
use crate::tables::Table;

/// Parent to child: the question and what it may cost.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) question: AnalystQuestion,
    pub(crate) limits: Limits,
    /// What the log says of where its messages come from.
    pub(crate) origin: String,
}

/// Child to parent: which tables the statement reads. Statements are parsed in the child only.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Need {
    Tables(Vec<Table>),
    Refusal(AnalystRefusal),
}

/// Parent to child: the files of each table, every one verified.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Files {
    pub(crate) tables: Vec<(Table, Vec<VerifiedFile>)>,
    /// Rows of all of them.
    pub(crate) rows: u64,
    /// Their bytes: they may be mapped.
    pub(crate) bytes: u64,
}

/// A file as it was when it was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VerifiedFile {
    pub(crate) path: PathBuf,
    pub(crate) identity: Identity,
}

/// What a file does not keep when it is changed or another takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) bytes: u64,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) modified_ns: i128,
    pub(crate) changed_ns: i128,
}

/// Child to parent: how it went.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Answer(AnalystHead),
    Refusal(AnalystRefusal),
    /// A file is not there any more, or not the one that was verified.
    Changed(String),
}
