//! Requests of Open311 GeoReport v2: when a case came, how it stands, how long it took. Addresses,
//! descriptions, notes and names of people are never read: docs/dialects.md.

use nhip_proto::{Decimal, EventTime, Item, Place, Rejection, RejectionReason};

use super::json::{self, Json};
use super::sheet::Sheet;
use super::{
    DecodeContext, ID_BYTES_MAX, READINGS_MAX, Stamp, identity_of, members, place_of, refuse, stamps,
};

/// The items of a request or of a list of them (GeoReport v2 lists at most 1,000).
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let message = json::parse_unique(payload)?;
    let requests = match &message {
        Json::Array(requests) => requests.as_slice(),
        request => std::slice::from_ref(request),
    };
    if requests.len() > READINGS_MAX {
        return Err(refuse(RejectionReason::TooManyItems, "", requests.len()));
    }
    let mut sheet = Sheet::new(context);
    for (index, request) in requests.iter().enumerate() {
        read_request(request, index + 1, &mut sheet)?;
    }
    // A list without requests is a day without reports.
    sheet.any()
}

fn read_request(json: &Json<'_>, position: usize, sheet: &mut Sheet<'_, '_>) -> Result<(), Rejection> {
    let missing = |field| refuse(RejectionReason::FieldMissing, field, position);
    let id = members::member(json, "service_request_id").ok_or_else(|| missing("service_request_id"))?;
    let id = members::id_text(id).filter(|id| id.len() <= ID_BYTES_MAX);
    let id = id.ok_or_else(|| refuse(RejectionReason::FieldInvalid, "service_request_id", position))?;
    let status = members::text_at(json, &["status"]).ok_or_else(|| missing("status"))?;
    let service = members::member(json, "service_code").and_then(members::id_text);
    let time = |field: &'static str| time_of(json, field, position, sheet.context);
    let (requested, updated) = (time("requested_datetime")?, time("updated_datetime")?);
    let expected = time("expected_datetime")?;
    let place = place(json, position)?;
    // An id alone would make an edit conflict with the first report: each fact is one reading.
    let stamp = |event_time, fact: &str| Stamp {
        event_time,
        place,
        identity: Some(identity_of(&format!("{id}/{fact}"))),
        ..Stamp::default()
    };
    if requested.is_some() {
        sheet.reading(stamp(requested, "requested"));
        sheet.number("requests", Some(Decimal::new(1, 0)), "");
        if let Some(service) = &service {
            sheet.state("service_code", service);
        }
    }
    let changed = updated.or(requested);
    let moment = changed.map_or(0, |time| time.0);
    sheet.reading(stamp(changed, &format!("{status}/{moment}")));
    sheet.state("status", status);
    if status == "closed" {
        if let Some(service) = &service {
            sheet.state("closed_service_code", service);
        }
        if let Some((requested, updated)) = requested.zip(updated) {
            let length = i128::from(updated.0) - i128::from(requested.0);
            sheet.number("resolution_time", Some(Decimal::new(length, 9)), "s");
        }
        if let Some((expected, updated)) = expected.zip(updated) {
            sheet.state("on_time", if updated <= expected { "true" } else { "false" });
        }
    }
    Ok(())
}

fn time_of(
    json: &Json<'_>,
    field: &'static str,
    position: usize,
    context: &DecodeContext<'_>,
) -> Result<Option<EventTime>, Rejection> {
    let Some(json) = members::member(json, field) else { return Ok(None) };
    let time = members::text(json).and_then(|text| stamps::local(text, context));
    time.map(Some).ok_or_else(|| refuse(RejectionReason::TimeInvalid, field, position))
}

/// `lat` and `long`, both or neither.
fn place(json: &Json<'_>, position: usize) -> Result<Option<Place>, Rejection> {
    let (Some(longitude), Some(latitude)) = (members::member(json, "long"), members::member(json, "lat"))
    else {
        return Ok(None);
    };
    let e7 = |json: &Json<'_>| json.loose_decimal()?.at_scale(7);
    let place = e7(longitude).zip(e7(latitude)).and_then(|(lon, lat)| place_of(lon, lat));
    place.map(Some).ok_or_else(|| refuse(RejectionReason::FieldInvalid, "lat", position))
}
