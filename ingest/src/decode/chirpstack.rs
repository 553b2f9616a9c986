//! ChirpStack v4 events in JSON (`application/<id>/device/<devEui>/event/<kind>`): proto3 JSON, in which an
//! absent number is 0: docs/dialects.md.

use nhip_proto::{Decimal, EventTime, Item, Rejection, RejectionReason};

use super::json::{self, Json};
use super::sheet::Sheet;
use super::{DecodeContext, ID_BYTES_MAX, Stamp, identity_of, lorawan, members, place_of, refuse, time_text};

/// Events that say something of the device; acknowledgements of downlinks do not.
const KINDS: [&str; 5] = ["up", "status", "join", "log", "location"];

/// The items of an event.
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let event = json::parse_unique(payload)?;
    let device = members::text_at(&event, &["deviceInfo", "devEui"])
        .ok_or_else(|| refuse(RejectionReason::FieldMissing, "devEui", 1))?;
    let event_time = members::member(&event, "time").map(time_of).transpose()?;
    let mut sheet = Sheet::new(context);
    let kind = kind(context.levels).unwrap_or("up");
    let mut stamp = Stamp { event_time, ..Stamp::default() };
    if kind == "up" {
        counted(&event, device, &mut stamp)?;
    } else if let Some(id) = members::text_at(&event, &["deduplicationId"]) {
        stamp.identity = (id.len() <= ID_BYTES_MAX).then(|| identity_of(id));
    }
    if let Some(location) = members::member(&event, "location") {
        stamp.place = Some(place(location)?);
    }
    sheet.reading(stamp);
    sheet.state("event", kind);
    let zero = || Some(Decimal::new(0, 0));
    match kind {
        "up" => {
            lorawan::decoded(members::member(&event, "object"), &mut sheet);
            lorawan::signal(members::member(&event, "rxInfo"), &mut sheet);
            return sheet.filled();
        }
        "status" => {
            let is = |name| matches!(members::member(&event, name), Some(Json::Bool(true)));
            let number = |name| members::member(&event, name).map_or_else(zero, Json::loose_decimal);
            sheet.number("margin", number("margin"), "dB");
            let level = if is("externalPowerSource") || is("batteryLevelUnavailable") {
                None
            } else {
                number("batteryLevel")
            };
            sheet.number("batteryLevel", level, "%");
            sheet.state("externalPowerSource", if is("externalPowerSource") { "true" } else { "false" });
        }
        "log" => {
            // proto3 leaves the first value of an enumeration out.
            sheet.state("level", members::text_at(&event, &["level"]).unwrap_or("INFO"));
            sheet.state("code", members::text_at(&event, &["code"]).unwrap_or("UNKNOWN"));
        }
        _ => {}
    }
    sheet.any()
}

/// Whether the topic is one of an event this dialect reads.
pub(super) fn carries(levels: &[&str]) -> bool {
    kind(levels).is_some()
}

fn kind<'l>(levels: &[&'l str]) -> Option<&'l str> {
    let [.., "event", kind] = levels else { return None };
    KINDS.contains(kind).then_some(*kind)
}

/// An uplink is the same by device, address and counter: after a restart of the server it may come again
/// under another deduplication id.
fn counted(event: &Json<'_>, device: &str, stamp: &mut Stamp) -> Result<(), Rejection> {
    let counter = lorawan::whole_or_zero(members::member(event, "fCnt"))
        .ok_or_else(|| refuse(RejectionReason::FieldInvalid, "fCnt", 1))?;
    let address = members::text_at(event, &["devAddr"]);
    stamp.sequence = Some(counter);
    stamp.boot = lorawan::boot(address);
    stamp.identity = Some(identity_of(&format!("{device}/{}/{counter}", address.unwrap_or_default())));
    Ok(())
}

fn time_of(json: &Json<'_>) -> Result<EventTime, Rejection> {
    members::text(json)
        .and_then(time_text::parse)
        .ok_or_else(|| refuse(RejectionReason::TimeInvalid, "time", 1))
}

/// Where a device was found to be; a coordinate left out is 0.
fn place(location: &Json<'_>) -> Result<nhip_proto::Place, Rejection> {
    let e7 = |name| match members::member(location, name) {
        None => Some(0),
        Some(json) => json.decimal()?.at_scale(7),
    };
    let place = e7("longitude").zip(e7("latitude")).and_then(|(lon, lat)| place_of(lon, lat));
    place.ok_or_else(|| refuse(RejectionReason::FieldInvalid, "location", 1))
}
