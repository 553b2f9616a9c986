//! The Message record: what arrived, from whom, decoded but not judged, with its raw bytes sealed.

use std::fmt;

use crate::{ArrivalTime, Item, SourceId, StreamId};

/// One message as it enters the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// When Nhịp received it.
    pub arrival: ArrivalTime,
    /// Its source; empty if no route matched.
    pub source: SourceId,
    /// Its stream; empty if no route matched.
    pub stream: StreamId,
    /// The topic or path it came by; empty if no route matched (then it stays sealed).
    pub topic: String,
    /// `name@version` of the dialect that read it.
    pub dialect: String,
    /// The first 16 bytes of the profile's BLAKE3.
    pub profile_hash: [u8; 16],
    /// Who delivered it: the user, certificate name or link.
    pub principal: String,
    /// The connection of that principal, counted up with each new one.
    pub epoch: u64,
    /// How the transport delivered it.
    pub dedication: Dedication,
    /// [`crate::partition_of`] the source.
    pub partition: u8,
    /// The decoded items, or why there are none.
    pub body: MessageBody,
    /// Birth, data or death of a session-bound dialect (Sparkplug B).
    pub session: Option<Session>,
    /// The raw payload under its key.
    pub sealed: Option<Sealed>,
}

/// How the transport delivered a message (MQTT 3.1.1 §3.3.1; HTTP counts as QoS 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dedication {
    /// 0, 1 or 2. QoS 0 is best effort.
    pub qos: u8,
    /// The broker replays a kept message: a state, not an event.
    pub retain: bool,
    /// The sender says it may be a redelivery; never part of an identity.
    pub dup: bool,
}

/// What decoding made of the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageBody {
    /// The items in payload order.
    Items(Vec<Item>),
    /// Nothing could be read.
    Rejected(Rejection),
}

/// Why a whole message could not be read. Holds no text of the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The reason.
    pub reason: RejectionReason,
    /// A field name of the dialect it happened at, or empty.
    pub field: String,
    /// The byte or item position, 0 if it has none.
    pub place: u32,
}

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// All of them, in code order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number in durable records.
            #[must_use]
            pub fn code(self) -> u32 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The variant of a number in durable records.
            #[must_use]
            pub fn from_code(code: u32) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// The word in JSON, metrics and logs.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use codes;

codes! {
    /// Why a whole message was rejected at decoding.
    RejectionReason {
        /// No route of the profile matches the topic.
        NoRoute = 1 "no_route",
        /// The payload is larger than the bound.
        TooLarge = 2 "too_large",
        /// Not the dialect's syntax.
        Syntax = 3 "syntax",
        /// A field the dialect requires is absent.
        FieldMissing = 4 "field_missing",
        /// A field has the wrong type or is out of the dialect's range.
        FieldInvalid = 5 "field_invalid",
        /// A time stamp cannot be read.
        TimeInvalid = 6 "time_invalid",
        /// More items than the bound.
        TooManyItems = 7 "too_many_items",
        /// The message names no item.
        Empty = 8 "empty",
        /// The source is not in the profile and the stream is closed to strangers.
        UnknownSource = 9 "unknown_source",
        /// The compressed or nested payload exceeds a bound.
        Bounds = 10 "bounds",
    }
}

codes! {
    /// What a session-bound message is (Sparkplug B 3.0.0 §4.1).
    SessionKind {
        /// NBIRTH: the edge node and its metrics are born.
        NodeBirth = 1 "node_birth",
        /// NDEATH: the node's connection died.
        NodeDeath = 2 "node_death",
        /// NDATA.
        NodeData = 3 "node_data",
        /// DBIRTH: a device behind the node is born.
        DeviceBirth = 4 "device_birth",
        /// DDEATH.
        DeviceDeath = 5 "device_death",
        /// DDATA.
        DeviceData = 6 "device_data",
    }
}

/// The part of a session-bound message that ties it to its edge node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// What it is.
    pub kind: SessionKind,
    /// `seq`, 0…255 per node.
    pub sequence: Option<u8>,
    /// `bdSeq`: pairs a death with its birth.
    pub birth: Option<u64>,
    /// The edge node, `group/node`.
    pub node: String,
}

/// Bytes under a data key that is kept apart from log, snapshots and backups (AES-256-GCM).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The id of the key (class and day, or case).
    pub key: String,
    /// Random, stored.
    pub nonce: [u8; 12],
    /// Ciphertext and tag.
    pub ciphertext: bytes::Bytes,
    /// BLAKE3 of the plain bytes keyed with a key derived from the data key, first 16 bytes.
    pub payload_hash: [u8; 16],
}
