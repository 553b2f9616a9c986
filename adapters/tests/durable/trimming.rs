//! A log that gave up its oldest segments is a log: it opens, verifies, goes on; a hole in it is damage.

use std::fs;
use std::path::{Path, PathBuf};

use nhip_adapters::{LogFiles, SegmentLog, verify_log};
use nhip_ports::{EventLog as _, LogError, ReadLimit};
use nhip_proto::{Offset, Record};

use crate::stage;

const ALL: ReadLimit = ReadLimit { records_max: usize::MAX, bytes_max: usize::MAX };

fn batches() -> Vec<Vec<Record>> {
    (0..40).map(|batch| (0..5).map(|number| stage::record(batch * 5 + number, 200)).collect()).collect()
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).expect("listed").map(|entry| entry.expect("one").path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.to_string_lossy().ends_with(".seg")).collect();
    paths.sort();
    paths
}

#[tokio::test]
async fn a_trimmed_log_goes_on_where_it_was() {
    let (dir, copy) = (stage::quick_dir(), stage::quick_dir());
    let log = stage::open(dir.path());
    stage::write(&log, &batches()).await;
    let middle = log.segments()[3].first;
    assert_eq!(log.trim(middle).await.expect("trimmed"), middle);
    // As kill -9 leaves it: the durable mark still stands at the beginning, in a segment that is gone.
    stage::copy(dir.path(), copy.path());
    drop(log);
    for found in [dir.path(), copy.path()] {
        let report = verify_log(found).expect("whole");
        assert_eq!((report.first, report.end), (middle.0, 200), "{report}");
        let files = LogFiles::open(found).expect("a log");
        assert_eq!((files.first(), files.end()), (middle, Offset(200)));
        assert!(matches!(files.read(Offset(0), ALL), Err(LogError::Trimmed(0))));
        let log = stage::open(found);
        assert_eq!(log.first(), middle);
        stage::write(&log, &[vec![stage::record(200, 1)]]).await;
        assert_eq!(log.read(Offset(200), ALL).await.expect("read").len(), 1);
    }
}

#[tokio::test]
async fn the_chain_of_a_trimmed_log_is_that_of_the_whole_one() {
    let (dir, whole) = (stage::quick_dir(), stage::quick_dir());
    let log = stage::open(dir.path());
    stage::write(&log, &batches()).await;
    log.close();
    stage::copy(dir.path(), whole.path());
    drop(log);
    let log = stage::open(dir.path());
    log.trim(Offset(u64::MAX)).await.expect("trimmed");
    drop(log);
    assert_eq!(segments(dir.path()).len(), 1, "only the segment being written is left");
    let (trimmed, whole) = (verify_log(dir.path()).expect("whole"), verify_log(whole.path()).expect("whole"));
    assert_eq!((trimmed.chain, trimmed.end), (whole.chain, whole.end));
}

#[tokio::test]
async fn a_crash_between_two_removals_leaves_a_log_and_a_hole_is_refused() {
    let dir = stage::quick_dir();
    let log = stage::open(dir.path());
    stage::write(&log, &batches()).await;
    drop(log);
    let paths = segments(dir.path());
    assert!(paths.len() > 4, "{} segments", paths.len());
    let holed = stage::quick_dir();
    stage::copy(dir.path(), holed.path());
    fs::remove_file(holed.path().join(paths[1].file_name().expect("a name"))).expect("removed");
    assert!(verify_log(holed.path()).is_err(), "a hole is damage");
    for path in &paths[..paths.len() - 1] {
        fs::remove_file(path).expect("removed");
        verify_log(dir.path()).expect("whole after each removal");
        let (log, _) = SegmentLog::open(dir.path(), &stage::identity(), stage::small()).expect("opens");
        let first = log.first();
        assert_eq!(
            log.read(first, ALL).await.expect("read").first().map(|logged| logged.offset),
            Some(first)
        );
    }
}
