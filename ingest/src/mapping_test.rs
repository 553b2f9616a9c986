//! The tests a mapping carries: a payload as sent, and the items (or the rejection) it must become.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::tz::TimeZone;
use nhip_profile::{Expected, MappingTest, Profile, Stream};
use nhip_proto::{ArrivalTime, EventTime, Item, ItemFlags, ItemName, ItemValue, MessageBody, SourceId};

use crate::decode::{DecodeContext, Decoded, Dialect, decode};
use crate::route::Router;

/// The arrival of a tested message: 2026-11-21T00:00:00Z. It shows in no line.
const ARRIVAL: ArrivalTime = ArrivalTime(1_795_219_200_000_000_000);

/// How one test went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingOutcome {
    /// The mapping and the test.
    pub name: String,
    /// `file:line`, what was expected and what came out; none: it passed.
    pub failure: Option<String>,
}

/// How all tests of all mappings went, as `nhip test` prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MappingReport {
    /// In the order of the mappings and of their tests.
    pub outcomes: Vec<MappingOutcome>,
}

impl MappingReport {
    /// Whether every test passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.outcomes.iter().all(|outcome| outcome.failure.is_none())
    }
}

/// Runs the tests of every mapping of a profile. A test without a topic is one message of the stream of the first
/// route that names the mapping.
#[must_use]
pub fn run_mapping_tests(profile: &Arc<Profile>) -> MappingReport {
    let router = Router::new(Arc::clone(profile));
    let zone = profile.time_zone().unwrap_or(TimeZone::UTC);
    let mut report = MappingReport::default();
    for mapping in profile.mappings.values() {
        for test in &mapping.tests {
            let decoded = match &test.topic {
                Some(topic) => Ok(by_topic(&router, topic, test)),
                None => alone(profile, &router, &mapping.id, test),
            };
            let failure = decoded.and_then(|decoded| judge(test, &decoded, &zone)).err();
            let failure = failure.map(|reason| format!("{}: {reason}", test.at));
            report.outcomes.push(MappingOutcome { name: format!("{}: {}", mapping.id, test.name), failure });
        }
    }
    report
}

/// The messages of one delivery, with their sources.
fn by_topic(router: &Router, topic: &str, test: &MappingTest) -> Vec<(Option<SourceId>, Decoded)> {
    let payload = Bytes::from(test.payload.clone());
    let levels: Vec<&str> = topic.split('/').collect();
    let parts = router.read(topic, "", &payload, usize::MAX);
    let read = |part: crate::Part<'_>| match part.routed {
        Ok(taken) => {
            let context = DecodeContext {
                stream: taken.stream,
                arrival: ARRIVAL,
                levels: &levels,
                mapping: taken.mapping,
                zone: taken.zone,
                retained: test.retained,
            };
            (Some(taken.source.clone()), decode(taken.dialect, &part.payload, &context))
        }
        Err(turned) => (None, Decoded::rejected(turned.reason)),
    };
    parts.into_iter().map(read).collect()
}

fn alone(
    profile: &Profile,
    router: &Router,
    mapping: &str,
    test: &MappingTest,
) -> Result<Vec<(Option<SourceId>, Decoded)>, String> {
    let route = profile.routes.iter().find(|route| route.mapping.as_deref() == Some(mapping));
    let stream: &Stream = route
        .and_then(|route| profile.streams.get(&route.stream))
        .ok_or("no route names this mapping, so it is not known which stream it feeds")?;
    let mapping = profile.mappings.get(mapping);
    let zone = mapping.and_then(|mapping| router.zone_of(mapping, &stream.id));
    let context = DecodeContext {
        mapping,
        zone: zone.as_ref(),
        retained: test.retained,
        ..DecodeContext::of(stream, ARRIVAL, &[])
    };
    Ok(vec![(None, decode(Dialect::JsonMap, test.payload.as_bytes(), &context))])
}

fn judge(
    test: &MappingTest,
    messages: &[(Option<SourceId>, Decoded)],
    zone: &TimeZone,
) -> Result<(), String> {
    let mut lines = Vec::new();
    for (source, decoded) in messages {
        let from = source.as_ref().filter(|_| test.topic.is_some());
        let from = from.map_or_else(String::new, |source| format!("from {source} "));
        match &decoded.body {
            MessageBody::Items(items) => {
                lines.extend(items.iter().map(|item| format!("{from}{}", line(item, zone))));
            }
            MessageBody::Rejected(rejection) => {
                lines.push(
                    format!("{from}rejected {} {}", rejection.reason, rejection.field).trim_end().to_owned(),
                );
            }
        }
    }
    let expected: Vec<String> = match &test.expect {
        Expected::Items(text) => {
            let wanted = text.lines().map(str::trim).filter(|line| !line.is_empty());
            wanted.map(|line| with_own_time(line, zone)).collect()
        }
        Expected::Rejection(reason) => {
            let reason_of = |decoded: &Decoded| match &decoded.body {
                MessageBody::Rejected(rejection) => Some(rejection.reason),
                MessageBody::Items(_) => None,
            };
            let refused = |(_, decoded): &(_, Decoded)| reason_of(decoded) == Some(*reason);
            if messages.iter().any(refused) {
                return Ok(());
            }
            vec![format!("rejected {reason}")]
        }
    };
    if lines == expected {
        return Ok(());
    }
    let shown =
        |lines: &[String]| if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n      ") };
    Err(format!("expected\n      {}\n    but it says\n      {}", shown(&expected), shown(&lines)))
}

/// `at 2026-11-21T07:00:00+07:00 pm25=35.2 µg/m³ fault sequence=7 place=106.1,11.3`.
fn line(item: &Item, zone: &TimeZone) -> String {
    let mut text =
        format!("at {} ", item.event_time.map_or_else(|| "arrival".to_owned(), |time| shown(time, zone)));
    text += &match &item.name {
        ItemName::Text(name) => name.clone(),
        ItemName::Alias(alias) => format!("alias-{alias}"),
        ItemName::Undeclared(place) => format!("undeclared-{place}"),
    };
    text += &match &item.value {
        ItemValue::Number(number) => format!("={number}"),
        ItemValue::State(state) => format!("={state}"),
        ItemValue::Missing => "=missing".to_owned(),
    };
    if !item.unit.is_empty() {
        text += &format!(" {}", item.unit);
    }
    for (flag, word) in [(ItemFlags::DEVICE_FAULT, "fault"), (ItemFlags::UNDECLARED_VALUE, "undeclared")] {
        if item.flags.has(flag) {
            text += &format!(" {word}");
        }
    }
    if item.identity.is_some() {
        text += " id";
    }
    if let Some(sequence) = item.sequence {
        text += &format!(" sequence={sequence}");
    }
    if let Some(place) = item.place {
        let degrees = |e7: i32| nhip_proto::Decimal::new(i128::from(e7), 7).to_string();
        let short = |text: String| text.trim_end_matches('0').trim_end_matches('.').to_owned();
        text +=
            &format!(" place={},{}", short(degrees(place.longitude_e7)), short(degrees(place.latitude_e7)));
    }
    text
}

fn shown(time: EventTime, zone: &TimeZone) -> String {
    let Ok(stamp) = jiff::Timestamp::from_nanosecond(i128::from(time.0)) else { return "?".to_owned() };
    stamp.display_with_offset(zone.to_offset(stamp)).to_string()
}

/// The same line with its time as [`line`] writes it, so that any offset may be used.
fn with_own_time(line: &str, zone: &TimeZone) -> String {
    let own = |word: &str| {
        let stamp: Option<jiff::Timestamp> = word.parse().ok();
        let time = stamp.and_then(|stamp| i64::try_from(stamp.as_nanosecond()).ok()).map(EventTime);
        time.map_or_else(|| word.to_owned(), |time| shown(time, zone))
    };
    let words: Vec<String> = line.split_whitespace().map(own).collect();
    words.join(" ")
}

impl fmt::Display for MappingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for MappingOutcome { name, failure } in &self.outcomes {
            match failure {
                None => writeln!(f, "ok {name}")?,
                Some(reason) => writeln!(f, "FAILED {name}\n    {reason}")?,
            }
        }
        let failed = self.outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
        write!(f, "{} tests of mappings, {failed} failed", self.outcomes.len())
    }
}
