//! In-memory versions of the ports, for tests and simulation.

mod analyst;
mod bus;
mod clock;
mod event_log;
mod history;
mod import_index;
mod ingest_link;
mod key_store;
mod row_store;
mod series_sink;
mod state_store;
mod tokens;

pub use analyst::MemoryAnalyst;
pub use bus::MemoryBus;
pub use clock::SteppedClock;
pub use event_log::MemoryLog;
pub use import_index::MemoryImportIndex;
pub use ingest_link::{Recorded, RecordingIntake, Script, ScriptedLink, UNTIL_S_MAX};
pub use key_store::MemoryKeys;
pub use row_store::MemoryRows;
pub use series_sink::{MemoryPosition, MemorySink};
pub use state_store::MemoryStates;
pub use tokens::MemoryTokens;
