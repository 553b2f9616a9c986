//! A story becomes log records, and the engine applies them in batches.

use std::collections::BTreeMap;

use nhip_profile::story::{Act, Step, Story, StoryMessage, StoryValue};
use nhip_profile::{Profile, zone_rules};
use nhip_proto::{
    AreaCode, ArrivalTime, Dedication, Entry, EventTime, FigureKey, Gap, IndicatorId, Item, ItemFlags,
    ItemName, ItemValue, Logged, Message, MessageBody, Offset, Origin, ProfileText, Record, Rejection,
    RejectionReason, Row, SourceId, Span, StreamId, Tick, partition_of,
};

use super::Failure;
use crate::{Effects, Engine, EngineSettings, SEMANTICS};

/// How the records of a story meet the engine. No figure may depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Play {
    /// Worker threads of the engine.
    pub threads: usize,
    /// Records per batch; what is left goes before the next expectation.
    pub batch: usize,
}

impl Default for Play {
    fn default() -> Self {
        Self { threads: 1, batch: 64 }
    }
}

/// A story under way.
pub(super) struct Run<'a> {
    pub(super) profile: &'a Profile,
    pub(super) engine: Engine,
    /// The last durable row of each figure: indicator, area, group, window start.
    pub(super) rows: BTreeMap<(IndicatorId, AreaCode, String, EventTime), Row>,
    settings: EngineSettings,
    play: Play,
    waiting: Vec<Logged>,
    next: Offset,
    expectations: usize,
    failures: Vec<Failure>,
}

impl<'a> Run<'a> {
    /// Starts with the Profile record, at the time of the story's first step.
    pub(super) fn new(profile: &'a Profile, files: &[(String, String)], story: &Story, play: Play) -> Self {
        let settings = EngineSettings { threads: play.threads, origin: Origin::Machine };
        let text = ProfileText {
            at: story.steps.iter().find_map(|step| begins(&step.act)).unwrap_or(ArrivalTime(0)),
            hash: profile.hash,
            semantics: SEMANTICS,
            files: files.to_vec(),
            zones: zone_rules(profile),
        };
        // The profile was read already; read it again for each story and most of the time goes there.
        let known = profile.clone();
        let engine = Engine::with_loader(settings.clone(), move |_| Some(known.clone()));
        let (rows, waiting, failures) = (BTreeMap::new(), Vec::new(), Vec::new());
        let next = Offset(0);
        let mut run =
            Self { profile, engine, rows, settings, play, waiting, next, expectations: 0, failures };
        run.log("profile", Record::Profile(Box::new(text)));
        run
    }

    /// Does what a line says.
    pub(super) fn step(&mut self, step: &Step) {
        let at = format!("{}:{}", step.file, step.line);
        match &step.act {
            Act::Message(message) => self.message(&at, message),
            Act::Rejected { stream, source, arrival } => {
                let rejection = Rejection { reason: RejectionReason::Syntax, field: String::new(), place: 0 };
                let body = MessageBody::Rejected(rejection);
                let record = self.record(stream, source, *arrival, 1, body);
                self.log(&at, record);
            }
            Act::Tick(time) => self.log(&at, Record::Tick(Tick { at: *time })),
            Act::Ticks { from, to, every } => {
                let mut time = *from;
                while time <= *to {
                    self.log(&at, Record::Tick(Tick { at: time }));
                    time = time.plus(*every);
                }
            }
            Act::Gap { from, to, cause } => {
                let (from, to, cause) = (*from, *to, *cause);
                let gap = Gap { at: to, cause, from, to, principal: String::new(), lost: 0 };
                self.log(&at, Record::Gap(gap));
            }
            Act::Restart => self.restart(&at),
            Act::Expect(expectation) => {
                self.flush(&at);
                self.expectations += 1;
                if let Err(reason) = self.judge(expectation) {
                    self.fail(&at, reason);
                }
            }
        }
    }

    /// How many expectations there were, and which did not hold.
    pub(super) fn finish(mut self) -> (usize, Vec<Failure>) {
        self.flush("end");
        (self.expectations, self.failures)
    }

    fn fail(&mut self, at: &str, reason: impl Into<String>) {
        self.failures.push(Failure { at: at.to_owned(), reason: reason.into() });
    }

    fn message(&mut self, at: &str, message: &StoryMessage) {
        let Some(stream) = self.profile.streams.get(&message.stream) else {
            return self.fail(at, format!("the profile has no stream {}", message.stream));
        };
        if !stream.open && !self.profile.sources.contains_key(&message.source) {
            return self.fail(at, format!("the profile has no source {}", message.source));
        }
        let items = items_of(message, stream);
        for _ in 0..message.times {
            if message.typed {
                let entry = Entry {
                    at: message.arrival,
                    author: "story".to_owned(),
                    stream: message.stream.as_str().to_owned(),
                    subject: message.source.as_str().to_owned(),
                    items: items.clone(),
                    sealed: None,
                };
                self.log(at, Record::Entry(Box::new(entry)));
                continue;
            }
            let body = MessageBody::Items(items.clone());
            let record = self.record(&message.stream, &message.source, message.arrival, message.qos, body);
            self.log(at, record);
        }
    }

    fn record(
        &self,
        stream: &StreamId,
        source: &SourceId,
        arrival: ArrivalTime,
        qos: u8,
        body: MessageBody,
    ) -> Record {
        Record::Message(Box::new(Message {
            arrival,
            source: source.clone(),
            stream: stream.clone(),
            topic: format!("nhip/v1/{}/{stream}/{source}", self.profile.id),
            dialect: "native-json@1".to_owned(),
            profile_hash: self.profile.hash,
            principal: "story".to_owned(),
            epoch: 1,
            dedication: Dedication { qos, retain: false, dup: false },
            partition: partition_of(source),
            body,
            session: None,
            sealed: None,
        }))
    }

    fn log(&mut self, at: &str, record: Record) {
        self.waiting.push(Logged { offset: self.next, record });
        self.next = self.next.next();
        if self.waiting.len() >= self.play.batch {
            self.flush(at);
        }
    }

    fn flush(&mut self, at: &str) {
        let mut effects = Effects::default();
        let batch = std::mem::take(&mut self.waiting);
        if let Err(error) = self.engine.apply(&batch, &mut effects) {
            self.fail(at, error.to_string());
        }
        for row in effects.rows.into_iter().flat_map(|(_, rows)| rows) {
            let FigureKey { indicator, area, group, window_start, .. } = row.key.clone();
            let key = (indicator, area, group, window_start);
            self.rows.insert(key, row);
        }
    }

    fn restart(&mut self, at: &str) {
        self.flush(at);
        let known = self.profile.clone();
        let bytes = self.engine.snapshot();
        match Engine::restore_with_loader(&bytes, self.settings.clone(), move |_| Some(known.clone())) {
            Ok(engine) => self.engine = engine,
            Err(error) => self.fail(at, format!("the snapshot was refused: {error}")),
        }
    }
}

fn begins(act: &Act) -> Option<ArrivalTime> {
    match act {
        Act::Message(message) => Some(message.arrival),
        Act::Rejected { arrival, .. } => Some(*arrival),
        Act::Tick(at) => Some(*at),
        Act::Ticks { from, .. } | Act::Gap { from, .. } => Some(*from),
        Act::Restart | Act::Expect(_) => None,
    }
}

/// As the native dialect decodes them: what the stream does not declare has no name.
fn items_of(message: &StoryMessage, stream: &nhip_profile::Stream) -> Vec<Item> {
    let stamp = message.time.unwrap_or_else(|| message.arrival.stands_in_as_event_time());
    let period = message.period.map(|length| period_of(stamp, length, stream.stamp_is_start));
    let identity = message.id.as_ref().map(|id| {
        let hash = blake3::hash(id.as_bytes());
        hash.as_bytes().iter().take(16).fold(0, |identity, byte| (identity << 8) | u128::from(*byte))
    });
    let item = |(place, (name, value)): (usize, &(String, StoryValue))| {
        let declared = stream.has_words(name) || stream.quantities.contains_key(name);
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        let item_name = if declared { ItemName::Text(name.clone()) } else { ItemName::Undeclared(place) };
        let known = |state: &String| stream.lists(name, state);
        let (item_value, unit, readable) = match value {
            // Codes of areas and numbers of cases may be digits alone.
            StoryValue::Number(number, unit) if known(&format!("{number}{unit}")) => {
                (ItemValue::State(format!("{number}{unit}")), String::new(), true)
            }
            StoryValue::Number(number, unit) if declared => (ItemValue::Number(*number), unit.clone(), true),
            StoryValue::State(state) if known(state) => {
                (ItemValue::State(state.clone()), String::new(), true)
            }
            StoryValue::Missing => (ItemValue::Missing, String::new(), declared),
            StoryValue::Number(..) | StoryValue::State(_) => (ItemValue::Missing, String::new(), false),
        };
        let fault = if message.fault { ItemFlags::DEVICE_FAULT } else { ItemFlags::default() };
        Item {
            unit,
            event_time: message.time,
            period,
            identity,
            sequence: message.sequence,
            boot: message.boot,
            flags: if readable { fault } else { fault.with(ItemFlags::UNDECLARED_VALUE) },
            ..Item::bare(item_name, item_value)
        }
    };
    message.values.iter().enumerate().map(item).collect()
}

fn period_of(stamp: EventTime, length: Span, stamp_is_start: bool) -> (EventTime, EventTime) {
    if stamp_is_start { (stamp, stamp.plus(length)) } else { (stamp.plus(-length), stamp) }
}
