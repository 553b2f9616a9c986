//! A crash before any step of sealing, merging and trimming: nothing is lost, nothing is double, and the next start
//! does the work.

use std::sync::Arc;

use nhip_history::archive::{ArchiveError, KeepSettings, Keeper, Step};
use nhip_ports::memory::MemoryStates;
use nhip_ports::{EventLog as _, SavedState, StateStore as _};
use nhip_proto::Offset;

use crate::stage::{Stage, batches};

/// Lets so many steps pass, then stops dead.
fn crash_at(step: usize, seen: &mut Vec<Step>) -> impl FnMut(Step) -> bool {
    move |now| {
        seen.push(now);
        seen.len() <= step
    }
}

#[test]
fn a_crash_at_any_step_of_sealing_loses_nothing() {
    let mut stops = 0;
    for step in 0.. {
        let stage = Stage::new(batches(11, &[20, 30, 10]));
        let whole = stage.log.records();
        let part = stage.parts()[0];
        let mut seen = Vec::new();
        let sealed = stage.seal(&stage.archive(), part, &mut crash_at(step, &mut seen));
        let after = stage.archive();
        if sealed.is_err() {
            assert!(matches!(sealed, Err(ArchiveError::Stopped)), "only the crash stops it: {sealed:?}");
            assert_eq!(after.end(), Offset(0), "an unfinished file is not listed");
            stops += 1;
        }
        stage.seal_all(&after);
        after.verify().expect("whole");
        assert_eq!(after.end(), Offset(50));
        stage.runtime.block_on(stage.log.trim(Offset(50))).expect("trimmed");
        assert_eq!(stage.drain(&stage.spanning(after)), whole, "crash at step {step}");
        assert_eq!(parquet_files(&stage), 2, "nothing is left lying about");
        if sealed.is_ok() {
            break;
        }
    }
    assert_eq!(stops, 4, "write, verify, rename, list");
}

#[test]
fn a_crash_at_any_step_of_merging_loses_nothing() {
    let mut stops = 0;
    for step in 0.. {
        let stage = Stage::new(batches(13, &[8, 9, 10, 11, 3]));
        let whole = stage.log.records();
        let archive = stage.archive();
        stage.seal_all(&archive);
        stage.runtime.block_on(stage.log.trim(Offset(38))).expect("trimmed");
        let mut seen = Vec::new();
        let merged = archive.merge(&archive.files(), &mut crash_at(step, &mut seen));
        let after = stage.archive();
        after.verify().expect("whole");
        assert_eq!(parquet_files(&stage), after.files().len(), "what is not listed is swept");
        assert_eq!(stage.drain(&stage.spanning(after)), whole, "crash at step {step}");
        match merged {
            Ok(_) => break,
            Err(ArchiveError::Stopped) => stops += 1,
            Err(other) => panic!("only the crash stops it: {other}"),
        }
    }
    assert_eq!(stops, 8, "four files, verify, rename, list, remove");
}

#[test]
fn a_worker_killed_again_and_again_still_brings_the_log_into_the_archive() {
    let stage = Stage::new(batches(17, &[5, 6, 7, 8, 9, 10, 11, 12, 2]));
    let whole = stage.log.records();
    let states = Arc::new(MemoryStates::default());
    for applied in [69, 70] {
        let state = SavedState { applied: Offset(applied), bytes: Vec::new() };
        stage.runtime.block_on(states.save(state)).expect("saved");
    }
    let settings = KeepSettings { keep_log_segments: 1, pause: std::time::Duration::from_secs(1) };
    let mut finished = false;
    for start in 0..100_usize {
        let archive = stage.archive();
        let keeper = Keeper::new(archive.clone(), stage.log.clone(), states.clone(), settings.clone());
        let mut left = start % 16;
        let mut go_on = |_: Step| {
            left = left.saturating_sub(1);
            left > 0
        };
        let passed = keeper.pass(stage.runtime.handle(), &mut go_on);
        archive.verify().expect("whole");
        assert_eq!(stage.drain(&stage.spanning(archive.clone())), whole, "start {start}");
        if matches!(passed, Ok(false)) && archive.end() == Offset(68) {
            finished = true;
            break;
        }
    }
    assert!(finished, "the work gets done");
    assert_eq!(stage.log.first(), Offset(56), "one whole segment and the open one stay");
    assert!(stage.archive().files().len() < 8, "small files were merged");
}

fn parquet_files(stage: &Stage) -> usize {
    let names = std::fs::read_dir(stage.directory.path())
        .expect("listed")
        .map(|entry| entry.expect("one").file_name());
    names.filter(|name| name.to_string_lossy() != "manifest").count()
}
