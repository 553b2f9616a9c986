//! In-memory versions of the ports, for tests and simulation.

mod bus;
mod clock;
mod ingest_link;

pub use bus::MemoryBus;
pub use clock::SteppedClock;
pub use ingest_link::{Recorded, RecordingIntake, Script, ScriptedLink, UNTIL_S_MAX};
