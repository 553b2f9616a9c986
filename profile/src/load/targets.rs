//! `[[target]]`: value, scope, document and validity; expired ones are kept as history.

use nhip_proto::AreaCode;

use super::Loading;
use super::views::read_indicator;
use crate::read::Section;
use crate::{Direction, Label, Target, Validity};

pub(super) fn read(sections: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    for section in sections {
        if let Some(target) = read_one(&section, loading) {
            let overlaps = |other: &&Target| {
                (&other.indicator, &other.area) == (&target.indicator, &target.area)
                    && other.valid.overlaps(&target.valid)
            };
            if loading.profile.targets.iter().any(|other| overlaps(&other)) {
                let reason = format!("overlaps another target of {} for {}", target.indicator, target.area);
                section.mistake("valid_from", reason, "one target per day: end the older with valid_to");
            }
            loading.profile.targets.push(target);
        }
        section.finish();
    }
}

fn read_one(section: &Section<'_>, loading: &Loading<'_>) -> Option<Target> {
    let indicator = read_indicator(section, "indicator", loading);
    let known = indicator.as_ref().and_then(|id| loading.profile.indicators.get(id));
    if let Some(known) = known.filter(|known| known.direction == Direction::Neutral) {
        let reason = format!("{} has no better or worse: a target could be neither met nor missed", known.id);
        section.mistake("indicator", reason, "an indicator with direction worse or better");
    }
    // Without its indicator the scale is unknown; then nothing is rounded away.
    let scale = known.map_or(u8::MAX, |indicator| indicator.scale).min(9);
    let value = section.number("value", scale);
    let formula = section.text_or("formula", "");
    let area = read_area(section, loading);
    let document = section.text("document");
    let valid = Validity { from: section.date("valid_from"), to: section.date("valid_to") };
    if let (Some(from), Some(to)) = (valid.from, valid.to)
        && from >= to
    {
        section.mistake("valid_to", "is not after valid_from", "a later date, or nothing");
    }
    let note = if section.has("note") { section.label("note") } else { Some(Label::default()) };
    Some(Target {
        indicator: indicator?,
        value: value?,
        formula,
        area: area?,
        document: document?,
        valid,
        note: note?,
    })
}

/// The area at the key `area`; absent: the province.
fn read_area(section: &Section<'_>, loading: &Loading<'_>) -> Option<AreaCode> {
    if !section.has("area") {
        return loading.profile.province().map(|province| province.code.clone());
    }
    let code = section.text("area")?;
    if loading.declared.areas.contains(&code) {
        return Some(AreaCode::new(&code));
    }
    section.unknown("area", "area", &code, loading.declared.areas.iter().map(String::as_str));
    None
}
