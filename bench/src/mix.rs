//! The reference mix: 2,000 sources, 96 communes, ten indicators × three windows, three of the thirty matching each
//! record, 5 % duplicates, 10 % out of order. Seeded; as analytics/engine/examples/reference_mix.rs.

use nhip_engine::SEMANTICS;
use nhip_profile::{Aggregate, CalendarUnit, Direction, Indicator, Label, Operand, Profile, Stream, Window};
use nhip_proto::{
    ArrivalTime, Decimal, Dedication, EventTime, IndicatorId, Item, ItemName, ItemValue, Logged, MINUTE,
    Message, MessageBody, Offset, ProfileText, Record, SECOND, SourceId, Span, StreamId, Tick, partition_of,
};

const SOURCES: usize = 2_000;
const COMMUNES: usize = 96;
/// Out of order by less than this.
const LATE_SECONDS: u64 = 300;
const START: i64 = 1_795_190_400 * SECOND;

/// Its profile.
pub(crate) fn profile() -> Profile {
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

/// One reading a minute and source, a Tick every `tick`.
pub(crate) fn log(minutes: i64, tick: Span) -> Vec<Logged> {
    let mut dice = 7_u64;
    let mut roll = move |bound: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % bound
    };
    let mut said: Vec<(i64, i64, usize)> = Vec::new();
    for minute in 0..minutes {
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
