//! Sorted rows into a Parquet file.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use nhip_ports::FileWork;
use nhip_proto::{Row, SourceId};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{
    ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int64Type,
};
use parquet::errors::Result as Encoded;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::ColumnPath;

use super::columns::{COLUMNS, Codec, Column, schema};
use super::listing::Listed;
use super::order::{Kept, compare};
use super::store::SeriesError;
use super::texts::names_text;
use crate::durable;

/// Rows of one row group.
pub(super) const GROUP_ROWS: usize = 32_768;
/// Rows of one page: what one window of one series costs to read.
const PAGE_ROWS: usize = 2_048;
/// Bytes of a column's dictionary in a row group: a reader of one page reads all of it.
const DICTIONARY_BYTES_MAX: usize = 128 << 10;
/// What a file says it is.
pub(super) const FORMAT: (&str, &str) = ("nhip.format", "rows 1");

/// A file growing row group by row group.
pub(super) struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
    waiting: Vec<Kept>,
    rows: u64,
    group_rows: usize,
}

impl<W: Write + Send> Writer<W> {
    pub(super) fn new(out: W) -> Encoded<Self> {
        Ok(Self {
            file: SerializedFileWriter::new(out, schema()?, properties())?,
            waiting: Vec::new(),
            rows: 0,
            group_rows: GROUP_ROWS,
        })
    }

    /// The same with smaller row groups, for tests of what lies in several.
    #[cfg(test)]
    pub(super) fn with_groups_of(out: W, group_rows: usize) -> Encoded<Self> {
        Ok(Self { group_rows, ..Self::new(out)? })
    }

    /// Adds a row; rows come in their order.
    pub(super) fn push(&mut self, kept: Kept) -> Encoded<()> {
        self.waiting.push(kept);
        if self.waiting.len() >= self.group_rows { self.flush() } else { Ok(()) }
    }

    /// Writes the rest and gives the output back with the number of rows.
    pub(super) fn finish(mut self) -> Encoded<(W, u64)> {
        self.flush()?;
        Ok((self.file.into_inner()?, self.rows))
    }

    fn flush(&mut self) -> Encoded<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for column in COLUMNS {
            if let Some(mut writer) = group.next_column()? {
                write_column(&mut writer, column, &self.waiting)?;
                writer.close()?;
            }
        }
        group.close()?;
        self.rows += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }
}

/// Rows as one Parquet file, for readers outside; in any order. `about` are names and values that say what it is: they
/// stand in the file's metadata.
///
/// # Errors
/// If they cannot be encoded.
pub fn parquet_of(rows: Vec<Row>, about: Vec<(String, String)>) -> io::Result<Vec<u8>> {
    let of_its_own = |row: Row| Kept { tick: row.known_offset, row };
    let mut rows: Vec<Kept> = rows.into_iter().map(of_its_own).collect();
    rows.sort_by(compare);
    let encoded = || -> Encoded<Vec<u8>> {
        let mut writer = Writer::new(Vec::new())?;
        for kept in rows {
            writer.push(kept)?;
        }
        for (name, value) in about {
            writer.file.append_key_value_metadata(KeyValue::new(name, value));
        }
        Ok(writer.finish()?.0)
    };
    encoded().map_err(io::Error::other)
}

/// Writes a file under its name, durable.
pub(super) fn write_file(
    directory: &Path,
    name: String,
    work: FileWork,
    mut next: impl FnMut() -> Result<Option<Kept>, SeriesError>,
) -> Result<Listed, SeriesError> {
    let path = directory.join(&name);
    let unfinished = directory.join(format!("{name}.tmp"));
    let file = durable::create(&unfinished, work)?;
    let mut writer = Writer::new(BufWriter::new(file))?;
    let (mut tick_first, mut tick_last) = (u64::MAX, 0);
    while let Some(kept) = next()? {
        tick_first = tick_first.min(kept.tick.0);
        tick_last = tick_last.max(kept.tick.0);
        writer.push(kept)?;
    }
    let (out, rows) = writer.finish()?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    durable::sync(&file, work)?;
    durable::name(&unfinished, &path, work)?;
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut File::open(&path)?, &mut hasher)?;
    let blake3 = hasher.finalize().to_hex().to_string();
    Ok(Listed { name, bytes: file.metadata()?.len(), blake3, rows, tick_first, tick_last })
}

fn write_column(writer: &mut SerializedColumnWriter<'_>, column: &Column, rows: &[Kept]) -> Encoded<()> {
    match column.codec {
        Codec::Text(get, _) => {
            let values = texts(rows.iter().map(get), Cow::into_owned);
            writer.typed::<ByteArrayType>().write_batch(&values, None, None)?;
        }
        Codec::Names(get, _) => {
            let values = texts(rows.iter().map(get), |names: &[SourceId]| names_text(names));
            writer.typed::<ByteArrayType>().write_batch(&values, None, None)?;
        }
        Codec::Long(get, _) => {
            let (values, levels) = split(rows.iter().map(get));
            writer.typed::<Int64Type>().write_batch(&values, levels_of(column, &levels), None)?;
        }
        Codec::Wide(get, _) => {
            let (values, levels) = split(rows.iter().map(get));
            let bytes = Bytes::from(values.concat());
            let value =
                |at: usize| FixedLenByteArray::from(ByteArray::from(bytes.slice(at * 16..at * 16 + 16)));
            let values: Vec<FixedLenByteArray> = (0..values.len()).map(value).collect();
            writer.typed::<FixedLenByteArrayType>().write_batch(&values, levels_of(column, &levels), None)?;
        }
        Codec::Double(get) => {
            let (values, levels) = split(rows.iter().map(get));
            writer.typed::<DoubleType>().write_batch(&values, levels_of(column, &levels), None)?;
        }
    }
    Ok(())
}

/// The texts of rows; neighbours with the same one share it.
fn texts<T: PartialEq + Clone>(rows: impl Iterator<Item = T>, text: impl Fn(T) -> String) -> Vec<ByteArray> {
    let mut last: Option<(T, ByteArray)> = None;
    rows.map(|row| match &last {
        Some((same, value)) if *same == row => value.clone(),
        _ => {
            let value = ByteArray::from(text(row.clone()).into_bytes());
            last = Some((row, value.clone()));
            value
        }
    })
    .collect()
}

/// The values there are, and for every row whether it has one.
fn split<T>(found: impl Iterator<Item = Option<T>>) -> (Vec<T>, Vec<i16>) {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    for value in found {
        levels.push(i16::from(value.is_some()));
        values.extend(value);
    }
    (values, levels)
}

fn levels_of<'a>(column: &Column, levels: &'a [i16]) -> Option<&'a [i16]> {
    column.optional().then_some(levels)
}

static PROPERTIES: LazyLock<WriterPropertiesPtr> = LazyLock::new(|| {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("nhip".to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new(FORMAT.0.to_owned(), FORMAT.1.to_owned())]))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        // All different: a dictionary of them would be read for nothing.
        .set_column_dictionary_enabled(ColumnPath::from("samples"), false);
    // Times and offsets grow row by row: their differences are small, their values all different.
    for name in [
        "window_start",
        "window_end",
        "known_offset",
        "known_at",
        "tick",
        "event_time",
        "first_offset",
        "last_offset",
    ] {
        let path = ColumnPath::from(name);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    Arc::new(properties.build())
});

fn properties() -> WriterPropertiesPtr {
    Arc::clone(&PROPERTIES)
}
