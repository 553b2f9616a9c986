//! Event notifications of Hikvision devices (ISAPI, XML, both namespaces), alone or as a part of a multipart
//! push: docs/dialects.md.

use nhip_proto::{Item, Rejection, RejectionReason};

use super::json::Json;
use super::sheet::Sheet;
use super::{DecodeContext, Stamp, members, refuse, stamps, xml};

const ROOT: &str = "EventNotificationAlert";
const START: &[u8] = b"<EventNotificationAlert";
const END: &[u8] = b"</EventNotificationAlert>";
/// What is read; the parts of an event that tell of people, cards and plates are not among it.
const READ: [&str; 5] = ["channelID", "dateTime", "activePostCount", "eventType", "eventState"];

/// The items of a notification: a state named like the event, and one with its channel behind it (`VMD.1`).
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let alert = tree(payload)?;
    for name in READ {
        let said = members::members(Some(&alert)).iter().filter(|(member, _)| member == name).count();
        if said > 1 {
            return Err(refuse(RejectionReason::FieldInvalid, name, 1));
        }
    }
    let field = |name: &'static str| {
        members::text_at(&alert, &[name]).ok_or_else(|| refuse(RejectionReason::FieldMissing, name, 1))
    };
    let (kind, state, time) = (field("eventType")?, field("eventState")?, field("dateTime")?);
    let event_time =
        stamps::local(time, context).ok_or_else(|| refuse(RejectionReason::TimeInvalid, "dateTime", 1))?;
    let mut sheet = Sheet::new(context);
    sheet.reading(Stamp { event_time: Some(event_time), ..Stamp::default() });
    sheet.state("event", kind);
    sheet.state(kind, state);
    if let Some(channel) = members::text_at(&alert, &["channelID"]) {
        sheet.state(&format!("{kind}.{channel}"), state);
    }
    if let Some(count) = members::member(&alert, "activePostCount") {
        sheet.value("activePostCount", count, "");
    }
    sheet.filled()
}

/// The notification as a tree, its root's children as members. Around it may stand a multipart push with
/// pictures, which are no text.
pub(super) fn tree(payload: &[u8]) -> Result<Json<'_>, Rejection> {
    let syntax = |at| refuse(RejectionReason::Syntax, "", at);
    let start = find(payload, START).ok_or_else(|| syntax(1))?;
    let rest = payload.get(start..).unwrap_or_default();
    let length = find(rest, END).ok_or_else(|| syntax(payload.len()))? + END.len();
    let part = std::str::from_utf8(rest.get(..length).unwrap_or_default())
        .map_err(|error| syntax(start + error.valid_up_to() + 1))?;
    let moved = |refused: Rejection| match refused.reason {
        RejectionReason::Syntax => syntax(start + refused.place as usize),
        _ => refused,
    };
    match xml::read(part).map_err(moved)? {
        (ROOT, tree) => Ok(tree),
        _ => Err(syntax(start + 1)),
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
