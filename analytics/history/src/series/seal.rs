//! Rows into Parquet: written beside, read again, listed, and only then gone from where they were.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nhip_ports::{FileAct, FileWork, TickRows};
use nhip_proto::{Offset, encode_row};
use tokio_util::sync::CancellationToken;

use super::file::{Opened, SeriesFile};
use super::listing::Listed;
use super::merge::Merge;
use super::order::{Kept, Span, compare, day_of};
use super::store::{SeriesError, SeriesStore};
use super::write::write_file;
use crate::durable;

/// A row file that is written to for so long is closed, so that its rows are sealed.
const CLOSE_INTERVAL: Duration = Duration::from_secs(3_600);
/// Rows sealed in one step; more take another.
const SEAL_ROWS_MAX: usize = 50_000;
/// Files of one day; one more and they become one.
const DAY_FILES_MAX: usize = 6;
/// Files merged into one at once; more take another turn.
const MERGED_FILES_MAX: usize = 64;
/// A month's days become one file this many days after its end.
const MONTH_RESTS_DAYS: i64 = 7;

/// What one round of sealing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// Rows that stand in Parquet since.
    pub rows: u64,
    /// Files written, merged ones too.
    pub files: u64,
}

/// The moments between which a crash may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    FileWritten,
    Listed,
    Forgotten,
    Merged,
    MergeListed,
    Removed,
}

impl SeriesStore {
    /// Seals what is closed, again and again with a pause between, until told to stop. A failure is told and tried
    /// again: nothing is lost by waiting.
    pub async fn keep_sealing(self: Arc<Self>, pause: Duration, stop: CancellationToken) {
        let mut closed = None::<Instant>;
        loop {
            // The first time: the row file of the process before.
            if closed.is_none_or(|closed| closed.elapsed() >= CLOSE_INTERVAL) {
                closed = Some(Instant::now());
                if let Err(error) = self.landing.close().await {
                    tracing::error!(%error, "a row file cannot be closed");
                }
            }
            if let Err(error) = self.seal().await {
                metrics::counter!("nhip_rows_seal_failures_total").increment(1);
                tracing::error!(%error, "rows cannot be sealed; they stay in the row files");
            }
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                break;
            }
        }
    }

    /// Moves the rows of closed row files into Parquet, then merges what lies in too many files.
    ///
    /// # Errors
    /// [`SeriesError`]; whatever was not listed stays where it was.
    pub async fn seal(self: &Arc<Self>) -> Result<Sealed, SeriesError> {
        self.seal_watched(|_| {}).await
    }

    /// The same, telling of each step.
    pub(super) async fn seal_watched(
        self: &Arc<Self>,
        watch: impl Fn(Step) + Clone + Send + 'static,
    ) -> Result<Sealed, SeriesError> {
        let _one_at_a_time = self.sealing.lock().await;
        let mut sealed = Sealed::default();
        loop {
            let (from, closed) = (self.state().listing.covered(), self.landing.closed());
            let ticks = self.landing.ticks(from, closed, SEAL_ROWS_MAX).await?;
            let found: usize = ticks.iter().map(|(_, rows)| rows.len()).sum();
            let Some((last, _)) = ticks.last() else { break };
            let to = if found < SEAL_ROWS_MAX { closed } else { last.next() };
            let (store, seen) = (Arc::clone(self), watch.clone());
            sealed.files += off_the_runtime(move || store.seal_ticks(ticks, to, &seen)).await?;
            sealed.rows += found as u64;
        }
        let covered = self.state().listing.covered();
        self.landing.forget(covered).await?;
        watch(Step::Forgotten);
        if sealed.rows > 0 {
            let store = Arc::clone(self);
            sealed.files += off_the_runtime(move || store.merge_all(&watch)).await?;
        }
        metrics::counter!("nhip_rows_sealed_total").increment(sealed.rows);
        Ok(sealed)
    }

    /// One file per day, then one list that names them all.
    fn seal_ticks(
        &self,
        ticks: Vec<TickRows>,
        to: Offset,
        watch: &impl Fn(Step),
    ) -> Result<u64, SeriesError> {
        let mut days: BTreeMap<i64, Vec<Kept>> = BTreeMap::new();
        for (tick, rows) in ticks {
            for row in rows {
                days.entry(day_of(row.key.window_start)).or_default().push(Kept { tick, row });
            }
        }
        let mut listing = self.state().listing.clone();
        let mut files = 0;
        for (day, mut rows) in days {
            rows.sort_by(compare);
            rows.dedup_by(|left, right| compare(left, right).is_eq());
            let name = listing.name(Span::Day(day));
            let mut rows = rows.into_iter();
            listing.files.push(self.write_file(name, FileWork::SeriesSeal, || Ok(rows.next()))?);
            files += 1;
            watch(Step::FileWritten);
        }
        listing.covered = to.0;
        listing.swap(&self.directory, FileWork::SeriesSeal)?;
        self.state().list(&self.directory, listing);
        watch(Step::Listed);
        Ok(files)
    }

    /// Spans with too many files, one after the other.
    fn merge_all(&self, watch: &impl Fn(Step)) -> Result<u64, SeriesError> {
        let (mut merged, mut damaged) = (0, BTreeSet::new());
        loop {
            let files = self.state().files.clone();
            let Some((span, files)) = due(&files, &damaged) else { break };
            match self.merge(span, &files, watch) {
                Ok(()) => merged += 1,
                // What is damaged is told to whoever asks for it; it is not mixed into what is whole, nor does it
                // keep other days and months from becoming one.
                Err(SeriesError::Damaged(what)) => {
                    tracing::error!(what, %span, "files are not merged");
                    damaged.insert(span);
                }
                Err(error) => return Err(error),
            }
        }
        metrics::gauge!("nhip_rows_merges_damaged").set(damaged.len() as f64);
        Ok(merged)
    }

    fn merge(&self, span: Span, files: &[Arc<SeriesFile>], watch: &impl Fn(Step)) -> Result<(), SeriesError> {
        let (began, work) = (Instant::now(), merge_work(span));
        let opened: Vec<Arc<Opened>> = files.iter().map(|file| file.open()).collect::<Result<_, _>>()?;
        let mut rows = Merge::new(&opened)?;
        let mut listing = self.state().listing.clone();
        let name = listing.name(span);
        let written = self.write_file(name, work, || rows.next_row())?;
        watch(Step::Merged);
        files.iter().try_for_each(|file| file.pin().map(drop))?;
        let replaced: BTreeSet<&str> = files.iter().map(|file| file.listed.name.as_str()).collect();
        listing.files.retain(|file| !replaced.contains(file.name.as_str()));
        listing.files.push(written);
        listing.swap(&self.directory, work)?;
        self.state().list(&self.directory, listing);
        self.forget_removed();
        watch(Step::MergeListed);
        for file in files {
            durable::remove(&file.listed.path(&self.directory), work)?;
        }
        durable::settle(&self.directory, work)?;
        watch(Step::Removed);
        metrics::histogram!("nhip_rows_merge_seconds").record(began.elapsed().as_secs_f64());
        Ok(())
    }

    /// Writes a file under its name, durable, and reads it again: what it gives back is what went in.
    fn write_file(
        &self,
        name: String,
        work: FileWork,
        mut next: impl FnMut() -> Result<Option<Kept>, SeriesError>,
    ) -> Result<Listed, SeriesError> {
        let mut digest = Digest::default();
        let listed = write_file(&self.directory, name, work, || {
            let kept = next()?;
            kept.iter().for_each(|kept| digest.add(kept));
            Ok(kept)
        })?;
        let again = Arc::new(Opened::verified(&listed.path(&self.directory), &listed)?);
        if Digest::of(&again)? != digest {
            return Err(not_as_written(&listed.name));
        }
        work.did(FileAct::Compared);
        Ok(listed)
    }
}

/// The first span whose files should become one, of those that can.
fn due(files: &[Arc<SeriesFile>], damaged: &BTreeSet<Span>) -> Option<(Span, Vec<Arc<SeriesFile>>)> {
    let newest = files.iter().map(|file| file.span.month()).max()?;
    let newest_day = files.iter().filter_map(|file| day(file.span)).max().unwrap_or(i64::MIN);
    let mut months: BTreeMap<Span, Vec<Arc<SeriesFile>>> = BTreeMap::new();
    let mut days: BTreeMap<Span, Vec<Arc<SeriesFile>>> = BTreeMap::new();
    for file in files {
        let month = file.span.month();
        let rests = month < newest && month.end_day() + MONTH_RESTS_DAYS <= newest_day;
        if rests {
            months.entry(Span::Month(month)).or_default().push(Arc::clone(file));
        } else {
            days.entry(file.span).or_default().push(Arc::clone(file));
        }
    }
    months.retain(|span, _| !damaged.contains(span));
    days.retain(|span, _| !damaged.contains(span));
    let whole = |span: &Span, files: &Vec<Arc<SeriesFile>>| {
        let has_month = files.iter().any(|file| file.span == *span);
        if has_month { files.len() > DAY_FILES_MAX } else { !files.is_empty() }
    };
    let month = months.into_iter().find(|(span, files)| whole(span, files));
    let found = month.or_else(|| days.into_iter().find(|(_, files)| files.len() > DAY_FILES_MAX));
    found.map(|(span, mut files)| {
        files.truncate(MERGED_FILES_MAX);
        (span, files)
    })
}

fn merge_work(span: Span) -> FileWork {
    match span {
        Span::Day(_) => FileWork::SeriesMergeDay,
        Span::Month(_) => FileWork::SeriesMergeMonth,
    }
}

fn day(span: Span) -> Option<i64> {
    match span {
        Span::Day(day) => Some(day),
        Span::Month(_) => None,
    }
}

/// What rows say, whatever file they stand in.
#[derive(Default)]
struct Digest {
    hasher: blake3::Hasher,
    bytes: Vec<u8>,
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.hasher.finalize() == other.hasher.finalize()
    }
}

impl Digest {
    fn add(&mut self, kept: &Kept) {
        self.bytes.clear();
        encode_row(&kept.row, &mut self.bytes);
        self.hasher.update(&kept.tick.0.to_be_bytes());
        self.hasher.update(&(self.bytes.len() as u64).to_be_bytes());
        self.hasher.update(&self.bytes);
    }

    fn of(file: &Arc<Opened>) -> Result<Self, SeriesError> {
        let (mut digest, mut pieces) = (Self::default(), file.pieces());
        loop {
            let piece = pieces.next_piece()?;
            if piece.is_empty() {
                return Ok(digest);
            }
            piece.iter().for_each(|kept| digest.add(kept));
        }
    }
}

fn not_as_written(name: &str) -> SeriesError {
    SeriesError::Damaged(format!("{name}: read again, it is not what was written"))
}

async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SeriesError> + Send + 'static,
) -> Result<T, SeriesError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::Interrupted).into()))
}
