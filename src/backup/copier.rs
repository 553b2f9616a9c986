//! Copies file by file in bounded pieces, digests what it writes, and re-uses what an earlier backup already holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::commands::Failure;

use super::manifest::{FileEntry, Manifest};
use super::place::{self, at};
use super::progress::Progress;

/// Read and written at a time.
pub(super) const PIECE_BYTES: usize = 1 << 20;

/// A backup that was finished before.
pub(super) struct Earlier {
    pub(super) root: PathBuf,
    pub(super) manifest: Manifest,
}

/// The beginning of a file that may still grow, with zeros behind it up to its length.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) used_bytes: u64,
    pub(super) file_bytes: u64,
}

/// A backup being written.
pub(super) struct Copier {
    root: PathBuf,
    earlier_root: PathBuf,
    earlier: BTreeMap<String, FileEntry>,
    files: BTreeMap<String, FileEntry>,
    directories: BTreeSet<PathBuf>,
    reused: BTreeSet<String>,
    progress: Progress,
}

impl Copier {
    /// Into a directory that exists.
    pub(super) fn new(root: &Path, earlier: Option<Earlier>, total_bytes: u64) -> Self {
        let (earlier_root, files) = earlier.map_or_else(Default::default, |earlier| {
            let files = earlier.manifest.files.into_iter().map(|file| (file.path.clone(), file));
            (earlier.root, files.collect())
        });
        Self {
            root: root.to_owned(),
            earlier_root,
            earlier: files,
            files: BTreeMap::new(),
            directories: BTreeSet::new(),
            reused: BTreeSet::new(),
            progress: Progress::new("backup", total_bytes),
        }
    }

    /// How many bytes a copy of this data directory will add to the disk, as far as names and lengths tell.
    pub(super) fn expected_new_bytes(&self, data: &Path) -> Result<u64, Failure> {
        let mut expected = 0_u64;
        for path in place::files_in(data).map_err(|error| at(data, error))? {
            let bytes = fs::metadata(data.join(&path)).map_or(0, |found| found.len());
            let known = self.earlier.get(&format!("data/{path}")).is_some_and(|file| file.bytes == bytes);
            expected += if known { 0 } else { bytes };
        }
        Ok(expected)
    }

    /// Bytes that were not written again.
    pub(super) fn reused_bytes(&self) -> u64 {
        self.reused.iter().filter_map(|path| self.files.get(path)).map(|file| file.bytes).sum()
    }

    /// Whether it was taken already.
    pub(super) fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// A whole file that never changes under its name; false: it is gone.
    pub(super) fn take(&mut self, source: &Path, path: &str) -> Result<bool, Failure> {
        self.take_file(source, path, None)
    }

    /// The beginning of a file; false: it is gone.
    pub(super) fn take_part(&mut self, source: &Path, path: &str, part: Part) -> Result<bool, Failure> {
        self.take_file(source, path, Some(part))
    }

    /// Every file of a directory; those that go meanwhile are left out.
    pub(super) fn take_tree(&mut self, source: &Path, prefix: &str) -> Result<(), Failure> {
        for path in place::files_in(source).map_err(|error| at(source, error))? {
            self.take(&source.join(&path), &format!("{prefix}/{path}"))?;
        }
        Ok(())
    }

    /// Bytes that were read elsewhere.
    pub(super) fn put(&mut self, path: &str, bytes: &[u8]) -> Result<(), Failure> {
        let target = self.target(path)?;
        let written = created(&target).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.map_err(|error| at(&target, error))?;
        self.note(path, bytes.len() as u64, blake3::hash(bytes));
        Ok(())
    }

    /// What was taken and does not belong to the backup after all.
    pub(super) fn forget(&mut self, path: &str) -> Result<(), Failure> {
        self.files.remove(path);
        self.reused.remove(path);
        let target = self.root.join(path);
        fs::remove_file(&target).map_err(|error| at(&target, error))
    }

    /// The paths taken so far below a directory.
    pub(super) fn taken_below(&self, prefix: &str) -> Vec<String> {
        let inside = format!("{prefix}/");
        self.files.keys().filter(|path| path.starts_with(&inside)).cloned().collect()
    }

    /// Makes all names durable; the files it took.
    pub(super) fn finish(self) -> Result<Vec<FileEntry>, Failure> {
        for directory in &self.directories {
            place::sync_directory(directory)?;
        }
        Ok(self.files.into_values().collect())
    }

    fn take_file(&mut self, source: &Path, path: &str, part: Option<Part>) -> Result<bool, Failure> {
        let file = match File::open(source) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(at(source, error)),
        };
        let bytes = match part {
            Some(part) => part.file_bytes,
            None => file.metadata().map_err(|error| at(source, error))?.len(),
        };
        if self.reuse(source, path, bytes, part)? {
            return Ok(true);
        }
        let target = self.target(path)?;
        let mut copy = created(&target).map_err(|error| at(&target, error))?;
        let progress = &mut self.progress;
        let digested = pump(file, part, &mut |piece| {
            progress.step(piece.len() as u64);
            copy.write_all(piece)
        });
        let failed = |error| at(Path::new(&format!("{} → {}", source.display(), target.display())), error);
        let (written, digest) = digested.map_err(failed)?;
        // Zeros behind the used part take no room in a backup.
        copy.set_len(written).and_then(|()| copy.sync_all()).map_err(|error| at(&target, error))?;
        self.note(path, written, digest);
        Ok(true)
    }

    /// A file of the same name and length in the backup before is taken only if its bytes are those of the source
    /// now: after a restore the same name may stand for another history. Its copy is read again too, so that rot on
    /// the backup's disk is not handed on.
    fn reuse(&mut self, source: &Path, path: &str, bytes: u64, part: Option<Part>) -> Result<bool, Failure> {
        let Some(earlier) = self.earlier.get(path).filter(|earlier| earlier.bytes == bytes).cloned() else {
            return Ok(false);
        };
        let digest = |file: &Path, part| -> io::Result<String> {
            Ok(pump(File::open(file)?, part, &mut |_| Ok(()))?.1.to_hex().to_string())
        };
        let held = self.earlier_root.join(path);
        let same = digest(source, part).is_ok_and(|found| found == earlier.blake3)
            && digest(&held, None).is_ok_and(|found| found == earlier.blake3);
        let target = self.target(path)?;
        if !same || fs::hard_link(&held, &target).is_err() {
            return Ok(false);
        }
        self.reused.insert(path.to_owned());
        self.progress.step(bytes);
        self.files.insert(path.to_owned(), earlier);
        Ok(true)
    }

    /// Where it goes; its directory exists, and nothing of an earlier pass stands there.
    fn target(&mut self, path: &str) -> Result<PathBuf, Failure> {
        let target = self.root.join(path);
        if let Some(directory) = target.parent() {
            let made = fs::DirBuilder::new().recursive(true).mode(0o750).create(directory);
            made.map_err(|error| at(directory, error))?;
            let ours = directory.ancestors().take_while(|one| one.starts_with(&self.root));
            self.directories.extend(ours.map(Path::to_path_buf));
        }
        match fs::remove_file(&target) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&target, error)),
            _ => Ok(target),
        }
    }

    fn note(&mut self, path: &str, bytes: u64, digest: blake3::Hash) {
        let entry = FileEntry { path: path.to_owned(), bytes, blake3: digest.to_hex().to_string() };
        self.files.insert(path.to_owned(), entry);
        self.reused.remove(path);
    }
}

/// Reads a file in pieces; how many bytes its copy has, zeros behind the used part included, and their digest.
pub(super) fn pump(
    mut file: File,
    part: Option<Part>,
    sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<(u64, blake3::Hash)> {
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES];
    let (mut done, used) = (0, part.map_or(u64::MAX, |part| part.used_bytes));
    while done < used {
        let wanted = usize::try_from(used - done).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let read = file.read(piece.get_mut(..wanted).unwrap_or_default())?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
        sink(bytes)?;
        done += bytes.len() as u64;
    }
    let Some(part) = part else { return Ok((done, hasher.finalize())) };
    if done < part.used_bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    piece.fill(0);
    while done < part.file_bytes {
        let left = usize::try_from(part.file_bytes - done).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        hasher.update(piece.get(..left).unwrap_or_default());
        done += left as u64;
    }
    Ok((done, hasher.finalize()))
}

fn created(target: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o640).open(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backup_of(source: &Path, root: &Path, earlier: Option<Earlier>) -> (Copier, FileEntry) {
        fs::create_dir_all(root).expect("made");
        let mut copier = Copier::new(root, earlier, 0);
        assert!(copier.take(source, "data/x").expect("taken"));
        let entry = copier.files["data/x"].clone();
        (copier, entry)
    }

    fn earlier_with(root: &Path, entry: &FileEntry) -> Option<Earlier> {
        let mut manifest: Manifest = serde_json::from_value(serde_json::json!({
            "kind": "nhip backup", "format": 1, "program": "", "made_at": "", "installation": "", "node": "",
            "origin": "", "log_first": 0, "log_end": 0, "log_chain": "", "rows_last": null, "files": []
        }))
        .expect("a manifest");
        manifest.files = vec![entry.clone()];
        Some(Earlier { root: root.to_owned(), manifest })
    }

    #[test]
    fn a_part_stands_with_zeros_behind_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let source = directory.path().join("source");
        fs::write(&source, "durable, and more").expect("written");
        let root = directory.path().join("backup");
        fs::create_dir(&root).expect("made");
        let mut copier = Copier::new(&root, None, 0);
        let part = Part { used_bytes: 7, file_bytes: 12 };
        assert!(copier.take_part(&source, "data/x", part).expect("taken"));
        assert_eq!(fs::read(root.join("data/x")).expect("read"), b"durable\0\0\0\0\0");
        let digest = blake3::hash(b"durable\0\0\0\0\0").to_hex().to_string();
        assert_eq!(
            copier.files["data/x"],
            FileEntry { path: "data/x".to_owned(), bytes: 12, blake3: digest }
        );
        assert!(!copier.take(&directory.path().join("gone"), "data/gone").expect("told"));
    }

    #[test]
    fn an_earlier_copy_is_taken_only_while_it_and_the_source_have_its_digest() {
        let directory = tempfile::tempdir().expect("a directory");
        let [source, first, second, third, fourth] =
            ["source", "1", "2", "3", "4"].map(|name| directory.path().join(name));
        fs::write(&source, "same").expect("written");
        let (_, entry) = backup_of(&source, &first, None);
        let (copier, _) = backup_of(&source, &second, earlier_with(&first, &entry));
        assert_eq!(copier.reused_bytes(), 4);

        fs::write(first.join("data/x"), "rots").expect("written");
        let (copier, again) = backup_of(&source, &third, earlier_with(&first, &entry));
        assert_eq!((copier.reused_bytes(), &again), (0, &entry), "a rotten copy is not handed on");
        assert_eq!(fs::read(third.join("data/x")).expect("read"), b"same");

        fs::write(&source, "else").expect("written");
        let (copier, other) = backup_of(&source, &fourth, earlier_with(&third, &entry));
        assert_eq!(copier.reused_bytes(), 0, "another history under the same name");
        assert_ne!(other, entry);
    }
}
