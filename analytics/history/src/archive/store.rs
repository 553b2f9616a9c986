//! The archive's directory: seals stretches of the log, merges small files, reads and verifies. Only what the manifest
//! names exists.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use nhip_ports::{FileAct, FileWork, LogBatch, LogError, ReadLimit, SegmentHead};
use nhip_proto::{Logged, Offset};

use super::file::{Checked, Contents, GROUP_BYTES_MAX, Writing, hashed};
use super::listing::{ArchiveFile, Listing, MANIFEST_NAME, file_name, hex};
use super::rows::encoded;
use super::{ArchiveError, telemetry};
use crate::{durable, manifest};

const UNFINISHED_NAME: &str = "sealing.tmp";
/// Files kept open after they were checked, each with the row group read last.
const OPEN_FILES_MAX: usize = 4;
/// Records asked of the log at a time while sealing.
const READ_RECORDS_MAX: usize = 4_096;
/// Their bytes.
const READ_BYTES_MAX: usize = 4 << 20;

/// A stretch of the log to be sealed into one file: whole segments, nothing appended to them any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The offset of its first record.
    pub first: Offset,
    /// The offset after its last record.
    pub end: Offset,
    /// The log's chain before it.
    pub chain_before: [u8; 32],
    /// The log's chain after it.
    pub chain: [u8; 32],
}

/// Where sealing or merging stands; asked before each step whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The next records are written to a file nobody reads.
    Write,
    /// That file is whole and synced; it is read back and compared.
    Verify,
    /// It was found equal; it gets its name.
    Rename,
    /// Its name is durable; the manifest is swapped.
    List,
    /// The manifest names it; what it replaces is removed.
    Remove,
}

/// Says at each step whether to go on.
pub type GoOn<'a> = &'a mut dyn FnMut(Step) -> bool;
/// Reads the log on.
pub type ReadLog<'a> = &'a mut dyn FnMut(Offset, ReadLimit) -> Result<LogBatch, LogError>;

/// What a whole archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveReport {
    /// Files read.
    pub files: usize,
    /// Records in them.
    pub records: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// The first offset.
    pub first: u64,
    /// The offset after the last record.
    pub end: u64,
    /// The log's chain before the first record, in hexadecimal digits.
    pub chain_before: String,
    /// The log's chain after the last record.
    pub chain: String,
}

impl fmt::Display for ArchiveReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, records, bytes, first, end, .. } = self;
        write!(f, "archive: offsets {first}..{end}: {records} records, {bytes} bytes, {files} files: whole")
    }
}

/// The archive of one log. One process writes it; any may read it.
pub struct Archive {
    dir: PathBuf,
    listing: RwLock<Arc<Listing>>,
    recent: Mutex<Vec<Recent>>,
}

/// A checked file and the records of the row group read last.
struct Recent {
    name: String,
    file: Checked,
    group: Option<(usize, Arc<[Logged]>)>,
}

impl Archive {
    /// Opens the archive of a directory that may not exist yet. Writes nothing.
    ///
    /// # Errors
    /// [`ArchiveError`] if its manifest is damaged.
    pub fn open(dir: &Path) -> Result<Self, ArchiveError> {
        let listing = read_listing(dir)?;
        Ok(Self { dir: dir.to_owned(), listing: RwLock::new(Arc::new(listing)), recent: Mutex::default() })
    }

    /// Makes the directory and removes what a crash left unfinished: files the manifest does not name. Their records
    /// stand in the log or in files it does name.
    ///
    /// # Errors
    /// [`ArchiveError`] if the file system refuses.
    pub fn sweep(&self, log_first: Offset) -> Result<(), ArchiveError> {
        let failed = |error| ArchiveError::io(&self.dir, error);
        fs::create_dir_all(&self.dir).map_err(failed)?;
        let listing = self.listing();
        // Without a manifest beside a trimmed log something else is wrong: nothing is removed.
        let sure = !listing.files.is_empty() || log_first == Offset(0);
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            let unlisted = name.ends_with(".parquet") && !listing.files.iter().any(|file| file.name == name);
            if name.ends_with(".tmp") || (unlisted && sure && ours(&name)) {
                tracing::info!(file = %name, "unfinished archive file removed");
                durable::remove(&self.dir.join(&name), FileWork::ArchiveSweep).map_err(failed)?;
            }
        }
        telemetry::holds(&listing);
        Ok(())
    }

    /// The first offset it holds; none if it is empty.
    #[must_use]
    pub fn first(&self) -> Option<Offset> {
        self.listing().first()
    }

    /// The offset after its last record: up to here the log may be trimmed.
    #[must_use]
    pub fn end(&self) -> Offset {
        self.listing().end()
    }

    /// Its files, in the order of offsets.
    #[must_use]
    pub fn files(&self) -> Vec<ArchiveFile> {
        self.listing().files.clone()
    }

    /// Whether the log goes on where the archive ends, with the same past.
    ///
    /// # Errors
    /// [`ArchiveError::Seam`] if records are missing in between or the two belong to different logs.
    pub fn meets(&self, log: &[SegmentHead]) -> Result<(), ArchiveError> {
        let listing = self.listing();
        let log_first = log.first().map_or(Offset(0), |head| head.first);
        let Some(last) = listing.files.last() else {
            return if log_first == Offset(0) {
                Ok(())
            } else {
                Err(ArchiveError::Seam(format!("records before offset {} are missing", log_first.0)))
            };
        };
        if listing.end() < log_first {
            let (end, first) = (last.end, log_first.0);
            return Err(ArchiveError::Seam(format!("records from offset {end} to {first} are missing")));
        }
        match log.iter().find(|head| head.first == listing.end()) {
            Some(head) if hex(&head.chain) == last.chain => Ok(()),
            Some(_) => Err(ArchiveError::Seam(format!("at offset {} their pasts differ", last.end))),
            None => Err(ArchiveError::Seam(format!("no segment of the log begins at offset {}", last.end))),
        }
    }

    /// Seals a stretch of the log that follows what is there: written, synced, read back, compared, named, listed.
    ///
    /// # Errors
    /// [`ArchiveError`]; the archive is then what it was before.
    pub fn seal(&self, part: Part, read: ReadLog<'_>, go_on: GoOn<'_>) -> Result<ArchiveFile, ArchiveError> {
        let listing = self.listing();
        if !listing.files.is_empty() && listing.end() != part.first {
            let what = format!("the archive ends at {}, not at {}", listing.end().0, part.first.0);
            return Err(ArchiveError::Seam(what));
        }
        let unfinished = self.dir.join(UNFINISHED_NAME);
        let mut writing = Writing::create(&unfinished, part.first.0, FileWork::ArchiveSeal)?;
        while writing.next() < part.end.0 {
            may(go_on, Step::Write)?;
            let limit = ReadLimit { records_max: READ_RECORDS_MAX, bytes_max: READ_BYTES_MAX };
            let batch = read(Offset(writing.next()), limit)?;
            if batch.first().is_none_or(|logged| logged.offset.0 != writing.next()) {
                return Err(ArchiveError::Seam(format!("the log has no record at {}", writing.next())));
            }
            batch
                .iter()
                .take_while(|logged| logged.offset < part.end)
                .try_for_each(|one| writing.push(one))?;
        }
        let contents = writing.finish()?;
        let chains = (hex(&part.chain_before), hex(&part.chain));
        self.publish(&contents, chains, FileWork::ArchiveSeal, go_on)
    }

    /// Puts one file in the place of several that follow each other.
    ///
    /// # Errors
    /// [`ArchiveError`]; the files are then what they were before.
    pub fn merge(&self, files: &[ArchiveFile], go_on: GoOn<'_>) -> Result<ArchiveFile, ArchiveError> {
        let (Some(first), Some(last)) = (files.first(), files.last()) else {
            return Err(ArchiveError::Stopped);
        };
        let mut writing =
            Writing::create(&self.dir.join(UNFINISHED_NAME), first.first, FileWork::ArchiveMerge)?;
        for file in files {
            let mut digest = blake3::Hasher::new();
            Checked::open(&self.dir.join(&file.name), file)?.each(&mut |logged| {
                let bytes = encoded(&logged.record);
                digest.update(&(bytes.len() as u32).to_le_bytes());
                digest.update(&bytes);
                writing.push(logged)
            })?;
            if hex(digest.finalize().as_bytes()) != file.records_blake3 {
                return Err(ArchiveError::damaged(&file.name, "its records are not those of the log"));
            }
            may(go_on, Step::Write)?;
        }
        let contents = writing.finish()?;
        let chains = (first.chain_before.clone(), last.chain.clone());
        let merged = self.publish(&contents, chains, FileWork::ArchiveMerge, go_on)?;
        may(go_on, Step::Remove)?;
        for file in files.iter().filter(|file| file.name != merged.name) {
            durable::remove(&self.dir.join(&file.name), FileWork::ArchiveMerge)
                .map_err(|error| ArchiveError::io(&self.dir, error))?;
        }
        durable::settle(&self.dir, FileWork::ArchiveMerge)
            .map_err(|error| ArchiveError::io(&self.dir, error))?;
        Ok(merged)
    }

    /// The next records from an offset on, all out of one row group.
    ///
    /// # Errors
    /// [`ArchiveError::Absent`] if it is not here, [`ArchiveError::Damaged`] if its file is not what was written.
    pub fn read(&self, from: Offset, limit: ReadLimit) -> Result<Vec<Logged>, ArchiveError> {
        let group = self.group(from)?;
        let skip = group.partition_point(|logged| logged.offset < from);
        let rest = group.get(skip..).unwrap_or_default();
        let mut bytes = 0;
        let fits = |(place, logged): &(usize, &Logged)| {
            // A group is never larger than this, so only narrower readers pay for counting.
            if limit.bytes_max < GROUP_BYTES_MAX {
                bytes += encoded(&logged.record).len();
            }
            *place == 0 || (*place < limit.records_max && bytes <= limit.bytes_max)
        };
        Ok(rest.iter().enumerate().take_while(fits).map(|(_, logged)| logged.clone()).collect())
    }

    /// Reads every file and compares all there is: bytes, records, offsets, chain.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`] with the first file that is not what was written.
    pub fn verify(&self) -> Result<ArchiveReport, ArchiveError> {
        let listing = read_listing(&self.dir)?;
        for file in &listing.files {
            let found = Checked::open(&self.dir.join(&file.name), file)?.contents()?;
            if found.records_blake3 != file.records_blake3 || found.end != file.end {
                return Err(ArchiveError::damaged(&file.name, "its records are not those of the log"));
            }
        }
        let (first, last) = (listing.files.first(), listing.files.last());
        Ok(ArchiveReport {
            files: listing.files.len(),
            records: listing.files.iter().map(|file| file.records).sum(),
            bytes: listing.files.iter().map(|file| file.bytes).sum(),
            first: first.map_or(0, |file| file.first),
            end: listing.end().0,
            chain_before: first.map(|file| file.chain_before.clone()).unwrap_or_default(),
            chain: last.map(|file| file.chain.clone()).unwrap_or_default(),
        })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Reads the unfinished file back and makes it one of the archive.
    fn publish(
        &self,
        written: &Contents,
        chains: (String, String),
        work: FileWork,
        go_on: GoOn<'_>,
    ) -> Result<ArchiveFile, ArchiveError> {
        may(go_on, Step::Verify)?;
        let unfinished = self.dir.join(UNFINISHED_NAME);
        let failed = |error| ArchiveError::io(&unfinished, error);
        let (bytes, blake3) =
            File::open(&unfinished).and_then(|mut file| hashed(&mut file)).map_err(failed)?;
        let file = ArchiveFile {
            name: file_name(written.first, written.end),
            bytes,
            blake3,
            first: written.first,
            end: written.end,
            records: written.end - written.first,
            first_at_ns: written.first_at_ns,
            last_at_ns: written.last_at_ns,
            records_blake3: written.records_blake3.clone(),
            chain_before: chains.0,
            chain: chains.1,
        };
        if Checked::open(&unfinished, &file)?.contents()? != *written {
            return Err(ArchiveError::damaged(&file.name, "read back it differs from what was written"));
        }
        work.did(FileAct::Compared);
        may(go_on, Step::Rename)?;
        durable::name(&unfinished, &self.dir.join(&file.name), work).map_err(failed)?;
        may(go_on, Step::List)?;
        let listing = self.listing().with(file.clone());
        listing.check()?;
        manifest::swap_in(&self.dir.join(MANIFEST_NAME), &listing, work)?;
        telemetry::holds(&listing);
        *self.listing.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(listing);
        Ok(file)
    }

    /// Checks the bytes of every file that holds records of a range.
    pub(super) fn still_whole(&self, from: Offset, to: Offset) -> Result<(), ArchiveError> {
        let listing = self.listing();
        let mut wanted = listing.files.iter().filter(|file| file.first < to.0 && from.0 < file.end);
        wanted.try_for_each(|file| Checked::open(&self.dir.join(&file.name), file).map(drop))
    }

    /// The records of the row group an offset stands in.
    fn group(&self, offset: Offset) -> Result<Arc<[Logged]>, ArchiveError> {
        let mut recent = self.recent();
        let mut one = self.checked(offset, &mut recent)?;
        let wanted = one.file.group_of(offset.0);
        let group = match &one.group {
            Some((index, group)) if *index == wanted => Arc::clone(group),
            _ => Arc::from(one.file.group(wanted)?),
        };
        one.group = Some((wanted, Arc::clone(&group)));
        recent.insert(0, one);
        recent.truncate(OPEN_FILES_MAX);
        Ok(group)
    }

    /// The checked file an offset stands in, taken out of the recent ones or opened.
    fn checked(&self, offset: Offset, recent: &mut Vec<Recent>) -> Result<Recent, ArchiveError> {
        loop {
            let file = self.listing().find(offset).cloned().ok_or(ArchiveError::Absent(offset.0))?;
            if let Some(place) = recent.iter().position(|one| one.name == file.name) {
                return Ok(recent.remove(place));
            }
            match Checked::open(&self.dir.join(&file.name), &file) {
                Ok(checked) => return Ok(Recent { name: file.name, file: checked, group: None }),
                // Merged into another between the look at the list and the opening.
                Err(_) if self.listing().find(offset).is_some_and(|now| now.name != file.name) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn listing(&self) -> Arc<Listing> {
        Arc::clone(&self.listing.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn recent(&self) -> MutexGuard<'_, Vec<Recent>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_listing(dir: &Path) -> Result<Listing, ArchiveError> {
    let listing: Listing = manifest::read(&dir.join(MANIFEST_NAME))?.unwrap_or_default();
    listing.check()?;
    Ok(listing)
}

fn may(go_on: GoOn<'_>, step: Step) -> Result<(), ArchiveError> {
    if go_on(step) { Ok(()) } else { Err(ArchiveError::Stopped) }
}

/// Whether a name is one this archive gives.
fn ours(name: &str) -> bool {
    let offsets = name.strip_suffix(".parquet").and_then(|stem| stem.split_once('-'));
    let parsed = offsets.and_then(|(first, end)| Some((first.parse().ok()?, end.parse().ok()?)));
    parsed.is_some_and(|(first, end)| file_name(first, end) == name)
}
