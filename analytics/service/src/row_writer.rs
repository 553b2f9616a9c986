//! Rows go to their store beside the engine, in Tick order, through a bounded queue; a snapshot waits for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nhip_ports::{RowStore, RowStoreError};
use nhip_proto::{Offset, Row};
use tokio::sync::{mpsc, oneshot};

use crate::service::ServiceError;
use crate::telemetry;

/// Ticks waiting to be written; beyond it the engine waits (back-pressure).
const TICKS_QUEUED_MAX: usize = 64;

/// Between two tries on a full disk.
const FULL_DISK_PAUSE: Duration = Duration::from_secs(1);

enum Job {
    Write(Offset, Vec<Row>),
    Flush(oneshot::Sender<()>),
}

/// The engine's end of the queue.
pub(crate) struct RowWriter {
    jobs: mpsc::Sender<Job>,
}

impl RowWriter {
    /// The queue, and the task that empties it; the task ends when the writer is dropped or the store fails.
    pub(crate) fn new(
        store: Arc<dyn RowStore>,
    ) -> (Self, impl Future<Output = Result<(), ServiceError>> + Send + 'static) {
        let (jobs, queue) = mpsc::channel(TICKS_QUEUED_MAX);
        (Self { jobs }, write_all(store, queue))
    }

    /// Queues the rows of one Tick.
    pub(crate) async fn write(&self, tick: Offset, rows: Vec<Row>) -> Result<(), ServiceError> {
        self.jobs.send(Job::Write(tick, rows)).await.map_err(|_| ServiceError::RowsClosed)
    }

    /// Waits until everything queued before is durable.
    pub(crate) async fn flush(&self) -> Result<(), ServiceError> {
        let (done, waiting) = oneshot::channel();
        self.jobs.send(Job::Flush(done)).await.map_err(|_| ServiceError::RowsClosed)?;
        waiting.await.map_err(|_| ServiceError::RowsClosed)
    }
}

async fn write_all(store: Arc<dyn RowStore>, mut queue: mpsc::Receiver<Job>) -> Result<(), ServiceError> {
    while let Some(job) = queue.recv().await {
        match job {
            Job::Write(tick, rows) => {
                let began = Instant::now();
                write(store.as_ref(), tick, &rows).await?;
                telemetry::rows_written(rows.len(), began.elapsed().as_secs_f64());
            }
            Job::Flush(done) => {
                // Whoever waited may be gone by now; the rows are durable all the same.
                done.send(()).unwrap_or_default();
            }
        }
    }
    Ok(())
}

/// A full disk is no error: the queue behind fills and the engine waits, until there is space again.
async fn write(store: &dyn RowStore, tick: Offset, rows: &[Row]) -> Result<(), ServiceError> {
    loop {
        match store.write(tick, rows).await {
            Err(RowStoreError::Full(what)) => {
                telemetry::disk_full(&what);
                tokio::time::sleep(FULL_DISK_PAUSE).await;
            }
            done => return Ok(done?),
        }
    }
}
