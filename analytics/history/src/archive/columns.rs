//! The columns of an archive file: one row per item, and one for a record without items (docs/archive.md).

use std::io::Write;

use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType,
    Int32Type, Int64Type,
};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::RowGroupReader;
use parquet::file::writer::SerializedRowGroupWriter;

/// Declares the columns once: the row, the buffers, the schema, writing and reading in one order.
macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $schema:literal,)*) => {
        /// One row; a column that is none is null.
        #[derive(Clone, Default)]
        pub(super) struct Row {
            $($(#[$doc])* pub(super) $name: Option<$type>,)*
        }

        /// The rows of one row group, by column.
        #[derive(Default)]
        pub(super) struct Columns {
            rows: usize,
            $($name: Cells<$type>,)*
        }

        impl Columns {
            pub(super) fn push(&mut self, row: Row) {
                self.rows += 1;
                $(self.$name.push(row.$name);)*
            }

            pub(super) fn write<W: Write + Send>(
                &self,
                group: &mut SerializedRowGroupWriter<'_, W>,
            ) -> Result<()> {
                $(self.$name.write(group)?;)*
                Ok(())
            }

            pub(super) fn read(group: &dyn RowGroupReader) -> Result<Self> {
                let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
                let mut places = 0..group.num_columns();
                $(let $name = Cells::read(group, &mut places, rows)?;)*
                Ok(Self { rows, $($name,)* })
            }

            /// The rows back, in order.
            pub(super) fn into_rows(self) -> impl Iterator<Item = Row> {
                let rows = self.rows;
                $(let mut $name = self.$name.into_values();)*
                (0..rows).map(move |_| Row { $($name: $name.next().flatten(),)* })
            }
        }

        /// The schema as Parquet writes it down.
        pub(super) const SCHEMA: &str = concat!("message nhip_record { ", $($schema, "; ",)* "}");
    };
}

columns! {
    /// The record's place in the log.
    offset: i64 = "REQUIRED INT64 offset (INTEGER(64,false))",
    /// The item's place in the record; 0 for a record without items.
    place: i32 = "REQUIRED INT32 place (INTEGER(32,false))",
    /// The record's kind in words.
    kind: ByteArray = "REQUIRED BYTE_ARRAY kind (UTF8)",
    /// When the record was made.
    at: i64 = "REQUIRED INT64 at (TIMESTAMP(NANOS,true))",
    source: ByteArray = "OPTIONAL BYTE_ARRAY source (UTF8)",
    stream: ByteArray = "OPTIONAL BYTE_ARRAY stream (UTF8)",
    topic: ByteArray = "OPTIONAL BYTE_ARRAY topic (UTF8)",
    dialect: ByteArray = "OPTIONAL BYTE_ARRAY dialect (UTF8)",
    profile_hash: FixedLenByteArray = "OPTIONAL FIXED_LEN_BYTE_ARRAY(16) profile_hash",
    principal: ByteArray = "OPTIONAL BYTE_ARRAY principal (UTF8)",
    /// Who acted, of records written by people.
    author: ByteArray = "OPTIONAL BYTE_ARRAY author (UTF8)",
    epoch: i64 = "OPTIONAL INT64 epoch (INTEGER(64,false))",
    qos: i32 = "OPTIONAL INT32 qos",
    retain: bool = "OPTIONAL BOOLEAN retain",
    dup: bool = "OPTIONAL BOOLEAN dup",
    partition: i32 = "OPTIONAL INT32 partition",
    rejection: ByteArray = "OPTIONAL BYTE_ARRAY rejection (UTF8)",
    rejection_field: ByteArray = "OPTIONAL BYTE_ARRAY rejection_field (UTF8)",
    rejection_place: i32 = "OPTIONAL INT32 rejection_place (INTEGER(32,false))",
    name: ByteArray = "OPTIONAL BYTE_ARRAY name (UTF8)",
    alias: i64 = "OPTIONAL INT64 alias (INTEGER(64,false))",
    undeclared: i32 = "OPTIONAL INT32 undeclared (INTEGER(32,false))",
    binds_alias: i64 = "OPTIONAL INT64 binds_alias (INTEGER(64,false))",
    /// The number for readers; `mantissa` and `scale` are the number.
    value: f64 = "OPTIONAL DOUBLE value",
    mantissa: i64 = "OPTIONAL INT64 mantissa",
    /// Big-endian two's complement, where 64 bits are not enough.
    mantissa_wide: FixedLenByteArray = "OPTIONAL FIXED_LEN_BYTE_ARRAY(16) mantissa_wide",
    scale: i32 = "OPTIONAL INT32 scale",
    state: ByteArray = "OPTIONAL BYTE_ARRAY state (UTF8)",
    unit: ByteArray = "OPTIONAL BYTE_ARRAY unit (UTF8)",
    event_time: i64 = "OPTIONAL INT64 event_time (TIMESTAMP(NANOS,true))",
    period_start: i64 = "OPTIONAL INT64 period_start (TIMESTAMP(NANOS,true))",
    period_end: i64 = "OPTIONAL INT64 period_end (TIMESTAMP(NANOS,true))",
    longitude_e7: i32 = "OPTIONAL INT32 longitude_e7",
    latitude_e7: i32 = "OPTIONAL INT32 latitude_e7",
    identity: FixedLenByteArray = "OPTIONAL FIXED_LEN_BYTE_ARRAY(16) identity",
    sequence: i64 = "OPTIONAL INT64 sequence (INTEGER(64,false))",
    boot: i64 = "OPTIONAL INT64 boot (INTEGER(64,false))",
    flags: i32 = "OPTIONAL INT32 flags (INTEGER(32,false))",
    sealed_key: ByteArray = "OPTIONAL BYTE_ARRAY sealed_key (UTF8)",
    sealed_nonce: FixedLenByteArray = "OPTIONAL FIXED_LEN_BYTE_ARRAY(12) sealed_nonce",
    sealed_hash: FixedLenByteArray = "OPTIONAL FIXED_LEN_BYTE_ARRAY(16) sealed_hash",
    sealed: ByteArray = "OPTIONAL BYTE_ARRAY sealed",
    /// What has no column of its own, as `Record` of the schema of the log.
    rest: ByteArray = "OPTIONAL BYTE_ARRAY rest",
}

/// One column of one row group: which rows have a value, and the values there are.
struct Cells<T> {
    present: Vec<i16>,
    values: Vec<T>,
}

impl<T> Default for Cells<T> {
    fn default() -> Self {
        Self { present: Vec::new(), values: Vec::new() }
    }
}

impl<T: Cell> Cells<T> {
    fn push(&mut self, value: Option<T>) {
        self.present.push(i16::from(value.is_some()));
        self.values.extend(value);
    }

    fn write<W: Write + Send>(&self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<()> {
        let mut column =
            group.next_column()?.ok_or_else(|| ParquetError::General("a column too many".to_owned()))?;
        column.typed::<T::Data>().write_batch(&self.values, Some(&self.present), None)?;
        column.close()
    }

    fn read(
        group: &dyn RowGroupReader,
        places: &mut impl Iterator<Item = usize>,
        rows: usize,
    ) -> Result<Self> {
        let wrong = || ParquetError::General("another column than the archive has".to_owned());
        let place = places.next().ok_or_else(wrong)?;
        let required = group.metadata().schema_descr().column(place).max_def_level() == 0;
        let reader = T::Data::get_column_reader(group.get_column_reader(place)?);
        let mut reader: ColumnReaderImpl<T::Data> = reader.ok_or_else(wrong)?;
        let mut cells = Self::default();
        let mut read = 0;
        while read < rows {
            let (records, _, _) =
                reader.read_records(rows - read, Some(&mut cells.present), None, &mut cells.values)?;
            if records == 0 {
                return Err(wrong());
            }
            read += records;
        }
        if required {
            cells.present = vec![1; rows];
        }
        Ok(cells)
    }

    fn into_values(self) -> impl Iterator<Item = Option<T>> {
        let mut values = self.values.into_iter();
        self.present.into_iter().map(move |present| if present == 1 { values.next() } else { None })
    }
}

/// A Rust type and the Parquet type it is stored as.
trait Cell: Clone + Sized {
    type Data: DataType<T = Self>;
}

impl Cell for bool {
    type Data = BoolType;
}
impl Cell for i32 {
    type Data = Int32Type;
}
impl Cell for i64 {
    type Data = Int64Type;
}
impl Cell for f64 {
    type Data = DoubleType;
}
impl Cell for ByteArray {
    type Data = ByteArrayType;
}
impl Cell for FixedLenByteArray {
    type Data = FixedLenByteArrayType;
}
