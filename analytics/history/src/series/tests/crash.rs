//! A crash between any two steps of sealing and merging: nothing is lost, nothing is twice.

use std::sync::Mutex;

use super::super::seal::Step;
use super::*;

/// What a crash would leave: the directory and the row files as they were.
struct Left {
    step: Step,
    directory: TempDir,
    landing: Arc<MemoryRows>,
}

fn left_at(step: Step, directory: &Path, landing: &MemoryRows) -> Left {
    let copy = tempfile::tempdir().expect("a directory");
    for entry in std::fs::read_dir(directory).expect("readable") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("copied");
    }
    let rows = MemoryRows::default();
    for (tick, known) in now(landing.ticks(Offset(0), Offset(u64::MAX), usize::MAX)).expect("rows") {
        now(rows.write(tick, &known)).expect("written");
    }
    Left { step, directory: copy, landing: Arc::new(rows) }
}

#[tokio::test]
async fn a_crash_at_any_step_loses_nothing_and_doubles_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let (landing, model) = (Arc::new(MemoryRows::default()), MemoryRows::default());
    let store = open(directory.path(), &landing).await;
    let lefts: Arc<Mutex<Vec<Left>>> = Arc::default();
    // Two days, then a later month, so that days are merged and a month comes to rest.
    for tick in 1..=22_u64 {
        let hour = i64::try_from(tick).expect("small") + if tick > 20 { 1_500 } else { 0 };
        let rows = [
            row(tick, "80", hour, 0, hour),
            row(tick, "25459", hour / 2, u32::try_from(tick).expect("small"), 1),
        ];
        for rows_of in [&*store as &dyn RowStore, &model] {
            rows_of.write(Offset(tick), &rows).await.expect("written");
        }
        if tick % 2 == 0 {
            landing.close().await.expect("closed");
            let (lefts, path, landing) =
                (Arc::clone(&lefts), directory.path().to_owned(), Arc::clone(&landing));
            let watch = move |step| lefts.lock().expect("no panic").push(left_at(step, &path, &landing));
            store.seal_watched(watch).await.expect("sealed");
        }
    }
    let mut lefts = std::mem::take(&mut *lefts.lock().expect("no panic"));
    for step in
        [Step::FileWritten, Step::Listed, Step::Forgotten, Step::Merged, Step::MergeListed, Step::Removed]
    {
        assert!(lefts.iter().any(|left| left.step == step), "{step:?} was never reached");
    }
    // Of each step the first, the last, and every fifth between.
    let all = lefts.len();
    let mut number = 0;
    lefts.retain(|_| {
        number += 1;
        number < 5 || number % 5 == 0 || number + 12 > all
    });
    for left in lefts {
        recovers(left, &model).await;
    }
}

/// Opened again, fed again from the start, sealed again: the same rows.
async fn recovers(left: Left, model: &MemoryRows) {
    let step = left.step;
    let store = open(left.directory.path(), &left.landing).await;
    let before = store.ticks(Offset(0), Offset(u64::MAX), usize::MAX).await.expect("rows");
    let all = model.ticks(Offset(0), Offset(u64::MAX), usize::MAX).await.expect("rows");
    assert_eq!(before, all[..before.len()], "after a crash at {step:?}");
    assert_eq!(store.last(), before.last().map(|(tick, _)| *tick), "the last Tick after {step:?}");
    for (tick, rows) in &all {
        store.write(*tick, rows).await.expect("written");
    }
    left.landing.close().await.expect("closed");
    store.seal().await.expect("sealed");
    let after = store.ticks(Offset(0), Offset(u64::MAX), usize::MAX).await.expect("rows");
    assert_eq!(after, all, "fed again after a crash at {step:?}");
    let names = |suffix: &str| {
        let entries = std::fs::read_dir(left.directory.path()).expect("readable");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        names.filter(|name| name.ends_with(suffix)).count()
    };
    assert_eq!(names(".parquet"), store.state().files.len(), "no file is left over after {step:?}");
    assert_eq!(names(".tmp"), 0, "nothing half written is left over after {step:?}");
    let history = SeriesHistory::new(store);
    let series = history.series(all_of("80", AsOf::Now)).await.expect("a series");
    assert_eq!(series, model.series(all_of("80", AsOf::Now)).await.expect("a series"), "after {step:?}");
}
