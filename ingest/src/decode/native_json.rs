//! The native JSON dialect: one reading or an array of readings (docs/mqtt.md). Numbers keep their text, so
//! no value passes through a float.

use nhip_proto::{Decimal, Item, ItemFlags, Place, Rejection, RejectionReason, Span};

use super::json::{self, Json};
use super::{
    DecodeContext, ID_BYTES_MAX, ITEMS_MAX, PERIOD_MAX, READINGS_MAX, Stamp, clear_unit, identity_of,
    place_of, quantity_item, refuse, state_item, time_of_milliseconds, time_text, undeclared,
};

/// The items of a payload.
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let root = json::parse(payload)?;
    let mut items = Vec::new();
    match &root {
        Json::Array(readings) if readings.len() > READINGS_MAX => {
            return Err(refuse(RejectionReason::TooManyItems, "", readings.len()));
        }
        Json::Array(readings) => {
            for (index, reading) in readings.iter().enumerate() {
                read_reading(reading, index + 1, context, &mut items)?;
            }
        }
        reading => read_reading(reading, 1, context, &mut items)?,
    }
    if items.is_empty() { Err(refuse(RejectionReason::Empty, "", 0)) } else { Ok(items) }
}

/// The members of a reading or of a measure; absent and `null` are the same.
struct Members<'j, 'a, const N: usize>([Option<&'j Json<'a>>; N]);

impl<'j, 'a, const N: usize> Members<'j, 'a, N> {
    /// Members the dialect does not name are left in the sealed part; a member named twice says two things.
    fn of(
        object: &'j [(std::borrow::Cow<'a, str>, Json<'a>)],
        names: [&'static str; N],
        position: usize,
    ) -> Result<Self, Rejection> {
        let mut members = [None; N];
        let mut seen = [false; N];
        for (key, value) in object {
            let Some(index) = names.iter().position(|name| name == key) else { continue };
            let (Some(slot), Some(seen)) = (members.get_mut(index), seen.get_mut(index)) else { continue };
            if *seen {
                let name = names.get(index).copied().unwrap_or_default();
                return Err(refuse(RejectionReason::FieldInvalid, name, position));
            }
            *seen = true;
            *slot = if matches!(value, Json::Null) { None } else { Some(value) };
        }
        Ok(Self(members))
    }
}

fn read_reading(
    json: &Json<'_>,
    position: usize,
    context: &DecodeContext<'_>,
    items: &mut Vec<Item>,
) -> Result<(), Rejection> {
    let Json::Object(object) = json else {
        return Err(refuse(RejectionReason::FieldInvalid, "", position));
    };
    let names = ["time", "id", "sequence", "boot", "period_s", "place", "values", "states"];
    let Members([time, id, sequence, boot, period_s, place, values, states]) =
        Members::of(object, names, position)?;
    let invalid = |field| refuse(RejectionReason::FieldInvalid, field, position);
    let stamp = Stamp {
        event_time: time.map(|time| read_time(time, position)).transpose()?,
        period: period_s.map(|json| read_period(json).ok_or_else(|| invalid("period_s"))).transpose()?,
        place: place.map(|place| read_place(place, position)).transpose()?,
        identity: id.map(|json| read_id(json).ok_or_else(|| invalid("id"))).transpose()?,
        sequence: sequence.map(|json| json.whole().ok_or_else(|| invalid("sequence"))).transpose()?,
        boot: boot.map(|json| json.whole().ok_or_else(|| invalid("boot"))).transpose()?,
    };
    if let Some(values) = values {
        for (name, value) in named(values, "values", position)? {
            items.push(read_measure(name, value, position, items.len(), &stamp, context)?);
        }
    }
    if let Some(states) = states {
        for (name, state) in named(states, "states", position)? {
            items.push(read_state(name, state, position, items.len(), &stamp, context)?);
        }
    }
    if items.len() > ITEMS_MAX { Err(refuse(RejectionReason::TooManyItems, "", items.len())) } else { Ok(()) }
}

/// The members of `values` or `states`; a name given twice says two things of one moment.
fn named<'j, 'a>(
    json: &'j Json<'a>,
    field: &'static str,
    position: usize,
) -> Result<&'j [(std::borrow::Cow<'a, str>, Json<'a>)], Rejection> {
    let invalid = || refuse(RejectionReason::FieldInvalid, field, position);
    let Json::Object(object) = json else { return Err(invalid()) };
    let mut names: Vec<&str> = object.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    let twice = names.iter().zip(names.iter().skip(1)).any(|(left, right)| left == right);
    if twice { Err(invalid()) } else { Ok(object) }
}

fn read_measure(
    name: &str,
    json: &Json<'_>,
    position: usize,
    place: usize,
    stamp: &Stamp,
    context: &DecodeContext<'_>,
) -> Result<Item, Rejection> {
    if !context.stream.quantities.contains_key(name) {
        return Ok(undeclared(stamp, context, place));
    }
    let invalid = || refuse(RejectionReason::FieldInvalid, name, position);
    let Json::Object(object) = json else {
        return Ok(quantity_item(stamp, context, name, read_number(json).ok_or_else(invalid)?));
    };
    let Members([value, unit, fault, time]) =
        Members::of(object, ["value", "unit", "fault", "time"], position)?;
    let mut stamp = *stamp;
    if let Some(time) = time {
        stamp.event_time = Some(read_time(time, position)?);
    }
    let number = value.map_or(Some(None), read_number).ok_or_else(invalid)?;
    let mut item = quantity_item(&stamp, context, name, number);
    match unit {
        None => {}
        Some(Json::Text(unit)) => item.unit = clear_unit(context, name, unit),
        Some(_) => return Err(invalid()),
    }
    match fault {
        None | Some(Json::Bool(false)) => {}
        Some(Json::Bool(true)) => item.flags = ItemFlags::DEVICE_FAULT,
        Some(_) => return Err(invalid()),
    }
    Ok(item)
}

fn read_state(
    name: &str,
    json: &Json<'_>,
    position: usize,
    place: usize,
    stamp: &Stamp,
    context: &DecodeContext<'_>,
) -> Result<Item, Rejection> {
    if !context.stream.has_words(name) {
        return Ok(undeclared(stamp, context, place));
    }
    match json {
        Json::Text(state) => Ok(state_item(stamp, context, name, Some(state))),
        Json::Null => Ok(state_item(stamp, context, name, None)),
        _ => Err(refuse(RejectionReason::FieldInvalid, name, position)),
    }
}

/// A number or `null`; none for anything else, and for numbers of more than 28 digits.
fn read_number(json: &Json<'_>) -> Option<Option<Decimal>> {
    match json {
        Json::Null => Some(None),
        json => json.decimal().map(Some),
    }
}

fn read_time(json: &Json<'_>, position: usize) -> Result<nhip_proto::EventTime, Rejection> {
    let time = match json {
        Json::Text(text) => time_text::parse(text),
        Json::Natural(milliseconds) => i64::try_from(*milliseconds).ok().and_then(time_of_milliseconds),
        Json::Negative(milliseconds) => time_of_milliseconds(*milliseconds),
        _ => None,
    };
    time.ok_or_else(|| refuse(RejectionReason::TimeInvalid, "time", position))
}

/// Seconds, exact to the nanosecond, more than nothing.
fn read_period(json: &Json<'_>) -> Option<Span> {
    let nanoseconds = json.decimal()?.at_scale(9)?;
    let length = Span::try_from(nanoseconds).ok()?;
    (1..=PERIOD_MAX).contains(&length).then_some(length)
}

fn read_id(json: &Json<'_>) -> Option<u128> {
    match json {
        Json::Text(id) if !id.is_empty() && id.len() <= ID_BYTES_MAX => Some(identity_of(id)),
        _ => None,
    }
}

fn read_place(json: &Json<'_>, position: usize) -> Result<Place, Rejection> {
    let invalid = || refuse(RejectionReason::FieldInvalid, "place", position);
    let Json::Object(object) = json else { return Err(invalid()) };
    let Members([longitude, latitude]) = Members::of(object, ["lon", "lat"], position)?;
    let e7 = |json: Option<&Json<'_>>| json?.decimal()?.at_scale(7);
    e7(longitude).zip(e7(latitude)).and_then(|(lon, lat)| place_of(lon, lat)).ok_or_else(invalid)
}
