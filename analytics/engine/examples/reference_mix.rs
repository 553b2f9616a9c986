//! Engine records/s on the reference mix: 2,000 sources, 96 communes, ten indicators × three windows, three of the
//! thirty definitions (one indicator with its three windows) matching each record, 5 % duplicates, 10 % out of order.
//!
//! `cargo run --release -p nhip-engine --example reference_mix [threads] [seconds between Ticks]`

#![expect(clippy::print_stdout, reason = "a measuring program prints its figures")]

use std::time::Instant;

use nhip_engine::{Effects, Engine, EngineSettings, SEMANTICS};
use nhip_profile::{Aggregate, CalendarUnit, Direction, Indicator, Label, Operand, Profile, Stream, Window};
use nhip_proto::{
    ArrivalTime, Decimal, Dedication, EventTime, IndicatorId, Item, ItemName, ItemValue, Logged, MINUTE,
    Message, MessageBody, Offset, Origin, ProfileText, Record, SECOND, SourceId, StreamId, Tick,
    partition_of,
};

const SOURCES: usize = 2_000;
const COMMUNES: usize = 96;
const MINUTES: i64 = 180;
/// Out of order by less than this.
const LATE_SECONDS: u64 = 300;
const START: i64 = 1_795_190_400 * SECOND;

fn main() {
    let threads = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1);
    let tick = std::env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(1);
    let log = log(tick * SECOND);
    let messages = log.iter().filter(|logged| matches!(logged.record, Record::Message(_))).count();
    let settings = EngineSettings { threads, origin: Origin::Simulated };
    for batch in [100, 4_096, 100_000] {
        let mut engine = Engine::with_loader(settings.clone(), |_| Some(profile()));
        let (mut effects, mut rows, mut updates) = (Effects::default(), 0, 0);
        let (began, busy) = (Instant::now(), cpu_seconds());
        for part in log.chunks(batch) {
            if engine.apply(part, &mut effects).is_err() {
                return;
            }
            rows += effects.rows.drain(..).map(|(_, rows)| rows.len()).sum::<usize>();
        }
        let (seconds, busy) = (began.elapsed().as_secs_f64(), cpu_seconds() - busy);
        updates += engine.update().figures.len();
        let began = Instant::now();
        let bytes = engine.snapshot();
        let packed = began.elapsed().as_secs_f64();
        let began = Instant::now();
        let same = Engine::restore_with_loader(&bytes, settings.clone(), |_| Some(profile()))
            .is_ok_and(|engine| engine.applied() == Offset(log.len() as u64));
        println!(
            "threads {threads} batch {batch}: {:.0} messages/s, {:.0} per CPU second, {rows} rows, \
             {updates} figures on screens; snapshot {:.1} MB in {:.0} ms, restored in {:.0} ms ({same})",
            messages as f64 / seconds,
            messages as f64 / busy,
            bytes.len() as f64 / 1e6,
            packed * 1e3,
            began.elapsed().as_secs_f64() * 1e3,
        );
        if batch == 4_096 {
            recompute(&engine, &log, batch);
        }
    }
}

/// The re-run a Restate of one of the thirty indicators makes of the same log: one stream of ten feeds it.
fn recompute(engine: &Engine, log: &[Logged], batch: usize) {
    let indicator = IndicatorId::new("mix.s0_5m");
    let Some(mut rerun) = engine.preview(&indicator, (EventTime(START), EventTime(i64::MAX))) else { return };
    let (began, busy) = (Instant::now(), cpu_seconds());
    while let Some(from) = rerun.wants() {
        let rest = log.get(from.0 as usize..).unwrap_or_default();
        rerun.feed(rest.get(..batch).unwrap_or(rest));
    }
    let (seconds, busy) = (began.elapsed().as_secs_f64(), cpu_seconds() - busy);
    println!(
        "restate of {indicator}: {:.0} records/s, {:.0} per CPU second, {} windows",
        log.len() as f64 / seconds,
        log.len() as f64 / busy,
        engine.foresee(&rerun).windows,
    );
}

/// Time this program ran on a CPU, so that a busy machine does not spoil the figure (Linux; else 0).
fn cpu_seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let spent = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok());
    spent.filter_map(|text| text.split(' ').next()?.parse::<f64>().ok()).sum::<f64>() / 1e9
}

fn profile() -> Profile {
    let mut profile = Profile::empty("mix").with_area("P", None).with_domain("mix");
    for commune in 0..COMMUNES {
        profile = profile.with_area(&format!("C{commune:02}"), Some("P"));
    }
    for stream in 0..10 {
        let (name, quantity) = (format!("s{stream}"), format!("q{stream}"));
        profile = profile.with_quantity(&quantity, "µg/m³", 1);
        profile = profile.with_stream(Stream::minutely(&name, &[(&quantity, "µg/m³")]));
        let windows = [
            ("5m", Window::Tumbling(5 * MINUTE)),
            ("1h", Window::Tumbling(60 * MINUTE)),
            ("1d", Window::Calendar(CalendarUnit::Day)),
        ];
        for (period, window) in windows {
            profile = profile.with_indicator(indicator(&name, &quantity, stream, period, window));
        }
    }
    for source in 0..SOURCES {
        let (stream, area) = (format!("s{}", source % 10), format!("C{:02}", source % COMMUNES));
        profile = profile.with_source(&format!("source-{source:04}"), &stream, &area);
    }
    profile
}

fn indicator(stream: &str, quantity: &str, kind: usize, period: &str, window: Window) -> Indicator {
    let operand = Operand::Quantity(quantity.to_owned());
    let aggregate = match kind % 5 {
        0 => Aggregate::Mean(operand),
        1 => Aggregate::Sum(operand),
        2 => Aggregate::Max(operand),
        3 => Aggregate::Min(operand),
        _ => Aggregate::Count(operand),
    };
    Indicator {
        id: IndicatorId::new(&format!("mix.{stream}_{period}")),
        name: Label::same(stream),
        domain: "mix".to_owned(),
        unit: "µg/m³".to_owned(),
        scale: 1,
        owner: "bench".to_owned(),
        basis: "bench".to_owned(),
        stream: StreamId::new(stream),
        aggregate,
        filter: Vec::new(),
        window,
        direction: Direction::Neutral,
        completeness_min: 0.5,
        staleness: 3 * MINUTE,
        cadence: MINUTE,
        definition: [0; 16],
        text: String::new(),
        tests: Vec::new(),
        group: None,
        readings_min: None,
        reconcile: None,
        cases: None,
        own_area: false,
    }
}

/// One reading a minute and source, a Tick every `tick`; arrivals as offsets in the log.
fn log(tick: i64) -> Vec<Logged> {
    let mut dice = 7_u64;
    let mut roll = move |bound: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % bound
    };
    let mut said: Vec<(i64, i64, usize)> = Vec::new();
    for minute in 0..MINUTES {
        for source in 0..SOURCES {
            let event = START + minute * MINUTE + (source as i64 * 29 % 60) * SECOND;
            let delay = if roll(10) == 0 { roll(LATE_SECONDS) as i64 * SECOND } else { SECOND };
            said.push((event + delay, event, source));
            if roll(20) == 0 {
                said.push((event + delay + roll(300) as i64 * SECOND, event, source));
            }
        }
    }
    said.sort_unstable();
    let mut records = vec![Record::Profile(Box::new(ProfileText {
        at: ArrivalTime(START),
        hash: [0; 16],
        semantics: SEMANTICS,
        files: Vec::new(),
        zones: Vec::new(),
    }))];
    let mut next = START + tick;
    for (arrival, event, source) in said {
        while next <= arrival {
            records.push(Record::Tick(Tick { at: ArrivalTime(next) }));
            next += tick;
        }
        records.push(message(arrival, event, source));
    }
    (0..).zip(records).map(|(offset, record)| Logged { offset: Offset(offset), record }).collect()
}

fn message(arrival: i64, event: i64, number: usize) -> Record {
    let source = SourceId::new(&format!("source-{number:04}"));
    let value = Decimal::new(i128::from(event / SECOND % 971), 1);
    let mut item = Item::bare(ItemName::Text(format!("q{}", number % 10)), ItemValue::Number(value));
    item.event_time = Some(EventTime(event));
    Record::Message(Box::new(Message {
        arrival: ArrivalTime(arrival),
        partition: partition_of(&source),
        source,
        stream: StreamId::new(&format!("s{}", number % 10)),
        topic: "nhip/v1/mix".to_owned(),
        dialect: "native-json@1".to_owned(),
        profile_hash: [0; 16],
        principal: "bench".to_owned(),
        epoch: 1,
        dedication: Dedication { qos: 1, retain: false, dup: false },
        body: MessageBody::Items(vec![item]),
        session: None,
        sealed: None,
    }))
}
