//! Records become figures: admit, windows, indicators, thresholds. Pure: no async, clock, I/O, randomness.

mod admit;
mod adopt;
mod api;
mod badge;
pub mod calculator;
mod calendar;
mod cell;
mod derive;
mod duty;
mod engine;
mod lane;
mod level;
mod measure;
mod pack;
mod plan;
mod pulse;
mod query;
mod reading;
mod reports;
mod row;
mod run;
mod screen;
mod seen;
mod series;
mod session;
mod settle;
mod sketch;
mod snapshot;
mod source;
pub mod story;
mod table;
mod tick;
mod touch;
mod trace;
mod watch;

pub use api::{
    Effects, EngineError, EngineSettings, Explained, RebirthRequest, RejectionLine, SnapshotError, SourceLine,
};
pub use engine::{Engine, Loader, OtherRecords};

/// The version of the rules in this crate; written into every Profile record.
pub const SEMANTICS: u32 = 3;
