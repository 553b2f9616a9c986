//! What the manifest of the archive says: which files are real, which records they hold, what came before them.

use std::path::Path;

use nhip_proto::{MINUTE, Offset};
use serde::{Deserialize, Serialize};

use super::ArchiveError;
use crate::{SealedFile, manifest};

/// The format of the files listed.
pub(super) const FORMAT: u32 = 1;
/// The list itself.
pub(super) const MANIFEST_NAME: &str = "manifest";
/// A clock may have been set back by less than this between two records: times are not quite in the order of offsets.
const CLOCK_SET_BACK_NS_MAX: i64 = MINUTE;

/// One archive file as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveFile {
    /// Its name in the directory, made of its offsets.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of the whole file.
    pub blake3: String,
    /// The offset of its first record.
    pub first: u64,
    /// The offset after its last record.
    pub end: u64,
    /// Its records: offsets have no gaps.
    pub records: u64,
    /// When the first of them was made, UTC nanoseconds.
    pub first_at_ns: i64,
    /// When the last of them was made.
    pub last_at_ns: i64,
    /// BLAKE3 over its records as the log has them, each behind its length in 4 bytes.
    pub records_blake3: String,
    /// The log's chain before its first record.
    pub chain_before: String,
    /// The log's chain after its last record.
    pub chain: String,
}

/// Every file, in the order of offsets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listing {
    pub(super) format: u32,
    pub(super) files: Vec<ArchiveFile>,
}

impl Default for Listing {
    fn default() -> Self {
        Self { format: FORMAT, files: Vec::new() }
    }
}

/// Names come from offsets alone, so that no manifest can name a file elsewhere.
pub(super) fn file_name(first: u64, end: u64) -> String {
    format!("{first:020}-{end:020}.parquet")
}

/// The files of an archive directory, for a reader beside the node; none if nothing was sealed yet.
///
/// # Errors
/// [`ArchiveError`] if the list is damaged or cannot be read.
pub fn sealed_files(directory: &Path) -> Result<Vec<SealedFile>, ArchiveError> {
    let listing: Listing = manifest::read(&directory.join(MANIFEST_NAME))?.unwrap_or_default();
    listing.check()?;
    let sealed = |file: &ArchiveFile| SealedFile {
        path: directory.join(&file.name),
        bytes: file.bytes,
        blake3: file.blake3.clone(),
        rows_least: file.records,
        first_ns: file.first_at_ns.saturating_sub(CLOCK_SET_BACK_NS_MAX),
        last_ns: file.last_at_ns.saturating_add(CLOCK_SET_BACK_NS_MAX),
    };
    Ok(listing.files.iter().map(sealed).collect())
}

impl Listing {
    pub(super) fn first(&self) -> Option<Offset> {
        self.files.first().map(|file| Offset(file.first))
    }

    pub(super) fn end(&self) -> Offset {
        self.files.last().map_or(Offset(0), |file| Offset(file.end))
    }

    pub(super) fn find(&self, offset: Offset) -> Option<&ArchiveFile> {
        let behind = self.files.partition_point(|file| file.first <= offset.0);
        self.files.get(behind.checked_sub(1)?).filter(|file| offset.0 < file.end)
    }

    /// Whether it can be what was written: one stretch of offsets, one chain.
    pub(super) fn check(&self) -> Result<(), ArchiveError> {
        if self.format != FORMAT {
            let found = self.format;
            return Err(ArchiveError::Seam(format!(
                "archive of format {found}, this version reads {FORMAT}"
            )));
        }
        for file in &self.files {
            let right = file.name == file_name(file.first, file.end)
                && file.first < file.end
                && file.records == file.end - file.first;
            if !right {
                return Err(ArchiveError::damaged(&file.name, "name, offsets and count do not agree"));
            }
        }
        for pair in self.files.windows(2) {
            let [before, after] = pair else { continue };
            if before.end != after.first || before.chain != after.chain_before {
                let what =
                    format!("the file before ends at offset {} with another chain or place", before.end);
                return Err(ArchiveError::damaged(&after.name, what));
            }
        }
        Ok(())
    }

    /// The listing with one file in the place of all that it covers.
    pub(super) fn with(&self, file: ArchiveFile) -> Self {
        let apart = |other: &&ArchiveFile| other.end <= file.first || other.first >= file.end;
        let mut files: Vec<ArchiveFile> = self.files.iter().filter(apart).cloned().collect();
        let place = files.partition_point(|other| other.first < file.first);
        files.insert(place, file);
        Self { format: self.format, files }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
