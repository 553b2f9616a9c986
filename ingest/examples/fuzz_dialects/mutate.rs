//! Changes to a payload and its topic: of bytes, of tokens (numbers, texts, tags) and of structure.

use super::corpus::Case;
use super::properties::CANARY;
use super::random::Random;

/// Bytes of a mutated payload: the time belongs to many small inputs.
const BYTES_MAX: usize = 4 * 1024;
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-1",
    "1",
    "0.1",
    "1e400",
    "1e-400",
    "1E+28",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551616",
    "99999999999999999999999999999",
    "0.0000000000000000000000000001",
    "1795219200",
    "1795219200125",
    "9223372036.854775807",
    "9223372036.854775808",
    "NaN",
    "001",
    "null",
    "true",
    "[]",
    "{}",
];
const TEXTS: &[&str] = &[
    "",
    " ",
    CANARY,
    "1",
    "0",
    "-12.5",
    "true",
    "false",
    "NaN",
    "null",
    "online",
    "2026-11-21T00:00:00Z",
    "2026-11-21T07:00:00",
    "2026-11-21 07:00:00",
    "2026-11-21T07:00:00+07:00/2026-11-21T08:00:00+07:00",
    "0001-01-01T00:00:00Z/9999-12-31T23:59:59Z",
    "1677-09-21T00:12:43Z",
    "2262-04-11T23:47:17Z",
    "2026-02-30T07:00:00",
    "\\ud83d\\ude00",
    "\\ud800",
    "\\u0000",
    "Nguy\u{1ec5}n V\u{103}n A",
    "$serde_json::private::Number",
    "&",
    "&amp;",
    "&#x41;",
    "&#xD800;",
    "<",
    "../..",
    "active",
    "up",
    "GQ",
];
const SNIPPETS: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\"",
    "\\",
    "<!-- x -->",
    "<![CDATA[x]]>",
    "<?x?>",
    "<!DOCTYPE a>",
    "</a>",
    "<a>",
    "<a/>",
    "\u{feff}",
    "\u{0}",
    "[[[[[[[[[[[[[[[[[[",
    "/",
    "'",
    "\r\n",
    "\t",
    ";",
    "\u{202e}",
];

/// A changed copy of a case: topic and payload.
pub(crate) fn mutated(seeds: &[Case], random: &mut Random) -> (String, Vec<u8>) {
    let seed = random.pick(seeds);
    let (mut topic, mut payload) = (seed.topic.clone(), seed.payload.clone());
    if random.one_in(50) {
        let length = random.below(300);
        payload = (0..length).map(|_| random.next() as u8).collect();
    }
    for _ in 0..=random.below(4) {
        match random.below(12) {
            0 => flip(&mut payload, random),
            1 => cut(&mut payload, random),
            2 => repeat(&mut payload, random),
            3 => insert(&mut payload, random.pick(SNIPPETS).as_bytes(), random),
            4 => splice(&mut payload, &random.pick(seeds).payload.clone(), random),
            5..=6 => replace_number(&mut payload, random),
            7..=8 => replace_text(&mut payload, random),
            9 => swap_texts(&mut payload, random),
            10 => drop_member(&mut payload, random),
            _ => topic = changed_topic(&topic, seeds, random),
        }
    }
    payload.truncate(BYTES_MAX);
    (topic, payload)
}

fn range(length: usize, random: &mut Random) -> std::ops::Range<usize> {
    let start = random.below(length + 1);
    let reach = if random.one_in(4) { length } else { 16 };
    let end = (start + random.below(reach + 1)).min(length);
    start..end
}

fn flip(payload: &mut [u8], random: &mut Random) {
    let at = random.below(payload.len());
    if let Some(byte) = payload.get_mut(at) {
        *byte = if random.one_in(2) { random.next() as u8 } else { *byte ^ (1 << random.below(8)) };
    }
}

fn cut(payload: &mut Vec<u8>, random: &mut Random) {
    if random.one_in(4) {
        payload.truncate(random.below(payload.len() + 1));
    } else {
        payload.drain(range(payload.len(), random));
    }
}

fn repeat(payload: &mut Vec<u8>, random: &mut Random) {
    let part: Vec<u8> = payload.get(range(payload.len(), random)).unwrap_or_default().to_vec();
    let times = if random.one_in(20) { 200 } else { 1 };
    insert(payload, &part.repeat(times), random);
}

fn insert(payload: &mut Vec<u8>, part: &[u8], random: &mut Random) {
    let at = random.below(payload.len() + 1);
    payload.splice(at..at, part.iter().copied());
}

fn splice(payload: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let part = other.get(range(other.len(), random)).unwrap_or_default().to_vec();
    let place = range(payload.len(), random);
    payload.splice(place, part);
}

/// The stretches of bytes for which `inside` holds.
fn tokens(payload: &[u8], inside: impl Fn(u8) -> bool) -> Vec<std::ops::Range<usize>> {
    let mut tokens = Vec::new();
    let mut start = None;
    for (at, byte) in payload.iter().enumerate() {
        match (inside(*byte), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                tokens.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    tokens.extend(start.map(|from| from..payload.len()));
    tokens
}

fn replace_number(payload: &mut Vec<u8>, random: &mut Random) {
    let numbers = tokens(payload, |byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e'));
    if numbers.is_empty() {
        return;
    }
    let place = random.pick(&numbers).clone();
    let number = random.pick(NUMBERS);
    payload.splice(place, number.bytes());
}

/// Texts between quotes, and between tags.
fn texts(payload: &[u8]) -> Vec<std::ops::Range<usize>> {
    let quoted = tokens(payload, |byte| byte != b'"');
    let tagged = tokens(payload, |byte| !matches!(byte, b'<' | b'>'));
    quoted.into_iter().skip(1).step_by(2).chain(tagged.into_iter().filter(|token| token.len() < 64)).collect()
}

fn replace_text(payload: &mut Vec<u8>, random: &mut Random) {
    let texts = texts(payload);
    if texts.is_empty() {
        return;
    }
    let place = random.pick(&texts).clone();
    let text = random.pick(TEXTS);
    if random.one_in(30) {
        payload.splice(place, text.repeat(100).bytes());
    } else {
        payload.splice(place, text.bytes());
    }
}

/// A text in the place of another: known names where they do not belong.
fn swap_texts(payload: &mut Vec<u8>, random: &mut Random) {
    let texts = texts(payload);
    if texts.len() < 2 {
        return;
    }
    let text = payload.get(random.pick(&texts).clone()).unwrap_or_default().to_vec();
    payload.splice(random.pick(&texts).clone(), text);
}

/// Takes out what stands between two commas.
fn drop_member(payload: &mut Vec<u8>, random: &mut Random) {
    let members = tokens(payload, |byte| byte != b',');
    if members.len() < 2 {
        return;
    }
    let place = random.pick(&members).clone();
    let end = (place.end + 1).min(payload.len());
    payload.drain(place.start..end);
}

fn changed_topic(topic: &str, seeds: &[Case], random: &mut Random) -> String {
    let mut levels: Vec<&str> = topic.split('/').collect();
    let at = random.below(levels.len());
    match random.below(4) {
        0 => return random.pick(seeds).topic.clone(),
        1 => levels.insert(at, CANARY),
        2 => {
            levels.remove(at);
        }
        _ => {
            if let Some(level) = levels.get_mut(at) {
                *level = random.pick::<&str>(TEXTS);
            }
        }
    }
    levels.join("/")
}
