//! A seeded city: publishers of real wire formats, and replay of recordings.
//!
//! Everything is planned before it is sent: [`schedule`], [`backlog`] and [`Recordings::plan`] give the same
//! messages for the same input; [`run`] publishes them by the Clock port. [`load`] is the fast publisher of
//! tests and bench.

mod city;
mod disturb;
mod error;
mod journal;
pub mod load;
mod mqtt;
mod plan;
mod publish;
mod reading;
mod recordings;
mod run;
mod session;
mod sparkplug;
mod wire;

pub use city::{City, MESSAGES_MAX, backlog, schedule};
pub use disturb::{Disturbance, disorder_max, disturb};
pub use error::DemoError;
pub use plan::{Planned, PlannedKind};
pub use publish::{Counts, PublishConfig, publish};
pub use reading::{Measure, MeasureValue, Reading};
pub use recordings::{Attribution, Recordings, RowSet};
pub use run::{DemoConfig, DemoInput, DemoReport, run};
