//! What differs between two profiles: every key of every entry, and which figures change through it.

mod flat;

use std::collections::BTreeMap;
use std::fmt;

use nhip_proto::IndicatorId;

use crate::{Indicator, Profile};

/// A profile with the text it was read from.
#[derive(Clone, Copy, Debug)]
pub struct Edition<'a> {
    /// Path and text of every file.
    pub files: &'a [(String, String)],
    /// What `load` made of them.
    pub profile: &'a Profile,
}

/// Everything that differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Entries of the files: `indicator env.pm25_1h`, `source tn-air-01` …, by kind and name.
    pub entries: Vec<EntryChange>,
    /// Indicators whose definition version changes, by id.
    pub versions: Vec<VersionChange>,
}

/// One entry that is new, gone or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryChange {
    /// Its kind: `indicator`, `threshold`, `source` …
    pub kind: String,
    /// Its name, with what tells it from others of that name.
    pub name: String,
    /// What became of it.
    pub fate: Fate,
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Only in the newer profile.
    New,
    /// Only in the older.
    Gone,
    /// In both: key, old text, new text; none: the key is not there.
    Changed(Vec<(String, Option<String>, Option<String>)>),
}

/// An indicator that computes something else from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionChange {
    /// Which.
    pub indicator: IndicatorId,
    /// The definition version before.
    pub old: [u8; 16],
    /// And after.
    pub new: [u8; 16],
    /// Those of its inputs whose versions change; it changes through them even if its own text does not.
    pub through: Vec<IndicatorId>,
}

/// Compares two profiles.
#[must_use]
pub fn diff(old: Edition<'_>, new: Edition<'_>) -> Difference {
    Difference { entries: entries(old, new), versions: versions(old.profile, new.profile) }
}

impl Difference {
    /// Whether the two say the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.versions.is_empty()
    }
}

fn entries(old: Edition<'_>, new: Edition<'_>) -> Vec<EntryChange> {
    let (before, after) = (flat::entries(old.files), flat::entries(new.files));
    let mut changes = Vec::new();
    let mut keys: Vec<&(String, String)> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let fate = match (before.get(key), after.get(key)) {
            (None, _) => Fate::New,
            (_, None) => Fate::Gone,
            (Some(before), Some(after)) if before == after => continue,
            (Some(before), Some(after)) => Fate::Changed(changed(before, after)),
        };
        changes.push(EntryChange { kind: key.0.clone(), name: key.1.clone(), fate });
    }
    changes
}

fn changed(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<(String, Option<String>, Option<String>)> {
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .map(|key| (key.clone(), before.get(key).cloned(), after.get(key).cloned()))
        .filter(|(_, old, new)| old != new)
        .collect()
}

fn versions(old: &Profile, new: &Profile) -> Vec<VersionChange> {
    let differs = |id: &IndicatorId| {
        let version = |profile: &Profile| profile.indicators.get(id).map(|known| known.definition);
        version(old) != version(new)
    };
    let change = |now: &Indicator| {
        let before = old.indicators.get(&now.id)?;
        (before.definition != now.definition).then(|| VersionChange {
            indicator: now.id.clone(),
            old: before.definition,
            new: now.definition,
            through: now.inputs().iter().filter(|input| differs(input)).cloned().collect(),
        })
    };
    new.indicators.values().filter_map(change).collect()
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "no difference");
        }
        for entry in &self.entries {
            entry.fmt(f)?;
            let version = self.version_of(entry);
            if let Some(version) = version {
                writeln!(f, "  computes anew: definition version {version}")?;
            } else if entry.kind == "indicator" && matches!(entry.fate, Fate::Changed(_)) {
                writeln!(f, "  computes the same: the definition version stays")?;
            }
        }
        let told = |change: &&VersionChange| {
            self.entries.iter().any(|entry| self.version_of(entry).is_some_and(|known| known == *change))
        };
        for change in self.versions.iter().filter(|change| !told(change)) {
            writeln!(f, "indicator {}: computes anew: definition version {change}", change.indicator)?;
        }
        self.tell_counts(f)
    }
}

impl Difference {
    fn version_of(&self, entry: &EntryChange) -> Option<&VersionChange> {
        let indicator = entry.kind == "indicator";
        self.versions.iter().find(|change| indicator && change.indicator.as_str() == entry.name)
    }

    fn tell_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count =
            |wanted: fn(&Fate) -> bool| self.entries.iter().filter(|entry| wanted(&entry.fate)).count();
        let new = count(|fate| *fate == Fate::New);
        let gone = count(|fate| *fate == Fate::Gone);
        let changed = self.entries.len() - new - gone;
        writeln!(
            f,
            "{new} new, {gone} gone, {changed} changed; {} indicators compute anew",
            self.versions.len()
        )
    }
}

impl fmt::Display for EntryChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, fate } = self;
        let space = if name.is_empty() { "" } else { " " };
        match fate {
            Fate::New => writeln!(f, "{kind}{space}{name}: new"),
            Fate::Gone => writeln!(f, "{kind}{space}{name}: gone"),
            Fate::Changed(keys) => {
                writeln!(f, "{kind}{space}{name}: changed")?;
                keys.iter().try_for_each(|(key, old, new)| tell_key(f, key, old.as_deref(), new.as_deref()))
            }
        }
    }
}

/// Longer texts are not printed, only that they differ.
const SHOWN_MAX: usize = 120;

fn tell_key(f: &mut fmt::Formatter<'_>, key: &str, old: Option<&str>, new: Option<&str>) -> fmt::Result {
    let long = |text: Option<&str>| text.is_some_and(|text| text.chars().count() > SHOWN_MAX);
    let shown = |text: Option<&str>| match text {
        Some(text) if long(Some(text)) => "(a longer text)".to_owned(),
        Some(text) => text.to_owned(),
        None => "nothing".to_owned(),
    };
    if long(old) && long(new) {
        return writeln!(f, "  {key}: the text changed");
    }
    writeln!(f, "  {key}: {} → {}", shown(old), shown(new))
}

impl fmt::Display for VersionChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", short(&self.old), short(&self.new))?;
        if !self.through.is_empty() {
            let through: Vec<&str> = self.through.iter().map(IndicatorId::as_str).collect();
            write!(f, ", through {}", through.join(", "))?;
        }
        Ok(())
    }
}

/// The first digits of a version, enough to tell two apart.
fn short(version: &[u8; 16]) -> String {
    version.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
