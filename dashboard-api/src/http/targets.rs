//! Targets as the API shows them: all of an indicator's, and the one that holds for a figure.

use nhip_profile::{Indicator, Profile, Target, TargetStatus};
use nhip_proto::{AreaCode, ArrivalTime, Decimal, Row};
use serde_json::{Value, json};

use super::times::civil_date;
use crate::snapshot::{label_json, number};

/// All targets of an indicator, expired ones too, in the order of the profile.
pub(crate) fn targets_of(profile: &Profile, indicator: &Indicator) -> Value {
    let targets = profile.targets.iter().filter(|target| target.indicator == indicator.id);
    targets.map(|target| target_json(target, indicator.scale)).collect()
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
    }
    shown
}

fn target_json(target: &Target, scale: u8) -> Value {
    let date = |date: Option<jiff::civil::Date>| date.map(|date| date.to_string());
    json!({
        "value": number(Decimal::new(target.value, scale)),
        "formula": target.formula,
        "area": AreaCode::as_str(&target.area),
        "document": target.document,
        "valid_from": date(target.valid.from),
        "valid_to": date(target.valid.to),
        "note": label_json(&target.note),
    })
}
