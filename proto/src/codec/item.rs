//! Items and their values in bytes.

use super::{CodecError, array, wire_record as wire};
use crate::{Decimal, EventTime, Item, ItemFlags, ItemName, ItemValue, Place};

pub(super) fn to_wire(item: &Item) -> wire::Item {
    wire::Item {
        name: Some(match &item.name {
            ItemName::Text(text) => wire::item::Name::Text(text.clone()),
            ItemName::Alias(alias) => wire::item::Name::Alias(*alias),
            ItemName::Undeclared(place) => wire::item::Name::Undeclared(*place),
        }),
        binds_alias: item.binds_alias,
        value: Some(match &item.value {
            ItemValue::Number(number) => wire::item::Value::Number(decimal_to_wire(*number)),
            ItemValue::State(state) => wire::item::Value::State(state.clone()),
            ItemValue::Missing => wire::item::Value::Missing(1),
        }),
        unit: item.unit.clone(),
        event_time_ns: item.event_time.map(|time| time.0),
        period_start_ns: item.period.map(|(start, _)| start.0),
        period_end_ns: item.period.map(|(_, end)| end.0),
        longitude_e7: item.place.map(|place| place.longitude_e7),
        latitude_e7: item.place.map(|place| place.latitude_e7),
        identity_high: item.identity.map(|identity| (identity >> 64) as u64),
        identity_low: item.identity.map(|identity| identity as u64),
        sequence: item.sequence,
        flags: item.flags.0,
        boot: item.boot,
    }
}

pub(super) fn from_wire(item: wire::Item) -> Result<Item, CodecError> {
    Ok(Item {
        name: match item.name.ok_or(CodecError::Missing("item.name"))? {
            wire::item::Name::Text(text) => ItemName::Text(text),
            wire::item::Name::Alias(alias) => ItemName::Alias(alias),
            wire::item::Name::Undeclared(place) => ItemName::Undeclared(place),
        },
        binds_alias: item.binds_alias,
        value: match item.value.ok_or(CodecError::Missing("item.value"))? {
            wire::item::Value::Number(number) => ItemValue::Number(decimal_from_wire(&number)?),
            wire::item::Value::State(state) => ItemValue::State(state),
            wire::item::Value::Missing(_) => ItemValue::Missing,
        },
        unit: item.unit,
        event_time: item.event_time_ns.map(EventTime),
        period: item
            .period_start_ns
            .zip(item.period_end_ns)
            .map(|(start, end)| (EventTime(start), EventTime(end))),
        place: item
            .longitude_e7
            .zip(item.latitude_e7)
            .map(|(longitude_e7, latitude_e7)| Place { longitude_e7, latitude_e7 }),
        identity: item
            .identity_high
            .zip(item.identity_low)
            .map(|(high, low)| (u128::from(high) << 64) | u128::from(low)),
        sequence: item.sequence,
        boot: item.boot,
        flags: ItemFlags(item.flags),
    })
}

fn decimal_to_wire(decimal: Decimal) -> wire::Decimal {
    let scale = u32::from(decimal.scale);
    match i64::try_from(decimal.mantissa) {
        Ok(mantissa) => wire::Decimal { mantissa, wide: bytes::Bytes::new(), scale },
        Err(_) => {
            let wide = bytes::Bytes::copy_from_slice(&decimal.mantissa.to_be_bytes());
            wire::Decimal { mantissa: 0, wide, scale }
        }
    }
}

fn decimal_from_wire(decimal: &wire::Decimal) -> Result<Decimal, CodecError> {
    let scale = u8::try_from(decimal.scale).map_err(|_| CodecError::Unknown("decimal.scale"))?;
    let mantissa = if decimal.wide.is_empty() {
        i128::from(decimal.mantissa)
    } else {
        i128::from_be_bytes(array("decimal.wide", &decimal.wide)?)
    };
    Ok(Decimal { mantissa, scale })
}
