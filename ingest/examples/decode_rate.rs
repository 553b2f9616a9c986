//! How fast one core turns deliveries into sealed records: route, decode and seal, without a log's disk.
//! `cargo run --release -p nhip-ingest --example decode_rate`

use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use nhip_ingest::{IngestRoom, IngestSettings};
use nhip_ports::memory::SteppedClock;
use nhip_ports::{
    Appended, Commit, DataKey, Delivery, DestroyedKey, Destruction, EventLog, Intake as _, KeyClass,
    KeyError, KeyStore, LogBatch, LogError, ReadLimit,
};
use nhip_profile::{Profile, Stream};
use nhip_proto::wire::reading::{Decimal, Measure, Reading, measure::Value};
use nhip_proto::wire::sparkplug::{Metric, Payload, metric};
use nhip_proto::{ArrivalTime, Dedication, Offset, Record, SECOND, encode_record};
use prost::Message as _;
use tokio::sync::watch;

const BATCHES: usize = 1_500;
const BATCH_MESSAGES: usize = 200;
const SOURCES: usize = 2_000;

/// A log that counts records and keeps none; `encodes` adds the cost of their bytes.
struct Sink {
    encodes: bool,
}

#[async_trait]
impl EventLog for Sink {
    async fn append(&self, batch: Vec<Record>) -> Result<Commit, LogError> {
        if self.encodes {
            let mut bytes = Vec::with_capacity(1024);
            for record in &batch {
                bytes.clear();
                encode_record(record, &mut bytes);
                std::hint::black_box(&bytes);
            }
        }
        let (settle, commit) = Commit::pair();
        drop(settle.send(Ok(Appended { first: Offset(0), count: batch.len() as u64 })));
        Ok(commit)
    }

    async fn read(&self, _from: Offset, _limit: ReadLimit) -> Result<LogBatch, LogError> {
        Ok(LogBatch::from([]))
    }

    fn durable(&self) -> watch::Receiver<Offset> {
        watch::channel(Offset(0)).1
    }

    fn first(&self) -> Offset {
        Offset(0)
    }

    fn stalled(&self) -> bool {
        false
    }
}

struct OneKey;

#[async_trait]
impl KeyStore for OneKey {
    async fn current(&self, class: &KeyClass, _at: ArrivalTime) -> Result<DataKey, KeyError> {
        Ok(DataKey { id: format!("{}/today", class.class), bytes: [7; 32] })
    }

    async fn key(&self, id: &str) -> Result<DataKey, KeyError> {
        Err(KeyError::Gone(id.to_owned()))
    }

    async fn destroy(&self, _ids: &[String], _why: &Destruction) -> Result<Vec<String>, KeyError> {
        Ok(Vec::new())
    }

    async fn destroyed(&self) -> Result<Vec<DestroyedKey>, KeyError> {
        Ok(Vec::new())
    }

    async fn note_logged(&self, _ids: &[String], _at: Offset) -> Result<(), KeyError> {
        Ok(())
    }

    async fn ids(&self) -> Result<Vec<String>, KeyError> {
        Ok(Vec::new())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let cases: [(&str, fn(usize) -> Delivery); 3] =
        [("native-json", json), ("native-protobuf", protobuf), ("sparkplug-b", sparkplug)];
    let mut out = std::io::stdout();
    for (name, make) in cases {
        for encodes in [false, true] {
            let batch: Vec<Delivery> = (0..BATCH_MESSAGES).map(make).collect();
            let payload_bytes = batch.first().map_or(0, |one| one.payload.len());
            let per_second = runtime.block_on(rate(&batch, encodes))?;
            let what = if encodes { " + record bytes" } else { "" };
            writeln!(
                out,
                "{name} {payload_bytes} B: route + decode + seal{what}: {per_second:.0} messages/s"
            )?;
        }
    }
    Ok(())
}

async fn rate(batch: &[Delivery], encodes: bool) -> Result<f64, nhip_ports::Refused> {
    let clock = Arc::new(SteppedClock::new(ArrivalTime(1_795_219_200 * SECOND)));
    let log = Arc::new(Sink { encodes });
    let room = IngestRoom::new(IngestSettings::default(), Arc::new(profile()), log, Arc::new(OneKey), clock);
    let started = Instant::now();
    for _ in 0..BATCHES {
        room.submit(batch.to_vec()).await?.wait().await?;
    }
    Ok((BATCHES * BATCH_MESSAGES) as f64 / started.elapsed().as_secs_f64())
}

fn profile() -> Profile {
    let quantities = [("pm25", "µg/m³"), ("pm10", "µg/m³"), ("no2", "µg/m³"), ("temperature", "°C")];
    let mut air = Stream::minutely("air", &quantities);
    air.states.insert("status".to_owned(), vec!["online".to_owned(), "offline".to_owned()]);
    let mut profile = Profile::empty("tay-ninh").with_area("80", None).with_stream(air);
    for source in 0..SOURCES {
        profile = profile.with_source(&format!("KK{source:04}"), "air", "80");
        profile = profile.with_source(&format!("group/node{source:04}"), "air", "80");
    }
    profile.routes = vec![nhip_profile::Route::of("spBv1.0/+/+/+/#", "sparkplug-b", "air", "{1}/{3}/{4}")];
    profile
}

fn delivery(topic: String, payload: Vec<u8>) -> Delivery {
    Delivery {
        topic,
        payload: payload.into(),
        dedication: Dedication { qos: 1, retain: false, dup: false },
        content_type: String::new(),
        principal: "mosquitto".to_owned(),
        epoch: 1,
    }
}

fn json(number: usize) -> Delivery {
    let payload = format!(
        concat!(
            r#"{{"time":"2026-11-21T07:00:{:02}.250+07:00","id":"KK-{:08}","sequence":{},"boot":3,"#,
            r#""values":{{"pm25":35.2,"pm10":{{"value":60.5,"unit":"µg/m³"}},"no2":18.75,"#,
            r#""temperature":31.4}},"states":{{"status":"online"}}}}"#
        ),
        number % 60,
        number,
        number
    );
    delivery(format!("nhip/v1/tay-ninh/air/KK{:04}", number % SOURCES), payload.into_bytes())
}

fn protobuf(number: usize) -> Delivery {
    let measure = |name: &str, mantissa| Measure {
        name: name.to_owned(),
        unit: "µg/m³".to_owned(),
        value: Some(Value::Number(Decimal { mantissa, scale: 1 })),
        ..Measure::default()
    };
    let reading = Reading {
        time_ms: Some(1_795_219_200_250),
        id: format!("KK-{number:08}"),
        measures: vec![measure("pm25", 352), measure("pm10", 605), measure("no2", 187)],
        ..Reading::default()
    };
    delivery(format!("nhip/v1/tay-ninh/air/KK{:04}/pb", number % SOURCES), reading.encode_to_vec())
}

fn sparkplug(number: usize) -> Delivery {
    let metric = |name: &str, value| Metric {
        name: Some(format!("Air/Station/{name}")),
        timestamp: Some(1_795_219_200_250),
        datatype: Some(10),
        value: Some(metric::Value::DoubleValue(value)),
        ..Metric::default()
    };
    let metrics = [("pm25", 35.2), ("pm10", 60.5), ("no2", 18.75), ("temperature", 31.4)];
    let payload = Payload {
        timestamp: Some(1_795_219_200_250),
        seq: Some(number as u64 % 256),
        metrics: metrics.into_iter().map(|(name, value)| metric(name, value)).collect(),
        ..Payload::default()
    };
    delivery(format!("spBv1.0/group/NDATA/node{:04}", number % SOURCES), payload.encode_to_vec())
}
