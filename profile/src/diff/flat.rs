//! Profile text as entries of keys and values: tables of TOML files by name, rows of CSV files by code.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Kind and name of an entry.
pub(super) type Name = (String, String);
/// Keys (with their tables before them) and values as text.
pub(super) type Keys = BTreeMap<String, String>;

/// What tells the entries of one kind apart; a kind not listed: `id`, else `name`, else its place.
const NAMES: [(&str, &[&str]); 8] = [
    ("threshold", &["indicator", "severity", "area", "group", "valid_from"]),
    ("target", &["indicator", "area", "former_area.vi", "valid_from"]),
    ("baseline", &["indicator", "area", "former_area.vi", "as_of"]),
    ("retention", &["stream", "key_class", "valid_from"]),
    ("water_level", &["group", "valid_from"]),
    ("route", &["filter"]),
    ("badge", &["class", "version"]),
    ("quantity", &["name"]),
];
/// Tables of CSV files: the stem of the file, the kind, and what tells rows apart.
const TABLES: [(&str, &str, &[&str]); 6] = [
    ("areas", "area", &["code"]),
    ("sources", "source", &["id"]),
    ("units", "unit", &["id"]),
    ("calendars", "calendar day", &["calendar", "date"]),
    ("periods", "period", &["periods", "from"]),
    ("crosswalk", "crossing", &["old", "new"]),
];

/// All entries of the files. Files that are no TOML have none.
pub(super) fn entries(files: &[(String, String)]) -> BTreeMap<Name, Keys> {
    let mut entries = BTreeMap::new();
    let mut files: Vec<&(String, String)> = files.iter().collect();
    files.sort();
    for (path, text) in files {
        if path.ends_with(".toml") {
            let (table, _) = DeTable::parse_recoverable(text);
            for (kind, value) in table.get_ref().iter() {
                take_kind(kind.get_ref(), value.get_ref(), &mut entries);
            }
        } else if path.ends_with(".csv") {
            take_rows(path, text, &mut entries);
        }
    }
    entries
}

fn take_kind(kind: &str, value: &DeValue<'_>, entries: &mut BTreeMap<Name, Keys>) {
    match value {
        DeValue::Array(array) => {
            for item in array.iter() {
                let mut keys = Keys::new();
                flatten("", item.get_ref(), &mut keys);
                let name = name_of(kind, &keys);
                insert(kind, name, keys, entries);
            }
        }
        other => {
            let mut keys = Keys::new();
            flatten("", other, &mut keys);
            entries.insert((kind.to_owned(), String::new()), keys);
        }
    }
}

fn name_of(kind: &str, keys: &Keys) -> String {
    let listed = NAMES.iter().find(|(known, _)| *known == kind).map(|(_, names)| *names);
    let names = listed.unwrap_or(if keys.contains_key("id") { &["id"] } else { &["name"] });
    let bare = |name: &&str| keys.get(*name).map(|text| text.trim_matches('"').to_owned());
    names.iter().filter_map(bare).collect::<Vec<_>>().join(" ")
}

/// Entries of one name stand behind one another: the second is `name (2)`.
fn insert(kind: &str, name: String, keys: Keys, entries: &mut BTreeMap<Name, Keys>) {
    let mut free = (kind.to_owned(), name.clone());
    let mut number = 1;
    while entries.contains_key(&free) {
        number += 1;
        free.1 = format!("{name} ({number})");
    }
    entries.insert(free, keys);
}

fn flatten(path: &str, value: &DeValue<'_>, keys: &mut Keys) {
    let inner = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        DeValue::Table(table) => {
            for (key, value) in table.iter() {
                flatten(&inner(key.get_ref()), value.get_ref(), keys);
            }
        }
        DeValue::Array(array) if array.iter().any(|item| matches!(item.get_ref(), DeValue::Table(_))) => {
            for (place, item) in array.iter().enumerate() {
                flatten(&format!("{path}[{}]", part_name(item, place)), item.get_ref(), keys);
            }
        }
        scalar => {
            keys.insert(path.to_owned(), shown(scalar));
        }
    }
}

/// A table in a list by its name, else by its place.
fn part_name(item: &Spanned<DeValue<'_>>, place: usize) -> String {
    let DeValue::Table(table) = item.get_ref() else { return place.to_string() };
    let named = table.iter().find(|(key, _)| matches!(key.get_ref().as_ref(), "name" | "id" | "item"));
    match named.map(|(_, value)| value.get_ref()) {
        Some(DeValue::String(text)) => text.to_string(),
        _ => place.to_string(),
    }
}

fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("\"{text}\""),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(yes) => yes.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| shown(item.get_ref())).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(_) => "{…}".to_owned(),
    }
}

fn take_rows(path: &str, text: &str, entries: &mut BTreeMap<Name, Keys>) {
    let file = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".csv");
    let stem = file.split_once('-').map_or(file, |(stem, _)| stem);
    let Some((_, kind, names)) = TABLES.iter().find(|(known, ..)| *known == stem) else { return };
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.trim_start_matches('\u{feff}'))
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .collect();
    let body = lines.join("\n");
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(body.as_bytes());
    let Ok(header) = reader.headers().cloned() else { return };
    for row in reader.records().flatten() {
        let cells = header.iter().zip(row.iter()).filter(|(_, cell)| !cell.is_empty());
        let keys: Keys = cells.map(|(name, cell)| (name.to_owned(), format!("\"{cell}\""))).collect();
        let bare = |name: &&str| keys.get(*name).map(|text| text.trim_matches('"').to_owned());
        let name = names.iter().filter_map(bare).collect::<Vec<_>>().join(" ");
        insert(kind, name, keys, entries);
    }
}
