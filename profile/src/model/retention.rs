//! How long sealed parts are kept: dated rules, each with its document, by stream or by key class.

use jiff::civil::Date;
use nhip_proto::StreamId;

use super::{Label, Validity};
use crate::Profile;

/// The key class of messages no route leads anywhere.
pub const UNROUTED_KEY_CLASS: &str = "unrouted";

/// A dated rule. Without one, sealed parts are kept for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// What it is about.
    pub of: RetentionOf,
    /// Whole days after the end of the UTC day a message came in; then the key of that day is destroyed.
    pub sealed_days: u16,
    /// The document it stands on.
    pub document: String,
    /// Civil dates on which the rule holds; the end is exclusive.
    pub valid: Validity,
    /// A remark for screens, or empty.
    pub note: Label,
}

/// What a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetentionOf {
    /// One stream; it goes before a rule of its key class.
    Stream(StreamId),
    /// Every stream of a key class that has no rule of its own.
    KeyClass(String),
}

impl Profile {
    /// The rule of a stream that holds on a civil date of the profile's zone; none: kept for ever.
    #[must_use]
    pub fn retention_on(&self, stream: &StreamId, date: Date) -> Option<&Retention> {
        let own = |rule: &&Retention| matches!(&rule.of, RetentionOf::Stream(of) if of == stream);
        self.rule_on(own, date).or_else(|| self.rule_of_class(&self.streams.get(stream)?.key_class, date))
    }

    /// The rule by which keys of a class go on a civil date: of all streams sealed with them the longest.
    /// None: kept for ever, because one of them has no rule or nothing is known of the class.
    #[must_use]
    pub fn retention_of_class_on(&self, class: &str, date: Date) -> Option<&Retention> {
        let mut longest = None;
        for stream in self.streams.values().filter(|stream| stream.key_class == class) {
            let rule = self.retention_on(&stream.id, date)?;
            let longer = |known: &&Retention| known.sealed_days >= rule.sealed_days;
            longest = longest.filter(longer).or(Some(rule));
        }
        longest.or_else(|| self.rule_of_class(class, date))
    }

    fn rule_of_class(&self, class: &str, date: Date) -> Option<&Retention> {
        self.rule_on(|rule| matches!(&rule.of, RetentionOf::KeyClass(of) if of == class), date)
    }

    fn rule_on(&self, about: impl Fn(&&Retention) -> bool, date: Date) -> Option<&Retention> {
        self.retentions.iter().find(|rule| about(rule) && rule.valid.holds_on(date))
    }
}
