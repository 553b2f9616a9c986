//! `[[water_level]]`: the dated alarm levels I, II, III of river points.

use super::Loading;
use super::thresholds::read_validity;
use crate::WaterLevel;
use crate::read::Section;

/// Digits behind the point of a level in metres.
const SCALE_MAX: u8 = 3;

pub(super) fn read(sections: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    for section in sections {
        if let Some(level) = read_one(&section, loading) {
            let overlaps =
                |other: &&WaterLevel| other.group == level.group && other.valid.overlaps(&level.valid);
            if loading.profile.water_levels.iter().any(|other| overlaps(&other)) {
                let reason = format!("overlaps other levels of {}", level.group);
                section.mistake("valid_from", reason, "levels once per day: end the older with valid_to");
            }
            loading.profile.water_levels.push(level);
        }
        section.finish();
    }
}

fn read_one(section: &Section<'_>, loading: &Loading<'_>) -> Option<WaterLevel> {
    let group = section.text("group");
    if let Some(group) = &group {
        check_group(section, group, loading);
    }
    let level = |key| {
        let level = section.decimal(key);
        if level.is_some_and(|level| level.scale > SCALE_MAX) {
            section.mistake(key, "is finer than a gauge", format!("metres with at most {SCALE_MAX} digits"));
        }
        level
    };
    let levels = (level("level1"), level("level2"), level("level3"));
    let (valid, document) = (read_validity(section), section.text("document"));
    let levels = [levels.0?, levels.1?, levels.2?];
    let rising: Vec<Option<i128>> = levels.iter().map(|level| level.at_scale(SCALE_MAX)).collect();
    if !rising.is_sorted_by(|low, high| low < high) {
        section.here("has levels that do not rise", "level1 < level2 < level3");
    }
    Some(WaterLevel { group: group?, levels, valid, document: document? })
}

/// A river point is a source, or a word of a state figures are grouped by.
fn check_group(section: &Section<'_>, group: &str, loading: &Loading<'_>) {
    let sources = || loading.profile.sources.keys().map(nhip_proto::SourceId::as_str);
    let words = || loading.profile.streams.values().flat_map(|stream| stream.states.values().flatten());
    if !sources().any(|source| source == group) && !words().any(|word| word == group) {
        section.unknown("group", "source or state", group, sources().chain(words().map(String::as_str)));
    }
}
