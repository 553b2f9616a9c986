//! The tables of an analyst: which there are, their columns, and how files become one.

use std::fs::File;
use std::sync::Arc;

use polars::prelude::{DataFrame, Expr, ScanArgsParquet, ScanSources, by_name};
use polars::prelude::{
    DataType, Field, IntoLazy as _, LazyFrame, PolarsResult, Schema, SortMultipleOptions, TimeUnit, TimeZone,
    UniqueKeepStrategy, col, lit,
};
use polars_io::HiveOptions;
use serde::{Deserialize, Serialize};

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Table {
    /// Every window once: the version of it known last.
    Figures,
    /// Every revision of every window.
    Revisions,
    /// The archive of the log: a row for each item, one for a record without items. What is sealed is left out.
    Records,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// Bytes in the file, hexadecimal digits in the table.
    Hex,
    /// A whole number.
    Whole,
    /// A whole number without sign, 64 bits.
    Natural,
    /// A whole number of 32 bits.
    Small,
    /// A whole number without sign, 32 bits.
    SmallNatural,
    /// A number for reading.
    Double,
    /// An exact number of up to 38 digits.
    Exact,
    /// UTC nanoseconds.
    Time,
    /// Yes or no.
    Truth,
}

/// Names and kinds of the columns of [`Table::Figures`] and [`Table::Revisions`], and of [`Table::Records`].
pub const COLUMNS: [&[(&str, Kind)]; 2] = [
    &[
        ("indicator", Kind::Text),
        ("definition", Kind::Hex),
        ("area", Kind::Text),
        ("group", Kind::Text),
        ("period", Kind::Text),
        ("window_start", Kind::Time),
        ("window_end", Kind::Time),
        ("revision", Kind::Whole),
        ("state", Kind::Text),
        ("value", Kind::Double),
        ("value_exact", Kind::Exact),
        ("value_scale", Kind::Whole),
        ("numerator", Kind::Exact),
        ("denominator", Kind::Exact),
        ("k", Kind::Whole),
        ("m", Kind::Whole),
        ("event_time", Kind::Time),
        ("level", Kind::Text),
        ("cause", Kind::Text),
        ("origin", Kind::Text),
        ("lineage", Kind::Text),
        ("badge_dung", Kind::Text),
        ("badge_du", Kind::Text),
        ("badge_sach", Kind::Text),
        ("badge_song", Kind::Text),
        ("known_offset", Kind::Whole),
        ("known_at", Kind::Time),
        ("tick", Kind::Whole),
        ("first_offset", Kind::Whole),
        ("last_offset", Kind::Whole),
        ("samples", Kind::Text),
        ("sources", Kind::Text),
    ],
    &[
        ("offset", Kind::Natural),
        ("place", Kind::SmallNatural),
        ("kind", Kind::Text),
        ("at", Kind::Time),
        ("source", Kind::Text),
        ("stream", Kind::Text),
        ("topic", Kind::Text),
        ("dialect", Kind::Text),
        ("profile_hash", Kind::Hex),
        ("principal", Kind::Text),
        ("author", Kind::Text),
        ("epoch", Kind::Natural),
        ("qos", Kind::Small),
        ("retain", Kind::Truth),
        ("dup", Kind::Truth),
        ("partition", Kind::Small),
        ("rejection", Kind::Text),
        ("rejection_field", Kind::Text),
        ("rejection_place", Kind::SmallNatural),
        ("name", Kind::Text),
        ("alias", Kind::Natural),
        ("undeclared", Kind::SmallNatural),
        ("binds_alias", Kind::Natural),
        ("value", Kind::Double),
        ("mantissa", Kind::Whole),
        ("mantissa_wide", Kind::Hex),
        ("scale", Kind::Small),
        ("state", Kind::Text),
        ("unit", Kind::Text),
        ("event_time", Kind::Time),
        ("period_start", Kind::Time),
        ("period_end", Kind::Time),
        ("longitude_e7", Kind::Small),
        ("latitude_e7", Kind::Small),
        ("identity", Kind::Hex),
        ("sequence", Kind::Natural),
        ("boot", Kind::Natural),
        ("flags", Kind::SmallNatural),
    ],
];

/// The lineage of the running installation; others are what-if runs.
const LIVE: &str = "live";
/// What tells a window from others.
const WINDOW: [&str; 5] = ["indicator", "area", "group", "period", "window_start"];
/// The order in which versions of a window became known.
const KNOWN: [&str; 3] = ["known_offset", "revision", "definition"];

impl Table {
    /// Every table.
    pub const ALL: [Self; 3] = [Self::Figures, Self::Revisions, Self::Records];

    /// Its name in statements.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Figures => "figures",
            Self::Revisions => "revisions",
            Self::Records => "records",
        }
    }

    /// Its columns.
    #[must_use]
    pub fn columns(self) -> &'static [(&'static str, Kind)] {
        let [rows, records] = COLUMNS;
        if self == Self::Records { records } else { rows }
    }

    /// The column `from` and `to` speak of.
    pub(crate) fn time(self) -> &'static str {
        if self == Self::Records { "at" } else { "window_start" }
    }

    /// The rows of these files that start in `[from, to)`.
    pub(crate) fn of(
        self,
        files: Vec<File>,
        from_ns: Option<i64>,
        to_ns: Option<i64>,
    ) -> PolarsResult<LazyFrame> {
        let mut rows = if files.is_empty() { self.empty() } else { self.scan(files)? };
        if let Some(from) = from_ns {
            rows = rows.filter(col(self.time()).gt_eq(instant(from)));
        }
        if let Some(to) = to_ns {
            rows = rows.filter(col(self.time()).lt(instant(to)));
        }
        if self != Self::Figures {
            return Ok(rows);
        }
        let known_last = rows
            .filter(col("lineage").eq(lit(LIVE)))
            .sort(KNOWN, SortMultipleOptions::default())
            .unique_stable(Some(by_name(WINDOW, true, false)), UniqueKeepStrategy::Last);
        Ok(known_last)
    }

    fn scan(self, files: Vec<File>) -> PolarsResult<LazyFrame> {
        let options = ScanArgsParquet {
            cache: false,
            glob: false,
            hive_options: HiveOptions::new_disabled(),
            ..ScanArgsParquet::default()
        };
        let scanned = LazyFrame::scan_parquet_sources(ScanSources::Files(Arc::from(files)), options)?;
        let column = |(name, kind): &(&'static str, Kind)| match kind {
            Kind::Hex => col(*name).binary().hex_encode(),
            _ => col(*name),
        };
        Ok(scanned.select(self.columns().iter().map(column).collect::<Vec<Expr>>()))
    }

    fn empty(self) -> LazyFrame {
        let fields = self.columns().iter().map(|(name, kind)| Field::new((*name).into(), kind.in_memory()));
        DataFrame::empty_with_schema(&Schema::from_iter(fields)).lazy()
    }
}

impl Kind {
    fn in_memory(self) -> DataType {
        match self {
            Self::Text | Self::Hex => DataType::String,
            Self::Whole => DataType::Int64,
            Self::Natural => DataType::UInt64,
            Self::Small => DataType::Int32,
            Self::SmallNatural => DataType::UInt32,
            Self::Double => DataType::Float64,
            Self::Exact => DataType::Decimal(38, 0),
            Self::Time => time(),
            Self::Truth => DataType::Boolean,
        }
    }
}

fn time() -> DataType {
    DataType::Datetime(TimeUnit::Nanoseconds, Some(TimeZone::UTC))
}

fn instant(nanoseconds: i64) -> Expr {
    lit(nanoseconds).cast(time())
}
