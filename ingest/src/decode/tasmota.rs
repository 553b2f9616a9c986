//! Tasmota telemetry (`tele/<topic>/STATE`, `SENSOR`, `LWT`, `stat/<topic>/RESULT`, in any order of
//! FullTopic): local times without a zone: docs/dialects.md.

use nhip_proto::{Item, Rejection, RejectionReason};

use super::json::{self, Json};
use super::sheet::Sheet;
use super::{DecodeContext, Stamp, members, plain_word, refuse, stamps};

/// Last levels of topics that are read.
const READ: [&str; 4] = ["STATE", "SENSOR", "RESULT", "LWT"];

/// The items of a message: names are paths, `AM2301.Temperature`, or their last part alone.
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let mut sheet = Sheet::new(context);
    if let [.., "LWT"] = context.levels {
        sheet.state("LWT", plain_word::word(payload)?);
        return sheet.filled();
    }
    let message = json::parse_unique(payload)?;
    let Json::Object(_) = message else { return Err(refuse(RejectionReason::FieldInvalid, "", 1)) };
    let event_time = match members::member(&message, "Time") {
        None => None,
        Some(json) => {
            let time = members::text(json).and_then(|text| stamps::local(text, context));
            Some(time.ok_or_else(|| refuse(RejectionReason::TimeInvalid, "Time", 1))?)
        }
    };
    sheet.reading(Stamp { event_time, ..Stamp::default() });
    let fahrenheit = members::text_at(&message, &["TempUnit"]) == Some("F");
    members::leaves(&message, &mut |path, value| {
        let last = path.rsplit('.').next().unwrap_or(path);
        let known = |name: &&str| sheet.wants_quantity(name) || sheet.wants_state(name);
        let Some(name) = [path, last].into_iter().find(known) else { return };
        let unit = match last {
            "Temperature" | "DewPoint" if fahrenheit => "°F",
            "Temperature" | "DewPoint" => "°C",
            _ => "",
        };
        sheet.value(name, value, unit);
    });
    sheet.filled()
}

/// Whether the topic is telemetry or the last will.
pub(super) fn carries(levels: &[&str]) -> bool {
    matches!(levels, [_, .., last] if READ.contains(last))
}
