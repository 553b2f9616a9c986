//! `nhip replay`: the log again from its first record, compared byte for byte with what the node wrote.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use nhip_engine::{Effects, Engine, EngineSettings};
use nhip_ports::{ReadLimit, RowStore, SavedState, TickRows};
use nhip_proto::{Logged, Offset, Row, encode_row};

use crate::chance::Chance;
use crate::commands::Failure;
use crate::compose::{self, StoppedNode};
use crate::observe::say;
use crate::stopped_log::StoppedLog;

/// Bytes of one read at most.
const READ_BYTES_MAX: usize = 8 << 20;
/// Records of one batch where nothing is random.
const BATCH_RECORDS: usize = 8_192;
/// Rows compared at a time.
const ROWS_COMPARED_MAX: usize = 10_000;

/// What a replay came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replayed {
    /// The offset after the last record.
    pub(crate) end: Offset,
    /// How many rows.
    pub(crate) rows: u64,
    /// BLAKE3 over all rows in order.
    pub(crate) rows_digest: [u8; 32],
    /// BLAKE3 over the engine's last snapshot.
    pub(crate) state_digest: [u8; 32],
}

/// How to cut the log into batches.
pub(crate) struct Cutting {
    /// None: large batches and no restarts; else random ones.
    pub(crate) chance: Option<Chance>,
    /// Engine threads.
    pub(crate) threads: usize,
    /// Where to stop; none: at the end of the log.
    pub(crate) until: Option<Offset>,
}

/// Compares a stopped node's rows and snapshots with a replay.
pub(crate) async fn command(
    data: &Path,
    threads: usize,
    seed: Option<u64>,
    until: Option<u64>,
) -> Result<(), Failure> {
    let node = compose::open_stopped(data).await?;
    let mut checks = Checks::new(&node).await?;
    let cutting = Cutting { chance: seed.map(Chance::new), threads, until: until.map(Offset) };
    let replayed = replay(&node, cutting, Some(&mut checks)).await?;
    say(&format!(
        "records {} rows {} compared with the node: {}",
        replayed.end.0,
        replayed.rows,
        checks.told()
    ));
    say(&format!("rows_digest {} state_digest {}", hex(&replayed.rows_digest), hex(&replayed.state_digest)));
    Ok(())
}

/// Replays a whole log.
pub(crate) async fn replay(
    node: &StoppedNode,
    mut cutting: Cutting,
    mut checks: Option<&mut Checks>,
) -> Result<Replayed, Failure> {
    let settings = EngineSettings { threads: cutting.threads, origin: node.origin };
    let mut engine = Engine::new(settings.clone());
    let mut effects = Effects::default();
    let (mut digest, mut rows_seen, mut at) = (blake3::Hasher::new(), 0_u64, node.log.first());
    let end = cutting.until.map_or(node.log.end(), |until| until.min(node.log.end()));
    while at < end {
        let records_max = cutting.batch_records(checks.as_deref(), at, end);
        let batch = read(&node.log, at, records_max)?;
        engine.apply_with(&batch, &mut effects, |from| read(&node.log, from, BATCH_RECORDS))?;
        at = engine.applied();
        for (tick, rows) in effects.rows.drain(..) {
            rows_seen += rows.len() as u64;
            rows.iter().for_each(|row| note(row, &mut digest));
            if let Some(checks) = checks.as_deref_mut() {
                checks.compare_rows(tick, &rows).await?;
            }
        }
        if let Some(checks) = checks.as_deref_mut() {
            checks.compare_state(at, &engine)?;
        }
        if cutting.restart() {
            engine = Engine::restore(&engine.snapshot(), settings.clone()).map_err(Failure::other)?;
        }
    }
    let state_digest = *blake3::hash(&engine.snapshot()).as_bytes();
    Ok(Replayed { end: at, rows: rows_seen, rows_digest: *digest.finalize().as_bytes(), state_digest })
}

impl Cutting {
    /// Large steps stop where a snapshot must be compared.
    fn batch_records(&mut self, checks: Option<&Checks>, at: Offset, end: Offset) -> usize {
        let wanted = match &mut self.chance {
            Some(chance) => {
                let most = [1, 10, 300, 5_000][(chance.next() % 4) as usize];
                chance.between(1, most)
            }
            None => BATCH_RECORDS as u64,
        };
        let next = checks.and_then(|checks| checks.next_state_after(at));
        wanted.min(next.unwrap_or(end).min(end).0 - at.0) as usize
    }

    /// One batch in fifty ends with a restart from a snapshot.
    fn restart(&mut self) -> bool {
        self.chance.as_mut().is_some_and(|chance| chance.next().is_multiple_of(50))
    }
}

/// What the node wrote, to compare with.
pub(crate) struct Checks {
    rows: Arc<dyn RowStore>,
    /// Read from it and not yet compared.
    ahead: VecDeque<TickRows>,
    saved: Vec<SavedState>,
    rows_compared: u64,
    states_compared: u64,
}

impl Checks {
    /// Everything a stopped node wrote beside its log.
    pub(crate) async fn new(node: &StoppedNode) -> Result<Self, Failure> {
        let saved = node.states.load().await.map_err(Failure::other)?;
        Ok(Self {
            rows: node.rows.clone(),
            ahead: VecDeque::new(),
            saved,
            rows_compared: 0,
            states_compared: 0,
        })
    }

    /// How much was compared.
    pub(crate) fn told(&self) -> String {
        format!("rows {} snapshots {}", self.rows_compared, self.states_compared)
    }

    fn next_state_after(&self, at: Offset) -> Option<Offset> {
        self.saved.iter().map(|saved| saved.applied).filter(|applied| *applied > at).min()
    }

    async fn compare_rows(&mut self, tick: Offset, rows: &[Row]) -> Result<(), Failure> {
        if self.rows.last().is_none_or(|last| tick > last) {
            return Ok(());
        }
        if self.ahead.is_empty() {
            let read = self.rows.ticks(tick, Offset(u64::MAX), ROWS_COMPARED_MAX).await;
            self.ahead.extend(read.map_err(Failure::other)?);
        }
        if let Some((early, _)) = self.ahead.front().filter(|(early, _)| *early < tick) {
            return Err(Failure::other(format!("rows of the Tick at offset {} were not replayed", early.0)));
        }
        let here = self.ahead.front().is_some_and(|(next, _)| *next == tick);
        let written = if here { self.ahead.pop_front().unwrap_or_default().1 } else { Vec::new() };
        // The store gives rows in key order, the engine emits them in (window, key) order.
        let mut rows = rows.to_vec();
        rows.sort_by(|left, right| left.key.cmp(&right.key));
        if written != rows {
            let what = rows.iter().zip(&written).find(|(ours, theirs)| ours != theirs);
            let detail = what.map_or_else(
                || format!("{} rows replayed, {} written", rows.len(), written.len()),
                |(ours, theirs)| format!("replayed {ours:?}\nwritten  {theirs:?}"),
            );
            return Err(Failure::other(format!("rows of the Tick at offset {} differ: {detail}", tick.0)));
        }
        self.rows_compared += rows.len() as u64;
        Ok(())
    }

    fn compare_state(&mut self, at: Offset, engine: &Engine) -> Result<(), Failure> {
        for saved in self.saved.iter().filter(|saved| saved.applied == at) {
            if saved.bytes != engine.snapshot() {
                return Err(Failure::other(format!(
                    "the snapshot at offset {} differs from the replay",
                    at.0
                )));
            }
            self.states_compared += 1;
        }
        Ok(())
    }
}

/// One batch.
pub(crate) fn read(log: &StoppedLog, at: Offset, records_max: usize) -> Result<Vec<Logged>, Failure> {
    let limit = ReadLimit { records_max: records_max.max(1), bytes_max: READ_BYTES_MAX };
    log.read(at, limit).map_err(Failure::other)
}

fn note(row: &Row, digest: &mut blake3::Hasher) {
    let mut bytes = Vec::new();
    encode_row(row, &mut bytes);
    digest.update(&(bytes.len() as u64).to_be_bytes());
    digest.update(&bytes);
}

/// Bytes for people.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
