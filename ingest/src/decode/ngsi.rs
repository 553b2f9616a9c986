//! Observed entities of the FIWARE Smart Data Models in NGSI: key-values, NGSI-v2 normalized and NGSI-LD,
//! alone, in lists or as notifications: docs/dialects.md.

mod models;
mod value;

use nhip_proto::{EventTime, Item, Rejection, RejectionReason};

use self::value::Attribute;
use super::json::{self, Json};
use super::sheet::{Sheet, interval};
use super::{DecodeContext, READINGS_MAX, Stamp, identity_of, members, place_of, refuse, stamps};

/// Attributes that are identity, time or place of an entity, never a value.
const FRAME: [&str; 9] = [
    "id",
    "@context",
    "location",
    "dateObserved",
    "dateObservedFrom",
    "dateObservedTo",
    "observationDateTime",
    "validFrom",
    "validTo",
];

/// The items of an entity, of a list of states of one entity, or of a notification about one.
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let message = json::parse_unique(payload)?;
    let body = match members::member(&message, "data") {
        Some(data @ Json::Array(_))
            if members::member(&message, "type").is_none() || is_notification(&message) =>
        {
            data
        }
        _ => &message,
    };
    let entities = match body {
        Json::Array(entities) => entities.as_slice(),
        entity => std::slice::from_ref(entity),
    };
    if entities.len() > READINGS_MAX {
        return Err(refuse(RejectionReason::TooManyItems, "", entities.len()));
    }
    let mut sheet = Sheet::new(context);
    let mut first = None;
    for (index, entity) in entities.iter().enumerate() {
        let position = index + 1;
        let id = members::text_at(entity, &["id"])
            .ok_or_else(|| refuse(RejectionReason::FieldMissing, "id", position))?;
        // Entities are sources; a list of several needs a route that splits it.
        if *first.get_or_insert(id) != id {
            return Err(refuse(RejectionReason::FieldInvalid, "id", position));
        }
        read_entity(entity, id, position, &mut sheet)?;
    }
    sheet.filled()
}

/// NGSI-v2 marks a notification by its subscription, NGSI-LD by its type.
fn is_notification(message: &Json<'_>) -> bool {
    members::member(message, "subscriptionId").is_some()
        || members::text_at(message, &["type"]) == Some("Notification")
}

fn read_entity(
    entity: &Json<'_>,
    id: &str,
    position: usize,
    sheet: &mut Sheet<'_, '_>,
) -> Result<(), Rejection> {
    let model = members::text_at(entity, &["type"]).unwrap_or_default();
    let mut stamp = time_of(entity, position, sheet.context)?;
    stamp.place = place(entity);
    // An alert is an event of its own; an observed entity keeps its id over all its observations.
    stamp.identity = (model == "Alert").then(|| identity_of(id));
    sheet.reading(stamp);
    if !model.is_empty() {
        sheet.state("type", model);
    }
    for (name, json) in members::members(Some(entity)) {
        if name == "type" || FRAME.contains(&name.as_ref()) {
            continue;
        }
        if name == "measurand" {
            value::measurands(json, entity, sheet);
        } else if sheet.wants_quantity(name) || sheet.wants_state(name) {
            let attribute = Attribute::of(json);
            let own =
                attribute.observed_at.map(|text| observed(text, position, sheet.context)).transpose()?;
            sheet.reading(Stamp { event_time: own.or(stamp.event_time), ..stamp });
            sheet.value(name, attribute.value, attribute.unit.unwrap_or_else(|| models::unit(model, name)));
        }
    }
    sheet.reading(stamp);
    for name in models::false_if_absent(model) {
        if members::member(entity, name).is_none() {
            sheet.state(name, "false");
        }
    }
    Ok(())
}

fn observed(text: &str, position: usize, context: &DecodeContext<'_>) -> Result<EventTime, Rejection> {
    stamps::local(text, context).ok_or_else(|| refuse(RejectionReason::TimeInvalid, "observedAt", position))
}

/// `dateObservedFrom` and `…To` win over `dateObserved`, whose interval may lack its zone.
fn time_of(entity: &Json<'_>, position: usize, context: &DecodeContext<'_>) -> Result<Stamp, Rejection> {
    let read = |name: &'static str| -> Result<Option<EventTime>, Rejection> {
        let Some(text) = members::member(entity, name).and_then(value::text_of) else { return Ok(None) };
        let time = stamps::local(text, context);
        time.map(Some).ok_or_else(|| refuse(RejectionReason::TimeInvalid, name, position))
    };
    let wrong = |field| refuse(RejectionReason::TimeInvalid, field, position);
    if let (Some(from), Some(to)) = (read("dateObservedFrom")?, read("dateObservedTo")?) {
        return interval(context, from, to).ok_or_else(|| wrong("dateObservedTo"));
    }
    let observed = members::member(entity, "dateObserved").and_then(value::text_of);
    if let Some((from, to)) = observed.and_then(|text| text.split_once('/')) {
        let ends = stamps::local(from, context).zip(stamps::local(to, context));
        let stamp = ends.and_then(|(from, to)| interval(context, from, to));
        return stamp.ok_or_else(|| wrong("dateObserved"));
    }
    for name in ["dateObserved", "observationDateTime", "dateObservedTo", "dateIssued", "validFrom"] {
        if let Some(time) = read(name)? {
            return Ok(Stamp { event_time: Some(time), ..Stamp::default() });
        }
    }
    Ok(Stamp::default())
}

/// A GeoJSON point, longitude first; a line or an area is no place of a reading.
fn place(entity: &Json<'_>) -> Option<nhip_proto::Place> {
    let point = Attribute::of(members::member(entity, "location")?).value;
    if members::text_at(point, &["type"]) != Some("Point") {
        return None;
    }
    let [longitude, latitude, ..] = members::elements(members::member(point, "coordinates")) else {
        return None;
    };
    let e7 = |json: &Json<'_>| json.decimal()?.at_scale(7);
    place_of(e7(longitude)?, e7(latitude)?)
}
