//! The outside: one file per port and technology

mod clock_system;

pub use clock_system::{ScaledClock, SystemClock};
