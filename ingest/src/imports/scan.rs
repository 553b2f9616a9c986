//! Imports as the log has them: looked through from where the last start left off, and read again when asked for.

use std::sync::{Arc, PoisonError};

use nhip_ports::{ImportError, ImportRecord, LogError, ReadLimit, WrittenPage, WrittenQuery};
use nhip_profile::Profile;
use nhip_proto::{Entry, ItemValue, Logged, Offset, Record, SourceId};

use super::Imports;
use super::book::import_of;
use super::bounds::ENTRIES_READ_MAX;
use super::figure::figures_of;

/// Records and bytes read at a time.
const READ: ReadLimit = ReadLimit { records_max: 4_096, bytes_max: 4 << 20 };

impl Imports {
    /// Everything at a start: the entries of imports known already, then what the log got since.
    pub(super) async fn look_through(&self) -> Result<(), ImportError> {
        let known: Vec<ImportRecord> = {
            let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
            book.all().cloned().collect()
        };
        for import in known {
            let first = import.offset.next();
            self.look(first, Offset(first.0 + import.rows)).await?;
        }
        let from = self.book.read().unwrap_or_else(PoisonError::into_inner).seen.max(self.log.first());
        let end = *self.log.durable().borrow();
        self.look(from, end).await?;
        let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
        book.seen = book.seen.max(end);
        Ok(())
    }

    /// Takes in the imports and entries of a range.
    pub(super) async fn look(&self, from: Offset, end: Offset) -> Result<(), ImportError> {
        let profile = Arc::clone(&self.profile.borrow());
        let mut at = from;
        while at < end {
            let batch = self.log.read(at, READ).await.map_err(|error| unreadable(&error))?;
            let Some(last) = batch.last() else { break };
            at = last.offset.next();
            let within = batch.iter().filter(|logged| logged.offset < end);
            self.take(within.filter(|one| is_ours(&one.record)), &profile);
        }
        Ok(())
    }

    fn take<'l>(&self, records: impl Iterator<Item = &'l Logged>, profile: &Profile) {
        let mut records = records.peekable();
        // Most batches of the log hold nothing of people.
        if records.peek().is_none() {
            return;
        }
        let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
        for logged in records {
            match &logged.record {
                Record::Command(command) => {
                    import_of(command, logged.offset).into_iter().for_each(|import| book.note(import));
                }
                Record::Entry(entry) => {
                    for (key, standing) in figures_of(entry, profile, logged.offset.0) {
                        book.stand(key, standing);
                    }
                }
                _ => {}
            }
        }
    }

    /// Entries of imports, newest first, read from the log.
    pub(super) async fn entries(&self, query: WrittenQuery) -> Result<WrittenPage, ImportError> {
        let profile = Arc::clone(&self.profile.borrow());
        let wanted: Vec<ImportRecord> = {
            let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
            let fits = |import: &&ImportRecord| {
                query.stream.as_ref().is_none_or(|stream| *stream == import.stream)
                    && query.source.as_ref().is_none_or(|source| *source == import.source)
            };
            book.before(query.before).filter(fits).cloned().collect()
        };
        let (mut page, mut looked) = (WrittenPage::default(), 0_usize);
        for import in wanted {
            let first = import.offset.next();
            let mut end = Offset(first.0 + import.rows).min(query.before);
            while end > first {
                let from = Offset(end.0.saturating_sub(READ.records_max as u64).max(first.0));
                let mut chunk = self.range(from, end).await?;
                while let Some((offset, entry)) = chunk.pop() {
                    looked += 1;
                    if wants(&query, &entry, &profile) {
                        page.entries.push((offset, entry));
                    }
                    if page.entries.len() >= query.entries_max || looked >= ENTRIES_READ_MAX {
                        page.next = Some(offset);
                        return Ok(page);
                    }
                }
                end = from;
            }
        }
        Ok(page)
    }

    async fn range(&self, from: Offset, end: Offset) -> Result<Vec<(Offset, Entry)>, ImportError> {
        let (mut entries, mut at) = (Vec::new(), from);
        while at < end {
            let batch = self.log.read(at, READ).await.map_err(|error| unreadable(&error))?;
            let Some(last) = batch.last() else { break };
            at = last.offset.next();
            for logged in batch.iter().filter(|logged| logged.offset < end) {
                if let Record::Entry(entry) = &logged.record {
                    entries.push((logged.offset, Entry::clone(entry)));
                }
            }
        }
        Ok(entries)
    }
}

fn is_ours(record: &Record) -> bool {
    matches!(record, Record::Entry(_) | Record::Command(_))
}

fn wants(query: &WrittenQuery, entry: &Entry, profile: &Profile) -> bool {
    let period = entry.items.first().and_then(|item| item.period);
    let within = period.is_none_or(|(start, end)| end > query.from && start < query.to);
    let names = |code: &str| {
        entry.items.iter().any(|item| matches!(&item.value, ItemValue::State(word) if word == code))
    };
    let in_area = query.area.as_ref().is_none_or(|area| {
        names(area.as_str()) || profile.source_area(&SourceId::new(&entry.subject)) == *area
    });
    within && in_area
}

fn unreadable(error: &LogError) -> ImportError {
    ImportError::Unavailable(error.to_string())
}
