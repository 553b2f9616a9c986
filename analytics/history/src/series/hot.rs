//! Rows that are not in Parquet yet, by series, encoded.

use std::collections::BTreeMap;

use bytes::Bytes;
use nhip_ports::SeriesKey;
use nhip_proto::{CodecError, EventTime, IndicatorId, Offset, Row, decode_row, encode_row};

/// A row of the row files.
#[derive(Clone)]
struct HotRow {
    tick: Offset,
    window_start: EventTime,
    bytes: Bytes,
}

/// All of them, in the order of Ticks within each series.
#[derive(Default)]
pub(super) struct Hot {
    series: BTreeMap<SeriesKey, Vec<HotRow>>,
    rows: usize,
}

impl Hot {
    pub(super) fn add(&mut self, tick: Offset, rows: &[Row]) {
        for row in rows {
            let mut bytes = Vec::new();
            encode_row(row, &mut bytes);
            let hot = HotRow { tick, window_start: row.key.window_start, bytes: Bytes::from(bytes) };
            self.series.entry(SeriesKey::of(&row.key)).or_default().push(hot);
        }
        self.rows += rows.len();
    }

    /// Lets go what stands in Parquet now.
    pub(super) fn forget(&mut self, before: Offset) {
        self.series.retain(|_, rows| {
            rows.retain(|row| row.tick >= before);
            !rows.is_empty()
        });
        self.rows = self.series.values().map(Vec::len).sum();
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The rows of one series with windows of a range.
    pub(super) fn of(
        &self,
        series: &SeriesKey,
        window: impl Fn(EventTime) -> bool,
    ) -> Result<Vec<Row>, CodecError> {
        let rows = self.series.get(series).into_iter().flatten();
        rows.filter(|row| window(row.window_start)).map(|row| decode_row(row.bytes.clone())).collect()
    }

    /// The series of an indicator.
    pub(super) fn series_of(&self, indicator: &IndicatorId) -> Vec<SeriesKey> {
        self.series.keys().filter(|key| key.indicator == *indicator).cloned().collect()
    }
}
