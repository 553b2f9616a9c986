//! The Things Stack v3 (`v3/<application>/devices/<device>/<kind>`): proto3 JSON, in which an absent number
//! is 0: docs/dialects.md.

use nhip_proto::{Decimal, EventTime, Item, Rejection, RejectionReason};

use super::json::{self, Json};
use super::sheet::Sheet;
use super::{DecodeContext, Stamp, identity_of, lorawan, members, refuse, time_text};

/// The items of an uplink or a join.
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let message = json::parse_unique(payload)?;
    let missing = |field| refuse(RejectionReason::FieldMissing, field, 1);
    let kind = context.levels.last().copied().unwrap_or_default();
    let mut sheet = Sheet::new(context);
    if kind == "join" {
        sheet.reading(Stamp { event_time: time_of(&message)?, ..Stamp::default() });
        sheet.state("event", kind);
        return sheet.any();
    }
    let uplink = members::member(&message, "uplink_message").ok_or_else(|| missing("uplink_message"))?;
    let counter = lorawan::whole_or_zero(members::member(uplink, "f_cnt"))
        .ok_or_else(|| refuse(RejectionReason::FieldInvalid, "f_cnt", 1))?;
    let device = members::text_at(&message, &["end_device_ids", "dev_eui"])
        .or_else(|| members::text_at(&message, &["end_device_ids", "device_id"]))
        .ok_or_else(|| missing("dev_eui"))?;
    let address = members::text_at(&message, &["end_device_ids", "dev_addr"]);
    // The inner time is the network server's, a step nearer to the device than the outer one.
    let inner = time_of(uplink)?;
    sheet.reading(Stamp {
        event_time: if inner.is_some() { inner } else { time_of(&message)? },
        identity: Some(identity_of(&format!("{device}/{}/{counter}", address.unwrap_or_default()))),
        sequence: Some(counter),
        boot: lorawan::boot(address),
        ..Stamp::default()
    });
    sheet.state("event", "up");
    lorawan::decoded(members::member(uplink, "decoded_payload"), &mut sheet);
    lorawan::signal(members::member(uplink, "rx_metadata"), &mut sheet);
    if let Some(airtime) = members::text_at(uplink, &["consumed_airtime"]).and_then(seconds) {
        sheet.number("airtime", Some(airtime), "s");
    }
    if let Some(level) = members::at(uplink, &["last_battery_percentage", "value"]) {
        sheet.value("battery", level, "%");
    }
    sheet.filled()
}

/// Whether the topic is one of an uplink or a join.
pub(super) fn carries(levels: &[&str]) -> bool {
    matches!(levels, [.., "devices", _, "up" | "join"])
}

fn time_of(json: &Json<'_>) -> Result<Option<EventTime>, Rejection> {
    let Some(time) = members::member(json, "received_at") else { return Ok(None) };
    let time = members::text(time).and_then(time_text::parse);
    time.map(Some).ok_or_else(|| refuse(RejectionReason::TimeInvalid, "received_at", 1))
}

/// A protobuf duration: `0.056576s`.
fn seconds(text: &str) -> Option<Decimal> {
    Decimal::parse(text.strip_suffix('s')?).ok()
}
