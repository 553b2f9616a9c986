//! A year of hourly series in the store: bytes per point, and how long questions take.
//!
//! `cargo run --release -p nhip-history --example series_year -- [SERIES] [DAYS]`
//!
//! Generator: per series and hour one final row, every twentieth with a revision an hour later; values walk by a
//! linear congruential sequence of fixed seed; 4 of 5 sources, eight sample offsets. Sealed day by day as a node does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nhip_history::series::{SeriesHistory, SeriesStore};
use nhip_ports::memory::MemoryRows;
use nhip_ports::{AsOf, History, Landing, RowStore, SeriesKey, SeriesQuery};
use nhip_proto::{
    AreaCode, ArrivalTime, Badge, Decimal, EventTime, FigureKey, IndicatorId, Level, Offset, Origin,
    Provenance, Row, RowCause, RowState, Share, SourceId,
};

const HOUR: i64 = 3_600_000_000_000;
/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000_000_000;
const QUESTIONS: u32 = 40;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let series: i64 = words.next().map_or(Ok(300), |word| word.parse())?;
    let days: i64 = words.next().map_or(Ok(365), |word| word.parse())?;
    let directory = tempfile::tempdir()?;
    let landing = Arc::new(MemoryRows::default());
    let store =
        Arc::new(SeriesStore::open(directory.path(), Arc::clone(&landing) as Arc<dyn Landing>).await?);
    let (mut state, mut rows_written) = (1_u64, 0_usize);
    let began = Instant::now();
    for day in 0..days {
        for hour in day * 24..(day + 1) * 24 {
            let rows = hour_of(series, hour, &mut state);
            rows_written += rows.len();
            store.write(tick(hour), &rows).await?;
        }
        landing.close().await?;
        store.seal().await?;
    }
    let filled = began.elapsed();
    let bytes: u64 = std::fs::read_dir(directory.path())?
        .map(|entry| entry.and_then(|entry| entry.metadata()).map(|metadata| metadata.len()))
        .sum::<Result<u64, _>>()?;
    let files = std::fs::read_dir(directory.path())?.count();
    say(&format!("{series} series, {days} days, {rows_written} rows, {bytes} bytes in {files} files"));
    say(&format!("bytes per row {:.2}", bytes as f64 / rows_written as f64));
    say(&format!("sealed {:.0} rows/s, merges included", rows_written as f64 / filled.as_secs_f64()));
    drop(store);
    let store = Arc::new(SeriesStore::open(directory.path(), landing as Arc<dyn Landing>).await?);
    ask(&SeriesHistory::new(store), series, days * 24).await?;
    Ok(())
}

async fn ask(history: &SeriesHistory, series: i64, hours: i64) -> Result<(), Box<dyn std::error::Error>> {
    let query = |number: i64, from: i64, to: i64| SeriesQuery {
        series: SeriesKey::of(&row(number, from, 0, 0).key),
        from: EventTime(START + from * HOUR),
        to: EventTime(START + to * HOUR),
        as_of: AsOf::Now,
        windows_max: 1_000_000,
    };
    let began = Instant::now();
    let found = history.series(query(0, 0, hours)).await?.len();
    say(&format!("a year of one series, files not yet verified: {found} points {:?}", began.elapsed()));
    for (name, span) in [("a year of one series", hours), ("a day of one series", 24), ("one window", 1)] {
        let mut taken = Vec::new();
        for number in 0..i64::from(QUESTIONS) {
            let from = if span == hours { 0 } else { (number * 191) % (hours - span) };
            let began = Instant::now();
            let rows = history.series(query((number * 7) % series, from, from + span)).await?;
            assert_eq!(rows.len() as i64, span, "{name}");
            taken.push(began.elapsed());
        }
        taken.sort();
        let at = |part: usize| taken.get(taken.len() * part / 100).copied().unwrap_or(Duration::ZERO);
        say(&format!("{name}: p50 {:?} p95 {:?}", at(50), at(95)));
    }
    Ok(())
}

/// All rows of one Tick: the hour's own, and revisions of the hour before.
fn hour_of(series: i64, hour: i64, state: &mut u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for number in 0..series {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let value = i64::try_from(*state >> 54).unwrap_or(0);
        rows.push(row(number, hour, 0, value));
        if hour > 0 && value % 20 == 0 {
            rows.push(row(number, hour - 1, 1, value + 1));
        }
    }
    rows
}

fn row(number: i64, hour: i64, revision: u32, value: i64) -> Row {
    let known = tick(hour + i64::from(revision));
    let key = FigureKey {
        indicator: IndicatorId::new(&format!("env.quantity_{}", number / 100)),
        area: AreaCode::new(&format!("{:05}", 25_400 + number % 100)),
        group: String::new(),
        period: "1h".to_owned(),
        window_start: EventTime(START + hour * HOUR),
    };
    Row {
        lineage: "live".to_owned(),
        definition: [u8::try_from(number / 100 % 256).unwrap_or(0); 16],
        window_end: EventTime(START + (hour + 1) * HOUR),
        revision,
        state: if revision == 0 { RowState::Final } else { RowState::Revised },
        numerator: i128::from(value * 60),
        denominator: 60,
        value: Some(Decimal::new(i128::from(value), 1)),
        k: 4,
        m: 5,
        known_offset: known,
        known_at: ArrivalTime(START + (hour + 1 + i64::from(revision)) * HOUR + 7_000_000),
        event_time: Some(EventTime(START + (hour + 1) * HOUR - 1_000_000_000)),
        level: Level::Normal,
        provenance: Provenance {
            sources: (0..4).map(|source| SourceId::new(&format!("station-{number}-{source}"))).collect(),
            first: Some(Offset(known.0 - 9_000)),
            last: Some(Offset(known.0 - 10)),
            samples: (1..=8).map(|sample| Offset(known.0 - sample * 1_000)).collect(),
        },
        badge: Badge { dung: None, du: Share::of(58, 60), sach: Share::of(60, 60), song: Share::of(4, 5) },
        cause: if revision == 0 { RowCause::Closed } else { RowCause::OutOfOrder },
        origin: Origin::Machine,
        key,
    }
}

fn tick(hour: i64) -> Offset {
    Offset((hour.unsigned_abs() + 1) * 18_000)
}

#[expect(clippy::print_stdout, reason = "the answer of the example")]
fn say(line: &str) {
    println!("{line}");
}
