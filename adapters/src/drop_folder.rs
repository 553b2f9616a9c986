//! A drop folder: stations put files into a directory (by FTP, SFTP, a share), each file is one delivery. A file leaves
//! for `done/` only after it is durable; a crash in between delivers it again, and its identity makes that harmless.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use metrics::counter;
use nhip_ports::{Delivery, Durable, IngestLink, Intake, LinkError, Refused};
use nhip_proto::{Dedication, LinkState};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

mod scan;

use scan::{Found, Place, Watch};

/// Where to look, and the bounds.
#[derive(Clone, Debug)]
pub struct DropFolderConfig {
    /// The link's name in state, metrics, topics and as principal of its deliveries.
    pub name: String,
    /// The directory; its subdirectories are stations. `done/` and `refused/` in it are ours.
    pub directory: PathBuf,
    /// The topic of a file; `{name}`, `{station}` and `{file}` are filled in.
    pub topic: String,
    /// Milliseconds between two looks.
    pub scan_ms: u64,
    /// Milliseconds a file must keep its size and time before it is taken.
    pub settle_ms: u64,
    /// The largest file taken whole, bytes; a larger one is handed over cut, logged as too large and put into
    /// `refused/`.
    pub file_bytes_max: usize,
    /// Files taken by one look.
    pub files_per_scan_max: usize,
    /// Their bytes.
    pub bytes_per_scan_max: usize,
    /// Files looked at by one look; more wait until these have left.
    pub files_seen_max: usize,
    /// Subdirectories looked into.
    pub stations_max: usize,
    /// Batches on their way to the disk.
    pub submits_in_flight_max: usize,
    /// Milliseconds a stopping link waits for what is on its way to the disk.
    pub drain_ms_max: u64,
    /// The times the directory was (re)mounted are counted up from here.
    pub epoch_first: u64,
}

impl Default for DropFolderConfig {
    fn default() -> Self {
        Self {
            name: "drop".to_owned(),
            directory: PathBuf::from("drop"),
            topic: "file/{name}/{station}/{file}".to_owned(),
            scan_ms: 1_000,
            settle_ms: 2_000,
            file_bytes_max: 1024 * 1024,
            files_per_scan_max: 256,
            bytes_per_scan_max: 4 * 1024 * 1024,
            files_seen_max: 10_000,
            stations_max: 1_000,
            submits_in_flight_max: 4,
            drain_ms_max: 2_000,
            epoch_first: 1,
        }
    }
}

/// A link that watches a directory.
pub struct DropFolder {
    shared: Arc<Shared>,
}

struct Shared {
    config: DropFolderConfig,
    up: AtomicBool,
    epoch: AtomicU64,
    delivered: AtomicU64,
    error: Mutex<String>,
    /// Files handed over and not yet moved away, by path and inode. What cannot be moved stays here, so that it
    /// is not delivered at every look.
    taken: Mutex<BTreeSet<(PathBuf, u64)>>,
}

/// One submit on its way to the disk.
struct Submitted {
    durable: Durable,
    files: Vec<Place>,
}

impl DropFolder {
    /// A link; it looks when it runs.
    ///
    /// # Errors
    /// [`LinkError::Configuration`] if the directory is none, or no file can be moved within it.
    pub fn new(config: DropFolderConfig) -> Result<Self, LinkError> {
        let shown = config.directory.display().to_string();
        let unusable =
            |error: std::io::Error| LinkError::Configuration(format!("drop folder {shown}: {error}"));
        if !std::fs::metadata(&config.directory).map_err(unusable)?.is_dir() {
            return Err(LinkError::Configuration(format!("drop folder {shown}: is no directory")));
        }
        scan::make_own_folders(&config.directory).map_err(unusable)?;
        let shared = Shared {
            up: AtomicBool::new(false),
            epoch: AtomicU64::new(config.epoch_first.saturating_sub(1)),
            delivered: AtomicU64::new(0),
            error: Mutex::default(),
            taken: Mutex::default(),
            config,
        };
        Ok(Self { shared: Arc::new(shared) })
    }
}

#[async_trait]
impl IngestLink for DropFolder {
    async fn run(&self, intake: Arc<dyn Intake>, stop: CancellationToken) -> Result<(), LinkError> {
        let shared = &self.shared;
        let (submitted, waiting) = mpsc::channel(shared.config.submits_in_flight_max.max(1));
        let mut settling = std::pin::pin!(shared.settle_all(waiting));
        let outcome = tokio::select! {
            outcome = shared.look(&*intake, submitted, &stop) => match outcome {
                Ok(()) => {
                    let drain = Duration::from_millis(shared.config.drain_ms_max);
                    tokio::time::timeout(drain, settling).await.unwrap_or(Ok(()))
                }
                refused => refused,
            },
            outcome = &mut settling => outcome,
        };
        shared.up.store(false, Ordering::Relaxed);
        match outcome {
            // Refusals while stopping are part of stopping.
            Err(Refused::Stopping) if stop.is_cancelled() => Ok(()),
            other => Ok(other?),
        }
    }

    fn state(&self) -> LinkState {
        let shared = &self.shared;
        LinkState {
            name: shared.config.name.clone(),
            up: shared.up.load(Ordering::Relaxed),
            epoch: shared.epoch.load(Ordering::Relaxed),
            delivered: shared.delivered.load(Ordering::Relaxed),
            error: shared.error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

impl Shared {
    /// Looks, hands over, looks again, until told to stop.
    async fn look(
        self: &Arc<Self>,
        intake: &dyn Intake,
        submitted: mpsc::Sender<Submitted>,
        stop: &CancellationToken,
    ) -> Result<(), Refused> {
        let mut watch = Watch::default();
        loop {
            let shared = Arc::clone(self);
            let looked = tokio::task::spawn_blocking(move || {
                let found = shared.scan(&mut watch);
                (watch, found)
            });
            let Ok((kept, found)) = looked.await else { return Err(Refused::Stopping) };
            watch = kept;
            let full = found.len() >= self.config.files_per_scan_max;
            if !found.is_empty() {
                let submit = self.submit(intake, found);
                let one = tokio::select! {
                    one = submit => one?,
                    () = stop.cancelled() => return Ok(()),
                };
                if submitted.send(one).await.is_err() {
                    return Err(Refused::Stopping);
                }
            }
            let pause = if full { Duration::ZERO } else { Duration::from_millis(self.config.scan_ms) };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn scan(&self, watch: &mut Watch) -> Vec<Found> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match watch.scan(&self.config, &taken) {
            Ok(found) => {
                if std::mem::take(&mut watch.remounted) {
                    self.epoch.fetch_add(1, Ordering::Relaxed);
                }
                self.up.store(true, Ordering::Relaxed);
                let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
                taken.extend(found.iter().map(|one| one.place.key()));
                found
            }
            Err(error) => {
                self.up.store(false, Ordering::Relaxed);
                self.note(error.to_string());
                Vec::new()
            }
        }
    }

    async fn submit(&self, intake: &dyn Intake, found: Vec<Found>) -> Result<Submitted, Refused> {
        let epoch = self.epoch.load(Ordering::Relaxed);
        let mut files = Vec::with_capacity(found.len());
        let mut deliveries = Vec::with_capacity(found.len());
        for Found { place, payload } in found {
            deliveries.push(Delivery {
                topic: place.topic(&self.config),
                payload,
                dedication: Dedication { qos: 1, retain: false, dup: false },
                content_type: String::new(),
                principal: self.config.name.clone(),
                epoch,
            });
            files.push(place);
        }
        self.delivered.fetch_add(files.len() as u64, Ordering::Relaxed);
        let durable = intake.submit(deliveries).await?;
        Ok(Submitted { durable, files })
    }

    /// Moves files away in the order they were handed over, each batch after it is durable. Ends when the looking has
    /// ended and nothing is left.
    async fn settle_all(self: &Arc<Self>, mut waiting: mpsc::Receiver<Submitted>) -> Result<(), Refused> {
        while let Some(Submitted { durable, files }) = waiting.recv().await {
            durable.wait().await?;
            let shared = Arc::clone(self);
            // A panic in there is told by the next look, which finds the files again.
            drop(tokio::task::spawn_blocking(move || shared.move_away(&files)).await);
        }
        Ok(())
    }

    fn move_away(&self, files: &[Place]) {
        for place in files {
            match place.move_away(&self.config.directory) {
                Ok(outcome) => {
                    count(&self.config.name, outcome);
                    self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&place.key());
                }
                Err(error) => {
                    count(&self.config.name, "stuck");
                    self.note(format!("a file cannot be moved to done/: {error}"));
                }
            }
        }
    }

    fn note(&self, error: String) {
        let mut noted = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        if *noted != error {
            tracing::warn!(link = self.config.name, error, "drop folder");
            *noted = error;
        }
    }
}

fn count(link: &str, outcome: &'static str) {
    counter!("nhip_folder_files_total", "link" => link.to_owned(), "outcome" => outcome).increment(1);
}
