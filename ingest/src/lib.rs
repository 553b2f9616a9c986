//! The ingest room: bytes become durable records (route, decode, seal, append), and only then are they
//! acknowledged.
//!
//! [`Router`] and [`decode`] keep no state and judge nothing; they are total over all bytes. [`IngestRoom`]
//! gives every record its place and time in the log.

mod again;
mod decode;
mod imports;
mod mapping_test;
mod rebirth;
mod retention;
mod route;
mod seal;
mod service;
mod telemetry;

pub use again::{Again, decode_again};
pub use decode::{
    DecodeContext, Decoded, Dialect, ID_BYTES_MAX, ITEMS_MAX, NESTING_MAX, PERIOD_MAX, READINGS_MAX, decode,
};
pub use imports::{IMPORT_BYTES_MAX, IMPORT_ROWS_MAX, Imports};
pub use mapping_test::{MappingOutcome, MappingReport, run_mapping_tests};
pub use rebirth::{RebirthLimit, RebirthLimitSettings, sparkplug_rebirth};
pub use retention::{DueKey, JUMP_MAX, SETTLED_AFTER, due_keys};
pub use route::{Part, Router, SOURCE_BYTES_MAX, TOPIC_LEVELS_MAX, Taken, Turned};
pub use seal::{Opened, SealKey, UnsealError, open};
pub use service::{
    DESTROY_KEYS, IngestRoom, IngestSettings, KEYS_PER_PASS_MAX, REDECODE_RECORDS_MAX,
    TICKS_PER_REAL_SECOND_MAX,
};
