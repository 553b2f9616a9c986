//! Events of Axis cameras through their MQTT event bridge, Object Analytics scenarios foremost:
//! docs/dialects.md.

use nhip_proto::{Item, Rejection, RejectionReason};

use super::json::{self, Json};
use super::sheet::Sheet;
use super::{DecodeContext, Stamp, members, refuse, stamps};

/// What a scenario reports, told apart by the keys of its data: the topic only numbers the scenario.
enum Scenario {
    /// `active`: something is in the area, or no longer.
    Area,
    /// `reason` or `totalHuman` …: crossings since the counter was reset.
    Crossings,
    /// `total` and classes: how many are inside now.
    Occupancy,
    /// Another event of the camera.
    Other,
}

/// The items of an event. Every value is a text.
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let event = json::parse_unique(payload)?;
    let missing = |field| refuse(RejectionReason::FieldMissing, field, 1);
    let time = members::member(&event, "timestamp").ok_or_else(|| missing("timestamp"))?;
    let time =
        stamps::milliseconds(time).ok_or_else(|| refuse(RejectionReason::TimeInvalid, "timestamp", 1))?;
    let data = members::at(&event, &["message", "data"]).ok_or_else(|| missing("data"))?;
    let mut sheet = Sheet::new(context);
    sheet.reading(Stamp { event_time: Some(time), ..Stamp::default() });
    if let Some(topic) = members::text_at(&event, &["topic"]) {
        sheet.state("event", topic);
    }
    let scenario = scenario_of(data);
    for (name, value) in members::members(Some(data)) {
        match scenario {
            Scenario::Crossings => match name.strip_prefix("total") {
                Some("") => sheet.value("passages", value, ""),
                Some(class) => sheet.value(&format!("passages.{}", class.to_lowercase()), value, ""),
                None => sheet.value(name, value, ""),
            },
            Scenario::Occupancy => match name.as_ref() {
                "total" => sheet.value("occupancy", value, ""),
                "scenario" => sheet.value(name, value, ""),
                class => sheet.value(&format!("occupancy.{}", class.to_lowercase()), value, ""),
            },
            Scenario::Area | Scenario::Other => sheet.value(name, value, ""),
        }
    }
    sheet.filled()
}

fn scenario_of(data: &Json<'_>) -> Scenario {
    let has = |name| members::member(data, name).is_some();
    let counts_a_class = |name: &str| name.strip_prefix("total").is_some_and(|class| !class.is_empty());
    if has("active") {
        Scenario::Area
    } else if has("total")
        && (has("reason") || members::members(Some(data)).iter().any(|(name, _)| counts_a_class(name)))
    {
        Scenario::Crossings
    } else if has("total") {
        Scenario::Occupancy
    } else {
        Scenario::Other
    }
}
