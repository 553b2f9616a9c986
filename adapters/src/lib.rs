//! The outside: one file per port and technology

mod bus_local;
mod clock_system;
mod log_segment;

pub use bus_local::{BUS_UPDATES_MAX, LocalBus};
pub use clock_system::{ScaledClock, SystemClock};
pub use log_segment::{
    LogConfig, LogFiles, LogIdentity, LogOpenError, RecoveryReport, SegmentLog, VerifyReport, verify as verify_log,
};

#[cfg(feature = "fault-injection")]
pub use log_segment::Fault;
