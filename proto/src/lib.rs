//! The vocabulary of Nhịp: every noun the rooms share, and its bytes.
//!
//! Nothing here reads a clock, a file or a socket. Generated protobuf types stay behind [`codec`] and [`wire`].

mod analyst;
mod badge;
mod codec;
mod decimal;
mod duty;
mod figure;
mod id;
mod item;
mod ledger;
mod message;
mod partition;
mod record;
mod time;
mod update;

pub use analyst::{
    ANALYST_FRAME_BYTES_MAX, AnalystCode, AnalystFormat, AnalystHead, AnalystQuestion, AnalystRefusal,
    AnalystReply, STATEMENT_BYTES_MAX,
};
pub use badge::{Badge, Share};
pub use codec::{CodecError, decode_record, decode_row, encode_record, encode_row};
pub use decimal::{Decimal, DecimalError, divide_half_even};
pub use duty::{Duty, DutyKind};
pub use figure::{Figure, FigureKey, Level, Origin, Provenance, Restatement, Row, RowCause, RowState};
pub use id::{AreaCode, IndicatorId, SourceId, StreamId};
pub use item::{Item, ItemFlags, ItemName, ItemValue, Place};
pub use ledger::{ItemReason, LedgerCounts, LedgerRow};
pub use message::{
    Dedication, Message, MessageBody, Rejection, RejectionReason, Sealed, Session, SessionKind,
};
pub use partition::{PARTITIONS, partition_of};
pub use record::{
    Command, Entry, Gap, GapCause, Logged, Offset, ProfileText, Record, Redecode, Restate, Tick, ZoneRules,
};
pub use time::{ArrivalTime, EventTime, MILLISECOND, MINUTE, SECOND, Span};
pub use update::{FigureUpdate, LinkState, SourceUpdate, Update};

/// Generated protobuf types of the wire dialects (not of the durable records).
pub mod wire {
    /// The native binary dialect.
    #[allow(missing_docs, unreachable_pub, clippy::all)]
    pub mod reading {
        include!(concat!(env!("OUT_DIR"), "/nhip.reading.v1.rs"));
    }
    /// Sparkplug B 3.0.0, the parts Nhịp reads and writes.
    #[allow(missing_docs, unreachable_pub, clippy::all)]
    pub mod sparkplug {
        include!(concat!(env!("OUT_DIR"), "/nhip.sparkplug.v1.rs"));
    }
}
