//! Asks a Sparkplug edge node for its birth again (Sparkplug B 3.0.0 §6.4: NCMD with `Node
//! Control/Rebirth`), and keeps a fleet that lost one message each from being asked all at once.

use std::collections::BTreeMap;

use bytes::Bytes;
use nhip_ports::OutgoingCommand;
use nhip_proto::wire::sparkplug::{Metric, Payload, metric::Value};
use nhip_proto::{ArrivalTime, MILLISECOND, SECOND, Span};
use prost::Message as _;

/// Datatype Boolean (§6.4.16).
const BOOLEAN: u32 = 11;

/// The command that asks `node` (`group/node`, as in a session) for a rebirth; none if that is no node.
#[must_use]
pub fn sparkplug_rebirth(node: &str, at: ArrivalTime) -> Option<OutgoingCommand> {
    let (group, name) = node.split_once('/')?;
    let is_level = |level: &str| {
        !level.is_empty() && !level.contains(['/', '+', '#', '\0']) && level.len() <= crate::SOURCE_BYTES_MAX
    };
    if !is_level(group) || !is_level(name) {
        return None;
    }
    let timestamp = u64::try_from(at.0 / MILLISECOND).ok();
    let metric = Metric {
        name: Some("Node Control/Rebirth".to_owned()),
        timestamp,
        datatype: Some(BOOLEAN),
        value: Some(Value::BooleanValue(true)),
        ..Metric::default()
    };
    let payload = Payload { timestamp, metrics: vec![metric], ..Payload::default() };
    Some(OutgoingCommand {
        topic: format!("spBv1.0/{group}/NCMD/{name}"),
        payload: Bytes::from(payload.encode_to_vec()),
    })
}

/// How often nodes may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebirthLimitSettings {
    /// Between two requests to one node, in nanoseconds.
    pub node_interval: Span,
    /// Requests to all nodes within one second at most.
    pub per_second_max: u32,
    /// Nodes remembered at most; beyond that, strangers wait.
    pub nodes_max: usize,
}

impl Default for RebirthLimitSettings {
    fn default() -> Self {
        Self { node_interval: 60 * SECOND, per_second_max: 10, nodes_max: 10_000 }
    }
}

/// Decides who may be asked now. Time is passed in; nothing is queued: the engine asks again at the next gap.
#[derive(Debug)]
pub struct RebirthLimit {
    settings: RebirthLimitSettings,
    asked: BTreeMap<String, ArrivalTime>,
    second: Option<(ArrivalTime, u32)>,
}

impl RebirthLimit {
    /// A limit with nobody asked yet.
    #[must_use]
    pub fn new(settings: RebirthLimitSettings) -> Self {
        Self { settings, asked: BTreeMap::new(), second: None }
    }

    /// Whether `node` may be asked at `now`; if so, it counts as asked.
    pub fn allow(&mut self, node: &str, now: ArrivalTime) -> bool {
        let RebirthLimitSettings { node_interval, per_second_max, nodes_max } = self.settings;
        if self.asked.get(node).is_some_and(|asked| now.since(*asked) < node_interval) {
            return false;
        }
        let (second, count) = match self.second {
            Some((second, count)) if now.since(second) < SECOND => (second, count),
            _ => (now, 0),
        };
        if count >= per_second_max {
            return false;
        }
        if self.asked.len() >= nodes_max && !self.asked.contains_key(node) {
            self.asked.retain(|_, asked| now.since(*asked) < node_interval);
            if self.asked.len() >= nodes_max {
                return false;
            }
        }
        self.second = Some((second, count + 1));
        self.asked.insert(node.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> ArrivalTime {
        ArrivalTime(1_800_000_000 * SECOND + seconds * SECOND)
    }

    #[test]
    fn the_request_is_what_the_specification_says() {
        let command = sparkplug_rebirth(
            "Sparkplug B Devices/Raspberry Pi",
            ArrivalTime(1_486_144_502_122 * MILLISECOND),
        )
        .expect("a node");
        assert_eq!(command.topic, "spBv1.0/Sparkplug B Devices/NCMD/Raspberry Pi");
        // Laid out by hand from the protobuf encoding: timestamp 1, metrics 2 {name 1, timestamp 3,
        // datatype 4 = 11, boolean 14}.
        let time = [0xea, 0xf2, 0xf5, 0xa8, 0xa0, 0x2b];
        let mut want = vec![0x08];
        want.extend(time);
        want.extend([0x12, 33, 0x0a, 20]);
        want.extend(b"Node Control/Rebirth");
        want.push(0x18);
        want.extend(time);
        want.extend([0x20, 11, 0x70, 1]);
        assert_eq!(command.payload, want);
    }

    #[test]
    fn what_is_no_node_is_not_asked() {
        for node in ["", "node", "/node", "group/", "group/#", "a/b/c", "group/+"] {
            assert_eq!(sparkplug_rebirth(node, at(0)), None, "{node}");
        }
    }

    #[test]
    fn one_node_is_asked_once_a_minute() {
        let mut limit = RebirthLimit::new(RebirthLimitSettings::default());
        assert!(limit.allow("a/1", at(0)));
        assert!(!limit.allow("a/1", at(59)));
        assert!(limit.allow("a/1", at(60)));
    }

    #[test]
    fn a_fleet_is_asked_ten_a_second_and_memory_is_bounded() {
        let settings = RebirthLimitSettings { nodes_max: 25, ..RebirthLimitSettings::default() };
        let mut limit = RebirthLimit::new(settings);
        let mut per_second = Vec::new();
        for second in 0..4 {
            let asked =
                (0..1_000).filter(|node| limit.allow(&format!("a/{second}-{node}"), at(second))).count();
            per_second.push(asked);
        }
        assert_eq!(per_second, [10, 10, 5, 0], "ten a second, and at most 25 remembered within a minute");
        assert!(limit.allow("a/new", at(90)), "the forgotten make room");
    }
}
