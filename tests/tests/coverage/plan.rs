//! docs/coverage.toml beside the profile: rows and functions with the indicators that exist today.

use std::collections::BTreeSet;
use std::path::Path;

use nhip_profile::{Aggregate, Indicator, Profile, SourceState, load, profile_files};
use nhip_proto::StreamId;
use toml::{Table, Value};

use crate::root;

/// How many rows the documents name, and how many functions.
const ROWS: i64 = 42;
const FUNCTIONS: usize = 28;
/// The pages that describe dialects.
const PROTOCOL_PAGES: [&str; 2] = ["docs/mqtt.md", "docs/dialects.md"];

/// Everything the table is made of.
pub(crate) struct Plan {
    pub(crate) profile: Profile,
    pub(crate) rows: Vec<Row>,
    pub(crate) functions: Vec<Function>,
    /// Rows that may have no indicator yet.
    pub(crate) empty: Vec<i64>,
}

/// One system the documents name.
pub(crate) struct Row {
    pub(crate) number: i64,
    pub(crate) vi: String,
    pub(crate) en: String,
    /// Ids and patterns as written.
    pub(crate) patterns: Vec<String>,
    /// The indicators of the profile they match, in id order.
    pub(crate) indicators: Vec<String>,
    /// Their streams.
    pub(crate) streams: BTreeSet<String>,
    /// Sources of these streams that really send (in the demo: simulated).
    pub(crate) connected: usize,
    pub(crate) recordings: Vec<String>,
    pub(crate) protocols: Vec<String>,
    pub(crate) tests: Vec<String>,
}

/// One function an IOC must have.
pub(crate) struct Function {
    pub(crate) id: String,
    pub(crate) vi: String,
    pub(crate) en: String,
    pub(crate) state: String,
    pub(crate) rows: Vec<i64>,
    pub(crate) tests: Vec<String>,
    pub(crate) note: String,
}

impl Plan {
    /// Reads both; a mistake of form ends the test.
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string(root().join("docs/coverage.toml")).expect("docs/coverage.toml");
        let table: Table = text.parse().expect("docs/coverage.toml is TOML");
        let profile = tay_ninh();
        let rows = sections(&table, "row").map(|section| Row::of(section, &profile)).collect();
        let functions = sections(&table, "function").map(Function::of).collect();
        let empty = table.get("without_indicator").and_then(Value::as_array).into_iter().flatten();
        let empty = empty.filter_map(Value::as_integer).collect();
        Self { profile, rows, functions, empty }
    }

    /// Whether a function's rows have anything to show; one without rows stands on its tests.
    pub(crate) fn shown_state<'a>(&self, function: &'a Function) -> &'a str {
        let row = |number: &i64| self.rows.iter().find(|row| row.number == *number);
        let empty = |number: &i64| row(number).is_none_or(|row| row.indicators.is_empty());
        let nothing = !function.rows.is_empty() && function.rows.iter().all(empty);
        if nothing { "none" } else { &function.state }
    }

    /// All that the file says and that is not so.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        let mut found = Vec::new();
        let numbers: Vec<i64> = self.rows.iter().map(|row| row.number).collect();
        if numbers != (1..=ROWS).collect::<Vec<_>>() {
            found.push(format!("rows are not 1 to {ROWS} in order: {numbers:?}"));
        }
        let wanted: Vec<String> = (1..=FUNCTIONS).map(|number| format!("F{number:02}")).collect();
        if !self.functions.iter().map(|function| &function.id).eq(&wanted) {
            found.push(format!("functions are not F01 to F{FUNCTIONS} in order"));
        }
        let protocols =
            PROTOCOL_PAGES.map(|page| std::fs::read_to_string(root().join(page)).unwrap_or_default());
        for row in &self.rows {
            let place = format!("row {}", row.number);
            if row.indicators.is_empty() && !self.empty.contains(&row.number) {
                found.push(format!("{place}: no indicator, and without_indicator does not say so"));
            }
            let exact = row.patterns.iter().filter(|pattern| !pattern.ends_with('*'));
            let unknown = exact.filter(|id| !row.indicators.contains(*id));
            found.extend(unknown.map(|id| format!("{place}: no indicator {id}")));
            let known = |name: &&String| protocols.iter().any(|page| page.contains(&format!("`{name}")));
            let unknown = row.protocols.iter().filter(|name| !known(name));
            found.extend(unknown.map(|name| format!("{place}: no page describes the dialect {name}")));
            let absent = row.recordings.iter().filter(|name| !is_profile(name));
            found.extend(absent.map(|name| format!("{place}: no profile {name}")));
            found.extend(absent_tests(&row.tests).map(|test| format!("{place}: no test {test}")));
        }
        for function in &self.functions {
            found
                .extend(absent_tests(&function.tests).map(|test| format!("{}: no test {test}", function.id)));
            if !["built", "part", "none"].contains(&function.state.as_str()) {
                found.push(format!("{}: state is built, part or none", function.id));
            }
            if function.state != "none" && function.rows.is_empty() && function.tests.is_empty() {
                found.push(format!("{}: claimed, and nothing shows it", function.id));
            }
        }
        let on_row = |id: &str| self.rows.iter().any(|row| row.names(id));
        let lost = self.profile.indicators.keys().filter(|id| !on_row(id.as_str()));
        found.extend(lost.map(|id| format!("{id} is on no row")));
        found
    }

    /// Where an indicator stands on screens: `tile`, `map`, or the title of its page.
    pub(crate) fn places(&self, id: &str) -> Vec<String> {
        let mut places = Vec::new();
        for view in self.profile.views.values() {
            if view.tiles.iter().any(|tile| tile.as_str() == id) {
                places.push(format!("{}: tile", view.id));
            }
            if view.map.as_str() == id {
                places.push(format!("{}: map", view.id));
            }
            let pages = view.rotation.iter();
            let on = pages.filter(|page| page.indicators.iter().any(|shown| shown.as_str() == id));
            places.extend(on.map(|page| format!("{}: {}", view.id, page.title.vi)));
        }
        places
    }

    /// Domains with indicators of which none stands on a screen.
    pub(crate) fn domains_on_no_screen(&self) -> BTreeSet<&str> {
        let all: Vec<&Indicator> = self.profile.indicators.values().collect();
        let shown: BTreeSet<&str> = all
            .iter()
            .filter(|indicator| !self.places(indicator.id.as_str()).is_empty())
            .map(|indicator| indicator.domain.as_str())
            .collect();
        all.iter()
            .map(|indicator| indicator.domain.as_str())
            .filter(|domain| !shown.contains(domain))
            .collect()
    }

    /// How many stories an indicator carries.
    pub(crate) fn stories(&self, id: &str) -> usize {
        let indicators = self.profile.indicators.values();
        indicators.filter(|indicator| indicator.id.as_str() == id).map(|found| found.tests.len()).sum()
    }
}

impl Row {
    fn of(section: &Table, profile: &Profile) -> Self {
        let patterns = texts(section, "indicators");
        let matched: Vec<&Indicator> = profile
            .indicators
            .values()
            .filter(|indicator| patterns.iter().any(|pattern| is_like(pattern, indicator.id.as_str())))
            .collect();
        let streams: BTreeSet<StreamId> =
            matched.iter().flat_map(|indicator| streams_of(profile, indicator)).collect();
        let sends = |source: &&nhip_profile::Source| {
            streams.contains(&source.stream) && source.state == SourceState::Connected
        };
        Self {
            number: section["number"].as_integer().expect("number is an integer"),
            vi: text(section, "vi"),
            en: text(section, "en"),
            indicators: matched.iter().map(|indicator| indicator.id.to_string()).collect(),
            connected: profile.sources.values().filter(sends).count(),
            streams: streams.iter().map(ToString::to_string).collect(),
            patterns,
            recordings: texts(section, "recordings"),
            protocols: texts(section, "protocols"),
            tests: texts(section, "tests"),
        }
    }

    /// Whether the row stands for all indicators, as the local centres do.
    pub(crate) fn is_every(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern == "*")
    }

    /// Whether the row names an indicator; one that stands for all names none.
    fn names(&self, id: &str) -> bool {
        !self.is_every() && self.indicators.iter().any(|known| known == id)
    }
}

impl Function {
    fn of(section: &Table) -> Self {
        let rows = section.get("rows").and_then(Value::as_array).into_iter().flatten();
        Self {
            id: text(section, "id"),
            vi: text(section, "vi"),
            en: text(section, "en"),
            state: text(section, "state"),
            rows: rows.filter_map(Value::as_integer).collect(),
            tests: texts(section, "tests"),
            note: section.get("note").and_then(Value::as_str).unwrap_or_default().to_owned(),
        }
    }
}

/// The streams an indicator reads, itself or through the indicators it is derived from.
fn streams_of(profile: &Profile, indicator: &Indicator) -> BTreeSet<StreamId> {
    match &indicator.aggregate {
        Aggregate::Derived(derived) => {
            let inputs = derived.inputs.iter().filter_map(|input| profile.indicators.get(input));
            inputs.flat_map(|input| streams_of(profile, input)).collect()
        }
        _ => BTreeSet::from([indicator.stream.clone()]),
    }
}

/// The profile of the province, as it stands in the tree.
fn tay_ninh() -> Profile {
    let directory = root().join("profiles/tay-ninh");
    let entries = std::fs::read_dir(&directory).expect("the profile's directory");
    let names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    let read = |name: &str| std::fs::read_to_string(directory.join(name)).expect("a file of the profile");
    let files: Vec<(String, String)> = profile_files(names.iter().map(String::as_str))
        .into_iter()
        .map(|name| (name.to_owned(), read(name)))
        .collect();
    load(&files).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

/// `env.*` is like `env.level`; without a star only the id itself.
fn is_like(pattern: &str, id: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == id, |start| id.starts_with(start))
}

fn is_profile(name: &str) -> bool {
    root().join("profiles").join(name).join("profile.toml").exists()
}

/// Tests whose file is absent, or that their file does not have.
fn absent_tests(tests: &[String]) -> impl Iterator<Item = &String> {
    tests.iter().filter(|test| {
        let (file, name) =
            test.split_once("::").map_or((test.as_str(), None), |(file, name)| (file, Some(name)));
        let path = root().join(Path::new(file));
        let text = || std::fs::read_to_string(&path).unwrap_or_default();
        !path.exists() || name.is_some_and(|name| !text().contains(&format!("fn {name}(")))
    })
}

fn sections<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = &'a Table> {
    table.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
}

fn text(section: &Table, key: &str) -> String {
    section
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{key} is missing in {section:?}"))
        .to_owned()
}

fn texts(section: &Table, key: &str) -> Vec<String> {
    let list = section.get(key).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(ToOwned::to_owned).collect()
}
