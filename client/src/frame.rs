//! Frames of the server as they stand on the wire. Unknown fields are ignored.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Number, Value};

/// What every frame may say of itself; rows are skipped.
#[derive(Debug, Deserialize)]
pub(crate) struct Head<'a> {
    #[serde(borrow)]
    pub(crate) t: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(crate) e: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) o: Option<u64>,
    #[serde(default)]
    pub(crate) p: Option<u64>,
    #[serde(default)]
    pub(crate) n: Option<Number>,
    #[serde(default, borrow)]
    pub(crate) mode: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) part: Option<u32>,
    #[serde(default)]
    pub(crate) parts: Option<u32>,
    #[serde(default)]
    pub(crate) code: Option<u16>,
    #[serde(default)]
    pub(crate) retry_ms: Option<u64>,
    #[serde(default)]
    pub(crate) ts: Option<i64>,
}

/// The rows of a `d` frame.
#[derive(Debug, Deserialize)]
pub(crate) struct DeltaBody {
    pub(crate) b: i64,
    pub(crate) u: Vec<Change>,
}

/// One tuple of a `d` frame.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Change(
    /// Row id.
    pub u32,
    /// Event time relative to `b`.
    pub Option<i64>,
    /// Value.
    pub Option<Number>,
    /// Quality.
    pub u8,
    /// Flags.
    pub u8,
    /// k.
    pub u32,
    /// m.
    pub u32,
    /// Level.
    pub u8,
    /// Window start relative to `b`.
    pub Option<i64>,
    /// Window end relative to `b`.
    pub Option<i64>,
    /// Badge.
    pub [Option<Number>; 4],
    /// Revision.
    pub u32,
);

/// A `snap` frame or an HTTP snapshot.
#[derive(Debug, Deserialize)]
pub(crate) struct RowsBody {
    #[serde(default)]
    pub(crate) dict: Vec<DictEntry>,
    pub(crate) rows: Vec<RowObject>,
}

/// The position of an HTTP snapshot.
#[derive(Debug, Deserialize)]
pub(crate) struct SnapshotHead {
    pub(crate) epoch: String,
    pub(crate) offset: u64,
}

/// One entry of `dict`.
#[derive(Debug, Deserialize)]
pub(crate) struct DictEntry {
    pub(crate) id: u32,
    pub(crate) indicator: String,
    pub(crate) area: String,
}

/// A row object of snapshots.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RowObject {
    /// Row id.
    pub id: u32,
    /// Event time in ms.
    pub t: Option<i64>,
    /// Value.
    pub v: Option<Number>,
    /// Quality.
    pub q: u8,
    /// Flags.
    pub f: u8,
    /// k.
    pub k: u32,
    /// m.
    pub m: u32,
    /// Level.
    pub l: u8,
    /// Window start and end in ms.
    pub w: Option<(i64, i64)>,
    /// Badge.
    pub b: [Option<Number>; 4],
    /// Revision.
    pub rev: u32,
    /// Offset of the last visible change.
    pub o: u64,
}

/// The content of an `ev` frame.
#[derive(Debug, Deserialize)]
pub(crate) struct EventBody {
    pub(crate) k: String,
    pub(crate) op: String,
    pub(crate) id: String,
    pub(crate) data: Value,
}
