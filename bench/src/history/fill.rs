//! The store of the row `history`: months by the file writer of sealing, the last days through row files, sealing and
//! merging as in a node.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use nhip_adapters::RowFiles;
use nhip_history::series::{FilledMonth, Filling, SeriesError, SeriesStore};
use nhip_ports::{Landing, RowStore as _};
use nhip_proto::{Offset, Row};

use super::data::{Series, Size, months, tick};
use crate::context::Outcome;
use crate::process::cores;

/// Days that take the whole way.
const SEALED_DAYS: u32 = 2;

/// What was written, and how fast.
pub(crate) struct Filled {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) files: usize,
    /// Rows a second of the file writer, all cores.
    pub(crate) written_per_s: f64,
    /// Rows a second into row files, closed, sealed, read again, compared.
    pub(crate) sealed_per_s: f64,
}

/// Fills `data/rows` and `data/series`.
pub(crate) async fn fill(data: &Path, size: Size) -> Outcome<Filled> {
    let direct = Size { days: size.days.saturating_sub(SEALED_DAYS), ..size };
    let series = data.join("series");
    let began = Instant::now();
    let written = in_months(&series, direct)?;
    let seconds = began.elapsed().as_secs_f64();
    let mut rows = written;
    let began = Instant::now();
    let landing = Arc::new(RowFiles::open(&data.join("rows"))?);
    let store = Arc::new(SeriesStore::open(&series, Arc::clone(&landing) as Arc<dyn Landing>).await?);
    let all: Vec<Series> = (0..size.series).map(Series::new).collect();
    let mut late = late_of(&all, direct.hours() - 1);
    for hour in direct.hours()..size.hours() {
        let mut now = std::mem::take(&mut late);
        for series in &all {
            let (row, revised) = series.window(hour);
            now.push(row);
            late.extend(revised);
        }
        rows += now.len() as u64;
        store.write(tick(hour), &now).await?;
        if (hour + 1) % 24 == 0 {
            landing.close().await?;
            store.seal().await?;
        }
    }
    rows += late.len() as u64;
    store.write(tick(size.hours()), &late).await?;
    landing.close().await?;
    store.seal().await?;
    let sealed_per_s = (rows - written) as f64 / began.elapsed().as_secs_f64();
    let (mut bytes, mut files) = (0, 0);
    for entry in std::fs::read_dir(&series)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|ending| ending == "parquet") {
            bytes += entry.metadata()?.len();
            files += 1;
        }
    }
    Ok(Filled { rows, bytes, files, written_per_s: written as f64 / seconds, sealed_per_s })
}

/// Revisions of an hour, which become known in the next.
fn late_of(all: &[Series], hour: i64) -> Vec<Row> {
    if hour < 0 { Vec::new() } else { all.iter().filter_map(|series| series.window(hour).1).collect() }
}

/// Every month a file; each core writes one at a time.
fn in_months(directory: &Path, size: Size) -> Outcome<u64> {
    let filling = Filling::new(directory)?;
    let months = months(size.days);
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<Result<FilledMonth, SeriesError>>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..cores() {
            scope.spawn(|| {
                while let Some(hours) = months.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let number = months.partition_point(|month| month < hours) as u64 + 1;
                    let month = filling.month(number, rows_of(size, *hours));
                    if let Some(month) = month.transpose() {
                        found.lock().unwrap_or_else(PoisonError::into_inner).push(month);
                    }
                }
            });
        }
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let months: Vec<FilledMonth> = found.into_iter().collect::<Result<_, _>>()?;
    let rows = months.iter().map(FilledMonth::rows).sum();
    filling.list(months, tick(size.hours() - 1).next())?;
    Ok(rows)
}

/// The rows of a month in the order of a file; revisions known after the last of all its hours are still to come.
fn rows_of(size: Size, (first, end): (i64, i64)) -> impl Iterator<Item = (Offset, Row)> {
    (0..size.series).flat_map(move |number| {
        let series = Series::new(number);
        let rows = (first..end).flat_map(move |hour| {
            let (row, revised) = series.window(hour);
            [Some(row), revised.filter(|_| hour + 1 < size.hours())]
        });
        rows.flatten().map(|row| (row.known_offset, row))
    })
}
