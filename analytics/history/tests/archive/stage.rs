//! What the tests stand on: a log in memory whose batches are segments, and an archive of it.

use std::sync::Arc;

use nhip_history::archive::{Archive, ArchiveError, Part, SpanningLog, Step};
use nhip_ports::memory::MemoryLog;
use nhip_ports::{EventLog, ReadLimit, SegmentHead};
use nhip_proto::{Logged, Offset, Record, encode_record};
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::strategy;

pub(crate) const ALL: ReadLimit = ReadLimit { records_max: usize::MAX, bytes_max: usize::MAX };

pub(crate) struct Stage {
    pub(crate) runtime: Runtime,
    pub(crate) log: Arc<MemoryLog>,
    pub(crate) directory: TempDir,
}

impl Stage {
    /// Each batch is a segment; the last stays open.
    pub(crate) fn new(batches: Vec<Vec<Record>>) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let log = Arc::new(MemoryLog::new());
        for batch in batches {
            runtime.block_on(async {
                log.append(batch).await.expect("taken").durable().await.expect("durable");
            });
        }
        Self { runtime, log, directory: tempfile::tempdir().expect("a directory") }
    }

    /// Opened as a starting node does it.
    pub(crate) fn archive(&self) -> Arc<Archive> {
        let archive = Archive::open(self.directory.path()).expect("opened");
        archive.sweep(self.log.first()).expect("swept");
        Arc::new(archive)
    }

    pub(crate) fn seal(
        &self,
        archive: &Archive,
        part: Part,
        go_on: &mut dyn FnMut(Step) -> bool,
    ) -> Result<(), ArchiveError> {
        let mut read = |from, limit| self.runtime.block_on(self.log.read(from, limit));
        archive.seal(part, &mut read, go_on).map(drop)
    }

    /// Seals every whole segment that is not yet sealed.
    pub(crate) fn seal_all(&self, archive: &Archive) {
        for part in self.parts().into_iter().filter(|part| part.first >= archive.end()) {
            self.seal(archive, part, &mut |_| true).expect("sealed");
        }
    }

    pub(crate) fn parts(&self) -> Vec<Part> {
        let part = |pair: &[SegmentHead]| Part {
            first: pair[0].first,
            end: pair[1].first,
            chain_before: pair[0].chain,
            chain: pair[1].chain,
        };
        self.log.segments().windows(2).map(part).collect()
    }

    pub(crate) fn spanning(&self, archive: Arc<Archive>) -> SpanningLog {
        SpanningLog::new(archive, self.log.clone()).expect("they meet")
    }

    /// Everything from the first record on.
    pub(crate) fn drain(&self, log: &dyn EventLog) -> Vec<Logged> {
        let mut all: Vec<Logged> = Vec::new();
        loop {
            let from = all.last().map_or(log.first(), |last| last.offset.next());
            let batch = self.runtime.block_on(log.read(from, ALL)).expect("read");
            if batch.is_empty() {
                return all;
            }
            all.extend(batch.iter().cloned());
        }
    }
}

/// Batches of random records; the seed is told where a test fails.
pub(crate) fn batches(seed: u8, sizes: &[usize]) -> Vec<Vec<Record>> {
    println!("seed {seed}");
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut record = || strategy::record().new_tree(&mut runner).expect("a record").current();
    sizes.iter().map(|size| (0..*size).map(|_| record()).collect()).collect()
}

pub(crate) fn bytes_of(records: &[Logged]) -> Vec<(Offset, Vec<u8>)> {
    let bytes = |logged: &Logged| {
        let mut bytes = Vec::new();
        encode_record(&logged.record, &mut bytes);
        (logged.offset, bytes)
    };
    records.iter().map(bytes).collect()
}

/// All of an archive, read as a reader does.
pub(crate) fn read_all(archive: &Archive) -> Result<Vec<Logged>, ArchiveError> {
    let mut all: Vec<Logged> = Vec::new();
    let mut at = archive.first().unwrap_or_default();
    while at < archive.end() {
        let batch = archive.read(at, ALL)?;
        at = batch.last().map(|last| last.offset.next()).expect("never empty below the end");
        all.extend(batch);
    }
    Ok(all)
}
