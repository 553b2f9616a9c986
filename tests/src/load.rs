//! Publishers of profiles/proof in the background, whose progress can be watched.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nhip_adapters::SystemClock;
use nhip_demo::load::{LoadConfig, LoadProgress, LoadReport};
use nhip_proto::ArrivalTime;
use tokio_util::sync::CancellationToken;

use crate::wait::until;

/// One hundred connections that publish until they are told to end.
#[derive(Debug)]
pub struct Load {
    runtime: tokio::runtime::Runtime,
    task: tokio::task::JoinHandle<Result<LoadReport, nhip_demo::DemoError>>,
    progress: Arc<LoadProgress>,
    stop: CancellationToken,
}

impl Load {
    /// Begins; every acknowledged message goes to the journal.
    #[must_use]
    pub fn start(mqtt: SocketAddr, journal: &Path) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let clock = Arc::new(SystemClock::new(ArrivalTime(0)));
        let mut load = LoadConfig::new(mqtt, "proof", "load", "value", clock);
        load.connections = 100;
        load.rate_per_s = Some(2_000.0);
        load.journal = Some(journal.to_path_buf());
        let (progress, stop) = (load.progress.clone(), CancellationToken::new());
        let task = runtime.spawn(nhip_demo::load::run(load, stop.clone()));
        Self { runtime, task, progress, stop }
    }

    /// Messages acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.progress.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits until there are more than so many.
    pub fn until_acknowledged_beyond(&self, count: u64) {
        until("messages are acknowledged", Duration::from_secs(60), || self.acknowledged() > count);
    }

    /// Nothing acknowledged for two seconds, although publishers never pause.
    #[must_use]
    pub fn stands_still(&self) -> bool {
        let before = self.acknowledged();
        self.runtime.block_on(async { tokio::time::sleep(Duration::from_secs(2)).await });
        self.acknowledged() == before
    }

    /// Ends; what was sent and acknowledged.
    #[must_use]
    pub fn finish(self) -> LoadReport {
        self.stop.cancel();
        let report =
            self.runtime.block_on(self.task).expect("the publishers end").expect("and write their journal");
        assert!(report.acknowledged > 0, "the test acknowledged nothing and shows nothing");
        report
    }
}
