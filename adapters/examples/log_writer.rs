//! Appends to a log and says on stdout what is durable: the victim of crash, disk and power-cut tests.
//!
//! `log_writer DIR [BATCHES [RECORDS_PER_BATCH]]` prints `acked OFFSET` (the offset after the last durable
//! record) after each commit, exits 0 after BATCHES (0: never ends by itself), 1 as soon as the log fails. Built
//! with `fault-injection` it takes a fourth word, `skip-sync` or `settle-before-write`, and breaks that promise.

use std::collections::VecDeque;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use nhip_adapters::{LogConfig, LogIdentity, SegmentLog};
use nhip_ports::{Commit, EventLog as _};
use nhip_proto::{ArrivalTime, Gap, GapCause, Origin, Record};

/// Commits waited for at a time, so that groups form.
const IN_FLIGHT: usize = 16;

#[tokio::main]
async fn main() -> ExitCode {
    match write().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "{error}"));
            ExitCode::FAILURE
        }
    }
}

async fn write() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().ok_or("log_writer DIR [BATCHES [RECORDS_PER_BATCH]]")?;
    let batches: u64 = arguments.next().map_or(Ok(0), |number| number.parse())?;
    let records: u64 = arguments.next().map_or(Ok(8), |number| number.parse())?;
    let identity =
        LogIdentity { installation: [1; 16], node: "writer".to_owned(), origin: Origin::Simulated };
    #[cfg(feature = "fault-injection")]
    let fault = match arguments.next().as_deref() {
        Some("skip-sync") => Some(nhip_adapters::Fault::SkipSync),
        Some("settle-before-write") => Some(nhip_adapters::Fault::SettleBeforeWrite),
        Some(_) => return Err("skip-sync or settle-before-write".into()),
        None => None,
    };
    let config = LogConfig {
        segment_first_bytes: 64 << 10,
        segment_bytes: 256 << 10,
        reserve_bytes: 0,
        mark_interval_ms: 50,
        #[cfg(feature = "fault-injection")]
        fault,
        ..LogConfig::default()
    };
    let (log, _report) = SegmentLog::open(Path::new(&dir), &identity, config)?;
    let mut failure = log.failure();
    let work = append(&log, batches, records);
    tokio::select! {
        failed = failure.wait_for(Option::is_some) => {
            Err(failed?.clone().unwrap_or_default().into())
        }
        done = work => done,
    }
}

async fn append(log: &SegmentLog, batches: u64, records: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut waiting = VecDeque::new();
    let mut batch = 0;
    while batches == 0 || batch < batches {
        waiting.push_back(log.append((0..records).map(|number| record(batch, number)).collect()).await?);
        batch += 1;
        if waiting.len() >= IN_FLIGHT {
            tell(waiting.pop_front()).await?;
        }
    }
    while !waiting.is_empty() {
        tell(waiting.pop_front()).await?;
    }
    Ok(())
}

async fn tell(commit: Option<Commit>) -> Result<(), Box<dyn std::error::Error>> {
    if let Some(commit) = commit {
        let appended = commit.durable().await?;
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "acked {}", appended.first.0 + appended.count)?;
        stdout.flush()?;
    }
    Ok(())
}

fn record(batch: u64, number: u64) -> Record {
    let at = ArrivalTime(batch.cast_signed());
    let principal = "p".repeat(100 + usize::try_from(batch % 300).unwrap_or(0));
    Record::Gap(Gap { at, cause: GapCause::QueueDropped, from: at, to: at, principal, lost: number })
}
