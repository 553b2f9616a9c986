//! `[[target]]`: value, scope, document and validity; expired ones are kept as history. `[[baseline]]`: where an
//! indicator stood.

use nhip_proto::{AreaCode, Decimal};

use super::Loading;
use super::views::read_indicator;
use crate::read::Section;
use crate::{Baseline, Curve, Direction, Indicator, Label, Target, Validity};

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
                (&other.indicator, &other.area, &other.former_area)
                    == (&target.indicator, &target.area, &target.former_area)
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
    let value = section.number("value", scale_of(known));
    let formula = section.text_or("formula", "");
    let (area, former_area) = read_place(section, loading);
    let document = section.text("document");
    let valid = Validity { from: section.date("valid_from"), to: section.date("valid_to") };
    if let (Some(from), Some(to)) = (valid.from, valid.to)
        && from >= to
    {
        section.mistake("valid_to", "is not after valid_from", "a later date, or nothing");
    }
    if former_area.as_ref().is_some_and(|former| *former != Label::default()) && valid.to.is_none() {
        let reason = "is missing: a target of a former area has ended";
        section.mistake("valid_to", reason, "the day the area ended, or earlier");
    }
    let curve = section.has("curve").then(|| read_curve(section)).flatten();
    let note = if section.has("note") { section.label("note") } else { Some(Label::default()) };
    Some(Target {
        indicator: indicator?,
        value: value?,
        formula,
        area: area?,
        former_area: former_area?,
        document: document?,
        valid,
        note: note?,
        curve,
    })
}

pub(super) fn read_baselines(sections: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    for section in sections {
        if let Some(baseline) = read_baseline(&section, loading) {
            let same = |other: &&Baseline| {
                (&other.indicator, &other.area, &other.former_area, other.as_of)
                    == (&baseline.indicator, &baseline.area, &baseline.former_area, baseline.as_of)
            };
            if loading.profile.baselines.iter().any(|other| same(&other)) {
                let reason = format!("stands twice for {} on {}", baseline.indicator, baseline.as_of);
                section.mistake("as_of", reason, "one baseline of an indicator and area a day");
            }
            loading.profile.baselines.push(baseline);
        }
        section.finish();
    }
}

fn read_baseline(section: &Section<'_>, loading: &Loading<'_>) -> Option<Baseline> {
    let indicator = read_indicator(section, "indicator", loading);
    let known = indicator.as_ref().and_then(|id| loading.profile.indicators.get(id));
    let value = section.number("value", scale_of(known));
    let at_least = section.flag("at_least");
    let (area, former_area) = read_place(section, loading);
    let document = section.text("document");
    if !section.has("as_of") {
        section.mistake("as_of", "is missing", "the day it tells of, 2019-06-30");
    }
    let as_of = section.date("as_of");
    let note = if section.has("note") { section.label("note") } else { Some(Label::default()) };
    Some(Baseline {
        indicator: indicator?,
        value: value?,
        at_least,
        area: area?,
        former_area: former_area?,
        document: document?,
        as_of: as_of?,
        note: note?,
    })
}

/// Without its indicator the scale is unknown; then nothing is rounded away.
fn scale_of(known: Option<&Indicator>) -> u8 {
    known.map_or(u8::MAX, |indicator| indicator.scale).min(9)
}

/// The area, and the name of a former one in its place.
fn read_place(section: &Section<'_>, loading: &Loading<'_>) -> (Option<AreaCode>, Option<Label>) {
    if !section.has("former_area") {
        return (read_area(section, loading), Some(Label::default()));
    }
    if section.has("area") {
        section.mistake("former_area", "stands beside an area", "area or former_area");
    }
    (loading.profile.province().map(|province| province.code.clone()), section.label("former_area"))
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
