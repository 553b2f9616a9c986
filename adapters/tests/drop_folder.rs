//! A drop folder keeps the promises of an ingest link, and those of a directory other programs write into.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use nhip_adapters::{DropFolder, DropFolderConfig};
use nhip_ports::IngestLink;
use nhip_ports::contract::ingest_link::{self, Bench, Peer, TOPIC};
use nhip_ports::memory::RecordingIntake;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A station in front of the folder; breaking the connection is unmounting it.
struct Station {
    folder: TempDir,
    unmounted: u32,
}

impl Station {
    fn root(&self) -> PathBuf {
        self.folder.path().join("drop")
    }
}

#[async_trait]
impl Peer for Station {
    async fn connect(&mut self) {
        std::fs::create_dir_all(self.root()).expect("mounted");
    }

    async fn send(&mut self, messages: &[(u16, String)]) {
        for (id, payload) in messages {
            put(&self.root(), &format!("{id:05}.txt"), payload.as_bytes());
        }
    }

    async fn break_connection(&mut self) {
        self.unmounted += 1;
        let away = self.folder.path().join(format!("away-{}", self.unmounted));
        std::fs::rename(self.root(), away).expect("unmounted");
    }

    async fn acknowledged(&mut self) -> Vec<u16> {
        let id = |name: String| name.trim_end_matches(".txt").parse().expect("a packet id");
        names(&self.root().join("done")).into_iter().map(id).collect()
    }
}

/// As a good uploader does: under another name, then renamed.
fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let unfinished = folder.join(format!(".{name}"));
    std::fs::write(&unfinished, bytes).expect("written");
    std::fs::rename(unfinished, folder.join(name)).expect("renamed");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).map(|entries| entries.filter_map(Result::ok).collect::<Vec<_>>());
    let name = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<_> = entries.unwrap_or_default().iter().map(name).collect();
    names.sort();
    names
}

fn quick(root: &Path) -> DropFolderConfig {
    let directory = root.to_path_buf();
    DropFolderConfig { directory, scan_ms: 3, settle_ms: 0, drain_ms_max: 50, ..DropFolderConfig::default() }
}

#[tokio::test]
async fn it_keeps_the_promises_of_a_link() {
    ingest_link::all(async || {
        let folder = TempDir::new().expect("a directory");
        let station = Station { folder, unmounted: 0 };
        std::fs::create_dir_all(station.root()).expect("made");
        let config = DropFolderConfig { topic: TOPIC.to_owned(), ..quick(&station.root()) };
        Bench { link: Arc::new(DropFolder::new(config).expect("a directory")), peer: Box::new(station) }
    })
    .await;
}

struct Running {
    folder: TempDir,
    intake: Arc<RecordingIntake>,
    link: Arc<DropFolder>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), nhip_ports::LinkError>>,
}

fn start(edit: impl FnOnce(&mut DropFolderConfig)) -> Running {
    let folder = TempDir::new().expect("a directory");
    let mut config = quick(folder.path());
    edit(&mut config);
    let link = Arc::new(DropFolder::new(config).expect("a directory"));
    let intake = RecordingIntake::settling();
    let stop = CancellationToken::new();
    let task = tokio::spawn({
        let (link, intake, stop) = (Arc::clone(&link), Arc::clone(&intake), stop.clone());
        async move { link.run(intake, stop).await }
    });
    Running { folder, intake, link, stop, task }
}

impl Running {
    fn root(&self) -> &Path {
        self.folder.path()
    }

    async fn until(&self, what: &str, condition: impl Fn(&Path) -> bool) {
        let wait = async {
            while !condition(self.root()) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("{what}"));
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("no panic").expect("stopping is no error");
    }
}

#[tokio::test]
async fn stations_are_directories_or_stand_in_the_name() {
    let running = start(|_| ());
    std::fs::create_dir_all(running.root().join("KK 01/deeper")).expect("made");
    put(&running.root().join("KK 01"), "TN_KK01_20261121070000.txt", b"in a station");
    put(running.root(), "TN_NM02_20261121070500.txt", b"beside the stations");
    put(&running.root().join("KK 01/deeper"), "never.txt", b"too deep");
    running.intake.until("two files", |seen| seen.deliveries.len() == 2).await;
    let mut topics: Vec<_> = running.intake.recorded().deliveries.into_iter().map(|one| one.topic).collect();
    topics.sort();
    let want = ["file/drop/KK 01/TN_KK01_20261121070000.txt", "file/drop/TN_NM02/TN_NM02_20261121070500.txt"];
    assert_eq!(topics, want);
    running.until("moved", |root| root.join("done/KK 01/TN_KK01_20261121070000.txt").exists()).await;
    running.until("moved", |root| root.join("done/TN_NM02_20261121070500.txt").exists()).await;
    assert!(running.root().join("KK 01/deeper/never.txt").exists());
    running.end().await;
}

#[tokio::test]
async fn a_file_that_still_grows_is_left_alone() {
    let running = start(|config| config.settle_ms = 300);
    let path = running.root().join("a_1.txt");
    for size in 1..=40 {
        std::fs::write(&path, vec![b'x'; size]).expect("written");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(running.intake.recorded().deliveries.is_empty(), "it never rested for 300 ms");
    running.intake.until("it came to rest", |seen| seen.deliveries.len() == 1).await;
    assert_eq!(running.intake.recorded().payloads(), ["x".repeat(40)]);
    running.end().await;
}

#[tokio::test]
async fn unfinished_hidden_and_linked_files_are_left_alone() {
    let running = start(|_| ());
    for name in ["a_1.txt.part", "a_1.tmp", ".a_1.txt", "A_1.FILEPART"] {
        std::fs::write(running.root().join(name), b"x").expect("written");
    }
    std::os::unix::fs::symlink("/etc/hostname", running.root().join("link_1.txt")).expect("linked");
    put(running.root(), "z_1.txt", b"good");
    running.until("the good one is moved", |root| root.join("done/z_1.txt").exists()).await;
    assert_eq!(running.intake.recorded().payloads(), ["good"]);
    running.end().await;
}

#[tokio::test]
async fn what_is_too_large_is_told_cut_and_put_aside() {
    let running = start(|config| config.file_bytes_max = 100);
    put(running.root(), "big_1.txt", &[b'x'; 5_000]);
    put(running.root(), "bad+name_1.txt", b"x");
    running.until("put aside", |root| names(&root.join("refused")) == ["bad+name_1.txt", "big_1.txt"]).await;
    let lengths: Vec<_> = running.intake.recorded().deliveries.iter().map(|one| one.payload.len()).collect();
    assert_eq!(lengths, [101], "one byte more than the bound, so that it is logged as too large");
    running.end().await;
}

#[tokio::test]
async fn a_file_changed_while_it_waits_for_the_disk_comes_again() {
    let running = start(|_| ());
    running.intake.hold(true);
    put(running.root(), "a_1.txt", b"first");
    running.intake.until("handed over", |seen| seen.deliveries.len() == 1).await;
    std::fs::write(running.root().join("a_1.txt"), b"first and more").expect("appended");
    running.intake.settle_all();
    running.intake.until("again", |seen| seen.deliveries.len() == 2).await;
    assert!(!running.root().join("done/a_1.txt").exists(), "the second is not durable yet");
    running.intake.settle_all();
    running.until("moved", |root| root.join("done/a_1.txt").exists()).await;
    assert_eq!(running.intake.recorded().payloads(), ["first", "first and more"]);
    running.end().await;
}

#[tokio::test]
async fn a_stop_before_the_disk_leaves_the_file_for_the_next_start() {
    let running = start(|_| ());
    running.intake.hold(true);
    put(running.root(), "a_1.txt", b"once");
    running.intake.until("handed over", |seen| seen.deliveries.len() == 1).await;
    let Running { folder, link, stop, task, .. } = running;
    stop.cancel();
    task.await.expect("no panic").expect("stopping is no error");
    drop(link);
    assert!(folder.path().join("a_1.txt").exists(), "not durable, not moved");
    let again = DropFolder::new(quick(folder.path())).expect("a directory");
    let (intake, stop) = (RecordingIntake::settling(), CancellationToken::new());
    let task = tokio::spawn({
        let (intake, stop) = (Arc::clone(&intake), stop.clone());
        async move { again.run(intake, stop).await }
    });
    intake.until("delivered again", |seen| seen.payloads() == ["once"]).await;
    stop.cancel();
    task.await.expect("no panic").expect("stopping is no error");
}

#[tokio::test]
async fn many_files_come_in_bounded_portions_in_the_order_of_their_names() {
    let running = start(|config| config.files_per_scan_max = 7);
    running.intake.door(false);
    for number in 0..60 {
        put(running.root(), &format!("a_{number:03}.txt"), format!("{number}").as_bytes());
    }
    running.intake.door(true);
    running.until("all moved", |root| names(&root.join("done")).len() == 60).await;
    let seen = running.intake.recorded();
    assert!(seen.submits.iter().all(|count| *count <= 7), "{:?}", seen.submits);
    let last: Vec<_> = seen.payloads().into_iter().rev().take(3).collect();
    assert_eq!(last, ["59", "58", "57"]);
    assert_eq!(running.link.state().delivered, 60);
    running.end().await;
}

#[test]
fn a_directory_that_is_none_is_a_mistake_of_the_configuration() {
    assert!(DropFolder::new(quick(Path::new("/nonexistent/drop"))).is_err());
}
