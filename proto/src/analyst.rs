//! What is said over the socket of the analysts' worker: a question, then a reply, then the bytes of the answer.
//!
//! Every frame is its length in four bytes (big-endian) and as many bytes. The question and the reply are JSON; the
//! parts of an answer follow the reply as they are, and an empty frame says that it is whole. A connection that ends
//! without it has broken off: what came is no answer.

use serde::{Deserialize, Serialize};

/// The longest text of a statement.
pub const STATEMENT_BYTES_MAX: usize = 16 << 10;
/// The longest frame.
pub const ANALYST_FRAME_BYTES_MAX: usize = 256 << 10;

/// A question of an analyst.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalystQuestion {
    /// One SELECT.
    pub sql: String,
    /// Only what starts at or after this, UTC nanoseconds; none: from the beginning.
    pub from_ns: Option<i64>,
    /// Only what starts before this; none: to the end.
    pub to_ns: Option<i64>,
    /// How the answer is written.
    pub format: AnalystFormat,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnalystFormat {
    /// Columns and rows.
    #[default]
    Json,
    /// RFC 4180.
    Csv,
    /// One Parquet file.
    Parquet,
}

impl AnalystFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Json, Self::Csv, Self::Parquet];

    /// Its name in requests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    /// The format of a name; none: there is no such.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// The media type of an answer.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// What comes before the answer, or in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnalystReply {
    /// The answer follows.
    Answer(AnalystHead),
    /// There is none.
    Refusal(AnalystRefusal),
}

/// What is known of an answer before its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalystHead {
    /// Where the log's messages come from: `machine`, `simulated` or `replayed`.
    pub origin: String,
    /// Rows of the answer.
    pub rows: u64,
    /// Rows of the files it was computed from.
    pub rows_scanned: u64,
}

/// Why there is no answer, for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalystRefusal {
    /// What kind of reason.
    pub code: AnalystCode,
    /// What, where, and what is allowed.
    pub message: String,
}

/// Kinds of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnalystCode {
    /// The statement cannot be read, or is none that is allowed.
    Statement,
    /// It needs, or would need, more than one question may.
    Limit,
    /// All places are taken: ask again.
    Busy,
    /// A file is not what was written; nothing of it is served.
    Damaged,
    /// Something else went wrong; the worker's log says more.
    Failed,
}
