//! Edge nodes of session-bound dialects (Sparkplug B): alias bindings, gaps in `seq`, births and deaths in pairs.
//!
//! This runs before the partitions, in offset order, because one node speaks for many sources.

use std::collections::BTreeMap;

use nhip_proto::{Item, ItemFlags, ItemName, Message, MessageBody, SECOND, Session, SessionKind, Span};

use crate::plan::NOWHERE;
use crate::table::Words;

/// Nodes remembered; messages of further nodes are taken without alias or gap checks.
pub(crate) const NODES_MAX: usize = 65_536;
/// Aliases remembered per node.
pub(crate) const ALIASES_MAX: usize = 65_536;
/// A node is asked for its births at most this often, by arrival time.
const ASK_SPAN: Span = 30 * SECOND;

/// One edge node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// `bdSeq` of the last birth.
    pub(crate) birth: Option<u64>,
    pub(crate) online: bool,
    pub(crate) sequence: Option<u8>,
    /// What each alias stands for.
    pub(crate) aliases: BTreeMap<u64, Meaning>,
    /// How to read untyped integers that come under their name: by source and word, where the birth says signed.
    pub(crate) widths: BTreeMap<(u32, u32), ItemFlags>,
    /// Sources heard since the birth, sorted.
    pub(crate) sources: Vec<u32>,
    /// When it was last asked for its births.
    pub(crate) asked: Option<i64>,
}

/// All nodes by `group/node`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nodes {
    pub(crate) nodes: BTreeMap<String, Node>,
}

/// What the birth of a metric says of the items that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// Its name; [`NOWHERE`] for a metric the profile does not declare.
    pub(crate) word: u32,
    /// How to read its integers.
    pub(crate) width: ItemFlags,
}

/// Nothing is known of a metric.
pub(crate) const UNBOUND: Meaning = Meaning { word: NOWHERE, width: ItemFlags(0) };
/// The flags of a birth that tell how to read integers.
const WIDTHS: u32 =
    ItemFlags::SIGNED_8.0 | ItemFlags::SIGNED_16.0 | ItemFlags::SIGNED_32.0 | ItemFlags::SIGNED_64.0;

/// What a session-bound message means for others.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// What its birth says of each item, where any needs it.
    pub(crate) meanings: Option<Vec<Meaning>>,
    /// Whether the node must be asked for its births.
    pub(crate) rebirth: bool,
    /// Sources that died with this message.
    pub(crate) offline: Vec<u32>,
}

impl Nodes {
    /// Takes a message of a session in.
    pub(crate) fn hear(&mut self, message: &Message, session: &Session, source: u32, words: &Words) -> Heard {
        if !self.nodes.contains_key(&session.node) && self.nodes.len() >= NODES_MAX {
            return Heard::default();
        }
        let node = self.nodes.entry(session.node.clone()).or_default();
        let items = match &message.body {
            MessageBody::Items(items) => items.as_slice(),
            MessageBody::Rejected(_) => &[],
        };
        let mut heard = Heard::default();
        let mut lost = false;
        match session.kind {
            SessionKind::NodeBirth => node.be_born(session),
            SessionKind::NodeDeath => heard.offline = node.die(session),
            SessionKind::DeviceBirth | SessionKind::NodeData | SessionKind::DeviceData => {
                lost = node.follow(session);
            }
            SessionKind::DeviceDeath => {
                lost = node.follow(session);
                heard.offline.push(source);
            }
        }
        let birth = matches!(session.kind, SessionKind::NodeBirth | SessionKind::DeviceBirth);
        if birth {
            node.bind(items, source, words);
        }
        if session.kind != SessionKind::NodeDeath
            && let Err(at) = node.sources.binary_search(&source)
        {
            node.sources.insert(at, source);
        }
        let (meanings, unbound) = node.resolve(items, source, words);
        heard.meanings = meanings;
        heard.rebirth = (lost || (unbound && !birth)) && node.ask(message.arrival.0);
        heard
    }
}

impl Node {
    fn be_born(&mut self, session: &Session) {
        self.birth = session.birth;
        self.online = true;
        self.sequence = session.sequence;
        self.aliases.clear();
        self.widths.clear();
        self.sources.clear();
        self.asked = None;
    }

    /// A death counts only for the birth it was paired with: a stale will of an older connection is ignored.
    fn die(&mut self, session: &Session) -> Vec<u32> {
        if !self.online || self.birth != session.birth {
            return Vec::new();
        }
        self.online = false;
        std::mem::take(&mut self.sources)
    }

    /// Follows `seq` 0…255; true if the node is unborn or a message is missing. Redeliveries are not missing ones.
    fn follow(&mut self, session: &Session) -> bool {
        let Some(sequence) = session.sequence else { return !self.online };
        let Some(last) = self.sequence else {
            self.sequence = Some(sequence);
            return !self.online;
        };
        let step = sequence.wrapping_sub(last);
        if (1..128).contains(&step) {
            self.sequence = Some(sequence);
        }
        !self.online || (2..128).contains(&step)
    }

    fn bind(&mut self, items: &[Item], source: u32, words: &Words) {
        for item in items {
            let word = word_of(item, words);
            let width = ItemFlags(item.flags.0 & WIDTHS);
            if width == UNBOUND.width {
                self.widths.remove(&(source, word));
            } else if word != NOWHERE && self.widths.len() < ALIASES_MAX {
                self.widths.insert((source, word), width);
            }
            let Some(alias) = item.binds_alias else { continue };
            if self.aliases.len() < ALIASES_MAX || self.aliases.contains_key(&alias) {
                self.aliases.insert(alias, Meaning { word, width });
            }
        }
    }

    /// What the births say of each item, if one is aliased or untyped; and whether an alias is not bound.
    fn resolve(&self, items: &[Item], source: u32, words: &Words) -> (Option<Vec<Meaning>>, bool) {
        let asks =
            |item: &Item| matches!(item.name, ItemName::Alias(_)) || item.flags.has(ItemFlags::INTEGER_RAW);
        if !items.iter().any(asks) {
            return (None, false);
        }
        let mut unbound = false;
        let meaning = |item: &Item| match item.name {
            ItemName::Alias(alias) => self.aliases.get(&alias).copied().unwrap_or_else(|| {
                unbound = true;
                UNBOUND
            }),
            _ => {
                let width = self.widths.get(&(source, word_of(item, words))).copied();
                Meaning { word: NOWHERE, width: width.unwrap_or_default() }
            }
        };
        let meanings = items.iter().map(meaning).collect();
        (Some(meanings), unbound)
    }

    fn ask(&mut self, arrival: i64) -> bool {
        if self.asked.is_some_and(|asked| arrival.saturating_sub(asked) < ASK_SPAN) {
            return false;
        }
        self.asked = Some(arrival);
        true
    }
}

fn word_of(item: &Item, words: &Words) -> u32 {
    match &item.name {
        ItemName::Text(text) => words.get(text).unwrap_or(NOWHERE),
        ItemName::Alias(_) | ItemName::Undeclared(_) => NOWHERE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(kind: SessionKind, sequence: Option<u8>, birth: Option<u64>) -> Session {
        Session { kind, sequence, birth, node: "g/n".to_owned() }
    }

    #[test]
    fn a_gap_is_seen_across_the_wrap_and_a_redelivery_is_none() {
        let mut node = Node::default();
        node.be_born(&session(SessionKind::NodeBirth, Some(254), Some(1)));
        let mut follow = |sequence| node.follow(&session(SessionKind::NodeData, Some(sequence), None));
        assert!(!follow(255));
        assert!(!follow(0));
        assert!(!follow(0), "redelivered");
        assert!(!follow(255), "redelivered, older");
        assert!(!follow(1));
        assert!(follow(3), "2 is missing");
        assert!(!follow(4));
    }

    #[test]
    fn a_stale_death_kills_nobody() {
        let mut node = Node::default();
        node.be_born(&session(SessionKind::NodeBirth, Some(0), Some(7)));
        node.sources = vec![3, 5];
        assert!(node.die(&session(SessionKind::NodeDeath, None, Some(6))).is_empty());
        assert_eq!(node.die(&session(SessionKind::NodeDeath, None, Some(7))), vec![3, 5]);
        assert!(node.die(&session(SessionKind::NodeDeath, None, Some(7))).is_empty(), "dead already");
    }

    #[test]
    fn an_unborn_node_is_asked_once_in_a_while() {
        let mut node = Node::default();
        assert!(node.follow(&session(SessionKind::NodeData, Some(9), None)));
        assert!(node.ask(0));
        assert!(!node.ask(ASK_SPAN - 1));
        assert!(node.ask(ASK_SPAN));
    }
}
