//! What the tests stand on: directories, a small log, a word when a test cannot run here.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use nhip_adapters::{LogConfig, LogIdentity, SegmentLog};
use nhip_ports::EventLog as _;
use nhip_proto::{ArrivalTime, Gap, GapCause, Origin, Record};
use tempfile::TempDir;

pub(crate) fn identity() -> LogIdentity {
    LogIdentity { installation: *b"0123456789abcdef", node: "nút-1".to_owned(), origin: Origin::Machine }
}

/// Segments of 8 KiB; the mark moves only when the log is closed.
pub(crate) fn small() -> LogConfig {
    LogConfig {
        segment_bytes: 8 << 10,
        segment_first_bytes: 8 << 10,
        reserve_bytes: 0,
        mark_interval_ms: 3_600_000,
        ..LogConfig::default()
    }
}

pub(crate) fn open(dir: &Path) -> SegmentLog {
    let (log, _) =
        SegmentLog::open(dir, &identity(), small()).unwrap_or_else(|error| panic!("open: {error}"));
    log
}

/// Each batch is a group of its own.
pub(crate) async fn write(log: &SegmentLog, batches: &[Vec<Record>]) {
    for batch in batches {
        let commit = log.append(batch.clone()).await.expect("the log takes a batch");
        commit.durable().await.expect("the batch becomes durable");
    }
}

/// Memory, where there is some: these tests ask nothing of the disk but many files.
pub(crate) fn quick_dir() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a directory for the test")
}

pub(crate) fn record(number: u64, length: usize) -> Record {
    let at = ArrivalTime(number.cast_signed());
    let principal = "b".repeat(length);
    Record::Gap(Gap { at, cause: GapCause::SessionLost, from: at, to: at, principal, lost: number })
}

/// Past the capture of the test harness, so that whoever counts skips sees it.
pub(crate) fn skipped(name: &str, reason: &str) {
    drop(writeln!(std::io::stdout(), "SKIPPED {name}: {reason}"));
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory for the copy");
    for entry in std::fs::read_dir(from).expect("the original").map(|entry| entry.expect("an entry")) {
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

pub(crate) fn file(dir: &Path, suffix: &str) -> PathBuf {
    let names = std::fs::read_dir(dir).expect("the directory").map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> = names.filter(|path| path.to_string_lossy().ends_with(suffix)).collect();
    found.sort();
    found.pop().unwrap_or_else(|| panic!("no file ending in {suffix}"))
}

/// The example `log_writer`, built beside the tests.
pub(crate) fn log_writer() -> PathBuf {
    let test = std::env::current_exe().expect("the running test");
    let built = test.parent().and_then(Path::parent).expect("the build directory");
    let writer = built.join("examples").join("log_writer");
    assert!(writer.is_file(), "build it first: cargo build -p nhip-adapters --examples");
    writer
}
