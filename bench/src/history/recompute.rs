//! Records a second of a re-run: the reference mix, most of it trimmed from the log and read from the archive, through
//! an empty engine, as recompute and restatement do.

use std::sync::Arc;
use std::time::Instant;

use nhip_adapters::{LogConfig, LogIdentity, SegmentLog};
use nhip_engine::{Effects, Engine, EngineSettings};
use nhip_history::archive::{Archive, Part, SpanningLog};
use nhip_ports::{EventLog, ReadLimit};
use nhip_proto::{MINUTE, Offset, Origin, Record};
use tokio::runtime::Handle;

use crate::context::{Context, Outcome};
use crate::mix;
use crate::report::{Figure, Report};

/// Minutes of the mix: a little more than a million records.
pub(crate) const MINUTES: i64 = 480;
const APPEND_RECORDS: usize = 2_000;
const BATCH_RECORDS: usize = 8_192;
const BATCH_BYTES: usize = 8 << 20;
const INSTALLATION: [u8; 16] = [0xB5; 16];

/// The row `recompute`: sealing, reading and a full re-run over so many minutes of the mix.
pub(crate) async fn measure(context: &Context, minutes: i64) -> Outcome<()> {
    let mut report = Report::begin(context, "recompute")?;
    let directory = context.directory("recompute")?;
    let identity =
        LogIdentity { installation: INSTALLATION, node: "node-1".to_owned(), origin: Origin::Simulated };
    let (log, _) = SegmentLog::open(&directory.join("log"), &identity, LogConfig::default())?;
    let log: Arc<dyn EventLog> = Arc::new(log);
    let records: Vec<Record> = mix::log(minutes, MINUTE).into_iter().map(|logged| logged.record).collect();
    let count = records.len();
    for batch in records.chunks(APPEND_RECORDS) {
        log.append(batch.to_vec()).await?.durable().await?;
    }
    drop(records);
    let archive = Arc::new(Archive::open(&directory.join("archive"))?);
    archive.sweep(log.first())?;
    let began = Instant::now();
    let archived = archived(&archive, &log).await?;
    let seconds = began.elapsed().as_secs_f64();
    let figure =
        Figure::rate("archive: sealed, read again, compared", archived as f64 / seconds, "records/s");
    report.add(&figure.note(&format!("{archived} of {count} records")))?;
    let spanning: Arc<dyn EventLog> = Arc::new(SpanningLog::new(archive, log)?);
    let began = Instant::now();
    let read = rerun(&spanning, |_| Ok(())).await?;
    let read_per_s = read as f64 / began.elapsed().as_secs_f64();
    report.add(&Figure::rate("archive and log: read and decoded", read_per_s, "records/s"))?;
    let settings = EngineSettings { threads: 1, origin: Origin::Simulated };
    let mut engine = Engine::with_loader(settings, |_| Some(mix::profile()));
    let mut effects = Effects::default();
    let (began, mut rows) = (Instant::now(), 0);
    let applied = rerun(&spanning, |batch| {
        engine.apply(batch, &mut effects)?;
        rows += effects.rows.len();
        effects.rows.clear();
        std::hint::black_box(engine.update());
        Ok(())
    })
    .await?;
    let seconds = began.elapsed().as_secs_f64();
    let words = format!("full plan, {applied} records, {rows} rows, one thread and one reading ahead");
    let figure = Figure::rate("computed again over archive and log", applied as f64 / seconds, "records/s");
    report.add(&figure.beside("reading alone", read_per_s).note(&words))
}

/// Seals every whole segment and trims them; how many records that are.
async fn archived(archive: &Arc<Archive>, log: &Arc<dyn EventLog>) -> Outcome<u64> {
    let heads = log.segments();
    let (own, source) = (Arc::clone(archive), Arc::clone(log));
    let sealing = heads.clone();
    let runtime = Handle::current();
    let sealed = tokio::task::spawn_blocking(move || {
        for pair in sealing.windows(2) {
            let [head, next] = pair else { continue };
            let part =
                Part { first: head.first, end: next.first, chain_before: head.chain, chain: next.chain };
            let mut read = |from, limit| runtime.block_on(source.read(from, limit));
            own.seal(part, &mut read, &mut |_| true)?;
        }
        Ok::<_, nhip_history::archive::ArchiveError>(())
    });
    sealed.await??;
    let last = heads.last().map_or(Offset(0), |head| head.first);
    log.trim(last).await?;
    Ok(last.0 - heads.first().map_or(0, |head| head.first.0))
}

/// Every durable record in order; the next batch is read while this one is worked on.
async fn rerun(
    log: &Arc<dyn EventLog>,
    mut apply: impl FnMut(&[nhip_proto::Logged]) -> Outcome<()>,
) -> Outcome<u64> {
    let ahead = |from: Offset| {
        let log = Arc::clone(log);
        let limit = ReadLimit { records_max: BATCH_RECORDS, bytes_max: BATCH_BYTES };
        // On a thread of its own: this runtime has one.
        tokio::task::spawn_blocking(move || Handle::current().block_on(log.read(from, limit)))
    };
    let (mut reading, mut records) = (ahead(log.first()), 0);
    loop {
        let batch = reading.await??;
        let Some(last) = batch.last() else { return Ok(records) };
        reading = ahead(last.offset.next());
        records += batch.len() as u64;
        apply(&batch)?;
    }
}
