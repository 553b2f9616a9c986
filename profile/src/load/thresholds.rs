//! `[[threshold]]`: dated limits of indicators, everywhere or of one area or group.

use super::Loading;
use super::derived::read_area;
use super::views::read_indicator;
use crate::read::Section;
use crate::{Severity, Threshold, Validity};

const SEVERITIES: [(&str, Severity); 2] = [("warning", Severity::Warning), ("critical", Severity::Critical)];

pub(super) fn read(sections: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    let mut places = Vec::new();
    for section in &sections {
        if let Some(threshold) = read_one(section, loading) {
            let overlaps = |other: &&Threshold| {
                same_place(other, &threshold)
                    && other.severity == threshold.severity
                    && other.valid.overlaps(&threshold.valid)
            };
            if loading.profile.thresholds.iter().any(|other| overlaps(&other)) {
                let reason = format!("overlaps another threshold of {}", threshold.indicator);
                section.mistake("valid_from", reason, "one threshold per day: end the older with valid_to");
            }
            loading.profile.thresholds.push(threshold);
            places.push(section);
        }
    }
    for (threshold, section) in loading.profile.thresholds.iter().zip(places) {
        check_order(section, threshold, &loading.profile.thresholds);
    }
    sections.into_iter().for_each(Section::finish);
}

fn read_one(section: &Section<'_>, loading: &Loading<'_>) -> Option<Threshold> {
    let indicator = read_indicator(section, "indicator", loading);
    let known = indicator.as_ref().and_then(|id| loading.profile.indicators.get(id));
    let severity = match section.has("severity") {
        true => section.choice("severity", &SEVERITIES),
        false => Some(Severity::Critical),
    };
    let area = read_area(section, loading);
    let group = section.has("group").then(|| section.text("group")).flatten();
    if let (Some(_), Some(indicator)) = (&group, known)
        && indicator.group.is_none()
    {
        let reason = format!("{} is not grouped", indicator.id);
        section.mistake("group", reason, "no group, or group at the indicator");
    }
    // Without its indicator the scale is unknown; then nothing is rounded away.
    let scale = known.map_or(u8::MAX, |indicator| indicator.scale).min(9);
    let limit = section.number("limit", scale);
    let dead_band = if section.has("dead_band") { section.number("dead_band", scale) } else { Some(0) };
    if dead_band.is_some_and(|band| band < 0) {
        section.mistake("dead_band", "is less than 0", "0 or more");
    }
    let below = section.flag("below");
    let valid = read_validity(section);
    let document = section.text("document");
    Some(Threshold {
        indicator: indicator?,
        severity: severity?,
        area,
        group,
        limit: limit?,
        below,
        dead_band: dead_band?,
        valid,
        document: document?,
    })
}

/// `valid_from` and `valid_to`, both of which may be absent.
pub(super) fn read_validity(section: &Section<'_>) -> Validity {
    let valid = Validity { from: section.date("valid_from"), to: section.date("valid_to") };
    if let (Some(from), Some(to)) = (valid.from, valid.to)
        && from >= to
    {
        section.mistake("valid_to", "is not after valid_from", "a later date, or nothing");
    }
    valid
}

fn same_place(one: &Threshold, other: &Threshold) -> bool {
    (&one.indicator, &one.area, &one.group) == (&other.indicator, &other.area, &other.group)
}

/// A warning comes before what it warns of.
fn check_order(section: &Section<'_>, warning: &Threshold, all: &[Threshold]) {
    if warning.severity != Severity::Warning {
        return;
    }
    let meets = |other: &&Threshold| {
        let critical = other.severity == Severity::Critical;
        critical && same_place(other, warning) && other.valid.overlaps(&warning.valid)
    };
    for critical in all.iter().filter(meets) {
        let before =
            if critical.below { warning.limit > critical.limit } else { warning.limit < critical.limit };
        if warning.below != critical.below {
            section.mistake("below", "warns on the other side of the critical one", "the same side");
        } else if !before {
            section.mistake("limit", "warns no earlier than the critical one", "a limit that is met before");
        }
    }
}
