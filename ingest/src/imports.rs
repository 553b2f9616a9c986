//! Statistics written by people: a document is judged as a whole, then written as one group of the log or not at all.
//!
//! One Command record says whose import it is and seals the document; behind it stands one Entry a row. The same
//! document for the same stream and source has the same id and is written once.

mod address;
mod book;
mod bounds;
mod cell;
mod delimited;
mod figure;
mod headings;
mod judge;
mod number;
mod period;
mod scan;
mod workbook;

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use nhip_ports::{
    DocumentKind, EventLog, ImportError, ImportIndex, ImportOrder, ImportRecord, ImportReport, Statistics,
    WrittenPage, WrittenQuery,
};
use nhip_profile::{Class, Identity, Profile, Stream};
use nhip_proto::{ArrivalTime, Entry, Item, ItemName, ItemValue, Offset};
use tokio::sync::{Mutex as TurnMutex, watch};
use tokio_util::sync::CancellationToken;

use self::book::Book;
use self::cell::Rows;
use self::judge::{Against, Judge, Reading, Tally};
use self::workbook::Workbook;
use crate::service::IngestRoom;
use crate::telemetry;

pub use self::bounds::{IMPORT_BYTES_MAX, IMPORT_ROWS_MAX};

/// Between two saves of how far the log was looked through.
const SAVE_PAUSE: Duration = Duration::from_secs(60);

/// The way in for documents of people.
pub struct Imports {
    room: Arc<IngestRoom>,
    log: Arc<dyn EventLog>,
    profile: watch::Receiver<Arc<Profile>>,
    index: Arc<dyn ImportIndex>,
    book: Arc<RwLock<Book>>,
    /// Whether the log was looked through once.
    ready: watch::Sender<bool>,
    /// One import at a time: a document and what becomes of it may take a few hundred MB.
    turn: TurnMutex<()>,
    saved: Mutex<Offset>,
}

/// A document judged.
struct Judged {
    report: ImportReport,
    document_hash: [u8; 32],
    readings: Vec<Reading>,
}

impl Imports {
    /// The way in over a room and its log; nothing is answered before [`Imports::keep`] looked through the log.
    #[must_use]
    pub fn new(
        room: Arc<IngestRoom>,
        log: Arc<dyn EventLog>,
        profile: watch::Receiver<Arc<Profile>>,
        index: Arc<dyn ImportIndex>,
    ) -> Self {
        Self {
            room,
            log,
            profile,
            index,
            book: Arc::default(),
            ready: watch::Sender::new(false),
            turn: TurnMutex::default(),
            saved: Mutex::new(Offset(0)),
        }
    }

    /// Looks through what the log got since the last start, then saves now and then how far it came.
    pub async fn keep(&self, stop: CancellationToken) {
        // A list that saw more than the log holds is another log's.
        let end = *self.log.durable().borrow();
        let book = self.index.load().await.as_deref().and_then(Book::decoded);
        if let Some(book) = book.filter(|book| book.seen <= end) {
            *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = book.seen;
            *self.book.write().unwrap_or_else(PoisonError::into_inner) = book;
        }
        let looking = stop.run_until_cancelled(self.look_through()).await;
        match looking {
            None => return,
            Some(Err(error)) => {
                tracing::error!(%error, "the log could not be looked through for imports; none are taken");
                return;
            }
            Some(Ok(())) => self.ready.send_replace(true),
        };
        while stop.run_until_cancelled(tokio::time::sleep(SAVE_PAUSE)).await.is_some() {
            self.save().await;
        }
        self.save().await;
    }

    /// Saves how far the log was looked through; whatever goes wrong costs time at the next start only.
    async fn save(&self) {
        // While nobody imports, the log gets nothing that the book does not know.
        let turn = self.turn.lock().await;
        let (seen, bytes) = {
            let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
            book.seen = book.seen.max(*self.log.durable().borrow());
            (book.seen, book.encoded())
        };
        drop(turn);
        if seen == *self.saved.lock().unwrap_or_else(PoisonError::into_inner) {
            return;
        }
        match self.index.save(bytes).await {
            Ok(()) => *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = seen,
            Err(error) => tracing::warn!(error, "the list of imports could not be saved"),
        }
    }

    fn is_ready(&self) -> Result<(), ImportError> {
        let starting = || ImportError::Unavailable("the log is being looked through for imports".to_owned());
        if *self.ready.borrow() { Ok(()) } else { Err(starting()) }
    }

    /// Judges a document on a thread of its own; `keep`: its good rows come with it.
    async fn judge(&self, order: ImportOrder, keep: bool) -> Result<Judged, ImportError> {
        let profile = Arc::clone(&self.profile.borrow());
        let book = Arc::clone(&self.book);
        let now = self.room.now();
        let started = Instant::now();
        let judged = tokio::task::spawn_blocking(move || judge(&order, &profile, &book, now, keep)).await;
        telemetry::import_judged(started.elapsed());
        judged.map_err(|_| ImportError::Unavailable("the node is stopping".to_owned()))?
    }
}

#[async_trait]
impl Statistics for Imports {
    async fn preview(&self, order: ImportOrder) -> Result<ImportReport, ImportError> {
        self.is_ready()?;
        let busy = |_| ImportError::Unavailable("another import is under way".to_owned());
        let _turn = self.turn.try_lock().map_err(busy)?;
        Ok(self.judge(order, false).await?.report)
    }

    async fn commit(&self, order: ImportOrder) -> Result<ImportReport, ImportError> {
        self.is_ready()?;
        let busy = |_| ImportError::Unavailable("another import is under way".to_owned());
        let _turn = self.turn.try_lock().map_err(busy)?;
        let (author, document) = (order.author.clone(), order.document.clone());
        let (stream, source) = (order.stream.clone(), order.source.clone());
        let Judged { mut report, document_hash, readings } = self.judge(order, true).await?;
        if report.repeated || report.mistakes > 0 || readings.is_empty() {
            return Ok(report);
        }
        let mut import = ImportRecord {
            id: report.id,
            at: ArrivalTime(0),
            author,
            stream,
            source,
            document_hash,
            rows: report.good_rows,
            figures: report.figures,
            offset: Offset(0),
        };
        let profile = Arc::clone(&self.profile.borrow());
        let gone = || ImportError::Refused("the profile no longer has this stream".to_owned());
        let stream = profile.streams.get(&import.stream).ok_or_else(gone)?;
        let entries = readings.iter().map(|reading| entry_of(reading, &import, stream)).collect();
        drop(readings);
        let (id, subject) = book::command_texts(&import);
        let batch = crate::service::EntryBatch {
            command: (id, book::VERB.to_owned(), subject),
            author: import.author.clone(),
            key_class: stream.key_class.clone(),
            document,
            entries,
        };
        let written = self.room.write_entries(batch).await;
        let (at, appended) = written.map_err(|error| ImportError::Unavailable(error.to_string()))?;
        (import.at, import.offset) = (at, appended.first);
        telemetry::import_written(import.rows, import.figures);
        // The book learns it from the log, as after a start.
        let end = Offset(appended.first.0 + appended.count);
        self.look(appended.first, end).await?;
        report.written = Some(import);
        Ok(report)
    }

    async fn imports(&self, before: Offset, imports_max: usize) -> Result<Vec<ImportRecord>, ImportError> {
        self.is_ready()?;
        let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
        Ok(book.before(before).take(imports_max).cloned().collect())
    }

    async fn written(&self, query: WrittenQuery) -> Result<WrittenPage, ImportError> {
        self.is_ready()?;
        self.entries(query).await
    }
}

fn judge(
    order: &ImportOrder,
    profile: &Profile,
    book: &RwLock<Book>,
    now: ArrivalTime,
    keep: bool,
) -> Result<Judged, ImportError> {
    let stream = stream_of(order, profile)?;
    if order.document.len() > IMPORT_BYTES_MAX {
        return Err(ImportError::Bound(format!("a document has at most {IMPORT_BYTES_MAX} bytes")));
    }
    let book = book.read().unwrap_or_else(PoisonError::into_inner);
    let workbook = order.kind == DocumentKind::Workbook;
    let decimal_comma = order.decimal_comma && !workbook;
    let (source, book) = (&order.source, &*book);
    let against = Against { profile, stream, source, now, decimal_comma, workbook, keep, book };
    let mut judge = Judge::new(against);
    let (sheet, sheets, how) = read(order, &mut judge)?;
    let long = judge.is_long().ok_or_else(judge::no_headings)?;
    let id = id_of(order, &how);
    let written = book.import(&id).cloned();
    let Tally { rows, good_rows, figures, unchanged, changes, behind, .. } = judge.tally;
    let Tally { duplicates, mistakes, changed, listed, readings, .. } = judge.tally;
    let repeated = written.is_some();
    let report = ImportReport {
        id,
        sheet,
        sheets,
        long,
        rows,
        good_rows,
        figures,
        unchanged,
        changes,
        behind,
        changed,
        duplicates,
        mistakes,
        listed,
        written,
        repeated,
    };
    Ok(Judged { report, document_hash: *blake3::hash(&order.document).as_bytes(), readings })
}

/// The stream of an order, if documents may be imported into it for its source.
fn stream_of<'p>(order: &ImportOrder, profile: &'p Profile) -> Result<&'p Stream, ImportError> {
    let refused = |what: &str| ImportError::Refused(what.to_owned());
    let stream =
        profile.streams.get(&order.stream).ok_or_else(|| refused("the profile has no such stream"))?;
    if !matches!(stream.class, Class::Statistic | Class::Typed) {
        return Err(refused("only streams of class statistic or typed are written by people"));
    }
    match profile.sources.get(&order.source) {
        Some(source) if source.stream == order.stream => Ok(stream),
        None if stream.open && !order.source.as_str().is_empty() => Ok(stream),
        _ => Err(refused("the stream has no such source")),
    }
}

/// Reads a document: sheet, all sheets, and how it was read.
fn read(order: &ImportOrder, rows: &mut dyn Rows) -> Result<(String, Vec<String>, String), ImportError> {
    match order.kind {
        DocumentKind::Workbook => {
            let mut workbook = Workbook::open(&order.document)?;
            let sheet = workbook.choose(order.sheet.as_deref())?;
            workbook.read(&sheet, rows)?;
            let how = format!("sheet {sheet}");
            Ok((sheet, workbook.visible(), how))
        }
        DocumentKind::Delimited => {
            let refused = |what: &str| ImportError::Refused(what.to_owned());
            let text = std::str::from_utf8(&order.document)
                .map_err(|_| refused("the text is not UTF-8: save it as CSV UTF-8"))?;
            let delimiter = order.delimiter.unwrap_or_else(|| delimited::delimiter_of(text));
            if delimiter == b',' && order.decimal_comma {
                return Err(refused(
                    "a comma stands between cells here: it cannot stand before decimals too",
                ));
            }
            delimited::read(text, delimiter, rows)?;
            let how = format!("text {} {}", char::from(delimiter), order.decimal_comma);
            Ok((String::new(), Vec::new(), how))
        }
    }
}

/// The id of an import: the same document, read the same way, for the same stream and source.
fn id_of(order: &ImportOrder, how: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("nhip 2026-12-01 import id v1");
    for text in [order.stream.as_str(), order.source.as_str(), how] {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.update(&order.document);
    *hasher.finalize().as_bytes()
}

/// One row as a record: one reading of its source.
fn entry_of(reading: &Reading, import: &ImportRecord, stream: &Stream) -> Entry {
    let (start, end) = reading.period;
    let stamp = if stream.stamp_is_start { start } else { end };
    let boot = import.id.first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes));
    let (identity, sequence, boot) = match stream.identity {
        Identity::Id => (Some(identity_of(import, reading.row)), None, None),
        Identity::Sequence => (None, Some(u64::from(reading.row)), boot),
        Identity::Time | Identity::TimeContent | Identity::None => (None, None, None),
    };
    let item = |name: &str, value, unit: &str| Item {
        unit: unit.to_owned(),
        event_time: Some(stamp),
        period: Some((start, end)),
        identity,
        sequence,
        boot,
        ..Item::bare(ItemName::Text(name.to_owned()), value)
    };
    let values =
        reading.values.iter().map(|(name, number, unit)| item(name, ItemValue::Number(*number), unit));
    let states = reading.states.iter().map(|(name, word)| item(name, ItemValue::State(word.clone()), ""));
    Entry {
        at: ArrivalTime(0),
        author: import.author.clone(),
        stream: import.stream.as_str().to_owned(),
        subject: import.source.as_str().to_owned(),
        items: values.chain(states).collect(),
        sealed: None,
    }
}

fn identity_of(import: &ImportRecord, row: u32) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&import.id);
    hasher.update(&row.to_le_bytes());
    figure::first_16(&hasher.finalize())
}
