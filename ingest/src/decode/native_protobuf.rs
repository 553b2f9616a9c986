//! The native binary dialect: one `nhip.reading.v1.Reading` (proto/schema/reading.proto). It says what the
//! JSON dialect says; numbers travel as mantissa and exponent.

use nhip_proto::wire::reading::{Measure, Reading, measure::Value};
use nhip_proto::{Decimal, EventTime, Item, ItemFlags, MILLISECOND, Place, Rejection, RejectionReason, Span};
use prost::Message as _;

use super::{
    DecodeContext, ID_BYTES_MAX, ITEMS_MAX, PERIOD_MAX, Stamp, clear_unit, identity_of, place_of,
    protobuf_bounds, quantity_item, refuse, state_item, time_of_milliseconds, undeclared,
};

/// The field number of `Reading.measures`.
const MEASURES: u32 = 8;

/// The items of a payload.
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let syntax = || refuse(RejectionReason::Syntax, "", 0);
    if !protobuf_bounds::at_most(payload, MEASURES, ITEMS_MAX).ok_or_else(syntax)? {
        return Err(refuse(RejectionReason::TooManyItems, "measures", ITEMS_MAX + 1));
    }
    let reading = Reading::decode(payload).map_err(|_| syntax())?;
    let stamp = read_stamp(&reading)?;
    if reading.measures.is_empty() {
        return Err(refuse(RejectionReason::Empty, "", 0));
    }
    let measures = reading.measures.iter().enumerate();
    measures.map(|(index, measure)| read_measure(measure, index, &stamp, context)).collect()
}

fn read_stamp(reading: &Reading) -> Result<Stamp, Rejection> {
    let invalid = |field| refuse(RejectionReason::FieldInvalid, field, 1);
    let event_time = match (reading.time_ns, reading.time_ms) {
        (Some(nanoseconds), _) => Some(EventTime(nanoseconds)),
        (None, Some(milliseconds)) => Some(read_milliseconds(milliseconds, 1)?),
        (None, None) => None,
    };
    if reading.id.len() > ID_BYTES_MAX {
        return Err(invalid("id"));
    }
    Ok(Stamp {
        event_time,
        period: reading
            .period_ms
            .map(|milliseconds| read_period(milliseconds).ok_or_else(|| invalid("period_ms")))
            .transpose()?,
        place: read_place(reading).ok_or_else(|| invalid("place"))?,
        identity: (!reading.id.is_empty()).then(|| identity_of(&reading.id)),
        sequence: reading.sequence,
        boot: reading.boot,
    })
}

fn read_measure(
    measure: &Measure,
    index: usize,
    stamp: &Stamp,
    context: &DecodeContext<'_>,
) -> Result<Item, Rejection> {
    let mut stamp = *stamp;
    if let Some(milliseconds) = measure.time_ms {
        stamp.event_time = Some(read_milliseconds(milliseconds, index + 1)?);
    }
    let name = measure.name.as_str();
    let is_state = context.stream.has_words(name);
    let is_quantity = context.stream.quantities.contains_key(name);
    let mut item = match &measure.value {
        Some(Value::Number(number)) if is_quantity => {
            let number =
                read_number(*number).ok_or_else(|| refuse(RejectionReason::FieldInvalid, name, index + 1))?;
            quantity_item(&stamp, context, name, Some(number))
        }
        Some(Value::State(state)) if is_state => state_item(&stamp, context, name, Some(state)),
        None if is_quantity => quantity_item(&stamp, context, name, None),
        None if is_state => state_item(&stamp, context, name, None),
        _ => undeclared(&stamp, context, index),
    };
    if is_quantity {
        item.unit = clear_unit(context, name, &measure.unit);
    }
    if measure.device_fault {
        item.flags = item.flags.with(ItemFlags::DEVICE_FAULT);
    }
    Ok(item)
}

fn read_number(number: nhip_proto::wire::reading::Decimal) -> Option<Decimal> {
    let scale = u8::try_from(number.scale).ok().filter(|scale| *scale <= Decimal::SCALE_MAX)?;
    Some(Decimal::new(i128::from(number.mantissa), scale))
}

fn read_milliseconds(milliseconds: i64, position: usize) -> Result<EventTime, Rejection> {
    let out_of_range = || refuse(RejectionReason::TimeInvalid, "time_ms", position);
    time_of_milliseconds(milliseconds).ok_or_else(out_of_range)
}

fn read_period(milliseconds: i64) -> Option<Span> {
    let length = milliseconds.checked_mul(MILLISECOND)?;
    (1..=PERIOD_MAX).contains(&length).then_some(length)
}

/// Both coordinates or neither; none if only one is there or they lie outside the Earth.
fn read_place(reading: &Reading) -> Option<Option<Place>> {
    match (reading.longitude_e7, reading.latitude_e7) {
        (None, None) => Some(None),
        (Some(longitude), Some(latitude)) => place_of(i128::from(longitude), i128::from(latitude)).map(Some),
        _ => None,
    }
}
