//! The mark *số liệu gộp*: a figure of an area from before it began, put together from the areas there were then.

use nhip_profile::Profile;
use nhip_proto::{AreaCode, ArrivalTime, EventTime};
use serde_json::Value;

use super::times::civil_date;

/// Adds `combined: true` to what is shown of a window, if it is such a figure; else nothing.
pub(super) fn mark(mut shown: Value, profile: &Profile, area: &AreaCode, window_start: EventTime) -> Value {
    let date = civil_date(&profile.zone, ArrivalTime(window_start.0));
    if date.is_some_and(|date| profile.is_combined(area, date))
        && let Some(shown) = shown.as_object_mut()
    {
        shown.insert("combined".to_owned(), Value::from(true));
    }
    shown
}
