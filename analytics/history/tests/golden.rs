//! Files of archive and series in format 1, written once: today's reader gives back what was written down then as text.
//! `NHIP_WRITE_GOLDEN=1` writes those of a new format; those of an old one are never written again.

#[path = "golden/written.rs"]
mod written;

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nhip_history::archive::{Archive, Part};
use nhip_history::series::{SeriesHistory, SeriesStore};
use nhip_ports::memory::{MemoryLog, MemoryRows};
use nhip_ports::{
    AsOf, EventLog as _, History as _, Landing, ReadLimit, RowStore as _, SeriesKey, SeriesQuery,
};
use nhip_proto::{EventTime, Logged, Offset};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/format-1").join(name)
}

/// One line each, as `Debug` has it: a new field needs a new text here, and no new files.
fn lines<T: Debug>(all: impl IntoIterator<Item = T>) -> String {
    all.into_iter().map(|one| format!("{one:?}\n")).collect()
}

#[test]
fn the_golden_archive_is_read() {
    if std::env::var_os("NHIP_WRITE_GOLDEN").is_some() {
        write_archive(&golden("archive"));
        fs::write(golden("records.txt"), lines(written::records().concat())).expect("written");
    }
    let archive = Archive::open(&golden("archive")).expect("its manifest is read");
    let report = archive.verify().expect("whole");
    assert_eq!((report.files, report.records, report.first, report.end), (2, 11, 0, 11));
    let files = archive.files();
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "00000000000000000000-00000000000000000008.parquet",
            "00000000000000000008-00000000000000000011.parquet"
        ]
    );
    assert_eq!((files[0].first_at_ns, files[1].last_at_ns), (5, 1_795_244_712_031_000_003));
    assert_eq!(files[0].chain_before, "0".repeat(64));
    let mut read: Vec<Logged> = Vec::new();
    while (read.len() as u64) < archive.end().0 {
        let limit = ReadLimit { records_max: 3, bytes_max: 1 << 20 };
        read.extend(archive.read(Offset(read.len() as u64), limit).expect("read"));
    }
    let text = fs::read_to_string(golden("records.txt")).expect("the text");
    assert_eq!(lines(read.iter().map(|logged| &logged.record)), text);
    assert!(read.iter().zip(0..).all(|(logged, at)| logged.offset == Offset(at)));
}

#[tokio::test]
async fn the_golden_series_are_read() {
    if std::env::var_os("NHIP_WRITE_GOLDEN").is_some() {
        write_series(&golden("series")).await;
        fs::write(golden("rows.txt"), lines(written::ticks())).expect("written");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let mut spans = Vec::new();
    for entry in fs::read_dir(golden("series")).expect("files").map(|entry| entry.expect("an entry")) {
        let name = entry.file_name().to_string_lossy().into_owned();
        fs::copy(entry.path(), directory.path().join(&name)).expect("copied");
        spans.extend(name.split_once('.').map(|(span, _)| span.to_owned()));
    }
    spans.sort();
    assert_eq!(spans, ["2026-10", "2026-11-20", "2026-11-21"], "a month and two days");
    let landing: Arc<dyn Landing> = Arc::new(MemoryRows::default());
    let store = Arc::new(SeriesStore::open(directory.path(), landing).await.expect("a store"));
    assert_eq!(store.last(), Some(Offset(39)));
    let ticks = store.ticks(Offset(0), Offset(u64::MAX), usize::MAX).await.expect("rows");
    assert_eq!(lines(&ticks), fs::read_to_string(golden("rows.txt")).expect("the text"));
    let series = SeriesKey::of(&written::row(0, "80", 0, 0).key);
    let (from, to) = (EventTime(i64::MIN), EventTime(i64::MAX));
    let asked = |as_of| SeriesQuery { series: series.clone(), from, to, as_of, windows_max: 100 };
    let history = SeriesHistory::new(store);
    for (as_of, revisions) in [(AsOf::Now, vec![1, 0, 0]), (AsOf::Offset(Offset(25)), vec![0, 0])] {
        let told = history.series(asked(as_of)).await.expect("a series");
        assert_eq!(told.iter().map(|row| row.revision).collect::<Vec<_>>(), revisions, "{as_of:?}");
    }
}

fn write_archive(directory: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let log = MemoryLog::new();
    // The segment still written to is not sealed.
    let open = written::records()[1].clone();
    for batch in written::records().into_iter().chain([open]) {
        runtime.block_on(async {
            log.append(batch).await.expect("taken").durable().await.expect("durable");
        });
    }
    let archive = Archive::open(directory).expect("opened");
    archive.sweep(Offset(0)).expect("made");
    for pair in log.segments().windows(2) {
        let chains = ([0; 32], [pair[1].first.0 as u8; 32]);
        let before = if pair[0].first == Offset(0) { chains.0 } else { [pair[0].first.0 as u8; 32] };
        let part = Part { first: pair[0].first, end: pair[1].first, chain_before: before, chain: chains.1 };
        let mut read = |from, limit| runtime.block_on(log.read(from, limit));
        archive.seal(part, &mut read, &mut |_| true).expect("sealed");
    }
}

async fn write_series(directory: &Path) {
    let landing = Arc::new(MemoryRows::default());
    let store = Arc::new(SeriesStore::open(directory, landing.clone()).await.expect("a store"));
    for (tick, rows) in written::ticks() {
        store.write(tick, &rows).await.expect("written");
    }
    landing.close().await.expect("closed");
    store.seal().await.expect("sealed");
    drop(store);
    fs::remove_file(directory.join("lock")).expect("the lock is no part of the format");
}
