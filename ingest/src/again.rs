//! A stored message read again, from its sealed bytes, by another profile than the one of its day (Redecode).

use nhip_proto::{Message, MessageBody, Rejection, RejectionReason, SourceId, StreamId};

use crate::decode::{DecodeContext, Decoded, Dialect, decode};
use crate::route::{Router, Taken, Turned};
use crate::seal::Opened;

/// What a message says now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    /// Its source; empty if none is known.
    pub source: SourceId,
    /// Its stream; empty if no route leads there.
    pub stream: StreamId,
    /// `name@version` of the dialect, or empty.
    pub dialect: &'static str,
    /// The items, or why there are none.
    pub decoded: Decoded,
}

/// Reads a stored message again: pure, the same answer for the same router, message and opened bytes. One answer,
/// but where the route now splits a payload that was stored whole: then one per element. A payload of which only the
/// beginning was kept stays [`RejectionReason::TooLarge`].
#[must_use]
pub fn decode_again(router: &Router, message: &Message, opened: &Opened) -> Vec<Again> {
    let topic = opened.topic.as_deref().unwrap_or(&message.topic);
    // The content type is not stored; the dialect it led to is.
    let was_protobuf = Dialect::of_id(&message.dialect) == Some(Dialect::NativeProtobuf);
    let content_type = if was_protobuf { "application/x-protobuf" } else { "" };
    let read = |routed: Result<Taken<'_>, Turned<'_>>, payload: &[u8]| match routed {
        Ok(taken) => Again {
            decoded: read_taken(&taken, topic, message, payload),
            source: taken.source,
            stream: taken.stream_id.clone(),
            dialect: taken.dialect.id(),
        },
        Err(turned) => Again {
            source: SourceId::new(""),
            stream: turned.stream.map_or_else(|| StreamId::new(""), |stream| stream.id.clone()),
            dialect: turned.dialect.map_or("", Dialect::id),
            decoded: Decoded::rejected(turned.reason),
        },
    };
    if opened.payload_bytes > opened.payload.len() as u64 {
        let routed = router.route(topic, content_type);
        let reason = RejectionReason::TooLarge;
        return vec![Again { decoded: Decoded::rejected(reason), ..read(routed, &opened.payload) }];
    }
    if opened.is_element {
        return vec![read(router.read_element(topic, &opened.payload), &opened.payload)];
    }
    let parts = router.read(topic, content_type, &opened.payload, usize::MAX);
    parts.into_iter().map(|part| read(part.routed, &part.payload)).collect()
}

fn read_taken(taken: &Taken<'_>, topic: &str, message: &Message, payload: &[u8]) -> Decoded {
    let levels: Vec<&str> = topic.split('/').collect();
    let context = DecodeContext {
        stream: taken.stream,
        arrival: message.arrival,
        levels: &levels,
        mapping: taken.mapping,
        zone: taken.zone,
        retained: message.dedication.retain,
    };
    decode(taken.dialect, payload, &context)
}

impl Decoded {
    /// Nothing could be read, and no field says more.
    pub(crate) fn rejected(reason: RejectionReason) -> Self {
        let rejection = Rejection { reason, field: String::new(), place: 0 };
        Self { body: MessageBody::Rejected(rejection), session: None }
    }
}
