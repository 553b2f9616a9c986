//! Records become figures: admit, windows, indicators, thresholds. Pure: no async, clock, I/O, randomness.

mod api;
mod engine;
pub mod story;

pub use api::{
    Effects, EngineError, EngineSettings, Explained, RebirthRequest, RejectionLine, SnapshotError, SourceLine,
};
pub use engine::Engine;

/// The version of the rules in this crate; written into every Profile record.
pub const SEMANTICS: u32 = 1;
