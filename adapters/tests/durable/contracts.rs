//! Every port's contract, run on its file adapter.

use std::cell::Cell;
use std::path::PathBuf;

use nhip_adapters::{KeyFiles, LogConfig, RowFiles, SegmentLog, StateFiles};
use nhip_ports::contract;
use tempfile::TempDir;

use crate::stage;

/// A new directory each time.
fn directories() -> (TempDir, impl Fn() -> PathBuf) {
    let parent = tempfile::tempdir().expect("a directory for the test");
    let path = parent.path().to_owned();
    let made = Cell::new(0);
    let next = move || {
        made.set(made.get() + 1);
        path.join(made.get().to_string())
    };
    (parent, next)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_keeps_the_promises_of_the_port() {
    let (_parent, next) = directories();
    contract::event_log::all(|| Box::new(stage::open(&next()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_keeps_them_with_the_narrowest_bounds() {
    let (_parent, next) = directories();
    let narrow = LogConfig {
        segment_bytes: 1 << 10,
        segment_first_bytes: 1 << 10,
        commit_bytes_max: 1,
        queue_records_max: 1,
        queue_bytes_max: 1,
        tail_records_max: 1,
        tail_bytes_max: 1,
        commit_delay_ms_max: 1,
        mark_interval_ms: 1,
        ..stage::small()
    };
    contract::event_log::all(|| {
        let opened = SegmentLog::open(&next(), &stage::identity(), narrow.clone());
        Box::new(opened.expect("a new log").0)
    })
    .await;
}

#[tokio::test]
async fn state_files_keep_the_promises_of_the_port() {
    let (_parent, next) = directories();
    contract::state_store::all(|| Box::new(StateFiles::open(&next()).expect("a new store"))).await;
}

#[tokio::test]
async fn row_files_keep_the_promises_of_the_port() {
    let (_parent, next) = directories();
    contract::row_store::all(|| Box::new(RowFiles::open(&next()).expect("a new store"))).await;
    contract::row_store::landing(|| Box::new(RowFiles::open(&next()).expect("a new store"))).await;
}

#[tokio::test]
async fn row_files_keep_them_over_many_files() {
    let (_parent, next) = directories();
    contract::row_store::all(|| Box::new(RowFiles::open_with(&next(), 300).expect("a new store"))).await;
    contract::row_store::landing(|| Box::new(RowFiles::open_with(&next(), 300).expect("a new store"))).await;
}

#[tokio::test]
async fn key_files_keep_the_promises_of_the_port() {
    let (_parent, next) = directories();
    let open = |path: PathBuf| KeyFiles::open(&path, &path.with_extension("list"), [7; 16]);
    contract::key_store::all(|| Box::new(open(next()).expect("a new store"))).await;
}
