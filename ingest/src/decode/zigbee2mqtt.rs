//! Zigbee2MQTT: the state of a device under its friendly name, and who is reachable: docs/dialects.md.

use nhip_proto::{Item, Rejection, RejectionReason};

use super::json::{self, Json};
use super::sheet::Sheet;
use super::{DecodeContext, Stamp, members, plain_word, refuse, stamps};

/// The items of a message.
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let mut sheet = Sheet::new(context);
    match context.levels {
        [.., "bridge", "state"] => sheet.state("bridge", &word(payload)?),
        [.., "availability"] => sheet.state("availability", &word(payload)?),
        _ => {
            let message = json::parse_unique(payload)?;
            let Json::Object(_) = message else {
                return Err(refuse(RejectionReason::FieldInvalid, "", 1));
            };
            let seen = members::member(&message, "last_seen");
            let time = seen.map(|json| match json {
                Json::Text(text) => stamps::local(text, context),
                json => stamps::milliseconds(json),
            });
            let event_time =
                time.map(|time| time.ok_or_else(|| refuse(RejectionReason::TimeInvalid, "last_seen", 1)));
            sheet.reading(Stamp { event_time: event_time.transpose()?, ..Stamp::default() });
            members::leaves(&message, &mut |path, value| sheet.value(path, value, ""));
        }
    }
    sheet.filled()
}

/// Whether the topic is a device's state or availability, or the bridge's state; not its logs and commands.
pub(super) fn carries(levels: &[&str]) -> bool {
    match levels {
        [_, .., "set" | "get"] => false,
        [_, "bridge", rest @ ..] => rest == ["state"],
        _ => levels.len() > 1,
    }
}

/// `online`, or in later versions `{"state":"online"}`.
fn word(payload: &[u8]) -> Result<String, Rejection> {
    if payload.first() == Some(&b'{') {
        let message = json::parse_unique(payload)?;
        let state = members::text_at(&message, &["state"]);
        return state.map(str::to_owned).ok_or_else(|| refuse(RejectionReason::FieldMissing, "state", 1));
    }
    plain_word::word(payload).map(str::to_owned)
}
