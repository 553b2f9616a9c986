//! `[[threshold]]` and `[[view]]`: dated limits, and what a screen shows.

use nhip_proto::IndicatorId;

use super::Loading;
use crate::read::Section;
use crate::{Severity, Threshold, Validity, View};

/// The most tiles of one view, so that a frame stays below its bound.
const TILES_MAX: usize = 24;

pub(super) fn read_thresholds(sections: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    for section in sections {
        if let Some(threshold) = read_threshold(&section, loading) {
            let overlaps = |other: &&Threshold| {
                other.indicator == threshold.indicator && other.valid.overlaps(&threshold.valid)
            };
            if loading.profile.thresholds.iter().any(|other| overlaps(&other)) {
                let reason = format!("overlaps another threshold of {}", threshold.indicator);
                section.mistake("valid_from", reason, "one threshold per day: end the older with valid_to");
            }
            loading.profile.thresholds.push(threshold);
        }
        section.finish();
    }
}

fn read_threshold(section: &Section<'_>, loading: &Loading<'_>) -> Option<Threshold> {
    let indicator = read_indicator(section, "indicator", loading);
    let known = indicator.as_ref().and_then(|id| loading.profile.indicators.get(id));
    // Without its indicator the scale is unknown; then nothing is rounded away.
    let scale = known.map_or(u8::MAX, |indicator| indicator.scale).min(9);
    let limit = section.number("limit", scale);
    let dead_band = if section.has("dead_band") { section.number("dead_band", scale) } else { Some(0) };
    if dead_band.is_some_and(|band| band < 0) {
        section.mistake("dead_band", "is less than 0", "0 or more");
    }
    let below = section.flag("below");
    let valid = Validity { from: section.date("valid_from"), to: section.date("valid_to") };
    if let (Some(from), Some(to)) = (valid.from, valid.to)
        && from >= to
    {
        section.mistake("valid_to", "is not after valid_from", "a later date, or nothing");
    }
    let document = section.text("document");
    Some(Threshold {
        indicator: indicator?,
        severity: Severity::Critical,
        area: None,
        group: None,
        limit: limit?,
        below,
        dead_band: dead_band?,
        valid,
        document: document?,
    })
}

pub(super) fn read_views(sections: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    for section in sections {
        let id = section.text("id");
        if let Some(id) = id.as_ref().filter(|id| loading.profile.views.contains_key(*id)) {
            section.mistake("id", format!("\"{id}\" is declared twice"), "each view once");
        }
        let title = section.label("title");
        let tiles = read_tiles(&section, loading);
        let map = read_indicator(&section, "map", loading);
        if let (Some(id), Some(title), Some(map)) = (id, title, map) {
            loading.profile.views.insert(id.clone(), View { id, title, tiles, map });
        }
        section.finish();
    }
}

fn read_tiles(section: &Section<'_>, loading: &Loading<'_>) -> Vec<IndicatorId> {
    let words = section.words("tiles").unwrap_or_default();
    if words.len() > TILES_MAX {
        section.mistake("tiles", format!("has {} tiles", words.len()), format!("at most {TILES_MAX}"));
    }
    for (at, word) in &words {
        if !loading.declared.indicators.contains(word) {
            let known = loading.declared.indicators.iter().map(String::as_str);
            loading.found.add_unknown(*at, &section.full("tiles"), "indicator", word, known);
        }
    }
    words.iter().map(|(_, word)| IndicatorId::new(word)).collect()
}

fn read_indicator(section: &Section<'_>, key: &'static str, loading: &Loading<'_>) -> Option<IndicatorId> {
    let id = section.text(key)?;
    if loading.declared.indicators.contains(&id) {
        return Some(IndicatorId::new(&id));
    }
    section.unknown(key, "indicator", &id, loading.declared.indicators.iter().map(String::as_str));
    None
}
