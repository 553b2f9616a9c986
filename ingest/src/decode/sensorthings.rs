//! Observations of OGC SensorThings (OGC 18-088) over MQTT: what is observed stands in the topic, the unit
//! in the profile: docs/dialects.md.

use nhip_proto::{Item, Rejection, RejectionReason};

use super::json::{self, Json};
use super::sheet::{Sheet, interval};
use super::{DecodeContext, ID_BYTES_MAX, READINGS_MAX, Stamp, identity_of, members, refuse, stamps};

/// The name of a result, where the stream declares more than one name.
const RESULT: &str = "result";

/// The items of an observation, or of the observations of one datastream.
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let message = json::parse_unique(payload)?;
    let observations = match (&message, members::member(&message, "value")) {
        (Json::Array(all), _) | (_, Some(Json::Array(all))) => all.as_slice(),
        (one, _) => std::slice::from_ref(one),
    };
    if observations.len() > READINGS_MAX {
        return Err(refuse(RejectionReason::TooManyItems, "", observations.len()));
    }
    let name = name_of_result(context);
    let mut sheet = Sheet::new(context);
    for (index, observation) in observations.iter().enumerate() {
        let position = index + 1;
        let Json::Object(_) = observation else {
            return Err(refuse(RejectionReason::FieldInvalid, "", position));
        };
        sheet.reading(stamp(observation, position, context)?);
        match written_result(observation) {
            None => return Err(refuse(RejectionReason::FieldMissing, RESULT, position)),
            Some(result @ Json::Object(_)) => {
                members::leaves(result, &mut |path, value| sheet.value(path, value, ""));
            }
            Some(result) => sheet.value(name, result, ""),
        }
    }
    sheet.filled()
}

/// `result`, or the only name the stream declares.
fn name_of_result<'s>(context: &DecodeContext<'s>) -> &'s str {
    let stream = context.stream;
    let mut names = stream.quantities.keys().chain(stream.states.keys());
    match (names.next(), names.next()) {
        (Some(only), None) => only,
        _ => RESULT,
    }
}

/// A result that is there, be it `null`.
fn written_result<'j, 'a>(observation: &'j Json<'a>) -> Option<&'j Json<'a>> {
    let all = members::members(Some(observation));
    all.iter().find(|(name, _)| name == RESULT).map(|(_, value)| value)
}

/// `phenomenonTime` is an instant or `start/end`; `resultTime` stands in. The observation's own id is its
/// identity.
fn stamp(observation: &Json<'_>, position: usize, context: &DecodeContext<'_>) -> Result<Stamp, Rejection> {
    let mut stamp = Stamp::default();
    for name in ["phenomenonTime", "resultTime"] {
        let Some(json) = members::member(observation, name) else { continue };
        let wrong = || refuse(RejectionReason::TimeInvalid, name, position);
        let text = members::text(json).ok_or_else(wrong)?;
        stamp = match text.split_once('/') {
            Some((from, to)) => {
                let ends = stamps::local(from, context).zip(stamps::local(to, context));
                ends.and_then(|(from, to)| interval(context, from, to)).ok_or_else(wrong)?
            }
            None => {
                let time = stamps::local(text, context).ok_or_else(wrong)?;
                Stamp { event_time: Some(time), ..Stamp::default() }
            }
        };
        break;
    }
    let id = members::member(observation, "@iot.id").and_then(members::id_text);
    stamp.identity = id.filter(|id| id.len() <= ID_BYTES_MAX).map(|id| identity_of(&id));
    Ok(stamp)
}
