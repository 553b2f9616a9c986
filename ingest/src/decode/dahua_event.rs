//! Events of Dahua devices through a bridge (`…/<EVENT>/Event`): that something began, ended or happened.
//! Who opened a door stays sealed: docs/dialects.md.

use nhip_proto::{Item, Rejection, RejectionReason};

use super::json;
use super::sheet::Sheet;
use super::{DecodeContext, Stamp, members, refuse, stamps};

/// The items of an event: one state, named like the event, with `Start`, `Stop` or `Pulse`.
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let event = json::parse_unique(payload)?;
    let missing = |field| refuse(RejectionReason::FieldMissing, field, 1);
    let action = members::text_at(&event, &["Action"]).ok_or_else(|| missing("Action"))?;
    let time = members::at(&event, &["Data", "UTC"]).ok_or_else(|| missing("UTC"))?;
    let time = stamps::seconds(time).ok_or_else(|| refuse(RejectionReason::TimeInvalid, "UTC", 1))?;
    let code = members::text_at(&event, &["Code"]).or_else(|| code_of(context.levels));
    let mut sheet = Sheet::new(context);
    sheet.reading(Stamp { event_time: Some(time), ..Stamp::default() });
    // Of the data nothing but its time is read: access events carry card numbers, users and passwords.
    if let Some(code) = code {
        sheet.state("event", code);
        sheet.state(code, action);
    }
    sheet.filled()
}

/// The level in front of `Event`.
fn code_of<'l>(levels: &[&'l str]) -> Option<&'l str> {
    if let [.., code, "Event"] = levels { Some(code) } else { None }
}
