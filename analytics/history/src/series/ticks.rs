//! Rows in the order of their Ticks again, out of files in the order of series.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use nhip_ports::{RowStoreError, TickRows};
use nhip_proto::{Offset, Row};

use super::columns::place;
use super::file::SeriesFile;
use super::store::{SeriesError, SeriesStore};

impl SeriesStore {
    /// Whole Ticks, from Parquet and then from the row files.
    pub(super) async fn all_ticks(
        &self,
        from: Offset,
        to: Offset,
        rows_max: usize,
    ) -> Result<Vec<TickRows>, RowStoreError> {
        // Rows on their way are in neither place for whoever looks at one after the other.
        let _still = self.sealing.lock().await;
        let (covered, files) = {
            let state = self.state();
            (state.listing.covered(), state.files.clone())
        };
        let (mut ticks, mut found, mut at) = (Vec::new(), 0, from);
        let end = to.min(covered);
        while at < end && (found < rows_max || ticks.is_empty()) {
            // As far as one file goes: only what overlaps it is held at once.
            let upto = first_end(&files, at..end);
            let part = self.sealed_ticks(&files, at..upto, rows_max - found);
            let part = part.map_err(|error| match error {
                SeriesError::Rows(error) => error,
                other => RowStoreError::Failed(other.to_string()),
            })?;
            found += part.iter().map(|(_, rows)| rows.len()).sum::<usize>();
            ticks.extend(part);
            at = upto;
        }
        if found < rows_max || ticks.is_empty() {
            let rest = self.landing.ticks(from.max(covered), to, rows_max.saturating_sub(found)).await?;
            ticks.extend(rest);
        }
        Ok(ticks)
    }

    /// Counts first, so that only the rows of the Ticks that fit are read whole.
    fn sealed_ticks(
        &self,
        files: &[Arc<SeriesFile>],
        asked: Range<Offset>,
        rows_max: usize,
    ) -> Result<Vec<TickRows>, SeriesError> {
        let touched = |file: &&Arc<SeriesFile>| {
            file.listed.tick_first < asked.end.0 && file.listed.tick_last >= asked.start.0
        };
        let mut counts: BTreeMap<Offset, usize> = BTreeMap::new();
        let mut places: Vec<(&Arc<SeriesFile>, Vec<Offset>)> = Vec::new();
        for file in files.iter().filter(touched) {
            let opened = self.opened(file)?;
            let read = opened.longs(&(0..opened.rows()), place::TICK)?;
            let ticks: Vec<Offset> = read.iter().map(|tick| Offset(tick.cast_unsigned())).collect();
            for tick in ticks.iter().filter(|tick| asked.contains(tick)) {
                *counts.entry(*tick).or_default() += 1;
            }
            places.push((file, ticks));
        }
        let mut found = 0;
        let fitting = counts.iter().take_while(|(_, count)| {
            let more = found == 0 || found < rows_max;
            found += **count;
            more
        });
        let mut rows: BTreeMap<Offset, Vec<Row>> = fitting.map(|(tick, _)| (*tick, Vec::new())).collect();
        for (file, ticks) in places {
            let wanted = ranges(ticks.iter().map(|tick| rows.contains_key(tick)));
            for kept in self.opened(file)?.read_rows(&wanted)? {
                rows.entry(kept.tick).or_default().push(kept.row);
            }
        }
        for rows in rows.values_mut() {
            rows.sort_by(|left, right| (&left.key, left.revision).cmp(&(&right.key, right.revision)));
        }
        Ok(rows.into_iter().collect())
    }
}

/// Where the first of the files with Ticks of a range ends.
fn first_end(files: &[Arc<SeriesFile>], asked: Range<Offset>) -> Offset {
    let last = |file: &Arc<SeriesFile>| {
        let inside = file.listed.tick_first < asked.end.0 && file.listed.tick_last >= asked.start.0;
        inside.then_some(Offset(file.listed.tick_last))
    };
    files.iter().filter_map(last).min().map_or(asked.end, |last| last.next().min(asked.end))
}

/// The stretches of what is wanted.
pub(super) fn ranges(wanted: impl Iterator<Item = bool>) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, _) in wanted.enumerate().filter(|(_, wanted)| *wanted) {
        match found.last_mut().filter(|range| range.end == at) {
            Some(range) => range.end += 1,
            None => found.push(at..at + 1),
        }
    }
    found
}
