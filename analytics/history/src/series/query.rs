//! Questions: a stretch of a series, the revisions of a window, what took the place of what.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use nhip_ports::{
    AsOf, History, HistoryError, Replaced, RestatementQuery, SeriesKey, SeriesQuery, figure_of, known_order,
};
use nhip_proto::{ArrivalTime, EventTime, FigureKey, IndicatorId, Offset, Row, RowState};

use tokio::sync::Semaphore;

use super::columns::{FIGURE_COLUMNS, columns_of_a_row, place};
use super::file::{Opened, SeriesFile};
use super::order::{Month, day_of};
use super::store::{SeriesError, SeriesStore};
use super::stretch::{SERIES_COLUMNS, Stretch};

/// Windows with restatements looked at in one question; beyond it the range is refused.
const RESTATED_WINDOWS_MAX: usize = 10_000;

/// Questions that read files at once; more wait.
const QUESTIONS_AT_ONCE_MAX: usize = 2;

/// A row found but not yet read: which file, which stretch of it, which row, and what decides whether it counts.
struct Found {
    place: (usize, usize),
    at: usize,
    window_start: EventTime,
    order: (Offset, u32, [u8; 16]),
}

/// How much of a row is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whole {
    Row,
    /// As [`figure_of`] leaves it.
    Figure,
}

impl Whole {
    /// The columns to be read of a row that was found.
    fn columns(self) -> Vec<usize> {
        let found = |column: &usize| !SERIES_COLUMNS.contains(column) && !FOUND_COLUMNS.contains(column);
        match self {
            Self::Row => columns_of_a_row().filter(found).collect(),
            Self::Figure => FIGURE_COLUMNS.to_vec(),
        }
    }
}

/// The columns by which rows are found.
const FOUND_COLUMNS: [usize; 3] = [place::WINDOW_START, place::REVISION, place::KNOWN_OFFSET];

/// The files and the rows in memory at one moment.
struct Moment {
    files: Vec<Arc<SeriesFile>>,
    hot: Vec<Row>,
}

impl SeriesStore {
    fn moment(&self, series: &SeriesKey, windows: &Range<EventTime>) -> Result<Moment, SeriesError> {
        let state = self.state();
        let hot = state.hot.of(series, |start| windows.contains(&start))?;
        let days = day_of(windows.start)..=day_of(EventTime(windows.end.0.saturating_sub(1)));
        let inside = |file: &&Arc<SeriesFile>| file.span.touches(&days);
        Ok(Moment { files: state.files.iter().filter(inside).cloned().collect(), hot })
    }

    /// Per window the version known last, month by month, until there are enough.
    fn find_series(&self, query: &SeriesQuery, whole: Whole) -> Result<Vec<Row>, SeriesError> {
        let windows = query.from..query.to;
        if windows.is_empty() || query.windows_max == 0 {
            return Ok(Vec::new());
        }
        let moment = self.moment(&query.series, &windows)?;
        let mut hot: BTreeMap<EventTime, Row> = BTreeMap::new();
        for row in moment.hot.iter().filter(|row| query.as_of.knows(row.known_offset, row.known_at)) {
            let newer =
                hot.get(&row.key.window_start).is_none_or(|known| known_order(known) < known_order(row));
            if newer {
                hot.insert(row.key.window_start, row.clone());
            }
        }
        let mut months: BTreeSet<Month> = moment.files.iter().map(|file| file.span.month()).collect();
        months.extend(hot.keys().map(|start| Month::of_day(day_of(*start))));
        let mut rows = Vec::new();
        for month in months {
            let files: Vec<_> =
                moment.files.iter().filter(|file| file.span.month() == month).cloned().collect();
            let later: BTreeMap<EventTime, Row> = hot
                .iter()
                .filter(|(start, _)| Month::of_day(day_of(**start)) == month)
                .map(|(start, row)| (*start, row.clone()))
                .collect();
            rows.extend(self.month(&files, later, query, whole)?);
            if rows.len() >= query.windows_max {
                rows.truncate(query.windows_max);
                break;
            }
        }
        Ok(rows)
    }

    /// One month: which row of which file counts is decided before any is read whole.
    fn month(
        &self,
        files: &[Arc<SeriesFile>],
        mut rows: BTreeMap<EventTime, Row>,
        query: &SeriesQuery,
        whole: Whole,
    ) -> Result<Vec<Row>, SeriesError> {
        let mut best: BTreeMap<EventTime, Found> = BTreeMap::new();
        let series = &query.series;
        for found in self.found(files, series, &(query.from..query.to), query.as_of)? {
            let start = found.window_start;
            let in_memory = rows.get(&start).is_some_and(|row| known_order(row) >= found.order);
            let older = best.get(&start).is_some_and(|other| other.order >= found.order);
            if !in_memory && !older {
                best.insert(start, found);
            }
        }
        for (start, row) in self.read_found(files, series, best.into_values(), whole)? {
            rows.insert(start, row);
        }
        Ok(rows.into_values().collect())
    }

    /// What the files have of a series.
    fn found(
        &self,
        files: &[Arc<SeriesFile>],
        series: &SeriesKey,
        windows: &Range<EventTime>,
        as_of: AsOf,
    ) -> Result<Vec<Found>, SeriesError> {
        let mut found = Vec::new();
        for (number, file) in files.iter().enumerate() {
            let opened = self.opened(file)?;
            for (which, stretch) in opened.stretches_of(series)?.into_iter().enumerate() {
                found.extend(found_in(&opened, (number, which), stretch, windows, as_of)?);
            }
        }
        Ok(found)
    }

    fn read_found(
        &self,
        files: &[Arc<SeriesFile>],
        series: &SeriesKey,
        found: impl Iterator<Item = Found>,
        whole: Whole,
    ) -> Result<Vec<(EventTime, Row)>, SeriesError> {
        let columns = whole.columns();
        let mut places: BTreeMap<(usize, usize), Vec<Found>> = BTreeMap::new();
        found.for_each(|found| places.entry(found.place).or_default().push(found));
        let mut rows = Vec::new();
        for ((number, which), mut found) in places {
            let Some(file) = files.get(number) else { continue };
            found.sort_unstable_by_key(|found| found.at);
            let at: Vec<usize> = found.iter().map(|found| found.at).collect();
            let opened = self.opened(file)?;
            let stretches = opened.stretches_of(series)?;
            let Some(stretch) = stretches.get(which) else { continue };
            for (kept, found) in opened.read_rows_of(stretch, &at, &columns)?.into_iter().zip(found) {
                let mut row = kept.row;
                row.key.window_start = found.window_start;
                (row.known_offset, row.revision, _) = found.order;
                rows.push((found.window_start, row));
            }
        }
        Ok(rows)
    }

    fn find_revisions(&self, key: &FigureKey, as_of: AsOf) -> Result<Vec<Row>, SeriesError> {
        let windows = key.window_start..key.window_start.plus(1);
        let series = SeriesKey::of(key);
        let moment = self.moment(&series, &windows)?;
        let found = self.found(&moment.files, &series, &windows, as_of)?;
        let mut rows: Vec<Row> = self
            .read_found(&moment.files, &series, found.into_iter(), Whole::Row)?
            .into_iter()
            .map(|(_, row)| row)
            .collect();
        rows.extend(moment.hot.into_iter().filter(|row| as_of.knows(row.known_offset, row.known_at)));
        rows.sort_by_key(known_order);
        rows.dedup();
        Ok(rows)
    }

    /// Windows that were settled more than once first, then the revisions of each.
    fn find_replaced(&self, query: &RestatementQuery) -> Result<Vec<Replaced>, SeriesError> {
        let mut keys: Vec<FigureKey> = Vec::new();
        let windows = query.from..query.to;
        for series in self.find_series_of(&query.indicator)? {
            let asked = query.area.as_ref().is_none_or(|area| *area == series.area)
                && query.group.as_ref().is_none_or(|group| *group == series.group);
            if asked && !windows.is_empty() {
                keys.extend(self.settled_twice(&series, &windows)?);
            }
            if keys.len() > RESTATED_WINDOWS_MAX {
                let what =
                    format!("restatements of more than {RESTATED_WINDOWS_MAX} windows: narrow the range");
                return Err(SeriesError::Refused(what));
            }
        }
        let mut replaced = Vec::new();
        for key in &keys {
            replaced.extend(Replaced::among(&self.find_revisions(key, query.as_of)?));
        }
        replaced.sort_by(|left, right| {
            known_order(&right.new)
                .cmp(&known_order(&left.new))
                .then_with(|| left.new.key.cmp(&right.new.key))
        });
        Ok(replaced)
    }

    fn settled_twice(
        &self,
        series: &SeriesKey,
        windows: &Range<EventTime>,
    ) -> Result<Vec<FigureKey>, SeriesError> {
        let moment = self.moment(series, windows)?;
        let mut settled: BTreeMap<EventTime, u32> = BTreeMap::new();
        let mut count = |row: &Row| {
            if row.state != RowState::Provisional && windows.contains(&row.key.window_start) {
                *settled.entry(row.key.window_start).or_default() += 1;
            }
        };
        moment.hot.iter().for_each(&mut count);
        for file in &moment.files {
            let opened = self.opened(file)?;
            for stretch in opened.stretches_of(series)? {
                let columns = [place::WINDOW_START, place::STATE];
                let read = opened.read(std::slice::from_ref(&stretch.rows), &columns)?;
                read.iter().for_each(|kept| count(&kept.row));
            }
        }
        let twice = settled.into_iter().filter(|(_, rows)| *rows > 1);
        Ok(twice.map(|(start, _)| key_of(series, start)).collect())
    }

    fn find_series_of(&self, indicator: &IndicatorId) -> Result<Vec<SeriesKey>, SeriesError> {
        let (mut keys, files) = {
            let state = self.state();
            (state.hot.series_of(indicator), state.files.clone())
        };
        for file in &files {
            let opened = self.opened(file)?;
            keys.extend(opened.series_of(indicator)?);
            keys.sort();
            keys.dedup();
        }
        keys.sort();
        keys.dedup();
        Ok(keys)
    }
}

/// The store as it is asked.
pub struct SeriesHistory {
    store: Arc<SeriesStore>,
    permits: Arc<Semaphore>,
}

impl SeriesHistory {
    /// A way to ask a store.
    #[must_use]
    pub fn new(store: Arc<SeriesStore>) -> Self {
        Self { store, permits: Arc::new(Semaphore::new(QUESTIONS_AT_ONCE_MAX)) }
    }

    /// Off the runtime's threads: files are read and decompressed.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&SeriesStore) -> Result<T, SeriesError> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let stopping = || HistoryError::Failed("the node is stopping".to_owned());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| stopping())?;
        let store = Arc::clone(&self.store);
        let began = Instant::now();
        let answer = tokio::task::spawn_blocking(move || {
            let answer = question(&store);
            drop(permit);
            answer
        });
        let answer = answer.await.map_err(|_| stopping())?;
        metrics::histogram!("nhip_rows_question_seconds").record(began.elapsed().as_secs_f64());
        answer.map_err(HistoryError::from)
    }
}

#[async_trait]
impl History for SeriesHistory {
    async fn series(&self, query: SeriesQuery) -> Result<Vec<Row>, HistoryError> {
        self.ask(move |store| store.find_series(&query, Whole::Row)).await
    }

    async fn figures(&self, query: SeriesQuery) -> Result<Vec<Row>, HistoryError> {
        self.ask(move |store| {
            let rows = store.find_series(&query, Whole::Figure)?;
            // Those in memory are whole.
            Ok(rows.into_iter().map(figure_of).collect())
        })
        .await
    }

    async fn revisions(&self, key: FigureKey, as_of: AsOf) -> Result<Vec<Row>, HistoryError> {
        self.ask(move |store| store.find_revisions(&key, as_of)).await
    }

    async fn replaced(&self, query: RestatementQuery) -> Result<Vec<Replaced>, HistoryError> {
        let rows_max = query.rows_max;
        let replaced = self.ask(move |store| store.find_replaced(&query)).await?;
        if replaced.len() > rows_max {
            return Err(HistoryError::Refused(format!(
                "more than {rows_max} restatements: narrow the range"
            )));
        }
        Ok(replaced)
    }

    async fn series_of(&self, indicator: IndicatorId) -> Result<Vec<SeriesKey>, HistoryError> {
        self.ask(move |store| store.find_series_of(&indicator)).await
    }
}

/// Windows are ascending in a stretch: the range is found before anything else is read.
fn found_in(
    opened: &Opened,
    place: (usize, usize),
    stretch: &Stretch,
    windows: &Range<EventTime>,
    as_of: AsOf,
) -> Result<Vec<Found>, SeriesError> {
    let starts = opened.longs(&stretch.rows, place::WINDOW_START)?;
    let before = |end: EventTime| starts.partition_point(|start| *start < end.0);
    let (first, end) = (before(windows.start), before(windows.end));
    let asked = stretch.rows.start + first..stretch.rows.start + end;
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let offsets = opened.longs(&asked, place::KNOWN_OFFSET)?;
    let revisions = opened.longs(&asked, place::REVISION)?;
    let times = match as_of {
        AsOf::At(_) => opened.longs(&asked, place::KNOWN_AT)?,
        AsOf::Now | AsOf::Offset(_) => vec![0; asked.len()],
    };
    let mut found = Vec::with_capacity(asked.len());
    let known = starts.into_iter().skip(first).zip(offsets).zip(revisions).zip(times);
    for ((((start, offset), revision), time), at) in known.zip(asked) {
        let offset = Offset(offset.cast_unsigned());
        let revision = u32::try_from(revision).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        if as_of.knows(offset, ArrivalTime(time)) {
            let order = (offset, revision, stretch.definition);
            found.push(Found { place, at, window_start: EventTime(start), order });
        }
    }
    Ok(found)
}

fn key_of(series: &SeriesKey, window_start: EventTime) -> FigureKey {
    let SeriesKey { indicator, area, group, period } = series.clone();
    FigureKey { indicator, area, group, period, window_start }
}
