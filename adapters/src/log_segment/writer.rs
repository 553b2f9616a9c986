//! The one thread that writes: forms groups, syncs each once, then settles its commits in order.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nhip_ports::{Appended, LogError};
use nhip_proto::{Logged, Offset};
use tokio::sync::watch;

use crate::file_io::sync_directory;

use super::LogConfig;
use super::directory::segment_name;
use super::error::disk_full;
use super::files::Places;
use super::format::{
    BLOCK_BYTES, COMMIT_FRAME_BYTES, Chain, Commit, FRAME_HEADER_BYTES, LogIdentity, Mark, SegmentHeader,
    chained, frame_seed, put_commit, put_record, segment_block,
};
use super::mark::MarkFile;
use super::prepare::{Preparer, RETRY, Unprepared};
use super::queue::{Grouping, Pending, Queue, Taken};
use super::recovery::Recovered;
use super::stall::Stall;
use super::tail::Tail;
use super::walk::{Segment, segment_bytes_for};

/// A buffer grown for one huge group is not kept for ever.
const BUFFER_KEPT_BYTES: usize = 4 << 20;

/// What writer and readers share.
pub(super) struct Shared {
    pub(super) places: Places,
    pub(super) tail: Mutex<Tail>,
    pub(super) durable: watch::Sender<Offset>,
    pub(super) failure: watch::Sender<Option<String>>,
    pub(super) stalled: Stall,
    pub(super) queue: Queue,
    pub(super) preparer: Preparer,
}

struct Active {
    file: File,
    first: u64,
    seed: u32,
    /// Where the next group goes.
    at: u64,
    bytes: u64,
}

pub(super) struct Writer {
    dir: PathBuf,
    identity: LogIdentity,
    config: LogConfig,
    shared: Arc<Shared>,
    active: Option<Active>,
    offset: u64,
    chain: Chain,
    mark: MarkFile,
    marked: u64,
    mark_due: Option<Instant>,
    buffer: Vec<u8>,
}

enum Stop {
    Failed(String),
    Closed,
}

impl Writer {
    pub(super) fn new(
        dir: PathBuf,
        config: LogConfig,
        recovered: &Recovered,
        shared: Arc<Shared>,
    ) -> io::Result<Self> {
        let active = match recovered.segments.last() {
            Some(segment) => Some(Active {
                file: OpenOptions::new().write(true).open(&segment.path)?,
                first: segment.header.first,
                seed: segment.seed,
                at: recovered.end.at,
                bytes: segment.header.file_bytes,
            }),
            None => None,
        };
        let identity = recovered.identity.clone();
        let mark = MarkFile::open(&dir, identity.installation, recovered.mark.sequence)?;
        let (offset, chain, marked) = (recovered.end.offset, recovered.end.chain, recovered.mark.durable);
        let mark_due = (marked < offset).then(Instant::now);
        let buffer = Vec::new();
        Ok(Self { dir, identity, config, shared, active, offset, chain, mark, marked, mark_due, buffer })
    }

    /// Runs until the log is closed or has failed.
    pub(super) fn run(mut self) {
        // Whatever happens in here, nobody may go on waiting for a commit.
        let served = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.serve()));
        let stop = served.unwrap_or_else(|_| Stop::Failed("the writer broke off".to_owned()));
        let error = match stop {
            Stop::Failed(what) => {
                tracing::error!(%what, "log failed for good");
                metrics::counter!("nhip_log_failures_total").increment(1);
                self.shared.failure.send_replace(Some(what.clone()));
                LogError::Failed(what)
            }
            Stop::Closed => LogError::Closed,
        };
        self.shared.queue.refuse(error.clone());
        self.shared.queue.abandon(&error);
    }

    fn serve(&mut self) -> Stop {
        let grouping = Grouping {
            bytes_max: self.config.commit_bytes_max,
            delay_max: Duration::from_millis(self.config.commit_delay_ms_max),
        };
        loop {
            let done = match self.shared.queue.take(grouping, self.mark_due) {
                Taken::Group(group) => self.group(group),
                Taken::Idle => Ok(()),
                Taken::Closed => return self.write_mark().err().unwrap_or(Stop::Closed),
            };
            let due = self.mark_due.is_some_and(|due| due <= Instant::now());
            if let Err(stop) = done.and_then(|()| if due { self.write_mark() } else { Ok(()) }) {
                return stop;
            }
        }
    }

    fn group(&mut self, mut group: Vec<Pending>) -> Result<(), Stop> {
        #[cfg(feature = "fault-injection")]
        if self.config.fault == Some(super::Fault::SettleBeforeWrite) {
            settle(&mut group, self.offset);
            // Time for a kill to fall between the promise and its keeping.
            std::thread::park_timeout(Duration::from_millis(10));
        }
        let written = self.write_group(&group);
        if let Err(stop) = written {
            let error = match &stop {
                Stop::Failed(what) => LogError::Failed(what.clone()),
                Stop::Closed => LogError::Closed,
            };
            group.iter_mut().for_each(|pending| pending.settle(Err(error.clone())));
            return Err(stop);
        }
        self.publish(group);
        Ok(())
    }

    fn write_group(&mut self, group: &[Pending]) -> Result<(), Stop> {
        let records: usize = group.iter().map(|pending| pending.frames.len()).sum();
        if records == 0 {
            return Ok(());
        }
        let payload: usize = group.iter().map(|pending| pending.payload.len()).sum();
        let frames_bytes = payload + records * FRAME_HEADER_BYTES;
        self.make_room(frames_bytes as u64)?;
        let Some(active) = &mut self.active else { return Err(Stop::Closed) };
        let next = self.offset + records as u64;
        let commit = fill(&mut self.buffer, group, active.seed, self.offset, &self.chain);
        put_commit(&mut self.buffer, active.seed, next, &commit);
        let started = Instant::now();
        let skip_sync = skips_sync(&self.config);
        patiently(&self.shared, || {
            active.file.write_all_at(&self.buffer, active.at)?;
            if skip_sync { Ok(()) } else { active.file.sync_data() }
        })?;
        metrics::histogram!("nhip_log_commit_seconds").record(started.elapsed());
        metrics::counter!("nhip_log_records_total").increment(records as u64);
        metrics::counter!("nhip_log_bytes_total").increment(self.buffer.len() as u64);
        metrics::gauge!("nhip_log_queue_records").set(self.shared.queue.queued_records() as f64);
        self.shared.places.remember(self.offset, active.first, active.at);
        active.at += self.buffer.len() as u64;
        self.chain = commit.chain;
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_KEPT_BYTES);
        Ok(())
    }

    fn publish(&mut self, mut group: Vec<Pending>) {
        let first = self.offset;
        let (mut logged, mut sizes) = (Vec::new(), Vec::new());
        for pending in &mut group {
            for record in std::mem::take(&mut pending.records) {
                logged.push(Logged { offset: Offset(self.offset), record });
                self.offset += 1;
            }
            sizes.extend(pending.frames.iter().map(|(length, _)| *length));
        }
        if !logged.is_empty() {
            self.shared.tail.lock().unwrap_or_else(PoisonError::into_inner).push(logged, sizes);
            self.shared.durable.send_replace(Offset(self.offset));
            let interval = Duration::from_millis(self.config.mark_interval_ms);
            self.mark_due.get_or_insert_with(|| Instant::now() + interval);
        }
        settle(&mut group, first);
    }

    /// Sees to it that the active segment has room for a group.
    fn make_room(&mut self, frames_bytes: u64) -> Result<(), Stop> {
        let group_bytes = frames_bytes + COMMIT_FRAME_BYTES as u64;
        if self.active.as_ref().is_some_and(|active| active.at + group_bytes <= active.bytes) {
            return Ok(());
        }
        let taken = self.shared.preparer.take(segment_bytes_for(frames_bytes), &self.shared.stalled);
        let prepared = taken.map_err(|unprepared| match unprepared {
            Unprepared::Failed(what) => Stop::Failed(what),
            Unprepared::Stopped => Stop::Closed,
        })?;
        let (identity, chain) = (self.identity.clone(), self.chain);
        let header = SegmentHeader { identity, first: self.offset, file_bytes: prepared.bytes, chain };
        let block = segment_block(&header);
        let name = segment_name(self.offset);
        let path = self.dir.join(&name);
        patiently(&self.shared, || {
            prepared.file.write_all_at(&block, 0)?;
            prepared.file.sync_data()
        })?;
        patiently(&self.shared, || fs::rename(&prepared.path, &path))?;
        patiently(&self.shared, || sync_directory(&self.dir))?;
        let seed = frame_seed(&block);
        let (first, at, bytes) = (self.offset, BLOCK_BYTES as u64, prepared.bytes);
        self.shared.places.add_segment(Arc::new(Segment { path, name, header, seed }));
        self.active = Some(Active { file: prepared.file, first, seed, at, bytes });
        self.shared.preparer.order_after(bytes);
        metrics::counter!("nhip_log_segments_total").increment(1);
        Ok(())
    }

    /// Marks what the last sync made durable. A full disk only makes the mark lag.
    fn write_mark(&mut self) -> Result<(), Stop> {
        self.mark_due = None;
        let Some(active) = self.active.as_ref().filter(|_| self.marked < self.offset) else { return Ok(()) };
        let (segment, byte) = (active.first, active.at);
        let mark = Mark { sequence: 0, durable: self.offset, segment, byte, chain: self.chain };
        match self.mark.write(mark) {
            Ok(()) => self.marked = self.offset,
            Err(error) if disk_full(&error) => self.mark_due = Some(Instant::now() + RETRY),
            Err(error) => return Err(Stop::Failed(format!("durable mark: {error}"))),
        }
        Ok(())
    }
}

fn skips_sync(config: &LogConfig) -> bool {
    #[cfg(feature = "fault-injection")]
    return config.fault == Some(super::Fault::SkipSync);
    #[cfg(not(feature = "fault-injection"))]
    {
        let _: &LogConfig = config;
        false
    }
}

/// Frames the group into `buffer` and says what its commit must say.
fn fill(buffer: &mut Vec<u8>, group: &[Pending], seed: u32, first: u64, chain: &Chain) -> Commit {
    buffer.clear();
    let mut offset = first;
    for pending in group {
        let mut left = pending.payload.as_slice();
        for (length, checksum) in &pending.frames {
            let (payload, rest) = left.split_at_checked(*length as usize).unwrap_or((left, &[]));
            put_record(buffer, seed, offset, payload, *checksum);
            left = rest;
            offset += 1;
        }
    }
    Commit { count: (offset - first) as u32, group_bytes: buffer.len() as u64, chain: chained(chain, buffer) }
}

fn settle(group: &mut [Pending], first: u64) {
    let mut next = first;
    for pending in group {
        let count = pending.frames.len() as u64;
        pending.settle(Ok(Appended { first: Offset(next), count }));
        next += count;
    }
}

/// Waits while the disk is full and does it all again: a sync that met a full disk is never repeated alone,
/// because the kernel may have marked the pages clean. Every other error is final.
fn patiently(shared: &Shared, mut act: impl FnMut() -> io::Result<()>) -> Result<(), Stop> {
    loop {
        match act() {
            Ok(()) => {
                shared.stalled.set(false);
                return Ok(());
            }
            Err(error) if disk_full(&error) => {
                shared.stalled.set(true);
                if shared.preparer.closes_within(RETRY) {
                    return Err(Stop::Closed);
                }
            }
            Err(error) => return Err(Stop::Failed(error.to_string())),
        }
    }
}
