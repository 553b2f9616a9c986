//! The program dies after each step of file work, under load, and starts again; a backup is taken while it stands still
//! between two steps: nothing acknowledged is lost, nothing is there twice, nothing is left lying about.

#![expect(clippy::print_stdout, reason = "a fault test tells what it met")]

#[path = "file_steps/lane.rs"]
mod lane;
#[path = "file_steps/left.rs"]
mod left;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use nhip_ports::{FileAct, FileStep, FileWork};
use nhip_tests::binary;

use lane::{Kind, Lane};

/// Each work in the lane where it is reached soonest; a new work has to be given one.
fn lane_of(work: FileWork) -> Kind {
    match work {
        FileWork::ArchiveSeal | FileWork::ArchiveSweep | FileWork::LogTrim => Kind::Sealing,
        FileWork::ArchiveMerge => Kind::Merging,
        FileWork::SeriesSeal | FileWork::SeriesSweep | FileWork::RowsForget => Kind::Rows,
        FileWork::SeriesMergeDay => Kind::Days,
        FileWork::SeriesMergeMonth => Kind::Months,
    }
}

/// The steps of a lane; a start sweeps only what a death left, so each sweep follows one that leaves something.
fn steps_of(kind: Kind) -> Vec<FileStep> {
    let mut steps = FileStep::all();
    steps.retain(|step| lane_of(step.work) == kind);
    let sweeps = |step: &FileStep| matches!(step.work, FileWork::ArchiveSweep | FileWork::SeriesSweep);
    let sweep = steps.iter().copied().find(sweeps);
    steps.retain(|step| !sweeps(step));
    if let Some(sweep) = sweep {
        let place =
            steps.iter().position(|step| step.act == FileAct::Renamed).expect("a step that leaves a file");
        steps.insert(place + 1, sweep);
    }
    steps
}

#[test]
fn a_death_after_any_step_of_file_work_loses_nothing_and_doubles_nothing() {
    let began = Instant::now();
    let lanes = [Kind::Sealing, Kind::Merging, Kind::Rows, Kind::Days, Kind::Months];
    let died: usize = std::thread::scope(|scope| {
        let running: Vec<_> =
            lanes.into_iter().map(|kind| scope.spawn(move || dies_everywhere(kind))).collect();
        running.into_iter().map(|lane| lane.join().expect("the lane above failed")).sum()
    });
    println!("{died} deaths in {:.0} s", began.elapsed().as_secs_f64());
    assert_eq!(died, FileStep::all().len(), "a death after every step there is");
}

/// The steps after which the program died.
fn dies_everywhere(kind: Kind) -> usize {
    let directory = tempfile::tempdir().expect("a directory");
    let mut lane = Lane::new(kind, directory.path());
    let steps = steps_of(kind);
    for (number, step) in steps.iter().enumerate() {
        let began = Instant::now();
        lane.dies_after(*step);
        let died = began.elapsed().as_secs_f64();
        // The look of a command sweeps as a start does: before a sweep nobody looks.
        let sweeps = |step: &FileStep| matches!(step.work, FileWork::ArchiveSweep | FileWork::SeriesSweep);
        if !steps.get(number + 1).is_some_and(sweeps) {
            left::nothing_lost_or_doubled(lane.data(), lane.journal(), &step.to_string());
        }
        println!(
            "{step}: died after {died:.1} s, looked at in {:.1} s",
            began.elapsed().as_secs_f64() - died
        );
    }
    lane.finish();
    left::nothing_lost_or_doubled(lane.data(), lane.journal(), "everything is done");
    left::nothing_lies_about(lane.data());
    left::each_once(lane.data(), lane.journal());
    steps.len()
}

/// Between two steps of moving, the same record or row stands in two places, or in a place no manifest names yet.
#[test]
fn a_backup_taken_between_two_steps_gives_back_the_same_figures() {
    let moments = [
        (Kind::Sealing, FileWork::LogTrim, FileAct::Removed),
        (Kind::Merging, FileWork::ArchiveMerge, FileAct::Named),
        (Kind::Merging, FileWork::ArchiveMerge, FileAct::Removed),
        (Kind::Rows, FileWork::SeriesSeal, FileAct::ListSynced),
        (Kind::Rows, FileWork::RowsForget, FileAct::Removed),
        (Kind::Days, FileWork::SeriesMergeDay, FileAct::Removed),
    ];
    std::thread::scope(|scope| {
        let running: Vec<_> = moments
            .map(|(kind, work, act)| scope.spawn(move || backed_up_at(kind, FileStep { work, act })))
            .into_iter()
            .collect();
        running.into_iter().for_each(|backup| backup.join().expect("the backup above failed"));
    });
}

fn backed_up_at(kind: Kind, step: FileStep) {
    let directory = tempfile::tempdir().expect("a directory");
    let (backups, restored) = (directory.path().join("backups"), directory.path().join("restored"));
    let mut lane = Lane::new(kind, directory.path());
    lane.stands_still_after(step, |data| {
        left::nhip(&["backup", "--data", &text(data), "--to", &text(&backups)]);
    });
    let output = Command::new(binary())
        .args(["restore", "--verify", "--from", &text(&backups), "--to", &text(&restored)])
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{step}: {said}{}", String::from_utf8_lossy(&output.stderr));
    let end =
        said.lines().find_map(|line| line.strip_prefix("records ")?.split(' ').next()?.parse::<u64>().ok());
    let end = end.unwrap_or_else(|| panic!("{step}: no records in {said}"));
    // The node itself, killed where it stood still, says the same up to there.
    let original = left::nhip(&["replay", "--data", &text(lane.data()), "--until", &end.to_string()]);
    assert_eq!(left::digests(&said), left::digests(&original), "{step}");
    left::nothing_lies_about(&restored);
    // What moves stands in the backup: merged or not, never in half.
    match kind {
        Kind::Merging => assert!(left::files(&restored, "archive") >= 2, "{step}"),
        Kind::Days => assert!(left::files(&restored, "series") >= 2, "{step}"),
        Kind::Sealing | Kind::Rows | Kind::Months => {}
    }
    println!("{step}: {end} records, restored: {}", left::contents(&restored));
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
