//! The example writer killed, or its disk failing, at the Nth call of a kind: what it acknowledged is there.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nhip_adapters::verify_log;

use crate::stage;

/// From a broken disk to the end of the process, with room for strace.
const EXIT_MAX: Duration = Duration::from_secs(2);
const BATCHES: &str = "400";

struct Ended {
    acked: u64,
    code: Option<i32>,
    /// From the last thing it said to its end.
    silent: Duration,
}

fn traced(dir: &Path, inject: &str) -> Ended {
    let mut child = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64,fdatasync,fsync,rename", "-e"])
        .arg(format!("inject={inject}"))
        .arg(stage::log_writer())
        .args([dir.as_os_str(), BATCHES.as_ref()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("strace starts");
    let (mut acked, mut heard) = (0, Instant::now());
    for line in BufReader::new(child.stdout.take().expect("its stdout")).lines() {
        let line = line.expect("a line");
        acked = line.strip_prefix("acked ").and_then(|offset| offset.parse().ok()).expect("an offset");
        heard = Instant::now();
    }
    let code = child.wait().expect("its end").code();
    Ended { acked, code, silent: heard.elapsed() }
}

fn strace_works() -> bool {
    let tried = Command::new("strace").args(["-f", "-qq", "-o", "/dev/null", "true"]).status();
    tried.is_ok_and(|status| status.success())
}

fn records(dir: &Path) -> u64 {
    if !dir.join("identity").exists() {
        return 0;
    }
    verify_log(dir).unwrap_or_else(|error| panic!("after the crash: {error}")).records
}

#[test]
fn a_failed_sync_ends_the_writer_and_nothing_is_acknowledged_after_it() {
    if !strace_works() {
        stage::skipped("a_failed_sync_ends_the_writer_and_nothing_is_acknowledged_after_it", "no strace");
        return;
    }
    for when in [1, 2, 3, 4, 6, 9, 15, 25] {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("log");
        // Only the Nth call fails, later ones succeed: a writer that tries again would lose data unknowingly.
        let ended = traced(&path, &format!("fdatasync:error=EIO:when={when}"));
        assert_eq!(ended.code, Some(1), "fdatasync {when} fails: the process must end with 1");
        assert!(ended.silent < EXIT_MAX, "fdatasync {when}: it ended {:?} after its last word", ended.silent);
        let found = records(&path);
        assert!(ended.acked <= found, "fdatasync {when}: said {} durable, found {found}", ended.acked);
    }
}

#[test]
fn a_writer_killed_before_any_call_loses_nothing_it_acknowledged() {
    if !strace_works() {
        stage::skipped("a_writer_killed_before_any_call_loses_nothing_it_acknowledged", "no strace");
        return;
    }
    for call in ["pwrite64", "fdatasync", "rename", "fsync"] {
        for when in [1, 2, 3, 5, 8, 20] {
            let dir = tempfile::tempdir().expect("a directory");
            let path = dir.path().join("log");
            let ended = traced(&path, &format!("{call}:signal=KILL:when={when}"));
            let found = records(&path);
            assert!(ended.acked <= found, "killed at {call} {when}: said {}, found {found}", ended.acked);
            let status = Command::new(stage::log_writer()).arg(&path).arg("3").stdout(Stdio::null()).status();
            assert!(status.expect("it runs").success(), "killed at {call} {when}: it starts again");
            assert_eq!(records(&path), found + 3 * 8, "killed at {call} {when}: and goes on where it was");
        }
    }
}

/// The disk says it is full for a while, in the middle of a group.
#[test]
fn a_write_that_meets_a_full_disk_is_done_again() {
    if !strace_works() {
        stage::skipped("a_write_that_meets_a_full_disk_is_done_again", "no strace");
        return;
    }
    for inject in
        ["pwrite64:error=ENOSPC:when=6", "fdatasync:error=ENOSPC:when=4", "fsync:error=ENOSPC:when=12"]
    {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("log");
        let ended = traced(&path, inject);
        assert_eq!((ended.code, ended.acked), (Some(0), 3_200), "{inject}: waited out");
        assert_eq!(records(&path), 3_200, "{inject}: nothing is lost");
    }
}
