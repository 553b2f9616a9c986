//! What was imported before: a projection of the log, kept between starts as a short list of imports.
//!
//! The list, format 1: magic, version, the offset up to which the log was looked through, count, imports (id, time,
//! author, stream, source, hash of the document, rows, figures, offset); a text is its length in 4 bytes and its bytes.

use std::collections::BTreeMap;

use nhip_ports::ImportRecord;
use nhip_proto::{ArrivalTime, Command, Offset, SourceId, StreamId};

use super::bounds::{FIGURES_KNOWN_MAX, IMPORTS_KNOWN_MAX};
use super::figure::Standing;

const MAGIC: [u8; 8] = *b"NhipImp\0";
const FORMAT: u32 = 1;
/// The verb of the Command in front of an import's entries.
pub(super) const VERB: &str = "import";
const ID_PREFIX: &str = "import-";

/// Imports and what stands through them.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// By offset.
    imports: BTreeMap<u64, ImportRecord>,
    by_id: BTreeMap<[u8; 32], u64>,
    figures: BTreeMap<u128, Standing>,
    /// Everything before this was looked through.
    pub(super) seen: Offset,
}

impl Book {
    /// The import of this id.
    pub(super) fn import(&self, id: &[u8; 32]) -> Option<&ImportRecord> {
        self.imports.get(self.by_id.get(id)?)
    }

    /// The imports before a record, newest first.
    pub(super) fn before(&self, before: Offset) -> impl Iterator<Item = &ImportRecord> {
        self.imports.range(..before.0).rev().map(|(_, import)| import)
    }

    /// All imports, oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &ImportRecord> {
        self.imports.values()
    }

    /// What stands of a figure.
    pub(super) fn standing(&self, key: u128) -> Option<Standing> {
        self.figures.get(&key).copied()
    }

    /// Takes in an import; beyond the bound the oldest is forgotten.
    pub(super) fn note(&mut self, import: ImportRecord) {
        self.by_id.insert(import.id, import.offset.0);
        self.imports.insert(import.offset.0, import);
        if self.imports.len() > IMPORTS_KNOWN_MAX
            && let Some((_, oldest)) = self.imports.pop_first()
        {
            self.by_id.remove(&oldest.id);
        }
    }

    /// Takes in a figure; beyond the bound only known ones move.
    pub(super) fn stand(&mut self, key: u128, standing: Standing) {
        let room = self.figures.len() < FIGURES_KNOWN_MAX;
        match self.figures.get_mut(&key) {
            Some(known) if known.rank <= standing.rank => *known = standing,
            Some(_) => {}
            None if room => {
                self.figures.insert(key, standing);
            }
            None => {}
        }
    }

    /// The list as bytes.
    pub(super) fn encoded(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend(self.seen.0.to_le_bytes());
        bytes.extend((self.imports.len() as u32).to_le_bytes());
        for import in self.imports.values() {
            bytes.extend(import.id);
            bytes.extend(import.at.0.to_le_bytes());
            for text in [&import.author, import.stream.as_str(), import.source.as_str()] {
                bytes.extend((text.len() as u32).to_le_bytes());
                bytes.extend(text.as_bytes());
            }
            bytes.extend(import.document_hash);
            for number in [import.rows, import.figures, import.offset.0] {
                bytes.extend(number.to_le_bytes());
            }
        }
        bytes
    }

    /// The list from bytes; none: another format, or not what was written.
    pub(super) fn decoded(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.take::<8>()? != MAGIC || u32::from_le_bytes(fields.take()?) != FORMAT {
            return None;
        }
        let mut book = Self { seen: Offset(fields.number()?), ..Self::default() };
        for _ in 0..u32::from_le_bytes(fields.take()?) {
            book.note(fields.import()?);
        }
        fields.0.is_empty().then_some(book)
    }
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(u32::from_le_bytes(self.take()?)).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    fn import(&mut self) -> Option<ImportRecord> {
        Some(ImportRecord {
            id: self.take()?,
            at: ArrivalTime(i64::from_le_bytes(self.take()?)),
            author: self.text()?,
            stream: StreamId::new(&self.text()?),
            source: SourceId::new(&self.text()?),
            document_hash: self.take()?,
            rows: self.number()?,
            figures: self.number()?,
            offset: Offset(self.number()?),
        })
    }
}

/// What the Command in front of an import's entries says, for its `id` and its `subject`.
pub(super) fn command_texts(import: &ImportRecord) -> (String, String) {
    let hex = |bytes: &[u8; 32]| blake3::Hash::from_bytes(*bytes).to_hex().to_string();
    let subject = format!(
        "{}\t{}\t{} rows\t{} figures\tdocument {}",
        import.stream,
        import.source,
        import.rows,
        import.figures,
        hex(&import.document_hash)
    );
    (format!("{ID_PREFIX}{}", hex(&import.id)), subject)
}

/// The import a Command stands in front of; none: it is another Command.
pub(super) fn import_of(command: &Command, offset: Offset) -> Option<ImportRecord> {
    if command.verb != VERB {
        return None;
    }
    let hash = |hex: &str| Some(*blake3::Hash::from_hex(hex).ok()?.as_bytes());
    let mut parts = command.subject.split('\t');
    let (stream, source) = (parts.next()?, parts.next()?);
    let rows = parts.next()?.strip_suffix(" rows")?.parse().ok()?;
    let figures = parts.next()?.strip_suffix(" figures")?.parse().ok()?;
    let document_hash = hash(parts.next()?.strip_prefix("document ")?)?;
    Some(ImportRecord {
        id: hash(command.id.strip_prefix(ID_PREFIX)?)?,
        at: command.at,
        author: command.author.clone(),
        stream: StreamId::new(stream),
        source: SourceId::new(source),
        document_hash,
        rows,
        figures,
        offset,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(offset: u64) -> ImportRecord {
        ImportRecord {
            id: [offset as u8; 32],
            at: ArrivalTime(7),
            author: "Sở Du lịch".to_owned(),
            stream: StreamId::new("tourism"),
            source: SourceId::new("so-du-lich"),
            document_hash: [9; 32],
            rows: 2,
            figures: 4,
            offset: Offset(offset),
        }
    }

    #[test]
    fn the_list_comes_back_as_it_was() {
        let mut book = Book { seen: Offset(99), ..Book::default() };
        book.note(import(5));
        book.note(import(40));
        let bytes = book.encoded();
        let back = Book::decoded(&bytes).expect("a list");
        assert_eq!((back.seen, back.imports), (book.seen, book.imports));
        assert_eq!(back.by_id, book.by_id);
        for cut in 0..bytes.len() {
            assert!(Book::decoded(&bytes[..cut]).is_none(), "cut at {cut}");
        }
    }

    #[test]
    fn a_command_says_its_import() {
        let import = import(5);
        let (id, subject) = command_texts(&import);
        let author = import.author.clone();
        let command = Command { at: import.at, id, author, verb: VERB.to_owned(), subject, sealed: None };
        assert_eq!(import_of(&command, Offset(5)), Some(import));
        assert_eq!(import_of(&Command { verb: "redecode".to_owned(), ..command }, Offset(5)), None);
    }

    #[test]
    fn the_later_phase_or_greater_revision_stands() {
        let mut book = Book::default();
        let standing = |rank, value| Standing { rank, value, offset: 1 };
        book.stand(7, standing((1, 0), 10));
        book.stand(7, standing((0, 9), 11));
        assert_eq!(book.standing(7).map(|one| one.value), Some(10));
        book.stand(7, standing((1, 0), 12));
        book.stand(7, standing((2, 0), 13));
        assert_eq!(book.standing(7).map(|one| one.value), Some(13));
    }
}
