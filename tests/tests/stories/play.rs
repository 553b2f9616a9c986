//! Leads a node through one story and compares what its API tells with what the story expects.

use std::path::Path;

use nhip_profile::Profile;
use nhip_profile::story::{Act, Expectation, FigureExpectation, Step, Story, StoryMessage};
use nhip_proto::{ArrivalTime, Decimal, EventTime, SECOND, SourceId, Span, StreamId};
use nhip_tests::{MqttWire, NodeOptions, SteppedNode, get, get_json, metric, post, until};
use serde_json::Value;

use crate::reading;

/// Ticks of one line `ticks …` at most: a longer run is thinned, which changes no final value.
const TICKS_MAX: Span = 12;
/// Shares come with four decimals.
const SHARE_ERROR_MAX: f64 = 0.000_051;

/// How one story went.
pub(crate) struct Outcome {
    pub(crate) expectations: usize,
    pub(crate) failures: Vec<String>,
}

/// Plays a story on a node of its own.
pub(crate) fn play(profile: &str, story: &Story) -> Outcome {
    let directory = tempfile::tempdir().expect("a directory");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let options = NodeOptions::run(&directory.path().join("data")).set("--profile", profile);
    let first = story.steps.iter().find_map(|step| arrival(&step.act)).expect("a story has a beginning");
    let stepped = SteppedNode::start(options, first.plus(-SECOND)).expect("a node");
    let mut run = Run {
        stepped,
        profile: reading::profile(&root.join(profile)),
        expectations: 0,
        failures: Vec::new(),
    };
    for step in &story.steps {
        run.step(step);
    }
    assert!(run.stepped.node.stop().success(), "{}", run.stepped.node.said());
    Outcome { expectations: run.expectations, failures: run.failures }
}

struct Run {
    stepped: SteppedNode,
    profile: Profile,
    expectations: usize,
    failures: Vec<String>,
}

impl Run {
    fn step(&mut self, step: &Step) {
        if let Some(at) = arrival(&step.act) {
            self.stepped.step_to(at);
        }
        match &step.act {
            Act::Message(message) => self.send(message),
            Act::Rejected { stream, source, .. } => self.post(stream, source, "{ this is no JSON"),
            Act::Tick(_) => {}
            Act::Ticks { from, to, .. } => self.ticks(*from, *to),
            Act::Restart => self.stepped.restart(),
            Act::Gap { .. } => {
                panic!("{}:{}: no gap can be made from outside; list the story", step.file, step.line)
            }
            Act::Expect(expectation) => {
                self.stepped.settle();
                self.expectations += 1;
                if let Err(reason) = self.judge(expectation) {
                    self.failures.push(format!("{}:{}: {reason}", step.file, step.line));
                }
            }
        }
    }

    fn ticks(&mut self, from: ArrivalTime, to: ArrivalTime) {
        for part in 1..=TICKS_MAX {
            let at = from.0 + to.since(from) * part / TICKS_MAX;
            self.stepped.step_to(ArrivalTime(at - at % SECOND));
        }
        self.stepped.step_to(to);
    }

    fn send(&self, message: &StoryMessage) {
        let stream = self.profile.streams.get(&message.stream).expect("the profile has the stream");
        let payload = reading::json(message, stream);
        if message.qos == 1 && message.times == 1 {
            return self.post(&message.stream, &message.source, &payload);
        }
        let node = &self.stepped.node;
        let topic = format!("nhip/v1/{}/{}/{}", self.profile.id, message.stream, message.source);
        let mut wire = MqttWire::connect(node.mqtt.expect("an endpoint"), "story").expect("a connection");
        let copies = (0..message.times).map(|_| (topic.as_str(), payload.as_bytes()));
        if message.qos > 0 {
            return wire.publish_all(copies).expect("every copy is acknowledged");
        }
        let received = || metric(node.http, "nhip_ingest_messages_total").unwrap_or(0.0);
        let due = received() + f64::from(message.times);
        copies.for_each(|(topic, payload)| wire.publish_best_effort(topic, payload).expect("sent"));
        until("best effort arrives on loopback", std::time::Duration::from_secs(20), || received() >= due);
    }

    fn post(&self, stream: &StreamId, source: &SourceId, payload: &str) {
        let path = format!("/api/v1/ingest/{stream}?source={source}");
        let answer = post(self.stepped.node.http, &path, "application/json", payload.as_bytes());
        let (status, body) = answer.expect("an answer");
        assert_eq!(status, 202, "{path}: {body}");
    }

    fn judge(&self, expectation: &Expectation) -> Result<(), String> {
        match expectation {
            Expectation::Figure(figure) => self.judge_figure(figure),
            Expectation::Ledger { source, counts } => self.judge_ledger(source, counts),
            Expectation::Badge { source, word, share } => self.judge_badge(source, word, *share),
        }
    }

    fn judge_figure(&self, expected: &FigureExpectation) -> Result<(), String> {
        let window = text(expected.window_start);
        let (indicator, area, group) = (&expected.indicator, &expected.area, &expected.group);
        let asked = format!("indicator={indicator}&area={area}&group={group}&window={window}");
        let answer = get(self.stepped.node.http, &format!("/api/v1/explain?{asked}"));
        let (status, body) = answer.map_err(|error| error.to_string())?;
        if status == 404 {
            let wants_nothing = expected.value.is_none() && expected.state.is_none() && expected.k.is_none();
            return if wants_nothing { Ok(()) } else { Err(format!("{asked}: found no such window")) };
        }
        let answer: Value =
            serde_json::from_str(&body).map_err(|error| format!("{asked}: {error}: {body}"))?;
        let figure = &answer["figure"];
        let value = decimal(&figure["value"])?;
        let said = |name: &str| figure[name].as_str().map(str::to_owned);
        let count = |name: &str| figure[name].as_u64();
        let wrong = [
            ("value", !same_value(expected.value, value)),
            ("unit", expected.unit.as_ref().is_some_and(|unit| said("unit").as_ref() != Some(unit))),
            ("state", expected.state.is_some_and(|state| said("state").as_deref() != Some(state.as_str()))),
            ("k", expected.k.is_some_and(|k| count("k") != Some(u64::from(k)))),
            ("m", expected.m.is_some_and(|m| count("m") != Some(u64::from(m)))),
            ("level", expected.level.is_some_and(|level| said("level").as_deref() != Some(level.as_str()))),
        ];
        let wrong: Vec<&str> = wrong.into_iter().filter(|(_, wrong)| *wrong).map(|(name, _)| name).collect();
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(format!("{asked}: {wrong:?} differ: expected {expected:?}, found {figure}"))
        }
    }

    fn judge_ledger(&self, source: &SourceId, counts: &[(String, u64)]) -> Result<(), String> {
        let line = self.line("/api/v1/ledger?limit=5000", source)?;
        let wrong: Vec<String> = counts
            .iter()
            .filter(|(name, count)| line[name].as_u64() != Some(*count))
            .map(|(name, count)| format!("expected {name} {count}, found {}", line[name]))
            .collect();
        if line["balances"] != true {
            return Err(format!("ledger {source} does not balance: {line}"));
        }
        if wrong.is_empty() { Ok(()) } else { Err(format!("ledger {source}: {}", wrong.join("; "))) }
    }

    fn judge_badge(&self, source: &SourceId, word: &str, share: Option<(u64, u64)>) -> Result<(), String> {
        let line = self.line("/api/v1/sources?limit=5000", source)?;
        let found = line["badge"][word].as_f64();
        let same = match (share, found) {
            (None, None) => true,
            (Some((part, whole)), Some(found)) => {
                (part as f64 / whole as f64 - found).abs() < SHARE_ERROR_MAX
            }
            _ => false,
        };
        if same { Ok(()) } else { Err(format!("badge {source} {word}: expected {share:?}, found {found:?}")) }
    }

    fn line(&self, path: &str, source: &SourceId) -> Result<Value, String> {
        let list = get_json(self.stepped.node.http, path);
        let lines = list["items"].as_array().cloned().unwrap_or_default();
        let found = lines.into_iter().find(|line| line["source"] == source.as_str());
        found.ok_or_else(|| format!("{path} has no {source}"))
    }
}

/// When a line happens, if it has a time.
fn arrival(act: &Act) -> Option<ArrivalTime> {
    match act {
        Act::Message(message) => Some(message.arrival),
        Act::Rejected { arrival, .. } => Some(*arrival),
        Act::Tick(at) => Some(*at),
        Act::Ticks { from, .. } | Act::Gap { from, .. } => Some(*from),
        Act::Restart | Act::Expect(_) => None,
    }
}

fn text(time: EventTime) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(time.0)).expect("a time in range").to_string()
}

/// A JSON number by its text; null is missing.
fn decimal(value: &Value) -> Result<Option<Decimal>, String> {
    if value.is_null() {
        return Ok(None);
    }
    Decimal::parse(&value.to_string()).map(Some).map_err(|error| format!("{value}: {error}"))
}

/// Equal as numbers: trailing zeros say nothing.
fn same_value(expected: Option<Decimal>, found: Option<Decimal>) -> bool {
    match (expected, found) {
        (None, None) => true,
        (Some(one), Some(other)) => {
            let scale = one.scale.max(other.scale);
            one.at_scale(scale).is_some() && one.at_scale(scale) == other.at_scale(scale)
        }
        _ => false,
    }
}
