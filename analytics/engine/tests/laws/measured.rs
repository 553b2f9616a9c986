//! The aggregates over samples, sets and terms again, the plain way: with groups, and windows that hop.

use std::collections::{BTreeMap, BTreeSet};

use nhip_proto::{Level, MINUTE, divide_half_even};

use crate::model::{Final, Key, Stands, Value};
use crate::world::HOUR;

/// Indicator, window length, hop, digits shown, split by.
const INDICATORS: [(&str, i64, i64, u32, &str); 15] = [
    ("meter.first_10m", 10 * MINUTE, 10 * MINUTE, 1, ""),
    ("meter.delta_10m", 10 * MINUTE, 10 * MINUTE, 0, ""),
    ("meter.rate_1h", HOUR, HOUR, 1, ""),
    ("meter.p85_10m", 10 * MINUTE, 10 * MINUTE, 1, ""),
    ("meter.ids_1h", HOUR, HOUR, 0, ""),
    ("meter.heard_10m", 10 * MINUTE, 10 * MINUTE, 0, ""),
    ("meter.paces_1h", HOUR, HOUR, 0, "kind"),
    ("meter.leq_10m", 10 * MINUTE, 10 * MINUTE, 1, ""),
    ("meter.pace_10m", 10 * MINUTE, 10 * MINUTE, 2, "source"),
    ("meter.alarms_10m", 10 * MINUTE, 10 * MINUTE, 0, "source"),
    ("meter.delta_hop", 30 * MINUTE, 10 * MINUTE, 0, "source"),
    ("meter.delta_kind", 10 * MINUTE, 10 * MINUTE, 0, "kind"),
    ("meter.count_hop", 30 * MINUTE, 10 * MINUTE, 0, "kind"),
    ("meter.active_hop", 30 * MINUTE, 10 * MINUTE, 2, "source"),
    ("meter.active_kind", 10 * MINUTE, 10 * MINUTE, 2, "kind"),
];

/// What one reading gives to one window.
struct Gift<'a> {
    start: i64,
    stands: &'a Stands,
    above: i128,
    below: i128,
}

/// Adds the finals of every indicator of the meters. `due` tells how many sources are due, by stream and area.
pub(crate) fn add_finals(
    standing: &[Stands],
    due: &BTreeMap<(&str, &str), u32>,
    finals: &mut BTreeMap<Key, Final>,
) {
    let meters: Vec<&Stands> = standing.iter().filter(|stands| stands.source.starts_with("meter")).collect();
    for (id, length, hop, scale, split) in INDICATORS {
        let mut windows: BTreeMap<(String, i64), (u32, Vec<&Gift<'_>>)> = BTreeMap::new();
        let gifts = gifts(id, length, hop, split, &meters);
        for gift in &gifts {
            for area in [gift.stands.area, "P"] {
                let m = due.get(&("meter", area)).copied().unwrap_or(0);
                let window = windows.entry((area.to_owned(), gift.start)).or_default();
                window.0 = m;
                window.1.push(gift);
                if !split.is_empty() {
                    let place = format!("{area}@{}", group(split, gift.stands));
                    let window = windows.entry((place, gift.start)).or_default();
                    window.0 = if split == "source" { 1 } else { m };
                    window.1.push(gift);
                }
            }
        }
        for ((place, start), (m, gifts)) in windows {
            let k = gifts.iter().map(|gift| &gift.stands.source).collect::<BTreeSet<_>>().len() as u32;
            let (above, below) = amounts(id, &gifts);
            let value = shown(id, above, below, scale, &gifts);
            let above = if below == 0 { 0 } else { above };
            finals.insert((id.to_owned(), place, start), (above, below, value, k, m, Level::None));
        }
    }
}

fn group(split: &str, stands: &Stands) -> String {
    match (split, stands.beside.get("kind")) {
        ("source", _) => stands.source.clone(),
        (_, Some(Value::State(kind))) => kind.clone(),
        _ => "other".to_owned(),
    }
}

fn starts(length: i64, hop: i64, time: i64) -> impl Iterator<Item = i64> {
    let last = time.div_euclid(hop) * hop;
    (0..length / hop).map(move |back| last - back * hop)
}

fn number(value: &Value) -> i128 {
    match value {
        Value::Number(number) => *number,
        Value::State(_) => 0,
    }
}

fn gifts<'a>(id: &str, length: i64, hop: i64, split: &str, meters: &[&'a Stands]) -> Vec<Gift<'a>> {
    let mut gifts = Vec::new();
    let mut give = |stands: &'a Stands, above: i128, below: i128| {
        let gift = |start| Gift { start, stands, above, below };
        gifts.extend(starts(length, hop, stands.time).map(gift));
    };
    let of = |name: &'static str| meters.iter().copied().filter(move |stands| stands.name == name);
    match id {
        "meter.first_10m" | "meter.p85_10m" | "meter.leq_10m" => {
            of("noise").for_each(|stands| give(stands, number(&stands.value), 1));
        }
        "meter.count_hop" => of("noise").for_each(|stands| give(stands, 1, 1)),
        "meter.paces_1h" => of("pace").for_each(|stands| give(stands, number(&stands.value), 1)),
        "meter.ids_1h" => meters.iter().filter(|stands| stands.id.is_some()).for_each(|stands| {
            give(stands, stands.id.map_or(0, |id| id as i128), 1);
        }),
        "meter.heard_10m" => meters.iter().for_each(|stands| give(stands, 0, 1)),
        "meter.pace_10m" => {
            for stands in of("pace").filter(|stands| number(&stands.value) > 0) {
                let Some(weight) = stands.beside.get("weight").map(number) else { continue };
                let scaled = weight * 1_000_000_000_000;
                let (whole, rest) = (scaled / number(&stands.value), scaled % number(&stands.value));
                give(stands, weight, whole + i128::from(rest * 2 > number(&stands.value)));
            }
        }
        "meter.alarms_10m" => {
            for samples in in_order(of("alarm"), "").values() {
                let active = |stands: &Stands| stands.value == Value::State("active".to_owned());
                let mut before: Option<&Stands> = None;
                for stands in samples.iter().copied() {
                    let held = |b: &Stands| active(b) && stands.time - b.time <= 3 * MINUTE;
                    give(stands, i128::from(active(stands) && !before.is_some_and(held)), 0);
                    before = Some(stands);
                }
            }
        }
        "meter.active_hop" => return held(length, hop, &in_order(of("alarm"), "")),
        "meter.active_kind" => return held(length, hop, &in_order(of("alarm"), "kind")),
        _ => {
            let most = if id == "meter.delta_10m" || id == "meter.delta_hop" { 500 } else { i128::MAX };
            let split = if split == "kind" { "kind" } else { "" };
            for samples in in_order(of("total"), split).values() {
                for pair in samples.windows(2) {
                    let (from, to) = (number(&pair[0].value), number(&pair[1].value));
                    let grown = if to < from { to } else { to - from };
                    let time = i128::from(pair[1].time - pair[0].time);
                    if grown > most { give(pair[1], 0, 0) } else { give(pair[1], grown, time) }
                }
            }
        }
    }
    gifts
}

/// Each source's (and group's) samples by event time, sequence and value.
fn in_order<'a>(
    samples: impl Iterator<Item = &'a Stands>,
    split: &str,
) -> BTreeMap<(&'a str, String), Vec<&'a Stands>> {
    let mut lists: BTreeMap<(&str, String), Vec<&Stands>> = BTreeMap::new();
    for stands in samples {
        let group = if split.is_empty() { String::new() } else { group(split, stands) };
        lists.entry((&stands.source, group)).or_default().push(stands);
    }
    lists.values_mut().for_each(|list| list.sort_by(|left, right| left.order.cmp(&right.order)));
    lists
}

fn held<'a>(length: i64, hop: i64, lists: &BTreeMap<(&'a str, String), Vec<&'a Stands>>) -> Vec<Gift<'a>> {
    let mut gifts = Vec::new();
    for samples in lists.values() {
        for (at, stands) in samples.iter().copied().enumerate() {
            let next = samples.get(at + 1).map_or(i64::MAX, |next| next.time);
            let (from, to) = (stands.time, next.min(stands.time + 3 * MINUTE));
            let active = stands.value == Value::State("active".to_owned());
            let mut start = starts(length, hop, from).last().unwrap_or(0);
            while start < to && from < to {
                let below = i128::from(to.min(start + length) - from.max(start));
                gifts.push(Gift { start, stands, above: if active { below } else { 0 }, below });
                start += hop;
            }
        }
    }
    gifts
}

fn amounts(id: &str, gifts: &[&Gift<'_>]) -> (i128, i128) {
    let (above, below) = (gifts.iter().map(|gift| gift.above), gifts.iter().map(|gift| gift.below));
    match id {
        "meter.first_10m" => {
            let mut firsts: BTreeMap<&str, &Stands> = BTreeMap::new();
            for gift in gifts {
                let first = firsts.entry(&gift.stands.source).or_insert(gift.stands);
                if gift.stands.order < first.order {
                    *first = gift.stands;
                }
            }
            (firsts.values().map(|stands| number(&stands.value)).max().unwrap_or(0), 1)
        }
        "meter.ids_1h" | "meter.paces_1h" => (above.collect::<BTreeSet<_>>().len() as i128, 1),
        "meter.heard_10m" => {
            let sources: BTreeSet<&str> = gifts.iter().map(|gift| gift.stands.source.as_str()).collect();
            (sources.len() as i128, 1)
        }
        "meter.delta_10m" | "meter.delta_hop" | "meter.delta_kind" | "meter.alarms_10m"
        | "meter.count_hop" => (above.sum(), 1),
        "meter.p85_10m" => {
            let mut values: Vec<i128> = above.collect();
            values.sort_unstable();
            (values[(values.len() * 85).div_ceil(100) - 1], 1)
        }
        _ => (above.sum(), below.sum()),
    }
}

fn shown(id: &str, above: i128, below: i128, scale: u32, gifts: &[&Gift<'_>]) -> Option<i128> {
    let ten = |power: u32| 10_i128.pow(power);
    match id {
        "meter.leq_10m" => {
            let energy = |gift: &&Gift<'_>| power_of_ten(gift.above as f64 / 100.0);
            let mean = gifts.iter().map(energy).sum::<f64>() / gifts.len() as f64;
            Some((mean.log10() * 100.0).round() as i128)
        }
        "meter.rate_1h" => divide_half_even(above * i128::from(HOUR) * ten(scale), below),
        // Kilometres an hour in tenths, over a sum with twelve digits behind the point.
        "meter.pace_10m" => divide_half_even(above * ten(12 + scale - 1), below),
        "meter.active_hop" | "meter.active_kind" => divide_half_even(above * 100 * ten(scale), below),
        "meter.first_10m" | "meter.p85_10m" => Some(above),
        _ => divide_half_even(above * ten(scale), below),
    }
}

#[expect(clippy::disallowed_methods, reason = "the model stands on other arithmetic than the engine")]
fn power_of_ten(exponent: f64) -> f64 {
    10_f64.powf(exponent)
}
