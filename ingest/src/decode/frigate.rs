//! The Frigate video recorder over MQTT: objects, reviews, counts in view, health. Sub-labels, plates,
//! faces and descriptions are never read: docs/dialects.md.

mod objects;
mod stats;

use nhip_proto::{Decimal, Item, Rejection, RejectionReason};

use super::json;
use super::plain_word::word;
use super::sheet::Sheet;
use super::{DecodeContext, refuse};

/// Switches of a camera whose topics end in `state`.
const SWITCH: &str = "state";

/// What a topic carries, read from its end: the prefix may have any number of levels.
enum Kind<'l> {
    /// `events`.
    Events,
    /// `reviews`.
    Reviews,
    /// `stats`.
    Stats,
    /// `available`, `<camera>/motion`, `<camera>/<switch>/state`, `<camera>/status/<role>`: a word.
    Word(String),
    /// `<camera>/audio/dBFS`, `<camera>/<label>`, `<camera>/<label>/active`: a number.
    Number(String),
    /// `<camera>/audio/<sound>`: ON or OFF.
    Sound(&'l str),
}

/// The items of a message.
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let Some(kind) = kind(context.levels) else {
        return Err(refuse(RejectionReason::FieldInvalid, "topic", 0));
    };
    let mut sheet = Sheet::new(context);
    match kind {
        Kind::Events => {
            objects::event(&json::parse_unique(payload)?, &mut sheet)?;
            return sheet.any();
        }
        Kind::Reviews => {
            objects::review(&json::parse_unique(payload)?, &mut sheet)?;
            return sheet.any();
        }
        Kind::Stats => stats::read(&json::parse_unique(payload)?, &mut sheet),
        Kind::Word(name) => sheet.state(&name, word(payload)?),
        Kind::Sound(sound) => sheet.state(&format!("audio_{sound}"), word(payload)?),
        Kind::Number(name) => {
            let number = Decimal::parse(word(payload)?);
            sheet.number(&name, Some(number.map_err(|_| refuse(RejectionReason::FieldInvalid, "", 0))?), "");
        }
    }
    sheet.filled()
}

/// Whether the topic carries anything to read; snapshots (pictures of people), descriptions, faces, plates
/// and commands do not.
pub(super) fn carries(levels: &[&str]) -> bool {
    kind(levels).is_some()
}

fn kind<'l>(levels: &[&'l str]) -> Option<Kind<'l>> {
    Some(match levels {
        [_, .., "events"] => Kind::Events,
        [_, .., "reviews"] => Kind::Reviews,
        [_, .., "stats"] => Kind::Stats,
        [_, .., "available"] => Kind::Word("available".to_owned()),
        [_, .., "snapshot" | "set" | "tracked_object_update" | "triggers" | "camera_activity"] => {
            return None;
        }
        [_, .., "notifications" | "ptz" | "ptz_autotracker" | "birdseye", _] => return None,
        [_, _, .., "motion"] => Kind::Word("motion".to_owned()),
        [_, _, .., "audio", level @ ("dBFS" | "rms")] => Kind::Number(format!("audio_{level}")),
        [_, _, .., "audio", SWITCH] => Kind::Word("audio".to_owned()),
        [_, _, .., "audio", "transcription" | "all"] => return None,
        [_, _, .., "audio", sound] => Kind::Sound(sound),
        [_, _, .., switch, SWITCH] => Kind::Word((*switch).to_owned()),
        [_, _, .., "status", role] => Kind::Word(format!("status_{role}")),
        [_, _, .., label, "active"] => Kind::Number(format!("{label}_active")),
        [_, _, label] | [_, _, _, label] => Kind::Number((*label).to_owned()),
        _ => return None,
    })
}
