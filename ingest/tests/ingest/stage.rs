//! The stage of these tests: one profile, ports in memory, and short words for what decoding says.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use nhip_ingest::{DecodeContext, Decoded, Dialect, decode};
use nhip_ports::{
    Appended, Commit, DataKey, Delivery, DestroyedKey, Destruction, EventLog, KeyClass, KeyError, KeyStore,
    LogBatch, LogError, ReadLimit,
};
use nhip_profile::{Profile, Route, Stream};
use nhip_proto::{
    ArrivalTime, Dedication, ItemName, ItemValue, Logged, MessageBody, Offset, Record, Rejection, SECOND,
};
use tokio::sync::{Semaphore, watch};

/// 2026-11-21T00:00:00Z.
pub(crate) const MIDNIGHT: i64 = 1_795_219_200 * SECOND;

pub(crate) fn stream(id: &str) -> Stream {
    Stream {
        key_class: "machine".to_owned(),
        ..Stream::minutely(id, &[("pm25", "µg/m³"), ("pm10", "µg/m³"), ("temperature", "°C"), ("lamp", "1")])
    }
}

/// Streams `air` (closed) and `camera` (open), foreign routes below `plant/` and for Sparkplug.
pub(crate) fn profile() -> Profile {
    let mut air = stream("air");
    air.open = false;
    air.states.insert("status".to_owned(), ["online", "offline", "1"].map(str::to_owned).to_vec());
    air.states.insert("door".to_owned(), ["true", "false"].map(str::to_owned).to_vec());
    let mut camera = stream("camera");
    camera.open = true;
    camera.key_class = "camera".to_owned();
    camera.states.insert("status".to_owned(), ["online", "offline"].map(str::to_owned).to_vec());
    let mut profile = Profile::empty("tay-ninh")
        .with_area("80", None)
        .with_stream(air)
        .with_stream(camera)
        .with_source("KK01", "air", "80")
        .with_source("trạm-2", "air", "80")
        .with_source("Sparkplug B Devices/Raspberry Pi/Pibrella", "air", "80");
    profile.hash = [3; 16];
    profile.routes = vec![
        Route::of("plant/+/line/+/data", "native-json", "camera", "line-{3}"),
        Route::of("plant/all/#", "native-json", "camera", "all"),
        Route::of("+/lora/{x}", "native-json", "camera", "lora"),
        Route::of("spBv1.0/+/+/+/#", "sparkplug-b", "air", "{1}/{3}/{4}"),
    ];
    profile
}

/// What the closed stream `air` makes of a payload that came on this topic.
pub(crate) fn decoded(dialect: Dialect, topic: &str, payload: &[u8]) -> Decoded {
    decoded_by(&profile(), dialect, topic, payload)
}

pub(crate) fn decoded_by(profile: &Profile, dialect: Dialect, topic: &str, payload: &[u8]) -> Decoded {
    let levels: Vec<&str> = topic.split('/').collect();
    let stream = profile.streams.get("air").expect("the stage has it");
    decode(dialect, payload, &DecodeContext::of(stream, ArrivalTime(MIDNIGHT), &levels))
}

/// A body in one line per item: `name=value unit @time flags`, times in milliseconds after [`MIDNIGHT`].
pub(crate) fn shown(body: &MessageBody) -> Vec<String> {
    let items = match body {
        MessageBody::Rejected(Rejection { reason, field, place }) => {
            return vec![format!("{reason} {field} {place}")];
        }
        MessageBody::Items(items) => items,
    };
    let show = |item: &nhip_proto::Item| {
        let mut text = match &item.name {
            ItemName::Text(name) => name.clone(),
            ItemName::Alias(alias) => format!("alias {alias}"),
            ItemName::Undeclared(place) => format!("undeclared {place}"),
        };
        text += &match &item.value {
            ItemValue::Number(number) => format!("={number}"),
            ItemValue::State(state) => format!("={state}"),
            ItemValue::Missing => "=missing".to_owned(),
        };
        if !item.unit.is_empty() {
            text += &format!(" {}", item.unit);
        }
        if let Some(time) = item.event_time {
            text += &format!(" @{}", (time.0 - MIDNIGHT) / nhip_proto::MILLISECOND);
        }
        if let Some((start, end)) = item.period {
            let milliseconds = |time: nhip_proto::EventTime| (time.0 - MIDNIGHT) / nhip_proto::MILLISECOND;
            text += &format!(" [{},{})", milliseconds(start), milliseconds(end));
        }
        if let Some(alias) = item.binds_alias {
            text += &format!(" binds {alias}");
        }
        if item.flags.0 != 0 {
            text += &format!(" flags {}", item.flags.0);
        }
        text
    };
    items.iter().map(show).collect()
}

pub(crate) fn delivery(topic: &str, payload: impl Into<Bytes>) -> Delivery {
    Delivery {
        topic: topic.to_owned(),
        payload: payload.into(),
        dedication: Dedication { qos: 1, retain: false, dup: false },
        content_type: String::new(),
        principal: "link".to_owned(),
        epoch: 1,
    }
}

/// A log in a vector; `gate` holds appends up while it has no permits.
pub(crate) struct StageLog {
    records: Mutex<Vec<Record>>,
    pub(crate) gate: Semaphore,
}

impl StageLog {
    pub(crate) fn open() -> Arc<Self> {
        Arc::new(Self { records: Mutex::default(), gate: Semaphore::new(Semaphore::MAX_PERMITS) })
    }

    /// Every append waits until the gate gets permits.
    pub(crate) fn gated() -> Arc<Self> {
        Arc::new(Self { records: Mutex::default(), gate: Semaphore::new(0) })
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn messages(&self) -> Vec<nhip_proto::Message> {
        let message = |record| if let Record::Message(message) = record { Some(*message) } else { None };
        self.records().into_iter().filter_map(message).collect()
    }
}

#[async_trait]
impl EventLog for StageLog {
    async fn append(&self, batch: Vec<Record>) -> Result<Commit, LogError> {
        self.gate.acquire().await.map_err(|_| LogError::Closed)?.forget();
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let appended = Appended { first: Offset(records.len() as u64), count: batch.len() as u64 };
        records.extend(batch);
        let (settle, commit) = Commit::pair();
        settle.send(Ok(appended)).expect("the commit is still here");
        Ok(commit)
    }

    async fn read(&self, from: Offset, _limit: ReadLimit) -> Result<LogBatch, LogError> {
        let records =
            self.records().into_iter().enumerate().skip(usize::try_from(from.0).unwrap_or(usize::MAX));
        Ok(records.map(|(at, record)| Logged { offset: Offset(at as u64), record }).collect())
    }

    fn durable(&self) -> watch::Receiver<Offset> {
        watch::channel(Offset(self.records().len() as u64)).1
    }

    fn first(&self) -> Offset {
        Offset(0)
    }

    fn stalled(&self) -> bool {
        false
    }
}

/// Keys made from their id; `asked` counts, `broken` refuses.
#[derive(Default)]
pub(crate) struct StageKeys {
    pub(crate) asked: Mutex<Vec<String>>,
    pub(crate) broken: bool,
}

pub(crate) fn key_of(id: &str) -> DataKey {
    DataKey { id: id.to_owned(), bytes: *blake3::hash(id.as_bytes()).as_bytes() }
}

#[async_trait]
impl KeyStore for StageKeys {
    async fn current(&self, class: &KeyClass, at: ArrivalTime) -> Result<DataKey, KeyError> {
        if self.broken {
            return Err(KeyError::Failed("told to".to_owned()));
        }
        let id = format!("{}/day-{}", class.class, at.0.div_euclid(86_400 * SECOND));
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(id.clone());
        Ok(key_of(&id))
    }

    async fn key(&self, id: &str) -> Result<DataKey, KeyError> {
        Ok(key_of(id))
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
        Ok(self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
