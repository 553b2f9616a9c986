//! The ways in which a definition may be wrong: aggregate, roll-up, window, sign, limit, date, unit, filter.

use std::fmt;

use nhip_profile::Profile;
use nhip_proto::IndicatorId;

use crate::blocks::{self, Block, Kind, quoted, value_of};

/// One line of one table, changed.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    pub(crate) block: Block,
    line: usize,
    to: String,
}

impl Mutant {
    /// Another text in place of a line of the table; an empty one takes it away.
    pub(crate) fn of(block: &Block, line: usize, to: &str) -> Self {
        Self { block: block.clone(), line, to: to.to_owned() }
    }

    /// The files with the change.
    pub(crate) fn apply(&self, files: &[(String, String)]) -> Vec<(String, String)> {
        let mut files = files.to_vec();
        for (_, text) in files.iter_mut().filter(|(path, _)| *path == self.block.path) {
            let mut lines: Vec<&str> = text.lines().collect();
            lines[self.block.first + self.line] = &self.to;
            *text = lines.join("\n") + "\n";
        }
        files
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Block { kind, owner, lines, .. } = &self.block;
        let kind = format!("{kind:?}").to_lowercase();
        let date = lines.iter().find(|line| line.starts_with("valid_from")).filter(|_| kind == "threshold");
        let date = date.map_or(String::new(), |date| format!(" ({date})"));
        write!(f, "{kind} {owner}{date}: {} -> {}", lines[self.line], self.to)
    }
}

/// All mutants of a profile, in its order.
pub(crate) fn mutants(files: &[(String, String)], profile: &Profile) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for block in blocks::of(files) {
        for (number, line) in block.lines.iter().enumerate() {
            let changed = match block.kind {
                Kind::Indicator => of_indicator(line, &block, profile),
                Kind::Threshold => of_threshold(line),
                Kind::Stream => of_stream(line),
                Kind::WaterLevel => of_water_level(line),
            };
            let other = changed.iter().filter(|to| *to != line);
            mutants.extend(other.map(|to| Mutant::of(&block, number, to)));
        }
    }
    mutants
}

fn of_indicator(line: &str, block: &Block, profile: &Profile) -> Vec<String> {
    let Some((key, value)) = line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) else {
        return Vec::new();
    };
    match key {
        "sum" | "mean" | "min" | "max" => ["sum", "mean", "min", "max"]
            .into_iter()
            .filter(|other| *other != key)
            .map(|o| format!("{o} = {value}"))
            .collect(),
        "leq" | "harmonic_mean" => vec![format!("mean = {value}"), format!("max = {value}")],
        "last" => vec![format!("first = {value}")],
        "first" => vec![format!("last = {value}")],
        // One publisher alone has nothing to roll up: every way gives the same.
        "rollup" if is_told_by_one(block, profile) => Vec::new(),
        "rollup" | "rollup_area" => others(key, value, &["sum", "mean", "min", "max"]),
        "weight" | "group" | "readings_min" => vec![String::new()],
        "window" => windows(value),
        "formula" => of_formula(value).into_iter().map(|to| format!("formula = {to}")).collect(),
        "ratio" => of_ratio(line),
        "percentile" | "delta" | "rate" | "calculator" => numbers(line),
        "distinct" => vec![line.replace("\"id\"", "\"source\"")],
        "over_time" => ["sum", "mean", "min", "max", "last", "count"]
            .into_iter()
            .filter(|by| !value.contains(&format!("by = \"{by}\"")))
            .map(|by| replace_word(line, "by = \"", by))
            .collect(),
        "onsets" | "share_of_time" => of_states(line, block, profile),
        _ if key.starts_with("where.") => filters(line),
        _ => Vec::new(),
    }
}

fn is_told_by_one(block: &Block, profile: &Profile) -> bool {
    let indicator = profile.indicators.get(&IndicatorId::new(&block.owner));
    let listed = |stream| profile.sources.values().filter(move |source| source.stream == stream);
    indicator.is_some_and(|known| listed(known.stream.clone()).count() == 1)
}

/// Another window of about the same length, and one twice as long.
fn windows(value: &str) -> Vec<String> {
    let to: &[&str] = match quoted(value).unwrap_or_default() {
        "5m" => &["4m", "10m"],
        "10m" => &["5m", "20m"],
        "1h" => &["30m", "2h"],
        "1d" => &["24h", "48h"],
        "1mo" => &["1d", "1y"],
        "1y" => &["1mo"],
        "24h every 1h" => &["23h every 1h", "25h every 1h", "24h every 2h"],
        _ => &[],
    };
    to.iter().map(|to| format!("window = \"{to}\"")).collect()
}

/// Signs, comparisons, constants, look-back, sides.
fn of_formula(text: &str) -> Vec<String> {
    let swaps = [
        (" + ", " - "),
        (" - ", " + "),
        (" * ", " / "),
        (" / ", " * "),
        (" > ", " >= "),
        (" > ", " < "),
        (" >= ", " > "),
        (" < ", " <= "),
        (" <= ", " < "),
        (" <= ", " >= "),
        ("[-1]", ""),
        ("[-1]", "[-2]"),
        ("min(", "max("),
        ("max(", "min("),
        (", 1, 0)", ", 0, 1)"),
        ("100[%], 0[%]", "0[%], 100[%]"),
    ];
    let mut changed = Vec::new();
    for (from, to) in swaps {
        for (at, _) in text.match_indices(from) {
            changed.push(format!("{}{to}{}", &text[..at], &text[at + from.len()..]));
        }
    }
    changed.extend(numbers(text).into_iter().filter(|to| !to.contains("[-")));
    changed
}

fn of_ratio(line: &str) -> Vec<String> {
    let swapped = line
        .replace("numerator", "\u{0}")
        .replace("denominator", "numerator")
        .replace('\u{0}', "denominator");
    let bare = line.replace(", percent = true", "");
    let mut changed = vec![swapped];
    if bare != line {
        changed.push(bare);
    }
    if let Some(at) = line.find(", where.") {
        let end = line[at..].find(" }").map_or(line.len(), |end| at + end);
        changed.push(format!("{}{}", &line[..at], &line[end..]));
    }
    changed
}

/// The states that count, exchanged for another of the same name.
fn of_states(line: &str, block: &Block, profile: &Profile) -> Vec<String> {
    let stream = block.lines.iter().find_map(|line| quoted(value_of(line, "stream")?));
    let stream = stream.and_then(|id| profile.streams.get(id));
    let state = line.split("state = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    let words = stream.and_then(|stream| stream.states.get(state)).cloned().unwrap_or_default();
    let Some((head, tail)) = line.split_once("in = [") else { return Vec::new() };
    let Some((counted, tail)) = tail.split_once(']') else { return Vec::new() };
    let other = words.iter().filter(|word| !counted.contains(&format!("\"{word}\"")));
    let mut changed: Vec<String> = other.map(|word| format!("{head}in = [\"{word}\"]{tail}")).collect();
    changed.extend(line.contains(", percent = true").then(|| line.replace(", percent = true", "")));
    changed
}

fn filters(line: &str) -> Vec<String> {
    let mut changed = vec![String::new()];
    if line.contains('{') {
        changed.extend(numbers(line));
    }
    changed
}

fn of_threshold(line: &str) -> Vec<String> {
    let Some((key, value)) = line.split_once(" = ") else { return Vec::new() };
    match key {
        "limit" | "dead_band" => numbers(line),
        "below" => vec![String::new()],
        "severity" => vec![String::new()],
        "valid_from" | "valid_to" => {
            let Some(date) = quoted(value).and_then(|text| text.parse::<jiff::civil::Date>().ok()) else {
                return Vec::new();
            };
            let shifted = [date.tomorrow(), date.yesterday()];
            shifted.into_iter().flatten().map(|date| format!("{key} = \"{date}\"")).collect()
        }
        _ => Vec::new(),
    }
}

/// The unit a sender means, the end a stamp names, how late is late, what makes a reading the same.
fn of_stream(line: &str) -> Vec<String> {
    let Some((key, value)) = line.split_once(" = ") else { return Vec::new() };
    let units = [
        ("\"µg/m³\"", "\"mg/m³\""),
        ("\"mg/m³\"", "\"µg/m³\""),
        ("\"mg/L\"", "\"µg/L\""),
        ("\"km/h\"", "\"m/s\""),
        ("\"m\"", "\"cm\""),
        ("\"mm\"", "\"cm\""),
        ("\"°C\"", "\"°F\""),
        ("\"min\"", "\"s\""),
        ("\"h\"", "\"min\""),
        ("\"%\"", "\"1\""),
    ];
    match key {
        "lateness" | "horizon" | "identity" | "staleness" | "cadence" => {
            match (key, quoted(value).unwrap_or_default()) {
                ("lateness", _) => vec!["lateness = \"1m\"".to_owned(), "lateness = \"30d\"".to_owned()],
                ("identity", "time_content") => vec!["identity = \"none\"".to_owned()],
                ("identity", _) => vec!["identity = \"none\"".to_owned()],
                _ => Vec::new(),
            }
        }
        _ => units.iter().filter(|(from, _)| *from == value).map(|(_, to)| format!("{key} = {to}")).collect(),
    }
}

fn of_water_level(line: &str) -> Vec<String> {
    if line.starts_with("level") { numbers(line) } else { Vec::new() }
}

/// Each number of a line one last digit up, and one down.
fn numbers(line: &str) -> Vec<String> {
    let bytes = line.as_bytes();
    let mut changed = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let begins = bytes[at].is_ascii_digit()
            && (at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || matches!(bytes[at - 1], b'_' | b'.')));
        if !begins {
            at += 1;
            continue;
        }
        let mut end = at;
        while end < bytes.len() && (bytes[end].is_ascii_digit() || bytes[end] == b'.') {
            end += 1;
        }
        let text = &line[at..end];
        let digits = text.split_once('.').map_or(0, |(_, after)| after.len());
        let whole: i64 = text.replace('.', "").parse().unwrap_or(0);
        for step in [1, -1] {
            changed.push(format!("{}{}{}", &line[..at], with_digits(whole + step, digits), &line[end..]));
        }
        at = end;
    }
    changed
}

fn with_digits(whole: i64, digits: usize) -> String {
    if digits == 0 {
        return whole.to_string();
    }
    let scale = 10_i64.pow(digits as u32);
    let sign = if whole < 0 { "-" } else { "" };
    format!("{sign}{}.{:0digits$}", whole.abs() / scale, whole.abs() % scale)
}

fn others(key: &str, value: &str, words: &[&str]) -> Vec<String> {
    let own = quoted(value).unwrap_or_default();
    words.iter().filter(|word| **word != own).map(|word| format!("{key} = \"{word}\"")).collect()
}

fn replace_word(line: &str, behind: &str, word: &str) -> String {
    let Some((head, tail)) = line.split_once(behind) else { return line.to_owned() };
    let rest = tail.split_once('"').map_or("", |(_, rest)| rest);
    format!("{head}{behind}{word}\"{rest}")
}
