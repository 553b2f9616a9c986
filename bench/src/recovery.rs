//! From the start of the program to ready over a long log: cold, and with the snapshots of default spacing.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use nhip_adapters::{KeyFiles, LogConfig, LogFiles, LogIdentity, SegmentLog, SystemClock};
use nhip_ingest::{IngestRoom, IngestSettings};
use nhip_ports::memory::SteppedClock;
use nhip_ports::{Clock as _, Delivery, EventLog, Intake as _, ReadLimit};
use nhip_profile::Profile;
use nhip_proto::{ArrivalTime, Dedication, MILLISECOND, Origin, ProfileText, SECOND};

use crate::context::{Context, Outcome};
use crate::disk;
use crate::node::Node;
use crate::report::{Figure, Report};

/// A tail behind the last snapshot that is nearly as long as it gets: the worst moment of a kill.
const RECORDS_SHORT: u64 = 1_240_000;
const RECORDS_FULL: u64 = 10_000_000;
const SOURCES: u64 = 100;
const BATCH_MESSAGES: u64 = 1_000;
const BATCHES_IN_FLIGHT: usize = 16;
/// The rate the log was written at, by its own clock.
const MESSAGES_PER_SECOND: u64 = 10_000;
const INSTALLATION: [u8; 16] = [0xB4; 16];
const BATCH_RECORDS: usize = 8_192;
const BATCH_BYTES: usize = 8 << 20;

/// The row `recovery`.
pub(crate) async fn measure(context: &Context, full: bool) -> Outcome<()> {
    let mut report = Report::begin(context, "recovery")?;
    let messages = if full { RECORDS_FULL } else { RECORDS_SHORT };
    let data = context.directory("recovery")?.join("data");
    let (profile, files) = context.profile()?;
    let began = Instant::now();
    write_log(&data, files, messages).await?;
    let seconds = began.elapsed().as_secs_f64();
    let words = "route, decode, seal and append, one submitter";
    report.add(&Figure::rate("writing the log", messages as f64 / seconds, "msg/s").note(words))?;
    let (bytes, read_s) = disk::read_all(&data.join("log"))?;
    let (records, decode_s) = decode(&data.join("log"))?;
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    report.add(&Figure::rate("reading its bytes, page cache", mebibytes / read_s, "MiB/s"))?;
    report.add(&Figure::rate("decoding its records, one core", records as f64 / decode_s, "records/s"))?;
    let profile = profile.display().to_string();
    let flags = ["--profile", profile.as_str()];
    let mut node = Node::start(context, "run", &data, &flags)?;
    let (cold, applied) = (node.ready_after.as_secs_f64(), node.ledger("applied").await?);
    node.kill();
    let mut node = Node::start(context, "run", &data, &flags)?;
    let (warm, again) = (node.ready_after.as_secs_f64(), node.ledger("applied").await?);
    let tail = tail_of(&data.with_extension("stderr"));
    node.kill();
    let scale = if full { 1.0 } else { messages as f64 / RECORDS_FULL as f64 };
    let note = format!("{records} records, {applied} applied of {messages} written");
    let figure = Figure::cost("cold start to ready", cold, "s").beside("decoding", decode_s);
    report.add(&figure.budget(35.0 * scale).note(&note))?;
    let tail_s = decode_s * tail / records as f64;
    let figure = Figure::cost("start to ready after kill -9", warm, "s").beside("decoding the tail", tail_s);
    let note = format!("{tail:.0} records behind the snapshot, {again} applied of {messages} written");
    report.add(&figure.budget(2.0).note(&note))?;
    if !full {
        report.remark(
            "budgets are for 10 million records: the cold one is scaled down to this log; --full measures it",
        )?;
    }
    Ok(())
}

/// A log as a node writes it, without waiting for the wall clock.
async fn write_log(data: &Path, files: Vec<(String, String)>, messages: u64) -> Outcome<()> {
    std::fs::create_dir_all(data)?;
    let id: String = INSTALLATION.iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(data.join("installation"), id)?;
    let identity =
        LogIdentity { installation: INSTALLATION, node: "node-1".to_owned(), origin: Origin::Machine };
    let (log, _) = SegmentLog::open(&data.join("log"), &identity, LogConfig::default())?;
    let log: Arc<dyn EventLog> = Arc::new(log);
    let keys = Arc::new(KeyFiles::open(
        &data.with_file_name("data-keys"),
        &data.join("destroyed-keys"),
        INSTALLATION,
    )?);
    let profile = nhip_profile::load(&files).map_err(|mistakes| nhip_profile::check_report(&mistakes))?;
    let profile = Arc::new(profile);
    let length = i64::try_from(messages / MESSAGES_PER_SECOND + 1)? * SECOND;
    let clock = Arc::new(SteppedClock::new(ArrivalTime(SystemClock::system().0 - length)));
    let room = IngestRoom::new(IngestSettings::default(), profile.clone(), log, keys, clock.clone());
    room.adopt_profile(profile.clone(), profile_text(&profile, files)).await?;
    let mut waiting = VecDeque::new();
    for batch in 0..messages / BATCH_MESSAGES {
        if batch % (MESSAGES_PER_SECOND / BATCH_MESSAGES) == 0 {
            room.tick().await?;
        }
        clock.step(SECOND * i64::try_from(BATCH_MESSAGES)? / i64::try_from(MESSAGES_PER_SECOND)?)?;
        let now_ms = clock.now().0 / MILLISECOND;
        let numbers = batch * BATCH_MESSAGES..(batch + 1) * BATCH_MESSAGES;
        waiting.push_back(room.submit(numbers.map(|number| delivery(number, now_ms)).collect()).await?);
        if waiting.len() > BATCHES_IN_FLIGHT
            && let Some(durable) = waiting.pop_front()
        {
            durable.wait().await?;
        }
    }
    for durable in waiting {
        durable.wait().await?;
    }
    Ok(())
}

fn profile_text(profile: &Profile, files: Vec<(String, String)>) -> ProfileText {
    ProfileText {
        at: ArrivalTime(0),
        hash: profile.hash,
        semantics: nhip_engine::SEMANTICS,
        zones: nhip_profile::zone_rules(profile),
        files,
    }
}

fn delivery(number: u64, now_ms: i64) -> Delivery {
    let (source, sequence) = (number % SOURCES, number / SOURCES);
    let value = sequence % 100;
    let payload =
        format!(r#"{{"time":{now_ms},"sequence":{sequence},"boot":1,"values":{{"value":{value}}}}}"#);
    Delivery {
        topic: format!("nhip/v1/proof/load/load-{source:04}"),
        payload: payload.into(),
        dedication: Dedication { qos: 1, retain: false, dup: false },
        content_type: String::new(),
        principal: "bench".to_owned(),
        epoch: 1,
    }
}

/// Records of a log and the seconds it takes to decode them, as the service reads them but with nobody behind.
fn decode(directory: &Path) -> Outcome<(u64, f64)> {
    let began = Instant::now();
    let log = LogFiles::open(directory)?;
    let (mut at, mut records) = (log.first(), 0);
    while at < log.end() {
        let batch = log.read(at, ReadLimit { records_max: BATCH_RECORDS, bytes_max: BATCH_BYTES })?;
        let last = batch.last().ok_or("the log ends early")?;
        at = last.offset.next();
        records += batch.len() as u64;
    }
    Ok((records, began.elapsed().as_secs_f64()))
}

/// How many records the node says it applied after its snapshot.
fn tail_of(said: &Path) -> f64 {
    let text = std::fs::read_to_string(said).unwrap_or_default();
    let line =
        text.lines().find(|line| line.contains("engine stands at the end of the log")).unwrap_or_default();
    let number = |name: &str| {
        let rest = line.split(&format!(" {name}=")).nth(1)?;
        rest.split_whitespace().next()?.parse::<f64>().ok()
    };
    number("to").zip(number("from")).map_or(f64::NAN, |(to, from)| to - from)
}
