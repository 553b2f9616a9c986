//! Targets as the API shows them: all of an indicator's, and the one that holds for a figure; baselines.

use nhip_profile::{Baseline, Indicator, Label, Profile, Target, TargetStatus};
use nhip_proto::{AreaCode, ArrivalTime, Decimal, Row};
use serde_json::{Value, json};

use super::times::civil_date;
use crate::snapshot::{label_json, number};

/// All targets of an indicator, expired ones too, in the order of the profile.
pub(crate) fn targets_of(profile: &Profile, indicator: &Indicator) -> Value {
    let targets = profile.targets.iter().filter(|target| target.indicator == indicator.id);
    targets.map(|target| target_json(target, indicator.scale)).collect()
}

/// All baselines of an indicator, in the order of the profile.
pub(crate) fn baselines_of(profile: &Profile, indicator: &Indicator) -> Value {
    let baselines = profile.baselines.iter().filter(|baseline| baseline.indicator == indicator.id);
    baselines.map(|baseline| baseline_json(baseline, indicator.scale)).collect()
}

/// The target of a figure's area on the civil day its window starts, and whether the value meets it. Without one:
/// `none`, *chưa giao chỉ tiêu*.
pub(crate) fn target_of(profile: &Profile, row: &Row) -> Value {
    let indicator = profile.indicators.get(&row.key.indicator);
    let date = civil_date(&profile.zone, ArrivalTime(row.key.window_start.0));
    let grouped = !row.key.group.is_empty();
    let target =
        date.filter(|_| !grouped).and_then(|date| profile.target_on(&row.key.indicator, &row.key.area, date));
    let (Some(indicator), Some(target)) = (indicator, target) else {
        return json!({"status": TargetStatus::Unset.as_str()});
    };
    let value = row.value.and_then(|value| value.at_scale(indicator.scale));
    let mut shown = target_json(target, indicator.scale);
    if let Some(shown) = shown.as_object_mut() {
        let status = target.judge(value, indicator.direction);
        shown.insert("status".to_owned(), Value::from(status.as_str()));
        shown.remove("area");
        shown.remove("former_area");
    }
    shown
}

fn target_json(target: &Target, scale: u8) -> Value {
    let date = |date: Option<jiff::civil::Date>| date.map(|date| date.to_string());
    json!({
        "value": number(Decimal::new(target.value, scale)),
        "formula": target.formula,
        "area": target.stands().then(|| AreaCode::as_str(&target.area)),
        "former_area": former_json(&target.former_area),
        "document": target.document,
        "valid_from": date(target.valid.from),
        "valid_to": date(target.valid.to),
        "note": label_json(&target.note),
    })
}

fn baseline_json(baseline: &Baseline, scale: u8) -> Value {
    let former = former_json(&baseline.former_area);
    json!({
        "value": number(Decimal::new(baseline.value, scale)),
        "at_least": baseline.at_least,
        "area": former.is_null().then(|| AreaCode::as_str(&baseline.area)),
        "former_area": former,
        "document": baseline.document,
        "as_of": baseline.as_of.to_string(),
        "note": label_json(&baseline.note),
    })
}

/// The name of an area that is in no table any more, or null.
fn former_json(former: &Label) -> Value {
    if former == &Label::default() { Value::Null } else { label_json(former) }
}
