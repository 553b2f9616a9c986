//! Records become figures: admit, windows, indicators, thresholds. Pure: no async, clock, I/O, randomness.

mod accuracy;
mod admit;
mod adopt;
mod amend;
mod api;
mod badge;
mod beyond;
pub mod calculator;
mod calendar;
mod case_watch;
mod cases;
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
mod rerun;
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
mod statistic;
pub mod story;
mod sub_plan;
mod table;
mod takeover;
mod tick;
mod touch;
mod trace;
mod watch;

pub use amend::{LATE_KEPT_MAX, PINS_MAX, RESTATEMENTS_KEPT_MAX, RESTATES_PENDING_MAX};
pub use api::{
    Effects, EngineError, EngineSettings, Explained, RebirthRequest, RejectionLine, Revisions, SnapshotError,
    SourceLine,
};
pub use engine::{Engine, Loader, OtherRecords};

pub use rerun::Rerun;
pub use sub_plan::SubPlan;
pub use takeover::Foreseen;

/// The version of the rules in this crate; written into every Profile record.
pub const SEMANTICS: u32 = 3;
