//! The corpus: per dialect a stream, payloads with their topics, and what they say, all in one readable file
//! (`tests/corpus/<dialect>/cases.txt`). The fuzzer mutates the same payloads.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use nhip_ingest::{DecodeContext, Decoded, Dialect, decode};
use nhip_profile::{Mapping, Stream};
use nhip_proto::{ArrivalTime, EventTime, Item, ItemName, ItemValue, MessageBody, Rejection, SECOND};

/// 2026-11-21T00:00:00Z.
pub(crate) const ARRIVAL: i64 = 1_795_219_200 * SECOND;

/// One dialect's file.
pub(crate) struct Corpus {
    pub(crate) dialect: Dialect,
    pub(crate) stream: Stream,
    pub(crate) cases: Vec<Case>,
    /// `json-map` only: the first level of the topic picks one.
    mappings: Vec<Mapping>,
    zone: TimeZone,
}

/// One payload.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    /// One line per item, or the rejection.
    pub(crate) expected: Vec<String>,
}

impl Corpus {
    /// Reads the file of a dialect; `json-map` takes the mappings with their tests from `tests/profiles`.
    pub(crate) fn load(dialect: Dialect) -> Self {
        if dialect == Dialect::JsonMap {
            return Self::of_mappings();
        }
        let path = folder().join(dialect.name()).join("cases.txt");
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut pieces = text.split("\n-- ");
        let stream = stream(pieces.next().unwrap_or_default());
        Self { dialect, stream, cases: pieces.map(case).collect(), mappings: Vec::new(), zone: zone() }
    }

    /// What the stream makes of bytes on a topic.
    pub(crate) fn decode(&self, topic: &str, payload: &[u8]) -> Decoded {
        let first = topic.split('/').next().unwrap_or_default();
        let chosen = self.mappings.iter().find(|mapping| mapping.id == first);
        let levels: Vec<&str> = topic.split('/').collect();
        let context = DecodeContext {
            zone: Some(&self.zone),
            mapping: chosen.or(self.mappings.first()),
            ..DecodeContext::of(&self.stream, ArrivalTime(ARRIVAL), &levels)
        };
        decode(self.dialect, payload, &context)
    }

    fn of_mappings() -> Self {
        let text = std::fs::read_to_string(folder().join("../profiles/mappings.toml")).expect("the mappings");
        let areas = "code,name,name_en,kind,parent\n80,Tây Ninh,Tay Ninh,province,\n".to_owned();
        let sources = "id,stream,area,name,name_en,owner\n".to_owned();
        let files = [("profile.toml", text), ("areas.csv", areas), ("sources.csv", sources)];
        let files = files.map(|(path, text)| (path.to_owned(), text));
        let profile = nhip_profile::load(&files).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let stream = profile.streams.into_values().next().expect("a stream");
        let mappings: Vec<Mapping> = profile.mappings.into_values().collect();
        let case = |mapping: &Mapping, test: &nhip_profile::MappingTest| Case {
            name: test.name.clone(),
            topic: mapping.id.clone(),
            payload: test.payload.clone().into_bytes(),
            expected: Vec::new(),
        };
        let cases =
            mappings.iter().flat_map(|mapping| mapping.tests.iter().map(move |test| case(mapping, test)));
        Self { dialect: Dialect::JsonMap, stream, cases: cases.collect(), mappings, zone: zone() }
    }
}

/// Where the corpora lie.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// What a stream makes of bytes on a topic.
pub(crate) fn read(dialect: Dialect, stream: &Stream, topic: &str, payload: &[u8]) -> Decoded {
    let levels: Vec<&str> = topic.split('/').collect();
    let zone = zone();
    let context =
        DecodeContext { zone: Some(&zone), ..DecodeContext::of(stream, ArrivalTime(ARRIVAL), &levels) };
    decode(dialect, payload, &context)
}

fn zone() -> TimeZone {
    TimeZone::get("Asia/Ho_Chi_Minh").expect("the bundled zones hold Vietnam's")
}

/// `quantity NAME UNIT` and `state NAME WORD …` lines.
pub(crate) fn stream(text: &str) -> Stream {
    let mut stream = Stream::minutely("corpus", &[]);
    for line in text.lines() {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["quantity", name, unit] => {
                stream.quantities.insert((*name).to_owned(), (*unit).to_owned());
            }
            ["state", name, words @ ..] => {
                let words = words.iter().map(|word| (*word).to_owned()).collect();
                stream.states.insert((*name).to_owned(), words);
            }
            [] => {}
            [first, ..] => assert!(first.starts_with('#'), "{line}"),
        }
    }
    stream
}

fn case(text: &str) -> Case {
    let (head, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (name, topic) = head.rsplit_once(" | ").unwrap_or_else(|| panic!("no topic: {head}"));
    let is_answer = |line: &&str| line.starts_with("=> ");
    let payload: Vec<&str> = rest.lines().take_while(|line| !is_answer(line)).collect();
    let payload = payload.join("\n");
    let payload = payload.trim_end();
    Case {
        name: name.to_owned(),
        topic: topic.to_owned(),
        payload: match payload.strip_prefix("hex:") {
            Some(digits) => bytes_of(digits),
            None => payload.as_bytes().to_vec(),
        },
        expected: rest
            .lines()
            .filter(is_answer)
            .filter_map(|line| line.get(3..))
            .map(str::to_owned)
            .collect(),
    }
}

/// The inputs the fuzzer kept for a dialect.
pub(crate) fn generated(dialect: Dialect) -> Vec<Case> {
    let path = folder().join(dialect.name()).join("generated.txt");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter(|line| !line.starts_with('#')).filter_map(kept).collect()
}

/// A line of a topic and hexadecimal digits.
pub(crate) fn kept(line: &str) -> Option<Case> {
    let (topic, digits) = line.split_once('\t')?;
    let payload = bytes_of(digits);
    Some(Case { name: String::new(), topic: topic.to_owned(), payload, expected: Vec::new() })
}

/// Bytes from hexadecimal digits.
pub(crate) fn bytes_of(digits: &str) -> Vec<u8> {
    let pair = |at: usize| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..digits.len()).step_by(2).map(|at| pair(at).unwrap_or_else(|| panic!("no hex: {digits}"))).collect()
}

/// A body, one line per item.
pub(crate) fn shown(body: &MessageBody) -> Vec<String> {
    match body {
        MessageBody::Rejected(Rejection { reason, field, place }) => {
            vec![format!("rejected {reason} {field} {place}")]
        }
        MessageBody::Items(items) => items.iter().map(line).collect(),
    }
}

fn line(item: &Item) -> String {
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
        text += &format!(" @{}", utc(time));
    }
    if let Some((start, end)) = item.period {
        text += &format!(" [{},{})", utc(start), utc(end));
    }
    if let Some(place) = item.place {
        text += &format!(" ({},{})", place.longitude_e7, place.latitude_e7);
    }
    if let Some(sequence) = item.sequence {
        text += &format!(" seq {sequence}");
    }
    if let Some(boot) = item.boot {
        text += &format!(" boot {boot}");
    }
    if item.flags.0 != 0 {
        text += &format!(" flags {}", item.flags.0);
    }
    text
}

fn utc(time: EventTime) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(time.0))
        .map_or_else(|_| "?".to_owned(), |time| time.to_string())
}
