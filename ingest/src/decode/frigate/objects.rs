//! Objects and reviews: an object is one reading however many updates tell of it, each zone it entered
//! another, its end a third. Readings that repeat are the same to the byte, so that identity by id counts
//! each once.

use nhip_proto::{Decimal, EventTime, Rejection, RejectionReason};

use crate::decode::json::Json;
use crate::decode::sheet::Sheet;
use crate::decode::{ID_BYTES_MAX, Stamp, identity_of, members, refuse, stamps};

/// Zones of one object that are read.
const ZONES_MAX: usize = 64;

/// What `events` and `reviews` share: the state after the change.
struct Tracked<'j, 'a> {
    after: &'j Json<'a>,
    id: &'j str,
    start: EventTime,
    end: Option<EventTime>,
}

/// An object that is confirmed (`false_positive` is false).
pub(super) fn event(json: &Json<'_>, sheet: &mut Sheet<'_, '_>) -> Result<(), Rejection> {
    let tracked = tracked(json)?;
    if !matches!(members::member(tracked.after, "false_positive"), None | Some(Json::Bool(false))) {
        return Ok(());
    }
    let label = members::text_at(tracked.after, &["label"]).ok_or_else(|| missing("label"))?;
    sheet.reading(tracked.stamp(tracked.start, ""));
    sheet.state("label", label);
    for zone in members::elements(members::member(tracked.after, "entered_zones")).iter().take(ZONES_MAX) {
        let Some(zone) = members::text(zone) else { continue };
        sheet.reading(tracked.stamp(tracked.start, &format!("/zone/{zone}")));
        sheet.state("zone", zone);
        sheet.state("zone_label", label);
    }
    if let Some(end) = tracked.end {
        sheet.reading(tracked.stamp(end, "/end"));
        sheet.state("ended", label);
        sheet.number("dwell", tracked.length(), "s");
        if let Some(score) = members::member(tracked.after, "top_score") {
            sheet.value("top_score", score, "");
        }
        if let Some(speed) = members::member(tracked.after, "average_estimated_speed") {
            sheet.value("speed", speed, "");
        }
    }
    Ok(())
}

/// A review; one that rises from detection to alert is one of each.
pub(super) fn review(json: &Json<'_>, sheet: &mut Sheet<'_, '_>) -> Result<(), Rejection> {
    let tracked = tracked(json)?;
    let severity = members::text_at(tracked.after, &["severity"]).ok_or_else(|| missing("severity"))?;
    sheet.reading(tracked.stamp(tracked.start, &format!("/{severity}")));
    sheet.state("severity", severity);
    if let Some(end) = tracked.end {
        sheet.reading(tracked.stamp(end, "/end"));
        sheet.state("ended_severity", severity);
        sheet.number("review_length", tracked.length(), "s");
    }
    Ok(())
}

fn missing(field: &'static str) -> Rejection {
    refuse(RejectionReason::FieldMissing, field, 1)
}

fn tracked<'j, 'a>(json: &'j Json<'a>) -> Result<Tracked<'j, 'a>, Rejection> {
    let after = members::member(json, "after").ok_or_else(|| missing("after"))?;
    let id = members::text_at(after, &["id"]).ok_or_else(|| missing("id"))?;
    if id.is_empty() || id.len() > ID_BYTES_MAX {
        return Err(refuse(RejectionReason::FieldInvalid, "id", 1));
    }
    let invalid = |field| refuse(RejectionReason::TimeInvalid, field, 1);
    let start = members::member(after, "start_time").ok_or_else(|| missing("start_time"))?;
    let start = stamps::seconds(start).ok_or_else(|| invalid("start_time"))?;
    let ends = members::text_at(json, &["type"]) == Some("end");
    let end = members::member(after, "end_time").filter(|_| ends);
    let end = end.map(|end| stamps::seconds(end).ok_or_else(|| invalid("end_time"))).transpose()?;
    Ok(Tracked { after, id, start, end })
}

impl Tracked<'_, '_> {
    fn stamp(&self, event_time: EventTime, part: &str) -> Stamp {
        let identity = Some(identity_of(&format!("{}{part}", self.id)));
        Stamp { event_time: Some(event_time), identity, ..Stamp::default() }
    }

    /// From start to end in seconds.
    fn length(&self) -> Option<Decimal> {
        self.end.map(|end| Decimal::new(i128::from(end.0) - i128::from(self.start.0), 9))
    }
}
