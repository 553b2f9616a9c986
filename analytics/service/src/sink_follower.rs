//! Tells a foreign database what stands in the rows, at the pace that database can take: the row store is the queue,
//! a durable position says how far it was told, and nothing ever waits for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nhip_ports::{RowStore, RowStoreError, SeriesSink, SinkError, SinkPosition, SinkPositions};
use nhip_proto::{Offset, Row};
use tokio_util::sync::CancellationToken;

use crate::telemetry;

/// Rows of any other lineage are what-if runs and stay here.
const LINEAGE: &str = "live";

/// The pace.
#[derive(Clone, Copy, Debug)]
pub struct SinkPace {
    /// Rows handed over at once; also the most rows held in memory beside those of one Tick.
    pub batch_rows_max: usize,
    /// Between two looks at rows that may have come.
    pub interval: Duration,
    /// The pause after the first failure, doubled with each.
    pub backoff_ms_min: u64,
    /// The longest pause after a failure.
    pub backoff_ms_max: u64,
}

impl Default for SinkPace {
    fn default() -> Self {
        Self {
            batch_rows_max: 5_000,
            interval: Duration::from_secs(5),
            backoff_ms_min: 500,
            backoff_ms_max: 60_000,
        }
    }
}

/// Reads rows and hands them over, in the order in which they became known, one batch at a time.
pub struct SinkFollower {
    rows: Arc<dyn RowStore>,
    sink: Arc<dyn SeriesSink>,
    positions: Arc<dyn SinkPositions>,
    pace: SinkPace,
}

/// Rows to hand over, and the position once they were taken.
struct Batch {
    rows: Vec<Row>,
    from: SinkPosition,
    after: SinkPosition,
}

/// How a batch went.
enum Told {
    /// All of it stands there, or was refused row by row.
    Taken,
    /// Every row was refused by a server that never took one: rather a wrong address than wrong rows.
    Doubtful,
    Stopped,
}

impl SinkFollower {
    /// One that goes on from the saved position.
    #[must_use]
    pub fn new(
        rows: Arc<dyn RowStore>,
        sink: Arc<dyn SeriesSink>,
        positions: Arc<dyn SinkPositions>,
        pace: SinkPace,
    ) -> Self {
        Self { rows, sink, positions, pace }
    }

    /// Until stopped. No failure of the far side or of a read ends it: a sink that is down makes the node no worse.
    pub async fn run(self, stop: CancellationToken) {
        let mut position = self.begin().await;
        let mut proven = false;
        loop {
            let pause = match self.next(position).await {
                Ok(Some(batch)) => match self.tell(&batch, &mut proven, &stop).await {
                    Told::Taken => {
                        self.keep(&batch).await;
                        position = batch.after;
                        continue;
                    }
                    Told::Doubtful => self.backoff(u32::MAX),
                    Told::Stopped => return,
                },
                Ok(None) => self.pace.interval,
                Err(error) => {
                    telemetry::sink_failed("rows", &error.to_string());
                    self.backoff(u32::MAX)
                }
            };
            if stopped_within(pause, &stop).await {
                return;
            }
        }
    }

    /// A position that cannot be read costs rows sent twice, which change nothing. One beyond the rows belongs to a
    /// data directory that was put back to an older day.
    async fn begin(&self) -> SinkPosition {
        let saved = self.positions.load().await.unwrap_or_else(|error| {
            telemetry::sink_failed("position", &error.to_string());
            None
        });
        let saved = saved.unwrap_or_default();
        let end = self.rows.last().map_or(Offset(0), |last| Offset(last.0 + 1));
        if saved.tick > end { SinkPosition { tick: end, rows: 0 } } else { saved }
    }

    /// The rows behind the position; none: there are no newer Ticks.
    async fn next(&self, from: SinkPosition) -> Result<Option<Batch>, RowStoreError> {
        let Some(last) = self.rows.last() else { return Ok(None) };
        let end = Offset(last.0 + 1);
        self.tell_lag(from);
        if from.tick >= end {
            return Ok(None);
        }
        let known = usize::try_from(from.rows).unwrap_or(usize::MAX);
        let rows_max = known.saturating_add(self.pace.batch_rows_max.max(1));
        let mut rows = self.rows.read(from.tick, end, rows_max).await?;
        let after = match rows.last().filter(|_| rows.len() >= rows_max) {
            // The page may end inside a Tick.
            Some(row) => {
                let tick = row.known_offset;
                let of_it = rows.iter().filter(|row| row.known_offset == tick).count();
                SinkPosition { tick, rows: of_it as u64 }
            }
            None => SinkPosition { tick: end, rows: 0 },
        };
        rows.drain(..known.min(rows.len()));
        rows.retain(|row| row.lineage == LINEAGE);
        Ok(Some(Batch { rows, from, after }))
    }

    /// Halves what is refused until only the rows that cannot be taken are left out.
    async fn tell(&self, batch: &Batch, proven: &mut bool, stop: &CancellationToken) -> Told {
        let mut parts = if batch.rows.is_empty() { Vec::new() } else { vec![batch.rows.as_slice()] };
        let mut refused: Vec<(&Row, String)> = Vec::new();
        while let Some(part) = parts.pop() {
            match self.insist(part, batch.from, stop).await {
                None => return Told::Stopped,
                Some(Ok(())) => *proven = true,
                Some(Err(reason)) => match part {
                    [row] => refused.push((row, reason)),
                    _ => {
                        let (first, second) = part.split_at(part.len() / 2);
                        parts.extend([second, first]);
                    }
                },
            }
        }
        if !refused.is_empty() && !*proven {
            telemetry::sink_failed("refused_all", &refused.swap_remove(0).1);
            return Told::Doubtful;
        }
        for (row, reason) in refused {
            telemetry::sink_refused(&row.key.to_string(), &reason);
        }
        Told::Taken
    }

    /// The same rows until they are taken or refused; none: told to stop.
    async fn insist(
        &self,
        rows: &[Row],
        from: SinkPosition,
        stop: &CancellationToken,
    ) -> Option<Result<(), String>> {
        let mut failures = 0;
        loop {
            let began = Instant::now();
            let written = tokio::select! {
                () = stop.cancelled() => return None,
                written = self.sink.write(rows) => written,
            };
            match written {
                Ok(()) => {
                    telemetry::sink_told(rows.len(), began.elapsed().as_secs_f64());
                    return Some(Ok(()));
                }
                Err(SinkError::Refused(reason)) => return Some(Err(reason)),
                Err(SinkError::Unavailable { reason, detail, after }) => {
                    telemetry::sink_failed(reason, &detail);
                    self.tell_lag(from);
                    let pause = self.backoff(failures).max(after.unwrap_or_default());
                    failures += 1;
                    if stopped_within(pause, stop).await {
                        return None;
                    }
                }
            }
        }
    }

    /// Saves the new position; Ticks without rows are not worth a sync, reading over them again costs nothing.
    async fn keep(&self, batch: &Batch) {
        if !batch.rows.is_empty()
            && let Err(error) = self.positions.save(batch.after).await
        {
            telemetry::sink_failed("position", &error.to_string());
        }
    }

    /// It grows while the far side is down.
    fn tell_lag(&self, from: SinkPosition) {
        let end = self.rows.last().map_or(0, |last| last.0 + 1);
        telemetry::sink_lag(end.saturating_sub(from.tick.0));
    }

    /// Doubled with each failure.
    fn backoff(&self, failures: u32) -> Duration {
        let doubled = self.pace.backoff_ms_min.max(1).saturating_mul(1 << failures.min(20));
        Duration::from_millis(doubled.min(self.pace.backoff_ms_max))
    }
}

/// Waits; whether it was told to stop meanwhile.
async fn stopped_within(pause: Duration, stop: &CancellationToken) -> bool {
    tokio::time::timeout(pause, stop.cancelled()).await.is_ok()
}
