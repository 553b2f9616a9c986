//! `[[view]]`: what a screen shows.

use nhip_proto::{IndicatorId, SECOND, Span};

use super::Loading;
use crate::read::Section;
use crate::{RotationPage, View};

/// The most tiles of one view: a wall holds twelve figures at most.
const TILES_MAX: usize = 12;
/// The most pages of a view's secondary zone.
const PAGES_MAX: usize = 32;
/// The most indicators of one page.
const PAGE_INDICATORS_MAX: usize = 4;
/// The shortest stay of a page, and the usual one: whoever reads must have the time to.
const DWELL_MIN: Span = 20 * SECOND;

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
