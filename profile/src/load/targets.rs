//! `[[target]]`: value, scope, document and validity; expired ones are kept as history.

use nhip_proto::{AreaCode, Decimal};

use super::Loading;
use super::views::read_indicator;
use crate::read::Section;
use crate::{Curve, Direction, Label, Target, Validity};

/// Digits of a share of a plan.
const SHARE_SCALE: u8 = 4;
/// All of a plan, at these digits.
const WHOLE: u32 = 10_000;
const CURVE: &str =
    "\"elapsed\", or twelve shares that never fall, January first, the last 1, with at most 4 digits";

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
    let curve = section.has("curve").then(|| read_curve(section)).flatten();
    let note = if section.has("note") { section.label("note") } else { Some(Label::default()) };
    Some(Target {
        indicator: indicator?,
        value: value?,
        formula,
        area: area?,
        document: document?,
        valid,
        note: note?,
        curve,
    })
}

/// The course of a plan: twelve shares counted up from January, or as the year goes.
fn read_curve(section: &Section<'_>) -> Option<Curve> {
    let words = section.scalars("curve")?;
    if words == ["elapsed"] {
        return Some(Curve::elapsed());
    }
    let parts = |word: &String| {
        let share = Decimal::parse(word).ok()?.at_scale(SHARE_SCALE)?;
        u32::try_from(share).ok()
    };
    let shares: Option<Vec<u32>> = words.iter().map(parts).collect();
    let shares = shares.and_then(|shares| <[u32; 12]>::try_from(shares).ok());
    let shares = shares.filter(|shares| shares.is_sorted() && shares.last() == Some(&WHOLE));
    if shares.is_none() {
        section.mistake("curve", "is no course of a year", CURVE);
    }
    Some(Curve { shares: shares?, whole: WHOLE })
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
