//! Which series stand where in a file: a row group is left out by its statistics, or read once and remembered.

use std::ops::Range;
use std::sync::OnceLock;

use nhip_ports::SeriesKey;
use nhip_proto::{AreaCode, IndicatorId};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use super::columns::place;
use super::cursor::Texts;

/// Where one series of one definition stands in a row group. Its windows ascend.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) series: SeriesKey,
    pub(super) lineage: String,
    pub(super) definition: [u8; 16],
    /// Rows of the file.
    pub(super) rows: Range<usize>,
}

/// The columns rows are sorted by before the window.
pub(super) const SERIES_COLUMNS: [usize; 6] =
    [place::LINEAGE, place::INDICATOR, place::DEFINITION, place::AREA, place::GROUP, place::PERIOD];

/// What is known of one row group.
#[derive(Debug)]
pub(super) struct Group {
    /// Rows of the file.
    pub(super) rows: Range<usize>,
    stretches: OnceLock<Vec<Stretch>>,
}

impl Group {
    pub(super) fn new(rows: Range<usize>) -> Self {
        Self { rows, stretches: OnceLock::new() }
    }

    /// Its series in order; `read` gives a column of it.
    pub(super) fn stretches(&self, read: impl Fn(usize) -> Result<Texts>) -> Result<&[Stretch]> {
        if let Some(known) = self.stretches.get() {
            return Ok(known);
        }
        let columns = SERIES_COLUMNS.map(read);
        let mut texts = Vec::with_capacity(columns.len());
        for column in columns {
            texts.push(column?);
        }
        let found = found(&texts, &self.rows)?;
        Ok(self.stretches.get_or_init(|| found))
    }
}

fn found(texts: &[Texts], rows: &Range<usize>) -> Result<Vec<Stretch>> {
    let changes = |at: &usize| texts.iter().any(|column| column.changes_at(*at));
    let mut starts: Vec<usize> = std::iter::once(0).chain((1..rows.len()).filter(changes)).collect();
    starts.push(rows.len());
    let text = |column: usize, at: usize| -> Result<&str> {
        let bytes = texts.get(column).map_or(&[][..], |column| column.at(at));
        std::str::from_utf8(bytes).map_err(|error| ParquetError::General(error.to_string()))
    };
    let mut stretches = Vec::with_capacity(starts.len());
    for pair in starts.windows(2) {
        let &[at, end] = pair else { continue };
        let definition = texts.get(2).map_or(&[][..], |column| column.at(at));
        let definition =
            definition.try_into().map_err(|_| ParquetError::General("a definition".to_owned()))?;
        stretches.push(Stretch {
            series: SeriesKey {
                indicator: IndicatorId::new(text(1, at)?),
                area: AreaCode::new(text(3, at)?),
                group: text(4, at)?.to_owned(),
                period: text(5, at)?.to_owned(),
            },
            lineage: text(0, at)?.to_owned(),
            definition,
            rows: rows.start + at..rows.start + end,
        });
    }
    Ok(stretches)
}

/// Whether a row group may have rows of a series, by its statistics.
pub(super) fn may_hold(metadata: &RowGroupMetaData, series: &SeriesKey) -> bool {
    may_hold_indicator(metadata, &series.indicator)
        && within(metadata, place::AREA, series.area.as_str())
        && within(metadata, place::GROUP, &series.group)
        && within(metadata, place::PERIOD, &series.period)
}

/// Whether it may have rows of an indicator.
pub(super) fn may_hold_indicator(metadata: &RowGroupMetaData, indicator: &IndicatorId) -> bool {
    within(metadata, place::INDICATOR, indicator.as_str())
}

/// Bounds may be cut to a few bytes: then they lie a little further out. Without bounds anything may be there.
fn within(metadata: &RowGroupMetaData, column: usize, value: &str) -> bool {
    let Some(Statistics::ByteArray(told)) = metadata.column(column).statistics() else { return true };
    let bytes = value.as_bytes();
    told.min_opt().is_none_or(|least| least.data() <= bytes)
        && told.max_opt().is_none_or(|greatest| bytes <= greatest.data())
}
