//! The same figures again, the slow and plain way: everything from the whole list, in ordered maps. It shares no
//! code with the engine but the vocabulary, and knows the test profile by heart instead of reading it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use nhip_proto::{Item, ItemFlags, ItemName, ItemValue, Level, MINUTE, divide_half_even};

use crate::measured;
use crate::world::{HOUR, Said, sources};

/// Indicator, area (`area@group`), window start.
pub(crate) type Key = (String, String, i64);

/// Numerator, denominator, value, k, m, level.
pub(crate) type Final = (i128, i128, Option<i128>, u32, u32, Level);

/// A reading that stands.
pub(crate) struct Stands {
    pub(crate) source: String,
    pub(crate) area: &'static str,
    pub(crate) time: i64,
    /// Every valid value of its message.
    pub(crate) beside: BTreeMap<String, Value>,
    pub(crate) name: String,
    pub(crate) value: Value,
    pub(crate) order: (i64, u64, Value),
    pub(crate) id: Option<u128>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    Number(i128),
    State(String),
}

/// Where every item of a source went: applied, duplicate, late, rejected.
pub(crate) type Ledger = BTreeMap<String, [u64; 4]>;

/// All finals of a list of messages, if every window is closed at the end; and the ledger.
pub(crate) fn finals(each: usize, said: &[Said]) -> (BTreeMap<Key, Final>, Ledger) {
    let (standing, ledger) = judge(each, said);
    let mut due: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for (_, stream, area) in sources(each) {
        *due.entry((stream, area)).or_default() += 1;
        *due.entry((stream, "P")).or_default() += 1;
    }
    let mut finals = BTreeMap::new();
    for (id, stream, length, scale) in INDICATORS {
        for area in ["A", "B", "C", "P"] {
            let here: Vec<&Stands> = standing
                .iter()
                .filter(|s| (s.area == area || area == "P") && drives(id, s) && s.source.starts_with(stream))
                .collect();
            let m = due.get(&(stream, area)).copied().unwrap_or(0);
            let mut before = Level::Normal;
            for (start, (above, below, k)) in windows(id, length, &here) {
                let value = shown(id, above, below, scale);
                before = level(id, start, value, before);
                finals.insert((id.to_owned(), area.to_owned(), start), (above, below, value, k, m, before));
            }
        }
    }
    measured::add_finals(&standing, &due, &mut finals);
    (finals, ledger)
}

/// Indicator, stream, window length (0: civil day), digits shown.
const INDICATORS: [(&str, &str, i64, u32); 10] = [
    ("env.pm25_10m", "air", 10 * MINUTE, 2),
    ("env.pm25_1d", "air", 0, 1),
    ("env.temp_max_1h", "air", HOUR, 1),
    ("env.temp_min_1h", "air", HOUR, 1),
    ("env.temp_last", "air", 10 * MINUTE, 1),
    ("traffic.trucks_5m", "traffic", 5 * MINUTE, 0),
    ("traffic.readings_15m", "traffic", 15 * MINUTE, 0),
    ("traffic.speed_15m", "traffic", 15 * MINUTE, 1),
    ("traffic.truck_share_1h", "traffic", HOUR, 1),
    ("traffic.online_10m", "camera", 10 * MINUTE, 2),
];

fn judge(each: usize, said: &[Said]) -> (Vec<Stands>, Ledger) {
    let known: BTreeMap<String, (&str, &'static str)> =
        sources(each).into_iter().map(|(id, stream, area)| (id, (stream, area))).collect();
    let mut greatest: BTreeMap<String, i64> = BTreeMap::new();
    let mut seen: BTreeSet<(String, String, String)> = BTreeSet::new();
    let mut ledger = Ledger::new();
    let mut standing = Vec::new();
    for said in said {
        let counts = ledger.entry(said.source.clone()).or_default();
        let Ok(items) = &said.body else { continue };
        let Some((stream, area)) = known.get(&said.source).filter(|(stream, _)| *stream == said.stream)
        else {
            counts[3] += items.len() as u64;
            continue;
        };
        let beside: BTreeMap<String, Value> =
            items.iter().filter_map(|item| Some((name(item)?, valid(item)?))).collect();
        for item in items {
            let (Some(name), Some(value)) = (name(item), valid(item)) else {
                counts[3] += 1;
                continue;
            };
            let time = item.event_time.map_or(said.arrival, |time| time.0);
            if time > said.arrival + 5 * MINUTE || time < 946_684_800_000_000_000 {
                counts[3] += 1;
                continue;
            }
            if greatest.get(&said.source).is_some_and(|greatest| time < greatest - HOUR) {
                counts[2] += 1;
                continue;
            }
            let identity = match *stream {
                "air" | "meter" => format!("{time}"),
                "traffic" => format!("{:?}/{:?}", item.boot, item.sequence),
                _ => format!("{time}/{value:?}"),
            };
            if !seen.insert((said.source.clone(), name.clone(), identity)) {
                counts[1] += 1;
                continue;
            }
            counts[0] += 1;
            let newest = greatest.entry(said.source.clone()).or_insert(time);
            *newest = (*newest).max(time);
            let order = (time, item.sequence.unwrap_or(0), value.clone());
            let source = said.source.clone();
            let (beside, id) = (beside.clone(), item.identity);
            standing.push(Stands { source, area, time, beside, name, value, order, id });
        }
    }
    (standing, ledger)
}

fn name(item: &Item) -> Option<String> {
    match &item.name {
        ItemName::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn valid(item: &Item) -> Option<Value> {
    if item.flags == ItemFlags::DEVICE_FAULT {
        return None;
    }
    match &item.value {
        ItemValue::State(state) => Some(Value::State(state.clone())),
        ItemValue::Missing => None,
        ItemValue::Number(number) => {
            let (scale, max) = match name(item)?.as_str() {
                "pm25" => (1, 20_000),
                "temp" => (1, 600),
                "count" => (0, 1_000),
                "total" => (0, 10_000),
                "weight" => (0, 100),
                "noise" => (1, 1_500),
                _ => (1, 2_000),
            };
            let thousand = if item.unit == "mg/m3" { 1_000 } else { 1 };
            let digits = number.mantissa.checked_mul(thousand * 10_i128.pow(scale))?;
            let kept = divide_half_even(digits, 10_i128.pow(u32::from(number.scale)))?;
            (kept.abs() <= max).then_some(Value::Number(kept))
        }
    }
}

fn drives(id: &str, stands: &Stands) -> bool {
    let is = |name: &str| stands.name == name;
    match id {
        "env.pm25_10m" | "env.pm25_1d" => is("pm25"),
        "env.temp_max_1h" | "env.temp_min_1h" | "env.temp_last" => is("temp"),
        "traffic.trucks_5m" => {
            is("count") && stands.beside.get("class") == Some(&Value::State("truck".to_owned()))
        }
        "traffic.readings_15m" => is("count"),
        "traffic.speed_15m" => is("count") || (is("speed") && stands.beside.contains_key("count")),
        "traffic.truck_share_1h" => is("class"),
        _ => is("status"),
    }
}

type Amounts = BTreeMap<i64, (i128, i128, u32)>;

fn windows(id: &str, length: i64, here: &[&Stands]) -> Amounts {
    if id == "traffic.online_10m" {
        return online(length, here);
    }
    let mut by_window: BTreeMap<i64, Vec<&Stands>> = BTreeMap::new();
    for stands in here {
        by_window.entry(start_of(length, stands.time)).or_default().push(stands);
    }
    by_window
        .into_iter()
        .map(|(start, here)| {
            let k = here.iter().map(|stands| &stands.source).collect::<BTreeSet<_>>().len() as u32;
            let (above, below) = amounts(id, &here);
            (start, (if below == 0 { 0 } else { above }, below, k))
        })
        .collect()
}

fn amounts(id: &str, here: &[&Stands]) -> (i128, i128) {
    let number = |value: &Value| match value {
        Value::Number(number) => *number,
        Value::State(_) => 0,
    };
    let values = || here.iter().map(|stands| number(&stands.value));
    let count = here.len() as i128;
    match id {
        "env.pm25_10m" | "env.pm25_1d" => (values().sum(), count),
        "env.temp_max_1h" => (values().max().unwrap_or(0), 1),
        "env.temp_min_1h" => (values().min().unwrap_or(0), 1),
        "env.temp_last" => {
            let mut last: BTreeMap<&str, &Stands> = BTreeMap::new();
            for stands in here {
                let kept = last.entry(&stands.source).or_insert(stands);
                if stands.order > kept.order {
                    *kept = stands;
                }
            }
            (last.values().map(|stands| number(&stands.value)).sum(), last.len() as i128)
        }
        "traffic.trucks_5m" => (values().sum(), 1),
        "traffic.readings_15m" => (count, 1),
        "traffic.speed_15m" => {
            let of = |name: &'static str| here.iter().filter(move |stands| stands.name == name);
            let product = |stands: &&Stands| number(&stands.value) * number(&stands.beside["count"]);
            (of("speed").map(product).sum(), of("count").map(|s| number(&s.value)).sum())
        }
        _ => {
            let truck = Value::State("truck".to_owned());
            (here.iter().filter(|stands| stands.value == truck).count() as i128, count)
        }
    }
}

/// Known and counted nanoseconds of each window, from each source's samples in order.
fn online(length: i64, here: &[&Stands]) -> Amounts {
    let mut by_source: BTreeMap<&str, Vec<&Stands>> = BTreeMap::new();
    for stands in here {
        by_source.entry(&stands.source).or_default().push(stands);
    }
    let mut windows = Amounts::new();
    for samples in by_source.values_mut() {
        samples.sort_by(|left, right| left.order.cmp(&right.order));
        let mut touched = BTreeSet::new();
        for (at, sample) in samples.iter().enumerate() {
            let mut from = sample.time;
            let until =
                (sample.time + 3 * MINUTE).min(samples.get(at + 1).map_or(i64::MAX, |next| next.time));
            while from < until {
                let start = start_of(length, from);
                let to = until.min(start + length);
                let window = windows.entry(start).or_default();
                window.1 += i128::from(to - from);
                if sample.value != Value::State("offline".to_owned()) {
                    window.0 += i128::from(to - from);
                }
                touched.insert(start);
                from = to;
            }
        }
        for start in touched {
            windows.entry(start).or_default().2 += 1;
        }
    }
    windows
}

fn start_of(length: i64, time: i64) -> i64 {
    if length > 0 {
        return time.div_euclid(length) * length;
    }
    // Vietnam has no summer time: midnight is 17:00Z.
    (time + 7 * HOUR).div_euclid(24 * HOUR) * 24 * HOUR - 7 * HOUR
}

fn shown(id: &str, above: i128, below: i128, scale: u32) -> Option<i128> {
    let (factor, digits) = match id {
        "traffic.truck_share_1h" | "traffic.online_10m" => (100, 0),
        "traffic.trucks_5m" | "traffic.readings_15m" => (1, 0),
        _ => (1, 1),
    };
    divide_half_even(above * factor * 10_i128.pow(scale), below * 10_i128.pow(digits))
}

fn level(id: &str, start: i64, value: Option<i128>, before: Level) -> Level {
    let zone = TimeZone::fixed(jiff::tz::offset(7));
    let day = zone.to_datetime(jiff::Timestamp::from_second(start / 1_000_000_000).expect("a time")).date();
    let beyond = |exceeded: bool, held: bool| match value {
        _ if before == Level::Exceeded && held => Level::Exceeded,
        Some(_) if exceeded => Level::Exceeded,
        _ => Level::Normal,
    };
    match id {
        "env.pm25_10m" => beyond(value.is_some_and(|v| v > 5_000), value.is_none_or(|v| v > 4_500)),
        "traffic.online_10m" if day >= jiff::civil::date(2026, 11, 21) => {
            beyond(value.is_some_and(|v| v < 7_500), value.is_none_or(|v| v < 8_000))
        }
        _ => Level::None,
    }
}
