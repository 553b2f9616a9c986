//! The outside: one file per port and technology

mod bus_local;
mod clock_system;

pub use bus_local::{BUS_UPDATES_MAX, LocalBus};
pub use clock_system::{ScaledClock, SystemClock};
