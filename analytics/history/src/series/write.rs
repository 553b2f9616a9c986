//! Sorted rows into a Parquet file.

use std::io::Write;
use std::sync::{Arc, LazyLock};

use nhip_proto::Row;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{
    ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int64Type,
};
use parquet::errors::Result;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::ColumnPath;

use super::columns::{COLUMNS, Codec, Column, schema};
use super::order::{Kept, compare};

/// Rows of one row group.
pub(super) const GROUP_ROWS: usize = 32_768;
/// Rows of one page: what one window of one series costs to read.
const PAGE_ROWS: usize = 2_048;
/// What a file says it is.
pub(super) const FORMAT: (&str, &str) = ("nhip.format", "rows 1");

/// A file growing row group by row group.
pub(super) struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
    waiting: Vec<Kept>,
    rows: u64,
}

impl<W: Write + Send> Writer<W> {
    pub(super) fn new(out: W) -> Result<Self> {
        Ok(Self {
            file: SerializedFileWriter::new(out, schema()?, properties())?,
            waiting: Vec::new(),
            rows: 0,
        })
    }

    /// Adds a row; rows come in their order.
    pub(super) fn push(&mut self, kept: Kept) -> Result<()> {
        self.waiting.push(kept);
        if self.waiting.len() >= GROUP_ROWS { self.flush() } else { Ok(()) }
    }

    /// Writes the rest and gives the output back with the number of rows.
    pub(super) fn finish(mut self) -> Result<(W, u64)> {
        self.flush()?;
        Ok((self.file.into_inner()?, self.rows))
    }

    fn flush(&mut self) -> Result<()> {
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
pub fn parquet_of(rows: Vec<Row>, about: Vec<(String, String)>) -> std::io::Result<Vec<u8>> {
    let of_its_own = |row: Row| Kept { tick: row.known_offset, row };
    let mut rows: Vec<Kept> = rows.into_iter().map(of_its_own).collect();
    rows.sort_by(compare);
    let encoded = || -> Result<Vec<u8>> {
        let mut writer = Writer::new(Vec::new())?;
        for kept in rows {
            writer.push(kept)?;
        }
        for (name, value) in about {
            writer.file.append_key_value_metadata(KeyValue::new(name, value));
        }
        Ok(writer.finish()?.0)
    };
    encoded().map_err(std::io::Error::other)
}

fn write_column(writer: &mut SerializedColumnWriter<'_>, column: &Column, rows: &[Kept]) -> Result<()> {
    match column.codec {
        Codec::Text(get, _) => {
            let values: Vec<ByteArray> =
                rows.iter().map(|kept| ByteArray::from(get(kept).into_owned().into_bytes())).collect();
            writer.typed::<ByteArrayType>().write_batch(&values, None, None)?;
        }
        Codec::Long(get, _) => {
            let (values, levels) = split(rows.iter().map(get));
            writer.typed::<Int64Type>().write_batch(&values, levels_of(column, &levels), None)?;
        }
        Codec::Wide(get, _) => {
            let wide = |bytes: [u8; 16]| FixedLenByteArray::from(bytes.to_vec());
            let (values, levels) = split(rows.iter().map(|kept| get(kept).map(wide)));
            writer.typed::<FixedLenByteArrayType>().write_batch(&values, levels_of(column, &levels), None)?;
        }
        Codec::Double(get) => {
            let (values, levels) = split(rows.iter().map(get));
            writer.typed::<DoubleType>().write_batch(&values, levels_of(column, &levels), None)?;
        }
    }
    Ok(())
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
        .set_max_row_group_row_count(Some(GROUP_ROWS));
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
