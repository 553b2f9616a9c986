//! ONVIF events as JSON over MQTT (ONVIF Core Specification, "Event broker"; Profile M): docs/dialects.md.

use nhip_proto::{Item, Rejection, RejectionReason};

use super::json::{self, Json};
use super::sheet::Sheet;
use super::{DecodeContext, Stamp, members, refuse, stamps};

/// The level behind the topic prefix.
const MARK: &str = "onvif-ej";
/// Source values follow this level; a value may hold slashes itself, so they are not read from the topic.
const VALUES: char = '&';

/// The items of an event. No bytes at all are the deletion of a property: its states have no value any more.
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let mut sheet = Sheet::new(context);
    if payload.is_empty() {
        context.stream.states.keys().for_each(|name| sheet.missing(name));
        return sheet.any();
    }
    let event = json::parse_unique(payload)?;
    let time = members::text_at(&event, &["UtcTime"])
        .ok_or_else(|| refuse(RejectionReason::FieldMissing, "UtcTime", 1))?;
    let time = stamps::universal(time).ok_or_else(|| refuse(RejectionReason::TimeInvalid, "UtcTime", 1))?;
    sheet.reading(Stamp { event_time: Some(time), ..Stamp::default() });
    let (topic, short) = local_topic(context.levels);
    sheet.state("event", &topic);
    for (name, value) in members::members(members::member(&event, "Data")) {
        let qualified = format!("{short}.{name}");
        let wanted = sheet.wants_quantity(&qualified) || sheet.wants_state(&qualified);
        let name = if wanted { qualified.as_str() } else { name.as_ref() };
        // An element item is an object: it stays sealed.
        if !matches!(value, Json::Object(_) | Json::Array(_)) {
            sheet.value(name, value, "");
        }
    }
    sheet.filled()
}

/// Whether the topic is one of an event.
pub(super) fn carries(levels: &[&str]) -> bool {
    levels.contains(&MARK)
}

/// `RuleEngine/LineDetector/Crossed` and its last level, without prefix and source values.
fn local_topic<'l>(levels: &[&'l str]) -> (String, &'l str) {
    let behind = levels.iter().skip_while(|level| **level != MARK).skip(1);
    let local: Vec<&str> = behind.take_while(|level| !level.starts_with(VALUES)).copied().collect();
    (local.join("/"), local.last().copied().unwrap_or_default())
}
