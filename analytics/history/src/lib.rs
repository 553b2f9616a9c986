//! The past in columns: every record of the log (`archive`) and every revision of every figure (`series`), in Parquet
//! files that only a checksummed manifest makes real.

pub mod archive;
mod durable;
pub mod manifest;
mod sealed_file;
pub mod series;

pub use sealed_file::{SealedFile, SealedFileError};
