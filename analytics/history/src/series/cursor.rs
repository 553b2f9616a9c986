//! Columns of a row group read piece by piece, without the arrow crates.

use std::sync::Arc;

use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use super::columns::{COLUMNS, Codec, Column};
use super::order::Kept;
use super::positioned::Positioned;

/// One column of one row group, read forward.
pub(super) struct ColumnCursor {
    column: &'static Column,
    reader: ColumnReader,
}

impl ColumnCursor {
    pub(super) fn open(
        file: &Positioned,
        metadata: &ParquetMetaData,
        group: usize,
        column: usize,
    ) -> Result<Self> {
        let known = COLUMNS.get(column).ok_or_else(|| wrong("no such column"))?;
        let row_group = metadata.row_group(group);
        let chunk = row_group.column(column);
        let rows = usize::try_from(row_group.num_rows()).map_err(|_| wrong("rows"))?;
        let pages = metadata.page_index_for_row_group(group).page_locations(column).cloned();
        let pages = SerializedPageReader::new(Arc::new(file.clone()), chunk, rows, pages)?;
        Ok(Self { column: known, reader: get_column_reader(chunk.column_descr_ptr(), Box::new(pages)) })
    }

    /// Passes over rows.
    pub(super) fn skip(&mut self, rows: usize) -> Result<()> {
        let skipped = match &mut self.reader {
            ColumnReader::Int64ColumnReader(reader) => reader.skip_records(rows)?,
            ColumnReader::DoubleColumnReader(reader) => reader.skip_records(rows)?,
            ColumnReader::ByteArrayColumnReader(reader) => reader.skip_records(rows)?,
            ColumnReader::FixedLenByteArrayColumnReader(reader) => reader.skip_records(rows)?,
            _ => return Err(wrong("a column of another type")),
        };
        if skipped == rows { Ok(()) } else { Err(wrong("fewer rows than the file says")) }
    }

    /// Sets the column in as many rows as there are.
    pub(super) fn read(&mut self, rows: &mut [Kept]) -> Result<()> {
        let optional = self.column.optional();
        match (&self.column.codec, &mut self.reader) {
            (Codec::Text(_, set), ColumnReader::ByteArrayColumnReader(reader)) => {
                let values: Vec<Option<ByteArray>> = values(reader, rows.len(), optional)?;
                set_all(rows, values, |kept, value| {
                    let value = value?;
                    set(kept, std::str::from_utf8(value.data()).ok()?)
                })
            }
            (Codec::Long(_, set), ColumnReader::Int64ColumnReader(reader)) => {
                set_all(rows, values(reader, rows.len(), optional)?, set)
            }
            (Codec::Wide(_, set), ColumnReader::FixedLenByteArrayColumnReader(reader)) => {
                let values: Vec<Option<FixedLenByteArray>> = values(reader, rows.len(), optional)?;
                set_all(rows, values, |kept, value| match value {
                    Some(value) => set(kept, Some(value.data().try_into().ok()?)),
                    None => set(kept, None),
                })
            }
            (Codec::Double(_), _) => Ok(()),
            _ => Err(wrong("a column of another type")),
        }
    }
}

/// So many values, none where there is none.
fn values<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    optional: bool,
) -> Result<Vec<Option<T::T>>> {
    let (mut levels, mut found) = (Vec::new(), Vec::with_capacity(rows));
    let (read, _, _) = reader.read_records(rows, optional.then_some(&mut levels), None, &mut found)?;
    if read != rows {
        return Err(wrong("fewer rows than the file says"));
    }
    if !optional {
        return Ok(found.into_iter().map(Some).collect());
    }
    let mut found = found.into_iter();
    Ok(levels.iter().map(|level| if *level > 0 { found.next() } else { None }).collect())
}

fn set_all<T>(
    rows: &mut [Kept],
    values: Vec<Option<T>>,
    set: impl Fn(&mut Kept, Option<T>) -> Option<()>,
) -> Result<()> {
    for (kept, value) in rows.iter_mut().zip(values) {
        set(kept, value).ok_or_else(|| wrong("a value no row has"))?;
    }
    Ok(())
}

fn wrong(what: &str) -> ParquetError {
    ParquetError::General(what.to_owned())
}
