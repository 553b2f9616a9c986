//! Domain types to durable bytes and back. The only file family that sees the generated record types.

mod item;
mod message;
mod record;
mod row;

use thiserror::Error;

pub use record::{decode_record, encode_record};
pub use row::{decode_row, encode_row};

/// Generated from proto/schema/record.proto.
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod wire_record {
    include!(concat!(env!("OUT_DIR"), "/nhip.record.v1.rs"));
}
/// Generated from proto/schema/row.proto.
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod wire_row {
    include!(concat!(env!("OUT_DIR"), "/nhip.row.v1.rs"));
}

/// Why bytes are not a record or row.
#[derive(Debug, Error)]
pub enum CodecError {
    /// Not protobuf.
    #[error("not a record: {0}")]
    Wire(#[from] prost::DecodeError),
    /// A required part is absent.
    #[error("field {0} is missing")]
    Missing(&'static str),
    /// A part has a value this version does not know.
    #[error("field {0} has a value this version does not know")]
    Unknown(&'static str),
}

fn array<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], CodecError> {
    bytes.try_into().map_err(|_| CodecError::Unknown(field))
}
