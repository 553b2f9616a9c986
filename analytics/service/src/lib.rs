//! The hands of the engine: read the log, apply, publish, write rows, checkpoint last.
//!
//! The order is the guarantee. A snapshot is saved only after every row of the Ticks it stands on is durable, so a
//! crash repeats work and never skips it. The engine runs on a thread of its own; nothing waits for the screens.

mod catch_up;
mod keeping;
mod mutant;
mod past;
mod query;
mod row_writer;
mod service;
mod sink_follower;
mod telemetry;
mod windows;

pub use past::PastConfig;
pub use query::AnalysisHandle;
pub use service::{Analytics, Config, Fault, Parts, RebirthSink, ServiceError, Started, start};
pub use sink_follower::{SinkFollower, SinkPace};
