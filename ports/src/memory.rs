//! In-memory versions of the ports, for tests and simulation.

mod clock;

pub use clock::SteppedClock;
