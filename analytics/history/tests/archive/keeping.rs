//! When the log may give up a segment: sealed and still whole, behind two whole snapshots, not kept on purpose.

use std::sync::Arc;
use std::time::Duration;

use nhip_history::archive::{ArchiveError, KeepSettings, Keeper};
use nhip_ports::memory::MemoryStates;
use nhip_ports::{EventLog as _, SavedState, StateStore as _};
use nhip_proto::Offset;

use crate::stage::{Stage, batches};

struct Kept {
    stage: Stage,
    states: Arc<MemoryStates>,
}

impl Kept {
    fn new() -> Self {
        Self {
            stage: Stage::new(batches(23, &[10, 10, 10, 10, 1])),
            states: Arc::new(MemoryStates::default()),
        }
    }

    fn snapshot(&self, applied: u64) {
        let state = SavedState { applied: Offset(applied), bytes: Vec::new() };
        self.stage.runtime.block_on(self.states.save(state)).expect("saved");
    }

    /// Passes until there is nothing to do; what the log then begins with.
    fn work(&self, keep_log_segments: usize) -> Result<u64, ArchiveError> {
        let settings = KeepSettings { keep_log_segments, pause: Duration::from_secs(1) };
        let (archive, log) = (self.stage.archive(), self.stage.log.clone());
        let keeper = Keeper::new(archive, log.clone(), self.states.clone(), settings);
        while keeper.pass(self.stage.runtime.handle(), &mut |_| true)? {}
        Ok(log.first().0)
    }
}

#[test]
fn nothing_goes_before_two_snapshots_stand_beyond_it() {
    let kept = Kept::new();
    assert_eq!(kept.work(1).expect("worked"), 0, "no snapshot");
    kept.snapshot(41);
    assert_eq!(kept.work(1).expect("worked"), 0, "one snapshot may turn out damaged");
    kept.snapshot(25);
    assert_eq!(kept.work(1).expect("worked"), 20, "the second newest stands at 25");
    kept.snapshot(40);
    assert_eq!(kept.work(1).expect("worked"), 30, "one whole segment is kept on purpose");
}

#[test]
fn as_many_segments_stay_as_are_to_be_kept_unless_the_disk_is_full() {
    let kept = Kept::new();
    kept.snapshot(40);
    kept.snapshot(41);
    assert_eq!(kept.work(9).expect("worked"), 0);
    assert_eq!(kept.work(3).expect("worked"), 10);
    kept.stage.log.hold(true);
    assert_eq!(kept.work(3).expect("worked"), 40, "a full disk: what stands in the archive makes room");
}

#[test]
fn nothing_goes_while_its_archive_is_damaged() {
    let kept = Kept::new();
    kept.work(1).expect("sealed");
    kept.snapshot(40);
    kept.snapshot(41);
    let file = kept.stage.archive().files()[0].clone();
    let path = kept.stage.directory.path().join(&file.name);
    let whole = std::fs::read(&path).expect("bytes");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    std::fs::write(&path, flipped).expect("written");
    let refused = kept.work(1);
    assert!(matches!(refused, Err(ArchiveError::Damaged { .. })), "{refused:?}");
    assert_eq!(kept.stage.log.first(), Offset(0), "the log still has it");
    std::fs::write(&path, whole).expect("written");
    assert_eq!(kept.work(1).expect("worked"), 30);
}
