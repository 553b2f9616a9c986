//! The profile language: text to a checked, compiled description of one installation.
//!
//! Pure: reading the directory is the caller's. The same text always gives the same [`Profile`].

mod access;
mod builder;
mod calculators;
mod definition;
mod diff;
mod formula;
mod load;
mod mistake;
mod model;
mod path;
mod read;
mod remarks;
mod rollup;
mod span;
pub mod story;
mod unit;

pub use access::{named_zone, zone_rules};
pub use calculators::{CALCULATORS, CalculatorInput, CalculatorRule, CalculatorUnit, calculator};
pub use diff::{Difference, Edition, EntryChange, Fate, VersionChange, diff};
pub use load::{load, profile_files};
pub use mistake::{Mistake, check_report, nearest};
pub use model::*;
pub use path::{Path, Step};
pub use remarks::remarks;
pub use rollup::{CivilStep, RECIPROCAL_SCALE, TimeRollup};
pub use span::{parse_span, span_text};
pub use unit::{all_units, canonical_unit, convert, convertible, known_unit};
