//! A full disk: commits wait, nothing is lost, the log goes on by itself when there is space again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nhip_adapters::{LogConfig, SegmentLog, verify_log};
use nhip_ports::EventLog as _;
use nhip_proto::Offset;
use tokio::time::{Instant, sleep, timeout};

use crate::stage;

/// By the promise of the log.
const RESUME_MAX: Duration = Duration::from_secs(5);

/// A file system of its own, gone with this value.
struct Mounted {
    dir: tempfile::TempDir,
    at: PathBuf,
}

impl Mounted {
    /// None where this is not allowed.
    fn new(arguments: &[&str], image_bytes: Option<u64>) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a directory");
        let (at, image) = (dir.path().join("mount"), dir.path().join("image"));
        fs::create_dir(&at).expect("a mount point");
        let mut mount = Command::new("mount");
        mount.args(arguments);
        match image_bytes {
            Some(bytes) => {
                fs::File::create(&image).and_then(|file| file.set_len(bytes)).expect("an image");
                Command::new("mkfs.ext4")
                    .args(["-q", "-F"])
                    .arg(&image)
                    .status()
                    .ok()
                    .filter(|s| s.success())?;
                mount.arg(&image);
            }
            None => {
                mount.arg("none");
            }
        }
        let mounted = mount.arg(&at).output().ok()?.status.success();
        mounted.then_some(Self { dir, at })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let lazily = ["--lazy"];
        drop(Command::new("umount").args(lazily).arg(&self.at).status());
        let _: &tempfile::TempDir = &self.dir;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_tmpfs_is_waited_out() {
    match Mounted::new(&["-t", "tmpfs", "-o", "size=4m"], None) {
        Some(mounted) => fill_and_free(&mounted.at).await,
        None => stage::skipped("a_full_tmpfs_is_waited_out", "mounting needs root"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_ext4_is_waited_out() {
    match Mounted::new(&["-o", "loop"], Some(16 << 20)) {
        Some(mounted) => fill_and_free(&mounted.at).await,
        None => stage::skipped("a_full_ext4_is_waited_out", "mounting needs root and mkfs.ext4"),
    }
}

async fn fill_and_free(disk: &Path) {
    let ballast = disk.join("ballast");
    let config = || LogConfig { segment_first_bytes: 64 << 10, segment_bytes: 256 << 10, ..stage::small() };
    let dir = disk.join("log");
    let (log, _) = SegmentLog::open(&dir, &stage::identity(), config()).expect("a new log");
    stage::write(&log, &[vec![stage::record(0, 10)]]).await;
    fill(&ballast);
    let mut commits = Vec::new();
    let mut next = 1;
    let started = Instant::now();
    while !log.stalled() {
        assert!(started.elapsed() < Duration::from_secs(60), "a full disk must be noticed");
        let append = timeout(Duration::from_millis(200), log.append(vec![stage::record(next, 2_000)])).await;
        if let Ok(commit) = append {
            commits.push(commit.expect("a full disk is no error"));
            next += 1;
        }
    }
    sleep(Duration::from_millis(1_200)).await;
    assert!(log.stalled() && log.failure().borrow().is_none(), "still waiting, not failed");
    assert!(log.durable().borrow().0 < next, "what has no place on the disk is not durable");
    fs::remove_file(&ballast).expect("space again");
    let freed = Instant::now();
    for (number, commit) in commits.into_iter().enumerate() {
        let left = RESUME_MAX.saturating_sub(freed.elapsed());
        let settled = timeout(left, commit.durable()).await.expect("the log goes on within 5 s");
        assert_eq!(settled.expect("and loses nothing").first, Offset(number as u64 + 1), "in order");
    }
    assert!(!log.stalled());
    stage::write(&log, &[vec![stage::record(next, 10)]]).await;
    drop(log);
    assert_eq!(verify_log(&dir).expect("whole").records, next + 1);
    let (_log, report) = SegmentLog::open(&dir, &stage::identity(), config()).expect("it opens");
    assert_eq!((report.records, report.cut_bytes), (next + 1, 0));
}

/// A log that is closed while it waits neither hangs nor counts what it could not write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_closes_while_the_disk_is_full() {
    let Some(mounted) = Mounted::new(&["-t", "tmpfs", "-o", "size=1m"], None) else {
        stage::skipped("a_log_closes_while_the_disk_is_full", "mounting needs root");
        return;
    };
    let dir = mounted.at.join("log");
    let config = LogConfig { segment_first_bytes: 64 << 10, segment_bytes: 64 << 10, ..stage::small() };
    let (log, _) = SegmentLog::open(&dir, &stage::identity(), config).expect("a new log");
    stage::write(&log, &[vec![stage::record(0, 10)]]).await;
    fill(&mounted.at.join("ballast"));
    let huge = log.append(vec![stage::record(1, 400_000)]).await.expect("queued");
    while !log.stalled() {
        sleep(Duration::from_millis(10)).await;
    }
    let closed = tokio::task::spawn_blocking(move || log.close());
    timeout(RESUME_MAX, closed).await.expect("closed in time").expect("closed");
    assert!(huge.durable().await.is_err(), "what was not written is not acknowledged");
    assert_eq!(verify_log(&dir).expect("whole").records, 1);
}

/// Writes until nothing more fits.
fn fill(ballast: &Path) {
    use std::io::Write as _;
    let mut file = fs::File::create(ballast).expect("a ballast file");
    for piece in [vec![1_u8; 64 << 10], vec![1; 1024]] {
        while file.write_all(&piece).is_ok() {}
    }
    drop(file.sync_all());
}
