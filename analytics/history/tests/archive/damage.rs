//! Files that are not what was written: flipped, cut, exchanged, planted, gone. None of it is ever served.

use std::fs;
use std::path::PathBuf;

use nhip_history::archive::{Archive, ArchiveError, Part, SpanningLog};
use nhip_ports::{EventLog as _, LogError};
use nhip_proto::{ArrivalTime, Offset, Record, Tick};

use crate::stage::{ALL, Stage, batches, read_all};

fn ticks(count: i64) -> Vec<Record> {
    (0..count).map(|number| Record::Tick(Tick { at: ArrivalTime(number) })).collect()
}

/// An archive of two files whose log was trimmed.
fn two_files() -> (Stage, [PathBuf; 2]) {
    let stage = Stage::new(vec![ticks(5), ticks(5), ticks(1)]);
    let archive = stage.archive();
    stage.seal_all(&archive);
    stage.runtime.block_on(stage.log.trim(Offset(10))).expect("trimmed");
    let paths: Vec<PathBuf> =
        archive.files().iter().map(|file| stage.directory.path().join(&file.name)).collect();
    (stage, paths.try_into().expect("two files"))
}

fn refused(stage: &Stage, what: &str) {
    let archive = Archive::open(stage.directory.path()).expect("opened");
    let read = archive.read(Offset(0), ALL);
    assert!(matches!(read, Err(ArchiveError::Damaged { .. })), "{what}: {read:?}");
}

fn refused_by_all(stage: &Stage, what: &str) {
    refused(stage, what);
    let archive = stage.archive();
    assert!(matches!(archive.verify(), Err(ArchiveError::Damaged { .. })), "{what}");
    assert!(archive.read(Offset(5), ALL).is_ok(), "{what}: the whole file beside it is read");
}

#[test]
fn any_flipped_byte_is_found_before_a_record_is_served() {
    let (stage, [path, _]) = two_files();
    let whole = fs::read(&path).expect("bytes");
    for place in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[place] ^= 0x10;
        fs::write(&path, flipped).expect("written");
        refused(&stage, &format!("byte {place}"));
    }
    refused_by_all(&stage, "the last byte");
    fs::write(&path, whole).expect("written");
    assert_eq!(read_all(&stage.archive()).expect("mended").len(), 10);
}

#[test]
fn a_half_written_file_is_found_at_every_length() {
    let (stage, [path, _]) = two_files();
    let whole = fs::read(&path).expect("bytes");
    for length in (0..whole.len()).step_by(31) {
        fs::write(&path, &whole[..length]).expect("written");
        refused(&stage, &format!("{length} bytes"));
    }
    let longer = [whole.as_slice(), &[0; 100]].concat();
    fs::write(&path, longer).expect("written");
    refused_by_all(&stage, "longer than it was");
}

#[test]
fn a_whole_file_in_the_place_of_another_is_found() {
    let (stage, [first, second]) = two_files();
    fs::copy(second, first).expect("copied");
    refused_by_all(&stage, "another file under this name");
}

#[test]
fn a_planted_file_is_neither_read_nor_kept() {
    let (stage, [first, _]) = two_files();
    let planted = stage.directory.path().join(format!("{:020}-{:020}.parquet", 10, 15));
    let foreign = stage.directory.path().join("notes.parquet");
    fs::copy(&first, &planted).expect("copied");
    fs::copy(&first, &foreign).expect("copied");
    let archive = Archive::open(stage.directory.path()).expect("opened");
    assert_eq!(archive.end(), Offset(10), "what the manifest does not name does not exist");
    assert!(matches!(archive.read(Offset(10), ALL), Err(ArchiveError::Absent(10))));
    archive.sweep(Offset(10)).expect("swept");
    assert!(!planted.exists() && foreign.exists(), "only names of our own are swept");
}

#[test]
fn a_lost_file_and_a_lost_manifest_are_told() {
    let (stage, [first, _]) = two_files();
    let kept = fs::read(&first).expect("bytes");
    fs::remove_file(&first).expect("removed");
    let archive = stage.archive();
    assert!(matches!(archive.read(Offset(0), ALL), Err(ArchiveError::Io { .. })));
    let spanning = stage.spanning(archive);
    let read = stage.runtime.block_on(spanning.read(Offset(0), ALL));
    assert!(matches!(read, Err(LogError::Failed(_))), "a reader of the log is told: {read:?}");
    fs::write(&first, kept).expect("put back");
    fs::remove_file(stage.directory.path().join("manifest")).expect("removed");
    let archive = stage.archive();
    assert!(first.exists(), "beside a trimmed log nothing is swept without a manifest");
    let spanning = SpanningLog::new(archive, stage.log.clone());
    assert!(matches!(spanning.err(), Some(ArchiveError::Seam(what)) if what.contains("before offset 10")));
}

#[test]
fn any_flipped_byte_of_the_manifest_refuses_the_archive() {
    let (stage, _) = two_files();
    let path = stage.directory.path().join("manifest");
    let whole = fs::read(&path).expect("bytes");
    for place in 0..whole.len() - 1 {
        let mut flipped = whole.clone();
        flipped[place] ^= 0x10;
        fs::write(&path, flipped).expect("written");
        assert!(Archive::open(stage.directory.path()).is_err(), "byte {place}");
    }
}

#[test]
fn a_manifest_cannot_name_a_file_elsewhere() {
    let (stage, _) = two_files();
    let path = stage.directory.path().join("manifest");
    let text = fs::read_to_string(&path).expect("text");
    let body =
        text.split_once('\n').and_then(|(_, rest)| rest.rsplit_once("\nblake3 ")).expect("a manifest").0;
    let elsewhere = body.replacen("00000000000000000000-", "../elsewhere/0-", 1);
    let digest = blake3::hash(elsewhere.as_bytes()).to_hex();
    fs::write(&path, format!("NhipManifest 1\n{elsewhere}\nblake3 {digest}\n")).expect("written");
    let opened = Archive::open(stage.directory.path());
    assert!(matches!(opened.err(), Some(ArchiveError::Damaged { file, .. }) if file.contains("elsewhere")));
}

#[test]
fn the_archive_of_another_log_is_refused() {
    let stage = Stage::new(batches(3, &[5, 5, 1]));
    stage.seal_all(&stage.archive());
    let other = Stage::new(batches(4, &[5, 5, 1]));
    let spanning = SpanningLog::new(stage.archive(), other.log.clone());
    assert!(matches!(spanning.err(), Some(ArchiveError::Seam(what)) if what.contains("pasts differ")));
    let shorter = Stage::new(batches(3, &[5, 4]));
    let spanning = SpanningLog::new(stage.archive(), shorter.log.clone());
    assert!(matches!(spanning.err(), Some(ArchiveError::Seam(_))), "a log that ends before its archive");
}

#[test]
fn a_hole_is_never_sealed_over() {
    let stage = Stage::new(vec![ticks(5), ticks(5), ticks(5), ticks(1)]);
    let archive = stage.archive();
    let parts = stage.parts();
    stage.seal(&archive, parts[0], &mut |_| true).expect("sealed");
    let skipped = stage.seal(&archive, parts[2], &mut |_| true);
    assert!(matches!(skipped, Err(ArchiveError::Seam(_))), "{skipped:?}");
    let beyond = Part { end: Offset(99), ..parts[1] };
    let beyond = stage.seal(&archive, beyond, &mut |_| true);
    assert!(matches!(beyond, Err(ArchiveError::Seam(_))), "{beyond:?}");
    assert_eq!(stage.archive().end(), Offset(5));
}
