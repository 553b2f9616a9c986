//! Which files of the series are real, and what each covers.

use std::path::{Path, PathBuf};

use nhip_ports::FileWork;
use nhip_proto::Offset;
use serde::{Deserialize, Serialize};

use super::order::{DAY, Span};
use super::store::SeriesError;
use crate::SealedFile;
use crate::manifest;

const MANIFEST: &str = "manifest";
const SUFFIX: &str = ".parquet";
const FORMAT: u32 = 1;

/// The list; what stands in no list does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listing {
    pub(super) format: u32,
    /// Rows of Ticks before this one stand in the files.
    pub(super) covered: u64,
    /// The number of the next file; a name is never used again.
    pub(super) next: u64,
    pub(super) files: Vec<Listed>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// BLAKE3 of all its bytes, hex.
    pub(super) blake3: String,
    pub(super) rows: u64,
    pub(super) tick_first: u64,
    pub(super) tick_last: u64,
}

impl Default for Listing {
    fn default() -> Self {
        Self { format: FORMAT, covered: 0, next: 1, files: Vec::new() }
    }
}

impl Listing {
    /// The list of a directory; an empty one if there is none yet.
    pub(super) fn read(directory: &Path) -> Result<Self, SeriesError> {
        let Some(listing) = manifest::read::<Self>(&directory.join(MANIFEST))? else {
            return Ok(Self::default());
        };
        let wrong = |what: String| Err(SeriesError::Damaged(what));
        if listing.format != FORMAT {
            return wrong(format!(
                "series manifest of format {}, this program reads {FORMAT}",
                listing.format
            ));
        }
        match listing.files.iter().find(|file| file.span().is_none()) {
            // A name that leads elsewhere must not be opened, whoever wrote it.
            Some(_) => wrong("the series manifest names a file no series store writes".to_owned()),
            None => Ok(listing),
        }
    }

    /// Makes it the list of the directory.
    pub(super) fn swap(&self, directory: &Path, work: FileWork) -> Result<(), SeriesError> {
        Ok(manifest::swap_in(&directory.join(MANIFEST), self, work)?)
    }

    /// A name for a new file of a span.
    pub(super) fn name(&mut self, span: Span) -> String {
        let number = self.next;
        self.next += 1;
        format!("{span}.{number:012}{SUFFIX}")
    }

    /// The first Tick whose rows are not in the files.
    pub(super) fn covered(&self) -> Offset {
        Offset(self.covered)
    }
}

impl Listed {
    /// Whose windows it holds; none if its name is not one this store gives.
    pub(super) fn span(&self) -> Option<Span> {
        span_of(&self.name)
    }

    pub(super) fn path(&self, directory: &Path) -> PathBuf {
        directory.join(&self.name)
    }
}

/// The files of a series directory, for a reader beside the node; none if nothing was sealed yet.
///
/// # Errors
/// [`SeriesError`] if the list is damaged or cannot be read.
pub fn sealed_files(directory: &Path) -> Result<Vec<SealedFile>, SeriesError> {
    let listing = Listing::read(directory)?;
    let files = listing.files.iter().filter_map(|listed| {
        let span = listed.span()?;
        Some(SealedFile {
            path: listed.path(directory),
            bytes: listed.bytes,
            blake3: listed.blake3.clone(),
            rows_least: listed.rows,
            first_ns: span.first_day().saturating_mul(DAY),
            last_ns: span.end_day().saturating_mul(DAY).saturating_sub(1),
        })
    });
    Ok(files.collect())
}

/// The span of a file's name; none of a name this store does not give.
pub(super) fn span_of(name: &str) -> Option<Span> {
    let (span, number) = name.strip_suffix(SUFFIX)?.split_once('.')?;
    let digits = number.len() == 12 && number.bytes().all(|byte| byte.is_ascii_digit());
    Span::parse(span).filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_beside_the_node_sees_what_is_listed_and_when_its_windows_start() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(sealed_files(directory.path()).expect("none yet"), []);
        let mut listing = Listing::default();
        for span in [Span::Day(20_778), Span::parse("2026-02").expect("a month")] {
            let listed = Listed {
                name: listing.name(span),
                bytes: 7,
                blake3: "00".to_owned(),
                rows: 3,
                tick_first: 0,
                tick_last: 1,
            };
            listing.files.push(listed);
        }
        listing.swap(directory.path(), FileWork::SeriesSeal).expect("listed");
        let files = sealed_files(directory.path()).expect("read");
        let told: Vec<_> = files.iter().map(|file| (file.name(), file.first_ns, file.last_ns)).collect();
        let day = 86_400_000_000_000;
        assert_eq!(
            told,
            [
                ("2026-11-21.000000000001.parquet".to_owned(), 20_778 * day, 20_779 * day - 1),
                // 2026-02-01 is day 20 485 since 1970, 2026-03-01 day 20 513.
                ("2026-02.000000000002.parquet".to_owned(), 20_485 * day, 20_513 * day - 1),
            ]
        );
        assert!(files[0].meets(20_779 * day - 1, i64::MAX) && !files[0].meets(20_779 * day, i64::MAX));
        assert!(files[0].meets(0, 20_778 * day + 1) && !files[0].meets(0, 20_778 * day));
    }

    #[test]
    fn only_names_of_this_store_are_names() {
        let mut listing = Listing::default();
        let name = listing.name(Span::Day(20_778));
        assert_eq!(name, "2026-11-21.000000000001.parquet");
        assert_eq!(span_of(&name), Some(Span::Day(20_778)));
        for wrong in [
            "../2026-11-21.000000000001.parquet",
            "/etc/passwd",
            "2026-11-21.000000000001",
            "2026-11-21.1.parquet",
            "2026-11-21/.000000000001.parquet",
            "2026-11-21.00000000000x.parquet",
        ] {
            assert_eq!(span_of(wrong), None, "{wrong}");
        }
    }
}
