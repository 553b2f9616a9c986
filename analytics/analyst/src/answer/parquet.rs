//! One Parquet file, with the origin among its own words.

use polars::prelude::{DataFrame, PolarsResult};
use polars_io::parquet::write::{KeyValueMetadata, ParquetWriter};

/// The whole file.
pub(super) fn write(rows: &mut DataFrame, origin: &str) -> PolarsResult<Vec<u8>> {
    let mut out = Vec::new();
    let words = KeyValueMetadata::from_static(vec![("nhip.origin".to_owned(), origin.to_owned())]);
    ParquetWriter::new(&mut out).set_parallel(false).with_key_value_metadata(Some(words)).finish(rows)?;
    Ok(out)
}
