//! The analysts' worker: SQL over the sealed files of series and archive. It reads, and nothing else: no process of it
//! ever ingests, and what a question costs is bounded before and while it runs (docs/analyst.md).

mod answer;
mod child;
mod files;
mod job;
mod limits;
mod origin;
mod plan;
mod query;
mod serve;
mod statement;
mod tables;
mod wire;

pub use child::{CHILD_COMMAND, be_a_child};
pub use files::Catalogue;
pub use limits::Limits;
pub use query::{Answered, Asked, Worker};
pub use serve::{Places, ServeError, listen, serve};
pub use statement::judge;
pub use tables::{COLUMNS, Table};
