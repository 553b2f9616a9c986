//! A logged message told as lines of a story: what `parse_story` reads back.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use nhip_proto::{ArrivalTime, Item, ItemFlags, ItemName, ItemValue, SourceId, StreamId};

use crate::span_text;

/// What every item of one line shares.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Envelope {
    time: Option<i64>,
    period: Option<i64>,
    identity: Option<u128>,
    sequence: Option<u64>,
    boot: Option<u64>,
    fault: bool,
}

/// The lines `at …` of one message: one for the items of each moment, in their order. What a story cannot say is left
/// out: undeclared names and values, aliases, places. Times are told in `zone`, with their offset.
#[must_use]
pub fn tell_message(
    stream: &StreamId,
    source: &SourceId,
    arrival: ArrivalTime,
    items: &[Item],
    zone: &TimeZone,
) -> Vec<String> {
    let mut lines: Vec<(Envelope, Vec<String>)> = Vec::new();
    for item in items {
        let Some(told) = tell_item(item) else { continue };
        let envelope = envelope_of(item);
        match lines.iter_mut().find(|(known, _)| *known == envelope) {
            Some((_, values)) => values.push(told),
            None => lines.push((envelope, vec![told])),
        }
    }
    let line = |(envelope, values): (Envelope, Vec<String>)| {
        let at = tell_time(envelope.time.unwrap_or(arrival.0), zone);
        let mut words = vec!["at".to_owned(), at, stream.to_string(), source.to_string()];
        words.extend(values);
        words.extend(envelope.words());
        if envelope.time.is_some_and(|time| time != arrival.0) {
            words.push(format!("arrives={}", tell_time(arrival.0, zone)));
        }
        words.join(" ")
    };
    lines.into_iter().map(line).collect()
}

/// A time as a story reads it: `2026-11-21T07:00:05+07:00`.
#[must_use]
pub fn tell_time(nanoseconds: i64, zone: &TimeZone) -> String {
    let instant = Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or(Timestamp::UNIX_EPOCH);
    instant.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string()
}

impl Envelope {
    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        words.extend(self.period.map(|length| format!("period={}", span_text(length))));
        words.extend(self.identity.map(|identity| format!("id={identity:032x}")));
        words.extend(self.boot.map(|boot| format!("boot={boot}")));
        words.extend(self.sequence.map(|sequence| format!("seq={sequence}")));
        words.extend(self.fault.then(|| "fault".to_owned()));
        words.extend(self.time.is_none().then(|| "untimed".to_owned()));
        words
    }
}

fn envelope_of(item: &Item) -> Envelope {
    Envelope {
        time: item.event_time.map(|time| time.0),
        period: item.period.map(|(start, end)| end.0.saturating_sub(start.0)).filter(|length| *length > 0),
        identity: item.identity,
        sequence: item.sequence,
        boot: item.boot,
        fault: item.flags.has(ItemFlags::DEVICE_FAULT),
    }
}

/// None: a story cannot say it.
fn tell_item(item: &Item) -> Option<String> {
    let ItemName::Text(name) = &item.name else { return None };
    if item.flags.has(ItemFlags::UNDECLARED_VALUE) {
        return None;
    }
    let value = match &item.value {
        ItemValue::Number(number) => format!("{number}{}", item.unit),
        ItemValue::State(state) => state.clone(),
        ItemValue::Missing => "null".to_owned(),
    };
    let one_word = |text: &str| !text.contains(|sign: char| sign.is_whitespace() || sign == '#');
    (one_word(name) && one_word(&value) && !name.contains('=')).then(|| format!("{name}={value}"))
}

#[cfg(test)]
mod tests {
    use nhip_proto::{Decimal, EventTime, MINUTE};

    use super::*;
    use crate::story::{Act, StoryValue, parse_story};

    fn named(name: &str, value: ItemValue, time: i64) -> Item {
        let item = Item::bare(ItemName::Text(name.to_owned()), value);
        Item { event_time: Some(EventTime(time)), ..item }
    }

    #[test]
    fn a_message_is_told_and_read_back() {
        let start = 1_795_219_200_000_000_000;
        let zone = crate::named_zone("Asia/Ho_Chi_Minh").expect("a zone");
        let number = ItemValue::Number(Decimal::new(352, 1));
        let state = ItemValue::State("online".to_owned());
        let later = start + MINUTE;
        let items = [
            Item { unit: "µg/m³".to_owned(), sequence: Some(7), ..named("pm25", number, start) },
            Item { sequence: Some(7), ..named("no2", ItemValue::Missing, start) },
            Item { period: Some((EventTime(start), EventTime(later))), ..named("status", state, later) },
            Item::bare(ItemName::Undeclared(3), ItemValue::Missing),
        ];
        let (stream, source) = (StreamId::new("air"), SourceId::new("s1"));
        let lines = tell_message(&stream, &source, ArrivalTime(later), &items, &zone);
        assert_eq!(
            lines,
            [
                "at 2026-11-21T07:00:00+07:00 air s1 pm25=35.2µg/m³ no2=null seq=7 \
                 arrives=2026-11-21T07:01:00+07:00",
                "at 2026-11-21T07:01:00+07:00 air s1 status=online period=1m",
            ]
        );
        let story = parse_story("x", 1, &lines.join("\n"), &zone).expect("a story");
        let Act::Message(first) = &story.steps[0].act else { panic!("a message") };
        assert_eq!((first.time, first.arrival), (Some(EventTime(start)), ArrivalTime(later)));
        assert_eq!(first.values[1], ("no2".to_owned(), StoryValue::Missing));
        assert_eq!((first.sequence, first.period), (Some(7), None));
        let Act::Message(second) = &story.steps[1].act else { panic!("a message") };
        assert_eq!((second.period, second.arrival), (Some(MINUTE), ArrivalTime(later)));
    }
}
