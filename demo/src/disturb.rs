//! What the way does to messages: other orders, redeliveries, rubbish. The final figures must not care.

use std::collections::HashMap;

use bytes::Bytes;
use nhip_proto::{ArrivalTime, EventTime, SourceId, Span};

use crate::city::Dice;
use crate::plan::{Planned, PlannedKind};

/// How much a plan is disturbed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disturbance {
    /// Messages move by less than this in event time against each other; below the streams' lateness nothing
    /// gets late. 0: in order.
    pub shuffle: Span,
    /// Messages sent a second time with the same bytes, per mille.
    pub duplicates_permille: u16,
    /// Messages of rubbish beside the good ones, per mille.
    pub rubbish_permille: u16,
}

/// The plan disturbed, the same for the same seed. Send times become those of the new order, so that nothing
/// is sent before its event time.
#[must_use]
pub fn disturb(plan: Vec<Planned>, seed: u64, disturbance: Disturbance) -> Vec<Planned> {
    let dice = Dice::of(seed, "the way");
    let mut keyed: Vec<(i64, Planned)> = Vec::with_capacity(plan.len());
    for (number, message) in plan.into_iter().enumerate() {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let moved = |purpose| {
            let span = disturbance.shuffle.unsigned_abs();
            if span == 0 { 0 } else { dice.throw(number, purpose, span) as i64 }
        };
        let time = message.event.map_or(message.at.0, |event| event.0);
        let strikes = |purpose, permille: u16| dice.throw(number, purpose, 1_000) < u64::from(permille);
        if strikes(1, disturbance.rubbish_permille) {
            keyed.push((time + moved(2), rubbish(&message, dice.throw(number, 3, 5))));
        }
        if strikes(4, disturbance.duplicates_permille) {
            let again = Planned { kind: PlannedKind::Duplicate, ..message.clone() };
            keyed.push((time + moved(5), again));
        }
        keyed.push((time + moved(6), message));
    }
    keyed.sort_by_key(|(time, _)| *time);
    let mut latest = i64::MIN;
    for (_, message) in &mut keyed {
        latest = latest.max(message.at.0);
        message.at = ArrivalTime(latest);
    }
    keyed.into_iter().map(|(_, message)| message).collect()
}

/// How far each source's readings lie behind its greatest event time so far, at most: what the lateness must
/// bear.
#[must_use]
pub fn disorder_max(plan: &[Planned]) -> Span {
    let mut greatest: HashMap<&SourceId, EventTime> = HashMap::new();
    let behind = plan.iter().filter_map(|message| {
        let event = message.event?;
        let known = greatest.entry(&message.source).or_insert(event);
        *known = (*known).max(event);
        Some(known.since(event))
    });
    behind.max().unwrap_or(0)
}

fn rubbish(message: &Planned, kind: u64) -> Planned {
    let half = message.payload.slice(..message.payload.len() / 2);
    let payload = match kind {
        0 if half.len() < message.payload.len() && message.topic.ends_with("/pb") => {
            // Half a protobuf message may happen to be one: a wrong wire type never is.
            Bytes::from_static(b"\x0F\x0F\x0F")
        }
        0 => half,
        1 => Bytes::from_static(b""),
        2 => Bytes::from_static(b"\xFF\xFF\xFF\xFF"),
        3 => Bytes::from_static(b"{\"time\":\"yesterday\"}"),
        _ => Bytes::from_static(b"not what you think"),
    };
    Planned { payload, event: None, readings: 0, kind: PlannedKind::Rubbish, ..message.clone() }
}
