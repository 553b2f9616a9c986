//! One delivery becomes one Message record: the clear part by what the profile declares, all else sealed.

use nhip_ports::Delivery;
use nhip_profile::UNROUTED_KEY_CLASS;
use nhip_proto::{ArrivalTime, Message, RejectionReason, SourceId, StreamId, partition_of};

use super::IngestSettings;
use crate::decode::{DecodeContext, Decoded, decode};
use crate::route::{Part, Router, Taken, Turned};
use crate::seal::{Plain, SealKey};

/// What all records of one batch share.
pub(super) struct Scribe<'s> {
    pub(super) settings: &'s IngestSettings,
    pub(super) router: &'s Router,
    pub(super) arrival: ArrivalTime,
}

/// The key class of a routed (or turned) delivery.
pub(super) fn key_class<'p>(routed: &Result<Taken<'p>, Turned<'p>>) -> &'p str {
    match routed {
        Ok(Taken { stream, .. }) | Err(Turned { stream: Some(stream), .. }) => &stream.key_class,
        Err(Turned { stream: None, .. }) => UNROUTED_KEY_CLASS,
    }
}

impl Scribe<'_> {
    /// The record; none if it cannot be sealed.
    pub(super) fn write(
        &self,
        delivery: &Delivery,
        part: Part<'_>,
        key: &SealKey,
        nonce: [u8; 12],
    ) -> Option<Message> {
        let Part { routed, payload, is_element } = part;
        let settings = self.settings;
        let too_large = payload.len() > settings.payload_bytes_max;
        let kept_bytes_max = if too_large { settings.oversize_kept_bytes_max } else { usize::MAX };
        let (head, decoded) = match routed {
            Ok(taken) => {
                let decoded = if too_large {
                    Decoded::rejected(RejectionReason::TooLarge)
                } else {
                    self.read(delivery, &taken, &payload)
                };
                (Head::of(taken), decoded)
            }
            Err(turned) => (Head::turned(&turned), Decoded::rejected(turned.reason)),
        };
        let topic = (!head.topic_is_clear).then_some(delivery.topic.as_str());
        let sealed = key.seal(&Plain { topic, payload: &payload, kept_bytes_max, is_element }, nonce)?;
        Some(Message {
            arrival: self.arrival,
            partition: partition_of(&head.source),
            source: head.source,
            stream: head.stream,
            topic: head.topic,
            dialect: head.dialect.to_owned(),
            profile_hash: self.router.profile().hash,
            principal: delivery.principal.clone(),
            epoch: delivery.epoch,
            dedication: delivery.dedication,
            body: decoded.body,
            session: decoded.session,
            sealed: Some(sealed),
        })
    }

    fn read(&self, delivery: &Delivery, taken: &Taken<'_>, payload: &[u8]) -> Decoded {
        let levels: Vec<&str> = delivery.topic.split('/').collect();
        let context = DecodeContext {
            stream: taken.stream,
            arrival: self.arrival,
            levels: &levels,
            mapping: taken.mapping,
            zone: taken.zone,
            retained: delivery.dedication.retain,
        };
        decode(taken.dialect, payload, &context)
    }
}

/// Where a message comes from, as far as it may be told.
struct Head {
    source: SourceId,
    stream: StreamId,
    topic: String,
    topic_is_clear: bool,
    dialect: &'static str,
}

impl Head {
    fn of(taken: Taken<'_>) -> Self {
        Self {
            source: taken.source,
            stream: taken.stream_id.clone(),
            topic: taken.clear_topic,
            topic_is_clear: taken.topic_is_clear,
            dialect: taken.dialect.id(),
        }
    }

    fn turned(turned: &Turned<'_>) -> Self {
        Self {
            source: SourceId::new(""),
            stream: turned.stream.map_or_else(|| StreamId::new(""), |stream| stream.id.clone()),
            topic: String::new(),
            topic_is_clear: false,
            dialect: turned.dialect.map_or("", |dialect| dialect.id()),
        }
    }
}
