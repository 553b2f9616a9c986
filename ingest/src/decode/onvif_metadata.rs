//! ONVIF analytics metadata as JSON over MQTT (ONVIF Analytics Service Specification, "JSON over MQTT"):
//! how many objects of a class a camera sees, and sensor values. Boxes, faces, bodies and colours stay
//! sealed: docs/dialects.md.

use nhip_proto::{EventTime, Item, Rejection, RejectionReason};

use super::json::{self, Json};
use super::sheet::Sheet;
use super::{DecodeContext, READINGS_MAX, Stamp, members, refuse, stamps};

/// The level behind the topic prefix.
const MARK: &str = "onvif-mj";
/// All objects in a frame; `objects.Human` are those of one class.
const OBJECTS: &str = "objects";

/// The items of a metadata message: one reading per frame, or one sensor value.
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let message = json::parse_unique(payload)?;
    let mut sheet = Sheet::new(context);
    if let Some(sensor) = members::member(&message, "SensorData") {
        let event_time = Some(time_of(sensor, 1)?);
        sheet.reading(Stamp { event_time, ..Stamp::default() });
        let kind = context.levels.iter().skip_while(|level| **level != MARK).nth(2).copied();
        let name = kind.filter(|kind| sheet.wants_quantity(kind)).unwrap_or("Value");
        if let Some(value) = members::member(sensor, "Value") {
            sheet.value(name, value, "");
        }
        return sheet.filled();
    }
    let frames = match members::member(&message, "Frame") {
        Some(Json::Array(frames)) => frames.as_slice(),
        Some(frame @ Json::Object(_)) => std::slice::from_ref(frame),
        Some(_) => return Err(refuse(RejectionReason::FieldInvalid, "Frame", 1)),
        None => return Err(refuse(RejectionReason::FieldMissing, "Frame", 1)),
    };
    if frames.len() > READINGS_MAX {
        return Err(refuse(RejectionReason::TooManyItems, "Frame", frames.len()));
    }
    for (index, frame) in frames.iter().enumerate() {
        let event_time = Some(time_of(frame, index + 1)?);
        sheet.reading(Stamp { event_time, ..Stamp::default() });
        count(frame, &mut sheet);
    }
    sheet.filled()
}

/// Whether the topic is one of metadata.
pub(super) fn carries(levels: &[&str]) -> bool {
    levels.contains(&MARK)
}

/// A frame lists all objects in view: a class it does not list is there 0 times.
fn count(frame: &Json<'_>, sheet: &mut Sheet<'_, '_>) {
    let objects = match members::member(frame, "Object") {
        Some(object @ Json::Object(_)) => std::slice::from_ref(object),
        objects => members::elements(objects),
    };
    let classes: Vec<Option<&str>> = objects.iter().map(class_of).collect();
    sheet.count(OBJECTS, classes.len());
    let context = sheet.context;
    for name in context.stream.quantities.keys() {
        let Some(class) = name.strip_prefix(OBJECTS).and_then(|rest| rest.strip_prefix('.')) else {
            continue;
        };
        sheet.count(name, classes.iter().filter(|one| **one == Some(class)).count());
    }
}

/// The likeliest class of an object; of equals the first.
fn class_of<'j>(object: &'j Json<'_>) -> Option<&'j str> {
    let types = members::elements(members::at(object, &["Appearance", "Class", "Type"]));
    let likelihood = |one: &Json<'_>| {
        members::member(one, "@Likelihood").and_then(Json::loose_decimal).and_then(|one| one.at_scale(9))
    };
    let mut best: Option<(&Json<'_>, Option<i128>)> = None;
    for one in types {
        let likely = likelihood(one);
        if best.is_none_or(|(_, most)| likely > most) {
            best = Some((one, likely));
        }
    }
    members::text_at(best?.0, &["#text"])
}

fn time_of(json: &Json<'_>, position: usize) -> Result<EventTime, Rejection> {
    let text = members::text_at(json, &["@UtcTime"])
        .ok_or_else(|| refuse(RejectionReason::FieldMissing, "UtcTime", position))?;
    stamps::universal(text).ok_or_else(|| refuse(RejectionReason::TimeInvalid, "UtcTime", position))
}
