//! The rows of an answer as bytes: JSON, CSV or Parquet, none longer than allowed.

mod csv;
mod json;
mod parquet;
mod value;

use nhip_proto::{AnalystFormat, Origin};
use polars::prelude::{Column, DataFrame, PolarsError};
use thiserror::Error;

/// Why an answer cannot be written.
#[derive(Debug, Error)]
pub(crate) enum AnswerError {
    /// It is longer than allowed.
    #[error("too long")]
    TooLong,
    /// A value cannot be written.
    #[error("{0}")]
    Polars(#[from] PolarsError),
}

/// The column every row of an answer over a log that is not of devices has.
const ORIGIN: &str = "origin";

/// Writes an answer. What is simulated or replayed says so in every row, unless the statement has a column of that
/// name already.
///
/// # Errors
/// [`AnswerError`] if it would be longer than allowed or holds what no format can.
pub(crate) fn write(
    mut rows: DataFrame,
    origin: &str,
    format: AnalystFormat,
    bytes_max: usize,
) -> Result<Vec<u8>, AnswerError> {
    let told = rows.columns().iter().any(|column| column.name() == ORIGIN);
    if origin != Origin::Machine.as_str() && !told {
        let column = Column::new_scalar(
            ORIGIN.into(),
            polars::prelude::Scalar::from(polars::prelude::PlSmallStr::from_str(origin)),
            rows.height(),
        );
        rows.with_column(column)?;
    }
    let written = match format {
        AnalystFormat::Json => json::write(&rows, origin, bytes_max)?,
        AnalystFormat::Csv => csv::write(&rows, bytes_max)?,
        AnalystFormat::Parquet => parquet::write(&mut rows, origin)?,
    };
    if written.len() > bytes_max { Err(AnswerError::TooLong) } else { Ok(written) }
}
