//! A node's log, archive, rows and snapshots with the analytics room over them, in this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nhip_adapters::{LocalBus, LogConfig, LogIdentity, RowFiles, SegmentLog, StateFiles};
use nhip_analytics::{Config, Parts, RebirthSink};
use nhip_history::archive::{Archive, KeepSettings, Keeper, SpanningLog};
use nhip_ports::{Analysis as _, Durable, EventLog, ReadLimit, RowStore, StateStore};
use nhip_proto::{ArrivalTime, EventTime, IndicatorId, Logged, Offset, Origin, Record, Restate, Row};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// Records of one batch of the log.
const BATCH: usize = 2_000;
const APPLIED_MAX: Duration = Duration::from_secs(120);
const READ: ReadLimit = ReadLimit { records_max: 8_192, bytes_max: 8 << 20 };

pub(crate) struct Host {
    runtime: Runtime,
    directory: PathBuf,
}

struct Nobody;

impl RebirthSink for Nobody {
    fn request(&self, _node: &str) {}
}

struct Doors {
    segments: Arc<SegmentLog>,
    log: Arc<dyn EventLog>,
    archive: Arc<Archive>,
    rows: Arc<RowFiles>,
    states: Arc<StateFiles>,
}

impl Host {
    pub(crate) fn new(directory: &Path) -> Self {
        Self { runtime: Runtime::new().expect("a runtime"), directory: directory.to_owned() }
    }

    fn open(&self) -> Doors {
        let identity =
            LogIdentity { installation: [7; 16], node: "month".to_owned(), origin: Origin::Simulated };
        let config =
            LogConfig { segment_bytes: 256 << 10, segment_first_bytes: 256 << 10, ..LogConfig::default() };
        let inside = |name: &str| self.directory.join(name);
        let (segments, _) = SegmentLog::open(&inside("log"), &identity, config).expect("a log");
        let segments = Arc::new(segments);
        let archive = Arc::new(Archive::open(&inside("archive")).expect("an archive"));
        archive.sweep(segments.first()).expect("swept");
        let log =
            Arc::new(SpanningLog::new(archive.clone(), segments.clone()).expect("they belong together"));
        let rows = Arc::new(RowFiles::open(&inside("rows")).expect("rows"));
        let states = Arc::new(StateFiles::open(&inside("state")).expect("snapshots"));
        Doors { segments, log, archive, rows, states }
    }

    /// Starts the room, appends records, waits until they are applied, stops it.
    pub(crate) fn live(&mut self, records: &[Record]) {
        self.with_room(|_, log| async move { append(log.as_ref(), records).await });
    }

    fn with_room<'a, F: Future<Output = ()> + 'a>(
        &mut self,
        work: impl FnOnce(Arc<nhip_analytics::AnalysisHandle>, Arc<dyn EventLog>) -> F,
    ) {
        let doors = self.open();
        let parts = Parts {
            log: doors.log.clone(),
            rows: doors.rows.clone(),
            states: doors.states.clone(),
            history: Arc::new(nhip_ports::memory::MemoryRows::default()),
            bus: Arc::new(LocalBus::default()),
            rebirths: Arc::new(Nobody),
            origin: Origin::Simulated,
        };
        let log = doors.log.clone();
        self.runtime.block_on(async {
            let stop = CancellationToken::new();
            let started = nhip_analytics::start(parts, Config::default(), stop.clone()).await;
            let (room, _, handle) = started.expect("the room starts");
            work(Arc::clone(&handle), log.clone()).await;
            let end = *log.durable().borrow();
            let applied = async {
                while handle.ledger().await.map_or(Offset(0), |(applied, _)| applied) < end {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::time::timeout(APPLIED_MAX, applied).await.expect("everything is applied");
            stop.cancel();
            room.ended.await.expect("it ends").expect("without a failure");
        });
        doors.segments.close();
    }

    /// Seals what can be sealed and trims; returns the first offset that is left in the segments.
    pub(crate) fn archive_and_trim(&self) -> u64 {
        let doors = self.open();
        let settings = KeepSettings { keep_log_segments: 1, pause: Duration::ZERO };
        let keeper =
            Keeper::new(doors.archive.clone(), doors.segments.clone(), doors.states.clone(), settings);
        while keeper.pass(self.runtime.handle(), &mut |_| true).expect("sealed") {}
        let first = doors.segments.first();
        doors.segments.close();
        first.0
    }

    /// What a node does on `POST restatements`: foresee, then log.
    pub(crate) fn restate(
        &mut self,
        indicator: &IndicatorId,
        range: (EventTime, EventTime),
        at: ArrivalTime,
    ) {
        self.with_room(|handle, log| async move {
            let foreseen = handle.foresee(indicator.clone(), range).await.expect("a known indicator");
            let restate = Restate {
                at,
                indicator: indicator.clone(),
                from: range.0,
                to: range.1,
                reason: "the month again".to_owned(),
                author: "test".to_owned(),
                computed_to: foreseen.computed_to,
                rows_digest: foreseen.rows_digest,
            };
            append(log.as_ref(), &[Record::Restate(Box::new(restate))]).await;
        });
    }

    /// Every row written, in the order of Ticks, then key.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let rows = RowFiles::open(&self.directory.join("rows")).expect("rows");
        let read = rows.ticks(Offset(0), Offset(u64::MAX), usize::MAX);
        self.runtime.block_on(read).expect("read").into_iter().flat_map(|(_, rows)| rows).collect()
    }

    pub(crate) fn newest_state(&self) -> Vec<u8> {
        let states = StateFiles::open(&self.directory.join("state")).expect("snapshots");
        let newest = self.runtime.block_on(states.load()).expect("loaded").into_iter().next().expect("one");
        assert_eq!(newest.applied, self.end(), "saved at the end");
        newest.bytes
    }

    pub(crate) fn end(&self) -> Offset {
        nhip_adapters::LogFiles::open(&self.directory.join("log")).expect("a log").end()
    }

    /// Records out of the archive, then out of the segments.
    pub(crate) fn read(&self, from: Offset) -> Vec<Logged> {
        let files = nhip_adapters::LogFiles::open(&self.directory.join("log")).expect("a log");
        if from >= files.first() {
            return files.read(from, READ).expect("read");
        }
        Archive::open(&self.directory.join("archive")).expect("an archive").read(from, READ).expect("read")
    }
}

async fn append(log: &dyn EventLog, records: &[Record]) {
    for batch in records.chunks(BATCH) {
        Durable::new(log.append(batch.to_vec()).await.expect("appended")).wait().await.expect("durable");
    }
}
