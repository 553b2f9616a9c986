//! Columns of a row group read piece by piece, without the arrow crates. A column whose statistics say that all its
//! values are the same is not read at all.

use std::sync::Arc;

use nhip_proto::SourceId;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::file::statistics::Statistics;

use super::columns::{COLUMNS, Codec, Column};
use super::order::Kept;
use super::positioned::Positioned;
use super::texts::names;

/// One column of one row group, read forward.
pub(super) struct ColumnCursor {
    column: &'static Column,
    values: Values,
    /// The list read last: neighbours often have the same one.
    last_names: Option<(ByteArray, Vec<SourceId>)>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "one a column that is open; a box would be one more allocation each"
)]
enum Values {
    Paged(ColumnReader),
    Same(Same),
}

/// The one value of all rows of a row group.
enum Same {
    Bytes(Option<ByteArray>),
    Long(Option<i64>),
}

/// Texts or fixed bytes of rows.
pub(super) enum Texts {
    Same(ByteArray),
    Each(Vec<ByteArray>),
}

impl Texts {
    pub(super) fn at(&self, row: usize) -> &[u8] {
        match self {
            Self::Same(value) => value.data(),
            Self::Each(values) => values.get(row).map_or(&[], ByteArray::data),
        }
    }

    /// Whether a row has another value than the row before.
    pub(super) fn changes_at(&self, row: usize) -> bool {
        match self {
            Self::Same(_) => false,
            Self::Each(_) => row > 0 && self.at(row) != self.at(row - 1),
        }
    }
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
        let values = match chunk.statistics().and_then(|told| same(told, rows as u64)) {
            Some(same) => Values::Same(same),
            None => {
                let pages = metadata.page_index_for_row_group(group).page_locations(column).cloned();
                let pages = SerializedPageReader::new(Arc::new(file.clone()), chunk, rows, pages)?;
                Values::Paged(get_column_reader(chunk.column_descr_ptr(), Box::new(pages)))
            }
        };
        Ok(Self { column: known, values, last_names: None })
    }

    /// Passes over rows.
    pub(super) fn skip(&mut self, rows: usize) -> Result<()> {
        let Values::Paged(reader) = &mut self.values else { return Ok(()) };
        let skipped = match reader {
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
        match &self.column.codec {
            Codec::Text(_, set) => {
                let values = self.bytes(rows.len())?;
                set_all(rows, values, |kept, value| set(kept, std::str::from_utf8(value?.data()).ok()?))
            }
            Codec::Names(_, set) => {
                let values = self.bytes(rows.len())?;
                set_all(rows, values, |kept, value| {
                    set(kept, self.names(value?)?);
                    Some(())
                })
            }
            Codec::Wide(_, set) => set_all(rows, self.bytes(rows.len())?, |kept, value| match value {
                Some(value) => set(kept, Some(value.data().try_into().ok()?)),
                None => set(kept, None),
            }),
            Codec::Long(_, set) => set_all(rows, self.longs(rows.len())?, set),
            Codec::Double(_) => Ok(()),
        }
    }

    /// The next numbers.
    pub(super) fn longs(&mut self, rows: usize) -> Result<Vec<Option<i64>>> {
        match &mut self.values {
            Values::Same(Same::Long(value)) => Ok(vec![*value; rows]),
            Values::Paged(ColumnReader::Int64ColumnReader(reader)) => {
                values(reader, rows, self.column.optional())
            }
            _ => Err(wrong("a column of another type")),
        }
    }

    /// The next texts of a column every row has.
    pub(super) fn texts(&mut self, rows: usize) -> Result<Texts> {
        if let Values::Same(Same::Bytes(Some(value))) = &self.values {
            return Ok(Texts::Same(value.clone()));
        }
        Ok(Texts::Each(self.bytes(rows)?.into_iter().flatten().collect()))
    }

    fn bytes(&mut self, rows: usize) -> Result<Vec<Option<ByteArray>>> {
        let optional = self.column.optional();
        match &mut self.values {
            Values::Same(Same::Bytes(value)) => Ok(vec![value.clone(); rows]),
            Values::Paged(ColumnReader::ByteArrayColumnReader(reader)) => values(reader, rows, optional),
            Values::Paged(ColumnReader::FixedLenByteArrayColumnReader(reader)) => {
                let found: Vec<Option<FixedLenByteArray>> = values(reader, rows, optional)?;
                Ok(found.into_iter().map(|value| value.map(ByteArray::from)).collect())
            }
            _ => Err(wrong("a column of another type")),
        }
    }

    fn names(&mut self, text: ByteArray) -> Option<Vec<SourceId>> {
        match &self.last_names {
            Some((last, found)) if last.data() == text.data() => Some(found.clone()),
            _ => {
                let found = names(std::str::from_utf8(text.data()).ok()?)?;
                self.last_names = Some((text, found.clone()));
                Some(found)
            }
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
    mut set: impl FnMut(&mut Kept, Option<T>) -> Option<()>,
) -> Result<()> {
    for (kept, value) in rows.iter_mut().zip(values) {
        set(kept, value).ok_or_else(|| wrong("a value no row has"))?;
    }
    Ok(())
}

/// The one value of a row group, if its exact least and greatest are equal and no row lacks it, or all rows do.
fn same(told: &Statistics, rows: u64) -> Option<Same> {
    let missing = told.null_count_opt()?;
    let none = missing == rows;
    if !none && missing > 0 {
        return None;
    }
    match told {
        Statistics::Int64(_) if none => Some(Same::Long(None)),
        Statistics::ByteArray(_) | Statistics::FixedLenByteArray(_) if none => Some(Same::Bytes(None)),
        Statistics::Int64(told) if told.min_opt() == told.max_opt() => {
            told.min_opt().map(|value| Same::Long(Some(*value)))
        }
        Statistics::ByteArray(told) => {
            one(told.min_opt(), told.max_opt(), told.min_is_exact() && told.max_is_exact())
        }
        Statistics::FixedLenByteArray(told) => {
            let (least, greatest) =
                (told.min_opt().map(|value| &**value), told.max_opt().map(|value| &**value));
            one(least, greatest, told.min_is_exact() && told.max_is_exact())
        }
        _ => None,
    }
}

fn one(least: Option<&ByteArray>, greatest: Option<&ByteArray>, exact: bool) -> Option<Same> {
    let least = least.filter(|least| exact && Some(*least) == greatest)?;
    Some(Same::Bytes(Some(least.clone())))
}

fn wrong(what: &str) -> ParquetError {
    ParquetError::General(what.to_owned())
}
