//! `[[threshold]]` and `[[view]]`: dated limits, and what a screen shows.

use nhip_proto::{IndicatorId, SECOND, Span};

use super::Loading;
use crate::read::Section;
use crate::{RotationPage, Severity, Threshold, Validity, View};

/// The most tiles of one view: a wall holds twelve figures at most.
const TILES_MAX: usize = 12;
/// The most pages of a view's secondary zone.
const PAGES_MAX: usize = 12;
/// The most indicators of one page.
const PAGE_INDICATORS_MAX: usize = 4;
/// The shortest stay of a page, and the usual one: whoever reads must have the time to.
const DWELL_MIN: Span = 20 * SECOND;

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
        let tiles = read_indicators(&section, "tiles", TILES_MAX, loading);
        let map = read_indicator(&section, "map", loading);
        let rotation = read_rotation(&section, loading);
        let dwell = section.span_or("dwell", DWELL_MIN);
        if dwell < DWELL_MIN {
            section.mistake("dwell", "is too short to be read", "20s or more");
        }
        if let (Some(id), Some(title), Some(map)) = (id, title, map) {
            let view = View { id: id.clone(), title, tiles, map, rotation, dwell };
            loading.profile.views.insert(id, view);
        }
        section.finish();
    }
}

fn read_rotation(section: &Section<'_>, loading: &Loading<'_>) -> Vec<RotationPage> {
    let pages = section.sections("rotation");
    if pages.len() > PAGES_MAX {
        section.mistake("rotation", format!("has {} pages", pages.len()), format!("at most {PAGES_MAX}"));
    }
    let read = |page: Section<'_>| {
        let title = page.label("title");
        let indicators = read_indicators(&page, "indicators", PAGE_INDICATORS_MAX, loading);
        page.finish();
        Some(RotationPage { title: title?, indicators })
    };
    pages.into_iter().filter_map(read).collect()
}

fn read_indicators(
    section: &Section<'_>,
    key: &'static str,
    most: usize,
    loading: &Loading<'_>,
) -> Vec<IndicatorId> {
    let words = section.words(key).unwrap_or_default();
    if words.len() > most {
        section.mistake(key, format!("has {} indicators", words.len()), format!("at most {most}"));
    }
    for (at, word) in &words {
        if !loading.declared.indicators.contains(word) {
            let known = loading.declared.indicators.iter().map(String::as_str);
            loading.found.add_unknown(*at, &section.full(key), "indicator", word, known);
        }
    }
    words.iter().map(|(_, word)| IndicatorId::new(word)).collect()
}

pub(super) fn read_indicator(
    section: &Section<'_>,
    key: &'static str,
    loading: &Loading<'_>,
) -> Option<IndicatorId> {
    let id = section.text(key)?;
    if loading.declared.indicators.contains(&id) {
        return Some(IndicatorId::new(&id));
    }
    section.unknown(key, "indicator", &id, loading.declared.indicators.iter().map(String::as_str));
    None
}
