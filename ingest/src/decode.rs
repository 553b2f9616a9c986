//! Bytes to items: one total, stateless function per dialect. Nothing is judged here, and no text of a
//! payload gets into the clear part unless the profile declares it.

mod axis_event;
mod chirpstack;
mod circular_10;
pub(crate) mod clock_text;
mod dahua_event;
mod dialect;
mod frigate;
mod hikvision_alert;
pub(crate) mod json;
mod json_map;
mod lorawan;
mod members;
mod native_json;
mod native_protobuf;
mod ngsi;
mod onvif_event;
mod onvif_metadata;
mod open311;
mod plain_word;
mod protobuf_bounds;
mod sensorthings;
mod sheet;
mod sparkplug_b;
mod stamps;
mod tasmota;
mod things_stack;
mod time_text;
mod vn2000;
mod xml;
mod zigbee2mqtt;

use jiff::tz::TimeZone;
use nhip_profile::{Mapping, Stream};
use nhip_proto::{
    ArrivalTime, Decimal, EventTime, Item, ItemFlags, ItemName, ItemValue, MessageBody, Place, Rejection,
    RejectionReason, SECOND, Session, Span,
};
use unicode_normalization::UnicodeNormalization as _;

pub use self::dialect::Dialect;

/// Readings in one message at most.
pub const READINGS_MAX: usize = 1_000;
/// Items in one message at most.
pub const ITEMS_MAX: usize = 10_000;
/// Objects and arrays inside each other at most.
pub const NESTING_MAX: usize = 16;
/// Bytes of a reading's id at most.
pub const ID_BYTES_MAX: usize = 256;
/// The longest period a value may cover.
pub const PERIOD_MAX: Span = 366 * 24 * 3600 * SECOND;
/// Stands for a unit text that is not known: the text stays sealed, and the engine refuses the item for its
/// unit.
const UNIT_UNKNOWN: &str = "?";

/// What a decoder may know beside the bytes.
#[derive(Clone, Copy, Debug)]
pub struct DecodeContext<'a> {
    /// What the profile declares for the stream.
    pub stream: &'a Stream,
    /// The logged arrival: it stands in for a time the sender did not give.
    pub arrival: ArrivalTime,
    /// The levels of the topic.
    pub levels: &'a [&'a str],
    /// The mapping the route names (`json-map` only).
    pub mapping: Option<&'a Mapping>,
    /// The zone of a stamp that names none; none: UTC.
    pub zone: Option<&'a TimeZone>,
    /// Whether the broker replays a kept message: a state, not an event.
    pub retained: bool,
}

impl<'a> DecodeContext<'a> {
    /// A fresh message of a dialect without mapping and zone.
    #[must_use]
    pub fn of(stream: &'a Stream, arrival: ArrivalTime, levels: &'a [&'a str]) -> Self {
        Self { stream, arrival, levels, mapping: None, zone: None, retained: false }
    }
}

/// What the bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The items, or why there are none.
    pub body: MessageBody,
    /// Birth, data or death of a Sparkplug node.
    pub session: Option<Session>,
}

/// Reads a payload. Never panics; the same bytes and context always give the same answer.
#[must_use]
pub fn decode(dialect: Dialect, payload: &[u8], context: &DecodeContext<'_>) -> Decoded {
    let (items, session) = match dialect {
        Dialect::NativeJson => (native_json::items(payload, context), None),
        Dialect::NativeProtobuf => (native_protobuf::items(payload, context), None),
        Dialect::Circular10 => (circular_10::items(payload, context), None),
        Dialect::JsonMap => (json_map::items(payload, context), None),
        Dialect::SparkplugB => match sparkplug_b::items(payload, context) {
            Ok((items, session)) => (Ok(items), Some(session)),
            Err(rejection) => (Err(rejection), None),
        },
        Dialect::OnvifEvent => (onvif_event::items(payload, context), None),
        Dialect::OnvifMetadata => (onvif_metadata::items(payload, context), None),
        Dialect::Frigate => (frigate::items(payload, context), None),
        Dialect::AxisEvent => (axis_event::items(payload, context), None),
        Dialect::HikvisionAlert => (hikvision_alert::items(payload, context), None),
        Dialect::DahuaEvent => (dahua_event::items(payload, context), None),
        Dialect::ChirpstackV4 => (chirpstack::items(payload, context), None),
        Dialect::TtsV3 => (things_stack::items(payload, context), None),
        Dialect::Ngsi => (ngsi::items(payload, context), None),
        Dialect::SensorThings => (sensorthings::items(payload, context), None),
        Dialect::Open311 => (open311::items(payload, context), None),
        Dialect::Zigbee2Mqtt => (zigbee2mqtt::items(payload, context), None),
        Dialect::Tasmota => (tasmota::items(payload, context), None),
    };
    let body = match items {
        Ok(items) => MessageBody::Items(items),
        Err(rejection) => MessageBody::Rejected(rejection),
    };
    Decoded { body, session }
}

/// The payload as a tree, for sources that stand in it; XML has the children of its root as members.
pub(crate) fn tree(dialect: Dialect, payload: &[u8]) -> Result<json::Json<'_>, Rejection> {
    match dialect {
        Dialect::HikvisionAlert => hikvision_alert::tree(payload),
        _ => json::parse_unique(payload),
    }
}

/// A rejection; `position` counts readings, measures or metrics from 1.
fn refuse(reason: RejectionReason, field: &str, position: usize) -> Rejection {
    Rejection { reason, field: field.to_owned(), place: u32::try_from(position).unwrap_or(u32::MAX) }
}

/// What one reading says about all its items.
#[derive(Clone, Copy, Debug, Default)]
struct Stamp {
    event_time: Option<EventTime>,
    period: Option<Span>,
    place: Option<Place>,
    identity: Option<u128>,
    sequence: Option<u64>,
    boot: Option<u64>,
}

impl Stamp {
    fn item(&self, context: &DecodeContext<'_>, name: ItemName, value: ItemValue) -> Item {
        Item {
            event_time: self.event_time,
            period: self.period.map(|length| period(context, self.event_time, length)),
            place: self.place,
            identity: self.identity,
            sequence: self.sequence,
            boot: self.boot,
            ..Item::bare(name, value)
        }
    }
}

/// The stretch a value covers: its stamp is the end, or the start where the stream says so.
fn period(context: &DecodeContext<'_>, stamp: Option<EventTime>, length: Span) -> (EventTime, EventTime) {
    let stamp = stamp.unwrap_or_else(|| context.arrival.stands_in_as_event_time());
    if context.stream.stamp_is_start { (stamp, stamp.plus(length)) } else { (stamp.plus(-length), stamp) }
}

/// An item whose name the stream does not declare: neither name nor value leaves the sealed part.
fn undeclared(stamp: &Stamp, context: &DecodeContext<'_>, position: usize) -> Item {
    let place = u32::try_from(position).unwrap_or(u32::MAX);
    let mut item = stamp.item(context, ItemName::Undeclared(place), ItemValue::Missing);
    item.flags = ItemFlags::UNDECLARED_VALUE;
    item
}

/// An item of a declared state or thing; a state the profile does not list, and what is no id, stay sealed.
fn state_item(stamp: &Stamp, context: &DecodeContext<'_>, name: &str, state: Option<&str>) -> Item {
    let known = state.filter(|state| context.stream.lists(name, state));
    let value = known.map_or(ItemValue::Missing, |state| ItemValue::State(state.to_owned()));
    let mut item = stamp.item(context, ItemName::Text(name.to_owned()), value);
    if state.is_some() && known.is_none() {
        item.flags = ItemFlags::UNDECLARED_VALUE;
    }
    item
}

/// A unit text that may stand in the clear: one the stream declares or one the unit table knows.
fn clear_unit(context: &DecodeContext<'_>, quantity: &str, unit: &str) -> String {
    let declared = context.stream.quantities.get(quantity).is_some_and(|default| default == unit);
    if unit.is_empty() || declared || nhip_profile::known_unit(unit) {
        unit.to_owned()
    } else {
        UNIT_UNKNOWN.to_owned()
    }
}

/// The identity of a reading: the first 16 bytes of BLAKE3 of its id in Unicode NFC.
fn identity_of(id: &str) -> u128 {
    let hash = if id.is_ascii() {
        blake3::hash(id.as_bytes())
    } else {
        blake3::hash(id.nfc().collect::<String>().as_bytes())
    };
    hash.as_bytes().iter().take(16).fold(0, |identity, byte| (identity << 8) | u128::from(*byte))
}

/// A position on Earth, or none if there is no such position.
fn place_of(longitude_e7: i128, latitude_e7: i128) -> Option<Place> {
    let within = longitude_e7.abs() <= 1_800_000_000 && latitude_e7.abs() <= 900_000_000;
    let place =
        Place { longitude_e7: longitude_e7.try_into().ok()?, latitude_e7: latitude_e7.try_into().ok()? };
    within.then_some(place)
}

/// Milliseconds since 1970 as an event time, if they fit.
fn time_of_milliseconds(milliseconds: i64) -> Option<EventTime> {
    milliseconds.checked_mul(nhip_proto::MILLISECOND).map(EventTime)
}

/// The quantity item of a number the sender gave, or of its absence.
fn quantity_item(stamp: &Stamp, context: &DecodeContext<'_>, name: &str, number: Option<Decimal>) -> Item {
    let value = number.map_or(ItemValue::Missing, ItemValue::Number);
    stamp.item(context, ItemName::Text(name.to_owned()), value)
}
