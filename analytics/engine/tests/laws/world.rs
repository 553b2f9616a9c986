//! A small installation and seeded logs of it: what really happened, then how it arrived.

use nhip_engine::{Effects, Engine, EngineSettings, SEMANTICS};
use nhip_proto::{
    ArrivalTime, Decimal, Dedication, EventTime, Item, ItemName, ItemValue, Logged, MINUTE, Message,
    MessageBody, Offset, Origin, ProfileText, Record, Rejection, RejectionReason, Row, SECOND, SourceId,
    StreamId, Tick, partition_of,
};

pub(crate) const HOUR: i64 = 60 * MINUTE;
/// 2026-11-20T16:10Z: fifty minutes before midnight in Vietnam.
pub(crate) const START: i64 = 1_795_191_000 * SECOND;

const PROFILE: &str = include_str!("profile.toml");
const METER: &str = include_str!("meter.toml");
const AREAS: &str = "code,name,name_en,kind,parent,column,row\nP,Tỉnh,Province,province,,,\n\
    A,Một,One,xa,P,0,0\nB,Hai,Two,xa,P,1,0\nC,Ba,Three,phuong,P,2,0\n";

/// Randomness that is the same everywhere (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.unsigned_abs().max(1)) as i64
    }

    pub(crate) fn one_in(&mut self, chance: i64) -> bool {
        self.below(chance) == 0
    }
}

/// One thing a source said.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) arrival: i64,
    pub(crate) source: String,
    pub(crate) stream: &'static str,
    pub(crate) body: Result<Vec<Item>, RejectionReason>,
}

/// Sources of the world: id, stream, area.
pub(crate) fn sources(each: usize) -> Vec<(String, &'static str, &'static str)> {
    let mut sources = Vec::new();
    for at in 0..each {
        let area = ["A", "B", "C", "A"][at % 4];
        for stream in ["air", "traffic", "camera"] {
            sources.push((format!("{stream}-{at}"), stream, area));
        }
    }
    sources.extend((0..each).map(|at| (format!("meter-{at}"), "meter", ["A", "B", "C", "A"][at % 4])));
    sources
}

pub(crate) fn profile_text(each: usize, at: i64, change: impl Fn(&str) -> String) -> ProfileText {
    let mut list = "id,stream,area,name,name_en,owner\n".to_owned();
    for (id, stream, area) in sources(each) {
        list.push_str(&format!("{id},{stream},{area},{id},{id},test\n"));
    }
    let files = vec![
        ("areas.csv".to_owned(), AREAS.to_owned()),
        ("meter.toml".to_owned(), METER.to_owned()),
        ("profile.toml".to_owned(), change(PROFILE)),
        ("sources.csv".to_owned(), list),
    ];
    let profile = match nhip_profile::load(&files) {
        Ok(profile) => profile,
        Err(mistakes) => panic!("the test profile is wrong: {mistakes:#?}"),
    };
    let zones = nhip_profile::zone_rules(&profile);
    ProfileText { at: ArrivalTime(at), hash: profile.hash, semantics: SEMANTICS, files, zones }
}

/// What really happened: readings at their event times, `arrival` still the event time.
pub(crate) fn events(seed: u64, each: usize, span: i64) -> Vec<Said> {
    let mut events = Vec::new();
    for (at, (source, stream, _)) in sources(each).into_iter().enumerate() {
        let mut dice = Dice::new(seed ^ ((at as u64) << 32));
        let mut time = START + dice.below(MINUTE);
        let silent = START + dice.below(span);
        let mut sequence = 0;
        while time < START + span {
            sequence += 1;
            // Some fall silent for half an hour.
            if !(at % 3 == 0 && time > silent && time < silent + 30 * MINUTE) {
                let body = Ok(reading(stream, time, sequence, &mut dice));
                events.push(Said { arrival: time, source: source.clone(), stream, body });
            }
            time += 50 * SECOND + dice.below(20 * SECOND);
        }
    }
    events
}

fn reading(stream: &str, time: i64, sequence: u64, dice: &mut Dice) -> Vec<Item> {
    let mut items = match stream {
        "air" => vec![number("pm25", 200 + dice.below(600), 1), number("temp", 100 + dice.below(250), 1)],
        "traffic" => {
            let class = ["car", "truck", "bike"][dice.below(3) as usize];
            let (count, speed) =
                (number("count", dice.below(40), 0), number("speed", 100 + dice.below(700), 1));
            vec![count, speed, state("class", class)]
        }
        "meter" => metered(time, dice),
        _ => vec![state("status", ["online", "online", "degraded", "offline"][dice.below(4) as usize])],
    };
    if stream == "air" && dice.one_in(10) {
        items[0] = number("pm25", 1 + dice.below(70), 3);
        items[0].unit = "mg/m3".to_owned();
    }
    if dice.one_in(12) {
        items[0].value = ItemValue::Missing;
    }
    for item in &mut items {
        item.event_time = Some(EventTime(time));
        item.sequence = Some(sequence);
        item.boot = Some(1);
    }
    items
}

/// A counter that grows by some two a second, starts anew now and then and jumps wildly once in a while.
fn metered(time: i64, dice: &mut Dice) -> Vec<Item> {
    let jump = if dice.one_in(30) { 4_000 } else { 0 };
    let total = ((time - START) / SECOND * 2 + dice.below(60)) % 3_000 + jump;
    let mut items = vec![
        number("total", total, 0),
        number("noise", 300 + dice.below(600), 1),
        number("pace", dice.below(900), 1),
        state("alarm", ["idle", "active"][dice.below(2) as usize]),
    ];
    if !dice.one_in(5) {
        items.push(number("weight", dice.below(30), 0));
    }
    if !dice.one_in(5) {
        items.push(state("kind", ["car", "truck"][dice.below(2) as usize]));
    }
    let id = (!dice.one_in(7)).then(|| dice.below(2_000) as u128 + (7 << 64));
    items.iter_mut().for_each(|item| item.identity = id);
    items
}

pub(crate) fn number(name: &str, mantissa: i64, scale: u8) -> Item {
    Item::bare(ItemName::Text(name.to_owned()), ItemValue::Number(Decimal::new(i128::from(mantissa), scale)))
}

pub(crate) fn state(name: &str, state: &str) -> Item {
    Item::bare(ItemName::Text(name.to_owned()), ItemValue::State(state.to_owned()))
}

/// How it arrived: each event delayed by less than `delay`, sorted by arrival.
pub(crate) fn arrive(mut events: Vec<Said>, seed: u64, delay: i64) -> Vec<Said> {
    let mut dice = Dice::new(seed);
    for event in &mut events {
        event.arrival += SECOND + if dice.one_in(4) { dice.below(delay.max(1)) } else { dice.below(SECOND) };
    }
    events.sort_by_key(|event| event.arrival);
    events
}

/// Every tenth message again, some time later.
pub(crate) fn with_duplicates(mut said: Vec<Said>, seed: u64) -> Vec<Said> {
    let mut dice = Dice::new(seed);
    let again: Vec<Said> = said.iter().filter(|_| dice.one_in(10)).cloned().collect();
    for mut copy in again {
        copy.arrival += dice.below(15 * MINUTE);
        said.push(copy);
    }
    said.sort_by_key(|said| said.arrival);
    said
}

/// Rubbish of every kind between the good messages.
pub(crate) fn with_rubbish(mut said: Vec<Said>, seed: u64) -> Vec<Said> {
    let mut dice = Dice::new(seed);
    let mut rubbish = Vec::new();
    for good in &said {
        if !dice.one_in(8) {
            continue;
        }
        let mut bad = good.clone();
        match (dice.below(7), &mut bad.body) {
            (0, _) => bad.body = Err(RejectionReason::Syntax),
            (1, Ok(items)) => items[0].name = ItemName::Undeclared(3),
            (2, Ok(items)) => items[0].value = ItemValue::Number(Decimal::new(10_i128.pow(20), 0)),
            (3, Ok(items)) => {
                items.iter_mut().for_each(|item| item.event_time = Some(EventTime(START + 90 * HOUR)));
            }
            (4, Ok(items)) => items.iter_mut().for_each(|item| item.event_time = Some(EventTime(17))),
            (5, Ok(items)) => items[0].flags = nhip_proto::ItemFlags::DEVICE_FAULT,
            _ => {
                bad.source = "nobody".to_owned();
                bad.stream = "nothing";
            }
        }
        rubbish.push(bad);
    }
    said.extend(rubbish);
    said.sort_by_key(|said| said.arrival);
    said
}

/// A log: the profile, then messages and Ticks by arrival, then Ticks for `after`.
pub(crate) fn log(each: usize, said: &[Said], tick: i64, after: i64) -> Vec<Logged> {
    let mut records = vec![Record::Profile(Box::new(profile_text(each, START, str::to_owned)))];
    let mut next = START + tick;
    let last = said.last().map_or(START, |said| said.arrival);
    for said in said {
        while next <= said.arrival {
            records.push(Record::Tick(Tick { at: ArrivalTime(next) }));
            next += tick;
        }
        records.push(message(said));
    }
    while next <= last + after {
        records.push(Record::Tick(Tick { at: ArrivalTime(next) }));
        next += tick;
    }
    records.into_iter().enumerate().map(|(at, record)| Logged { offset: Offset(at as u64), record }).collect()
}

pub(crate) fn message(said: &Said) -> Record {
    let source = SourceId::new(&said.source);
    let body = match &said.body {
        Ok(items) => MessageBody::Items(items.clone()),
        Err(reason) => MessageBody::Rejected(Rejection { reason: *reason, field: String::new(), place: 0 }),
    };
    Record::Message(Box::new(Message {
        arrival: ArrivalTime(said.arrival),
        partition: partition_of(&source),
        source,
        stream: StreamId::new(said.stream),
        topic: String::new(),
        dialect: "native-json@1".to_owned(),
        profile_hash: [0; 16],
        principal: String::new(),
        epoch: 1,
        dedication: Dedication { qos: 1, retain: false, dup: false },
        body,
        session: None,
        sealed: None,
    }))
}

pub(crate) fn settings(threads: usize) -> EngineSettings {
    EngineSettings { threads, origin: Origin::Machine }
}

/// Applies a whole log in one batch.
pub(crate) fn run(log: &[Logged], threads: usize) -> (Engine, Vec<Row>) {
    let mut engine = Engine::new(settings(threads));
    let mut effects = Effects::default();
    apply(&mut engine, log, &mut effects, log);
    (engine, rows(effects))
}

/// Applies a part of a log; re-runs read the whole.
pub(crate) fn apply(engine: &mut Engine, part: &[Logged], effects: &mut Effects, log: &[Logged]) {
    let read = |from: Offset| -> Result<Vec<Logged>, nhip_engine::EngineError> {
        Ok(log.get(from.0 as usize..).unwrap_or_default().iter().take(700).cloned().collect())
    };
    engine.apply_with(part, effects, read).expect("the log goes on");
}

pub(crate) fn rows(effects: Effects) -> Vec<Row> {
    effects.rows.into_iter().flat_map(|(_, rows)| rows).collect()
}
