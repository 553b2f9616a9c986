//! One dialect under fire.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nhip_ingest::{Decoded, Dialect};
use nhip_proto::{Item, ItemName, ItemValue, MessageBody};

use super::corpus::{self, Case, Corpus};
use super::properties::broken;
use super::random::Random;
use super::watch::{Current, Watch};
use super::{mutate, say};

/// Inputs with new answers that join the seeds.
const NEWCOMERS_MAX: usize = 512;
/// Bytes of such an input.
const NEWCOMER_BYTES_MAX: usize = 1_024;
/// Bytes of them all in the tree, per dialect.
const KEPT_BYTES_MAX: usize = 6 * 1024;
/// Broken inputs written down per dialect; the others are only counted.
const FOUND_MAX: u64 = 10;
/// Every so many executions the decoder is asked twice.
const TWICE_EVERY: u64 = 4;
/// The clock is looked at after so many executions.
const BURST: u64 = 1_000;

pub(crate) struct Hunt {
    corpus: Corpus,
    /// How many of the corpus's cases were written by hand.
    written: usize,
    random: Random,
    shapes: BTreeSet<u64>,
    current: Arc<Mutex<Current>>,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Report {
    dialect: &'static str,
    executions: u64,
    decoded: u64,
    rejected: BTreeMap<&'static str, u64>,
    shapes: usize,
    took: Duration,
    slowest_burst: Duration,
    pub(crate) failures: u64,
}

impl Hunt {
    pub(crate) fn new(dialect: Dialect, seed: u64, watch: &Watch) -> Self {
        let mut corpus = Corpus::load(dialect);
        let written = corpus.cases.len();
        corpus.cases.extend(corpus::generated(dialect));
        let own = blake3::hash(dialect.name().as_bytes())
            .as_bytes()
            .iter()
            .take(8)
            .fold(0, |all, byte| (all << 8) | u64::from(*byte));
        Self { corpus, written, random: Random(seed ^ own), shapes: BTreeSet::new(), current: watch.join() }
    }

    pub(crate) fn run(&mut self, executions: u64, time: Option<Duration>) -> Report {
        let mut report = Report { dialect: self.corpus.dialect.name(), ..Report::default() };
        let started = Instant::now();
        for at in 0..self.corpus.cases.len() {
            if let Some(Case { topic, payload, .. }) = self.corpus.cases.get(at) {
                let (topic, payload) = (topic.clone(), payload.clone());
                self.execute(&topic, &payload, &mut report);
            }
        }
        while report.executions < executions && time.is_none_or(|time| started.elapsed() < time) {
            let burst = Instant::now();
            for _ in 0..BURST.min(executions - report.executions) {
                let (topic, payload) = mutate::mutated(&self.corpus.cases, &mut self.random);
                self.execute(&topic, &payload, &mut report);
            }
            report.slowest_burst = report.slowest_burst.max(burst.elapsed());
        }
        report.took = started.elapsed();
        report.shapes = self.shapes.len();
        report
    }

    fn execute(&mut self, topic: &str, payload: &[u8], report: &mut Report) {
        report.executions += 1;
        let corpus = &self.corpus;
        self.at(topic, payload, Some(Instant::now()));
        let asks_twice = report.executions.is_multiple_of(TWICE_EVERY);
        let answers = catch_unwind(AssertUnwindSafe(|| {
            let first = corpus.decode(topic, payload);
            let differs = asks_twice && corpus.decode(topic, payload) != first;
            (first, differs)
        }));
        self.at("", &[], None);
        let verdict = match &answers {
            Err(_) => Some("a panic".to_owned()),
            Ok((_, true)) => Some("two answers".to_owned()),
            Ok((first, _)) => broken(&corpus.stream, first),
        };
        if let Some(what) = verdict {
            report.failures += 1;
            if report.failures <= FOUND_MAX {
                say(&format!("{}: {what}: {}", report.dialect, write_down(report.dialect, topic, payload)));
            }
            return;
        }
        let Ok((decoded, _)) = answers else { return };
        match &decoded.body {
            MessageBody::Items(_) => report.decoded += 1,
            MessageBody::Rejected(rejection) => {
                *report.rejected.entry(rejection.reason.as_str()).or_default() += 1;
            }
        }
        let small = payload.len() <= NEWCOMER_BYTES_MAX;
        if small && self.shapes.len() < NEWCOMERS_MAX && self.shapes.insert(shape(&decoded)) {
            let (topic, payload) = (topic.to_owned(), payload.to_vec());
            self.corpus.cases.push(Case { name: String::new(), topic, payload, expected: Vec::new() });
        }
    }

    fn at(&self, topic: &str, payload: &[u8], since: Option<Instant>) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.dialect = self.corpus.dialect.name();
        current.topic.clear();
        current.topic.push_str(topic);
        current.payload.clear();
        current.payload.extend_from_slice(payload);
        current.since = since;
    }

    /// Writes the newcomers beside the corpus, the shortest first, as far as the bound goes.
    pub(crate) fn keep(&self) {
        let mut newcomers: Vec<&Case> = self.corpus.cases.iter().skip(self.written).collect();
        newcomers.sort_by_key(|case| (case.payload.len(), case.payload.clone(), case.topic.clone()));
        newcomers.dedup_by(|left, right| left.payload == right.payload && left.topic == right.topic);
        let mut text = String::from(
            "# Found by the fuzzer: answers of a new kind. A line is a topic and a payload in hex.\n",
        );
        for case in newcomers.iter().filter(|case| !case.topic.contains(['\n', '\r'])) {
            let line = format!("{}\t{}\n", case.topic, hex(&case.payload));
            if text.len() + line.len() > KEPT_BYTES_MAX {
                break;
            }
            text.push_str(&line);
        }
        let folder = corpus::folder().join(self.corpus.dialect.name());
        let path = folder.join("generated.txt");
        let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, text));
        if let Err(error) = written {
            say(&format!("{}: {error}", path.display()));
        }
    }
}

/// What kind of answer it is, as a number: names and kinds of values in any order, or the rejection.
fn shape(decoded: &Decoded) -> u64 {
    match &decoded.body {
        MessageBody::Rejected(rejection) => {
            mixed(mixed(1, rejection.reason.as_str().as_bytes()), rejection.field.as_bytes())
        }
        MessageBody::Items(items) => {
            let mut kinds = BTreeSet::new();
            kinds.extend(items.iter().map(kind));
            kinds.iter().fold(2, |all, kind| mixed(all, &kind.to_le_bytes()))
        }
    }
}

fn kind(item: &Item) -> u64 {
    let name = match &item.name {
        ItemName::Text(name) => name.as_str(),
        ItemName::Alias(_) => "alias",
        ItemName::Undeclared(_) => "undeclared",
    };
    let value = match &item.value {
        ItemValue::Number(number) if number.mantissa < 0 => "negative",
        ItemValue::Number(number) if number.scale > 0 => "decimal",
        ItemValue::Number(_) => "whole",
        ItemValue::State(state) => state.as_str(),
        ItemValue::Missing => "missing",
    };
    let marks =
        [item.event_time.is_some(), item.period.is_some(), item.place.is_some(), item.identity.is_some()];
    let marks = marks.map(u8::from);
    let texts = [name, value, &item.unit].into_iter().fold(3, |all, text| mixed(all, text.as_bytes()));
    mixed(mixed(texts, &marks), &item.flags.0.to_le_bytes())
}

/// FNV-1a, with the length so that neighbours do not run into each other.
fn mixed(hash: u64, bytes: &[u8]) -> u64 {
    let start = hash ^ (bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Writes an input where a test will replay it; returns where.
pub(crate) fn write_down(dialect: &str, topic: &str, payload: &[u8]) -> String {
    let name = blake3::hash(payload).to_hex().chars().take(12).collect::<String>();
    let path = corpus::folder().join("found").join(format!("{dialect}-{name}.txt"));
    let text = format!("{}\t{}\n", topic.replace(['\n', '\r', '\t'], " "), hex(payload));
    let written =
        std::fs::create_dir_all(corpus::folder().join("found")).and_then(|()| std::fs::write(&path, text));
    written.map_or_else(|error| error.to_string(), |()| path.display().to_string())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(text, "{byte:02x}").ok();
    }
    text
}

impl Report {
    pub(crate) fn line(&self) -> String {
        let per_second = self.executions as f64 / self.took.as_secs_f64().max(0.001);
        let rejected: Vec<String> =
            self.rejected.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        format!(
            "{:<16} {:>11} executions {:>8.0}/s  {} read, {}; {} kinds of answers, a thousand take at most \
             {:.0} ms, {} broken",
            self.dialect,
            self.executions,
            per_second,
            self.decoded,
            rejected.join(", "),
            self.shapes,
            self.slowest_burst.as_secs_f64() * 1e3,
            self.failures,
        )
    }
}
