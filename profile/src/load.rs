//! From files to a profile: every mistake at once, or a whole profile.

mod aggregates;
mod areas;
mod badges;
mod calendars;
mod cases;
mod crosswalk;
mod derived;
mod indicator_text;
mod indicators;
mod mappings;
mod measures;
mod over_cases;
mod periods;
mod profile;
mod quantities;
mod retentions;
mod routes;
mod samples;
mod sources;
mod statistics;
mod streams;
mod targets;
mod thresholds;
mod units;
mod views;
mod water_levels;
mod windows;

use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::DeTable;

use crate::definition::{hash_definitions, hash_files};
use crate::read::{FileText, Findings, Section};
use crate::{Mistake, Profile};

/// The files of a directory listing that belong to the profile, in the order they are read and hashed: `.toml`
/// and `.csv`, sorted by path, nothing hidden. Paths are relative to the profile's directory, with `/`.
#[must_use]
pub fn profile_files<'a>(listing: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let ours = |path: &&str| {
        let hidden = path.split('/').any(|part| part.starts_with('.'));
        !hidden && (path.ends_with(".toml") || path.ends_with(".csv"))
    };
    let mut files: Vec<&str> = listing.into_iter().filter(ours).collect();
    files.sort_unstable();
    files
}

/// Reads path and text of every file of a profile. The order they are given in makes no difference.
///
/// # Errors
/// All mistakes, by file and place. If a file is no TOML, only that is told: what it holds is unknown.
pub fn load(files: &[(String, String)]) -> Result<Profile, Vec<Mistake>> {
    let found = Findings::default();
    let mut texts: Vec<FileText<'_>> = files.iter().map(|(path, text)| FileText { path, text }).collect();
    texts.sort_by_key(|file| file.path);
    let tables = parse(&texts, &found);
    let mistakes = found.sorted();
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let found = Findings::default();
    let mut profile = read(&texts, &tables, &found);
    let mistakes = found.sorted();
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    profile.hash = hash_files(&texts, &profile);
    hash_definitions(&mut profile);
    Ok(profile)
}

/// Names that stand in the text, even where their definition is wrong: one mistake is told once.
#[derive(Default)]
struct Declared {
    quantities: BTreeSet<String>,
    streams: BTreeSet<String>,
    mappings: BTreeSet<String>,
    areas: BTreeSet<String>,
    domains: BTreeSet<String>,
    units: BTreeSet<String>,
    calendars: BTreeSet<String>,
    periods: BTreeSet<String>,
    indicators: BTreeSet<String>,
}

/// A profile while it is read.
struct Loading<'a> {
    profile: Profile,
    declared: Declared,
    found: &'a Findings,
}

fn parse<'a>(texts: &[FileText<'a>], found: &Findings) -> Vec<(FileText<'a>, Spanned<DeTable<'a>>)> {
    let mut tables = Vec::new();
    let mut last = None;
    for file in texts {
        if last == Some(file.path) {
            found.add_whole(file.path, "", "is given twice", "each file once");
        }
        last = Some(file.path);
        if file.path.ends_with(".toml") {
            let (table, errors) = DeTable::parse_recoverable(file.text);
            for error in errors {
                let at = crate::read::At { file: *file, offset: error.span().map_or(0, |span| span.start) };
                found.add(at, "", format!("is no TOML: {}", error.message().replace('\n', ", ")), "");
            }
            tables.push((*file, table));
        } else if !file.path.ends_with(".csv") {
            found.add_whole(file.path, "", "is no file of a profile", ".toml, .csv");
        }
    }
    tables
}

fn read<'a>(
    texts: &[FileText<'a>],
    tables: &'a [(FileText<'a>, Spanned<DeTable<'a>>)],
    found: &'a Findings,
) -> Profile {
    let roots: Vec<Section<'a>> =
        tables.iter().map(|(file, table)| Section::root(*file, table.get_ref(), found)).collect();
    let all = |key: &'static str| roots.iter().flat_map(move |root| root.sections(key)).collect::<Vec<_>>();
    let mut loading = Loading { profile: Profile::empty(""), declared: Declared::default(), found };
    profile::read(&roots, &mut loading);
    quantities::read(all("quantity"), &mut loading);
    calendars::read(all("calendar"), texts, &mut loading);
    periods::read(all("periods"), texts, &mut loading);
    badges::read(all("badge"), &mut loading);
    units::read(texts, &mut loading);
    // Streams may take the codes of areas as words.
    areas::read(texts, &mut loading);
    crosswalk::read(texts, &mut loading);
    streams::read_streams(all("stream"), &mut loading);
    cases::read(all("case"), all("service_level"), &mut loading);
    retentions::read(all("retention"), &mut loading);
    mappings::read(all("mapping"), &mut loading);
    routes::read(all("route"), &mut loading);
    sources::read(texts, &mut loading);
    water_levels::read(all("water_level"), &mut loading);
    indicators::read_domains(all("domain"), &mut loading);
    indicators::read(all("indicator"), &mut loading);
    thresholds::read(all("threshold"), &mut loading);
    targets::read(all("target"), &mut loading);
    targets::read_baselines(all("baseline"), &mut loading);
    views::read_views(all("view"), &mut loading);
    for root in roots {
        root.finish();
    }
    loading.profile
}

/// Whether the file is the table `stem.csv` or one of its parts, `stem-cameras.csv`.
fn is_table(file: &FileText<'_>, stem: &str) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or(file.path);
    let rest = name.strip_prefix(stem).and_then(|rest| rest.strip_suffix(".csv"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Whether the word may be one level of an MQTT topic.
fn is_topic_level(word: &str) -> bool {
    !word.is_empty() && !word.chars().any(|sign| matches!(sign, '/' | '+' | '#') || sign.is_control())
}

const TOPIC_LEVEL: &str = "one topic level: no /, +, # or control character";

#[cfg(test)]
mod tests;
