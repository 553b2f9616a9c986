//! Backups of the real program: taken under load, given back byte for byte, refused with any byte changed.

#[path = "backup/program.rs"]
mod program;

use std::path::{Path, PathBuf};
use std::process::Command;

use nhip_tests::{Load, Node, PowerDisk, is_root, seed, skipped};
use program::{backup, config, digests, files_below, finished, nhip, options, restore, said, small_data};

/// Flips one byte per file and one in this many of further places.
const FURTHER_PLACES: u64 = 3;
/// A backup of a small data directory syncs fewer files than this.
const SYNCS_MAX: u32 = 80;

#[test]
fn a_backup_under_load_gives_back_the_same_bytes_and_runs_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let (data, backups) = (directory.path().join("data"), directory.path().join("backups"));
    let mut node = Node::start(&options(directory.path(), &data)).expect("a node");
    let load = Load::start(node.mqtt.expect("an endpoint"), &directory.path().join("acknowledged.jsonl"));
    load.until_acknowledged_beyond(3_000);
    backup(&data, &backups);
    let acknowledged = load.acknowledged();
    // The durable mark lags half a second: two seconds of messages later it is beyond.
    load.until_acknowledged_beyond(acknowledged + 4_000);
    let end = backup(&data, &backups);
    assert!(
        end >= acknowledged,
        "{end} records, {acknowledged} were acknowledged two seconds before the backup began"
    );
    load.until_acknowledged_beyond(load.acknowledged() + 1_000);
    let report = load.finish();
    assert!(node.stop().success(), "{}", node.said());
    assert!(report.acknowledged > acknowledged, "the node went on");

    let restored = directory.path().join("restored");
    let output = restore(&backups, &restored, &["--verify"]);
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("compared with the node: rows "), "{text}");
    assert!(!text.contains("snapshots 0"), "at least one snapshot was compared: {text}");
    // The node's own log, replayed up to where the backup ends, says what the backup says.
    let original = nhip(&["replay", "--data", &data.to_string_lossy(), "--until", &end.to_string()]);
    assert!(original.status.success(), "{}", said(&original));
    assert_eq!(digests(&text), digests(&String::from_utf8_lossy(&original.stdout)));

    copy_keys(&data, &restored);
    let mut again = Node::start(&options(directory.path(), &restored)).expect("the restored node");
    let load = Load::start(again.mqtt.expect("an endpoint"), &directory.path().join("second.jsonl"));
    load.until_acknowledged_beyond(500);
    let report = load.finish();
    assert!(report.acknowledged > 0 && again.stop().success(), "{}", again.said());
    let replayed = nhip(&["replay", "--data", &restored.to_string_lossy()]);
    assert!(replayed.status.success(), "{}", said(&replayed));
}

/// As the manual says: `nhip backup keys`, then a copy of those.
fn copy_keys(data: &Path, restored: &Path) {
    let beside = |data: &Path| PathBuf::from(format!("{}-keys", data.display()));
    let data = data.to_string_lossy();
    let output = nhip(&["backup", "keys", "--data", &data, "--to", &beside(restored).to_string_lossy()]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn a_second_backup_holds_what_the_first_already_has_only_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = small_data(directory.path());
    let backups = directory.path().join("backups");
    let first = backup(&data, &backups);
    // A backup is named by its second.
    nhip_tests::until("another second", std::time::Duration::from_secs(5), || {
        let output = program::try_backup(&data, &backups);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success() && reused_all(&text)
    });
    assert_eq!(finished(&backups).len(), 2);
    let restored = directory.path().join("restored");
    let output = restore(&backups, &restored, &["--verify"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains(&format!("offsets 0..{first}")), "{}", said(&output));
}

/// All but the mark, which is put and not copied.
fn reused_all(text: &str) -> bool {
    let number = |before: &str| -> Option<u64> {
        text.split(before).nth(1)?.split_whitespace().next()?.replace(',', "").parse().ok()
    };
    let all = number(" files, ");
    let reused = number("of these ");
    assert_eq!(reused.zip(all).map(|(reused, all)| all - reused), Some(8_192), "{text}");
    true
}

#[test]
fn any_flipped_byte_is_found_and_nothing_is_restored() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = small_data(directory.path());
    let backups = directory.path().join("backups");
    backup(&data, &backups);
    let whole = finished(&backups).pop().expect("a backup");
    let files = files_below(&whole);
    assert!(files.len() > 5, "{files:?}");
    let mut chance = seed("flipped");
    for file in &files {
        let bytes = std::fs::read(file).expect("a file of the backup");
        let length = bytes.len() as u64;
        let mut places = vec![0, length / 2, length - 1];
        for _ in 0..FURTHER_PLACES {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            places.push((chance >> 16) % length);
        }
        for place in places {
            let mut flipped = bytes.clone();
            flipped[place as usize] ^= 0x10;
            std::fs::write(file, &flipped).expect("flipped");
            let restored = directory.path().join("restored");
            let output = restore(&whole, &restored, &[]);
            let code = output.status.code();
            assert!(code == Some(1) || code == Some(2), "{} at {place}: {}", file.display(), said(&output));
            assert!(!restored.exists(), "{} at {place}", file.display());
        }
        std::fs::write(file, &bytes).expect("put right");
    }
    std::fs::remove_file(&files[0]).expect("removed");
    let output = restore(&whole, &directory.path().join("restored"), &[]);
    assert_ne!(output.status.code(), Some(0), "without {}", files[0].display());
}

#[test]
fn a_backup_that_is_killed_anywhere_is_none() {
    let test = "a_backup_that_is_killed_anywhere_is_none";
    if Command::new("strace").arg("-V").output().is_err() {
        return skipped(test, "strace is not installed");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let data = small_data(directory.path());
    let backups = directory.path().join("backups");
    let mut killed = 0;
    for sync in 1..SYNCS_MAX {
        let fault = format!("inject=fsync:signal=KILL:when={sync}");
        let output = program::traced(&["trace=fsync", &fault], &data, &backups);
        if output.status.success() {
            break;
        }
        killed += 1;
        assert!(output.stdout.is_empty(), "nothing is said of a backup that is none: {}", said(&output));
        let restored = directory.path().join("restored");
        match finished(&backups).last() {
            // Named, and killed before the name was durable: then it is whole.
            Some(whole) => {
                assert!(restore(whole, &restored, &["--verify"]).status.success(), "killed at sync {sync}");
                std::fs::remove_dir_all(&restored).expect("removed");
                std::fs::remove_dir_all(whole).expect("removed");
            }
            None => {
                assert!(!restore(&backups, &restored, &[]).status.success(), "killed at sync {sync}");
                assert!(!restored.exists());
            }
        }
    }
    assert!(killed > 10, "killed only {killed} times");
    assert_eq!(finished(&backups).len(), 1, "the next one is whole, and nothing unfinished is left");
    assert_eq!(program::unfinished(&backups), 0);
}

#[test]
fn a_full_disk_ends_a_backup_and_leaves_nothing_of_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = small_data(directory.path());
    let backups = directory.path().join("backups");
    if Command::new("strace").arg("-V").output().is_ok() {
        full_at_any_write(&data, &backups);
    }
    let test = "a_full_disk_ends_a_backup_and_leaves_nothing_of_it";
    if !is_root() {
        return skipped(test, "needs root to mount a disk");
    }
    let disk = match PowerDisk::new(directory.path(), 24) {
        Ok(disk) => disk,
        Err(reason) => return skipped(test, &reason),
    };
    let small = disk.path().join("backups");
    let output = program::try_backup(&data, &small);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("too little space"), "{}", said(&output));
    assert_eq!((finished(&small).len(), program::unfinished(&small)), (0, 0));
}

/// One write after the other finds the disk full; a write that only wakes a thread may do so without harm.
fn full_at_any_write(data: &Path, backups: &Path) {
    let mut ended = 0;
    for write in 2..9 {
        let fault = format!("inject=write:error=ENOSPC:when={write}");
        let output = program::traced(&["trace=write", &fault], data, backups);
        if output.status.success() {
            finished(backups).iter().for_each(|whole| std::fs::remove_dir_all(whole).expect("removed"));
            continue;
        }
        ended += 1;
        assert_eq!(output.status.code(), Some(1), "write {write}: {}", said(&output));
        assert!(said(&output).contains("No space left"), "write {write}: {}", said(&output));
        assert_eq!((finished(backups).len(), program::unfinished(backups)), (0, 0), "write {write}");
    }
    assert!(ended > 2, "only {ended} writes met a full disk");
}

#[test]
fn places_that_would_hurt_are_refused_as_arguments() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = small_data(directory.path());
    let code = |output: &std::process::Output| output.status.code();
    let refused = |to: &Path| code(&program::try_backup(&data, to));
    assert_eq!(refused(&data.join("backups")), Some(2), "inside the data");
    assert_eq!(refused(directory.path()), Some(2), "around the data");
    let foreign = directory.path().join("foreign");
    std::fs::create_dir(&foreign).expect("made");
    std::fs::write(foreign.join("letter"), "mine").expect("written");
    assert_eq!(refused(&foreign), Some(2), "somebody else's");

    let backups = directory.path().join("backups");
    backup(&data, &backups);
    assert_eq!(code(&restore(&backups, &foreign, &[])), Some(2), "not empty");
    assert_eq!(code(&restore(&foreign, &directory.path().join("new"), &[])), Some(2), "no backup");
    let whole = finished(&backups).pop().expect("a backup");
    assert_eq!(code(&restore(&backups, &whole.join("in"), &[])), Some(2), "inside the backup");
    assert_eq!(code(&nhip(&["backup"])), Some(2), "no target");
    let keys = config(directory.path());
    assert_eq!(code(&nhip(&["backup", "keys", "--data", &data.to_string_lossy(), "--to", &keys])), Some(2));
}
